"""The cache of paid results: model outputs and evaluations, with TTLs, hit counts and source versions."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

MODEL_OUTPUT = "model_output"
EVALUATION = "evaluation"
RECOMMENDATION = "recommendation"
_VERSION = "1"


def generate_key(prefix: str, **parts: Any) -> str:
    """A key of the form ``prefix:sha256``, the same for the same parts in any order."""
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return f"{prefix}:{hashlib.sha256(canonical.encode()).hexdigest()}"


def get(connection: sqlite3.Connection, key: str, *, now: datetime | None = None) -> Any | None:
    """The value under a key, or None where it is absent or expired; a hit is counted."""
    moment = (now or datetime.now(UTC)).isoformat()
    row = connection.execute(
        "UPDATE cache SET hit_count = hit_count + 1 WHERE cache_key = ? AND expires_at > ? RETURNING value_json",
        (key, moment),
    ).fetchone()
    return None if row is None else json.loads(row[0])


def set_value(
    connection: sqlite3.Connection,
    key: str,
    value: Any,
    *,
    ttl_s: int = 3600,
    source_versions: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> None:
    """Keep a JSON value under a key for ``ttl_s`` seconds; ``source_versions`` name what it depends on."""
    moment = now or datetime.now(UTC)
    connection.execute(
        "INSERT OR REPLACE INTO cache VALUES (?, ?, ?, ?, ?, ?, 0)",
        (
            key,
            json.dumps(value, ensure_ascii=False),
            moment.isoformat(),
            (moment + timedelta(seconds=ttl_s)).isoformat(),
            _VERSION,
            json.dumps(dict(source_versions or {}), sort_keys=True),
        ),
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
