"""``cqtui purge``: deletes the text of prompts and answers from the store."""

from __future__ import annotations

import json
import sys
from datetime import date, datetime

import click

from cqtui.errors import BadInputError
from cqtui.settings import database_path
from cqtui.store.purge import Purged, count_text, purge

_NAMES = {
    "prompts": "prompts",
    "answers": "answers",
    "conversations": "conversations",
    "evaluations": "evaluations",
    "samples": "samples",
    "cached_answers": "cached answers",
    "cached_judgements": "cached judgements",
    "messages": "messages of providers",
}


def in_words(found: Purged) -> str:
    """How many texts of each sort, e.g. ``24 prompts, 72 answers``."""
    counts = found.model_dump()
    return ", ".join(f"{counts[name]:,} {words}" for name, words in _NAMES.items() if counts[name]) or "no text"


@click.command("purge", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), help="Only text stored before this day (UTC).")
@click.option("--yes", is_flag=True, help="Agree to deleting it.")
@click.option("--json", "as_json", is_flag=True, help="Print what was deleted as JSON to stdout.")
@click.pass_context
def command(context: click.Context, before: datetime | None, yes: bool, as_json: bool) -> None:
    """Delete the text of prompts and answers from the store, for good. Hashes, figures, scores and reports stay.

    A deleted answer cannot be judged anew: a run that asks for that pays for the answer again. Files that you had
    written yourself (--events, --record, --markdown, --json-file) are left alone.

    \b
    Examples:
      cqtui purge --before 2026-10-01
      cqtui purge --yes --json
    """
    path = database_path()
    if not path.is_file():
        raise BadInputError(f"{path}: no store here yet.", "There is nothing to delete.")
    day: date | None = before.date() if before is not None else None
    if not yes:
        if not sys.stdin.isatty():
            raise BadInputError("This would delete stored text for good.", "Add --yes to agree.")
        stored = f" stored before {day}" if day is not None else ""
        if not click.confirm(f"Delete {in_words(count_text(path, day))}{stored} from {path} for good?", err=True):
            click.echo("Nothing was deleted.", err=True)
            context.exit(1)
    purged = purge(path, day)
    if as_json:
        before_text = day.isoformat() if day is not None else None
        click.echo(json.dumps({"before": before_text, "total": purged.total, **purged.model_dump()}, indent=2))
        return
    click.echo(f"Deleted {in_words(purged)} from {path}.")
