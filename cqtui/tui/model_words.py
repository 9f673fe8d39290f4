"""Models of the registry in words: lines of the list, their order, and everything about one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Literal

from cqtui.engine.plan import Plan
from cqtui.models import Conflict, ModelEntry, Price
from cqtui.registry.loader import Registry
from cqtui.registry.pricing import blended_price, price_on
from cqtui.report.filters import UNKNOWN, money

Order = Literal["id", "price", "age", "retirement"]
ORDERS: dict[Order, str] = {
    "id": "by id",
    "price": "the cheapest first",
    "age": "the youngest first",
    "retirement": "the next to retire first",
}
DAYS_IN_WORDS = 120  # beyond that months
_MONTH = 30.44  # days


def months(days: int) -> str:
    """A span of days in whole months, from 0 on."""
    count = int(days / _MONTH)
    return "1 month" if count == 1 else f"{count} months"


def age_words(entry: ModelEntry, today: date) -> str:
    """How old a model is."""
    if entry.released is None:
        return UNKNOWN
    days = (today - entry.released).days
    if days < 0:
        return "not yet"
    return "< 1 month" if days < _MONTH else months(days)


def _span(days: int) -> str:
    if days > DAYS_IN_WORDS:
        return months(days)
    return "1 day" if days == 1 else f"{days} days"


def retirement_words(entry: ModelEntry, today: date) -> str:
    """When a model retires: "in 49 days", "3 days ago"; what no source says is unknown."""
    if entry.deprecated is None:
        return UNKNOWN if entry.is_active else "inactive"
    days = (entry.deprecated - today).days
    if days == 0:
        return "today"
    return f"in {_span(days)}" if days > 0 else f"{_span(-days)} ago"


def retires_soon(entry: ModelEntry, today: date) -> bool:
    """Whether it is gone, or is known to go within the span that is told in days."""
    if entry.deprecated is None:
        return not entry.is_active
    return (entry.deprecated - today).days <= DAYS_IN_WORDS


def known(value: bool | None) -> str:
    """Yes, no or unknown."""
    return UNKNOWN if value is None else "yes" if value else "no"


def tokens(value: int | None) -> str:
    """A count of tokens."""
    return UNKNOWN if value is None else f"{value:,}"


def strengths_words(entry: ModelEntry) -> str:
    """Its strengths; none is not the same as unknown."""
    return UNKNOWN if entry.strengths is None else ", ".join(entry.strengths) or "none"


def conflicts_of(registry: Registry, model_id: str) -> tuple[Conflict, ...]:
    """What contradicts itself about a model."""
    return tuple(conflict for conflict in registry.conflicts if conflict.model_id == model_id)


def chosen(entries: Iterable[ModelEntry], text: str, order: Order, today: date) -> list[ModelEntry]:
    """The models with every word of a text, in an order; those of which it is unknown come last."""
    wanted = text.casefold().split()
    found = [entry for entry in entries if all(word in _searched(entry) for word in wanted)]
    found.sort(key=lambda entry: entry.id)
    match order:
        case "price":
            prices = {entry.id: blended_price(entry, today) for entry in found}
            found.sort(key=lambda e: (prices[e.id] is None, prices[e.id] or Decimal(0)))
        case "age":
            found.sort(key=lambda e: (e.released is None, -e.released.toordinal() if e.released else 0))
        case "retirement":
            found.sort(key=lambda e: (e.deprecated is None, e.deprecated or today))
        case "id":
            pass
    return found


def _searched(entry: ModelEntry) -> str:
    parts = (entry.id, entry.display_name, entry.provider, entry.family, *entry.aliases, *(entry.strengths or ()))
    return "\n".join(parts).casefold()


def standing(plan: Plan | None, model_id: str) -> list[str]:
    """What the present plan makes of a model: in use, a candidate with its fit, or left out and why."""
    if plan is None:
        return ["No plan yet: nothing is set up."]
    lines: list[str] = []
    if plan.current.id == model_id:
        lines.append("The model in use; savings are measured against it.")
    top = {candidate.id for candidate in plan.top}
    for candidate in plan.ranked:
        if candidate.entry.id == model_id:
            when = "tried first" if candidate.id in top else "tried next, if no better one is good enough"
            fit = "" if candidate.fit_score is None else f", fit {candidate.fit_score:.0f} of 100"
            variant = f"{candidate.variant}: " if candidate.variant else ""
            lines.append(f"{variant}{when}{fit}.")
            lines += [f"- {line}" for line in (*candidate.rationale, *candidate.warnings)]
    for item in plan.discovery.excluded:
        if item.model_id == model_id or item.model_id.startswith(f"{model_id} "):
            variant = item.model_id.removeprefix(model_id).strip()
            lines.append(f"{variant + ': ' if variant else ''}left out: {item.reason}")
    return lines or ["Not looked at: the candidates are named by hand."]


def summary_lines(entry: ModelEntry, registry: Registry, today: date) -> list[str]:
    """What the list has no room for, in a few lines; conflicts in full."""
    lines = [
        f"context {tokens(entry.context_window)} · age {age_words(entry, today)} · latency {entry.latency_tier} "
        f"· reliability {entry.reliability_tier}",
        f"strengths: {strengths_words(entry)}",
    ]
    return [*(f"! {conflict.details}" for conflict in conflicts_of(registry, entry.id)), *lines]


def detail_lines(entry: ModelEntry, registry: Registry, plan: Plan | None, today: date) -> list[str]:
    """Everything that the registry says of a model, and its standing in the present plan."""
    lines = [f"! {conflict.details}" for conflict in conflicts_of(registry, entry.id)]
    lines += ["In the present plan", *(f"  {line}" for line in standing(plan, entry.id)), ""]
    lines += [f"USD per 1,000,000 tokens on {today}", *(f"  {line}" for line in _price_lines(entry, today)), ""]
    facts = [
        ("display name", entry.display_name),
        ("provider", f"{entry.provider} (Portkey: @{entry.portkey_slug}/{entry.model})"),
        ("family", entry.family),
        ("aliases", ", ".join(entry.aliases) or "none"),
        ("active", known(entry.is_active)),
        ("released", _day(entry.released, age_words(entry, today))),
        ("retirement", _day(entry.deprecated, retirement_words(entry, today))),
        ("successor", entry.successor or UNKNOWN),
        ("context", tokens(entry.context_window)),
        ("most input", tokens(entry.max_input_tokens)),
        ("most output", tokens(entry.max_output_tokens)),
        ("tools", known(entry.supports_function_calling)),
        ("JSON mode", known(entry.supports_json_mode)),
        ("vision", known(entry.supports_vision)),
        ("reasoning", known(entry.supports_reasoning)),
        ("efforts", _efforts(entry)),
        ("strengths", strengths_words(entry)),
        ("latency", entry.latency_tier),
        ("reliability", entry.reliability_tier),
        ("calls a minute", tokens(entry.rate_limit_rpm)),
        ("price rank", UNKNOWN if entry.rank is None else f"{entry.rank} (1 is the dearest)"),
    ]
    lines += [f"{name:<15}{words}" for name, words in facts]
    if entry.note:
        lines += ["", entry.note]
    return lines


def _day(day: date | None, words: str) -> str:
    return words if day is None else f"{day.isoformat()} ({words})"


def _efforts(entry: ModelEntry) -> str:
    if not entry.reasoning_efforts:
        return UNKNOWN
    return f"{', '.join(entry.reasoning_efforts)} (default {entry.default_reasoning_effort or UNKNOWN})"


def _price_lines(entry: ModelEntry, today: date) -> Iterator[str]:
    price = price_on(entry, today)
    if price is None:
        yield UNKNOWN
    else:
        yield from (f"{name:<13}{money(value)}" for name, value in _prices(price))
    for tier in entry.price_tiers:
        yield f"above {tier.above_input_tokens:,} tokens in: {money(tier.input)} in, {money(tier.output)} out"
    for change in entry.price_changes:
        cached = f", cached {money(change.cache_read)}"
        yield f"from {change.effective} on: {money(change.input)} in, {money(change.output)} out{cached}"


def _prices(price: Price) -> tuple[tuple[str, Decimal | None], ...]:
    return (
        ("in", price.input),
        ("out", price.output),
        ("cached in", price.cache_read),
        ("cache write", price.cache_write),
        ("batch in", price.batch_input),
        ("batch out", price.batch_output),
    )
