"""One model per segment of the traffic (methods.md section 10). Quality in points, costs in one currency per call.

Effects are mean quality margins z of `paired.quality_margins`: above 0 the candidate is good enough.
"""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from cqtui.stats._checks import finite, finite_pairs, open_unit
from cqtui.stats._folds import FOLDS, REPEATS, conversation_folds
from cqtui.stats.multiplicity import holm
from cqtui.stats.paired import clustered_mean, quality_margins

FEWEST_PAIRS = 10
"""Pairs below which a segment keeps the current model."""
WORTHWHILE = 0.05
"""Share of cost that segments must save beyond the best single model to be offered."""
CURRENT = 0
"""Position of the current model in `Outcome.costs` and `Outcome.qualities`."""


@dataclass(frozen=True, slots=True)
class ShrunkEffect:
    """A segment's effect drawn towards the mean of all, and its standard error; points."""

    effect: float
    se: float

    @property
    def p(self) -> float:
        """One-sided p value of "the effect is at most 0"."""
        return NormalDist().cdf(-self.effect / self.se)

    def lower(self, level: float = 0.95) -> float:
        """Return the one-sided lower bound, points."""
        return self.effect - NormalDist().inv_cdf(level) * self.se


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """Between-segment variance tau2 (points squared), the pooled effect with its error, the segments in order."""

    tau2: float
    pooled: float | None
    pooled_se: float | None
    segments: tuple[ShrunkEffect, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One prompt answered by all models, the current one first: cost per call and quality in points."""

    segment: Hashable
    conversation: Hashable
    costs: tuple[float, ...]
    qualities: tuple[float, ...]


Assignment = Mapping[Hashable, int]
"""Position of the model that takes a segment; segments left out keep the current model."""
Chooser = Callable[[Sequence[Outcome]], Assignment]


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Mean cost per call and mean quality where every call was assigned by folds that it was not in.

    `switched` is the share of calls sent to another model than the current one.
    """

    n: int
    conversations: int
    cost: float
    quality: float
    current_cost: float
    current_quality: float
    switched: float

    @property
    def savings(self) -> float:
        """Share of the current cost saved; 0 where there is no cost."""
        return 1 - self.cost / self.current_cost if self.current_cost else 0.0

    @property
    def quality_difference(self) -> float:
        """Quality minus the current model's, points."""
        return self.quality - self.current_quality


def shrink_effects(effects: Sequence[float], standard_errors: Sequence[float]) -> Shrinkage:
    """Return the effects of segments, shrunk by empirical Bayes.

    Source: methods.md section 10 (DerSimonian and Laird 1986): tau2 = max(0, (Q - (S - 1))/(sum w - sum w^2/sum w)),
    w = 1/SE^2; shrunk = B pooled + (1 - B) effect, B = SE^2/(SE^2 + tau2), variance (1 - B) SE^2 + B^2 Var(pooled).
    The pooled effect is weighted by 1/(SE^2 + tau2), whose inverse sum is its variance. With tau2 = 0 all are equal to
    it; one segment stays as it is; none gives no figure.

    Args:
        effects: Mean effect per segment, points.
        standard_errors: Its standard error, points, above 0.

    Raises:
        ValueError: If a value is not finite, lengths differ or a standard error is not above 0.
    """
    d, se = finite_pairs("effects", effects, "standard_errors", standard_errors)
    if any(error <= 0 for error in se):
        raise ValueError("standard errors must be above 0: a segment without spread proves nothing")
    if not d:
        return Shrinkage(0.0, None, None, ())
    tau2 = _tau2(d, se)
    weights = [1 / (error * error + tau2) for error in se]
    pooled, variance = _weighted(weights, d), 1 / math.fsum(weights)
    shrunk = []
    for effect, error in zip(d, se, strict=True):
        b = error * error / (error * error + tau2)
        shrunk.append(
            ShrunkEffect(b * pooled + (1 - b) * effect, math.sqrt((1 - b) * error * error + b * b * variance))
        )
    return Shrinkage(tau2, pooled, math.sqrt(variance), tuple(shrunk))


def _weighted(weights: Sequence[float], values: Sequence[float]) -> float:
    return math.fsum(w * value for w, value in zip(weights, values, strict=True)) / math.fsum(weights)


def _tau2(d: Sequence[float], se: Sequence[float]) -> float:
    weights = [1 / (error * error) for error in se]
    centre, total = _weighted(weights, d), math.fsum(weights)
    q = math.fsum(w * (value - centre) ** 2 for w, value in zip(weights, d, strict=True))
    scale = total - math.fsum(w * w for w in weights) / total
    return max(0.0, (q - (len(d) - 1)) / scale) if len(d) > 1 else 0.0


def switchable_segments(
    effects: Sequence[float], standard_errors: Sequence[float], alpha: float = 0.05
) -> tuple[bool, ...]:
    """Return per segment whether its shrunk one-sided lower bound is above 0, by Holm over the segments.

    Source: methods.md section 10. Where the segments do not differ (tau2 = 0) there is one choice for all, so one test.

    Args:
        effects: Mean quality margin z per segment, points.
        standard_errors: Its standard error, points, above 0.
        alpha: Error rate over all segments, a share; 0.05 gives one-sided 95% bounds.

    Raises:
        ValueError: As `shrink_effects`, or if alpha is not in (0, 1).
    """
    open_unit("alpha", alpha)
    shrunk = shrink_effects(effects, standard_errors)
    if shrunk.tau2 == 0.0:
        return tuple(segment.p <= alpha for segment in shrunk.segments)
    return holm([segment.p for segment in shrunk.segments], alpha).rejected


def choose_by_segment(
    outcomes: Sequence[Outcome],
    drop: float = 0.05,
    points: float = 5.0,
    alpha: float = 0.05,
    fewest_pairs: int = FEWEST_PAIRS,
) -> dict[Hashable, int]:
    """Return the cheapest model for each segment among those good enough there; segments without one are left out.

    Source: methods.md section 10: `switchable_segments` per candidate, with errors clustered by conversation and Holm
    over candidates and segments together. Segments under 10 pairs, and those whose margins show no spread, are left
    out, as are candidates not cheaper there.

    Args:
        outcomes: Prompts answered by all models.
        drop: Allowed relative drop, a share.
        points: Allowed drop in points, where the current mean quality is under 20.
        alpha: Error rate over all candidates and segments, a share.
        fewest_pairs: Pairs that a segment needs.

    Raises:
        ValueError: If the outcomes differ in their number of models or hold a value that is not finite or a negative
            cost, or an argument is out of range.
    """
    return _choose(outcomes, [o.segment for o in outcomes], drop, points, alpha, fewest_pairs)


def choose_single(
    outcomes: Sequence[Outcome],
    drop: float = 0.05,
    points: float = 5.0,
    alpha: float = 0.05,
    fewest_pairs: int = FEWEST_PAIRS,
) -> dict[Hashable, int]:
    """Return the cheapest model that is good enough over all segments, for each of them; empty where there is none.

    The rival that `choose_by_segment` has to beat: the same rule with all calls as one segment. Arguments and errors as
    there.
    """
    chosen = _choose(outcomes, [None] * len(outcomes), drop, points, alpha, fewest_pairs)
    return {o.segment: chosen[None] for o in outcomes} if chosen else {}


@dataclass(frozen=True, slots=True)
class _Test:
    p: float
    model: int
    segments: tuple[Hashable, ...]


def _choose(
    outcomes: Sequence[Outcome],
    labels: Sequence[Hashable],
    drop: float,
    points: float,
    alpha: float,
    fewest_pairs: int,
) -> dict[Hashable, int]:
    models = _models(outcomes)
    members: dict[Hashable, list[int]] = {}
    for position, label in enumerate(labels):
        members.setdefault(label, []).append(position)
    members = {label: rows for label, rows in members.items() if len(rows) >= fewest_pairs}
    cost = {
        (label, model): math.fsum(outcomes[i].costs[model] for i in rows)
        for label, rows in members.items()
        for model in range(models)
    }
    tests: list[_Test] = []
    for model in range(1, models):
        cheaper = {label: rows for label, rows in members.items() if cost[label, model] < cost[label, CURRENT]}
        tests += _tests(outcomes, cheaper, model, drop, points)
    passed = holm([test.p for test in tests], alpha).rejected
    chosen: dict[Hashable, int] = {}
    for test, good in zip(tests, passed, strict=True):
        for label in test.segments if good else ():
            if label not in chosen or cost[label, test.model] < cost[label, chosen[label]]:
                chosen[label] = test.model
    return chosen


def _tests(
    outcomes: Sequence[Outcome], members: Mapping[Hashable, Sequence[int]], model: int, drop: float, points: float
) -> list[_Test]:
    """Return one test per segment, or one for all of them where they do not differ."""
    _, z = quality_margins(
        [o.qualities[CURRENT] for o in outcomes], [o.qualities[model] for o in outcomes], drop, points
    )
    labels, effects, errors = [], [], []
    for label, rows in members.items():
        found = clustered_mean([z[i] for i in rows], [outcomes[i].conversation for i in rows])
        if found.mean is not None and found.se_cr1:
            labels.append(label)
            effects.append(found.mean)
            errors.append(found.se_cr1)
    shrunk = shrink_effects(effects, errors)
    if labels and shrunk.tau2 == 0.0:
        return [_Test(shrunk.segments[0].p, model, tuple(labels))]
    return [_Test(s.p, model, (label,)) for s, label in zip(shrunk.segments, labels, strict=True)]


def _models(outcomes: Sequence[Outcome]) -> int:
    """Return the number of models, 1 for no outcomes."""
    widths = {len(o.costs) for o in outcomes} | {len(o.qualities) for o in outcomes}
    if len(widths) > 1 or 0 in widths:
        raise ValueError("every outcome needs a cost and a quality for each of the same models")
    if any(cost < 0 for o in outcomes for cost in finite("costs", o.costs)):
        raise ValueError("costs must not be negative")
    return widths.pop() if widths else 1


def out_of_fold(
    outcomes: Sequence[Outcome], choose: Chooser, folds: int = FOLDS, repeats: int = REPEATS, seed: int = 0
) -> OutOfFold | None:
    """Return cost and quality of a rule's choices, measured only on calls that it did not see.

    Source: methods.md section 10. Folds are of whole conversations; each call is left out once per repeat, and the
    figures are means over calls and repeats. None with fewer than 2 conversations.

    Args:
        outcomes: Prompts answered by all models.
        choose: The rule, such as `choose_by_segment`.
        folds: Parts K, at least 2.
        repeats: Repeats with other folds, at least 1.
        seed: Seed of the folds.

    Raises:
        ValueError: As `choose_by_segment`, or if folds or repeats are out of range.
    """
    _models(outcomes)
    cost, quality, switched, seen = [], [], 0, 0
    for training, left_out in conversation_folds([o.conversation for o in outcomes], folds, repeats, seed):
        chosen = choose([outcomes[i] for i in training])
        for i in left_out:
            model = chosen.get(outcomes[i].segment, CURRENT)
            cost.append(outcomes[i].costs[model])
            quality.append(outcomes[i].qualities[model])
            switched += model != CURRENT
            seen += 1
    if not seen:
        return None
    n = len(outcomes)
    return OutOfFold(
        n=n,
        conversations=len({o.conversation for o in outcomes}),
        cost=math.fsum(cost) / seen,
        quality=math.fsum(quality) / seen,
        current_cost=math.fsum(o.costs[CURRENT] for o in outcomes) / n,
        current_quality=math.fsum(o.qualities[CURRENT] for o in outcomes) / n,
        switched=switched / seen,
    )


def segments_are_worthwhile(by_segment: OutOfFold, single: OutOfFold, minimum: float = WORTHWHILE) -> bool:
    """Return whether segments save at least 5 points of cost more than the best single model, both out of fold.

    Source: methods.md section 10.

    Args:
        by_segment: `out_of_fold` of `choose_by_segment`.
        single: `out_of_fold` of `choose_single`.
        minimum: Further share of the current cost to save.

    Raises:
        ValueError: If the minimum is not finite.
    """
    (least,) = finite("minimum", (minimum,))
    return by_segment.savings - single.savings >= least
