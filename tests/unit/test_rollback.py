"""The note beside a config, and the records of candidates."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from cqtui.report.candidate_lines import candidate_lines
from cqtui.report.export import ExportOptions, SegmentRoute, portkey_config
from cqtui.report.rollback import highest_cost, limits, rollback_note
from cqtui.results import Evidence, GuardrailReport, Interval, Ledger, Recommendation
from cqtui.settings import parse_settings
from tests.fakes import model_entry, pairs
from tests.results import CURRENT, NEW, evidence_of, recommendation

RUN = recommendation()
LUNA = model_entry(NEW, "1", "2")


def note(result: Recommendation = RUN, settings: str = "", options: ExportOptions | None = None) -> str:
    given, chosen = parse_settings(settings), options or ExportOptions()
    return rollback_note(result, given, chosen, portkey_config(result, given, chosen))


def with_evidence(result: Recommendation, evidence: Evidence) -> Recommendation:
    return result.model_copy(update={"evidence": (evidence,), "recommended": evidence})


def test_the_note_says_what_how_to_watch_and_how_to_go_back() -> None:
    text = note()
    assert text.startswith(
        "# 5% of the calls from `gpt-5.6-terra` to `gpt-5.6-luna`\n\nSwitching from gpt-5.6-terra to"
    )
    assert "Run 3f2a90c1d4e5 of 2026-11-25, verified; a config for the open-source Portkey gateway." in text
    assert [line for line in text.splitlines() if line.startswith("##")] == ["## Before", "## Watch", "## Roll back"]
    assert "`config.targets[1].targets[0]` is the new model" in text
    assert "Calls a day at that share: about 197." in text  # 120,000 a month
    assert "Set the weight of `new` to 0 and that of `current` to 1." in text
    assert "`cqtui export 3f2a90c1d4e5 --format portkey-config --target open-source --canary 0`" in text
    assert "forwards its `Authorization` header" in text
    assert "breaks off midway" in text
    assert "breaks off midway" not in note(options=ExportOptions(target="hosted"))
    assert "446" not in text


def test_the_limits_are_the_runs_own_figures() -> None:
    evidence = evidence_of(pairs(60, drop=1.0)).model_copy(
        update={
            "refusal_interval": Interval(value=1.7, low=0.3, high=8.9),
            "format_failure_rate": 2 / 58,
            "latency_p95_ms": 1234.0,
            "cost_per_call_usd": Decimal("0.005"),
            "savings_percent": Interval(value=50.0, low=40.0, high=55.0),
            "ledger": Ledger(replayed=60, failed={"timeout": 2}),
        }
    )
    assert limits(evidence, RUN, parse_settings("")) == [
        "Refusals: roll back above 8.9% of its answers (the run: 1.7% [0.3, 8.9]).",
        "Answers in a wrong format: roll back above 11.7% of its answers (the run: 3.4% [1.0, 11.7]).",
        "Calls that failed and fell back: roll back above 11.4% of its calls (the run: 3.3% [0.9, 11.4]).",
        "Latency, 95th percentile: roll back above 1.2 s (the run: 1.2 s).",
        "Cost: roll back above $6.00 per 1,000 calls (the run: $5.00; today: $6.00).",
    ]
    asked = limits(evidence, RUN, parse_settings("[constraints]\nmax_latency_ms = 2000\n"))
    assert asked[3] == "Latency, 95th percentile: roll back above 2.0 s, your limit (the run: 1.2 s)."


def test_what_was_not_measured_is_said() -> None:
    gone = ("refusal_interval", "format_failure_rate", "latency_p95_ms", "cost_per_call_usd")
    evidence = evidence_of(pairs(60)).model_copy(update={**dict.fromkeys(gone), "ledger": Ledger()})
    found = limits(evidence, RUN, parse_settings(""), guarded=True)
    assert len(found) == 6
    assert all(line.endswith(": not measured in the run.") for line in found)


@pytest.mark.parametrize(
    ("saving", "usd"),
    [
        (None, "0.002"),
        (Interval(value=100, low=100, high=100), "0.002"),
        (Interval(value=50, low=25, high=60), "0.003"),
    ],
)
def test_the_highest_cost_is_that_of_the_smallest_saving(saving: Interval | None, usd: str) -> None:
    assert highest_cost(Decimal("0.002"), saving) == Decimal(usd)


def test_parameters_that_the_replay_changed_are_named() -> None:
    ledger = Ledger(replayed=60, translated={"max_tokens → max_completion_tokens": 60}, dropped={"temperature": 12})
    assert RUN.recommended is not None
    changed = with_evidence(RUN, RUN.recommended.model_copy(update={"ledger": ledger}))
    text = note(changed)
    assert "max_tokens → max_completion_tokens (60 calls); temperature dropped (12 calls)" in text
    assert "drop_params" not in text
    assert '`"drop_params": ["temperature"]`' in note(changed, options=ExportOptions(target="hosted"))


def test_keys_to_fill_in_are_listed_for_envsubst_by_name() -> None:
    text = note(recommendation(model_id="mistral-ai/small"))
    assert "`envsubst '${OPENAI_API_KEY} ${MISTRAL_AI_API_KEY}' < FILE`" in text
    assert "Authorization" not in text


def test_a_guardrail_set_has_its_limit_and_its_warnings() -> None:
    report = GuardrailReport.model_validate(
        {
            **dict.fromkeys(GuardrailReport.model_fields, 0),
            **{"name": "cards", "model_id": NEW, "deciding": {}, "errors": {}, "refused_by": {}, "calls": 100},
            "blocked_percent": Interval(value=2, low=0.6, high=7),
            "wrongly_blocked_percent": None,
        }
    )
    run = RUN.model_copy(update={"guardrail_set": "cards", "guardrails": (report,)})
    settings = '[guardrails.cards.config]\noutput_guardrails = [{ "default.notNull" = {}, deny = true }]\n'
    text = note(run, settings)
    assert (
        "Calls blocked by the guardrails (446): roll back above 7.0% of its calls (the run: 2.0% [0.6, 7.0])." in text
    )
    assert "What it blocks stays blocked (446)" in text
    assert "do not stream" in text
    saved = note(run, '[guardrails.cards]\nid = "pc-1"\n', ExportOptions(target="hosted"))
    assert "put in input_guardrails of pc-1, output_guardrails of pc-1." in saved


def test_a_current_model_that_retires_ends_the_fallback() -> None:
    leaving = CURRENT.model_copy(update={"deprecated": date(2026, 12, 1)})
    assert "retires on 2026-12-01: from then on neither its share nor the fallback" in note(
        RUN.model_copy(update={"current": leaving})
    )


def test_segments_have_a_watch_list_each_and_no_command() -> None:
    haiku = model_entry("anthropic/claude-haiku", "1", "2")
    routes = (SegmentRoute("tag", "feature", LUNA), SegmentRoute("sum", "feature", haiku))
    text = note(options=ExportOptions(segments=routes))
    assert "## Watch `gpt-5.6-luna`" in text
    assert "## Watch `claude-haiku`" in text
    assert "The run has no figures for this model" in text
    assert "`config.targets[N].targets[1].targets[0]`" in text
    assert "told apart by `feature` in `x-portkey-metadata`" in text
    assert "--canary" not in text


def test_a_config_that_is_near_the_limit_of_headers_is_said() -> None:
    routes = tuple(SegmentRoute(f"{number:0120}", "feature", LUNA) for number in range(100))
    assert "node takes 16 KB of headers" in note(options=ExportOptions(segments=routes))


def test_the_full_switch_has_nowhere_to_go_on() -> None:
    text = note(options=ExportOptions(canary_percent=Decimal(100)))
    assert text.startswith("# 100% of the calls")
    assert "go on" not in text


def test_azure_wants_more_than_a_key_where_no_host_is_given() -> None:
    run = recommendation(model_id="azure-openai/small")
    assert "azure-openai wants more than a key" in note(run)
    assert "more than a key" not in note(run, '[gateway]\ncustom_host = "http://127.0.0.1:9/v1"\n')


def test_every_candidate_is_a_record_with_the_same_keys() -> None:
    second = evidence_of([], "acme/nothing")
    run = RUN.model_copy(update={"evidence": (*RUN.evidence, second)})
    one, other = candidate_lines(run)
    assert list(one) == list(other)
    assert (one["model"], one["outcome"], one["evidence_kind"]) == (NEW, "recommended", "measured")
    assert one["cost_saving_percent_low"] < one["cost_saving_percent"] < one["cost_saving_percent_high"]
    assert one["refusal_rate_low"] <= one["refusal_rate"] <= one["refusal_rate_high"]
    assert one["gates"]["saving"] is True
    assert other["outcome"] == "failed"
    assert other["cost_saving_percent"] is other["cost_saving_percent_low"] is None
    assert other["gates"]["quality"] is None
    assert json.loads(json.dumps(one)) == one
