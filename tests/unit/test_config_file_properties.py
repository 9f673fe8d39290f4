from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqtui.config_file import new_config
from cqtui.errors import BadInputError
from cqtui.settings import Settings, parse_settings
from cqtui.toml.edit import changed
from cqtui.toml.lines import comments
from tests.unit.test_config_file import COMMENTED

HOSTILE = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    ['"', "'''", '"""', "\\", "]\n[budget]\nusd = 9\n", "# no", "\r\n", "\x7f\x00", "\u2028", "\ufeff"]
)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "current_model": HOSTILE,
        "use_case": HOSTILE,
        "logs": st.lists(HOSTILE, max_size=3).map(tuple),
        "traffic.monthly_request_volume": st.integers(1, 2**62),
        "budget.usd": st.decimals(0, 10**6, allow_nan=False, places=3),
        "judge.models": st.lists(HOSTILE, max_size=3).map(tuple),
        "gateway.base_url": HOSTILE,
    },
)


def at_name(settings: Settings, name: str) -> object:
    found: Any = settings
    for part in name.split("."):
        found = getattr(found, part)
    return found


@given(VALUES)
def test_a_new_file_says_exactly_the_values(values: dict[str, object]) -> None:
    settings = parse_settings(new_config(values))
    default = Settings()
    for name in ("current_model", "use_case", "logs", "judge.models", "budget.usd", "gateway.base_url"):
        assert at_name(settings, name) == values.get(name, at_name(default, name))
    assert settings.traffic.monthly_request_volume == values.get("traffic.monthly_request_volume")


@given(VALUES, st.none() | HOSTILE)
def test_an_edit_writes_what_it_was_given(values: dict[str, object], profile: str | None) -> None:
    prefix = () if profile is None else ("profiles", profile)
    after = changed(COMMENTED, {(*prefix, *name.split(".")): value for name, value in values.items()})
    assert not set(comments(COMMENTED)) - set(comments(after))
    if profile is not None and values:
        settings = parse_settings(after, profile=profile)
        assert tomllib.loads(after)["budget"] == {"usd": 2.0, "monthly_usd": 20}
    else:
        settings = parse_settings(after)
    for name, value in values.items():
        assert at_name(settings, name) == value


def test_a_new_file_explains_what_it_leaves_out() -> None:
    text = new_config({"current_model": "gpt-4o", "budget.usd": Decimal("2.50")})
    assert 'current_model = "gpt-4o"\n' in text
    assert "\nusd = 2.50\n" in text
    assert '\n# logs = ["logs/*.jsonl"]\n' in text
    with pytest.raises(BadInputError, match='"budget" is no setting of a new file'):
        new_config({"budget": 1})
