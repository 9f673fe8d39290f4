"""Opens the SQLite file and runs every statement on one thread of its own, several at a time to a transaction."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from cqtui.errors import StoreError
from cqtui.store.migrations import migrate

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
_GROUP = 256
BUSY_TIMEOUT_S = 10.0


def explain(path: Path, error: sqlite3.Error) -> StoreError:
    """What SQLite's error means for a user, in one line."""
    text = str(error)
    if "locked" in text:
        return StoreError(f"{path}: another program holds the database.", "Wait for it to end, then run again.")
    if "readonly" in text or "unable to open" in text:
        return StoreError(f"{path}: cannot be written ({text}).", "Check its permissions or set CQTUI_DATABASE.")
    if "full" in text:
        return StoreError(f"{path}: the disk is full.", "Free some space, then run again: paid answers are kept.")
    if "not a database" in text or "malformed" in text:
        return StoreError(f"{path}: not a cqtui database.", "Move it away or set CQTUI_DATABASE.")
    return StoreError(f"{path}: {text}.")


def connect(path: Path) -> sqlite3.Connection:
    """Open and migrate a database in WAL mode with full durability.

    Raises:
        StoreError: The file cannot be created, read or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}.", "Set CQTUI_DATABASE to a place you can write to.") from None
    except sqlite3.Error as error:
        raise explain(path, error) from None
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # A received answer was paid for: its transaction must outlive a power loss.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        migrate(connection)
    except sqlite3.Error as error:
        connection.close()
        raise explain(path, error) from None
    return connection


@contextlib.contextmanager
def _savepoint(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("SAVEPOINT one")
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # a full disk may have ended the transaction already
            connection.execute("ROLLBACK TO one")
            connection.execute("RELEASE one")
        raise
    connection.execute("RELEASE one")


class Database:
    """One store, shared by all tasks of a run.

    Work is queued to one writer thread, which puts what is waiting into one transaction and answers after its commit:
    each piece of work is atomic by itself (a savepoint), and one disk flush serves many concurrent calls.
    """

    def __init__(self, path: Path) -> None:
        """Open the file; see ``connect`` for the errors."""
        self.path = path
        self._connection = connect(path)
        self._queue: queue.SimpleQueue[tuple[Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="cqtui-store", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T]) -> Future[T]:
        """Queue work; the future resolves when it is committed."""
        future: Future[T] = Future()
        self._queue.put((work, future))
        return future

    def run(self, work: Work[T]) -> T:
        """Run work and wait for its commit.

        Raises:
            StoreError: SQLite refused it.
        """
        return self.submit(work).result()

    async def run_async(self, work: Work[T]) -> T:
        """Run work without blocking the event loop; see ``run``."""
        return await asyncio.wrap_future(self.submit(work))

    def close(self) -> None:
        """Finish what is queued and close the file."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _serve(self) -> None:
        while (first := self._queue.get()) is not None:
            group = [first]
            ends = False
            while len(group) < _GROUP and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    ends = True
                    break
                group.append(following)
            self._commit(group)
            if ends:
                return

    def _commit(self, group: list[tuple[Work[Any], Future[Any]]]) -> None:
        # Work whose waiter has gone is done all the same: it may keep a paid answer.
        waited_for = [future.set_running_or_notify_cancel() for _, future in group]
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._outcome(work) for work, _ in group]
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            outcomes = [(None, explain(self.path, error))] * len(group)
        for (_, future), is_waited_for, (value, problem) in zip(group, waited_for, outcomes, strict=True):
            if not is_waited_for:
                continue
            if problem is None:
                future.set_result(value)
            else:
                future.set_exception(problem)

    def _outcome(self, work: Work[Any]) -> tuple[Any, BaseException | None]:
        """What one piece of work gave, undone where it failed; raises where its failure ended the transaction."""
        try:
            with _savepoint(self._connection):
                return work(self._connection), None
        except sqlite3.Error as error:
            if not self._connection.in_transaction:  # a full disk undoes the whole group
                raise
            return None, explain(self.path, error)
        except BaseException as error:
            return None, error
