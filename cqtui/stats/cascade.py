"""The two-stage cascade (methods.md section 10; FrugalGPT, Chen et al. 2023): the candidate first, then perhaps both.

Costs are in one currency per call, quality in points. A call is accepted where its score reaches the threshold; the
score comes from free signals (refusal, schema, length, log probability), never from the judge.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from cqtui.stats._checks import finite, mean
from cqtui.stats._folds import FOLDS, REPEATS, conversation_folds
from cqtui.stats.paired import quality_margins

SMALL_LOG = 100
"""Calls below which only 5 thresholds are tried."""
FEW_THRESHOLDS = 5
MOST_THRESHOLDS = 20


@dataclass(frozen=True, slots=True)
class CascadeCall:
    """One prompt answered by the current model and the candidate; a higher score speaks for the candidate's answer.

    Raises:
        ValueError: If a figure is not finite or a cost is negative.
    """

    current_cost: float
    candidate_cost: float
    current_quality: float
    candidate_quality: float
    score: float
    conversation: Hashable

    def __post_init__(self) -> None:
        """Refuse figures that cannot be."""
        costs = (self.current_cost, self.candidate_cost)
        finite("call", (*costs, self.current_quality, self.candidate_quality, self.score))
        if min(costs) < 0:
            raise ValueError("costs must not be negative")


@dataclass(frozen=True, slots=True)
class Cascade:
    """Mean cost per call and mean quality of a cascade, beside those of the current model alone.

    `escalated` is the share of calls that needed the current model after the candidate, `price_ratio` the candidate's
    share R of the current model's cost (None where that costs nothing), `used` the share of calls for which the
    cascade was on at all.
    """

    n: int
    cost: float
    quality: float
    current_cost: float
    current_quality: float
    escalated: float
    price_ratio: float | None
    used: float = 1.0

    @property
    def savings(self) -> float:
        """Share of the current cost saved, negative where the cascade is dearer; 0 where there is no cost."""
        return 1 - self.cost / self.current_cost if self.current_cost else 0.0

    @property
    def is_worthwhile(self) -> bool:
        """Whether it is cheaper than the current model alone: where calls cost the same, if `escalated` < 1 - R."""
        return self.cost < self.current_cost


def cascade(calls: Sequence[CascadeCall], accepted: Sequence[bool]) -> Cascade | None:
    """Return what the cascade costs and how good it is for given decisions.

    Source: methods.md section 10: cost = y + [escalated] x; quality b where accepted, else a. None for n = 0.

    Args:
        calls: Calls with both answers.
        accepted: Per call, whether the candidate's answer is kept.

    Raises:
        ValueError: If lengths differ.
    """
    if len(accepted) != len(calls):
        raise ValueError(f"calls has {len(calls)} values but accepted has {len(accepted)}")
    return _outcome(calls, [_Decision(True, kept) for kept in accepted], 1) if calls else None


@dataclass(frozen=True, slots=True)
class _Decision:
    candidate_asked: bool
    accepted: bool

    def cost(self, call: CascadeCall) -> float:
        return call.candidate_cost * self.candidate_asked + call.current_cost * (not self.accepted)

    def quality(self, call: CascadeCall) -> float:
        return call.candidate_quality if self.accepted else call.current_quality


def _outcome(calls: Sequence[CascadeCall], decisions: Sequence[_Decision], repeats: int) -> Cascade:
    """Return the means over calls; `decisions` hold those of each repeat, one after the other."""
    n, rows = len(calls), list(zip(list(calls) * repeats, decisions, strict=True))
    total = math.fsum(c.current_cost for c in calls)
    return Cascade(
        n=n,
        cost=mean(tuple(d.cost(c) for c, d in rows)),
        quality=mean(tuple(d.quality(c) for c, d in rows)),
        current_cost=total / n,
        current_quality=mean(tuple(c.current_quality for c in calls)),
        escalated=sum(d.candidate_asked and not d.accepted for _, d in rows) / len(rows),
        price_ratio=math.fsum(c.candidate_cost for c in calls) / total if total else None,
        used=sum(d.candidate_asked for _, d in rows) / len(rows),
    )


def thresholds_to_try(scores: Sequence[float]) -> tuple[float, ...]:
    """Return the thresholds worth trying: spread evenly over the distinct scores, the lowest (accept all) among them.

    Source: methods.md section 10: at most 5 with fewer than 100 scores; 20 from there on. n = 0 gives none.

    Args:
        scores: Score per call.

    Raises:
        ValueError: If a score is not finite.
    """
    distinct = sorted(set(finite("scores", scores)))
    most = FEW_THRESHOLDS if len(scores) < SMALL_LOG else MOST_THRESHOLDS
    if len(distinct) <= most:
        return tuple(distinct)
    return tuple(distinct[i * (len(distinct) - 1) // (most - 1)] for i in range(most))


def pick_threshold(calls: Sequence[CascadeCall], drop: float = 0.05, points: float = 5.0) -> float | None:
    """Return the threshold of the cheapest cascade whose mean quality margin is at least 0.

    Source: methods.md section 10, on the quality margin of section 0.2. None where no cascade is good enough and
    cheaper than the current model alone. Its figures on the same calls flatter it: see `cascade_out_of_fold`.

    Args:
        calls: Calls with both answers.
        drop: Allowed relative drop, a share.
        points: Allowed drop in points, where the current mean quality is under 20.

    Raises:
        ValueError: As `paired.quality_margins`.
    """
    current = [c.current_quality for c in calls]
    _, if_accepted = quality_margins(current, [c.candidate_quality for c in calls], drop, points)
    _, if_escalated = quality_margins(current, current, drop, points)
    best, cheapest = None, math.fsum(c.current_cost for c in calls)
    asking = math.fsum(c.candidate_cost for c in calls)
    for threshold in thresholds_to_try([c.score for c in calls]):
        accepted = [c.score >= threshold for c in calls]
        margins = zip(accepted, if_accepted, if_escalated, strict=True)
        margin = math.fsum(kept if ok else back for ok, kept, back in margins)
        cost = asking + math.fsum(c.current_cost for c, ok in zip(calls, accepted, strict=True) if not ok)
        if margin >= 0 and cost < cheapest:
            best, cheapest = threshold, cost
    return best


def cascade_out_of_fold(
    calls: Sequence[CascadeCall],
    drop: float = 0.05,
    points: float = 5.0,
    folds: int = FOLDS,
    repeats: int = REPEATS,
    seed: int = 0,
) -> Cascade | None:
    """Return the cascade's figures with each threshold picked on folds that the call was not in.

    Source: methods.md section 10. Where a fold's training part offers no threshold, its calls go to the current model
    alone. None with fewer than 2 conversations.

    Args:
        calls: Calls with both answers.
        drop: Allowed relative drop, a share.
        points: Allowed drop in points, where the current mean quality is under 20.
        folds: Parts K, by conversation, at least 2.
        repeats: Repeats with other folds, at least 1.
        seed: Seed of the folds.

    Raises:
        ValueError: As `pick_threshold`, or if folds or repeats are out of range.
    """
    rounds: list[list[_Decision]] = [[] for _ in calls]
    for training, left_out in conversation_folds([c.conversation for c in calls], folds, repeats, seed):
        threshold = pick_threshold([calls[i] for i in training], drop, points)
        for i in left_out:
            asked = threshold is not None
            rounds[i].append(_Decision(asked, threshold is not None and calls[i].score >= threshold))
    if not rounds or not rounds[0]:
        return None
    return _outcome(calls, [decision for turn in zip(*rounds, strict=True) for decision in turn], repeats)
