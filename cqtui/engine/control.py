"""What a front end may do to a run under way: stop it, let it pause, change how many calls go at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable

KEEPING = 8  # one worker more for so many: while some keep an answer, as many calls as allowed are under way
MOST_CONCURRENCY = 256


class RunControl:
    """One run's switches. All methods are for the event loop that the run is on.

    Pausing and stopping both let the calls under way finish; a stopped run concludes with what is there.
    """

    def __init__(self) -> None:
        """Start neither paused nor stopped; a run sets the concurrency from its settings with ``begin_with``."""
        self.stopping = asyncio.Event()
        self.is_paused = False
        self.concurrency = 1
        self._is_chosen = False
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called after every change of pause or concurrency."""
        self._listeners.append(listener)

    def stop(self) -> None:
        """Start no more calls."""
        self.stopping.set()
        self._wake()

    def pause(self) -> None:
        """Start no more calls until ``resume``."""
        self._change(is_paused=True)

    def resume(self) -> None:
        """Go on."""
        self._change(is_paused=False)

    def begin_with(self, calls: int) -> None:
        """Allow so many calls at a time, unless ``set_concurrency`` has been told otherwise before the run began."""
        if not self._is_chosen:
            self._change(concurrency=calls)

    def set_concurrency(self, calls: int) -> None:
        """Allow so many calls at a time, to each provider; raises ValueError where it is none."""
        if calls < 1:
            raise ValueError(f"{calls} calls at a time, expected at least 1")
        self._is_chosen = True
        self._change(concurrency=calls)

    def _change(self, *, is_paused: bool | None = None, concurrency: int | None = None) -> None:
        now = (self.is_paused, self.concurrency)
        self.is_paused = self.is_paused if is_paused is None else is_paused
        self.concurrency = concurrency or self.concurrency
        if now != (self.is_paused, self.concurrency):
            for listener in self._listeners:
                listener()
            self._wake()

    @property
    def places(self) -> int:
        """Workers that may be busy at once."""
        return self.concurrency + self.concurrency // KEEPING

    def workers(self, work: int) -> int:
        """How many workers so many pieces of work need, should the concurrency be raised to the most allowed."""
        most = max(self.concurrency, MOST_CONCURRENCY)
        return max(1, min(work, most + most // KEEPING))

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[bool]:
        """Wait for a place among the busy workers; gives False where the run is to stop."""
        while not self._is_open:
            place = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            try:
                await place
            except asyncio.CancelledError:
                if place.done() and not place.cancelled():
                    self._wake()  # the place that this one was given is another's
                raise
        self._running += 1
        try:
            yield not self.stopping.is_set()
        finally:
            self._running -= 1
            self._wake()

    @property
    def _is_open(self) -> bool:
        return self.stopping.is_set() or (not self.is_paused and self._running < self.places)

    def _wake(self) -> None:
        if not self._is_open:
            return
        free = len(self._waiting) if self.stopping.is_set() else self.places - self._running
        while free > 0 and self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                free -= 1
