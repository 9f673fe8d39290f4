import json
from decimal import Decimal
from pathlib import Path

import pytest

from cqtui.errors import BadInputError
from cqtui.settings import database_path, hosted_slug, load_settings, parse_settings, provider_api_key


def test_an_unknown_key_names_file_line_and_nearest_name() -> None:
    with pytest.raises(BadInputError) as caught:
        parse_settings('current_model = "gpt-4o"\n\n[constraints]\nmax_latency = 3\n')
    assert str(caught.value) == 'cqtui.toml:4: unknown key "max_latency". Did you mean "max_latency_ms"?'


def test_a_value_out_of_range_names_its_line() -> None:
    with pytest.raises(BadInputError, match=r"^cqtui\.toml:2: budget\.usd: .*greater than or equal to 0.*-1"):
        parse_settings("[budget]\nusd = -1\n")


def test_broken_toml_is_one_line() -> None:
    with pytest.raises(BadInputError, match="not TOML") as caught:
        parse_settings("current_model = \n")
    assert "\n" not in str(caught.value)


def test_an_option_of_the_command_is_not_a_key() -> None:
    with pytest.raises(BadInputError, match="--n-top"):
        parse_settings("n_top = 4\n")


def test_money_is_decimal_and_the_command_line_wins(tmp_path: Path) -> None:
    config = tmp_path / "team ü.toml"
    config.write_text("[budget]\nusd = 0.1\n", encoding="utf-8")
    assert load_settings(config).budget.usd == Decimal("0.1")
    assert load_settings(config, {"budget.usd": "2.5", "seed": None}).budget.usd == Decimal("2.5")
    with pytest.raises(BadInputError, match=r"^usd: .*-2"):
        load_settings(config, {"budget.usd": "-2"})


def test_a_named_configuration_must_exist(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such file"):
        load_settings(tmp_path / "missing.toml")


def test_environment_names() -> None:
    assert database_path({"DATABASE_PATH": "/a.db", "CQTUI_DATABASE": "/b.db"}) == Path("/b.db")
    assert database_path({}) == Path(".cqtui/cqtui.db")
    assert provider_api_key("mistral-ai", {"MISTRAL_AI_API_KEY": "k"}) == "k"


def test_text_is_kept_unless_the_settings_say_otherwise() -> None:
    assert parse_settings("").store.keep_text is True
    assert parse_settings("[store]\nkeep_text = false\n").store.keep_text is False
    with pytest.raises(BadInputError, match=r'unknown key "keep_texts"\. Did you mean "keep_text"\?'):
        parse_settings("[store]\nkeep_texts = false\n")


def test_a_guardrail_set_is_handed_on_as_json_knows_it() -> None:
    text = (
        '[guardrails.pii.config]\ninput_guardrails = [{ "acme.pii" = { threshold = 0.5, words = ["a"], most = 3 } }]\n'
    )
    found = parse_settings(text).guardrails["pii"].for_gateway()
    assert found == {"input_guardrails": [{"acme.pii": {"threshold": 0.5, "words": ["a"], "most": 3}}]}
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    ("slugs", "slug"),
    [
        ({}, "@openai"),
        ({"openai": "prod"}, "@prod"),
        ({"openai": "prod", "openai/gpt-5.6-luna": "@canary"}, "@canary"),
    ],
)
def test_a_hosted_slug_is_the_models_before_the_providers(slugs: dict[str, str], slug: str) -> None:
    assert hosted_slug(slugs, "openai/gpt-5.6-luna", "openai") == slug
