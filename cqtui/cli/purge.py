"""``cqtui purge``: deletes the text of prompts and answers from the store."""

from __future__ import annotations

import json
import sys
from datetime import date, datetime

import click

from cqtui.engine.sealing import known_seals
from cqtui.environment import database_path
from cqtui.errors import BadInputError
from cqtui.store.purge import Purged, count_text, purge
from cqtui.store.seals import Seals

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


def _seals() -> Seals | None:
    """The seals that sealed records keep; a secret that cannot be one is no reason to leave text where it is."""
    try:
        return known_seals()
    except BadInputError:
        return None


def _lost(found: Purged, verb: str) -> str:
    return (
        f"{found.unsealed:,} sealed records {verb} their seal, which does not hold with the secret that is set here "
        "(CQTUI_STORE_SECRET, PORTKEY_API_KEY or a provider's key): a sealed run pays for them again."
    )


@click.command("purge", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), help="Only text stored before this day (UTC).")
@click.option("--yes", is_flag=True, help="Agree to deleting it.")
@click.option("--json", "as_json", is_flag=True, help="Print what was deleted as JSON to stdout.")
@click.pass_context
def command(context: click.Context, before: datetime | None, yes: bool, as_json: bool) -> None:
    """Delete the text of prompts and answers from the store, for good. Hashes, figures, scores and reports stay.

    A deleted answer cannot be judged anew: a run that asks for that pays for the answer again. What is left of sealed
    records ([store] sealed) is sealed anew where the secret is set, as in that run. Files that you had
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
    seals = _seals()
    if not yes:
        if not sys.stdin.isatty():
            raise BadInputError("This would delete stored text for good.", "Add --yes to agree.")
        found = count_text(path, day, seals=seals)
        if found.unsealed:
            click.echo(_lost(found, "would lose"), err=True)
        stored = f" stored before {day}" if day is not None else ""
        if not click.confirm(f"Delete {in_words(found)}{stored} from {path} for good?", err=True):
            click.echo("Nothing was deleted.", err=True)
            context.exit(1)
    purged = purge(path, day, seals=seals)
    if as_json:
        before_text = day.isoformat() if day is not None else None
        click.echo(json.dumps({"before": before_text, "total": purged.total, **purged.model_dump()}, indent=2))
        return
    click.echo(f"Deleted {in_words(purged)} from {path}.")
    if purged.unsealed:
        click.echo(_lost(purged, "lost"))
