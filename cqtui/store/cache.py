"""The cache of paid results: model outputs, evaluations and what was measured of them; TTLs, hits, source versions.

An entry names in its source versions what it depends on (``store/versions.py``); at the start of a run
``apply_versions`` forgets those that depend on something else than what holds now.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cqtui.models import Frozen
from cqtui.store.database import Database
from cqtui.store.seals import Seals

MODEL_OUTPUT = "model_output"
EVALUATION = "evaluation"
RECOMMENDATION = "recommendation"
PAIR = "pair"
TRIAL = "trial"
ADJUSTMENT = "adjustment"
SEALED_TABLE = "cache"  # sealed with an entry's key: value, end of its time, source versions
_VERSION = "1"
_KIND = "substr(cache_key, 1, instr(cache_key, ':') - 1)"


class KindStats(Frozen):
    """What the cache holds of one kind; ``size_bytes`` are those of the values, ``expired`` entries are not used."""

    kind: str
    entries: int
    hits: int
    size_bytes: int
    expired: int


def generate_key(prefix: str, **parts: Any) -> str:
    """A key of the form ``prefix:sha256``, the same for the same parts in any order."""
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return f"{prefix}:{hashlib.sha256(canonical.encode()).hexdigest()}"


def find(
    connection: sqlite3.Connection, key: str, *, seals: Seals | None = None, now: datetime | None = None
) -> Any | None:
    """The value under a key, or None where it is absent, expired or without a seal; only reads, see ``count_hit``."""
    moment = (now or datetime.now(UTC)).isoformat()
    row = connection.execute(
        "SELECT value_json, expires_at, source_versions_json, seal FROM cache WHERE cache_key = ? AND expires_at > ?",
        (key, moment),
    ).fetchone()
    if row is None:
        return None
    value, expires_at, versions, seal = row
    if seals is not None and not seals.believes(seal, SEALED_TABLE, (key,), value, expires_at, versions):
        return None
    return json.loads(value)


def count_hit(connection: sqlite3.Connection, key: str) -> None:
    """Count that an entry was used."""
    connection.execute("UPDATE cache SET hit_count = hit_count + 1 WHERE cache_key = ?", (key,))


def look_up(database: Database, key: str) -> Any | None:
    """The value under a key, or None, at once; a hit is counted later. A sealed store gives sealed values alone.

    Raises:
        StoreError: SQLite refused it.
    """
    value = database.read(lambda c: find(c, key, seals=database.seals))
    if value is not None:
        database.submit(lambda c: count_hit(c, key))
    return value


def set_value(
    connection: sqlite3.Connection,
    key: str,
    value: Any,
    *,
    ttl_s: int = 3600,
    source_versions: Mapping[str, str] | None = None,
    seals: Seals | None = None,
    now: datetime | None = None,
) -> None:
    """Keep a JSON value under a key for ``ttl_s`` seconds; ``source_versions`` name what it depends on."""
    moment = now or datetime.now(UTC)
    text, expires_at = json.dumps(value, ensure_ascii=False), (moment + timedelta(seconds=ttl_s)).isoformat()
    versions = json.dumps(dict(source_versions or {}), sort_keys=True)
    seal = None if seals is None else seals.seal(SEALED_TABLE, (key,), text, expires_at, versions)
    connection.execute(
        "INSERT OR REPLACE INTO cache VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
        (key, text, moment.isoformat(), expires_at, _VERSION, versions, seal),
    )


def invalidate(connection: sqlite3.Connection, key: str) -> bool:
    """Forget one entry; says whether it was there."""
    return connection.execute("DELETE FROM cache WHERE cache_key = ?", (key,)).rowcount > 0


def invalidate_by_prefix(connection: sqlite3.Connection, prefix: str) -> int:
    """Forget all entries of a kind, e.g. ``"evaluation"``; returns how many."""
    return connection.execute(
        "DELETE FROM cache WHERE substr(cache_key, 1, length(?) + 1) = ? || ':'", (prefix, prefix)
    ).rowcount


def invalidate_on_version_change(connection: sqlite3.Connection, component: str, new_version: str) -> int:
    """Forget the entries that depend on another version of a component; returns how many."""
    return connection.execute(
        "DELETE FROM cache WHERE json_extract(source_versions_json, '$.' || json_quote(?)) <> ?",
        (component, new_version),
    ).rowcount


def apply_versions(connection: sqlite3.Connection, versions: Mapping[str, str]) -> dict[str, int]:
    """Forget what depends on another version of a component than the one that holds now; returns how many by kind.

    A component that ``versions`` does not name, such as a model of another project's registry, is left alone.
    """
    stale = [
        text
        for (text,) in connection.execute("SELECT DISTINCT source_versions_json FROM cache").fetchall()
        if any(versions.get(component, known) != known for component, known in _versions_in(text).items())
    ]
    forgotten: Counter[str] = Counter()
    for text in stale:
        forgotten.update(_delete(connection, "source_versions_json = ?", (text,)))
    return dict(forgotten)


def stats(connection: sqlite3.Connection, *, now: datetime | None = None) -> tuple[KindStats, ...]:
    """What the cache holds, by kind."""
    moment = (now or datetime.now(UTC)).isoformat()
    rows = connection.execute(
        f"SELECT {_KIND}, count(*), sum(hit_count), sum(length(CAST(value_json AS BLOB))), sum(expires_at <= ?)"
        " FROM cache GROUP BY 1 ORDER BY 1",
        (moment,),
    )
    return tuple(
        KindStats(kind=kind, entries=entries, hits=hits, size_bytes=size, expired=expired)
        for kind, entries, hits, size, expired in rows
    )


def forget(
    connection: sqlite3.Connection,
    *,
    kinds: Sequence[str] = (),
    components: Sequence[str] = (),
    expired: bool = False,
    now: datetime | None = None,
) -> dict[str, int]:
    """Forget what meets every condition that is given (none: everything); returns how many by kind.

    Args:
        connection: The store.
        kinds: One of these kinds.
        components: Depends on one of these, such as ``"model:openai/gpt-4o"``.
        expired: Past its time.
        now: The time; None is the present.
    """
    conditions, values = ["1"], list[str]()
    if kinds:
        conditions.append(f"{_KIND} IN ({', '.join('?' * len(kinds))})")
        values += kinds
    if components:
        wanted = ", ".join("?" * len(components))
        conditions.append(f"EXISTS (SELECT 1 FROM json_each(source_versions_json) WHERE key IN ({wanted}))")
        values += components
    if expired:
        conditions.append("expires_at <= ?")
        values.append((now or datetime.now(UTC)).isoformat())
    return _delete(connection, " AND ".join(conditions), values)


def components(connection: sqlite3.Connection) -> set[str]:
    """Everything that some entry depends on."""
    rows = connection.execute("SELECT DISTINCT source_versions_json FROM cache").fetchall()
    return {component for (text,) in rows for component in _versions_in(text)}


def _versions_in(text: object) -> dict[str, Any]:
    """An entry's source versions; none where they cannot be read."""
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _delete(connection: sqlite3.Connection, condition: str, values: Sequence[str]) -> dict[str, int]:
    found = connection.execute(f"SELECT {_KIND}, count(*) FROM cache WHERE {condition} GROUP BY 1", values).fetchall()
    connection.execute(f"DELETE FROM cache WHERE {condition}", values)
    return dict(found)
