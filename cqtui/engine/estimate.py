"""What a run may cost, told before the first paid call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from cqtui.engine.call_costs import price_of, worst_case_usd
from cqtui.engine.facts import estimated_usage
from cqtui.engine.judge import MAX_JUDGE_TOKENS, PairOrder
from cqtui.engine.noise_floor import as_candidate
from cqtui.engine.plan import Plan
from cqtui.engine.replay import replay_request
from cqtui.models import Candidate, LoggedCall, ModelEntry, Usage

POINTWISE_TOKENS = 450  # of the judge's template and rubric
SIDE_BY_SIDE_TOKENS = 700
JUDGE_OUTPUT_TOKENS = 150


@dataclass(frozen=True)
class Estimate:
    """What a run may cost, in USD: as expected, and at the worst case of every call; None where a price is unknown."""

    calls: int
    expected_usd: Decimal | None
    worst_usd: Decimal | None


@dataclass(frozen=True)
class _Cost:
    """One call's cost in USD; ``expected`` is 0 for a call that is made only at worst."""

    expected: Decimal | None
    worst: Decimal | None


def estimate(plan: Plan) -> Estimate:
    """Cost of the first round: from the log's token counts, and at every call's worst case.

    Of guardrail sets one candidate's calls are expected, since one passes as a rule; at worst all pass.
    """
    costs = [*_replays(plan), *_judgements(plan), *_guardrails(plan), *_noise_floor(plan)]
    return Estimate(
        calls=len(costs),
        expected_usd=_total([cost.expected for cost in costs]),
        worst_usd=_total([cost.worst for cost in costs]),
    )


def usd_per_prompt(plan: Plan) -> Decimal | None:
    """About what replaying and judging one more call on one candidate costs, in USD; None where a price is unknown."""
    replays = [_expected_replay(plan, call, candidate) for call in plan.calls for candidate in plan.top]
    expected = _total([*replays, *(cost.expected for cost in _judgements(plan))])
    pairs = len(plan.calls) * len(plan.top)
    return None if expected is None or not pairs else expected / pairs


def _total(values: list[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if len(known) == len(values) else None


def _expected_replay(plan: Plan, call: LoggedCall, candidate: Candidate) -> Decimal | None:
    usage = estimated_usage(call, plan.settings.traffic)
    read = Usage(input_tokens=usage.input_tokens or 0, output_tokens=usage.output_tokens or 0)
    return price_of(candidate.entry, read, plan.settings.as_of, batch=plan.settings.batch)


def _replay(plan: Plan, call: LoggedCall, candidate: Candidate) -> _Cost:
    """What a replay costs; the worst case takes the request itself to be made."""
    request, wire = replay_request(call, candidate, "", 1.0)
    as_of = plan.settings.as_of
    batch = plan.settings.batch
    return _Cost(
        _expected_replay(plan, call, candidate),
        worst_case_usd(request, candidate.entry, wire.max_output_tokens, as_of, batch=batch),
    )


def _replays(plan: Plan) -> Iterator[_Cost]:
    for call in plan.calls:
        for candidate in plan.top:
            yield _replay(plan, call, candidate)


def _guardrails(plan: Plan) -> Iterator[_Cost]:
    for call in plan.calls[: plan.settings.thresholds.guardrail_samples] if plan.settings.guardrails else ():
        for number, candidate in enumerate(plan.top):
            cost = _replay(plan, call, candidate)
            for _ in plan.settings.guardrails:
                yield cost if number == 0 else _Cost(Decimal(0), cost.worst)


def _judgements(plan: Plan) -> Iterator[_Cost]:
    panel = plan.panel
    order = PairOrder(plan.settings.seed, panel.swap_share)
    for call in plan.calls:
        if panel.mode == "pointwise":
            times = 1 + len(plan.top)
        else:
            times = sum(len(order.of(call, candidate.id)) for candidate in plan.top)
        for _ in range(times):
            yield from _opinions(plan, call)


def _opinions(plan: Plan, call: LoggedCall) -> Iterator[_Cost]:
    """What each judge costs that is asked once about a call; who decides between them only at worst."""
    panel = plan.panel
    usage = estimated_usage(call, plan.settings.traffic)
    tokens_in, tokens_out = usage.input_tokens or 0, usage.output_tokens or 0
    pointwise = panel.mode == "pointwise"
    tokens = tokens_in + (tokens_out + POINTWISE_TOKENS if pointwise else 2 * tokens_out + SIDE_BY_SIDE_TOKENS)
    for judge in panel.judges:
        yield _judgement(plan, judge, tokens)
    if panel.escalate_to is not None:
        yield _Cost(Decimal(0), _judgement(plan, panel.escalate_to, tokens).worst)


def noise_floor_calls(plan: Plan) -> tuple[LoggedCall, ...]:
    """The calls that the current model answers again; none where it cannot be called."""
    callable_ = plan.current.is_active and not plan.discovery.forced_switch and plan.settings.provider != "local"
    return plan.calls[: plan.settings.thresholds.noise_floor_samples] if callable_ and plan.top else ()


def _noise_floor(plan: Plan) -> Iterator[_Cost]:
    order = PairOrder(plan.settings.seed, plan.panel.swap_share)
    for call in noise_floor_calls(plan):
        yield _replay(plan, call, as_candidate(plan.current))
        times = 1 if plan.panel.mode == "pointwise" else len(order.of(call, plan.current.id))
        for _ in range(times):
            yield from _opinions(plan, call)


def _judgement(plan: Plan, judge: ModelEntry, tokens: int) -> _Cost:
    read = Usage(input_tokens=tokens, output_tokens=JUDGE_OUTPUT_TOKENS)
    most = Usage(input_tokens=4 * tokens, output_tokens=MAX_JUDGE_TOKENS)
    as_of, batch = plan.settings.as_of, plan.settings.batch
    return _Cost(price_of(judge, read, as_of, batch=batch), price_of(judge, most, as_of, batch=batch))
