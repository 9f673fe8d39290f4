"""A store that others can write gives a run nothing that was not sealed with the run's own secret."""

from __future__ import annotations

import base64
import hmac
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from cqtui.events import EVENT, Event
from cqtui.gateway.protocol import ChatRequest
from cqtui.report.html import render_html
from cqtui.report.render import render_markdown
from cqtui.report.response import optimize_response
from cqtui.store import cache
from cqtui.store.seals import Seals
from tests.sealed import (
    CALLS,
    GOOD,
    OTHER,
    SECRET,
    change,
    copy_to_another_key,
    doubts_in,
    edit_answers,
    edit_bytes,
    edit_judgements,
    edit_scores,
    insert_labels,
    run,
    shown,
    swap_candidates,
)


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTKEY_API_KEY", SECRET)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "cqtui.db"


async def test_the_same_secret_calls_nothing_again(path: Path) -> None:
    first, asked = await run(path)
    second, again = await run(path)
    assert asked
    assert again == []
    assert shown(first) == shown(second)
    assert doubts_in(second) == []


async def test_without_texts_a_sealed_store_calls_nothing_again(path: Path) -> None:
    _, asked = await run(path, keep_text=False)
    second, again = await run(path, keep_text=False)
    assert asked
    assert again == []
    assert doubts_in(second) == []


async def test_another_secret_calls_everything_again_and_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, asked = await run(path)
    monkeypatch.setenv("PORTKEY_API_KEY", OTHER)
    second, again = await run(path)
    assert len(again) == len(asked)
    assert shown(first) == shown(second)
    # Its pairs are looked up first, then the answers and judgements behind them.
    expected = len(asked) + sum(e.pairs for e in first.evidence)
    assert doubts_in(second) == [f"{expected} kept records were not sealed by this key and were not used."]
    third, more = await run(path)
    assert (more, doubts_in(third)) == ([], [])


async def test_a_store_that_was_not_sealed_is_not_believed_but_the_other_way_round_it_is(path: Path) -> None:
    _, asked = await run(path, sealed=False)
    second, again = await run(path)
    assert len(again) == len(asked)
    assert doubts_in(second)
    third, more = await run(path, sealed=False)
    assert (more, doubts_in(third)) == ([], [])


ATTACKS = [
    edit_scores,
    edit_bytes,
    copy_to_another_key,
    swap_candidates,
    edit_judgements,
    edit_answers,
    insert_labels,
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
async def test_who_writes_into_the_store_gains_nothing(
    path: Path, tmp_path: Path, attack: Callable[[sqlite3.Connection], None]
) -> None:
    honest, _ = await run(path)
    change(path, attack)
    attacked, _ = await run(path)
    assert shown(attacked) == shown(honest)
    assert doubts_in(attacked)
    # The attack is one: where nothing is sealed it changes what is said.
    unsealed = tmp_path / "unsealed.db"
    believed, _ = await run(unsealed, sealed=False)
    assert shown(believed) == shown(honest)
    change(unsealed, attack)
    fooled, _ = await run(unsealed, sealed=False)
    assert shown(fooled) != shown(honest)


async def test_a_lesson_that_was_put_in_changes_no_request(path: Path) -> None:
    warm = [call.model_copy(update={"params": {"seed": 7}}) for call in CALLS]
    key = cache.generate_key(cache.ADJUSTMENT, endpoint="scripted/1", model=GOOD)

    def insert(connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT OR REPLACE INTO cache SELECT ?, ?, created_at, '9999', version, '{}', 0, seal FROM cache LIMIT 1",
            (key, json.dumps([{"param": "seed", "to": ""}])),
        )
        connection.execute("DELETE FROM cache WHERE cache_key <> ?", (key,))

    def seeds(asked: list[ChatRequest]) -> set[object]:
        return {r.params.get("seed") for r in asked if r.candidate_id == GOOD and r.purpose == "replay"}

    _, asked = await run(path, calls=warm)
    change(path, insert)
    result, again = await run(path, calls=warm)
    assert seeds(again) == seeds(asked) == {7}
    assert doubts_in(result) == ["1 kept record was not sealed by this key and was not used."]
    change(path, insert)
    _, fooled = await run(path, calls=warm, sealed=False)
    assert seeds(fooled) == {None}


async def test_versions_that_cannot_be_read_are_no_traceback(path: Path) -> None:
    honest, asked = await run(path)
    for hostile in ("[1]", "{", "[" * 200_000, "7"):

        def write(connection: sqlite3.Connection, text: str = hostile) -> None:
            connection.execute("UPDATE cache SET source_versions_json = ?", (text,))

        change(path, write)
        attacked, again = await run(path)
        assert shown(attacked) == shown(honest)
        assert len(again) == len(asked)


async def test_an_unfinished_run_with_a_hostile_name_is_not_gone_on_with(path: Path) -> None:
    await run(path)
    change(path, lambda c: c.execute("UPDATE runs SET finished_at = NULL, run_id = '`**verified**` @everyone'"))
    result, _ = await run(path)
    assert "verified" not in result.run_id


async def test_secret_and_key_are_nowhere(path: Path) -> None:
    events: list[Event] = []
    result, _ = await run(path, sink=events.append)
    key = hmac.digest(SECRET.encode(), b"cqtui store seal v1", "sha256")
    told = "".join(
        [
            *(EVENT.dump_json(event).decode() for event in events),
            render_markdown(result),
            render_html(result),
            optimize_response(result).model_dump_json(),
            result.model_dump_json(),
            repr(Seals(SECRET)),
            str(Seals(SECRET)),
        ]
    ).encode()
    kept = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"pair:" in kept
    for form in (SECRET.encode(), key, key.hex().encode(), base64.b64encode(key), repr(key).encode()):
        assert form not in kept
        assert form not in told
