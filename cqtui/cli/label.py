"""``cqtui label``: shows pairs blind and takes down which answer is better."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Literal, cast, get_args

import click

from cqtui.cli.report import stored_result
from cqtui.engine.labelling import Question, questions, stored_check
from cqtui.engine.sealing import seals_for
from cqtui.environment import database_path
from cqtui.errors import BadInputError
from cqtui.importers import read_logs
from cqtui.report.filters import inert, points, share_interval, signed
from cqtui.results import LabelCheck
from cqtui.settings import PrivacySettings, load_settings
from cqtui.store import labels
from cqtui.store.database import Database

ENOUGH = 30
LONGEST_PROMPT = 4000
Key = Literal["1", "2", "=", "s", "q"]


@click.command("label", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", required=False)
@click.option("--log", "logs", multiple=True, type=click.Path(path_type=Path), help="The log. [default: cqtui.toml's]")
@click.option("--model", help="Whose answers. [default: the run's recommended or closest candidate]")
@click.option("--count", type=click.IntRange(1), default=ENOUGH, show_default=True, help="Pairs in all.")
@click.option("--config", type=click.Path(path_type=Path), help="Another cqtui.toml.")
@click.option("--profile", help="Lay [profiles.NAME] of the settings file over the rest of it.")
@click.option("--no-redact", is_flag=True, help="The run was made with --no-redact: show texts as logged.")
@click.option("--json", "as_json", is_flag=True, help="Label nothing; print what the labels say so far.")
def command(
    run: str | None,
    logs: tuple[Path, ...],
    model: str | None,
    count: int,
    config: Path | None,
    profile: str | None,
    no_redact: bool,
    as_json: bool,
) -> None:
    """Label pairs of RUN (default the newest) by hand: which of two answers is better.

    Two answers to a request are shown without the models' names, in random order. Keys: 1 or 2 for the better one,
    = for no difference, s to skip, q to stop; labels are kept as you go. Thirty say how far the judge can be relied
    on, and count in the verdict of the next cqtui optimize, which pays for nothing twice.

    \b
    Examples:
      cqtui label --count 30
      cqtui label --no-redact          # of a run with --no-redact
      cqtui label --profile nightly    # the logs that [profiles.nightly] names
    """
    result = stored_result(run)
    settings = load_settings(config, {"privacy.redact": False if no_redact else None}, profile)
    with Database(database_path(), seals_for(settings, lasting=True)) as store:
        shown = result.recommended or result.closest
        model_id = model or (shown.candidate.id if shown is not None else None)
        if model_id is None or not store.read(lambda c: labels.judged_records(c, model_id)):
            raise BadInputError(f"Run {result.run_id} has no judged answers of {model_id or 'a candidate'}.")
        if not as_json:
            paths = list(logs) or [Path(name) for name in settings.logs]
            if not paths:
                raise BadInputError("The logged answers are needed.", "Name the log with --log PATH.")
            _ask(store, model_id, result.run_id, count, paths, settings.privacy)
        check = stored_check(store, model_id)
    if as_json:
        click.echo(check.model_dump_json(indent=2) if check is not None else "null")
    else:
        click.echo(_summary(check))


def _ask(store: Database, model_id: str, run_id: str, count: int, paths: list[Path], privacy: PrivacySettings) -> None:
    calls = read_logs([str(path) for path in paths]).calls
    wanted, done = questions(store, model_id, calls, run_id, count, privacy)
    if not wanted and not done:
        raise BadInputError(
            "None of the judged pairs can be shown: the log has other records, or no text was kept.",
            "Name the log of that run with --log; with [store] keep_text = false answers cannot be labelled.",
        )
    for number, question in enumerate(wanted, done + 1):
        _show(question, number, done + len(wanted))
        choice = _choice()
        if choice == "q":
            return
        if choice != "s":
            label = question.preference(choice)
            keep = functools.partial(
                labels.keep_label,
                record_id=question.record_id,
                model_id=model_id,
                answer_digest=question.digest,
                label=label,
                seals=store.seals,
            )
            store.run(keep)


def _show(question: Question, number: int, total: int) -> None:
    prompt = inert(question.prompt)
    if len(prompt) > LONGEST_PROMPT:
        prompt = f"[... {len(prompt) - LONGEST_PROMPT:,} characters before]\n{prompt[-LONGEST_PROMPT:]}"
    click.echo(f"\n=== {number} of {total}: the request ===\n{prompt}")
    click.echo(f"\n--- answer 1 ---\n{inert(question.first)}")
    click.echo(f"\n--- answer 2 ---\n{inert(question.second)}\n")


def _choice() -> Key:
    while True:
        click.echo("Which is better? 1, 2, = (no difference), s (skip), q (stop) ", nl=False)
        try:
            key = click.getchar().lower()
        except EOFError:
            key = ""
        if not key:  # the input has ended
            click.echo("")
            return "q"
        click.echo(key if key.isprintable() else "")
        if key in get_args(Key):
            return cast(Key, key)


def _summary(check: LabelCheck | None) -> str:
    if check is None:
        return "Nothing labelled yet."
    kappa = "" if check.kappa is None else f", kappa {check.kappa:.2f}"
    agreement, corrected = share_interval(check.agreement_percent), points(check.corrected_points)
    lines = [
        f"{check.labelled} pairs labelled. The judge agrees with you on {agreement}{kappa}.",
        f"Quality against the current model: {corrected} points as your labels correct it; "
        f"the judge alone says {signed(check.judge_points)}.",
    ]
    if check.is_enough:
        lines.append("Run cqtui optimize again: nothing is paid twice, and the labels count in the verdict.")
    else:
        lines.append(f"{ENOUGH - check.labelled} more would be enough to count in the verdict.")
    return "\n".join(lines)
