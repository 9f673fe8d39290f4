"""What a call costs, in USD and in Decimal: pure functions of an entry, a usage and a date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from cqtui.models import ModelEntry, Price, Usage

_MILLION = Decimal(1_000_000)


def price_on(entry: ModelEntry, as_of: date) -> Price | None:
    """Return the list price that holds on a date, in USD per 1,000,000 tokens.

    A price change replaces the whole price: what it does not state (cache writes, batch) is unknown after it.

    Args:
        entry: The model.
        as_of: The day of the call.

    Returns:
        The price, or None where the registry has none.
    """
    due = [change for change in entry.price_changes if change.effective <= as_of]
    if not due:
        return entry.price
    change = max(due, key=lambda item: item.effective)
    return Price(input=change.input, output=change.output, cache_read=change.cache_read)


def blended_price(entry: ModelEntry, as_of: date) -> Decimal | None:
    """Return ``(3 * input + output) / 4`` on a date, in USD per 1,000,000 tokens; None where unknown."""
    price = price_on(entry, as_of)
    return None if price is None else (3 * price.input + price.output) / 4


@dataclass(frozen=True)
class Rates:
    """What each kind of token of one call costs, in USD per 1,000,000 tokens.

    ``input`` is for fresh tokens; where the price of cached or written ones is unknown they cost the same.
    """

    input: Decimal
    cache_read: Decimal
    cache_write: Decimal
    output: Decimal

    def cost(self, fresh: int, cached: int, written: int, output: int) -> Decimal:
        """The cost of so many tokens of each kind, in USD."""
        total = fresh * self.input + cached * self.cache_read + written * self.cache_write + output * self.output
        return total / _MILLION


def rates_of(entry: ModelEntry, input_tokens: int, as_of: date, *, batch: bool = False) -> Rates | None:
    """The rates that hold for a call with so many input tokens in all.

    Above a tier's threshold the whole request is charged at the tier's price; a tier states no cache price, so cached
    tokens then cost its input price. In a batch job cached tokens cost what batch input costs.

    Args:
        entry: The model that answers.
        input_tokens: All of them, cached ones included.
        as_of: The day of the call.
        batch: Charge the batch price.

    Returns:
        The rates, or None where a price is unknown: no price, no batch price (or none for the tier).
    """
    price = price_on(entry, as_of)
    if price is None:
        return None
    tiers = [tier for tier in entry.price_tiers if input_tokens > tier.above_input_tokens]
    if batch:
        if tiers or price.batch_input is None or price.batch_output is None:
            return None
        return Rates(price.batch_input, price.batch_input, price.batch_input, price.batch_output)
    if tiers:
        tier = max(tiers, key=lambda item: item.above_input_tokens)
        # A write never gets cheaper by crossing the threshold.
        write = tier.input if price.cache_write is None else max(price.cache_write, tier.input)
        return Rates(tier.input, tier.input, write, tier.output)
    read, write = (price.input if rate is None else rate for rate in (price.cache_read, price.cache_write))
    return Rates(price.input, read, write, price.output)


def cost_of(entry: ModelEntry, usage: Usage, as_of: date, *, batch: bool = False) -> Decimal | None:
    """Return the cost of one call in USD.

    Cached and cache-write tokens count as part of the input, reasoning tokens as part of the output. For the rates see
    ``rates_of``.

    Args:
        entry: The model that answers.
        usage: Token counts of the call.
        as_of: The day of the call.
        batch: Charge the batch price; cached tokens then cost what batch input costs.

    Returns:
        USD, or None where it is unknown: no price, no batch price (or none for the tier), missing or
        contradictory token counts.
    """
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    rates = rates_of(entry, usage.input_tokens, as_of, batch=batch)
    if rates is None:
        return None
    cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
    fresh = usage.input_tokens - cached - written
    if min(fresh, cached, written, usage.output_tokens) < 0:
        return None
    return rates.cost(fresh, cached, written, usage.output_tokens)
