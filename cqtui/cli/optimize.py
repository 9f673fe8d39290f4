"""``cqtui optimize``: the whole pipeline, headless."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from cqtui.cli.command_line import given_words, typed
from cqtui.cli.files import write_file
from cqtui.cli.lines import tell, tell_all
from cqtui.cli.progress import EventFile, ProgressLines, fan_out
from cqtui.cli.reading import log_with_progress
from cqtui.engine.connect import open_client
from cqtui.engine.control import RunControl
from cqtui.engine.estimate import estimate
from cqtui.engine.optimize import plan_for
from cqtui.engine.pipeline import run
from cqtui.engine.plan import Plan, recipients
from cqtui.engine.sealing import seals_for
from cqtui.environment import database_path, portkey_api_key
from cqtui.errors import BadInputError
from cqtui.events import EventSink
from cqtui.importers import log_paths
from cqtui.importers.paths import STDIN
from cqtui.report.next_steps import steps_after_plan, steps_after_run
from cqtui.report.plan_words import describe_log, describe_plan
from cqtui.report.render import render_markdown, render_summary
from cqtui.report.same_model import same_model_json
from cqtui.report.templates import check_templates, templates_folder
from cqtui.results import Recommendation
from cqtui.settings import Settings, load_settings
from cqtui.store.database import Database


async def _run(
    plan: Plan, store: Database, sink: EventSink, progress: ProgressLines | None, options: dict[str, Any]
) -> Recommendation:
    """Run with Ctrl+C: once lets the calls under way finish, twice stops now; a silent stretch still shows life."""
    control = RunControl()
    loop = asyncio.get_running_loop()
    current = asyncio.current_task()

    def interrupt() -> None:
        if control.stopping.is_set() and current is not None:
            current.cancel()
            return
        control.stop()
        under_way = (
            "batch jobs go on; the same command collects them" if plan.settings.batch else "calls under way finish"
        )
        click.echo(f"\nStopping: {under_way}. Once more to stop now.", err=True)

    with_handler = sys.platform != "win32"
    if with_handler:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupt)

    async def ticking() -> None:
        while progress is not None:
            await asyncio.sleep(1)
            progress.tick()

    ticker = asyncio.create_task(ticking())
    try:
        async with open_client(plan, record=options["record"], recording=options["recording"]) as client:
            ping = plan.settings.provider == "portkey"
            return await run(plan, client, store, sink, resume=options["resume"], ping=ping, control=control)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        ticker.cancel()
        if with_handler:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)


def _exit_code(result: Recommendation, fail_on: str) -> int:
    if result.stage == "interrupted":
        return 130
    regression = result.recommended is None and any(e.regression for e in result.evidence)
    if fail_on == "regression" and result.grade == "keep" and regression:
        return 3
    if fail_on == "inconclusive" and result.grade in ("leaning", "inconclusive"):
        return 3
    return 0


def execute(settings: Settings, paths: list[Path], options: dict[str, Any]) -> int:
    """Read, plan, ask, run and write; returns the exit code."""
    as_json = options["json"] or options["display"] == "json"
    quiet = options["display"] == "none"

    def say(line: str) -> None:
        if not quiet:
            tell(line, err=True)

    templates = options["templates"] or templates_folder(settings, options["config"])
    check_templates(templates)
    if options["write_report"] is not None:
        from cqtui.report.committed import check_folder

        check_folder(options["write_report"])
    log = log_with_progress(settings, paths, quiet=quiet)
    for line in describe_log(log.read):
        say(line)
    plan = plan_for(settings, log)
    cost = estimate(plan)
    for line in describe_plan(plan, cost):
        say(line)
    if options["dry_run"]:
        if as_json:
            shown = {
                "candidates": [candidate.id for candidate in plan.top],
                "calls": cost.calls,
                "expected_usd": None if cost.expected_usd is None else float(cost.expected_usd),
                "worst_usd": None if cost.worst_usd is None else float(cost.worst_usd),
                "recipients": list(recipients(plan)),
                "same_model": [same_model_json(saving).model_dump(mode="json") for saving in plan.same_model],
            }
            click.echo(json.dumps(shown, indent=2))
        for line in _next_steps(plan, options, None):
            say(line)
        return 0
    seals = seals_for(settings)
    if settings.provider == "portkey" and plan.top and not options["yes"]:
        if not sys.stdin.isatty():
            raise BadInputError("This run would spend money.", "Add --yes to agree, or --dry-run to see the estimate.")
        click.confirm("Go on?", abort=True, err=True)
    live = sys.stderr.isatty() and options["display"] == "full"
    progress = None if quiet else ProgressLines(live=live)
    events = EventFile(options["events"]) if options["events"] is not None else None
    sinks: list[EventSink] = [sink for sink in (progress, events) if sink is not None]
    try:
        with Database(database_path(), seals) as store:
            result = asyncio.run(_run(plan, store, fan_out(sinks), progress, options))
    finally:
        if progress is not None:
            progress.close()
        if events is not None:
            events.close()
    response = _response(result) if as_json or options["json_file"] is not None else ""
    if options["json_file"] is not None:
        write_file(options["json_file"], response + "\n")
    if options["result_file"] is not None:
        write_file(options["result_file"], result.model_dump_json() + "\n")
    if options["markdown"] is not None:
        write_file(options["markdown"], render_markdown(result, templates))
    if options["html"] is not None:
        from cqtui.report.html import render_html

        write_file(options["html"], render_html(result, templates))
    if options["write_report"] is not None:
        from cqtui.report.committed import write_report

        changed = write_report(options["write_report"], result, templates)
        names = ", ".join(path.name for path in changed)
        say(f"{options['write_report']}: {'wrote ' + names if names else 'nothing new to write'}.")
    if as_json:
        click.echo(response)
    else:
        tell_all(render_summary(result).splitlines())
        written = [options[name] for name in ("markdown", "html") if options[name] is not None]
        for path in written:
            click.echo(f"Report: {path}")
        if not written:
            click.echo(f"Full report: cqtui report {result.run_id}")
    for line in _next_steps(plan, options, result):
        say(line)
    return _exit_code(result, options["fail_on"])


def _next_steps(plan: Plan, options: dict[str, Any], result: Recommendation | None) -> list[str]:
    """The next steps, after a result or, where there is none, after a look at the plan."""
    if options["is_demo"]:
        return ["Next, in the folder of your own logs: cqtui init"]
    has_key = portkey_api_key() is not None
    rehearsal, real = options["rehearsal_command"], options["real_command"]
    if result is None:
        return steps_after_plan(plan, has_key=has_key, rehearsal=rehearsal, real=real)
    return steps_after_run(result, plan, has_key=has_key, real=real)


def _response(result: Recommendation) -> str:
    """The JSON that programs read; its types take a while to build, and most runs need none."""
    from cqtui.report.response import optimize_response

    return optimize_response(result).model_dump_json(indent=2)


def with_guardrails(settings: Settings, names: str | None) -> Settings:
    """The settings with only the named guardrail sets; None keeps all, ``none`` keeps none."""
    if names is None:
        return settings
    wanted = [] if names.strip() == "none" else [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in settings.guardrails:
            known = ", ".join(settings.guardrails) or "none are defined"
            raise BadInputError(f'No guardrail set "{name}".', f"In cqtui.toml under [guardrails.NAME]: {known}.")
    sets = {name: settings.guardrails[name].model_copy(update={"enabled": True}) for name in wanted}
    return settings.model_copy(update={"guardrails": sets})


def _path() -> click.Path:
    return click.Path(path_type=Path)


@click.command("optimize", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("logs", nargs=-1, type=click.Path(path_type=Path, allow_dash=True, readable=False))
@click.option("--config", type=_path(), help="Settings file. [default: cqtui.toml here, if there is one]")
@click.option("--profile", help="Lay [profiles.NAME] of the settings file over the rest of it.")
@click.option("--current-model", help="The model in use. [default: from cqtui.toml, else the log's most used]")
@click.option("--use-case", help="E.g. general, coding, support, extraction.")
@click.option("--candidates", help="Model names, comma-separated; bypasses discovery.")
@click.option("--k-candidates", type=int, default=6, show_default=True, help="How many to discover.")
@click.option("--n-top", type=int, default=3, show_default=True, help="How many to replay at a time.")
@click.option("--guardrails", help="Guardrail sets of cqtui.toml, comma-separated, or 'none'. [default: all]")
@click.option("--judge", help="The judging model; several, comma-separated, are a jury; 'checks' for none.")
@click.option("--budget-usd", type=Decimal, help="The most this run may spend. [default: 1.00]")
@click.option("--max-samples", type=int, help="Calls replayed on each candidate at most. [default: 400]")
@click.option("--quality-margin", type=float, help="Largest acceptable quality drop, percent. [default: 5]")
@click.option("--seed", type=int, default=0, show_default=True, help="Orders the calls.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Date for prices and retirements. [default: today]")
@click.option(
    "--provider",
    type=click.Choice(["portkey", "recorded", "rehearsal", "local"]),
    default="portkey",
    show_default=True,
    help="Who answers: real models, a recording, simulated ones, or a small local one.",
)
@click.option("--base-url", help="A gateway or OpenAI-compatible server in place of hosted Portkey.")
@click.option("--record", type=_path(), help="Append the answers to this recording.")
@click.option("--recording", type=_path(), help="The recording for --provider recorded.")
@click.option("--batch", is_flag=True, help="Send the calls in batch jobs: cheaper at many providers, up to a day.")
@click.option("--dry-run", is_flag=True, help="Show candidates and cost, call nothing.")
@click.option("--result-file", type=_path(), help="Write the whole result here, for cqtui report --from-file.")
@click.option("--no-keep-text", is_flag=True, help="Store no text of prompts and answers, whatever cqtui.toml says.")
@click.option("--sealed-store", is_flag=True, help="Believe only what this run's secret has sealed in the store.")
@click.option("--no-redact", is_flag=True, help="Send, store and report texts as logged: nothing is replaced.")
@click.option("--yes", is_flag=True, help="Agree to sending the prompts and spending up to the budget.")
@click.option("--resume/--no-resume", default=True, show_default=True, help="Go on with an unfinished run.")
@click.option(
    "--fail-on",
    type=click.Choice(["never", "regression", "inconclusive"]),
    default="never",
    show_default=True,
    help="When to exit with 3.",
)
@click.option("--json", "json", is_flag=True, help="Print the result as JSON, and nothing else, to stdout.")
@click.option("--json-file", type=_path(), help="Write the JSON here as well.")
@click.option("--markdown", type=_path(), help="Write the report here.")
@click.option("--html", type=_path(), help="Write the report here as one HTML file, with a plot.")
@click.option(
    "--write-report",
    type=_path(),
    metavar="DIR",
    help="Keep report.md, run.json and history.jsonl in this folder, to be committed; unchanged by equal evidence.",
)
@click.option(
    "--templates", type=_path(), help="A folder of your own templates. [default: [report] templates of cqtui.toml]"
)
@click.option("--events", type=_path(), help="Write every event here, JSON Lines.")
@click.option(
    "--display",
    type=click.Choice(["full", "plain", "json", "none"]),
    default="full",
    show_default=True,
    help="How progress is shown (stderr).",
)
@click.pass_context
def command(context: click.Context, /, logs: tuple[Path, ...], **options: Any) -> None:
    """Find a cheaper model for LOGS: discover, rank, replay, judge, recommend.

    LOGS are files of logged calls, folders, patterns in quotes, or - for stdin; without them those of cqtui.toml are
    read.

    \b
    Examples:
      cqtui optimize logs/ --dry-run
      cqtui optimize logs/october.jsonl --budget-usd 2 --yes --markdown report.md
      cqtui optimize logs/ --yes --html report.html
      cqtui optimize logs/ --yes --write-report docs/cqtui    # then commit that folder
      cqtui optimize logs/ --provider rehearsal --json
      cqtui optimize logs/ --no-redact --yes     # texts as logged; else e-mails, keys ... are replaced
      cqtui optimize --profile nightly --yes     # with [profiles.nightly] of cqtui.toml
      cqtui optimize logs/ --base-url http://localhost:8787/v1 --yes
    """
    as_of: datetime | None = options["as_of"]
    day: date | None = as_of.date() if as_of is not None else None
    candidates = options["candidates"]
    judges = tuple(name.strip() for name in (options["judge"] or "").split(",") if name.strip())
    overrides = {
        "current_model": options["current_model"],
        "use_case": options["use_case"],
        "candidates": tuple(name.strip() for name in candidates.split(",") if name.strip()) if candidates else None,
        "k_candidates": options["k_candidates"],
        "n_top": options["n_top"],
        "judge.mode": "checks" if judges == ("checks",) else None,
        "judge.models": judges if judges and judges != ("checks",) else None,
        "budget.usd": options["budget_usd"],
        "thresholds.max_samples": options["max_samples"],
        "thresholds.max_quality_drop_percent": options["quality_margin"],
        "seed": options["seed"],
        "as_of": day,
        "provider": options["provider"],
        "batch": options["batch"] or None,
        "gateway.base_url": options["base_url"],
        "privacy.redact": False if options["no_redact"] else None,
        "store.keep_text": False if options["no_keep_text"] else None,
        "store.sealed": options["sealed_store"] or None,
    }
    settings = load_settings(options["config"], overrides, options["profile"])
    settings = with_guardrails(settings, options["guardrails"])
    paths = list(logs) if logs else log_paths(settings, options["config"])
    to_run: dict[str, Any] = {"dry_run": None} if options["dry_run"] else {"provider": None}
    piped = "... | " if Path(STDIN) in logs else ""
    commands = {
        "rehearsal_command": piped
        + typed("optimize", *given_words(context, {"dry_run": None, "provider": "rehearsal"})),
        "real_command": piped + typed("optimize", *given_words(context, to_run)),
    }
    context.exit(execute(settings, paths, {**options, **commands, "is_demo": False}))
