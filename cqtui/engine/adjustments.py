"""What 400s that name a parameter have taught about each candidate; kept, so that a second run need not learn it."""

from __future__ import annotations

import asyncio

from cqtui.gateway.translate import Adjustment
from cqtui.models import ModelEntry
from cqtui.store import cache
from cqtui.store.database import Database


class Adjustments:
    """The adjustments of each model at one endpoint, in the order in which they were learned."""

    def __init__(self, database: Database, endpoint: str, *, ttl_s: int) -> None:
        """Keep lessons in the cache of ``database`` for ``ttl_s`` seconds."""
        self._database = database
        self._endpoint = endpoint
        self._ttl_s = ttl_s
        self._known: dict[str, tuple[Adjustment, ...]] = {}
        self._reading = asyncio.Lock()

    def _key(self, entry: ModelEntry) -> str:
        return cache.generate_key(cache.ADJUSTMENT, endpoint=self._endpoint, model=entry.id)

    async def of(self, entry: ModelEntry) -> tuple[Adjustment, ...]:
        """What is known of a model."""
        if entry.id not in self._known:
            async with self._reading:
                if entry.id not in self._known:
                    found = await self._database.run_async(lambda c: cache.get(c, self._key(entry)))
                    self._known[entry.id] = tuple(Adjustment.model_validate(item) for item in found or ())
        return self._known[entry.id]

    async def learn(self, entry: ModelEntry, adjustment: Adjustment) -> None:
        """Add a lesson; one that is known already changes nothing."""
        known = await self.of(entry)
        if adjustment in known:
            return
        self._known[entry.id] = (*known, adjustment)
        value = [item.model_dump(exclude_defaults=True) for item in self._known[entry.id]]
        await self._database.run_async(lambda c: cache.set_value(c, self._key(entry), value, ttl_s=self._ttl_s))
