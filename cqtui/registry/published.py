"""Compares the registry's prices with those that the genai-prices package publishes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from cqtui.models import ModelEntry
from cqtui.registry.pricing import price_on

DRIFT_PERCENT = 1.0
_MILLION = 1_000_000
_HOURS = 24


@dataclass(frozen=True)
class Comparison:
    """A model's price here and as published, USD per 1,000,000 tokens; published is None where the package has none."""

    entry: ModelEntry
    input: Decimal
    output: Decimal
    published_input: Decimal | None
    published_output: Decimal | None

    @property
    def drift_percent(self) -> float | None:
        """The larger of both prices' differences from the published ones, in percent; None where unpublished."""
        pairs = ((self.input, self.published_input), (self.output, self.published_output))
        changes = [float(100 * (ours / theirs - 1)) for ours, theirs in pairs if theirs]
        return max(changes, key=abs) if changes else None

    @property
    def drifts(self) -> bool:
        """Whether the prices differ by more than 1 percent."""
        return self.drift_percent is not None and abs(self.drift_percent) > DRIFT_PERCENT


def compare_with_published(entries: Iterable[ModelEntry], as_of: date) -> tuple[Comparison, ...]:
    """Compare every priced entry; where a vendor's price depends on the hour, with the dearest hour of the day.

    Args:
        entries: Models of the registry.
        as_of: The day whose prices are compared.
    """
    found = []
    for entry in entries:
        price = price_on(entry, as_of)
        if price is not None:
            published = [_published(entry, datetime.combine(as_of, time(hour), UTC)) for hour in range(_HOURS)]
            known = [each for each in published if each is not None]
            dearest = max(known, default=(None, None))
            found.append(Comparison(entry, price.input, price.output, *dearest))
    return tuple(found)


def _published(entry: ModelEntry, at: datetime) -> tuple[Decimal, Decimal] | None:
    # Imported here: it takes a third of a second, and only this comparison needs it.
    from genai_prices import Usage, calc_price

    def price(usage: Usage) -> Decimal:
        return calc_price(usage, entry.model, provider_id=entry.provider, genai_request_timestamp=at).total_price

    try:
        # A thousand tokens: below every long-context tier.
        return (
            price(Usage(input_tokens=1000)) * (_MILLION // 1000),
            price(Usage(output_tokens=1000)) * (_MILLION // 1000),
        )
    except LookupError:  # the package does not know the model: no price, never 0
        return None
