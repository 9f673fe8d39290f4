"""What of a run's events is worth a line to a person. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cqtui.engine.gates import CATASTROPHE_POINTS
from cqtui.events import (
    BatchJobSubmitted,
    CandidateChosen,
    CandidateStopped,
    ConcurrencyChanged,
    Event,
    GuardrailChecked,
    PairJudged,
    PauseChanged,
    ReplayFailed,
    RunFinished,
    RunStarted,
    StageStarted,
)

LONGEST_MESSAGE = 160
_STAGES = {
    "discover": "Looking for cheaper models.",
    "rank": "Ranking them for the use case.",
    "guardrails": "Replaying those that pass under the guardrail sets.",
    "noise_floor": "Asking the current model some of its own calls again: the noise floor.",
    "decide": "Deciding.",
}


@dataclass(frozen=True)
class Happening:
    """A line for the log of a run. ``is_notice``: of the run as a whole, not of one call among many.

    The text may hold a provider's words. With ``record_id`` it is about one call of the log.
    """

    at: datetime
    text: str
    is_notice: bool
    model_id: str | None = None
    record_id: str | None = None


def happening_of(event: Event, name_of: Callable[[str], str]) -> Happening | None:
    """The line for an event, or None; ``name_of`` is what a candidate is called, by its id."""
    if isinstance(event, PairJudged):
        words = _pair_words(event)
        return (
            None
            if words is None
            else Happening(event.at, f"{name_of(event.model_id)}: {words}", False, event.model_id, event.record_id)
        )
    if isinstance(event, ReplayFailed):
        if event.will_retry:
            return None
        who = "the judge" if event.purpose == "judge" else name_of(event.model_id)
        message = " ".join(event.message.split())[:LONGEST_MESSAGE]
        text = f"{who}: a call failed ({event.failure.replace('_', ' ')}{': ' if message else ''}{message})"
        return Happening(event.at, text, False, event.model_id, event.record_id)
    if isinstance(event, GuardrailChecked):
        if event.verdict in ("passed", "flagged"):
            return None
        text = f"{name_of(event.model_id)}: {event.guardrails}: {event.verdict.replace('_', ' ')}"
        return Happening(event.at, text, False, event.model_id, event.record_id)
    notice = _notice(event, name_of)
    return None if notice is None else Happening(event.at, notice, True, getattr(event, "model_id", None))


def _pair_words(event: PairJudged) -> str | None:
    if event.is_newly_refused:
        return "newly refused"
    if event.baseline_score is None or event.candidate_score is None:
        return None
    worse = event.baseline_score - event.candidate_score
    return f"{worse:.0f} points worse" if worse > CATASTROPHE_POINTS else None


def _notice(event: Event, name_of: Callable[[str], str]) -> str | None:
    if isinstance(event, RunStarted):
        return (
            "Going on with the unfinished run of this plan; what was paid for is not paid again."
            if (event.resumed)
            else f"Run {event.run_id} began: {event.calls:,} calls of {event.current_model}."
        )
    if isinstance(event, StageStarted):
        if event.stage == "verify":
            if event.iteration > 1:
                return f"No candidate passed; trying the next stronger ones (round {event.iteration})."
            return "Replaying the log and judging the answers."
        return _STAGES[event.stage]
    if isinstance(event, CandidateChosen):
        return f"{name_of(event.candidate.id)} is tried on up to {event.samples:,} calls."
    if isinstance(event, CandidateStopped):
        return f"{name_of(event.model_id)}: stopped after {event.pairs:,} calls: {event.reason}"
    if isinstance(event, PauseChanged):
        return "Paused: calls under way finish." if event.is_paused else "Going on."
    if isinstance(event, ConcurrencyChanged):
        if event.provider is None:
            return f"Up to {event.allowed} calls at a time."
        wait = f" waiting {event.wait_s:.0f} s," if event.wait_s else ""
        return f"{event.provider} throttles:{wait} now {event.allowed} at a time."
    if isinstance(event, BatchJobSubmitted):
        return f"Batch job {event.job_id}: {event.calls} calls ({event.purpose}) to {event.model_id}."
    if isinstance(event, RunFinished):
        return event.sentence
    return None
