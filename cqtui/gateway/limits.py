"""How many calls are under way at once, and when a failed one is sent again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import tenacity

from cqtui.models import Replay

Sleep = Callable[[float], Awaitable[None]]


class AdaptiveLimit:
    """Concurrency of one provider: starts at ``most``, halves when throttled, grows again by success."""

    def __init__(self, most: int, *, clock: Callable[[], float], sleep: Sleep = asyncio.sleep) -> None:
        """Start fully open. ``clock`` is monotonic, in seconds."""
        self.most = most
        self.allowed = most
        self._running = 0
        self._successes = 0
        self._closed_until = 0.0
        self._clock = clock
        self._sleep = sleep
        self._changed = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a place, and for the end of a pause that the provider asked for."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._running < self.allowed)
            self._running += 1
        try:
            while (wait := self._closed_until - self._clock()) > 0:
                await self._sleep(wait)
            yield
        finally:
            async with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def learn(self, replay: Replay) -> None:
        """Take note of how a call went."""
        failure = replay.failure
        if failure is not None and failure.kind == "rate_limited":
            self.allowed = max(1, self.allowed // 2)
            self._successes = 0
            self._closed_until = max(self._closed_until, self._clock() + (failure.retry_after_s or 0.0))
        elif failure is None and self.allowed < self.most:
            self._successes += 1
            if self._successes >= self.allowed:
                self._successes = 0
                self.allowed += 1


def is_transient(replay: Replay) -> bool:
    """Whether the same call may succeed when sent again."""
    return replay.failure is not None and replay.failure.is_transient


def retrying(attempts: int, *, sleep: Sleep = asyncio.sleep) -> tenacity.AsyncRetrying:
    """The one retry policy: exponential with full jitter from 0.5 s to 30 s, never sooner than Retry-After asks."""
    jitter = tenacity.wait_random_exponential(multiplier=0.5, max=30)

    def wait(state: tenacity.RetryCallState) -> float:
        replay = state.outcome.result() if state.outcome is not None else None
        asked = replay.failure.retry_after_s if replay is not None and replay.failure is not None else None
        return max(jitter(state), asked or 0.0)

    return tenacity.AsyncRetrying(
        stop=tenacity.stop_after_attempt(attempts),
        wait=wait,
        retry=tenacity.retry_if_result(is_transient),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome is not None else None,
        sleep=sleep,
    )
