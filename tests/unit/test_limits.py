"""Concurrency, pace and retries by a clock that only moves when somebody sleeps."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from cqtui.gateway.limits import AdaptiveLimit, PausedTooLongError, retrying, with_retries
from cqtui.models import Failure, Replay
from tests.fakes import FakeClock

FINE = Replay(model="m")
THROTTLED = Replay(model="m", failure=Failure(kind="rate_limited", message="429"))
BROKEN = Replay(model="m", failure=Failure(kind="server_error", message="503"))


def asked_to_wait(seconds: float) -> Replay:
    return Replay(model="m", failure=Failure(kind="rate_limited", message="429", retry_after_s=seconds))


def limit_of(clock: FakeClock, most: int, **more: Any) -> AdaptiveLimit:
    return AdaptiveLimit(most, clock=clock, sleep=clock.sleep, **more)


async def test_concurrency_doubles_until_the_first_throttling_then_halves_and_grows_by_one() -> None:
    clock = FakeClock()
    limit = limit_of(clock, 64)
    assert limit.allowed == 8
    for _ in range(8):
        limit.learn(FINE, clock())
    assert limit.allowed == 16
    for _ in range(100):
        limit.learn(FINE, clock())
    assert limit.allowed == 64

    sent = clock()
    clock.now += 1
    limit.learn(THROTTLED, sent)
    assert limit.allowed == 32
    for _ in range(31):
        limit.learn(FINE, clock())
    assert limit.allowed == 32
    limit.learn(FINE, clock())
    assert limit.allowed == 33


async def test_one_storm_halves_once_and_the_next_again() -> None:
    clock = FakeClock()
    limit = limit_of(clock, 8)
    sent = clock()
    clock.now += 1
    for _ in range(8):  # all were under way when the first of them was throttled
        limit.learn(THROTTLED, sent)
    assert limit.allowed == 4
    again = clock.now = clock.now + 1
    clock.now += 1
    limit.learn(THROTTLED, again)
    assert limit.allowed == 2
    for _ in range(10):
        again = clock.now = clock.now + 1
        clock.now += 1
        limit.learn(THROTTLED, again)
    assert limit.allowed == 1


async def test_nobody_starts_before_retry_after_is_over() -> None:
    clock = FakeClock()
    limit = limit_of(clock, 8)
    limit.learn(asked_to_wait(7.0), clock())
    async with limit.slot() as started:
        assert started == 1007.0


async def test_a_pause_beyond_the_deadline_is_not_waited_out() -> None:
    clock = FakeClock()
    limit = limit_of(clock, 8)
    limit.learn(asked_to_wait(600.0), clock())
    with pytest.raises(PausedTooLongError):
        async with limit.slot(give_up_at=clock() + 3):
            pass
    assert clock.waits == []
    async with limit.slot(give_up_at=clock() + 900) as started:
        assert started == 1600.0


async def test_calls_start_at_the_pace_that_the_provider_allows() -> None:
    clock = FakeClock()
    limit = limit_of(clock, 64, requests_per_minute=120)
    starts = []

    async def call() -> None:
        async with limit.slot() as started:
            starts.append(started)

    await asyncio.gather(*(call() for _ in range(20)))
    assert sorted(starts) == [1000.0 + 0.5 * n for n in range(20)]


async def test_no_more_calls_at_once_than_allowed() -> None:
    limit = AdaptiveLimit(3, clock=lambda: 0.0)
    running = most = 0

    async def call() -> None:
        nonlocal running, most
        async with limit.slot():
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(call() for _ in range(20)))
    assert most == 3


def answers(*outcomes: Replay) -> tuple[Callable[[], Any], list[int]]:
    """An attempt that gives these outcomes in turn, the last one for ever, and a counter of its calls."""
    count = [0]

    async def attempt() -> Replay:
        count[0] += 1
        return outcomes[min(count[0], len(outcomes)) - 1]

    return attempt, count


async def test_failures_are_tried_again_up_to_the_stated_number() -> None:
    clock = FakeClock()
    attempt, count = answers(BROKEN)
    assert await retrying(3, 1e9, clock=clock, sleep=clock.sleep)(attempt) is BROKEN
    assert count == [3]
    attempt, count = answers(BROKEN, BROKEN, FINE)
    assert await retrying(3, 1e9, clock=clock, sleep=clock.sleep)(attempt) is FINE
    assert count == [3]


async def test_waits_grow_and_are_spread() -> None:
    random.seed(5)
    longest = []
    for _ in range(200):
        clock = FakeClock()
        attempt, _ = answers(BROKEN)
        await retrying(8, 1e9, clock=clock, sleep=clock.sleep)(attempt)
        longest.append(clock.waits)
    tops = [max(waits[step] for waits in longest) for step in range(7)]
    assert tops == pytest.approx([0.5, 1, 2, 4, 8, 16, 30], rel=0.15)
    assert all(min(waits[step] for waits in longest) < 0.1 * tops[step] for step in range(7))  # full jitter


async def test_retry_after_is_the_least_wait() -> None:
    clock = FakeClock()
    attempt, _ = answers(asked_to_wait(90.0), asked_to_wait(45.0), FINE)
    assert await retrying(2, 1e9, clock=clock, sleep=clock.sleep)(attempt) is FINE
    assert clock.waits == [90.0, 45.0]


async def test_being_throttled_uses_up_the_deadline_and_no_attempts() -> None:
    clock = FakeClock()
    attempt, count = answers(*[asked_to_wait(10.0)] * 20, FINE)
    assert await retrying(2, 1000, clock=clock, sleep=clock.sleep)(attempt) is FINE
    assert count == [21]
    stubborn = asked_to_wait(60.0)
    attempt, count = answers(stubborn)
    assert await retrying(2, 1000, clock=clock, sleep=clock.sleep)(attempt) is stubborn
    assert count == [17]  # after 0, 60, ... 960 s; the next would start after 1,000


async def test_what_cannot_succeed_is_not_sent_again() -> None:
    clock = FakeClock()
    for kind in ("bad_request", "refused_credentials", "quota_exhausted", "served_by_other", "no_usage"):
        refused = Replay.model_validate({"model": "m", "failure": {"kind": kind, "message": "no"}})
        attempt, count = answers(refused)
        assert await retrying(5, 1e9, clock=clock, sleep=clock.sleep)(attempt) is refused
        assert count == [1]


def refused(seconds_since: Callable[[], float], outage_s: float) -> Callable[[], Any]:
    async def attempt() -> Replay:
        if seconds_since() < outage_s:
            return Replay(model="m", failure=Failure(kind="connection", message="refused", never_sent=True))
        return FINE

    return attempt


@pytest.mark.parametrize(("outage_s", "survives"), [(60.0, True), (115.0, True), (130.0, False)])
async def test_an_outage_of_the_gateway_is_waited_out_for_two_minutes(outage_s: float, survives: bool) -> None:
    clock = FakeClock()
    begun = clock()
    attempt = refused(lambda: clock() - begun, outage_s)
    outcome = await with_retries(attempt, 2, 900, clock=clock, sleep=clock.sleep)
    assert (outcome.failure is None) is survives
    assert clock() - begun <= max(outage_s + 5, 120)
    assert max(clock.waits) <= 5


async def test_the_first_attempt_counts_among_the_attempts() -> None:
    clock = FakeClock()
    made: list[float] = []

    async def attempt() -> Replay:
        made.append(clock())
        return BROKEN

    assert await with_retries(attempt, 3, 900, clock=clock, sleep=clock.sleep) == BROKEN
    assert len(made) == 3
