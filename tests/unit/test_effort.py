from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cqtui.engine.bands import stronger_band
from cqtui.engine.effort import EffortStep, effort_step
from cqtui.engine.optimize import optimize_async, plan_for
from cqtui.engine.same_model import same_model_savings
from cqtui.engine.traffic import profile
from cqtui.errors import BadInputError
from cqtui.events import Event
from cqtui.gateway.protocol import ChatRequest
from cqtui.gateway.translate import Adjustment, adjusted, adjustment_for, translate
from cqtui.models import Candidate, Failure, LoggedCall, ModelEntry, Price, Replay
from cqtui.registry.loader import load_registry
from cqtui.report.response import optimize_response
from cqtui.results import SameModelSavings
from cqtui.settings import Settings, Traffic
from tests.fakes import QUIET, ScriptedClient, answered, good_model, judged, logged_call, model_entry

AS_OF = date(2026, 11, 25)
TERRA = "openai/gpt-5.6-terra"
LOWER = f"{TERRA} effort=low"
SILENT = "calls that do not say their effort: 2; the model's default is not known here"
THINKER = model_entry(
    "openai/gpt-9", "2", "10", reasoning_efforts=("none", "low", "high"), default_reasoning_effort="high"
)


def thinking(number: int, thought: int | None = 80, /, **params: object) -> LoggedCall:
    """A call of 300 input and 100 output tokens, of which some are reasoning."""
    call = logged_call(number)
    usage = call.usage.model_copy(update={"input_tokens": 300, "output_tokens": 100, "reasoning_tokens": thought})
    return call.model_copy(update={"usage": usage, "params": params})


def log(count: int, thought: int | None = 80, /, **params: object) -> list[LoggedCall]:
    return [thinking(n, thought, **params) for n in range(count)]


def settings(**changes: object) -> Settings:
    base = {"as_of": AS_OF, "current_model": TERRA, "gateway": {"attempts": 2}, "thresholds": QUIET}
    return Settings.model_validate({**base, **changes})


@pytest.mark.parametrize(
    ("entry", "calls", "step"),
    [
        (THINKER, log(3), EffortStep("high", "low")),
        (THINKER, log(3, reasoning_effort="low"), EffortStep("low", "none")),
        (THINKER, log(3, reasoning_effort="none"), None),
        (THINKER, [], None),
        (model_entry("acme/plain", "1", "2"), log(3), None),
        (THINKER, [*log(3), thinking(4, reasoning_effort="low")], EffortStep("high", "low")),
        (
            THINKER,
            [*log(3), thinking(4, reasoning_effort="none")],
            EffortStep(unknown="calls that ask for less than low already: 1"),
        ),
        (
            THINKER,
            log(2, reasoning_effort="max"),
            EffortStep(unknown='the log\'s effort "max" is not among those known of the model'),
        ),
        (
            THINKER,
            log(2, reasoning={"effort": "low"}),
            EffortStep(unknown=SILENT),
        ),
        (
            THINKER.model_copy(update={"default_reasoning_effort": None}),
            [*log(2), thinking(3, reasoning_effort="high")],
            EffortStep(unknown=SILENT),
        ),
    ],
)
def test_the_next_lower_effort(entry: ModelEntry, calls: list[LoggedCall], step: EffortStep | None) -> None:
    assert effort_step(entry, calls) == step


def bound(calls: list[LoggedCall], entry: ModelEntry = THINKER) -> SameModelSavings:
    traffic = Traffic(monthly_request_volume=1000)
    found = same_model_savings(calls, entry, profile(calls, entry, traffic, AS_OF), traffic, AS_OF)
    return next(saving for saving in found if saving.kind == "lower_effort")


def test_the_bound_is_all_that_reasoning_costs() -> None:
    found = bound(log(2))
    # 2 calls x 80 reasoning tokens at $10 a million; each call costs (300 x 2 + 100 x 10) / 1,000,000 = $0.0016.
    assert found.saving_usd == Decimal("0.0016")
    assert found.saving_percent == pytest.approx(50.0)
    assert found.monthly_usd == Decimal("0.8")
    assert found.is_upper_bound
    assert found.options == {"reasoning_effort": "low"}
    assert found.what == "Reasoning effort low in place of high"


def test_calls_at_the_lower_effort_save_nothing_and_silent_ones_are_left_out() -> None:
    found = bound([*log(3), thinking(4, reasoning_effort="low"), thinking(5, None)])
    assert found.saving_usd == 3 * 80 * Decimal(10) / 1_000_000
    assert (found.calls, found.left_out) == (4, 1)
    traffic = profile([], THINKER, Traffic(), AS_OF)
    assert len(same_model_savings(log(2, 0), THINKER, traffic, Traffic(), AS_OF)) == 1  # no reasoning, nothing to save
    silent = bound(log(2, None))
    assert (silent.saving_usd, silent.unknown) == (None, "the log does not say how many output tokens were reasoning")


def test_a_lower_effort_comes_first_and_counts_among_the_tried() -> None:
    plan = plan_for(settings(n_top=2), log(20))
    first = plan.top[0]
    assert (first.id, len(plan.top)) == (LOWER, 2)
    assert first.options == {"reasoning_effort": "low"}
    assert first.saving_is_bound
    # 80 of 100 output tokens at $12 a million, of 300 x 2 + 100 x 12.
    assert first.expected_saving_percent == pytest.approx(100 * 960 / 1800)
    assert first.warnings == ("saves at most 53%: as if no reasoning were left",)
    assert "at most 53% cheaper" in first.rationale[-1]


@pytest.mark.parametrize(
    ("calls", "current", "reason"),
    [
        (log(20, 10), TERRA, "saves at most 7%"),
        (log(20, None), TERRA, "the log does not say how many output tokens were reasoning"),
        (log(20, 90, reasoning_effort="high"), "x-ai/grok-4.3", "reasoning_effort is not sent to models of xai"),
    ],
)
def test_a_lower_effort_that_is_not_worth_a_try_says_why(calls: list[LoggedCall], current: str, reason: str) -> None:
    discovery = plan_for(settings(current_model=current), calls).discovery
    assert all(not candidate.options for candidate in discovery.chosen)
    excluded = discovery.excluded[0]
    assert excluded.model_id.startswith(current + " effort=")
    assert excluded.reason == reason


def test_a_model_that_retires_is_no_candidate_at_any_effort() -> None:
    plan = plan_for(settings(current_model="openai/o3"), log(20))
    assert plan.discovery.forced_switch
    assert all(not candidate.options for candidate in plan.discovery.chosen)


def test_efforts_can_be_named() -> None:
    plan = plan_for(settings(candidates=("gpt-5.6-luna effort=none", LOWER, LOWER, "gpt-5.6-luna")), log(20, None))
    assert {candidate.id for candidate in plan.ranked} == {
        LOWER,
        "openai/gpt-5.6-luna effort=none",
        "openai/gpt-5.6-luna",
    }
    assert plan.ranked[0].id == LOWER
    with pytest.raises(BadInputError, match=r'no reasoning effort "tiny"\. Known: none, low'):
        plan_for(settings(candidates=(f"{TERRA} effort=tiny",)), log(20))
    with pytest.raises(BadInputError, match="is the current model"):
        plan_for(settings(candidates=(TERRA,)), log(20))


def test_options_are_laid_over_the_log_and_never_adjusted_away() -> None:
    entry = load_registry().get(TERRA)
    wire = translate(thinking(1, reasoning_effort="high", seed=3), entry, {"reasoning_effort": "low"})
    assert wire.params["reasoning_effort"] == "low"
    assert wire.pinned == ("reasoning_effort",)
    failure = Failure(kind="bad_request", message="unsupported", param="reasoning_effort")
    assert adjustment_for(wire.params, failure, wire.pinned) is None
    lesson = adjustment_for(wire.params, failure)
    assert lesson == Adjustment(param="reasoning_effort", to="")
    assert adjusted(wire, [lesson]) == wire
    claude = load_registry().get("anthropic/claude-haiku-5-5")
    assert translate(thinking(1), claude, {"reasoning_effort": "low"}).unsupported == "reasoning_effort"


def asked_for(request: ChatRequest) -> str:
    return str(request.params.get("reasoning_effort"))


async def test_a_run_keeps_the_lower_effort_apart(tmp_path: Path) -> None:
    def answer(request: ChatRequest) -> Replay:
        if request.purpose == "judge":
            return judged(request, lambda text: 20 if "BAD" in text else 90)
        tokens = 30 if asked_for(request) == "low" else 50
        bad = request.model == "gpt-5.6-luna"
        return answered(request, f"{'BAD' if bad else 'fine'} {request.record_id}", output_tokens=tokens)

    client, events = ScriptedClient(answer), list[Event]()
    changes = settings(candidates=(LOWER, "openai/gpt-5.6-luna"))
    calls = log(20, 80, reasoning_effort="medium")
    result = await optimize_async(changes, calls=calls, client=client, sink=events.append, database=tmp_path / "c.db")
    replays = [request for request in client.requests if request.purpose == "replay"]
    assert {(r.model, asked_for(r)) for r in replays} == {("gpt-5.6-terra", "low"), ("gpt-5.6-luna", "medium")}
    assert {r.candidate_id for r in replays} == {LOWER, "openai/gpt-5.6-luna"}
    assert {r.model_id for r in replays} == {TERRA, "openai/gpt-5.6-luna"}  # what a team's own slug is found by
    assert result.recommended is not None
    assert result.recommended.candidate.id == LOWER
    assert result.sentence.startswith("Switching from gpt-5.6-terra to gpt-5.6-terra effort=low reduces cost by")
    told = {event.model_id for event in events if event.kind in ("pair_judged", "replay_finished")}
    assert LOWER in told
    assert TERRA not in told
    ledgers = {e.candidate.id: e.ledger.replayed for e in result.evidence}
    assert ledgers[LOWER] == 20
    first = optimize_response(result).candidates[0]
    assert (first.model, first.options, first.outcome) == (LOWER, {"reasoning_effort": "low"}, "recommended")

    # Another effort of the same model has answers of its own; the same one is not asked again.
    again = ScriptedClient(answer)
    more = settings(candidates=(LOWER, f"{TERRA} effort=none"))
    await optimize_async(more, calls=calls, client=again, database=tmp_path / "c.db")
    assert {asked_for(r) for r in again.requests if r.purpose == "replay"} == {"none"}


async def test_a_provider_that_takes_no_effort_stops_the_candidate(tmp_path: Path) -> None:
    def answer(request: ChatRequest) -> Replay | Failure:
        if request.purpose == "replay" and asked_for(request) == "low":
            return Failure(kind="bad_request", message="unsupported", status=400, param="reasoning_effort")
        return good_model(request)

    client = ScriptedClient(answer)
    changes = settings(candidates=(LOWER,), gateway={"concurrency": 1, "attempts": 1})
    result = await optimize_async(changes, calls=log(20), client=client, database=tmp_path / "c.db")
    assert result.evidence[0].stopped == "its first 5 calls all failed (bad_request: unsupported)"
    assert len(client.requests) == 5
    assert result.recommended is None


async def test_when_only_a_lower_effort_fails_the_other_models_are_tried(tmp_path: Path) -> None:
    def answer(request: ChatRequest) -> Replay:
        if request.purpose == "judge":
            return judged(request, lambda text: 20 if "BAD" in text else 90)
        return answered(request, "BAD" if request.model == "gpt-5.6-terra" else f"fine {request.record_id}")

    plan = plan_for(settings(n_top=1), log(20))
    assert [candidate.id for candidate in plan.top] == [LOWER]
    client = ScriptedClient(answer)
    result = await optimize_async(settings(n_top=1), calls=log(20), client=client, database=tmp_path / "c.db")
    assert result.iterations == 2
    assert result.evidence[0].candidate.id == LOWER
    assert result.recommended is not None
    assert not result.recommended.candidate.options


def test_how_strong_the_next_band_is_does_not_rest_on_the_bound() -> None:
    plan = plan_for(settings(n_top=2), log(20))
    lower, other = plan.top
    between = (lower.cost_per_call_usd * other.cost_per_call_usd).sqrt()
    costs = [candidate.cost_per_call_usd for candidate in stronger_band(plan, plan.top)]
    assert all(cost > other.cost_per_call_usd for cost in costs)
    assert any(cost < between for cost in costs)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"reasoning_efforts": ["low", "low"]}, "reasoning_efforts names one twice"),
        (
            {"reasoning_efforts": ["low"], "default_reasoning_effort": "high"},
            'default_reasoning_effort "high" is not among reasoning_efforts',
        ),
    ],
)
def test_the_registry_checks_efforts(entry: dict[str, Any], text: str) -> None:
    with pytest.raises(BadInputError, match=text):
        load_registry([{"id": "acme/x", **entry}])


def test_names_of_candidates() -> None:
    entry = model_entry("acme/x", "1", "2", display_name="X One", price=Price(input=Decimal(1), output=Decimal(2)))
    plain = Candidate(entry=entry, cost_per_call_usd=Decimal(1), expected_saving_percent=0)
    low = plain.model_copy(update={"options": {"reasoning_effort": "low", "verbosity": "low"}})
    assert (plain.id, plain.short_name, plain.display_name, plain.variant) == ("acme/x", "x", "X One", "")
    assert low.id == "acme/x effort=low verbosity=low"
    assert low.display_name == "X One effort=low verbosity=low"
