"""Routing: a model for each segment of the traffic, or the candidate first and the current model where it fails.

Both are offered only where they beat the best single switch out of fold (methods.md, section 10). Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from cqtui.engine.race import Race
from cqtui.results import CascadePlan, Interval, Pair, RoutingPlan, SegmentRoute
from cqtui.settings import Thresholds
from cqtui.stats.cascade import Cascade, CascadeCall, cascade_out_of_fold, pick_threshold
from cqtui.stats.portfolio import ModelPoint, pareto_frontier
from cqtui.stats.rates import wilson
from cqtui.stats.segments import (
    CURRENT,
    Outcome,
    choose_by_segment,
    choose_single,
    out_of_fold,
    segments_are_worthwhile,
)

FEWEST_CALLS = 40  # common calls below which no split of the traffic is looked at
WORTHWHILE_POINTS = 5.0
LONGEST = 4000  # characters up to which a longer answer counts as a better sign
_Known = tuple[Pair, ...]


def _common(races: Sequence[Race]) -> list[_Known]:
    """The calls on which every candidate has scores and costs, in the order submitted: one pair of each."""
    usable = [
        {
            pair.record_id: pair
            for pair in race.judged_pairs
            if pair.candidate_score is not None
            and pair.baseline_score is not None
            and pair.candidate_cost_usd is not None
            and pair.baseline_cost_usd is not None
        }
        for race in races
    ]
    if not usable:
        return []
    shared = set.intersection(*(set(each) for each in usable))
    return [tuple(each[name] for each in usable) for name in usable[0] if name in shared]


def _outcome(pairs: _Known) -> Outcome:
    first = pairs[0]
    return Outcome(
        segment=first.segment or "",
        conversation=first.conversation,
        costs=(float(first.baseline_cost_usd or 0), *(float(pair.candidate_cost_usd or 0) for pair in pairs)),
        qualities=(
            sum(pair.baseline_score or 0.0 for pair in pairs) / len(pairs),  # a judge may score it anew for each pair
            *(pair.candidate_score or 0.0 for pair in pairs),
        ),
    )


def plan_routing(
    current_id: str, races: Sequence[Race], thresholds: Thresholds, seed: int, key: str | None = None
) -> RoutingPlan | None:
    """What splitting the traffic would do, beside the best single switch; None with too few common calls.

    Args:
        current_id: The current model.
        races: All candidates' races; those without a comparable call are left out.
        thresholds: The rules; the quality margin holds in each segment.
        seed: Of the folds.
        key: The metadata that tells the segments apart, where it is one for all calls: only then can a gateway.
    """
    races = [race for race in races if any(pair.candidate_score is not None for pair in race.judged_pairs)]
    common = _common(races)
    if len(common) < FEWEST_CALLS:
        return None
    outcomes = [_outcome(pairs) for pairs in common]
    names = [current_id, *(race.candidate.id for race in races)]
    drop = thresholds.max_quality_drop_percent

    def choose(rule: Callable[..., Mapping[object, int]]) -> Callable[[Sequence[Outcome]], Mapping[object, int]]:
        return lambda some: rule(some, drop / 100, drop, thresholds.alpha)

    single = out_of_fold(outcomes, choose(choose_single), seed=seed)
    split = out_of_fold(outcomes, choose(choose_by_segment), seed=seed)
    if single is None or split is None:
        return None
    assigned = choose(choose_by_segment)(outcomes)
    routes = _routes(outcomes, assigned, names)
    is_split = len({route.model_id for route in routes}) > 1
    return RoutingPlan(
        calls=len(outcomes),
        key=key,
        frontier=_frontier(outcomes, names),
        routes=routes,
        savings_percent=100 * split.savings,
        quality_difference_points=split.quality_difference,
        single_savings_percent=100 * single.savings,
        single_quality_difference_points=single.quality_difference,
        offered=is_split and segments_are_worthwhile(split, single),
        cascade=_best_cascade(common, races, drop, 100 * single.savings, seed),
    )


def _routes(
    outcomes: Sequence[Outcome], assigned: Mapping[object, int], names: Sequence[str]
) -> tuple[SegmentRoute, ...]:
    sizes = Counter(outcome.segment for outcome in outcomes)
    routes = []
    for segment, calls in sorted(sizes.items(), key=lambda item: (-item[1], str(item[0]))):
        model = assigned.get(segment, CURRENT)
        own = [outcome for outcome in outcomes if outcome.segment == segment]
        before, after = sum(o.costs[CURRENT] for o in own), sum(o.costs[model] for o in own)
        routes.append(
            SegmentRoute(
                segment=str(segment),
                model_id=names[model],
                calls=calls,
                share_percent=100 * calls / len(outcomes),
                savings_percent=100 * (1 - after / before) if before else None,
                quality_difference_points=sum(o.qualities[model] - o.qualities[CURRENT] for o in own) / calls,
            )
        )
    return tuple(routes)


def _frontier(outcomes: Sequence[Outcome], names: Sequence[str]) -> tuple[str, ...]:
    """The models that no other one beats in both cost and quality, cheapest first."""
    n = len(outcomes)
    points = [
        ModelPoint(name, sum(o.costs[i] for o in outcomes) / n, sum(o.qualities[i] for o in outcomes) / n)
        for i, name in enumerate(names)
    ]
    return tuple(point.name for point in pareto_frontier(points))


def sign_of(pair: Pair) -> float:
    """How much speaks for a candidate's answer by what is free to know of it.

    0 where it is refused or malformed, 0.5 where it was cut, else 1 and up to 1 more with its length.
    """
    if pair.candidate_refused or pair.format_failed:
        return 0.0
    if pair.truncated:
        return 0.5
    return 1.0 + min(pair.candidate_length or 0, LONGEST) / LONGEST


def _best_cascade(
    common: Sequence[_Known], races: Sequence[Race], drop: float, single_percent: float, seed: int
) -> CascadePlan | None:
    """The cascade that saves most out of fold, where it beats the best single switch by 5 points; else None."""
    best: CascadePlan | None = None
    for index, race in enumerate(races):
        calls = [_cascade_call(pairs[index]) for pairs in common]
        found = cascade_out_of_fold(calls, drop / 100, drop, seed=seed)
        threshold = pick_threshold(calls, drop / 100, drop)
        if found is None or threshold is None or not found.is_worthwhile:
            continue
        if 100 * found.savings - single_percent < WORTHWHILE_POINTS:
            continue
        if best is None or 100 * found.savings > best.savings_percent:
            best = _plan_of(race.candidate.id, found, threshold)
    return best


def _plan_of(model_id: str, found: Cascade, threshold: float) -> CascadePlan:
    escalated = wilson(round(found.escalated * found.n), found.n)
    return CascadePlan(
        model_id=model_id,
        accepts_at=threshold,
        savings_percent=100 * found.savings,
        quality_difference_points=found.quality - found.current_quality,
        escalated_percent=Interval(
            value=100 * found.escalated, low=100 * escalated.interval[0], high=100 * escalated.interval[1]
        ),
    )


def _cascade_call(pair: Pair) -> CascadeCall:
    return CascadeCall(
        current_cost=float(pair.baseline_cost_usd or 0),
        candidate_cost=float(pair.candidate_cost_usd or 0),
        current_quality=pair.baseline_score or 0.0,
        candidate_quality=pair.candidate_score or 0.0,
        score=sign_of(pair),
        conversation=pair.conversation,
    )
