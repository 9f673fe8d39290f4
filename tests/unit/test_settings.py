import json
from decimal import Decimal
from pathlib import Path

import pytest

from cqtui.environment import database_path, hosted_slug, provider_api_key
from cqtui.errors import BadInputError
from cqtui.settings import load_settings, parse_settings, profile_names


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


PROFILES = """\
use_case = "support"
logs = ["a.jsonl", "b.jsonl"]

[traffic]
batch_share = 0.4

[budget]
usd = 1
monthly_usd = 20

[guardrails.pii]
id = "pc-1"
[guardrails.house]
id = "pc-2"

[gateway]
slugs = { openai = "a", google = "g" }

[[models]]
id = "team/a"

[profiles.nightly]
logs = ["n.jsonl"]
budget.usd = 5
gateway.slugs.openai = "b"
[profiles.nightly.guardrails.pii.config]
deny = true

[profiles.plain]
"""


def test_a_profile_is_laid_over_the_base_key_by_key() -> None:
    settings = parse_settings(PROFILES, profile="nightly")
    assert settings.budget.usd == 5
    assert settings.budget.monthly_usd == 20
    assert settings.logs == ("n.jsonl",)
    assert settings.use_case == "support"
    assert settings.gateway.slugs == {"openai": "b", "google": "g"}
    assert settings.guardrails["pii"].for_gateway() == {"deny": True}
    assert settings.guardrails["house"].for_gateway() == "pc-2"
    assert settings.models == ({"id": "team/a"},)
    assert settings.profile == "nightly"
    assert parse_settings(PROFILES).profile is None
    assert parse_settings(PROFILES).budget.usd == 1


def test_the_command_line_wins_over_a_profile(tmp_path: Path) -> None:
    config = tmp_path / "cqtui.toml"
    config.write_text(PROFILES, encoding="utf-8")
    settings = load_settings(config, {"budget.usd": "7", "seed": 3}, profile="nightly")
    assert settings.budget.usd == 7
    assert settings.budget.monthly_usd == 20
    assert (settings.seed, settings.profile) == (3, "nightly")
    assert profile_names(config) == ("nightly", "plain")
    assert profile_names(None) == ()
    with pytest.raises(BadInputError, match="no such file"):
        profile_names(tmp_path / "missing.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[budget]\nusd = 1\n[profiles.a.budget]\nusdd = 2\n", ':4: unknown key "usdd". Did you mean "usd"?'),
        ("[budget]\nusd = 1\n[profiles.a]\nbudget.usd = -2\n", ":4: profiles.a.budget.usd: input should be greater"),
        (
            "[profiles.a]\nbudget = { usd = -2.5 }\n",
            ":2: profiles.a.budget.usd: input should be greater",
        ),
        ("[profiles.a]\nbudget = 2\n", ":2: profiles.a.budget: input should be a valid dictionary"),
        ("[profiles.a]\nbudgt = 2\n", ':2: unknown key "budgt". Did you mean "budget"?'),
        ("[profiles.a.profiles.b]\n", ":1: a profile holds no profiles."),
        ("[profiles.a]\nprofile = 'b'\n", ':2: "profile" is an option of the command. Use --profile.'),
        ("profile = 'b'\n", ':1: "profile" is an option of the command. Use --profile.'),
        ("\n[profile.b]\n", ':2: unknown key "profile". Did you mean "profiles"?'),
        ("\n[profle.b]\n", ':2: unknown key "profle". Did you mean "profiles"?'),
        ("seed = 1\n[profiles.a]\nseed = 2\n", ':1: "seed" is an option of the command.'),
        ("[profiles.a]\n\nn_top = 2\n", ':3: "n_top" is an option of the command. Use --n-top.'),
        ("profiles = 3\n", ':1: "profiles" is not a table.'),
        ("[profiles]\na = 3\n", ':2: "profiles.a" is not a table.'),
        ('[profiles."a\\nb"]\nbudgt = 3\n', ':2: unknown key "budgt".'),
        (
            "[traffic]\nbatch_share = 0.4\n[profiles.a.traffic]\nbatch_segments = ['n']\n",
            ":3: profiles.a.traffic: give either batch_share or batch_segments",
        ),
    ],
)
def test_every_profile_is_checked_also_when_it_is_not_in_use(text: str, message: str) -> None:
    with pytest.raises(BadInputError) as caught:
        parse_settings(text)
    assert str(caught.value).startswith(f"cqtui.toml{message}")
    assert "\n" not in str(caught.value)


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(BadInputError, match=r'^cqtui\.toml: no profile "nigthly"\. Did you mean "nightly"\?$'):
        parse_settings(PROFILES, profile="nigthly")
    with pytest.raises(BadInputError, match=r"Known here: nightly, plain\.$"):
        parse_settings(PROFILES, profile="x")
    with pytest.raises(BadInputError, match=r"It defines none: write \[profiles\.NAME\]\.$"):
        load_settings(None, profile="x")


@pytest.mark.parametrize("text", ["x = " + "[" * 5000, "[budget]\nusd = 1" + "0" * 5000, "seed = 1e" + "9" * 30])
def test_toml_beyond_all_measure_is_one_line(text: str) -> None:
    with pytest.raises(BadInputError) as caught:
        parse_settings(text)
    assert "\n" not in str(caught.value)


def test_the_line_named_is_the_one_meant() -> None:
    text = 'use_case = """\n[budget]\nusd = -1\n"""\n[constraints]\n[cache]\n["budget"] # x\n"usd" = -1\n'
    with pytest.raises(BadInputError, match=r"^cqtui\.toml:8: budget\.usd"):
        parse_settings(text)


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    config = tmp_path / "cqtui.toml"
    config.write_bytes(b"\xef\xbb\xbf[budget]\r\nusd = 3\r\n")
    assert load_settings(config).budget.usd == 3
