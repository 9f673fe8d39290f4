"""The progress stream: what happened in a run, in the user's terms, as frozen values.

The terminal app, the command line and ``events.jsonl`` are sinks of the same events.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Protocol

from pydantic import Field, TypeAdapter

from cqtui.models import Candidate, Excluded, FailureKind, Frozen
from cqtui.results import Grade, PairFigures


class _Event(Frozen):
    run_id: str
    seq: int
    at: datetime


class RunStarted(_Event):
    """A run began, or went on where it had stopped (``resumed``)."""

    kind: Literal["run_started"] = "run_started"
    current_model: str
    provider: str
    calls: int
    budget_usd: Decimal
    resumed: bool


class StageStarted(_Event):
    """The pipeline entered a stage."""

    kind: Literal["stage_started"] = "stage_started"
    stage: Literal["discover", "rank", "verify", "guardrails", "noise_floor", "decide"]
    iteration: int = 1


class CandidatesDiscovered(_Event):
    """Discovery chose these, and left those out."""

    kind: Literal["candidates_discovered"] = "candidates_discovered"
    candidates: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]


class CandidateChosen(_Event):
    """A candidate will be replayed, ``samples`` calls at most.

    ``evidence_needed`` are the odds that each of its tests must reach (methods.md, section 0.6); None: out of reach.
    """

    kind: Literal["candidate_chosen"] = "candidate_chosen"
    candidate: Candidate
    samples: int
    evidence_needed: float | None = None


class ReplayFinished(_Event):
    """A call to a candidate or a judge was answered. USD and ms; cost None is unknown.

    ``spent_usd`` is the run's total so far, failures and unknown outcomes included. Latency and queueing are None
    where the answer came from the cache.
    """

    kind: Literal["replay_finished"] = "replay_finished"
    purpose: Literal["replay", "judge", "ping"]
    model_id: str
    record_id: str
    cost_usd: Decimal | None
    spent_usd: Decimal
    latency_ms: float | None
    queued_ms: float | None = None
    from_cache: bool


class ReplayFailed(_Event):
    """An attempt failed; ``will_retry`` says whether another may follow. USD is the run's total so far."""

    kind: Literal["replay_failed"] = "replay_failed"
    purpose: Literal["replay", "judge", "ping"]
    model_id: str
    record_id: str
    failure: FailureKind
    message: str
    will_retry: bool
    spent_usd: Decimal


Settled = Literal["open", "passed", "failed"]


class PairJudged(_Event, PairFigures):
    """A pair is complete; scores 0..100, None where the pair is not comparable.

    ``quality`` and ``refusals`` say what its candidate's pairs so far have settled. The evidence is the natural
    logarithm of the odds: that quality drops by no more than allowed, that it drops by more, that refusals stay within
    what is allowed (methods.md, sections 0.3 and 0.4).
    """

    kind: Literal["pair_judged"] = "pair_judged"
    model_id: str
    quality: Settled = "open"
    refusals: Settled = "open"
    quality_log_evidence: float = 0.0
    worse_log_evidence: float = 0.0
    refusals_log_evidence: float = 0.0


class CandidateStopped(_Event):
    """No more calls go to this candidate."""

    kind: Literal["candidate_stopped"] = "candidate_stopped"
    model_id: str
    pairs: int
    reason: str


class PauseChanged(_Event):
    """The run was told to pause, or to go on."""

    kind: Literal["pause_changed"] = "pause_changed"
    is_paused: bool


class ConcurrencyChanged(_Event):
    """Another number of calls may go at once: as the user wants it, or less since a provider throttles.

    ``provider`` None: to each of them. ``wait_s`` is the pause that the provider asked for, in seconds.
    """

    kind: Literal["concurrency_changed"] = "concurrency_changed"
    provider: str | None
    allowed: int
    wait_s: float | None = None


class BatchJobSubmitted(_Event):
    """Calls to one model went into a provider's batch job."""

    kind: Literal["batch_job_submitted"] = "batch_job_submitted"
    job_id: str
    purpose: Literal["replay", "judge", "ping"]
    model_id: str
    calls: int


GuardrailVerdict = Literal["passed", "flagged", "blocked", "not_evaluated", "failed"]


class GuardrailChecked(_Event):
    """A call was replayed under a set of guardrails."""

    kind: Literal["guardrail_checked"] = "guardrail_checked"
    guardrails: str
    model_id: str
    record_id: str
    verdict: GuardrailVerdict


class RunFinished(_Event):
    """The run ended with an answer; ``recommended`` is the candidate to switch to, None where there is none."""

    kind: Literal["run_finished"] = "run_finished"
    grade: Grade
    sentence: str
    spent_usd: Decimal
    recommended: str | None = None


Event = Annotated[
    RunStarted
    | StageStarted
    | CandidatesDiscovered
    | CandidateChosen
    | ReplayFinished
    | ReplayFailed
    | PairJudged
    | CandidateStopped
    | PauseChanged
    | ConcurrencyChanged
    | BatchJobSubmitted
    | GuardrailChecked
    | RunFinished,
    Field(discriminator="kind"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)


class EventSink(Protocol):
    """Whoever wants to know what happens in a run."""

    def __call__(self, event: Event, /) -> None:
        """Take one event; must return at once."""


class Emitter:
    """Numbers and dates the events of one run and hands them to a sink."""

    def __init__(self, run_id: str, sink: EventSink, clock: Callable[[], datetime]) -> None:
        """Start at sequence number 1."""
        self.run_id = run_id
        self._sink = sink
        self._clock = clock
        self._seq = 0

    def emit(self, event_type: type[_Event], **fields: object) -> None:
        """Build an event of this type and hand it on."""
        self._seq += 1
        event = event_type.model_validate({"run_id": self.run_id, "seq": self._seq, "at": self._clock(), **fields})
        self._sink(event)  # type: ignore[arg-type]
