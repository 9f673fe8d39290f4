"""``cqtui init``: looks at the logs, proposes settings and writes a commented cqtui.toml."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NoReturn

import click

from cqtui.cli.lines import tell_all
from cqtui.cli.reading import log_with_progress
from cqtui.config_file import new_config, write_new_config
from cqtui.engine.log import Log
from cqtui.engine.nearby import log_pattern, nearby_logs
from cqtui.engine.optimize import registry_for
from cqtui.engine.proposals import BUDGET, CHANGEABLE, JUDGE, MODEL, USE_CASE, VOLUME, Proposals, propose
from cqtui.errors import BadInputError
from cqtui.importers.paths import STDIN
from cqtui.redaction.redactor import without_keys
from cqtui.registry.loader import Registry
from cqtui.report.filters import plain
from cqtui.report.plan_words import describe_log
from cqtui.settings import CONFIG_NAME, Settings

WORDS = {
    MODEL: "current model",
    USE_CASE: "use case",
    VOLUME: "calls a month",
    JUDGE: "judge",
    BUDGET: "budget, USD",
    "logs": "logs",
}


@dataclass(frozen=True, slots=True)
class _Setup:
    """What proposals are made from."""

    log: Log
    settings: Settings
    registry: Registry
    patterns: tuple[str, ...]

    def proposals(self, stated: dict[str, Any]) -> Proposals:
        return propose(self.log, self.settings, self.registry, self.patterns, stated)


@click.command("init", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("logs", nargs=-1, type=click.Path(path_type=Path, allow_dash=True, readable=False))
@click.option(
    "--config", type=click.Path(path_type=Path), default=CONFIG_NAME, show_default=True, help="File to write."
)
@click.option("--current-model", help="The model in use. [default: the log's most used]")
@click.option("--use-case", help="E.g. general, agents, support, extraction. [default: what most calls are]")
@click.option("--monthly-volume", type=click.IntRange(1), help="Calls in a month. [default: at the log's rate]")
@click.option("--judge", help="The judging model; several, comma-separated, are a jury.")
@click.option("--budget-usd", type=Decimal, help="The most that one run may spend. [default: 1.00]")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Date for prices and retirements. [default: today]")
@click.option("--yes", is_flag=True, help="Take the proposals and write the file, without a question.")
@click.option("--force", is_flag=True, help="Replace the file where it is there already.")
@click.option("--json", "as_json", is_flag=True, help="Print the proposals as JSON; with --yes write the file as well.")
def command(
    logs: tuple[Path, ...], config: Path, yes: bool, force: bool, as_json: bool, as_of: Any, **options: Any
) -> None:
    """Look at LOGS, propose settings and write them to cqtui.toml, each with a comment. Calls nothing.

    LOGS are files, folders or patterns in quotes; without them the logs of this folder are looked for. A terminal is
    asked before anything is written; a script says --yes.

    \b
    Examples:
      cqtui init logs/
      cqtui init logs/ --yes --monthly-volume 120000
      cqtui init logs/ --json                # the proposals alone, nothing is written
    """
    asks = not yes and not as_json
    if asks and not is_terminal():
        raise BadInputError(
            "init asks before it writes, and this is no terminal.",
            "Add --yes to take what it proposes, or --json to see it.",
        )
    writes = yes or asks
    replace = writes and _may_replace(config, force, asks)
    if Path(STDIN) in logs:
        raise BadInputError("A settings file cannot name what is piped in.", "Save it: cqtui logs convert - log.jsonl")
    paths = list(logs) or _found_logs(asks)
    settings = Settings.model_validate({} if as_of is None else {"as_of": as_of.date()})
    log = log_with_progress(settings, paths)
    patterns = tuple(log_pattern(path, config.parent) for path in paths)
    setup = _Setup(log, settings, registry_for(settings), patterns)
    stated = _stated(options)
    tell_all(describe_log(log.read), err=True)
    proposals = setup.proposals(stated)
    if asks:
        proposals = _confirmed(setup, stated, proposals, config)
    if writes:
        if proposals.problem is not None:
            raise proposals.problem
        write_new_config(config, new_config(proposals.values, proposals.reasons), replace=replace)
    next_step = _next(config, proposals, writes, paths)
    if as_json:
        click.echo(json.dumps(_as_json(proposals, config if writes else None, next_step), indent=2, ensure_ascii=False))
        return
    if not asks:
        _show(proposals)
    click.echo(f"Wrote {config}.")
    click.echo(f"Next: {next_step}")


def is_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()


def _may_replace(config: Path, force: bool, asks: bool) -> bool:
    """Whether what is there may be replaced; raises BadInputError where it is there and stays."""
    if force or not (config.exists() or config.is_symlink()):
        return force
    if asks:
        if not click.confirm(f"{config} is there already. Replace it?", err=True):
            _stop()
        return True
    raise BadInputError(f"{config} is there already.", "Nothing was written; --force replaces it.")


def _stop() -> NoReturn:
    click.echo("Nothing was written.", err=True)
    raise click.exceptions.Exit(1)


def _found_logs(asks: bool) -> list[Path]:
    """The log of this folder: the only one there is, else the one that is chosen."""
    found = nearby_logs(Path())
    if not found:
        raise BadInputError(
            "No log was found in this folder or just below it.",
            "Name it: cqtui init LOGS...; cqtui logs inspect FILE says why a file is none.",
        )
    if len(found) == 1:
        click.echo(f"Found {plain(str(found[0]))}.", err=True)
        return found
    names = [plain(str(path)) for path in found]
    if not asks:
        raise BadInputError(f"Several logs were found: {', '.join(names)}.", "Name those to use: cqtui init LOGS...")
    for number, name in enumerate(names, 1):
        click.echo(f"  {number}  {name}", err=True)
    chosen = click.prompt("Which is your log?", type=click.IntRange(1, len(found)), err=True)
    return [found[chosen - 1]]


def _stated(options: dict[str, Any]) -> dict[str, Any]:
    names = {"current_model": MODEL, "use_case": USE_CASE, "monthly_volume": VOLUME, "budget_usd": BUDGET}
    stated = {name: options[option] for option, name in names.items() if options[option] is not None}
    if stated.get(BUDGET, 0) < 0:
        raise BadInputError(f"--budget-usd {stated[BUDGET]}: below 0.", "Name an amount of 0 or more.")
    if options["judge"]:
        stated[JUDGE] = _names(options["judge"])
    return stated


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _show(proposals: Proposals) -> None:
    from cqtui.cli.tables import console, heading, labelled

    out = console()
    heading(out, "Proposed")
    rows = []
    for item in proposals.items:
        number = str(CHANGEABLE.index(item.name) + 1) if item.name in CHANGEABLE else ""
        rows.append((number, WORDS[item.name], plain(_shown(item.value))))
        rows.append(("", "", plain(without_keys(item.why))))
    if proposals.problem is None:
        rows.append(("", "tried first", ", ".join(proposals.candidates) or "none: no cheaper model fits this traffic"))
    labelled(out, rows, label_width=2)
    if proposals.problem is not None:
        click.echo(f"  {plain(without_keys(str(proposals.problem)))}")
    click.echo("")


def _confirmed(setup: _Setup, stated: dict[str, Any], proposals: Proposals, config: Path) -> Proposals:
    """The proposals as the user wants them: shown, changed line by line, and agreed to."""
    missing = [(VOLUME, "Calls in a month (empty: unknown)?")]
    if setup.log.tally.baseline_calls:
        missing.insert(0, (MODEL, "Which model answers your calls now?"))
    for name, question in missing:
        if name not in proposals.values:
            click.echo(plain(without_keys(proposals.reasons[name])), err=True)
            proposals = _asked(setup, stated, proposals, name, question)
    while True:
        _show(proposals)
        answer = click.prompt(
            f"Enter writes {plain(str(config))}, a number changes its line, q stops",
            default="",
            show_default=False,
            err=True,
        ).strip()
        if answer.lower() == "q":
            _stop()
        if not answer:
            return proposals
        if answer.isdecimal() and 1 <= int(answer) <= len(CHANGEABLE):
            name = CHANGEABLE[int(answer) - 1]
            kept = plain(_shown(proposals.values.get(name)))
            proposals = _asked(setup, stated, proposals, name, f"{WORDS[name].capitalize()} (Enter keeps {kept}):")


def _asked(setup: _Setup, stated: dict[str, Any], proposals: Proposals, name: str, question: str) -> Proposals:
    """The proposals with one answer more; asks again where it is wrong, and changes nothing where it is empty."""
    read = _READ.get(name, str)
    while True:
        typed = click.prompt(question, default="", show_default=False, prompt_suffix=" ", err=True).strip()
        if not typed:
            return proposals
        try:
            changed = {**stated, name: read(typed)}
            proposals = setup.proposals(changed)
        except BadInputError as error:
            click.echo(plain(str(error)), err=True)
            continue
        stated.update(changed)
        return proposals


def _volume(text: str) -> int:
    digits = text.replace(",", "").replace("_", "")
    if not digits.isdecimal() or not 0 < int(digits) < 2**63:
        raise BadInputError(f"{text} is no number of calls.", "Write e.g. 120000.")
    return int(digits)


def _budget(text: str) -> Decimal:
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise BadInputError(f"{text} is no amount.", "Write e.g. 2.50.")
    return amount


_READ: dict[str, Callable[[str], Any]] = {VOLUME: _volume, BUDGET: _budget, JUDGE: _names}


def _next(config: Path, proposals: Proposals, written: bool, paths: Sequence[Path]) -> str:
    named = [] if config == Path(CONFIG_NAME) else [f"--config={config}"]
    if proposals.problem is not None:
        return shlex.join(["cqtui", "logs", "inspect", *map(str, paths)])
    if not written:
        return shlex.join(["cqtui", "init", *map(str, paths), *named, "--yes"])
    return shlex.join(["cqtui", "optimize", *named, "--dry-run"])


def _as_json(proposals: Proposals, written: Path | None, next_step: str) -> dict[str, Any]:
    problem = proposals.problem
    return {
        "schema_version": 1,
        "written": None if written is None else str(written),
        "proposals": [
            {"name": item.name, "value": _plain_value(item.value), "why": without_keys(item.why)}
            for item in proposals.items
        ],
        "candidates": list(proposals.candidates),
        "problem": None if problem is None else {"what": problem.title, "todo": problem.hint},
        "next": next_step,
    }


def _plain_value(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
