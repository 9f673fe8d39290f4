"""``cqtui logs``: what is in a log."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from cqtui.cli import convert
from cqtui.cli.lines import tell_all
from cqtui.cli.reading import log_with_progress
from cqtui.engine.inspection import Inspection, inspect_log
from cqtui.engine.optimize import registry_for
from cqtui.importers import log_paths
from cqtui.importers.paths import STDIN
from cqtui.report.inspection import (
    cost_rows,
    inspection_json,
    model_rows,
    outcome_rows,
    plan_rows,
    token_rows,
    traffic_rows,
    unknown_lines,
)
from cqtui.report.plan_words import problem_lines, read_lines
from cqtui.settings import CONFIG_NAME, Settings, load_settings


@click.group("logs", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """What is in a log, without calling anything; and any log in cqtui's own format.

    \b
    Examples:
      cqtui logs inspect logs/
      cqtui logs convert export.json logs/october.jsonl
    """


@command.command("inspect")
@click.argument("path", nargs=-1, type=click.Path(path_type=Path, allow_dash=True, readable=False))
@click.option("--config", type=click.Path(path_type=Path), help="Settings file. [default: cqtui.toml here, if any]")
@click.option("--profile", help="Lay [profiles.NAME] of the settings file over the rest of it.")
@click.option("--current-model", help="The model in use. [default: from cqtui.toml, else the log's most used]")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Date for prices and retirements. [default: today]")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON to stdout.")
def inspect(
    path: tuple[Path, ...],
    config: Path | None,
    profile: str | None,
    current_model: str | None,
    as_of: datetime | None,
    as_json: bool,
) -> None:
    """Say what was recognised in PATH, its traffic, what it costs today and what optimize would use. Calls nothing.

    PATH is a file, a folder, a pattern in quotes, or - for stdin; without it the logs of cqtui.toml are read.

    \b
    Examples:
      cqtui logs inspect logs/
      cqtui logs inspect "logs/**/*.jsonl"
      zcat october.jsonl.gz | cqtui logs inspect -
      cqtui logs inspect export.jsonl --json
    """
    overrides = {"current_model": current_model, "as_of": as_of.date() if as_of is not None else None}
    settings = load_settings(config, overrides, profile)
    log = log_with_progress(settings, list(path) or log_paths(settings, config))
    found = inspect_log(log, settings, registry_for(settings))
    next_step = _next(found, path, config, profile, current_model)
    if as_json:
        click.echo(json.dumps(inspection_json(found, next_step), indent=2, ensure_ascii=False))
        return
    _show(found, settings)
    click.echo(f"\nNext: {next_step}")


def _next(
    found: Inspection, path: Sequence[Path], config: Path | None, profile: str | None, current_model: str | None
) -> str:
    """The command to go on with, as it can be typed."""
    paths = [str(each) for each in path]
    named = [f"--{name}={value}" for name, value in (("config", config), ("profile", profile)) if value is not None]
    model = [] if current_model is None else [f"--current-model={current_model}"]
    has_settings = config is not None or Path(CONFIG_NAME).exists()
    if found.plan is None:
        needs_model = found.current is None and found.traffic.baseline_calls
        if needs_model and STDIN not in paths and not has_settings:
            return f"{shlex.join(['cqtui', 'init', *paths])} --current-model MODEL"
        todo = " --current-model MODEL" if needs_model else ", once that is done"
        return f"{shlex.join(['cqtui', 'logs', 'inspect', *paths, *named])}{todo}"
    if STDIN in paths:
        return "cqtui logs convert - log.jsonl, to keep what was piped in"
    if not has_settings:
        return shlex.join(["cqtui", "init", *paths, *model])
    return shlex.join(["cqtui", "optimize", *paths, *named, *model, "--dry-run"])


def _show(found: Inspection, settings: Settings) -> None:
    from cqtui.cli.tables import console, headed, heading, labelled

    out = console()
    tell_all(read_lines(found.log.read))
    heading(out, "What became of the records")
    labelled(out, outcome_rows(found), numbers=1)
    tell_all(problem_lines(found.log.read))
    if found.traffic.calls:
        heading(out, "Models")
        headed(out, ("in the log", "calls", "share", "in the registry"), model_rows(found), numbers=(1, 2))
        tell_all(unknown_lines(found))
        heading(out, "Traffic")
        labelled(out, traffic_rows(found))
        if rows := token_rows(found.traffic):
            heading(out, "Tokens of a call")
            headed(out, ("", "mean", "p50", "p95", "p99"), rows, numbers=(1, 2, 3, 4))
        heading(out, "Cost today")
        labelled(out, cost_rows(found))
    heading(out, "What cqtui optimize would use")
    labelled(out, plan_rows(found, settings))


command.add_command(convert.command)
