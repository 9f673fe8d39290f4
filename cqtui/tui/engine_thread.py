"""A run of the engine on a thread and an event loop of its own, so that nothing it does can hold up the screen."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from cqtui.engine.connect import open_client
from cqtui.engine.control import RunControl
from cqtui.engine.pipeline import run
from cqtui.engine.plan import Plan
from cqtui.engine.sealing import seals_for
from cqtui.events import Event
from cqtui.results import Recommendation
from cqtui.store.database import Database


class RunSource(Protocol):
    """What the run screen shows: a run under way, or one that is played back.

    ``events`` are those that nobody has taken yet, oldest first; ``outcome`` gets the result or the error.
    """

    events: deque[Event]
    outcome: Future[Recommendation]

    def now(self) -> datetime:
        """The time by which the events are dated."""
        ...

    def pause(self) -> None:
        """Start no more calls."""

    def resume(self) -> None:
        """Go on."""

    def stop(self) -> None:
        """Conclude with what is there, once the calls under way have finished."""

    def abandon(self) -> None:
        """End now; calls under way count at their reservation."""

    def set_concurrency(self, calls: int) -> None:
        """Allow so many calls at a time."""


@dataclass
class EngineThread:
    """Carries a plan out. Start it once; every other method may be called from any thread."""

    plan: Plan
    database: Path
    recording: Path | None = None
    record: Path | None = None
    events: deque[Event] = field(default_factory=deque)
    outcome: Future[Recommendation] = field(default_factory=Future)
    _control: RunControl = field(default_factory=RunControl)
    _loop: asyncio.AbstractEventLoop | None = None
    _task: asyncio.Task[Recommendation] | None = None
    _abandoned: bool = False

    def now(self) -> datetime:
        """The time by which the events are dated."""
        return datetime.now(UTC)

    def start(self) -> None:
        """Begin."""
        self._loop = asyncio.new_event_loop()  # so that what is told from now on reaches the run
        threading.Thread(target=self._carry_out, name="cqtui-engine", daemon=True).start()

    def pause(self) -> None:
        """Start no more calls."""
        self._tell(self._control.pause)

    def resume(self) -> None:
        """Go on."""
        self._tell(self._control.resume)

    def stop(self) -> None:
        """Conclude with what is there, once the calls under way have finished."""
        self._tell(self._control.stop)

    def set_concurrency(self, calls: int) -> None:
        """Allow so many calls at a time, at least 1."""
        self._tell(lambda: self._control.set_concurrency(max(1, calls)))

    def abandon(self) -> None:
        """End now; calls under way count at their reservation."""
        self._abandoned = True
        task = self._task
        if task is not None:
            self._tell(task.cancel)

    def _tell(self, change: Callable[[], object]) -> None:
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the run has just ended
                loop.call_soon_threadsafe(change)

    def _carry_out(self) -> None:
        loop = self._loop
        assert loop is not None
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                result = runner.run(self._run())
        except BaseException as error:  # handed to whoever waits for the outcome, whatever it is
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(result)

    async def _run(self) -> Recommendation:
        self._task = asyncio.current_task()
        if self._abandoned:
            raise asyncio.CancelledError
        ping = self.plan.settings.provider == "portkey"
        with Database(self.database, seals_for(self.plan.settings)) as store:
            async with open_client(self.plan, record=self.record, recording=self.recording) as client:
                return await run(self.plan, client, store, self.events.append, ping=ping, control=self._control)
