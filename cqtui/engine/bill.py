"""Adds up what many calls cost. Pure."""

from __future__ import annotations

from bisect import bisect_left
from datetime import date
from decimal import Decimal

from cqtui.models import ModelEntry
from cqtui.registry.pricing import rates_of


class Bill:
    """Counts the tokens of calls and prices them in the end: one product a price tier, however many calls."""

    def __init__(self, entry: ModelEntry, as_of: date, *, batch: bool = False) -> None:
        """Price ``entry`` on ``as_of``, at the batch price with ``batch``."""
        self._entry = entry
        self._as_of = as_of
        self._batch = batch
        self._thresholds = sorted(tier.above_input_tokens for tier in entry.price_tiers)
        self._tiers: dict[int, list[int]] = {}

    def add(self, tokens: int, *, read: int = 0, written: int = 0, output: int = 0) -> None:
        """Enter a call: its input tokens, those of them read from and written to a cache, and its output tokens."""
        tier = bisect_left(self._thresholds, tokens)
        counts = self._tiers.setdefault(tier, [tokens, 0, 0, 0, 0])
        counts[1] += tokens - read - written
        counts[2] += read
        counts[3] += written
        counts[4] += output

    @property
    def usd(self) -> Decimal | None:
        """The sum in USD; None where a price is unknown."""
        total = Decimal(0)
        for some_tokens, fresh, read, written, output in self._tiers.values():
            rates = rates_of(self._entry, some_tokens, self._as_of, batch=self._batch)
            if rates is None:
                return None
            total += rates.cost(fresh, read, written, output)
        return total
