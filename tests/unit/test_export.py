"""The exported config: weights, fallback, guardrails, segments, addresses, keys, and what is refused."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from cqtui.errors import BadInputError
from cqtui.report.export import (
    FALLBACK_STATUS_CODES,
    ExportOptions,
    SegmentRoute,
    config_text,
    placeholders,
    portkey_config,
)
from cqtui.results import Recommendation
from cqtui.settings import Settings, parse_settings
from tests.fakes import model_entry, pairs
from tests.results import CURRENT, NEW, recommendation

RUN = recommendation()
HOSTED = ExportOptions(target="hosted")
LUNA = model_entry(NEW, "1", "2")
HAIKU = model_entry("anthropic/claude-haiku", "1", "2")
GUARDED = """
[guardrails.cards.config]
input_guardrails = [{ "default.regexMatch" = { rule = "[ 1, 2 ]", not = true, share = 0.5 }, deny = true }]
"""


def config(
    result: Recommendation = RUN, settings: str = "", options: ExportOptions | None = None, **more: Any
) -> dict[str, Any]:
    return portkey_config(result, parse_settings(settings), options or ExportOptions(**more))


def guarded(settings: str, options: ExportOptions | None = None) -> dict[str, Any]:
    return config(RUN.model_copy(update={"guardrail_set": "cards"}), settings, options)


def new_target(found: dict[str, Any]) -> dict[str, Any]:
    target: dict[str, Any] = found["targets"][1]["targets"][0]
    return target


def test_the_run_is_a_switch() -> None:
    assert RUN.grade == "verified"
    assert recommendation(pairs(60, drop=1.0)).grade == "leaning"


def test_five_percent_by_default_with_the_current_model_behind_the_new_one() -> None:
    openai: dict[str, Any] = {"provider": "openai", "api_key": "", "forward_headers": ["authorization"]}
    current = {**openai, "override_params": {"model": "gpt-5.6-terra"}}
    assert config() == {
        "strategy": {"mode": "loadbalance"},
        "targets": [
            {"name": "current", "weight": 0.95, **current},
            {
                "name": "new",
                "weight": 0.05,
                "strategy": {"mode": "fallback", "on_status_codes": list(FALLBACK_STATUS_CODES)},
                "targets": [
                    {**openai, "override_params": {"model": "gpt-5.6-luna"}, "request_timeout": 120_000},
                    current,
                ],
            },
        ],
    }


@pytest.mark.parametrize("percent", ["0", "0.001", "5", "12.5", "33.3", "50", "99.9", "100"])
def test_weights_add_up_to_one(percent: str) -> None:
    found = config(canary_percent=Decimal(percent))
    weights = [Decimal(str(target["weight"])) for target in found["targets"]]
    assert sum(weights) == 1
    assert weights[1] == Decimal(percent) / 100
    assert json.loads(config_text(found)) == found


@pytest.mark.parametrize("percent", ["-1", "100.1", "NaN", "Infinity"])
def test_a_share_that_is_none_is_refused(percent: str) -> None:
    with pytest.raises(BadInputError, match="0 to 100"):
        config(canary_percent=Decimal(percent))


def test_the_text_is_ascii_and_keeps_texts_as_they_are() -> None:
    route = SegmentRoute("zusammenfassen für [ 1,\n 2 ]", "feature", LUNA)
    found = config(segments=(route,))
    text = config_text(found)
    assert text.isascii()
    assert json.loads(text) == found
    assert "[400, 401, 403," in text


def test_hosted_models_are_addressed_by_the_teams_slugs() -> None:
    slugs = f'[gateway]\ncustom_host = "http://127.0.0.1:9/v1"\n[gateway.slugs]\nopenai = "@prod"\n"{NEW}" = "canary"\n'
    text = config_text(config(settings=slugs, options=HOSTED))
    assert re.findall(r'"model": "([^"]+)"', text) == [
        "@prod/gpt-5.6-terra",
        "@canary/gpt-5.6-luna",
        "@prod/gpt-5.6-terra",
    ]
    assert not re.search("api_key|custom_host|provider|forward", text)


def test_one_provider_takes_the_callers_header_and_two_take_placeholders() -> None:
    assert placeholders(config()) == ()
    other = recommendation(model_id="mistral-ai/small")
    found = config(other, '[gateway]\ncustom_host = "http://127.0.0.1:9/v1"\n')
    assert placeholders(found) == ("OPENAI_API_KEY", "MISTRAL_AI_API_KEY")
    assert new_target(found)["api_key"] == "${MISTRAL_AI_API_KEY}"
    assert "forward_headers" not in config_text(found)
    assert config_text(found).count('"custom_host": "http://127.0.0.1:9/v1"') == 3


def test_a_provider_whose_key_is_no_bearer_token_takes_a_placeholder() -> None:
    result = recommendation(model_id="anthropic/claude-haiku", current=HAIKU)
    assert placeholders(config(result)) == ("ANTHROPIC_API_KEY",)


def test_the_guardrail_set_guards_the_new_model_alone_and_what_it_blocks_stays_blocked() -> None:
    found = guarded(GUARDED)
    assert new_target(found)["input_guardrails"] == [
        {"default.regexMatch": {"rule": "[ 1, 2 ]", "not": True, "share": 0.5}, "deny": True}
    ]
    assert found["targets"][1]["strategy"]["on_status_codes"] == [*FALLBACK_STATUS_CODES]
    assert config_text(found).count("input_guardrails") == 1
    assert json.loads(config_text(found)) == found
    assert 446 not in FALLBACK_STATUS_CODES


def test_keys_in_a_guardrail_set_are_left_out() -> None:
    text = """
    [[guardrails.cards.config.output_guardrails]]
    "default.webhook" = { webhookURL = "https://a.example", headers = { Authorization = "Bearer s1" } }
    [[guardrails.cards.config.before_request_hooks]]
    type = "guardrail"
    [[guardrails.cards.config.before_request_hooks.checks]]
    id = "acme.scan"
    parameters = { credentials = { apiKey = "s2", domain = "s3" }, clientSecret = "s4", maxTokenAge = "1d" }
    [guardrails.cards.config.retry]
    api_key = "s5"
    """
    found = guarded(text)
    assert not re.search(r"\bs[1-5]\b", config_text(found))
    assert placeholders(found) == ("AUTHORIZATION", "API_KEY", "DOMAIN", "CLIENT_SECRET")
    assert "https://a.example" in config_text(found)
    assert '"maxTokenAge": "1d"' in config_text(found)


def test_a_saved_set_is_named_for_hosted_portkey_and_refused_for_the_open_source_gateway() -> None:
    saved = '[guardrails.cards]\nid = "pc-house-1a2b3c"\n'
    found = guarded(saved, HOSTED)
    assert new_target(found)["input_guardrails"] == ["${input_guardrails of pc-house-1a2b3c}"]
    with pytest.raises(BadInputError, match="saved id"):
        guarded(saved)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("", "does not have"),
        ('[guardrails.cards.config]\ninput_guardrails = ["pg-1"]\n', "saved guardrails"),
        ('[guardrails.cards.config]\nbefore_request_hooks = [{ id = "pg-1" }]\n', "saved guardrails"),
        ("[guardrails.cards.config]\nretry = { attempts = 3 }\n", "no guardrail"),
        ('[guardrails.cards.config]\nstrategy = { mode = "single" }\n', "routes by itself"),
    ],
)
def test_a_guardrail_set_that_cannot_be_what_was_measured_is_refused(settings: str, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        guarded(settings)


def test_saved_guardrails_stay_for_hosted_portkey() -> None:
    found = guarded('[guardrails.cards.config]\ninput_guardrails = ["pg-1"]\n', HOSTED)
    assert new_target(found)["input_guardrails"] == ["pg-1"]


def test_segments_become_conditions_on_metadata() -> None:
    segments = (
        SegmentRoute("summarise", "feature", LUNA),
        SegmentRoute("tag", "feature", LUNA),
        SegmentRoute("legal", "feature", CURRENT),
        SegmentRoute("free", "plan", HAIKU),
        SegmentRoute("tag", "feature", LUNA),
    )
    result = RUN.model_copy(update={"guardrail_set": "cards"})
    found = config(result, GUARDED, segments=segments, canary_percent=Decimal(100))
    assert found["strategy"] == {
        "mode": "conditional",
        "conditions": [
            {"query": {"metadata.feature": {"$in": ["summarise", "tag"]}}, "then": NEW},
            {"query": {"metadata.feature": {"$in": ["legal"]}}, "then": "current"},
            {"query": {"metadata.plan": {"$in": ["free"]}}, "then": "anthropic/claude-haiku"},
        ],
        "default": "current",
    }
    assert [target["name"] for target in found["targets"]] == ["current", NEW, "anthropic/claude-haiku"]
    assert found["targets"][0]["override_params"] == {"model": "gpt-5.6-terra"}
    luna, haiku = found["targets"][1:]
    assert [target["weight"] for target in luna["targets"]] == [0, 1]
    assert "input_guardrails" in new_target(luna)
    # The set was measured with the recommended model alone.
    assert "input_guardrails" not in new_target(haiku)
    assert haiku["targets"][1]["strategy"]["on_status_codes"] == list(FALLBACK_STATUS_CODES)
    assert new_target(haiku)["override_params"] == {"model": "claude-haiku"}


@pytest.mark.parametrize(
    ("segments", "words"),
    [
        ((SegmentRoute("a", "feature.name", LUNA),), "flat metadata"),
        ((SegmentRoute("a", "", LUNA),), "flat metadata"),
        ((SegmentRoute("a" * 129, "feature", LUNA),), "128 characters"),
        ((SegmentRoute("a", "feature", LUNA), SegmentRoute("a", "feature", HAIKU)), "two models"),
    ],
)
def test_segments_that_no_metadata_can_tell(segments: tuple[SegmentRoute, ...], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        config(segments=segments)


def test_a_rehearsal_is_refused_segments_or_not() -> None:
    rehearsal = RUN.model_copy(update={"provider": "rehearsal"})
    for segments in ((), (SegmentRoute("a", "feature", LUNA),)):
        with pytest.raises(BadInputError, match="rehearsal: simulated"):
            config(rehearsal, segments=segments)


def test_a_run_without_a_switch_is_refused_but_its_segments_are_not() -> None:
    kept = recommendation(pairs(60, drop=30.0))
    assert kept.grade == "keep"
    with pytest.raises(BadInputError, match=r"does not recommend a switch: Keep gpt-5\.6-terra"):
        config(kept)
    assert len(config(kept, segments=(SegmentRoute("a", "feature", LUNA),))["targets"]) == 2


def test_a_provider_that_the_open_source_gateway_lacks_is_refused() -> None:
    other = recommendation(model_id="minimax/m3")
    with pytest.raises(BadInputError, match='no provider "minimax"'):
        config(other)
    assert new_target(config(other, options=HOSTED))["override_params"] == {"model": "@minimax/m3"}


def test_a_host_with_a_password_is_refused() -> None:
    with pytest.raises(BadInputError, match="password"):
        config(settings='[gateway]\ncustom_host = "http://me:secret@host/v1"\n')


@pytest.mark.parametrize("target", ["open-source", "hosted"])
def test_a_candidate_s_options_travel_with_its_model(target: str) -> None:
    plain = recommendation()
    assert plain.recommended is not None
    chosen = plain.recommended
    low = chosen.candidate.model_copy(update={"options": {"reasoning_effort": "low"}})
    evidence = chosen.model_copy(update={"candidate": low})
    result = plain.model_copy(update={"recommended": evidence, "evidence": (evidence,)})
    options = ExportOptions(target=target)  # type: ignore[arg-type]
    found = portkey_config(result, Settings(), options)
    assert new_target(found)["override_params"]["reasoning_effort"] == "low"
    assert "reasoning_effort" not in found["targets"][0]["override_params"]
    assert " effort" not in json.dumps(found)
