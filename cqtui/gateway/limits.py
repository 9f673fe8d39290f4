"""How many calls are under way at once, how fast they start, and when a failed one is sent again."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable

import tenacity

from cqtui.models import Replay

Sleep = Callable[[float], Awaitable[None]]
Clock = Callable[[], float]
FIRST_CONCURRENCY = 8
FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0
OUTAGE_S = 120.0
LONGEST_OUTAGE_BACKOFF_S = 5.0


class PausedTooLongError(Exception):
    """The provider asks for a longer pause than the call may take."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"{wait_s:.0f} s")
        self.wait_s = wait_s


class AdaptiveLimit:
    """Concurrency and pace of one provider.

    Starts at a few calls at a time and doubles with each round of successes until the first throttling, as TCP's slow
    start does (RFC 5681, 3.1); from then on it halves when throttled, once for all calls that were under way at that
    time, and grows by one with each round of successes. With ``requests_per_minute`` calls start evenly spaced.
    """

    def __init__(
        self,
        most: int,
        *,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        first: int = FIRST_CONCURRENCY,
        requests_per_minute: int | None = None,
    ) -> None:
        """Allow ``first`` at a time at first and ``most`` later. ``clock`` is monotonic, in seconds."""
        self.most = most
        self.allowed = min(first, most)
        self._spacing_s = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._next_start = 0.0
        self._running = 0
        self._successes = 0
        self._throttled_at: float | None = None
        self._closed_until = 0.0
        self._clock = clock
        self._sleep = sleep
        self._changed = asyncio.Condition()
        self._waiting = 0

    @contextlib.asynccontextmanager
    async def slot(self, give_up_at: float = math.inf) -> AsyncIterator[float]:
        """Wait for a place, the end of a pause that the provider asked for, and the pace; gives the start's time."""
        if self._running >= self.allowed:
            await self._wait_for_place()
        self._running += 1  # nothing is awaited between the check and this
        try:
            turn = self._take_turn()
            while (wait := max(turn, self._closed_until) - self._clock()) > 0:
                if self._clock() + wait > give_up_at:
                    raise PausedTooLongError(wait)
                await self._sleep(wait)
            yield self._clock()
        finally:
            self._running -= 1
            if self._waiting:
                async with self._changed:
                    self._changed.notify(self._waiting)

    async def _wait_for_place(self) -> None:
        self._waiting += 1
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: self._running < self.allowed)
        finally:
            self._waiting -= 1

    def _take_turn(self) -> float:
        turn = max(self._next_start, self._clock())
        self._next_start = turn + self._spacing_s
        return turn

    def limit_to(self, most: int) -> None:
        """Allow ``most`` calls at a time from now on; those under way go on."""
        self.most = most
        self.allowed = min(self.allowed, most)

    def learn(self, replay: Replay, started: float) -> bool:
        """Take note of how a call went that had started at ``started``; says whether that lowered the limit."""
        failure = replay.failure
        if failure is not None and failure.kind == "rate_limited":
            now = self._clock()
            self._closed_until = max(self._closed_until, now + (failure.retry_after_s or 0.0))
            if self._throttled_at is None or started > self._throttled_at:
                self.allowed = max(1, self.allowed // 2)
                self._throttled_at = now
                self._successes = 0
                return True
        elif failure is None and self.allowed < self.most:
            self._successes += 1
            if self._throttled_at is None:
                self.allowed += 1
            elif self._successes >= self.allowed:
                self._successes = 0
                self.allowed += 1
        return False


def is_transient(replay: Replay) -> bool:
    """Whether the same call may succeed when sent again."""
    return replay.failure is not None and replay.failure.is_transient


async def with_retries(
    attempt: Callable[[], Awaitable[Replay]],
    attempts: int,
    deadline_s: float,
    *,
    clock: Clock,
    sleep: Sleep = asyncio.sleep,
) -> Replay:
    """Make attempts by the one retry policy; see ``retrying`` for the arguments.

    The first is made before the policy exists: nearly all calls need no second.
    """
    started = clock()
    first = await attempt()
    if not is_transient(first):
        return first
    made = [first]

    async def next_attempt() -> Replay:
        return made.pop() if made else await attempt()

    outcome: Replay = await retrying(attempts, deadline_s, clock=clock, sleep=sleep, started=started)(next_attempt)
    return outcome


def retrying(
    attempts: int, deadline_s: float, *, clock: Clock, sleep: Sleep = asyncio.sleep, started: float | None = None
) -> tenacity.AsyncRetrying:
    """The one retry policy: exponential with full jitter from 0.5 s to 30 s, never sooner than Retry-After asks.

    Args:
        attempts: Failures of one call at which it is given up. Being throttled is no failure of the call, nor is a
            connection that was refused (for two minutes at most): they cost nothing, and waiting helps.
        deadline_s: No attempt starts later than this after the first, throttled or not.
        clock: Monotonic, in seconds.
        sleep: Waits, in seconds.
        started: When the first attempt began; None is now.
    """
    jitter = tenacity.wait_random_exponential(multiplier=FIRST_BACKOFF_S, max=LONGEST_BACKOFF_S)
    begun = clock() if started is None else started
    failures = 0

    def outcome(state: tenacity.RetryCallState) -> Replay:
        assert state.outcome is not None
        found: Replay = state.outcome.result()
        return found

    def wait(state: tenacity.RetryCallState) -> float:
        failure = outcome(state).failure
        if failure is not None and failure.never_sent:
            return min(jitter(state), LONGEST_OUTAGE_BACKOFF_S)
        return max(jitter(state), (failure.retry_after_s if failure is not None else None) or 0.0)

    def stop(state: tenacity.RetryCallState) -> bool:
        nonlocal failures
        failure = outcome(state).failure
        refused = failure is not None and failure.never_sent
        failures += failure is not None and failure.kind != "rate_limited" and not refused
        longest = min(deadline_s, OUTAGE_S) if refused else deadline_s
        return failures >= attempts or clock() - begun + state.upcoming_sleep > longest

    return tenacity.AsyncRetrying(
        stop=stop,
        wait=wait,
        retry=tenacity.retry_if_result(is_transient),
        retry_error_callback=outcome,
        sleep=sleep,
    )
