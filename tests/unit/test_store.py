import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cqtui.errors import StoreError
from cqtui.store import cache, runs
from cqtui.store.database import Database, connect
from cqtui.store.migrations import MIGRATIONS, migrate

ORIGINAL_TABLES = {
    "users",
    "conversations",
    "prompts",
    "completions",
    "quality_evaluations",
    "recommendations",
    "cache",
    "model_conflicts",
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "a folder ü" / "cqtui.db") as opened:
        yield opened


def test_the_original_tables_are_there_and_migrations_run_once(database: Database) -> None:
    names = database.run(lambda c: {row[0] for row in c.execute("SELECT name FROM sqlite_master WHERE type = 'table'")})
    assert names >= ORIGINAL_TABLES | {"runs", "events", "attempts"}
    again = connect(database.path)
    assert migrate(again) == []
    assert [row[0] for row in again.execute("SELECT name FROM migrations")] == [name for name, _ in MIGRATIONS]
    again.close()


def test_work_is_committed_when_its_future_resolves(database: Database) -> None:
    database.run(lambda c: runs.start_run(c, "r1", "plan", "rehearsal"))
    other = sqlite3.connect(database.path)
    assert other.execute("SELECT run_id FROM runs").fetchall() == [("r1",)]
    other.close()


def test_failing_work_leaves_its_neighbours_whole(database: Database) -> None:
    hold, held = threading.Event(), threading.Event()

    def wait(_: sqlite3.Connection) -> None:
        held.set()
        hold.wait(5)

    def half(connection: sqlite3.Connection) -> None:
        runs.start_run(connection, "half", "p", "x")
        raise ValueError("no")

    blocker = database.submit(wait)
    held.wait(5)
    futures = [
        database.submit(lambda c: runs.start_run(c, "a", "p", "x")),
        database.submit(half),
        database.submit(lambda c: runs.start_run(c, "b", "p", "x")),
    ]
    hold.set()
    blocker.result(5)
    assert futures[0].exception(5) is None
    assert isinstance(futures[1].exception(5), ValueError)
    assert futures[2].exception(5) is None
    assert database.run(lambda c: c.execute("SELECT run_id FROM runs ORDER BY 1").fetchall()) == [("a",), ("b",)]


def test_not_a_database_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "cqtui.db"
    path.write_text("hello, this is text and no database at all" * 50)
    with pytest.raises(StoreError, match="not a cqtui database"):
        connect(path)


def test_a_look_at_the_cache_counts_its_hits(database: Database) -> None:
    database.run(lambda c: cache.set_value(c, "pair:1", {"kept": True}))
    assert cache.look_up(database, "pair:1") == {"kept": True}
    assert cache.look_up(database, "pair:2") is None
    hits = database.run(lambda c: c.execute("SELECT sum(hit_count) FROM cache").fetchone())
    assert hits == (1,)


def test_a_look_waits_for_no_writer_and_says_what_is_wrong(database: Database) -> None:
    database.run(lambda c: cache.set_value(c, "pair:1", True))
    with contextlib.closing(connect(database.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM cache")
        assert database.read(lambda c: cache.find(c, "pair:1")) is True
        other.execute("ROLLBACK")
    with pytest.raises(StoreError, match="no such table"):
        database.read(lambda c: c.execute("SELECT * FROM absent"))


async def test_one_failing_piece_of_a_transaction_leaves_the_others(database: Database) -> None:
    def broken(c: sqlite3.Connection) -> None:
        cache.set_value(c, "pair:broken", 1)
        c.execute("INSERT INTO absent VALUES (1)")

    go = threading.Event()
    database.submit(lambda c: go.wait(10))  # so that the following pieces come together
    pieces = [lambda c: cache.set_value(c, "pair:1", 1), broken, lambda c: cache.set_value(c, "pair:2", 2)]
    tasks = [asyncio.ensure_future(database.run_async(piece)) for piece in pieces]
    await asyncio.sleep(0)
    go.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), StoreError, type(None)]
    keys = database.read(lambda c: c.execute("SELECT cache_key FROM cache ORDER BY 1").fetchall())
    assert keys == [("pair:1",), ("pair:2",)]


def test_cache_keys_ttl_hits_and_invalidation(database: Database) -> None:
    assert cache.generate_key("evaluation", a=1, b=2) == cache.generate_key("evaluation", b=2, a=1)
    assert cache.generate_key("evaluation", a=1) != cache.generate_key("evaluation", a=2)
    start = datetime(2026, 11, 25, tzinfo=UTC)

    def use(c: sqlite3.Connection) -> None:
        cache.set_value(c, "model_output:1", {"x": 1}, ttl_s=60, source_versions={"openai/gpt-4o": "1"}, now=start)
        cache.set_value(c, "model_output_other:1", 3, ttl_s=60, now=start)
        assert cache.find(c, "model_output:1", now=start + timedelta(seconds=59)) == {"x": 1}
        cache.count_hit(c, "model_output:1")
        assert cache.find(c, "model_output:1", now=start + timedelta(seconds=60)) is None
        assert c.execute("SELECT hit_count FROM cache WHERE cache_key = 'model_output:1'").fetchone() == (1,)
        assert cache.invalidate_on_version_change(c, "openai/gpt-4o", "1") == 0
        assert cache.invalidate_on_version_change(c, "openai/gpt-4o", "2") == 1
        assert cache.invalidate_by_prefix(c, "model_output") == 0
        assert cache.invalidate(c, "model_output_other:1") is True
        assert cache.invalidate(c, "model_output_other:1") is False

    database.run(use)


def test_spend_derives_from_attempts_and_unknown_outcomes_cost_their_reservation(database: Database) -> None:
    def use(c: sqlite3.Connection) -> None:
        runs.start_run(c, "r", "p", "portkey")

        def send(purpose: str) -> int:
            return runs.send_attempt(
                c,
                run_id="r",
                cache_key="k",
                purpose=purpose,
                model_id="m",
                record_id="1",
                attempt=1,
                reserved_usd=Decimal("0.10"),
            )

        runs.settle_attempt(c, send("replay"), Decimal("0.01"), None)
        runs.settle_attempt(c, send("judge"), Decimal("0.02"), None)
        runs.settle_attempt(c, send("replay"), Decimal("0"), "server_error")
        send("replay")  # killed before the answer came
        spend = runs.spend_of(c, "r")
        assert (spend.replay_usd, spend.judge_usd, spend.wasted_usd) == (
            Decimal("0.01"),
            Decimal("0.02"),
            Decimal("0.10"),
        )
        assert runs.unfinished_run(c, "p") == "r"
        runs.finish_run(c, "r", {"grade": "keep"})
        assert runs.unfinished_run(c, "p") is None
        assert runs.load_result(c, "r") == runs.load_result(c) == {"grade": "keep"}

    database.run(use)


async def test_work_whose_waiter_has_gone_is_done_all_the_same(database: Database) -> None:
    started, go = threading.Event(), threading.Event()

    def hold(connection: sqlite3.Connection) -> None:
        started.set()
        go.wait(5)

    holding = database.submit(hold)
    await asyncio.to_thread(started.wait, 5)
    waiter = asyncio.create_task(database.run_async(lambda c: cache.set_value(c, "pair:1", {"kept": True})))
    await asyncio.sleep(0.01)
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    go.set()
    holding.result(5)
    assert database.run(lambda c: cache.find(c, "pair:1")) == {"kept": True}
