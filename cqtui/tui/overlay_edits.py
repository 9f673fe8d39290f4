"""What of a model can be changed in the user's overlay, and what that writes into cqtui.toml. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Literal

from cqtui.models import ModelEntry
from cqtui.registry.pricing import price_on

Field = Literal["price.input", "price.output", "deprecated", "is_active"]
FIELDS: dict[Field, str] = {
    "price.input": "price in",
    "price.output": "price out",
    "deprecated": "retirement date",
    "is_active": "active",
}
HINTS: dict[Field, str] = {
    "price.input": "USD per 1,000,000 tokens of input.",
    "price.output": "USD per 1,000,000 tokens of output.",
    "deprecated": "The day from which it no longer answers, as 2027-01-31.",
    "is_active": "Whether it can be called; one that cannot is never a candidate.",
}
YES, NO = "yes", "no"
Value = Decimal | date | bool


def written(entry: ModelEntry, field: Field, today: date) -> str:
    """A field's value as it is typed; empty where it is unknown."""
    price = price_on(entry, today)
    match field:
        case "price.input":
            return "" if price is None else str(price.input)
        case "price.output":
            return "" if price is None else str(price.output)
        case "deprecated":
            return "" if entry.deprecated is None else entry.deprecated.isoformat()
        case "is_active":
            return YES if entry.is_active else NO


def complaint(field: Field, text: str) -> str | None:
    """What is wrong with a typed value, in words."""
    try:
        value = converted(field, text)
    except (ValueError, InvalidOperation):
        example = "a day such as 2027-01-31" if field == "deprecated" else "a price such as 0.25"
        return f"{text!r} is not {example}." if text else f"Type {example}."
    if isinstance(value, Decimal) and not (value.is_finite() and value > 0):
        return "A price is above 0. Where it is unknown, leave it out (esc)."
    return None


def converted(field: Field, text: str) -> Value:
    """A typed value as the file takes it; raises ValueError or InvalidOperation where it is none."""
    match field:
        case "price.input" | "price.output":
            return Decimal(text)
        case "deprecated":
            return date.fromisoformat(text)
        case "is_active":
            return text == YES


def needs_both_prices(entry: ModelEntry, today: date) -> bool:
    """Whether one price alone would be half a price."""
    return price_on(entry, today) is None


def overlay_changes(entry: ModelEntry, values: Mapping[Field, Value], today: date) -> dict[str, object | None]:
    """What to write for some values.

    Where an announced change of price holds already, the price that it replaced is no longer used: then both prices
    are written, and the changes that have come to pass leave the list.
    """
    changes: dict[str, object | None] = {str(field): value for field, value in values.items()}
    price = price_on(entry, today)
    due = [change for change in entry.price_changes if change.effective <= today]
    if due and price is not None and changes.keys() & {"price.input", "price.output"}:
        later = [change for change in entry.price_changes if change.effective > today]
        now = {"price.input": price.input, "price.output": price.output}
        kept = [change.model_dump(exclude_none=True) for change in later]
        changes = {**now, **changes, "price_changes": kept}
    return changes


def without_overlay() -> dict[str, object | None]:
    """Takes the user's values away, so that the registry's hold again."""
    return {**dict.fromkeys(FIELDS), "price_changes": None}
