"""The real engine on its thread, told from another one what to do."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from cqtui.engine.pipeline import run
from cqtui.engine.plan import Plan, make_plan
from cqtui.events import Event, PauseChanged, ReplayFinished
from cqtui.gateway.protocol import ChatRequest
from cqtui.models import Replay
from cqtui.registry.loader import load_registry
from cqtui.results import Recommendation
from cqtui.settings import Settings
from cqtui.store.database import Database
from cqtui.store.samples import sample_rows
from cqtui.tui import engine_thread
from cqtui.tui.engine_thread import EngineThread
from tests.fakes import QUIET, ScriptedClient, good_model, logged_call
from tests.tui.stage import AS_OF

CALLS = 12
LONGEST_WAIT_S = 20  # so that a fault ends the test


def plan() -> Plan:
    settings = Settings.model_validate(
        {
            "current_model": "openai/gpt-5.6-terra",
            "candidates": ("openai/gpt-5.4-mini",),
            "thresholds": QUIET,
            "judge": {"models": ("google/gemini-3.1-flash-lite",)},
            "gateway": {"concurrency": 2},
            "provider": "rehearsal",
            "as_of": AS_OF,
        }
    )
    return make_plan(settings, load_registry(today=AS_OF), [logged_call(number) for number in range(CALLS)])


class GatedClient(ScriptedClient):
    """Answers when the test lets it: a call waits for one of ``places``."""

    def __init__(self) -> None:
        super().__init__(good_model)
        self.places = threading.Semaphore(0)
        self.waiting = threading.Semaphore(0)

    async def complete(self, request: ChatRequest) -> Replay:
        self.waiting.release()
        await asyncio.get_running_loop().run_in_executor(None, self.places.acquire)
        return await super().complete(request)


class Events(list[Event]):
    """What the engine tells, for a thread that waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self._came = threading.Condition()

    def append(self, event: Event) -> None:
        with self._came:
            super().append(event)
            self._came.notify_all()

    def wait_for(self, kind: type[Event], **values: object) -> None:
        def is_there() -> bool:
            return any(
                isinstance(e, kind) and all(getattr(e, name) == value for name, value in values.items()) for e in self
            )

        with self._came:
            assert self._came.wait_for(is_there, LONGEST_WAIT_S)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> GatedClient:
    gated = GatedClient()

    @contextlib.asynccontextmanager
    async def opened(*_: Any, **__: Any) -> AsyncIterator[GatedClient]:
        yield gated

    monkeypatch.setattr(engine_thread, "open_client", opened)
    return gated


def begin(database: str) -> tuple[EngineThread, Events]:
    events = Events()
    thread = EngineThread(plan(), Path(database), events=events)  # type: ignore[arg-type]
    thread.start()
    return thread, events


def finish(client: GatedClient, outcome: Future[Recommendation]) -> Recommendation:
    client.places.release(10_000)
    return outcome.result(LONGEST_WAIT_S)


def figures(database: Path) -> list[tuple[Any, ...]]:
    """What a store holds of its one run, without what differs from run to run."""
    with Database(database) as store:
        (run_id,) = store.read(lambda c: c.execute("SELECT DISTINCT run_id FROM samples").fetchone())
        rows = store.read(lambda c: sample_rows(c, run_id))
    return sorted((row.model_id, row.record_id, row.pair.model_dump_json(exclude={"latency_ms"})) for row in rows)


def undisturbed(database: Path) -> Recommendation:
    async def headless() -> Recommendation:
        with Database(database) as store:
            return await run(plan(), ScriptedClient(good_model), store, lambda event: None)

    return asyncio.run(headless())


def test_a_run_that_was_paused_comes_to_what_an_undisturbed_one_does(client: GatedClient) -> None:
    thread, events = begin("paused.db")
    thread.pause()
    events.wait_for(PauseChanged, is_paused=True)
    client.places.release(2)
    thread.resume()
    events.wait_for(PauseChanged, is_paused=False)
    client.places.release(6)
    events.wait_for(ReplayFinished)
    thread.set_concurrency(0)
    thread.set_concurrency(5)
    thread.pause()
    thread.resume()
    found = finish(client, thread.outcome)
    wanted = undisturbed(Path("headless.db"))
    left_out = {"run_id", "at", "seconds"}
    assert found.model_dump(exclude=left_out) == wanted.model_dump(exclude=left_out)
    assert figures(Path("paused.db")) == figures(Path("headless.db"))
    assert len(figures(Path("paused.db"))) == CALLS


def test_a_run_that_is_stopped_concludes_with_what_is_there(client: GatedClient) -> None:
    thread, events = begin("stopped.db")
    client.places.release(6)
    events.wait_for(ReplayFinished, purpose="judge")
    thread.stop()
    found = finish(client, thread.outcome)
    assert found.stage == "interrupted"
    assert 0 < found.evidence[0].pairs < CALLS
    assert len(figures(Path("stopped.db"))) == found.evidence[0].pairs


def test_a_run_that_is_abandoned_keeps_what_was_paid_for(client: GatedClient) -> None:
    thread, events = begin("ended.db")
    client.places.release(4)
    events.wait_for(ReplayFinished, purpose="replay")
    thread.abandon()
    client.places.release(10_000)  # else the waiting threads outlive the run
    assert isinstance(thread.outcome.exception(LONGEST_WAIT_S), asyncio.CancelledError)
    sent = len(client.requests)
    again, _ = begin("ended.db")
    found = finish(client, again.outcome)
    assert found.evidence[0].pairs == CALLS
    assert len(client.requests) - sent < sum(request.purpose != "ping" for request in client.requests)


def test_what_is_told_at_once_and_after_the_end_is_no_error(client: GatedClient) -> None:
    thread = EngineThread(plan(), Path("early.db"))
    thread.pause()
    thread.stop()
    thread.start()
    thread.stop()
    found = finish(client, thread.outcome)
    assert found.stage == "interrupted"
    assert not found.evidence or found.evidence[0].pairs == 0
    for tell in (thread.pause, thread.resume, thread.stop, thread.abandon):
        tell()
    thread.set_concurrency(3)


def test_a_run_that_is_abandoned_at_once_sends_nothing(client: GatedClient) -> None:
    thread = EngineThread(plan(), Path("never.db"))
    thread.abandon()
    thread.start()
    client.places.release(10_000)
    assert isinstance(thread.outcome.exception(LONGEST_WAIT_S), asyncio.CancelledError)
    assert not client.requests


def test_an_error_of_the_engine_is_the_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.asynccontextmanager
    async def broken(*_: Any, **__: Any) -> AsyncIterator[ScriptedClient]:
        raise OSError("no gateway")
        yield ScriptedClient(good_model)

    monkeypatch.setattr(engine_thread, "open_client", broken)
    thread = EngineThread(plan(), Path("broken.db"))
    thread.start()
    assert isinstance(thread.outcome.exception(LONGEST_WAIT_S), OSError)
