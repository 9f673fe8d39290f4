"""Which call travels in which provider batch job."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime


def job_of(connection: sqlite3.Connection, cache_key: str) -> str | None:
    """The job that a call travels in, or None."""
    row = connection.execute("SELECT job_id FROM batch_calls WHERE cache_key = ?", (cache_key,)).fetchone()
    return None if row is None else str(row[0])


def keep_job(connection: sqlite3.Connection, job_id: str, cache_keys: Sequence[str]) -> None:
    """Note the calls of a job that was submitted."""
    now = datetime.now(UTC).isoformat()
    connection.executemany(
        "INSERT OR REPLACE INTO batch_calls VALUES (?, ?, ?)", [(key, job_id, now) for key in cache_keys]
    )


def forget_call(connection: sqlite3.Connection, cache_key: str) -> None:
    """A call's job gave no answer."""
    connection.execute("DELETE FROM batch_calls WHERE cache_key = ?", (cache_key,))


def take_up_again(connection: sqlite3.Connection, run_id: str) -> int:
    """Settle a run's attempts that wait in a job at nothing, since the next attempt waits for the same job.

    Returns how many there were.
    """
    return connection.execute(
        "UPDATE attempts SET state = 'failed', cost_usd = '0', failure_kind = 'taken_up_again'"
        " WHERE run_id = ? AND state = 'sent' AND cache_key IN (SELECT cache_key FROM batch_calls)",
        (run_id,),
    ).rowcount
