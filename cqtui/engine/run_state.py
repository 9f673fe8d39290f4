"""The one reducer of events: what a front end shows of a run."""

from __future__ import annotations

import bisect
import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from cqtui.engine.happenings import Happening, happening_of
from cqtui.engine.letters import letter
from cqtui.engine.race import ENOUGH, WORSE_THRESHOLD
from cqtui.events import (
    CandidateChosen,
    CandidatesDiscovered,
    CandidateStopped,
    ConcurrencyChanged,
    Event,
    GuardrailChecked,
    PairJudged,
    PauseChanged,
    ReplayFailed,
    ReplayFinished,
    RunFinished,
    RunStarted,
    Settled,
    StageStarted,
)
from cqtui.models import Candidate
from cqtui.results import Grade
from cqtui.stats.running_ratio import RunningRatio

RATE_WINDOW_S = 10
KEPT_HAPPENINGS = 2000


@dataclass
class CandidateState:
    """One candidate's row: pairs complete of those planned, what they show so far, and its state in words.

    ``samples`` 0: it was discovered and is not tried yet, and has no letter. ``quality`` and ``cost`` are changes
    against the current model over the pairs so far; latencies in ms, sorted; ``spent_usd`` its own replays alone.
    """

    candidate: Candidate
    letter: str = ""
    samples: int = 0
    pairs: int = 0
    comparable: int = 0
    newly_refused: int = 0
    format_failed: int = 0
    failed: int = 0
    guardrail_calls: int = 0
    quality: RunningRatio = field(default_factory=RunningRatio)
    cost: RunningRatio = field(default_factory=RunningRatio)
    latencies_ms: list[float] = field(default_factory=list)
    spent_usd: Decimal = Decimal(0)
    evidence_needed: float | None = None
    quality_log_evidence: float = 0.0
    refusals_log_evidence: float = 0.0
    worse_log_evidence: float = 0.0
    quality_settled: Settled = "open"
    refusals_settled: Settled = "open"
    stopped: str | None = None
    outcome: Grade | None = None

    @property
    def model_id(self) -> str:
        """The candidate's id, options included."""
        return self.candidate.id

    @property
    def impact_percent(self) -> float | None:
        """Quality impact so far, percent; None before the first score."""
        return self.quality.change_percent

    @property
    def is_racing(self) -> bool:
        """Whether more calls may go to it."""
        return self.samples > self.pairs and self.stopped is None

    def latency_ms(self, share: float) -> float | None:
        """A percentile of its latencies, ms; None before the first answer."""
        found = self.latencies_ms
        return found[max(0, math.ceil(share * len(found)) - 1)] if found else None

    @property
    def evidence_share(self) -> float | None:
        """How far the weaker of both tests has come towards what verified needs, 0..1 on a logarithmic scale."""
        if self.evidence_needed is None or self.evidence_needed <= 1:
            return None
        shares = [
            1.0 if settled == "passed" else log / math.log(self.evidence_needed)
            for settled, log in (
                (self.quality_settled, self.quality_log_evidence),
                (self.refusals_settled, self.refusals_log_evidence),
            )
        ]
        return max(0.0, min(1.0, *shares))

    @property
    def worse_share(self) -> float:
        """How far the evidence that it is clearly worse has come towards stopping it, 0..1, logarithmic."""
        return max(0.0, min(1.0, self.worse_log_evidence / math.log(WORSE_THRESHOLD)))

    @property
    def state(self) -> str:
        """What it is doing, in words."""
        if self.outcome is not None:
            return {"verified": "verified: recommended", "leaning": "leaning: recommended"}.get(self.outcome, "done")
        if self.stopped is not None:
            return ENOUGH if self.stopped == ENOUGH else f"stopped early: {self.stopped}"
        if not self.samples:
            return "waiting"
        if self.guardrail_calls:
            return f"under guardrails: {self.guardrail_calls} calls"
        if self.pairs >= self.samples:
            return "all calls replayed"
        if not self.pairs:
            return "replaying"
        if self.quality_settled == "passed":
            return "quality holds; checking refusals"
        return "replaying and judging"


@dataclass
class RunState:
    """A run as far as its events tell."""

    run_id: str = ""
    current_model: str = ""
    provider: str = ""
    stage: str = "starting"
    iteration: int = 1
    calls: int = 0
    is_resumed: bool = False
    is_paused: bool = False
    concurrency: int | None = None
    started_at: datetime | None = None
    last_at: datetime | None = None
    budget_usd: Decimal = Decimal(0)
    spent_usd: Decimal = Decimal(0)
    sent: int = 0
    from_cache: int = 0
    failures: int = 0
    candidates: dict[str, CandidateState] = field(default_factory=dict)
    happenings: deque[Happening] = field(default_factory=lambda: deque(maxlen=KEPT_HAPPENINGS))
    happened: int = 0
    grade: Grade | None = None
    sentence: str | None = None
    _answered: deque[tuple[datetime, int]] = field(default_factory=deque)

    def apply(self, event: Event) -> None:
        """Fold one event in."""
        self.last_at = event.at
        happening = happening_of(event, self.name_of)
        if happening is not None:
            self.happenings.append(happening)
            self.happened += 1
        if isinstance(event, ReplayFinished):
            self._answer(event)
        elif isinstance(event, PairJudged):
            self._pair(event)
        elif isinstance(event, ReplayFailed):
            self.sent += 1
            self.failures += 1
            self.spent_usd = event.spent_usd
        elif isinstance(event, GuardrailChecked):
            if event.model_id in self.candidates:
                self.candidates[event.model_id].guardrail_calls += 1
        else:
            self._turn(event)

    def _turn(self, event: Event) -> None:
        """Fold in what concerns the run or a candidate as a whole."""
        if isinstance(event, RunStarted):
            self.run_id, self.current_model, self.provider = event.run_id, event.current_model, event.provider
            self.calls, self.budget_usd, self.is_resumed = event.calls, event.budget_usd, event.resumed
            self.started_at = event.at
            self.candidates.clear()  # a resumed run tells of its pairs from the first one on
            self._answered.clear()
        elif isinstance(event, StageStarted):
            self.stage, self.iteration = event.stage, event.iteration
        elif isinstance(event, CandidatesDiscovered):
            for candidate in event.candidates:
                self._row(candidate)
        elif isinstance(event, CandidateChosen):
            row = self._row(event.candidate)
            row.letter = row.letter or letter(len(self.tried))
            row.samples, row.evidence_needed = event.samples, event.evidence_needed
        elif isinstance(event, CandidateStopped):
            self.candidates[event.model_id].stopped = event.reason
        elif isinstance(event, PauseChanged):
            self.is_paused = event.is_paused
        elif isinstance(event, ConcurrencyChanged):
            self.concurrency = event.allowed if event.provider is None else self.concurrency
        elif isinstance(event, RunFinished):
            self.sentence, self.grade, self.stage = event.sentence, event.grade, "finished"
            self.spent_usd = event.spent_usd
            if event.recommended in self.candidates:
                self.candidates[event.recommended].outcome = event.grade

    def _row(self, candidate: Candidate) -> CandidateState:
        row = self.candidates.get(candidate.id)
        if row is None:
            row = self.candidates[candidate.id] = CandidateState(candidate)
        return row

    def name_of(self, model_id: str) -> str:
        """A candidate's letter and name; a model's id where it is no candidate."""
        row = self.candidates.get(model_id)
        return model_id if row is None else f"{row.letter} {row.candidate.short_name}".strip()

    def _answer(self, event: ReplayFinished) -> None:
        if event.from_cache:
            self.from_cache += 1
        else:
            self.sent += 1
        self.spent_usd = event.spent_usd
        row = self.candidates.get(event.model_id)
        if row is not None and event.purpose == "replay":
            if event.latency_ms is not None:
                bisect.insort(row.latencies_ms, event.latency_ms)
            if event.cost_usd is not None and not event.from_cache:
                row.spent_usd += event.cost_usd
        if self._answered and self._answered[-1][0].replace(microsecond=0) == event.at.replace(microsecond=0):
            self._answered[-1] = (self._answered[-1][0], self._answered[-1][1] + 1)
        else:
            self._answered.append((event.at, 1))
            while self._answered[0][0] < event.at - timedelta(seconds=RATE_WINDOW_S):
                self._answered.popleft()

    def _pair(self, event: PairJudged) -> None:
        row = self.candidates[event.model_id]
        row.pairs += 1
        row.newly_refused += event.is_newly_refused
        row.format_failed += event.format_failed
        row.failed += event.failure is not None
        row.quality_settled, row.refusals_settled = event.quality, event.refusals
        row.quality_log_evidence = max(row.quality_log_evidence, event.quality_log_evidence)
        row.worse_log_evidence = max(row.worse_log_evidence, event.worse_log_evidence)
        row.refusals_log_evidence = max(row.refusals_log_evidence, event.refusals_log_evidence)
        if event.baseline_cost_usd is not None and event.candidate_cost_usd is not None:
            row.cost.add(float(event.baseline_cost_usd), float(event.candidate_cost_usd), event.session)
        if event.baseline_score is not None and event.candidate_score is not None:
            row.comparable += 1
            row.quality.add(event.baseline_score, event.candidate_score, event.session)

    @property
    def tried(self) -> list[CandidateState]:
        """The candidates that are replayed, or were."""
        return [row for row in self.candidates.values() if row.samples]

    def calls_per_second(self, now: datetime) -> float:
        """Answers a second over the last 10 s, or since the run began."""
        begin = max(now - timedelta(seconds=RATE_WINDOW_S), self.started_at or now)
        count = sum(number for at, number in self._answered if at >= begin)
        seconds = (now - begin).total_seconds()
        return count / seconds if seconds >= 1 else float(count)

    def seconds_left(self, now: datetime) -> float | None:
        """At most about so long until every call is replayed, at the pace so far; None while that is unknown."""
        left = sum(row.samples - row.pairs for row in self.tried if row.is_racing)
        done = sum(row.pairs for row in self.tried)
        if self.started_at is None or not done or not left:
            return None
        return left * (now - self.started_at).total_seconds() / done

    def line(self) -> str:
        """One line: pairs done, money, then each candidate: a narrow terminal loses the last ones."""
        done = sum(row.pairs for row in self.tried)
        planned = sum(row.samples for row in self.tried)
        rows = []
        for row in self.tried:
            name = row.model_id.rsplit("/", 1)[-1]
            impact = row.impact_percent
            quality = "" if impact is None else f" quality {impact:+.1f}%".replace("-", "\N{MINUS SIGN}")
            stopped = " stopped" if row.stopped is not None else ""
            rows.append(f"{name} {row.pairs} pairs{quality}{stopped}")
        failed = f"  {self.failures} failed" if self.failures else ""
        money = f"${self.spent_usd:.2f} of ${self.budget_usd:.2f}"
        return f"{self.stage} {done}/{planned}  {money}{failed}  {' | '.join(rows)}"


def state_of(events: Iterable[Event]) -> RunState:
    """What a run's events add up to."""
    state = RunState()
    for event in events:
        state.apply(event)
    return state
