"""What a call costs, in USD and in Decimal: pure functions of an entry, a usage and a date."""

from __future__ import annotations

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


def cost_of(entry: ModelEntry, usage: Usage, as_of: date, *, batch: bool = False) -> Decimal | None:
    """Return the cost of one call in USD.

    Cached and cache-write tokens count as part of the input, reasoning tokens as part of the output. Where the
    price of cached or written tokens is unknown they cost what input costs. Above a tier's threshold the whole
    request is charged at the tier's price; a tier states no cache price, so cached tokens then cost its input price.

    Args:
        entry: The model that answers.
        usage: Token counts of the call.
        as_of: The day of the call.
        batch: Charge the batch price; cached tokens then cost what batch input costs.

    Returns:
        USD, or None where it is unknown: no price, no batch price (or none for the tier), missing or
        contradictory token counts.
    """
    price = price_on(entry, as_of)
    if price is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
    fresh = usage.input_tokens - cached - written
    if min(fresh, cached, written, usage.output_tokens) < 0:
        return None

    tiers = [tier for tier in entry.price_tiers if usage.input_tokens > tier.above_input_tokens]
    rate_in, rate_out, rate_read, rate_write = price.input, price.output, price.cache_read, price.cache_write
    if batch:
        if tiers or price.batch_input is None or price.batch_output is None:
            return None
        rate_in, rate_out, rate_read, rate_write = price.batch_input, price.batch_output, None, None
    elif tiers:
        tier = max(tiers, key=lambda item: item.above_input_tokens)
        rate_in, rate_out, rate_read = tier.input, tier.output, None
        # A write never gets cheaper by crossing the threshold.
        rate_write = tier.input if rate_write is None else max(rate_write, tier.input)
    total = (
        fresh * rate_in
        + cached * (rate_in if rate_read is None else rate_read)
        + written * (rate_in if rate_write is None else rate_write)
        + usage.output_tokens * rate_out
    )
    return total / _MILLION
