"""Work that several wait for at one time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def shared(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start work for those who will wait for it with ``outcome_of``.

    Asyncio does not report a failure that nobody waits for any more: the run has then ended by an earlier one, and a
    traceback would only hide its message.
    """
    task = asyncio.create_task(work)
    task.add_done_callback(_see_failure)
    return task


def _see_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()


async def outcome_of(task: asyncio.Task[T]) -> T:
    """Wait for a task that others share (``shared``): cancelling the waiter leaves the task alone."""
    if not task.done():
        waiter = asyncio.get_running_loop().create_future()

        def wake(_: asyncio.Task[T]) -> None:
            if not waiter.done():
                waiter.set_result(None)

        task.add_done_callback(wake)
        await waiter
    return task.result()
