"""What 400s that name a parameter have taught about each candidate; kept, so that a second run need not learn it."""

from __future__ import annotations

from collections.abc import Callable

from cqtui.engine.calling import Caller
from cqtui.gateway.protocol import ChatRequest
from cqtui.gateway.translate import Adjustment, Translation, adjusted, adjustment_for
from cqtui.models import ModelEntry, Replay
from cqtui.store import cache
from cqtui.store.database import Database

MAX_LESSONS = 4  # parameters that one call may have rejected, one after the other


class Adjustments:
    """The adjustments of each model at one endpoint, in the order in which they were learned."""

    def __init__(self, database: Database, endpoint: str, *, ttl_s: int) -> None:
        """Keep lessons in the cache of ``database`` for ``ttl_s`` seconds."""
        self._database = database
        self._endpoint = endpoint
        self._ttl_s = ttl_s
        self._known: dict[str, tuple[Adjustment, ...]] = {}

    def _key(self, entry: ModelEntry) -> str:
        return cache.generate_key(cache.ADJUSTMENT, endpoint=self._endpoint, model=entry.id)

    def of(self, entry: ModelEntry) -> tuple[Adjustment, ...]:
        """What is known of a model."""
        if entry.id not in self._known:
            found = cache.look_up(self._database, self._key(entry))
            self._known[entry.id] = tuple(Adjustment.model_validate(item) for item in found or ())
        return self._known[entry.id]

    async def learn(self, entry: ModelEntry, adjustment: Adjustment) -> None:
        """Add a lesson; one that is known already changes nothing."""
        known = self.of(entry)
        if adjustment in known:
            return
        self._known[entry.id] = (*known, adjustment)
        value = [item.model_dump(exclude_defaults=True) for item in self._known[entry.id]]
        seals = self._database.seals
        await self._database.run_async(
            lambda c: cache.set_value(c, self._key(entry), value, ttl_s=self._ttl_s, seals=seals)
        )


async def call_adjusted(
    caller: Caller,
    adjustments: Adjustments,
    wire: Translation,
    entry: ModelEntry,
    request_of: Callable[[Translation], ChatRequest],
) -> tuple[Replay, Translation]:
    """Make a call adjusted by what is known, once more for each parameter that a 400 names and that can be adjusted.

    Args:
        caller: Makes the calls.
        adjustments: What is known of the models, and where lessons are kept.
        wire: The call as the table translates it.
        entry: The model.
        request_of: The request of a translation.

    Raises:
        What ``Caller.call`` raises.
    """
    known = adjustments.of(entry)
    final = adjusted(wire, known) if known else wire
    for _ in range(MAX_LESSONS):
        replay = await caller.call(request_of(final), entry, final.max_output_tokens)
        lesson = adjustment_for(final.params, replay.failure, final.pinned) if replay.failure is not None else None
        if lesson is None:
            break
        await adjustments.learn(entry, lesson)
        final = adjusted(final, [lesson])
    return replay, final
