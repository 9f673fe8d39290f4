"""Runs, their events, and every attempt that may have cost money."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import ValidationError

from cqtui.events import EVENT, Event
from cqtui.models import FailureKind, Frozen
from cqtui.results import Spend
from cqtui.store.text import event_figures, in_json, without_messages

UNPAID_PROVIDERS = ("rehearsal", "recorded", "local")  # what they cost is what it would cost, or nothing
ANALYSIS_PLAN = "analyze:"  # begins the plan hash of one prompt's analysis, which has no result to show again


class StoredRun(Frozen):
    """A run as the store knows it, without its result; ``finished_at`` None is unfinished, and may be resumed.

    ``has_result`` is true of an unfinished run that was interrupted, too. ``spend`` is what its attempts cost so far.
    """

    run_id: str
    provider: str
    started_at: datetime
    finished_at: datetime | None
    has_result: bool
    spend: Spend = Spend()

    @property
    def is_rehearsal(self) -> bool:
        """Whether its models were simulated: no part of history and trends."""
        return self.provider == "rehearsal"


def _now() -> str:
    return datetime.now(UTC).isoformat()


def start_run(connection: sqlite3.Connection, run_id: str, plan_hash: str, provider: str) -> None:
    """Record that a run began."""
    connection.execute(
        "INSERT INTO runs (run_id, plan_hash, provider, started_at) VALUES (?, ?, ?, ?)",
        (run_id, plan_hash, provider, _now()),
    )


def unfinished_run(connection: sqlite3.Connection, plan_hash: str) -> str | None:
    """The newest run of this plan that did not end, or None; its id goes into reports, so it is none that says more."""
    row = connection.execute(
        "SELECT run_id FROM runs WHERE plan_hash = ? AND finished_at IS NULL AND run_id NOT GLOB '*[^0-9A-Za-z_-]*'"
        " ORDER BY started_at DESC LIMIT 1",
        (plan_hash,),
    ).fetchone()
    return None if row is None else str(row[0])


def finish_run(
    connection: sqlite3.Connection, run_id: str, result: dict[str, Any] | None, *, keep_text: bool = True
) -> None:
    """Record that a run ended, with its result where it has one to show again."""
    connection.execute(
        "UPDATE runs SET finished_at = ?, result_json = ? WHERE run_id = ?",
        (_now(), None if result is None else _result_json(result, keep_text), run_id),
    )


def keep_partial(
    connection: sqlite3.Connection, run_id: str, result: dict[str, Any], *, keep_text: bool = True
) -> None:
    """Keep what an unfinished run has shown; the run stays open to be resumed."""
    connection.execute("UPDATE runs SET result_json = ? WHERE run_id = ?", (_result_json(result, keep_text), run_id))


def _result_json(result: dict[str, Any], keep_text: bool) -> str:
    return json.dumps(result if keep_text else without_messages(result), ensure_ascii=False)


def last_success(connection: sqlite3.Connection) -> str | None:
    """When the newest run with a result ended, as ISO 8601; rehearsals apart."""
    row = connection.execute(
        "SELECT max(finished_at) FROM runs WHERE result_json IS NOT NULL AND provider <> 'rehearsal'"
    ).fetchone()
    return None if row[0] is None else str(row[0])


def load_result(connection: sqlite3.Connection, run_id: str | None = None) -> dict[str, Any] | None:
    """The result of a run by id or the beginning of it, or of the newest run; None where there is none."""
    row = connection.execute(
        "SELECT result_json FROM runs WHERE result_json IS NOT NULL AND substr(run_id, 1, length(?)) = ?"
        " ORDER BY coalesce(finished_at, started_at) DESC LIMIT 1",
        (run_id or "", run_id or ""),
    ).fetchone()
    return None if row is None else dict(json.loads(row[0]))


def list_runs(connection: sqlite3.Connection, *, rehearsals: bool = False) -> list[StoredRun]:
    """The runs of whole logs, the newest first; rehearsals only where they are asked for."""
    rows = connection.execute(
        "SELECT run_id, provider, started_at, finished_at, result_json IS NOT NULL FROM runs"
        " WHERE (? OR provider <> 'rehearsal') AND substr(plan_hash, 1, length(?)) <> ?"
        " ORDER BY started_at DESC, rowid DESC",
        (rehearsals, ANALYSIS_PLAN, ANALYSIS_PLAN),
    ).fetchall()
    return [
        StoredRun(
            run_id=run_id,
            provider=provider,
            started_at=datetime.fromisoformat(started),
            finished_at=None if finished is None else datetime.fromisoformat(finished),
            has_result=bool(has_result),
            spend=spend_of(connection, run_id),
        )
        for run_id, provider, started, finished, has_result in rows
    ]


def find_runs(connection: sqlite3.Connection, beginning: str) -> list[str]:
    """The ids of the runs that have a result and begin so, the newest first; an id itself stands for that run alone."""
    ids = [
        str(run_id)
        for (run_id,) in connection.execute(
            "SELECT run_id FROM runs WHERE result_json IS NOT NULL AND substr(run_id, 1, length(?)) = ?"
            " ORDER BY started_at DESC, rowid DESC",
            (beginning, beginning),
        )
    ]
    return [beginning] if beginning in ids else ids


def append_events(connection: sqlite3.Connection, events: Sequence[Event], *, keep_text: bool = True) -> None:
    """Append events, without providers' messages where no text is kept; rows are never changed but by a purge."""
    connection.executemany(
        "INSERT INTO events VALUES (?, ?, ?, ?)",
        [(event.run_id, event.seq, event.kind, _event_json(event, keep_text)) for event in events],
    )


def load_events(connection: sqlite3.Connection, run_id: str) -> list[Event]:
    """A run's events in the order in which they came; those of another version that cannot be read are left out."""
    rows = connection.execute("SELECT event_json FROM events WHERE run_id = ? ORDER BY rowid", (run_id,))
    found: list[Event] = []
    for (text,) in rows:
        with contextlib.suppress(ValidationError):
            found.append(EVENT.validate_json(text))
    return found


def _event_json(event: Event, keep_text: bool) -> str:
    text = EVENT.dump_json(event).decode()
    return text if keep_text else in_json(event_figures)(text)


def send_attempt(
    connection: sqlite3.Connection,
    *,
    run_id: str,
    cache_key: str,
    purpose: str,
    model_id: str,
    record_id: str,
    attempt: int,
    reserved_usd: Decimal,
) -> int:
    """Write the intent row that precedes a send; returns its id. USD is the reservation."""
    cursor = connection.execute(
        "INSERT INTO attempts (run_id, cache_key, purpose, model_id, record_id, attempt, state, reserved_usd, sent_at)"
        " VALUES (?, ?, ?, ?, ?, ?, 'sent', ?, ?)",
        (run_id, cache_key, purpose, model_id, record_id, attempt, str(reserved_usd), _now()),
    )
    return int(cursor.lastrowid or 0)


def settle_attempt(
    connection: sqlite3.Connection,
    attempt_id: int,
    cost_usd: Decimal | None,
    failure_kind: FailureKind | None,
    *,
    received: bool | None = None,
) -> None:
    """Record how an attempt ended and what it cost (None: unknown, counted at its reservation).

    ``received`` says that it gave a result; None: exactly where it did not fail.
    """
    ended_well = failure_kind is None if received is None else received
    connection.execute(
        "UPDATE attempts SET state = ?, cost_usd = ?, failure_kind = ?, received_at = ? WHERE id = ?",
        (
            "received" if ended_well else "failed",
            None if cost_usd is None else str(cost_usd),
            failure_kind,
            _now(),
            attempt_id,
        ),
    )


def spend_of(connection: sqlite3.Connection, run_id: str) -> Spend:
    """What a run spent, from its attempts; failures and attempts of unknown outcome are wasted (USD)."""
    totals = {"replay": Decimal(0), "judge": Decimal(0), "wasted": Decimal(0)}
    rows = connection.execute(
        "SELECT purpose, state, coalesce(cost_usd, reserved_usd) FROM attempts WHERE run_id = ?", (run_id,)
    )
    for purpose, state, amount in rows:
        line = "wasted" if state != "received" else "judge" if purpose == "judge" else "replay"
        totals[line] += _usd(amount)
    return Spend(replay_usd=totals["replay"], judge_usd=totals["judge"], wasted_usd=totals["wasted"])


def _usd(text: object) -> Decimal:
    """An amount as it was kept; 0 for one that cannot be, since less than nothing would lift a budget."""
    try:
        amount = Decimal(str(text))
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() and amount > 0 else Decimal(0)


def month_spend(connection: sqlite3.Connection, now: datetime) -> Decimal:
    """What all runs have spent since the first of the month (UTC), in USD; rehearsed and recorded ones apart."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    unpaid = ", ".join("?" * len(UNPAID_PROVIDERS))
    rows = connection.execute(
        "SELECT coalesce(cost_usd, reserved_usd) FROM attempts JOIN runs USING (run_id)"
        f" WHERE sent_at >= ? AND provider NOT IN ({unpaid})",
        (first.isoformat(), *UNPAID_PROVIDERS),
    )
    return sum((_usd(amount) for (amount,) in rows), Decimal(0))


def count_attempts(connection: sqlite3.Connection, run_id: str) -> int:
    """How many calls were sent in a run."""
    return int(connection.execute("SELECT count(*) FROM attempts WHERE run_id = ?", (run_id,)).fetchone()[0])
