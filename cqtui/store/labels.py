"""What people said of pairs: whether a candidate's answer is better, the same, or worse than the logged one."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import get_args

from cqtui.stats.calibration import Preference
from cqtui.store.seals import Seals

_SEALED_TABLE = "labels"
LabelKey = tuple[str, str]  # the record's id and the digest of the candidate's answer


def keep_label(
    connection: sqlite3.Connection,
    record_id: str,
    model_id: str,
    answer_digest: str,
    label: Preference,
    *,
    seals: Seals | None = None,
) -> None:
    """Keep one label; another one of the same answer takes its place.

    Raises:
        ValueError: It is none of the three.
    """
    if label not in get_args(Preference):
        raise ValueError(f"{label!r} is no label")
    key = (record_id, model_id, answer_digest)
    seal = None if seals is None else seals.seal(_SEALED_TABLE, key, label)
    connection.execute(
        "INSERT OR REPLACE INTO labels VALUES (?, ?, ?, ?, ?, ?)", (*key, label, datetime.now(UTC).isoformat(), seal)
    )


def labels_of(
    connection: sqlite3.Connection, model_id: str, *, seals: Seals | None = None
) -> Mapping[LabelKey, Preference]:
    """All labels of a model's answers; with ``seals`` those that they hold for."""
    rows = connection.execute(
        "SELECT record_id, answer_digest, label, seal FROM labels WHERE model_id = ?", (model_id,)
    )
    return {
        (record_id, digest): label
        for record_id, digest, label, seal in rows
        if seals is None or seals.believes(seal, _SEALED_TABLE, (record_id, model_id, digest), label)
    }


def answers(connection: sqlite3.Connection, record_id: str, model_id: str) -> list[str]:
    """The answers (JSON) that a model gave to a record, the newest first."""
    rows = connection.execute(
        "SELECT completion_json FROM completions WHERE prompt_id = ? AND model_name = ? ORDER BY id DESC",
        (record_id, model_id),
    )
    return [str(text) for (text,) in rows]


def judged_records(connection: sqlite3.Connection, model_id: str) -> list[tuple[str, str]]:
    """The records of which a model's answer was judged, and the newest evaluation of each (JSON), by record id."""
    rows = connection.execute(
        "SELECT prompt_id, evaluation_json FROM quality_evaluations WHERE id IN"
        " (SELECT max(id) FROM quality_evaluations WHERE model_name = ? GROUP BY prompt_id) ORDER BY prompt_id",
        (model_id,),
    )
    return [(str(record_id), str(text)) for record_id, text in rows]
