"""Past runs out of the store, for every front end."""

from __future__ import annotations

import sqlite3

from cqtui.errors import BadInputError
from cqtui.report.history import RunSummary, read_result, summary
from cqtui.results import Recommendation
from cqtui.store import runs

_SHOWN_IDS = 5


def past_runs(connection: sqlite3.Connection, *, rehearsals: bool = False) -> list[RunSummary]:
    """Summaries of the stored runs, the newest first; rehearsals only where they are asked for."""
    return [
        summary(run, read_result(runs.load_result(connection, run.run_id)) if run.has_result else None)
        for run in runs.list_runs(connection, rehearsals=rehearsals)
    ]


def past_result(connection: sqlite3.Connection, beginning: str) -> Recommendation:
    """The result of the one run whose id begins so.

    Raises:
        BadInputError: No run, several runs, or another version's run begins so.
    """
    found = runs.find_runs(connection, beginning) if beginning else []
    if not found:
        raise BadInputError(f'No run with a result begins with "{beginning}".', "cqtui history --all lists the runs.")
    if len(found) > 1:
        shown = ", ".join(found[:_SHOWN_IDS]) + (", ..." if len(found) > _SHOWN_IDS else "")
        raise BadInputError(f'{len(found)} runs begin with "{beginning}": {shown}.', "Give more of the id.")
    result = read_result(runs.load_result(connection, found[0]))
    if result is None:
        raise BadInputError(f"Run {found[0]} was kept by another version of cqtui.", "Run cqtui optimize again.")
    return result
