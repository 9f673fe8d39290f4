"""``cqtui health``: whether a run could work, and what to do where it could not."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import click

from cqtui.cli.reading import log_with_progress
from cqtui.engine.health import Health, ModelCheck, State, check_health, check_key
from cqtui.engine.optimize import plan_for
from cqtui.engine.survey import Survey, most_usd, survey_of, survey_without_log
from cqtui.environment import database_path
from cqtui.importers import log_paths
from cqtui.registry.loader import load_registry
from cqtui.report.filters import milliseconds, money, plain
from cqtui.report.plan_words import describe_log
from cqtui.settings import Settings, load_settings

_WORST_FIRST: tuple[State, ...] = ("failed", "warning", "ok")


def health_response(health: Health) -> dict[str, Any]:
    """The original's health JSON, key for key, and what cqtui adds; ``uptime_seconds`` is this command's own."""
    access = {health.state_of(name) for name in ("key", "gateway", "models")}
    costs = [model.cost_usd for model in health.models if model.state == "ok"]
    unknown = any(cost is None for cost in costs)
    return {
        "status": health.status,
        "uptime_seconds": round(health.seconds, 3),
        "components": {
            "database": health.state_of("database"),
            "portkey": next((state for state in _WORST_FIRST if state in access), "skipped"),
            "cache": health.state_of("cache"),
            "key": health.state_of("key"),
            "gateway": health.state_of("gateway"),
            "models": health.state_of("models"),
            "disk": health.state_of("disk"),
        },
        "last_successful_optimization": health.last_success,
        "checks": [check.model_dump() for check in health.checks],
        "models": [
            {
                **model.model_dump(exclude={"cost_usd"}),
                "cost_usd": None if model.cost_usd is None else float(model.cost_usd),
            }
            for model in health.models
        ],
        "spent_usd": None if unknown else float(sum(cost for cost in costs if cost is not None)),
    }


def _lines(health: Health) -> list[str]:
    rows: list[tuple[str, str, str, str]] = []
    for check in health.checks:
        rows.append((check.state, check.name, check.found, check.todo))
        if check.name == "models":
            rows += [(model.state, model.model_id, _of(model), model.todo) for model in health.models]
    width = max(len(name) for _, name, _, _ in rows)
    lines: list[str] = [health.status]
    for state, name, found, todo in rows:
        lines.append(f"  {state:<8} {name:<{width}}  {plain(found)}")
        if todo:
            lines.append(f"  {'':<8} {'':<{width}}  {plain(todo)}")
    return lines


def _of(model: ModelCheck) -> str:
    took = f" in {milliseconds(model.latency_ms)}" if model.found == "answers" and model.latency_ms is not None else ""
    return f"{model.role} {model.found}{took}"


def _survey(settings: Settings, logs: tuple[Path, ...], config: Path | None) -> Survey:
    """What ``cqtui optimize`` would call with the same logs and settings, else what the settings name."""
    if not logs and not settings.logs:
        return survey_without_log(settings, load_registry(settings.models, today=settings.as_of))
    log = log_with_progress(settings, list(logs) if logs else log_paths(settings, config))
    for line in describe_log(log.read):
        click.echo(line, err=True)
    return survey_of(plan_for(settings, log))


def _may_spend(survey: Survey, yes: bool) -> bool:
    asked = survey.plan.settings.provider == "portkey" and survey.models and check_key(survey).state != "failed"
    if yes or not asked or not sys.stdin.isatty():
        return yes
    names = ", ".join(entry.id for entry, _ in survey.models)
    return click.confirm(f"Ask {names} for one token each, for at most {money(most_usd(survey))}?", err=True)


@click.command("health", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("logs", nargs=-1, type=click.Path(path_type=Path, allow_dash=True, readable=False))
@click.option("--config", type=click.Path(path_type=Path), help="Settings file. [default: cqtui.toml here, if any]")
@click.option("--profile", help="Lay [profiles.NAME] of the settings file over the rest of it.")
@click.option("--base-url", help="A gateway or OpenAI-compatible server in place of hosted Portkey.")
@click.option("--current-model", help="The model in use.")
@click.option("--candidates", help="Model names, comma-separated. [default: those that optimize would try first]")
@click.option("--judge", help="The judging model, or 'checks' for none.")
@click.option("--provider", type=click.Choice(["portkey", "rehearsal", "local"]), default="portkey", show_default=True)
@click.option("--yes", is_flag=True, help="Agree to a one-token call to each model, which costs money.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON to stdout.")
@click.pass_context
def command(
    context: click.Context,
    logs: tuple[Path, ...],
    config: Path | None,
    profile: str | None,
    base_url: str | None,
    current_model: str | None,
    candidates: str | None,
    judge: str | None,
    provider: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Check key, gateway, models, database and disk before a run on LOGS.

    Each candidate and judge of the plan is asked for one token; no prompt is sent. Without LOGS these are the models
    that the settings name and the default judges. Exits with 0 when healthy, 4 where the key, the gateway or a model
    refuses, and 1 for the database or the disk.

    \b
    Examples:
      cqtui health logs/ --yes
      cqtui health --profile nightly --yes
      cqtui health --base-url http://localhost:8787/v1 --candidates gpt-5.4-mini --yes --json
    """
    settings = load_settings(
        config,
        {
            "current_model": current_model,
            "candidates": tuple(n.strip() for n in candidates.split(",") if n.strip()) if candidates else None,
            "judge.mode": "checks" if judge == "checks" else None,
            "judge.models": (judge,) if judge and judge != "checks" else None,
            "provider": provider,
            "gateway.base_url": base_url,
        },
        profile,
    )
    survey = _survey(settings, logs, config)
    health = asyncio.run(check_health(survey, database_path(), spend=_may_spend(survey, yes)))
    if as_json:
        click.echo(json.dumps(health_response(health), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(_lines(health)))
    context.exit(0 if health.status == "healthy" else 4 if health.access_refused else 1)
