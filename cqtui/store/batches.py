"""Which call travels in which provider batch job."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime

from cqtui.store.seals import Seals

_SEALED_TABLE = "batch_calls"


def job_of(connection: sqlite3.Connection, cache_key: str, *, seals: Seals | None = None) -> str | None:
    """The job that a call travels in, or None; with ``seals`` where they hold for it."""
    row = connection.execute("SELECT job_id, seal FROM batch_calls WHERE cache_key = ?", (cache_key,)).fetchone()
    return str(row[0]) if row is not None and _is_believed(seals, cache_key, *row) else None


def _is_believed(seals: Seals | None, cache_key: str, job_id: object, seal: object) -> bool:
    return seals is None or seals.believes(seal, _SEALED_TABLE, (cache_key,), job_id)


def keep_job(
    connection: sqlite3.Connection, job_id: str, cache_keys: Sequence[str], *, seals: Seals | None = None
) -> None:
    """Note the calls of a job that was submitted."""
    now = datetime.now(UTC).isoformat()
    rows = [
        (key, job_id, now, None if seals is None else seals.seal(_SEALED_TABLE, (key,), job_id)) for key in cache_keys
    ]
    connection.executemany("INSERT OR REPLACE INTO batch_calls VALUES (?, ?, ?, ?)", rows)


def forget_call(connection: sqlite3.Connection, cache_key: str) -> None:
    """A call's job gave no answer."""
    connection.execute("DELETE FROM batch_calls WHERE cache_key = ?", (cache_key,))


def take_up_again(connection: sqlite3.Connection, run_id: str, *, seals: Seals | None = None) -> int:
    """Settle a run's attempts that wait in a job at nothing, since the next attempt waits for the same job.

    Returns how many there were.
    """
    rows = connection.execute(
        "SELECT id, cache_key, job_id, seal FROM attempts JOIN batch_calls USING (cache_key)"
        " WHERE run_id = ? AND state = 'sent'",
        (run_id,),
    ).fetchall()
    waiting = [(attempt_id,) for attempt_id, *call in rows if _is_believed(seals, *call)]
    connection.executemany(
        "UPDATE attempts SET state = 'failed', cost_usd = '0', failure_kind = 'taken_up_again' WHERE id = ?", waiting
    )
    return len(waiting)
