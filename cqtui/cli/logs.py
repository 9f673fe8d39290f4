"""``cqtui logs``: what is in a log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from cqtui.cli import convert
from cqtui.cli.reading import log_with_progress
from cqtui.engine.log import KnownModels
from cqtui.engine.optimize import registry_for
from cqtui.engine.traffic import profile_of, redacted
from cqtui.importers import LogRead
from cqtui.models import ModelEntry, TrafficProfile
from cqtui.report.filters import money
from cqtui.report.plan_words import describe_log
from cqtui.settings import load_settings


@click.group("logs", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """What is in a log, without calling anything."""


def _as_json(read: LogRead, traffic: TrafficProfile, current: ModelEntry | None) -> dict[str, Any]:
    return {
        "files": list(read.files),
        "formats": read.counts,
        "calls": read.total_calls,
        "baseline_calls": traffic.baseline_calls,
        "skipped": [{"reason": s.reason, "file": s.origin.file, "line": s.origin.line} for s in read.skipped],
        "rejected": [{"reason": r.reason, "file": r.file, "line": r.line} for r in read.rejected],
        "current_model": current.id if current is not None else None,
        "monthly_cost_usd": None if traffic.monthly_cost_usd is None else round(float(traffic.monthly_cost_usd), 4),
        "traffic": traffic.model_dump(mode="json"),
    }


@command.command("inspect")
@click.argument("path", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), help="Settings file. [default: cqtui.toml here, if any]")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON to stdout.")
def inspect(path: tuple[Path, ...], config: Path | None, as_json: bool) -> None:
    """Say what was recognised in PATH, its traffic, and what it costs today. Calls nothing.

    \b
    Example:
      cqtui logs inspect logs/
    """
    settings = load_settings(config)
    log = log_with_progress(settings, list(path))
    read = log.read
    known = KnownModels(registry_for(settings))
    name = settings.current_model or log.tally.most_used_model
    current = known.entry_of(name) if name else None
    traffic = profile_of(log.tally, current, settings.traffic, settings.as_of, known.entry_of)
    traffic = redacted(traffic, settings.privacy)
    if as_json:
        click.echo(json.dumps(_as_json(read, traffic, current), indent=2, ensure_ascii=False))
        return
    for line in describe_log(read):
        click.echo(line)
    rows = [
        ("with an answer", f"{traffic.baseline_calls:,}"),
        ("models", ", ".join(f"{model} {count:,}" for model, count in traffic.models.items())),
        ("tokens a call", f"{traffic.mean_input_tokens:,.0f} in, {traffic.mean_output_tokens:,.0f} out"),
        ("tokens estimated for", f"{traffic.calls_with_estimated_usage:,} calls"),
        ("tokens unknown for", f"{traffic.calls_without_usage:,} calls"),
        ("time span", "unknown" if traffic.period_days is None else f"{traffic.period_days:.1f} days"),
        ("calls a month", "unknown" if traffic.monthly_requests is None else f"{traffic.monthly_requests:,}"),
        ("uses", ", ".join(n for n in ("tools", "json", "vision") if getattr(traffic, f"uses_{n}")) or "plain chat"),
        ("cost today", f"{money(traffic.cost_per_call_usd)} a call, {money(traffic.monthly_cost_usd)} a month"),
    ]
    for label, value in rows:
        click.echo(f"  {label:<21} {value}")
    click.echo("Next: cqtui optimize " + " ".join(map(str, path)) + " --dry-run")


command.add_command(convert.command)
