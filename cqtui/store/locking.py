"""One process at a time carries out a plan: two would pay for the same calls twice."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from cqtui.errors import StoreError


@contextlib.contextmanager
def plan_lock(database: Path, plan_hash: str) -> Iterator[None]:
    """Hold a plan's lock beside the database; the system releases it when the process ends, however it ends.

    Raises:
        StoreError: Another process is carrying this plan out.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(database.with_name(f"{database.name}.{plan_hash[:12]}.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise StoreError(
            "Another process is carrying out this very plan.",
            "Wait for it to end and run again: its paid answers are used. Or set CQTUI_DATABASE to another file.",
        ) from None
    except OSError as error:
        raise StoreError(f"{lock.lock_file}: {error.strerror}.", "Check its permissions.") from None
    try:
        yield
    finally:
        lock.release()
