"""One candidate's pairs in the order submitted, and what they have settled at every number of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cqtui.events import Settled
from cqtui.models import Candidate
from cqtui.results import Pair
from cqtui.settings import Thresholds
from cqtui.stats.paired import RELATIVE_FLOOR, clustered_mean, quality_margins
from cqtui.stats.refusal_gate import RunningRefusalGate
from cqtui.stats.savings import anytime_factor, surely_saved
from cqtui.stats.sequential import RunningEProcess, points_bounds, relative_bounds

WORSE_THRESHOLD = 20.0  # for every candidate: giving one up too early costs a chance, not a false promise
CLEARLY_WORSE = "clearly worse"  # why a candidate stopped; a provider's own words may stand there instead
REFUSES_MORE = "refuses more than allowed"
ENOUGH = "enough evidence"
SAVING_LOOKS = 25  # calls between two looks at the saving, once everything else has passed (they take time)
MOST_ALPHA = 0.05


class _BothForms:
    """The e-process of the relative and of the points margin (methods.md, section 0.2), over one kind of scores.

    Both run along, since the mean of the current model's scores decides which one holds.
    """

    def __init__(self, max_drop_percent: float) -> None:
        self._drop = max_drop_percent
        self._processes = {
            "relative": RunningEProcess(relative_bounds(max_drop_percent / 100)),
            "points": RunningEProcess(points_bounds(max_drop_percent)),
        }
        self._turns: dict[str, list[float]] = {"relative": [], "points": []}

    def add(self, current: float, candidate: float) -> None:
        """Enter a turn of the conversation that is under way."""
        self._turns["relative"].append(candidate - (1 - self._drop / 100) * current)
        self._turns["points"].append(candidate - current + self._drop)

    def end_conversation(self) -> None:
        """Let the conversation count, once, as the mean of its turns."""
        for form, turns in self._turns.items():
            if turns:
                self._processes[form].add(sum(turns) / len(turns))
                turns.clear()

    def process(self, mean_current: float | None) -> RunningEProcess:
        """The one that holds where the current model scores ``mean_current``."""
        low = mean_current is not None and mean_current < RELATIVE_FLOOR
        return self._processes["points" if low else "relative"]


class QualityEvidence:
    """Evidence that quality drops by no more than allowed, and that it drops by more (methods.md, section 0.3).

    ``plain`` is over the comparable pairs. ``strict`` counts failed and truncated answers as 0 (section 0.9); where the
    logged answer of a failed call was not judged, it counts as the mean of those that were.
    """

    def __init__(self, max_drop_percent: float) -> None:
        """Allow a drop of so many percent (of points, where the current model scores below 20)."""
        self._plain = _BothForms(max_drop_percent)
        self._strict = _BothForms(max_drop_percent)
        self._session: str | None = None
        self._total = 0.0
        self._comparable = 0

    def add(self, pair: Pair) -> None:
        """Enter the next pair."""
        if pair.session is None or pair.session != self._session:
            self.close()
        self._session = pair.session
        current, candidate = pair.baseline_score, pair.candidate_score
        if pair.failure is not None:
            self._strict.add(self._mean if self._mean is not None else 100.0, 0.0)
        if current is not None and candidate is not None:
            self._total += current
            self._comparable += 1
            self._plain.add(current, candidate)
            self._strict.add(current, 0.0 if pair.truncated else candidate)
        if pair.session is None:
            self.close()

    def close(self) -> None:
        """Say that the conversation under way is over."""
        self._plain.end_conversation()
        self._strict.end_conversation()

    @property
    def _mean(self) -> float | None:
        return self._total / self._comparable if self._comparable else None

    @property
    def plain(self) -> RunningEProcess:
        """The e-process over the comparable pairs."""
        return self._plain.process(self._mean)

    @property
    def strict(self) -> RunningEProcess:
        """The e-process with failures and truncations as 0."""
        return self._strict.process(self._mean)

    def settled(self, threshold: float) -> Settled:
        """Whether quality has passed at an evidence threshold, failures and truncations included, or has failed."""
        if math.isfinite(threshold) and self.plain.is_not_worse(threshold) and self.strict.is_not_worse(threshold):
            return "passed"
        return "failed" if self.plain.is_worse(WORSE_THRESHOLD) else "open"


class Race:
    """A candidate's pairs so far, and whether quality, refusals and the whole are settled."""

    def __init__(
        self, candidate: Candidate, thresholds: Thresholds, threshold: float, *, asks_saving: bool = True
    ) -> None:
        """Start with no pair.

        Args:
            candidate: Who runs.
            thresholds: The rules.
            threshold: The evidence E that each test must reach (methods.md, section 0.6); infinite: none can.
            asks_saving: False in a forced switch.
        """
        self.candidate = candidate
        self.threshold = threshold
        self.pairs: list[Pair] = []
        self.evidence = QualityEvidence(thresholds.max_quality_drop_percent)
        self.refusal_gate = RunningRefusalGate(thresholds.max_refusal_increase_percent / 100)
        self.quality: Settled = "open"
        self.refusals: Settled = "open"
        self.judged_until: int | None = None
        self.stopped: str | None = None
        self._min_saving = thresholds.min_cost_saving_percent / 100 if asks_saving else -math.inf
        self._looked_at = 0
        self._drop = thresholds.max_quality_drop_percent
        self._by_call_at = 0
        self._session: str | None = None
        self._refusals: list[bool] = []
        self._conversations: list[int] = [0]

    @property
    def wants_judgement(self) -> bool:
        """Whether further pairs need scores; once quality has passed, replaying alone settles the refusals."""
        return self.quality == "open"

    @property
    def judged_pairs(self) -> list[Pair]:
        """The pairs that the quality rests on."""
        return self.pairs if self.judged_until is None else self.pairs[: self.judged_until]

    @property
    def is_sequential(self) -> bool:
        """Whether the evidence itself ended the judging, so that only anytime-valid intervals hold (section 0.7)."""
        return self.judged_until is not None or self.quality == "failed"

    def add(self, pair: Pair) -> None:
        """Enter the next pair in the order submitted, and stop where it settles the race."""
        self.pairs.append(pair)
        if self.quality == "open":
            self.evidence.add(pair)
            self._look_at_quality()
        self._enter_refusal(pair)
        self._look_at_refusals()
        if self.quality == "failed":
            self.stopped = CLEARLY_WORSE
        elif self.refusals == "failed":
            self.stopped = REFUSES_MORE
        elif self.quality == self.refusals == "passed" and self._saves_enough():
            self.stopped = ENOUGH

    def _enter_refusal(self, pair: Pair) -> None:
        """A conversation counts once here as well, as the mean of its turns' bets, when it is over."""
        if pair.session is None or pair.session != self._session:
            self._end_conversation()
            self._session = pair.session
        self._conversations[-1] += 1
        if pair.failure is None:
            self._refusals.append(pair.is_newly_refused)
        if pair.session is None:
            self.refusal_gate.add_conversation(self._refusals)
            self._refusals.clear()

    def _end_conversation(self) -> None:
        self.refusal_gate.add_conversation(self._refusals)
        self._refusals.clear()
        self._conversations.append(0)

    @property
    def turns(self) -> float:
        """Calls of a conversation on average; a call of none is one of its own."""
        return len(self.pairs) / max(1, sum(size > 0 for size in self._conversations))

    @property
    def has_uneven_conversations(self) -> bool:
        """Whether some conversations have more turns than others; the one under way may still grow."""
        return len({size for size in self._conversations[:-1] if size}) > 1

    @property
    def margin_by_call(self) -> float | None:
        """How far the drop surely stays within what is allowed with every call counted alike, points; None: unknown.

        Errors are clustered by conversation; the bound holds however often one looks, at the error rate of the other
        tests. Below 0 the drop may be larger: a candidate that fails in long conversations alone would pass otherwise.
        """
        if math.isinf(self.threshold):
            return None
        known = [p for p in self.judged_pairs if p.baseline_score is not None and p.candidate_score is not None]
        current, candidate = [p.baseline_score or 0.0 for p in known], [p.candidate_score or 0.0 for p in known]
        _, z = quality_margins(current, candidate, self._drop / 100, self._drop)
        found = clustered_mean(z, [p.conversation for p in known])
        if found.mean is None or found.se_cr1 is None:
            return None
        return found.mean - found.se_cr1 * anytime_factor(found.clusters, min(MOST_ALPHA, 1 / self.threshold))

    def finish(self) -> None:
        """Say that no pair follows: the last conversation counts."""
        self.refusal_gate.add_conversation(self._refusals)
        self._refusals.clear()
        self._look_at_refusals()
        if self.quality == "open":
            self.evidence.close()
            self._look_at_quality()

    def _look_at_quality(self) -> None:
        self.quality = self.evidence.settled(self.threshold)
        if self.quality == "passed" and not self._holds_by_call():
            self.quality = "open"
        if self.quality == "passed":
            self.judged_until = len(self.pairs)

    def _holds_by_call(self) -> bool:
        """Whether each call counted alike holds as well, where conversations differ in length; a look now and then."""
        if not self.has_uneven_conversations:
            return True
        if self._by_call_at and len(self.pairs) < self._by_call_at + SAVING_LOOKS:
            return False
        self._by_call_at = len(self.pairs)
        found = self.margin_by_call
        return found is not None and found >= 0

    def _look_at_refusals(self) -> None:
        if self.refusals != "open":
            return
        if math.isfinite(self.threshold) and self.refusal_gate.is_acceptable(self.threshold):
            self.refusals = "passed"
        elif self.refusal_gate.is_failed(WORSE_THRESHOLD):
            self.refusals = "failed"

    @property
    def surely_saved(self) -> float | None:
        """The share that is surely saved, however often one looks, at the error rate of the other tests; None: unknown.

        Without it a candidate that saves exactly what is asked would pass far too often (methods.md, section 0.6).
        """
        if math.isinf(self.threshold):
            return None
        return surely_saved(*costs_by_conversation(self.pairs), min(MOST_ALPHA, 1 / self.threshold))

    def _saves_enough(self) -> bool:
        if self._looked_at and len(self.pairs) < self._looked_at + SAVING_LOOKS:
            return False
        self._looked_at = len(self.pairs)
        saved = self.surely_saved
        return saved is not None and saved >= self._min_saving


def costs_by_conversation(pairs: Sequence[Pair]) -> tuple[list[float], list[float]]:
    """Costs in USD of the current model and of the candidate, summed over each conversation."""
    return sums_by_conversation(
        [
            (pair, float(pair.baseline_cost_usd), float(pair.candidate_cost_usd))
            for pair in pairs
            if pair.baseline_cost_usd is not None and pair.candidate_cost_usd is not None
        ]
    )


def sums_by_conversation(values: Sequence[tuple[Pair, float, float]]) -> tuple[list[float], list[float]]:
    """Two figures of each pair, summed over its conversation, in the order of the first turns.

    The ratio of such sums is that of all pairs, and its error from them is the one clustered by conversation.
    """
    totals: dict[str, list[float]] = {}
    for pair, left, right in values:
        found = totals.setdefault(pair.conversation, [0.0, 0.0])
        found[0] += left
        found[1] += right
    return [left for left, _ in totals.values()], [right for _, right in totals.values()]
