"""One candidate's pairs in the order submitted, and what they have settled at every number of them. Pure."""

from __future__ import annotations

import math
from typing import Literal

from cqtui.models import Candidate
from cqtui.results import Pair
from cqtui.settings import Thresholds
from cqtui.stats.paired import RELATIVE_FLOOR
from cqtui.stats.refusal_gate import RunningRefusalGate
from cqtui.stats.savings import savings_ratio
from cqtui.stats.sequential import RunningEProcess, points_bounds, relative_bounds

Settled = Literal["open", "passed", "failed"]
WORSE_THRESHOLD = 20.0  # for every candidate: giving one up too early costs a chance, not a false promise
CLEARLY_WORSE = "clearly worse"  # why a candidate stopped; a provider's own words may stand there instead
REFUSES_MORE = "refuses more than allowed"
ENOUGH = "enough evidence"
SAVING_LOOKS = 25  # calls between two looks at the saving, once everything else has passed


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
        if pair.failure is None:
            self.refusal_gate.add(pair.candidate_refused and not pair.baseline_refused)
        self._look_at_refusals()
        if self.quality == "failed":
            self.stopped = CLEARLY_WORSE
        elif self.refusals == "failed":
            self.stopped = REFUSES_MORE
        elif self.quality == self.refusals == "passed" and self._saves_enough():
            self.stopped = ENOUGH

    def finish(self) -> None:
        """Say that no pair follows: the last conversation counts."""
        if self.quality == "open":
            self.evidence.close()
            self._look_at_quality()

    def _look_at_quality(self) -> None:
        self.quality = self.evidence.settled(self.threshold)
        if self.quality == "passed":
            self.judged_until = len(self.pairs)

    def _look_at_refusals(self) -> None:
        if self.refusals != "open":
            return
        if math.isfinite(self.threshold) and self.refusal_gate.is_acceptable(self.threshold):
            self.refusals = "passed"
        elif self.refusal_gate.is_failed(WORSE_THRESHOLD):
            self.refusals = "failed"

    def _saves_enough(self) -> bool:
        """Whether the saving's interval clears what is asked; a look now and then, since it is no test of its own."""
        if self._looked_at and len(self.pairs) < self._looked_at + SAVING_LOOKS:
            return False
        self._looked_at = len(self.pairs)
        saving = savings_ratio(*costs_of(self.pairs))
        if saving.savings is None:
            return False
        low = saving.interval[0] if saving.interval is not None else saving.savings
        return low >= self._min_saving


def costs_of(pairs: list[Pair] | tuple[Pair, ...]) -> tuple[list[float], list[float]]:
    """Costs in USD of the current model and of the candidate, over the pairs where both are known."""
    known = [
        (float(pair.baseline_cost_usd), float(pair.candidate_cost_usd))
        for pair in pairs
        if pair.baseline_cost_usd is not None and pair.candidate_cost_usd is not None
    ]
    return [current for current, _ in known], [candidate for _, candidate in known]
