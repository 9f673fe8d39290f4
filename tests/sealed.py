"""A run with a store of its own, sealed or not, and what somebody who has the file can do to it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from cqtui.engine.optimize import optimize_async
from cqtui.events import Event
from cqtui.gateway.protocol import ChatRequest
from cqtui.models import Failure, LoggedCall, Replay
from cqtui.results import Recommendation
from cqtui.settings import Settings
from tests.fakes import QUIET, ScriptedClient, answered, by_hash, judged, logged_call

SECRET, OTHER = "pk-the-secret-of-this-store-0001", "pk-the-secret-of-another-store-2"
GOOD, BAD = "openai/gpt-5.4-mini", "openai/gpt-5.6-luna"
OF_THE_RUN = {"run_id", "at", "seconds", "spend", "notes"}
CALLS = [logged_call(n) for n in range(12)]


def answer(request: ChatRequest) -> Replay:
    """One candidate is good; the other, which is cheaper, is worse, but not so clearly that it is stopped."""
    if request.purpose == "judge":
        return judged(request, lambda text: by_hash(text) - (20 if "WORSE" in text and ends_in_even_digit(text) else 0))
    return answered(request, f"{'WORSE' if request.model == 'gpt-5.6-luna' else 'fine'} {request.record_id}")


def ends_in_even_digit(text: str) -> bool:
    return text.strip()[-1:] in tuple("02468")


def settings(*, sealed: bool = True, keep_text: bool = True, **more: object) -> Settings:
    return Settings.model_validate(
        {
            "as_of": date(2026, 11, 25),
            "candidates": (GOOD, BAD),
            "thresholds": QUIET,
            "store": {"sealed": sealed, "keep_text": keep_text},
            **more,
        }
    )


async def run(
    path: Path,
    *,
    script: Callable[[ChatRequest], Replay | Failure] = answer,
    calls: list[LoggedCall] = CALLS,
    sink: Callable[[Event], None] = lambda _: None,
    **changes: Any,
) -> tuple[Recommendation, list[ChatRequest]]:
    client = ScriptedClient(script)
    result = await optimize_async(settings(**changes), calls=calls, client=client, sink=sink, database=path)
    return result, client.requests


def shown(result: Recommendation) -> dict[str, Any]:
    return result.model_dump(exclude=OF_THE_RUN)


def doubts_in(result: Recommendation) -> list[str]:
    return [note for note in result.notes if "sealed" in note]


def change(path: Path, attack: Callable[[sqlite3.Connection], object]) -> None:
    """Write into the store as anybody can who has the file."""
    with closing(sqlite3.connect(path)) as connection, connection:
        attack(connection)


def rows_of(connection: sqlite3.Connection, kind: str, model_id: str) -> list[tuple[str, ...]]:
    """Key, value, end of time, versions and seal of a candidate's entries, by record."""
    found = connection.execute(
        "SELECT cache_key, value_json, expires_at, source_versions_json, seal FROM cache"
        " WHERE cache_key LIKE ? AND instr(source_versions_json, ?) ORDER BY value_json",
        (f"{kind}:%", f'"model:{model_id}"'),
    ).fetchall()
    assert found
    return found


def put(connection: sqlite3.Connection, key: str, row: tuple[str, ...]) -> None:
    connection.execute(
        "UPDATE cache SET value_json = ?, expires_at = ?, source_versions_json = ?, seal = ? WHERE cache_key = ?",
        (*row[1:], key),
    )


def edit_scores(connection: sqlite3.Connection) -> None:
    for key, value, *rest in rows_of(connection, "pair", BAD):
        better = json.loads(value)
        better["pair"]["candidate_score"] = 99.0
        put(connection, key, (key, json.dumps(better), *rest))


def edit_bytes(connection: sqlite3.Connection) -> None:
    """The same as a BLOB, which JSON is read from as well."""
    edit_scores(connection)
    connection.execute("UPDATE cache SET value_json = CAST(value_json AS BLOB) WHERE cache_key LIKE 'pair:%'")


def copy_to_another_key(connection: sqlite3.Connection) -> None:
    best = rows_of(connection, "pair", GOOD)[0]
    for key, *_ in rows_of(connection, "pair", BAD):
        put(connection, key, best)


def swap_candidates(connection: sqlite3.Connection) -> None:
    for good, bad in zip(rows_of(connection, "pair", GOOD), rows_of(connection, "pair", BAD), strict=True):
        put(connection, good[0], bad)
        put(connection, bad[0], good)


def edit_judgements(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM cache WHERE cache_key LIKE 'pair:%'")
    rows = connection.execute("SELECT cache_key, value_json FROM cache WHERE cache_key LIKE 'evaluation:%'").fetchall()
    for key, value in rows:
        reply = json.loads(value)
        scored = json.loads(reply["completion"]["text"])
        for side in ("answer_1", "answer_2"):
            scored[side] = {**scored[side], **dict.fromkeys(("accuracy", "helpfulness", "clarity"), 99)}
        reply["completion"]["text"] = json.dumps(scored)
        connection.execute("UPDATE cache SET value_json = ? WHERE cache_key = ?", (json.dumps(reply), key))


def edit_answers(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM cache WHERE cache_key LIKE 'pair:%'")
    for key, value, *rest in rows_of(connection, "model_output", BAD):
        put(connection, key, (key, value.replace("WORSE", "fine"), *rest))


def insert_labels(connection: sqlite3.Connection) -> None:
    stolen = rows_of(connection, "pair", GOOD)[0][4]
    for model_id in (GOOD, BAD):
        for number, (_, value, *_) in enumerate(rows_of(connection, "pair", model_id)):
            pair = json.loads(value)["pair"]
            seal = stolen if number % 2 else None
            connection.execute(
                "INSERT INTO labels VALUES (?, ?, ?, 'better', '2026-11-25', ?)",
                (pair["record_id"], model_id, pair["answer_digest"], seal),
            )
