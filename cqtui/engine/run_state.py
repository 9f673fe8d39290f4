"""The one reducer of events: what a front end shows of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from cqtui.events import (
    CandidateChosen,
    CandidateStopped,
    Event,
    PairJudged,
    ReplayFailed,
    ReplayFinished,
    RunFinished,
    RunStarted,
    StageStarted,
)


@dataclass
class CandidateState:
    """One candidate's row: pairs complete of those planned, the sums of its scores, and its state in words."""

    model_id: str
    samples: int
    pairs: int = 0
    baseline_total: float = 0.0
    candidate_total: float = 0.0
    refusals: int = 0
    state: str = "replaying"

    @property
    def impact_percent(self) -> float | None:
        """Quality impact so far, percent; None before the first score."""
        return 100 * (self.candidate_total / self.baseline_total - 1) if self.baseline_total else None


@dataclass
class RunState:
    """A run as far as its events tell."""

    stage: str = "starting"
    budget_usd: Decimal = Decimal(0)
    spent_usd: Decimal = Decimal(0)
    sent: int = 0
    from_cache: int = 0
    failures: int = 0
    candidates: dict[str, CandidateState] = field(default_factory=dict)
    sentence: str | None = None

    def apply(self, event: Event) -> None:
        """Fold one event in."""
        if isinstance(event, RunStarted):
            self.budget_usd = event.budget_usd
        elif isinstance(event, StageStarted):
            self.stage = event.stage
        elif isinstance(event, CandidateChosen):
            self.candidates[event.candidate.id] = CandidateState(event.candidate.id, event.samples)
        elif isinstance(event, ReplayFinished):
            if event.from_cache:
                self.from_cache += 1
            else:
                self.sent += 1
            self.spent_usd = event.spent_usd
        elif isinstance(event, ReplayFailed):
            self.sent += 1
            self.failures += 1
            self.spent_usd = event.spent_usd
        elif isinstance(event, PairJudged):
            self._pair(event)
        elif isinstance(event, CandidateStopped):
            self.candidates[event.model_id].state = f"stopped: {event.reason}"
        elif isinstance(event, RunFinished):
            self.sentence = event.sentence
            self.stage = "finished"

    def _pair(self, event: PairJudged) -> None:
        row = self.candidates[event.model_id]
        row.pairs += 1
        row.refusals += event.candidate_refused
        if event.baseline_score is not None and event.candidate_score is not None:
            row.baseline_total += event.baseline_score
            row.candidate_total += event.candidate_score

    def line(self) -> str:
        """One line: pairs done, each candidate, money."""
        done = sum(row.pairs for row in self.candidates.values())
        planned = sum(row.samples for row in self.candidates.values())
        rows = []
        for row in self.candidates.values():
            name = row.model_id.rsplit("/", 1)[-1]
            impact = row.impact_percent
            quality = "" if impact is None else f" quality {impact:+.1f}%".replace("-", "\N{MINUS SIGN}")
            stopped = " stopped" if row.state.startswith("stopped") else ""
            rows.append(f"{name} {row.pairs} pairs{quality}{stopped}")
        failed = f"  {self.failures} failed" if self.failures else ""
        money = f"${self.spent_usd:.2f} of ${self.budget_usd:.2f}"
        return f"{self.stage} {done}/{planned}  {' | '.join(rows)}{failed}  {money}"
