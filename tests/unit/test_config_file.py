from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqtui.config_file import edit_config, edit_model
from cqtui.errors import BadInputError
from cqtui.registry.loader import load_registry
from cqtui.settings import Settings, load_settings, parse_settings
from cqtui.toml.edit import changed, literal
from cqtui.toml.lines import comments, statements

COMMENTED = """\
# Settings of the desk, "quoted" # twice
current_model = 'gpt-4o'   # single quotes
logs = [
  "a#b.jsonl", # not a comment inside the quotes
  'c.jsonl',
]

  [traffic] # indented
  monthly_request_volume = 120_000 # a thousand calls or so

# The money
[budget]
usd = 2.00# close
monthly_usd=20

[judge]
models = ["a", "b"]
# mode = "checks"

[guardrails."no.cards".config]
text = \"\"\"
[budget]
usd = 5 # inside a text
\"\"\"
"""


def edited(path: Path, text: str, changes: Mapping[str, object | None], profile: str | None = None) -> str:
    path.write_bytes(text.encode())
    edit_config(path, changes, profile=profile)
    return path.read_bytes().decode()


def check_registry(settings: Settings) -> object:
    return load_registry(settings.models, today=settings.as_of)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "cqtui.toml"


ONE_LINE: list[tuple[str, object, str]] = [
    ("current_model", "o\"'\\]", "current_model = "),
    ("traffic.monthly_request_volume", 7, "  monthly_request_volume = "),
    ("budget.usd", Decimal("0.30"), "usd = 2.00#"),
    ("budget.monthly_usd", Decimal("1E+2"), "monthly_usd="),
    ("judge.models", ("x", "]#"), 'models = ["a"'),
]


@given(
    chosen=st.sampled_from(ONE_LINE),
    notes=st.lists(st.text(st.characters(exclude_categories=("Cc", "Cs"))), max_size=4),
    at=st.integers(0, 7),
    crlf=st.booleans(),
)
def test_one_change_changes_one_line(chosen: tuple[str, object, str], notes: list[str], at: int, crlf: bool) -> None:
    name, value, start = chosen
    places = [0, 1, 2, 6, 9, 11, 15, 18]
    lines = COMMENTED.splitlines()
    lines[places[at] : places[at]] = [f"# {note}" for note in notes]
    newline = "\r\n" if crlf else "\n"
    text = newline.join(lines) + newline
    after = changed(text, {tuple(name.split(".")): value}).split(newline)
    before = text.split(newline)
    assert len(after) == len(before)
    differing = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(differing) == 1
    assert differing[0][0].startswith(start)
    assert literal(value) in differing[0][1]
    assert comments(differing[0][0]) == comments(differing[0][1])


def test_a_text_comes_apart_without_losing_a_byte() -> None:
    found = statements(COMMENTED)
    assert "".join(statement.text for statement in found) == COMMENTED
    assert [s.path for s in found if s.kind == "entry"][-3:] == [
        ("budget", "monthly_usd"),
        ("judge", "models"),
        ("guardrails", "no.cards", "config", "text"),
    ]


@pytest.mark.parametrize(
    ("before", "changes", "after"),
    [
        ("budget = { usd = 1 } # c\n", {"budget.usd": Decimal("0.5")}, "budget = { usd = 0.5 } # c\n"),
        ("budget = {usd = 1}\n", {"budget.monthly_usd": 3}, "budget = {usd = 1, monthly_usd = 3}\n"),
        ("budget = { usd = 1, monthly_usd = 2 }\n", {"budget.usd": None}, "budget = { monthly_usd = 2 }\n"),
        ("budget = { usd = 1 }\n", {"budget.usd": None}, "budget = {}\n"),
        ("gateway = {}\n", {"gateway.slugs.a": "b"}, 'gateway = { slugs = { a = "b" } }\n'),
        ("budget.usd = 1 # c\n", {"budget.usd": 2}, "budget.usd = 2 # c\n"),
        ("budget.usd = 1\n", {"budget.monthly_usd": 2}, "budget.usd = 1\nbudget.monthly_usd = 2\n"),
        ("# Ours.\n\n# Money\n[budget]\n", {"use_case": "x"}, '# Ours.\nuse_case = "x"\n\n# Money\n[budget]\n'),
        ("# Money\n[budget]\n", {"use_case": "x"}, 'use_case = "x"\n\n# Money\n[budget]\n'),
        ("[budget]\nusd = 1", {"budget.monthly_usd": 2}, "[budget]\nusd = 1\nmonthly_usd = 2"),
        ("[budget]\n# m\n\n# J\n[judge]\n", {"budget.usd": 2}, "[budget]\n# m\nusd = 2\n\n# J\n[judge]\n"),
        ("use_case = 'a'\n", {"judge.mode": "checks"}, "use_case = 'a'\n\n[judge]\nmode = \"checks\"\n"),
        ("", {"budget.usd": 2}, "[budget]\nusd = 2\n"),
        # what goes leaves its comments
        ("[budget]\nusd = 1 # mine\n", {"budget.usd": None}, "[budget]\n# mine\n"),
        ("[budget] # mine\nusd = 1\n", {"budget.usd": None}, "[budget] # mine\n"),
        ("[budget]\nusd = 1\n\n# J\n[judge]\n", {"budget.usd": None}, "# J\n[judge]\n"),
        ("use_case='a'\n\n[budget]\nusd = 1\n", {"budget.usd": None}, "use_case='a'\n"),
        ("[judge]\nmodels = [ # x\n 'a', # y\n]\n", {"judge.models": ["b"]}, '[judge]\n# x\n# y\nmodels = ["b"]\n'),
        ('[guardrails.x] # h\nid = "a" # i\n\n[budget]\n', {"guardrails.x": None}, "# h\n# i\n\n[budget]\n"),
        ("use_case = 'a'\n", {"budget.usd": None}, "use_case = 'a'\n"),
        # equal values stay as they are written
        ("[budget]\nusd = 2.00\n", {"budget.usd": Decimal(2)}, "[budget]\nusd = 2.00\n"),
        # a table for a table
        (
            "[guardrails.x.config]\na = 1 # k\nb = 2\n[budget]\n",
            {"guardrails.x.config": {"a": 2, "c": [{"d": Decimal("0.5")}]}},
            "[guardrails.x.config]\na = 2 # k\nc = [{ d = 0.5 }]\n[budget]\n",
        ),
        ("[guardrails.x]\nid = 'a'\n", {"guardrails.x.id": None, "guardrails.x.config": {"b": 1}}, None),
        (COMMENTED, {'guardrails."no.cards".config': {"text": "t"}}, None),
        ("", {'gateway.slugs."openai/gpt-5.6"': "prod"}, '[gateway.slugs]\n"openai/gpt-5.6" = "prod"\n'),
    ],
)
def test_edits(config: Path, before: str, changes: dict[str, object | None], after: str | None) -> None:
    found = edited(config, before, changes)
    assert after is None or found == after
    assert not set(comments(before)) - set(comments(found))
    assert edited(config, found, changes) == found


def test_decimals_are_written_as_typed(config: Path) -> None:
    settings = edit_config(config, {"budget.usd": Decimal("0.30"), "thresholds.alpha": Decimal("0.050")})
    assert config.read_text(encoding="utf-8") == "[budget]\nusd = 0.30\n\n[thresholds]\nalpha = 0.050\n"
    assert settings.budget.usd == Decimal("0.3")
    assert literal(Decimal("0.1") + Decimal("0.2")) == "0.3"


def test_a_profile_is_edited_under_its_own_name(config: Path) -> None:
    text = edited(config, "[budget]\nusd = 1\n", {"budget.usd": 2, "use_case": "x"}, profile="ni ght")
    assert text.startswith("[budget]\nusd = 1\n")
    assert parse_settings(text).budget.usd == 1
    chosen = edit_config(config, {"use_case": None}, profile="ni ght")
    assert chosen.budget.usd == 2
    assert (chosen.use_case, chosen.profile) == ("general", "ni ght")
    assert edit_config(config, {"budget.usd": None}, profile="ni ght").profile == "ni ght"
    assert edit_config(config, {}, profile="new").profile == "new"


@pytest.mark.parametrize(
    "text", ["profiles = {}\n", "profiles.a.budget.usd = 1\n", "[profiles.a.judge]\nmode = 'checks'\n[budget]\nusd=3\n"]
)
def test_a_profile_goes_where_the_file_has_profiles(config: Path, text: str) -> None:
    config.write_text(text, encoding="utf-8")
    settings = edit_config(config, {"budget.usd": 2, "use_case": "x", "cache.evaluation_ttl_s": 1}, profile="a")
    assert settings.budget.usd == 2
    assert (settings.use_case, settings.cache.evaluation_ttl_s) == ("x", 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budget.usd": -1}, "budget.usd: input should be greater than or equal to 0 (found -1)."),
        ({"budget.usd": Decimal("-0.5")}, "budget.usd: input should be greater than or equal to 0 (found -0.5)."),
        ({"judge.mode": "odd"}, "judge.mode: input should be 'side_by_side', 'pointwise' or 'checks'"),
        ({"budgt.usd": 1}, 'unknown key "budgt". Did you mean "budget"?'),
        ({"seed": 1}, '"seed" is an option of the command. Use --seed.'),
        ({"use_case.x": 1}, 'use_case.x: There is no "x" in a list or a value.'),
        ({"budget.usd": Decimal("nan")}, "budget.usd: NaN is not a number."),
        ({"budget.usd": 10**5000}, "budget.usd: The number is too large."),
        ({"use_case": "\ud800"}, "use_case: '\\ud800' is not text that UTF-8 can hold."),
        ({"use_case": object()}, "use_case: A object cannot be written"),
        ({"logs.x": 1}, 'logs.x: There is no "x" in a list or a value.'),
        ({"budget": 3}, "budget: cannot be changed"),
        ({"": 3}, "is not a dotted name"),
        ({"budget..usd": 3}, "is not a dotted name"),
        ({'budget."usd': 3}, "is not a dotted name"),
    ],
)
def test_a_bad_value_leaves_the_file(config: Path, changes: dict[str, object | None], message: str) -> None:
    config.write_text(f"use_case = 'x'\n{COMMENTED}", encoding="utf-8")
    os.utime(config, (1, 1))
    before = config.read_bytes()
    with pytest.raises(BadInputError) as caught:
        edit_config(config, changes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (config.read_bytes(), config.stat().st_mtime) == (before, 1)
    assert os.listdir(config.parent) == ["cqtui.toml"]


def test_what_was_wrong_before_is_said_with_its_line(config: Path) -> None:
    with pytest.raises(BadInputError, match=r'cqtui\.toml:2: unknown key "usdx"'):
        edited(config, "[budget]\nusdx = 1\n", {"budget.usd": 2})
    with pytest.raises(BadInputError, match="not TOML"):
        edited(config, "[budget\n", {"budget.usd": 2})
    assert edited(config, "[budget]\nusd = -1 # c\n", {"budget.usd": 2}) == "[budget]\nusd = 2 # c\n"


def test_line_endings_and_a_byte_order_mark_stay(config: Path) -> None:
    text = "\ufeff# a\r\n[budget]\r\nusd = 1 # b\r\n"
    assert edited(config, text, {"budget.usd": 2, "use_case": "x\ny"}) == (
        '\ufeffuse_case = "x\\ny"\r\n\r\n# a\r\n[budget]\r\nusd = 2 # b\r\n'
    )
    assert load_settings(config).budget.usd == 2
    assert edited(config, "use_case = 'a'\r\n[budget]\nusd = 1\n", {"budget.usd": 2}) == (
        "use_case = 'a'\r\n[budget]\nusd = 2\n"
    )


def test_a_file_that_is_not_text_is_one_line(config: Path) -> None:
    config.write_bytes(b"use_case = '\xff'\n")
    with pytest.raises(BadInputError, match="not UTF-8"):
        edit_config(config, {"budget.usd": 2})
    with pytest.raises(BadInputError, match="not UTF-8"):
        load_settings(config)
    with pytest.raises(BadInputError, match="Is a directory"):
        edit_config(config.parent, {"budget.usd": 2})


def test_mode_and_link_stay(config: Path) -> None:
    target = config.parent / "shared" / "team.toml"
    target.parent.mkdir()
    target.write_text("[budget]\nusd = 1\n", encoding="utf-8")
    target.chmod(0o640)
    config.symlink_to(target)
    edit_config(config, {"budget.usd": 2})
    assert config.is_symlink()
    assert target.read_text(encoding="utf-8") == "[budget]\nusd = 2\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert os.listdir(target.parent) == ["team.toml"]


def test_what_cannot_be_written_is_one_line(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text("[budget]\nusd = 1\n", encoding="utf-8")
    config.chmod(0o444)
    with pytest.raises(BadInputError, match="read-only"):
        edit_config(config, {"budget.usd": 2})
    config.chmod(0o644)
    with pytest.raises(BadInputError, match=r"Not a directory|File exists"):
        edit_config(config / "inner.toml", {"budget.usd": 2})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BadInputError, match="No space left"):
        edit_config(config, {"budget.usd": 2})
    assert config.read_text(encoding="utf-8") == "[budget]\nusd = 1\n"
    assert os.listdir(config.parent) == ["cqtui.toml"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_one_line(config: Path) -> None:
    config.write_text("[budget]\nusd = 1\n", encoding="utf-8")
    config.parent.chmod(0o555)
    try:
        with pytest.raises(BadInputError, match="Permission denied"):
            edit_config(config, {"budget.usd": 2})
    finally:
        config.parent.chmod(0o755)


def test_what_another_program_wrote_in_between_stays(config: Path) -> None:
    config.write_text('[[models]]\nid = "team/a"\n', encoding="utf-8")
    seen: list[Settings] = []

    def interrupted(settings: Settings) -> None:
        seen.append(settings)
        if len(seen) == 1:
            config.write_text('use_case = "theirs"\n[[models]]\nid = "team/a"\n', encoding="utf-8")

    edit_model(config, "team/a", {"price.input": 1}, check=interrupted)
    assert len(seen) == 2
    assert load_settings(config).use_case == "theirs"
    assert load_settings(config).models == ({"id": "team/a", "price": {"input": 1}},)

    def restless(settings: Settings) -> None:
        config.write_text(config.read_text(encoding="utf-8") + "#\n", encoding="utf-8")

    with pytest.raises(BadInputError, match="keeps changing"):
        edit_model(config, "team/a", {"price.input": 2}, check=restless)


MODELS = """\
[[models]]
id = "Team/A" # ours
[models.price]
input = 1.00 # list price
output = 2.0

[budget]
usd = 1

[[models]]
id = "team/b"
price = { input = 1.0, output = 2.0 }
"""


def test_a_model_is_found_by_its_id_wherever_it_stands(config: Path) -> None:
    config.write_text(MODELS, encoding="utf-8")
    edit_model(config, "team/a", {"price.input": Decimal("1.50"), "context_window": 9000}, check=check_registry)
    edit_model(config, "TEAM/B", {"price.output": Decimal("2.50")}, check=check_registry)
    text = MODELS.replace("input = 1.00", "input = 1.50").replace("output = 2.0 }", "output = 2.50 }")
    assert config.read_text(encoding="utf-8") == text.replace("# ours\n", "# ours\ncontext_window = 9000\n")


@pytest.mark.parametrize("before", ["", "# c", MODELS, 'models = [{ id = "x/y" }] # c\n', "models = []\n", "a = 1\r\n"])
def test_a_model_that_is_not_there_is_added(config: Path, before: str) -> None:
    config.write_bytes(before.replace("a = 1", "use_case = 'a'").encode())
    changes = {"price.input": Decimal("0.10"), "price.output": 1, "aliases": ["n"]}
    settings = edit_model(config, "openai/new", changes, check=check_registry)
    assert settings.models[-1] == {
        "id": "openai/new",
        "price": {"input": Decimal("0.1"), "output": 1},
        "aliases": ["n"],
    }
    assert not set(comments(before)) - set(comments(config.read_text(encoding="utf-8")))


def test_a_model_that_the_registry_refuses_is_not_written(config: Path) -> None:
    config.write_text(MODELS, encoding="utf-8")
    with pytest.raises(BadInputError, match=r"price\.input 5000 looks like a per-1K mistake"):
        edit_model(config, "team/a", {"price.input": 5000}, check=check_registry)
    with pytest.raises(BadInputError, match="unknown key contextwindow"):
        edit_model(config, "team/a", {"contextwindow": 1}, check=check_registry)
    edit_model(config, "team/c", {"price.input": None}, check=check_registry)
    assert config.read_text(encoding="utf-8") == MODELS
