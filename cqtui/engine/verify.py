"""Layer 3: replays the log on the candidates, record by record, and stops a candidate when the evidence is in."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence

from cqtui.engine.batch import next_wave
from cqtui.engine.budget import BudgetExhaustedError
from cqtui.engine.calling import access_words
from cqtui.engine.control import RunControl
from cqtui.engine.gates import more_calls
from cqtui.engine.race import Race
from cqtui.engine.replay import Replayer
from cqtui.engine.workers import run_workers
from cqtui.events import CandidateChosen, CandidateStopped, Emitter, PairJudged
from cqtui.gateway.batching import StillWaitingError
from cqtui.models import Failure, LoggedCall
from cqtui.results import Pair, PairFigures

SYSTEMATIC_FAILURES = 5


class _Progress:
    """One candidate's race. Evidence is the unbroken run from the first call on, whatever order answers came in."""

    def __init__(self, race: Race) -> None:
        self.race = race
        self.candidate = race.candidate
        self.finished: dict[int, Pair] = {}

    @property
    def stopped(self) -> str | None:
        return self.race.stopped

    def take(self, index: int, pair: Pair) -> Iterator[Pair]:
        """Enter a pair; yields those that are now next in the order."""
        self.finished[index] = pair
        while self.race.stopped is None and len(self.race.pairs) in self.finished:
            following = self.finished[len(self.race.pairs)]
            self.race.add(following)
            yield following


class Verification:
    """What the replays showed: each candidate's race, by model id."""

    def __init__(self) -> None:
        self.races: dict[str, Race] = {}
        self.budget_exhausted = False
        self.interrupted = False

    @property
    def pairs(self) -> dict[str, list[Pair]]:
        """Each candidate's pairs."""
        return {model_id: race.pairs for model_id, race in self.races.items()}

    @property
    def stopped_early(self) -> bool:
        """Whether a candidate was stopped before the log ended."""
        return any(race.stopped is not None for race in self.races.values())


async def verify(
    races: Sequence[Race],
    calls: Sequence[LoggedCall],
    replayer: Replayer,
    emitter: Emitter,
    *,
    found: Verification,
    control: RunControl,
    in_waves: bool = False,
) -> None:
    """Replay ``calls`` in their order on every candidate; results go into ``found`` as they come.

    A candidate stops early when the evidence is in, either way, or when its first calls all fail; once its quality has
    passed, further calls settle the refusals without a judge. Money that is gone ends the round with what was measured.
    ``control`` may stop or pause the run, and says how many calls go at once. With ``in_waves`` calls come together,
    as many as are worth a look (batch jobs); else one after the other.
    """
    states = [_Progress(race) for race in races]
    for state in states:
        found.races[state.candidate.id] = state.race
        needed = state.race.threshold
        emitter.emit(
            CandidateChosen,
            candidate=state.candidate,
            samples=len(calls),
            evidence_needed=needed if math.isfinite(needed) else None,
        )

    async def one_pair(index: int, call: LoggedCall, state: _Progress) -> bool:
        """Replay and judge one call; False where no more should follow."""
        try:
            pair = await replayer.pair(call, state.candidate, judged=state.race.wants_judgement)
        except BudgetExhaustedError:
            found.budget_exhausted = True
            return False
        except StillWaitingError:
            return False
        for following in state.take(index, pair):
            _report(emitter, state, following)
            _look(emitter, state)
        return True

    async def worker(work: Iterator[tuple[int, LoggedCall, _Progress]]) -> None:
        goes_on = True
        while goes_on:
            async with control.turn() as may_start:
                item = next((item for item in work if item[2].stopped is None), None)
                if not may_start or found.budget_exhausted or item is None:
                    return
                goes_on = await one_pair(*item)

    done = 0
    while done < len(calls) and not (control.stopping.is_set() or found.budget_exhausted):
        racing = [state for state in states if state.stopped is None]
        if not racing:
            break
        size = len(calls)
        if in_waves:
            size = next_wave(done, [more_calls(state.race) for state in racing], len(calls))
        wave = list(enumerate(calls))[done : done + size]
        work = iter([(index, call, state) for index, call in wave for state in racing])
        await run_workers(functools.partial(worker, work), control.workers(len(wave) * len(racing)))
        done += size
    found.interrupted = control.stopping.is_set()
    if not (found.interrupted or found.budget_exhausted):
        for race in races:
            race.finish()


def _report(emitter: Emitter, state: _Progress, pair: Pair) -> None:
    race = state.race
    emitter.emit(
        PairJudged,
        model_id=state.candidate.id,
        **{name: getattr(pair, name) for name in PairFigures.model_fields},
        quality=race.quality,
        refusals=race.refusals,
        quality_log_evidence=min(race.evidence.plain.log_not_worse, race.evidence.strict.log_not_worse),
        worse_log_evidence=race.evidence.plain.log_worse,
        refusals_log_evidence=race.refusal_gate.log_acceptable,
    )


def _look(emitter: Emitter, state: _Progress) -> None:
    race = state.race
    pairs, last = race.pairs, race.pairs[-1]
    if last.failure in ("refused_credentials", "quota_exhausted"):
        race.stopped = access_words(Failure(kind=last.failure, message=last.failure_message or ""))
    elif len(pairs) == SYSTEMATIC_FAILURES and all(pair.failure is not None for pair in pairs):
        race.stopped = f"its first {SYSTEMATIC_FAILURES} calls all failed ({last.failure}: {last.failure_message})"
    elif len(pairs) == SYSTEMATIC_FAILURES and all(pair.unjudged for pair in pairs):
        race.stopped = f"none of its first {SYSTEMATIC_FAILURES} answers could be judged"
    if race.stopped is not None:
        emitter.emit(CandidateStopped, model_id=state.candidate.id, pairs=len(pairs), reason=race.stopped)
