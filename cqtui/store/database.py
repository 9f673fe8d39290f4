"""Opens the SQLite file and runs every statement on one thread of its own, several at a time to a transaction."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from cqtui.errors import StoreError
from cqtui.store.migrations import migrate
from cqtui.store.seals import Seals

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


@dataclass(frozen=True, slots=True)
class _Job:
    """Work for the store's thread, and who waits for it: a thread, or a task of an event loop."""

    work: Work[Any]
    answer: Future[Any] | asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop | None = None

    def deliver(self, value: Any, problem: BaseException | None) -> None:
        """Tell who waits, unless they have gone; a task's answer is delivered on its loop."""
        if isinstance(self.answer, Future):
            self.answer.set_running_or_notify_cancel()
        if self.answer.cancelled():
            return
        if problem is None:
            self.answer.set_result(value)
        else:
            self.answer.set_exception(problem)


_Outcome = tuple[Any, BaseException | None]


def _deliver(answered: list[tuple[_Job, _Outcome]]) -> None:
    for job, (value, problem) in answered:
        job.deliver(value, problem)


class Database:
    """One store, shared by all tasks of a run.

    Work is queued to one writer thread, which puts what is waiting into one transaction and answers after its commit:
    each piece of work is atomic by itself, and one disk flush serves many concurrent calls. Work changes nothing but
    the database: where one piece of a transaction fails, the others are done again.
    """

    def __init__(self, path: Path, seals: Seals | None = None) -> None:
        """Open the file; see ``connect`` for the errors. With ``seals`` only what they hold for is to be used."""
        self.path = path
        self.seals = seals
        self._connection = connect(path)
        self._reading = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="cqtui-store", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T]) -> Future[T]:
        """Queue work; the future resolves when it is committed."""
        future: Future[T] = Future()
        self._queue.put(_Job(work, future))
        return future

    def run(self, work: Work[T]) -> T:
        """Run work and wait for its commit.

        Raises:
            StoreError: SQLite refused it.
        """
        return self.submit(work).result()

    async def run_async(self, work: Work[T]) -> T:
        """Run work without blocking the event loop; see ``run``."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Job(work, future, loop))
        return await future

    def read(self, work: Work[T]) -> T:
        """Run work that only reads, at once and on this thread: for a look at a few rows by their key.

        It sees what was committed before, and waits for no writer.

        Raises:
            StoreError: SQLite refused it.
        """
        try:
            return work(self._reading)
        except sqlite3.Error as error:
            raise explain(self.path, error) from None

    def close(self) -> None:
        """Finish what is queued and close the file."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        self._reading.close()
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
            self._answer(group, self._commit(group))
            if ends:
                return

    def _answer(self, group: list[_Job], outcomes: list[_Outcome]) -> None:
        """Wake each loop once for all of its tasks."""
        of_loops: dict[asyncio.AbstractEventLoop, list[tuple[_Job, _Outcome]]] = {}
        for job, outcome in zip(group, outcomes, strict=True):
            if job.loop is None:
                job.deliver(*outcome)
            else:
                of_loops.setdefault(job.loop, []).append((job, outcome))
        for loop, answered in of_loops.items():
            with contextlib.suppress(RuntimeError):  # a loop that has closed waits for nothing
                loop.call_soon_threadsafe(_deliver, answered)

    def _commit(self, group: list[_Job]) -> list[_Outcome]:
        """Do all work in one transaction; where a piece fails, again with each piece undone by itself."""
        # Work whose waiter has gone is done all the same: it may keep a paid answer.
        try:
            return self._transaction([job.work for job in group], lambda work: (work(self._connection), None))
        except BaseException as error:
            if len(group) == 1:
                return [(None, explain(self.path, error) if isinstance(error, sqlite3.Error) else error)]
        try:
            return self._transaction([job.work for job in group], self._outcome)
        except sqlite3.Error as error:
            return [(None, explain(self.path, error))] * len(group)

    def _transaction(self, works: list[Work[Any]], do: Callable[[Work[Any]], _Outcome]) -> list[_Outcome]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = [do(work) for work in works]
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return outcomes

    def _outcome(self, work: Work[Any]) -> _Outcome:
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
