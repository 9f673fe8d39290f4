"""Loaded by a process's ``sitecustomize``: its wall clock jumps when a file appears; the monotonic clock goes on."""

from __future__ import annotations

import datetime
import os
import time
from typing import Self

_real_time = time.time


def install(signal: str, days: int) -> None:
    """Add ``days`` to every wall clock once the file ``signal`` exists."""

    def now() -> float:
        return _real_time() + (86_400 * days if os.path.exists(signal) else 0)

    class Jumping(datetime.datetime):
        """The time as the jumping clock has it."""

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Self:
            return cls.fromtimestamp(now(), tz)

        @classmethod
        def utcnow(cls) -> Self:
            return cls.fromtimestamp(now(), datetime.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Self:
            return cls.fromtimestamp(now())

    time.time = now
    time.time_ns = lambda: int(now() * 1e9)
    datetime.datetime = Jumping  # type: ignore[misc]
