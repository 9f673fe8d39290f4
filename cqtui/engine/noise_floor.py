"""The noise floor: how far the current model's new answers score from its logged ones (methods.md, section 0.10)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from cqtui.engine.budget import BudgetExhaustedError
from cqtui.engine.control import RunControl
from cqtui.engine.evidence import scored
from cqtui.engine.replay import Replayer
from cqtui.engine.workers import run_workers
from cqtui.gateway.batching import StillWaitingError
from cqtui.models import Candidate, LoggedCall, ModelEntry
from cqtui.results import Interval, NoiseFloor, Pair
from cqtui.stats.paired import paired_difference

FEWEST_PAIRS = 5


def as_candidate(entry: ModelEntry) -> Candidate:
    """The current model, to be replayed as a candidate is."""
    return Candidate(entry=entry, cost_per_call_usd=Decimal(0), expected_saving_percent=0.0)


async def measure_noise_floor(
    replayer: Replayer, current: ModelEntry, calls: Sequence[LoggedCall], control: RunControl
) -> NoiseFloor | None:
    """Have the current model answer calls again and compare with the log, as for a candidate.

    Args:
        replayer: Replays and judges.
        current: The current model.
        calls: Those to answer again; fewer where the money ends or the run is stopped.
        control: May stop or pause it.

    Returns:
        None with fewer than 5 comparable pairs.

    Raises:
        What ``Caller.call`` raises, a used-up budget apart.
    """
    pairs: list[Pair] = []
    work = iter(calls)
    candidate = as_candidate(current)

    async def worker() -> None:
        while True:
            async with control.turn() as may_start:
                call = next(work, None)
                if not may_start or call is None:
                    return
                try:
                    pairs.append(await replayer.pair(call, candidate))
                except (BudgetExhaustedError, StillWaitingError):
                    return

    await run_workers(worker, control.workers(len(calls)))
    return noise_floor_of(pairs)


def noise_floor_of(pairs: Sequence[Pair]) -> NoiseFloor | None:
    """The mean difference with its interval, and the spread, in points; see ``measure_noise_floor``."""
    logged, again = scored(sorted(pairs, key=lambda pair: pair.record_id))
    found = paired_difference(logged, again)
    if found.n < FEWEST_PAIRS or found.mean is None or found.se is None:
        return None
    low, high = found.interval if found.interval is not None else (found.mean, found.mean)
    return NoiseFloor(
        pairs=found.n,
        difference_points=Interval(value=found.mean, low=low, high=high),
        sd_points=found.se * found.n**0.5,
    )
