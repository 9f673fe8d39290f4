"""Takes the text of prompts and answers out of the database for good; hashes, figures and scores stay."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cqtui.errors import StoreError
from cqtui.models import Frozen
from cqtui.store.cache import EVALUATION, MODEL_OUTPUT, SEALED_TABLE, TRIAL
from cqtui.store.database import connect, explain
from cqtui.store.samples import NO_TEXTS
from cqtui.store.seals import Seals
from cqtui.store.text import (
    answer_figures,
    evaluation_figures,
    event_figures,
    in_json,
    judgement_figures,
    prompt_mark,
    without_messages,
)

_PING = "ping"
_SEALED = "seal, cache_key, value_json, expires_at, source_versions_json"


class Purged(Frozen):
    """How many texts of each sort were there, and are gone; ``unsealed`` records lost the seal that they had."""

    prompts: int = 0
    answers: int = 0
    conversations: int = 0
    evaluations: int = 0
    samples: int = 0
    cached_answers: int = 0
    cached_judgements: int = 0
    messages: int = 0
    unsealed: int = 0

    @property
    def total(self) -> int:
        """All texts."""
        return sum(self.model_dump(exclude={"unsealed"}).values())


@dataclass(frozen=True)
class _Column:
    """A column that holds text, what is left of it, and which of its rows belong to a date before the one given."""

    sort: str
    table: str
    column: str
    less: Callable[[str], str]
    where: str = "1"
    date: str = "created_at"


_COLUMNS = (
    _Column("prompts", "prompts", "content", prompt_mark),
    _Column("answers", "completions", "completion_json", in_json(answer_figures)),
    _Column("conversations", "conversations", "messages_json", lambda _: "[]"),
    _Column("evaluations", "quality_evaluations", "evaluation_json", in_json(evaluation_figures)),
    _Column("samples", "samples", "texts_json", lambda _: NO_TEXTS),
    _Column(
        "cached_judgements",
        "cache",
        "value_json",
        in_json(judgement_figures),
        where=f"cache_key LIKE '{EVALUATION}:%'",
    ),
    _Column(
        "messages",
        "events",
        "event_json",
        in_json(event_figures),
        where="kind IN ('replay_failed', 'candidate_stopped')",
        date="json_extract(event_json, '$.at')",
    ),
    _Column(
        "messages",
        "cache",
        "value_json",
        in_json(without_messages),
        where=f"cache_key LIKE '{TRIAL}:%'",
    ),
    _Column(
        "messages",
        "runs",
        "result_json",
        in_json(without_messages),
        where="result_json IS NOT NULL",
        date="started_at",
    ),
)
# Nobody can judge an answer without its text: its entry goes, what was measured of it stays (store/finished.py).
_ANSWERS = f"(cache_key LIKE '{MODEL_OUTPUT}:%' OR cache_key LIKE '{_PING}:%')"


def _day(before: date | None) -> str:
    return "9999" if before is None else before.isoformat()


def _add_functions(connection: sqlite3.Connection) -> None:
    for number, column in enumerate(_COLUMNS):
        connection.create_function(f"less_{number}", 1, column.less, deterministic=True)


def _has_text(number: int, c: _Column) -> str:
    return f"{c.where} AND {c.date} < ? AND less_{number}({c.column}) <> {c.column}"


def count_text(path: Path, before: date | None = None, *, seals: Seals | None = None) -> Purged:
    """What ``purge`` would delete; raises StoreError where the database cannot be read."""
    try:
        with closing(connect(path)) as connection:
            _add_functions(connection)
            return _count(connection, _day(before), seals)
    except sqlite3.Error as error:
        raise explain(path, error) from None


def _count(connection: sqlite3.Connection, day: str, seals: Seals | None) -> Purged:
    counts: dict[str, int] = {}
    for number, c in enumerate(_COLUMNS):
        query = f"SELECT count(*) FROM {c.table} WHERE {_has_text(number, c)}"
        counts[c.sort] = counts.get(c.sort, 0) + connection.execute(query, (day,)).fetchone()[0]
        if c.table == SEALED_TABLE:
            query = f"SELECT {_SEALED} FROM cache WHERE {_has_text(number, c)} AND seal IS NOT NULL"
            lost = sum(not _holds(seals, *row) for row in connection.execute(query, (day,)))
            counts["unsealed"] = counts.get("unsealed", 0) + lost
    (cached,) = connection.execute(f"SELECT count(*) FROM cache WHERE {_ANSWERS} AND created_at < ?", (day,)).fetchone()
    return Purged(**counts, cached_answers=cached)


def _holds(seals: Seals | None, seal: object, key: str, *value: object) -> bool:
    return seals is not None and seals.holds(seal, SEALED_TABLE, (key,), *value)


def _take_out(connection: sqlite3.Connection, number: int, c: _Column, day: str, seals: Seals | None) -> None:
    """Leave of a column what is no text."""
    if c.table != SEALED_TABLE:
        change = f"UPDATE {c.table} SET {c.column} = less_{number}({c.column}) WHERE {_has_text(number, c)}"
        connection.execute(change, (day,))
        return
    # Sealing is no SQL function: a trigger that somebody put into the file could call it.
    keys = connection.execute(f"SELECT cache_key FROM cache WHERE {_has_text(number, c)}", (day,)).fetchall()
    for (key,) in keys:
        row = connection.execute(f"SELECT {_SEALED} FROM cache WHERE cache_key = ?", (key,)).fetchone()
        _, _, value, *rest = row
        less, seal = c.less(value), None
        if seals is not None and _holds(seals, *row):
            seal = seals.seal(SEALED_TABLE, (key,), less, *rest)
        connection.execute("UPDATE cache SET value_json = ?, seal = ? WHERE cache_key = ?", (less, seal, key))


def purge(path: Path, before: date | None = None, *, seals: Seals | None = None) -> Purged:
    """Delete stored text, then rewrite the file so that its bytes are gone as well; says what was deleted.

    Args:
        path: The database.
        before: Text that was stored before this day (UTC) only; None is all.
        seals: Those that sealed records keep; without, a record whose text is taken out has none any more.

    Raises:
        StoreError: The database cannot be written, or the bytes cannot be removed from the file.
    """
    day = _day(before)
    try:
        with closing(connect(path)) as connection:
            _add_functions(connection)
            connection.execute("BEGIN IMMEDIATE")
            purged = _count(connection, day, seals)
            for number, c in enumerate(_COLUMNS):
                _take_out(connection, number, c, day, seals)
            connection.execute(f"DELETE FROM cache WHERE {_ANSWERS} AND created_at < ?", (day,))
            connection.execute("COMMIT")
            _rewrite(path, connection)
    except sqlite3.Error as error:
        raise explain(path, error) from None
    return purged


def _rewrite(path: Path, connection: sqlite3.Connection) -> None:
    """Deleted text stays in free pages and in the write-ahead log until both are written anew."""
    try:
        connection.execute("VACUUM")
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        why = "another program reads it" if busy else None
    except sqlite3.Error as error:
        why = str(error)
    if why is not None:
        raise StoreError(
            f"{path}: the text is deleted, but its bytes are still in the file ({why}).",
            "End other cqtui programs, then run cqtui purge again.",
        )
