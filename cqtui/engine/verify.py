"""Layer 3: replays the log on the candidates, record by record, and stops a candidate when the evidence is in."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterator, Sequence

from cqtui.engine.batch import next_wave
from cqtui.engine.budget import BudgetExhaustedError
from cqtui.engine.calling import access_words
from cqtui.engine.evidence import CLEARLY_WORSE, RunningQuality, pairs_missing
from cqtui.engine.replay import Replayer
from cqtui.engine.workers import run_workers
from cqtui.events import CandidateChosen, CandidateStopped, Emitter, PairJudged
from cqtui.gateway.batching import StillWaitingError
from cqtui.models import Candidate, Failure, LoggedCall
from cqtui.results import Pair

SYSTEMATIC_FAILURES = 5


class _Progress:
    """One candidate's pairs. Evidence is the unbroken run from the first call on, whatever order answers came in."""

    def __init__(self, candidate: Candidate, max_drop_percent: float) -> None:
        self.candidate = candidate
        self.quality = RunningQuality(max_drop_percent)
        self.finished: dict[int, Pair] = {}
        self.pairs: list[Pair] = []
        self.stopped: str | None = None

    def take(self, index: int, pair: Pair) -> Iterator[Pair]:
        """Enter a pair; yields those that are now next in the order."""
        self.finished[index] = pair
        while self.stopped is None and len(self.pairs) in self.finished:
            following = self.finished[len(self.pairs)]
            self.pairs.append(following)
            self.quality.add(following)
            yield following


class Verification:
    """What a band's replays showed: pairs and why each candidate was stopped, by model id."""

    def __init__(self) -> None:
        self.pairs: dict[str, list[Pair]] = {}
        self.stopped: dict[str, str] = {}
        self.budget_exhausted = False
        self.interrupted = False


async def verify(
    candidates: Sequence[Candidate],
    calls: Sequence[LoggedCall],
    replayer: Replayer,
    emitter: Emitter,
    *,
    max_drop_percent: float,
    workers: int,
    found: Verification,
    stop: asyncio.Event,
    in_waves: bool = False,
) -> None:
    """Replay ``calls`` in their order on every candidate; results go into ``found`` as they come.

    A candidate stops early when it is clearly worse, or when its first calls all fail. Money that is gone ends the
    round with what was measured. ``stop`` lets the calls under way finish and starts no more. With ``in_waves`` calls
    come together, as many as are worth a look (batch jobs); else one after the other.
    """
    states = [_Progress(candidate, max_drop_percent) for candidate in candidates]
    for state in states:
        found.pairs[state.candidate.id] = state.pairs
        emitter.emit(CandidateChosen, candidate=state.candidate, samples=len(calls))

    async def worker(work: Iterator[tuple[int, LoggedCall, _Progress]]) -> None:
        for index, call, state in work:
            if stop.is_set() or found.budget_exhausted:
                return
            if state.stopped is not None:
                continue
            try:
                pair = await replayer.pair(call, state.candidate)
            except BudgetExhaustedError:
                found.budget_exhausted = True
                return
            except StillWaitingError:
                return
            for following in state.take(index, pair):
                _report(emitter, state, following)
                _look(emitter, state)

    done = 0
    while done < len(calls) and not (stop.is_set() or found.budget_exhausted):
        racing = [state for state in states if state.stopped is None]
        if not racing:
            break
        size = len(calls)
        if in_waves:
            size = next_wave(done, [pairs_missing(state.pairs, max_drop_percent) for state in racing], len(calls))
        wave = list(enumerate(calls))[done : done + size]
        work = iter([(index, call, state) for index, call in wave for state in racing])
        await run_workers(functools.partial(worker, work), min(workers, len(wave) * len(racing)))
        done += size
    found.interrupted = stop.is_set()
    found.stopped.update({s.candidate.id: s.stopped for s in states if s.stopped is not None})


def _report(emitter: Emitter, state: _Progress, pair: Pair) -> None:
    emitter.emit(
        PairJudged,
        model_id=state.candidate.id,
        record_id=pair.record_id,
        baseline_score=pair.baseline_score,
        candidate_score=pair.candidate_score,
        candidate_refused=pair.candidate_refused,
    )


def _look(emitter: Emitter, state: _Progress) -> None:
    pairs = state.pairs
    reason = None
    last = pairs[-1]
    if last.failure in ("refused_credentials", "quota_exhausted"):
        reason = access_words(Failure(kind=last.failure, message=last.failure_message or ""))
    elif len(pairs) == SYSTEMATIC_FAILURES and all(pair.failure is not None for pair in pairs):
        reason = f"its first {SYSTEMATIC_FAILURES} calls all failed ({last.failure}: {last.failure_message})"
    elif len(pairs) == SYSTEMATIC_FAILURES and all(pair.unjudged for pair in pairs):
        reason = f"none of its first {SYSTEMATIC_FAILURES} answers could be judged"
    elif state.quality.is_clearly_worse:
        reason = CLEARLY_WORSE
    if reason is not None:
        state.stopped = reason
        emitter.emit(CandidateStopped, model_id=state.candidate.id, pairs=len(pairs), reason=reason)
