"""``cqtui models``: the registry, its conflicts and its prices against published ones."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from cqtui.models import ModelEntry
from cqtui.registry.loader import Registry, load_registry
from cqtui.registry.pricing import blended_price, price_on
from cqtui.registry.published import compare_with_published
from cqtui.report.filters import money
from cqtui.settings import load_settings

_CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), help="Settings file. [default: cqtui.toml here, if any]"
)
_AS_OF = click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Date for prices. [default: today]")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print as JSON to stdout.")


def _load(config: Path | None, as_of: datetime | None) -> tuple[Registry, date]:
    settings = load_settings(config, {"as_of": as_of.date() if as_of is not None else None})
    return load_registry(settings.models, today=settings.as_of), settings.as_of


def _dollars(value: Decimal | None) -> str:
    return "unknown" if value is None else f"{value:,.3f}".rstrip("0").rstrip(".")


def _known(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"


@click.group("models", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Show the models that cqtui knows, and check their prices.

    \b
    Examples:
      cqtui models list
      cqtui models show gpt-5.4-mini
      cqtui models check
    """


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Retired models as well.")
@_CONFIG
@_AS_OF
@_JSON
def list_models(everything: bool, config: Path | None, as_of: datetime | None, as_json: bool) -> None:
    """List models, the dearest first; prices in USD per 1,000,000 tokens.

    \b
    Example:
      cqtui models list --all
    """
    registry, day = _load(config, as_of)
    shown = [entry for entry in registry.entries if everything or entry.is_active]
    shown.sort(key=lambda e: (-(blended_price(e, day) or Decimal(0)), e.id))
    if as_json:
        click.echo(json.dumps([_summary(entry, day) for entry in shown], indent=2))
        return
    width = max(len(entry.id) for entry in shown)
    click.echo(f"{'model':<{width}}  {'in':>6}  {'out':>6}  {'context':>9}  retires")
    for entry in shown:
        price = price_on(entry, day)
        context = f"{entry.context_window:,}" if entry.context_window is not None else "unknown"
        retires = entry.deprecated.isoformat() if entry.deprecated is not None else ""
        prices = f"{_dollars(price.input if price else None):>6}  {_dollars(price.output if price else None):>6}"
        click.echo(f"{entry.id:<{width}}  {prices}  {context:>9}  {retires}".rstrip())


def _summary(entry: ModelEntry, day: date) -> dict[str, Any]:
    price = price_on(entry, day)
    return {
        "id": entry.id,
        "provider": entry.provider,
        "input_usd_per_million": None if price is None else float(price.input),
        "output_usd_per_million": None if price is None else float(price.output),
        "context_window": entry.context_window,
        "is_active": entry.is_active,
        "deprecated": entry.deprecated.isoformat() if entry.deprecated is not None else None,
    }


@command.command("show")
@click.argument("name")
@_CONFIG
@_AS_OF
@_JSON
def show(name: str, config: Path | None, as_of: datetime | None, as_json: bool) -> None:
    """Show all that the registry says of one model; what no source says is unknown.

    \b
    Example:
      cqtui models show claude-haiku-4-5
    """
    registry, day = _load(config, as_of)
    entry = registry.get(name)
    if as_json:
        click.echo(entry.model_dump_json(indent=2))
        return
    price = price_on(entry, day)
    rows = [
        ("provider", f"{entry.provider} (Portkey: @{entry.portkey_slug}/{entry.model})"),
        ("family", entry.family),
        ("active", "yes" if entry.is_active else "no"),
        ("retires", entry.deprecated.isoformat() if entry.deprecated is not None else "not announced"),
        ("context", f"{entry.context_window:,} tokens" if entry.context_window is not None else "unknown"),
        ("input", f"${_dollars(price.input if price else None)} per 1,000,000 tokens"),
        ("output", f"${_dollars(price.output if price else None)} per 1,000,000 tokens"),
        ("tools", _known(entry.supports_function_calling)),
        ("vision", _known(entry.supports_vision)),
        ("JSON mode", _known(entry.supports_json_mode)),
        ("efforts", _efforts(entry)),
        ("strengths", ", ".join(entry.strengths or ()) or "unknown"),
    ]
    click.echo(f"{entry.display_name}  {entry.id}")
    for label, value in rows:
        click.echo(f"  {label:<10} {value}")
    for conflict in registry.conflicts:
        if conflict.model_id == entry.id:
            click.echo(f"  conflict: {conflict.details}")


def _efforts(entry: ModelEntry) -> str:
    words = ", ".join(entry.reasoning_efforts or ()) or "unknown"
    return f"{words} (default {entry.default_reasoning_effort or 'unknown'})" if entry.reasoning_efforts else words


@command.command("check")
@_CONFIG
@_AS_OF
@_JSON
def check(config: Path | None, as_of: datetime | None, as_json: bool) -> None:
    """Check the registry: contradictions in it, and prices more than 1% off those that genai-prices publishes.

    Exits with 3 where a price is off. Calls nothing: the published prices come with the installed package.

    \b
    Example:
      cqtui models check
    """
    registry, day = _load(config, as_of)
    compared = compare_with_published(registry.entries, day)
    off = [each for each in compared if each.drifts]
    unpublished = [each.entry.id for each in compared if each.drift_percent is None]
    if as_json:
        report = {
            "as_of": day.isoformat(),
            "compared": len(compared) - len(unpublished),
            "off": [{"id": each.entry.id, "drift_percent": each.drift_percent} for each in off],
            "unpublished": unpublished,
            "conflicts": [conflict.model_dump() for conflict in registry.conflicts],
            "warnings": list(registry.warnings),
        }
        click.echo(json.dumps(report, indent=2))
    else:
        click.echo(f"{len(compared) - len(unpublished)} prices compared on {day}, {len(off)} more than 1% off.")
        for each in off:
            click.echo(
                f"  {each.entry.id}: {money(each.input)} in, {money(each.output)} out; "
                f"published {money(each.published_input)} in, {money(each.published_output)} out"
            )
        if unpublished:
            click.echo(f"Not published: {', '.join(unpublished)}.")
        for conflict in registry.conflicts:
            click.echo(f"Conflict: {conflict.model_id}: {conflict.details}")
        for warning in registry.warnings:
            click.echo(f"Warning: {warning}")
    click.get_current_context().exit(3 if off else 0)
