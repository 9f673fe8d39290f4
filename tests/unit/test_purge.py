"""Text that was deleted is gone from the file, bytes and all; figures stay."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from cqtui.engine.optimize import optimize_async
from cqtui.errors import StoreError
from cqtui.gateway.protocol import ChatRequest
from cqtui.models import Failure, LoggedCall, Message, Part, Replay
from cqtui.report.render import render_markdown
from cqtui.results import Recommendation
from cqtui.settings import Settings
from cqtui.store import cache, runs
from cqtui.store.database import connect
from cqtui.store.purge import Purged, count_text, purge
from tests.fakes import QUIET, ScriptedClient, answered, judged, logged_call

MARKS = ("promptmark", "loggedmark", "answermark", "judgemark", "failuremark", "talkmark", "reasonmark", "checkmark")


@pytest.fixture(autouse=True)
def sqlite_that_leaves_deleted_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some builds of SQLite (Debian's) overwrite what is deleted by themselves; others do not."""

    def plain(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.execute("PRAGMA secure_delete = OFF")
        return connection

    monkeypatch.setattr("cqtui.store.purge.connect", plain)


def call(number: int) -> LoggedCall:
    found = logged_call(number, text=f"loggedmark {number}")
    asked = Message(role="user", parts=(Part(text=f"promptmark {number} {'long ' * 200}"),))
    return found.model_copy(update={"messages": (*found.messages[:1], asked)})


def answer(request: ChatRequest) -> Replay | Failure:
    if request.purpose == "judge":
        return judged(request, lambda _: 90, reasoning="judgemark")
    if request.model == "gpt-5.6-luna":
        return Failure(kind="bad_request", message="failuremark: your prompt promptmark is odd", status=400)
    return answered(request, f"answermark {'word ' * 300} {request.record_id}")


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """The store of a run, with texts of every sort."""
    settings = Settings.model_validate(
        {
            "as_of": date(2026, 11, 25),
            "candidates": ("openai/gpt-5.4-mini", "openai/gpt-5.6-luna"),
            "thresholds": QUIET,
        }
    )
    path = tmp_path / "ü" / "cqtui.db"
    client = ScriptedClient(answer)
    await optimize_async(settings, calls=[call(n) for n in range(12)], client=client, database=path)
    with closing(connect(path)) as connection:
        now = "2026-11-25T00:00:00+00:00"
        connection.execute(
            "INSERT INTO users (user_id, current_model, created_at, updated_at) VALUES ('u', 'm', ?, ?)", (now, now)
        )
        connection.execute(
            "INSERT INTO conversations (user_id, conversation_hash, messages_json, created_at) VALUES ('u', 'h', ?, ?)",
            (json.dumps([{"role": "user", "content": "talkmark"}]), now),
        )
        evaluation = json.dumps({"judge": "j", "current": 80.0, "candidate": 81.0, "reasoning": "reasonmark"})
        (prompt,) = connection.execute("SELECT prompt_id FROM prompts LIMIT 1").fetchone()
        columns = "(prompt_id, model_name, evaluation_json, created_at)"
        connection.execute(
            f"INSERT INTO quality_evaluations {columns} VALUES (?, 'm', ?, ?)", (prompt, evaluation, now)
        )
        broken = {"hook": "input", "id": "pii", "verdict": None, "error": "checkmark"}
        cache.set_value(connection, "trial:kept", {"replay": {"guardrails": {"checks": [broken]}}, "refused": False})
        cache.set_value(connection, "pair:kept", {"pair": {"record_id": "1", "candidate_score": 90.0}, "usage": {}})
    return path


def marks_in(path: Path) -> set[str]:
    """The marks that stand anywhere in the database's files."""
    content = b"".join(file.read_bytes() for file in path.parent.iterdir() if file.is_file())
    return {mark for mark in MARKS if mark.encode() in content}


def rows(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as connection:
        tables = (
            "prompts",
            "completions",
            "conversations",
            "quality_evaluations",
            "events",
            "attempts",
            "runs",
            "samples",
        )
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


def report(path: Path) -> str:
    with closing(connect(path)) as connection:
        found = runs.load_result(connection)
    return render_markdown(Recommendation.model_validate(found))


def test_every_text_is_gone_from_the_file_and_the_figures_stay(path: Path) -> None:
    assert marks_in(path) == set(MARKS)
    before, shown = rows(path), report(path)
    expected = count_text(path)
    done = purge(path)
    assert done == expected
    assert done.prompts == 12
    assert done.answers == done.cached_answers == 12
    assert done.cached_judgements > 12
    assert (done.conversations, done.evaluations) == (1, 1)
    assert done.samples > 12
    assert done.messages >= 5
    assert done.total == sum(done.model_dump().values())
    assert marks_in(path) == set()
    assert rows(path) == before
    assert [line for line in report(path).splitlines() if "all failed" not in line] == [
        line for line in shown.splitlines() if "all failed" not in line
    ]
    assert "failuremark" in shown
    with closing(connect(path)) as connection:
        assert cache.find(connection, "pair:kept") is not None
        left = {"hook": "input", "id": "pii", "verdict": None, "error": None}
        trial = {"replay": {"guardrails": {"checks": [left]}}, "refused": False}
        assert cache.find(connection, "trial:kept") == trial
        usages = connection.execute("SELECT json_extract(completion_json, '$.usage.output_tokens') FROM completions")
        assert {tokens for (tokens,) in usages} == {50}
        for (content,) in connection.execute("SELECT content FROM prompts"):
            assert content.startswith("sha256:")


def test_a_second_purge_finds_nothing_and_still_cleans_the_file(path: Path) -> None:
    purge(path)
    assert purge(path) == Purged()


def test_a_date_leaves_later_text(path: Path) -> None:
    with closing(connect(path)) as connection:
        connection.execute("UPDATE prompts SET created_at = '2026-10-31T23:59:59+00:00' WHERE rowid % 2 = 0")
    old = purge(path, date(2026, 11, 1))
    assert old == Purged(prompts=6)
    assert purge(path, date(2026, 11, 1)) == Purged()
    with closing(connect(path)) as connection:
        left = connection.execute("SELECT count(*) FROM prompts WHERE content NOT LIKE 'sha256:%'").fetchone()
    assert left == (6,)


def test_a_reader_that_keeps_the_bytes_alive_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqtui.store.database.BUSY_TIMEOUT_S", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM prompts").fetchone()
        with pytest.raises(StoreError, match=r"deleted, but its bytes are still in the file.*run cqtui purge again"):
            purge(path)
    assert purge(path) == Purged()
    assert marks_in(path) == set()


def test_what_is_no_database_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "cqtui.db"
    path.write_text("hello, this is text and no database at all" * 50)
    with pytest.raises(StoreError, match="not a cqtui database"):
        count_text(path)
