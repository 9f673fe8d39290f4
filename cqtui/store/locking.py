"""One process at a time carries out a plan: two would pay for the same calls twice."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from cqtui.errors import StoreError


def plan_lock(database: Path, plan_hash: str) -> contextlib.AbstractContextManager[None]:
    """Hold a plan's lock beside the database; the system releases it when the process ends, however it ends.

    Raises:
        StoreError: Another process is carrying this plan out.
    """
    busy = StoreError(
        "Another process is carrying out this very plan.",
        "Wait for it to end and run again: its paid answers are used. Or set CQTUI_DATABASE to another file.",
    )
    return _lock(database, plan_hash[:12], busy)


def month_lock(database: Path) -> contextlib.AbstractContextManager[None]:
    """Hold the lock of a store whose runs share a month's budget: two at a time could both spend what is left.

    Raises:
        StoreError: Another run is spending from it.
    """
    busy = StoreError(
        "Another run is spending from this month's budget ([budget] monthly_usd).",
        "Wait for it to end and run again.",
    )
    return _lock(database, "month", busy)


@contextlib.contextmanager
def _lock(database: Path, name: str, busy: StoreError) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(database.with_name(f"{database.name}.{name}.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise busy from None
    except OSError as error:
        raise StoreError(f"{lock.lock_file}: {error.strerror}.", "Check its permissions.") from None
    try:
        yield
    finally:
        lock.release()
