"""What ends a run from outside: a full disk, a locked or read-only database, another process with the same plan."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import sqlite3
from datetime import date
from pathlib import Path

import pytest

from cqtui.engine.optimize import plan_for
from cqtui.engine.pipeline import run
from cqtui.errors import StoreError
from cqtui.events import Event
from cqtui.settings import Settings
from cqtui.store.database import Database
from cqtui.store.locking import plan_lock
from tests.fakes import ScriptedClient, good_model, logged_call

AS_OF = date(2026, 11, 25)
PLAN = plan_for(
    Settings.model_validate({"as_of": AS_OF, "candidates": ["openai/gpt-5.6-luna"], "gateway": {"concurrency": 4}}),
    [logged_call(number) for number in range(60)],
)


def ignore(event: Event, /) -> None:
    """A sink for tests that look at the store."""


async def test_a_full_disk_loses_no_answer_that_was_kept(tmp_path: Path) -> None:
    client = ScriptedClient(good_model)
    with Database(tmp_path / "c.db") as store:
        pages = store.run(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
        store.run(lambda c: c.execute(f"PRAGMA max_page_count = {pages + 30}").fetchone())
        with pytest.raises(StoreError, match="the disk is full"):
            await run(PLAN, client, store, ignore)
    with contextlib.closing(sqlite3.connect(tmp_path / "c.db")) as database:
        kept = database.execute("SELECT count(*) FROM cache").fetchone()[0]
    assert 0 < kept < 120
    with Database(tmp_path / "c.db") as store:
        result = await run(PLAN, client, store, ignore)
    assert result.evidence[0].pairs == 60
    repeated = [key for key, n in collections.Counter(r.content_hash for r in client.requests).items() if n > 1]
    # Those whose answer came when nothing could be kept any more: four calls under way at each of two providers.
    assert len(repeated) <= 8


async def test_a_plan_is_carried_out_by_one_process_at_a_time(tmp_path: Path) -> None:
    client = ScriptedClient(good_model)
    with Database(tmp_path / "c.db") as store:
        with plan_lock(store.path, PLAN.plan_hash(client.endpoint)):
            with pytest.raises(StoreError, match="Another process is carrying out this very plan"):
                await run(PLAN, client, store, ignore)
            assert client.requests == []
        assert (await run(PLAN, client, store, ignore)).evidence[0].pairs == 60


@pytest.mark.parametrize(("profile", "seed", "is_same"), [("nightly", 0, True), ("nightly", 1, False)])
def test_a_profile_by_itself_makes_no_other_plan(profile: str, seed: int, is_same: bool) -> None:
    other = plan_for(PLAN.settings.model_copy(update={"profile": profile, "seed": seed}), PLAN.calls)
    assert (other.plan_hash("here") == PLAN.plan_hash("here")) is is_same


async def test_two_runs_on_one_store_do_not_disturb_each_other(tmp_path: Path) -> None:
    other = plan_for(PLAN.settings.model_copy(update={"candidates": ("openai/gpt-5.4-mini",)}), PLAN.calls)
    clients = [ScriptedClient(good_model), ScriptedClient(good_model)]
    with Database(tmp_path / "c.db") as one, Database(tmp_path / "c.db") as two:
        results = await asyncio.gather(run(PLAN, clients[0], one, ignore), run(other, clients[1], two, ignore))
    assert [result.evidence[0].pairs for result in results] == [60, 60]
    with contextlib.closing(sqlite3.connect(tmp_path / "c.db")) as database:
        assert database.execute("SELECT count(*) FROM runs WHERE finished_at IS NOT NULL").fetchone() == (2,)


def test_a_locked_database_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    with Database(path) as store, contextlib.closing(sqlite3.connect(path, isolation_level=None)) as holder:
        store.run(lambda c: c.execute("SELECT 1").fetchone())
        store._connection.execute("PRAGMA busy_timeout = 50")
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program holds the database"):
            store.run(lambda c: c.execute("DELETE FROM cache"))
        holder.execute("ROLLBACK")
        store.run(lambda c: c.execute("DELETE FROM cache"))


def test_a_read_only_database_is_one_clear_line(tmp_path: Path) -> None:
    with Database(tmp_path / "c.db") as store:
        store.run(lambda c: c.execute("PRAGMA query_only = ON"))  # SQLite's answer is that of a read-only file
        with pytest.raises(StoreError, match="cannot be written"):
            store.run(lambda c: c.execute("DELETE FROM cache"))
