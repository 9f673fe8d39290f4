"""Stopping, pausing and changing the pace of a run under way."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from cqtui.engine.control import MOST_CONCURRENCY, RunControl
from cqtui.engine.pipeline import run
from cqtui.engine.plan import make_plan
from cqtui.engine.workers import run_workers
from cqtui.events import ConcurrencyChanged, Event, PauseChanged, ReplayFinished
from cqtui.gateway.protocol import ChatRequest
from cqtui.models import Failure, Replay
from cqtui.registry.loader import load_registry
from cqtui.store.database import Database
from tests.fakes import ScriptedClient, good_model
from tests.unit.test_keep_text import AS_OF, log, settings


async def turns(control: RunControl, work: int, busy: list[int], go: asyncio.Event) -> int:
    """Carry out ``work`` pieces; ``busy`` gets how many were under way whenever one began. Gives how many were done."""
    left, under_way, done = iter(range(work)), 0, 0

    async def worker() -> None:
        nonlocal under_way, done
        while True:
            async with control.turn() as may_start:
                if not may_start or next(left, None) is None:
                    return
                under_way += 1
                busy.append(under_way)
                await go.wait()
                await asyncio.sleep(0)
                under_way -= 1
                done += 1

    await run_workers(worker, control.workers(work))
    return done


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("first", "then", "most"), [(8, 16, 18), (16, 8, 18), (3, 3, 3)])
async def test_as_many_are_busy_as_is_allowed_now(first: int, then: int, most: int) -> None:
    control, go, busy = RunControl(), asyncio.Event(), list[int]()
    control.set_concurrency(first)
    task = asyncio.create_task(turns(control, 100, busy, go))
    await settle()
    assert max(busy) == first + first // 8
    control.set_concurrency(then)
    await settle()
    assert max(busy) == most
    go.set()
    busy.clear()
    assert await task == 100
    assert max(busy, default=0) <= max(first, then) + 2


async def test_a_pause_starts_nothing_until_it_ends() -> None:
    control, go, busy = RunControl(), asyncio.Event(), list[int]()
    control.set_concurrency(4)
    go.set()
    control.pause()
    task = asyncio.create_task(turns(control, 10, busy, go))
    await settle()
    assert busy == []
    assert not task.done()
    control.resume()
    assert await task == 10


async def test_stopping_ends_a_paused_run() -> None:
    control, go = RunControl(), asyncio.Event()
    control.pause()
    task = asyncio.create_task(turns(control, 10, [], go))
    await settle()
    control.stop()
    assert await task == 0


async def test_a_cancelled_waiter_passes_its_place_on() -> None:
    control, order = RunControl(), list[str]()
    control.set_concurrency(1)

    async def one(name: str) -> None:
        async with control.turn():
            order.append(name)
            await asyncio.sleep(0)

    async with control.turn():
        waiting = [asyncio.create_task(one(name)) for name in "ab"]
        await settle()
    waiting[0].cancel()  # it was given the place at this very moment
    await asyncio.gather(*waiting, return_exceptions=True)
    assert "b" in order


def test_no_calls_at_a_time_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at least 1"):
        RunControl().set_concurrency(0)
    assert RunControl().workers(10_000) == MOST_CONCURRENCY * 9 // 8


async def test_a_paused_run_makes_no_call_and_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    control, told = RunControl(), list[Event]()
    paused_at, paused = list[int](), asyncio.Event()

    def answer(request: ChatRequest) -> Replay | Failure:
        if len(client.requests) == 20:
            control.set_concurrency(5)
            control.pause()
            paused.set()
        return good_model(request)

    client, plain = ScriptedClient(answer), ScriptedClient(good_model)
    plan = make_plan(settings(), load_registry(today=AS_OF), log(24))
    with Database(tmp_path / "paused.db") as store:
        task = asyncio.create_task(run(plan, client, store, told.append, control=control))
        await paused.wait()
        previous = -1
        while previous != len(client.requests):  # those under way finish
            previous = len(client.requests)
            await store.run_async(lambda c: None)
            await settle()
        paused_at.append(len(client.requests))
        control.resume()
        found = await task
    with Database(tmp_path / "plain.db") as store:
        whole = await run(plan, plain, store, lambda event: None)
    assert paused_at[0] < len(client.requests)
    assert [e.quality_impact_percent for e in found.evidence] == [e.quality_impact_percent for e in whole.evidence]
    changes = [event for event in told if isinstance(event, ConcurrencyChanged)]
    assert [(change.provider, change.allowed) for change in changes] == [(None, 5)]
    assert [event.is_paused for event in told if isinstance(event, PauseChanged)] == [True, False]
    assert sum(isinstance(event, ReplayFinished) for event in told) == len(client.requests)


async def test_what_is_asked_before_the_run_began_holds(tmp_path: Path) -> None:
    control, told = RunControl(), list[Event]()
    control.set_concurrency(3)
    busy, most = Counter[str](), 0  # a provider

    class Counting(ScriptedClient):
        async def complete(self, request: ChatRequest) -> Replay:
            nonlocal most
            busy[request.provider] += 1
            most = max(most, busy[request.provider])
            try:
                await asyncio.sleep(0)
                return await super().complete(request)
            finally:
                busy[request.provider] -= 1

    chosen = settings()
    chosen = chosen.model_copy(update={"gateway": chosen.gateway.model_copy(update={"concurrency": 16})})
    plan = make_plan(chosen, load_registry(today=AS_OF), log(24))
    with Database(tmp_path / "early.db") as store:
        await run(plan, Counting(good_model), store, told.append, control=control)
    assert control.concurrency == 3
    assert 2 <= most <= 3
    assert [event.allowed for event in told if isinstance(event, ConcurrencyChanged)] == [3]
