"""How far a read has come."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from cqtui.importers.found import Tail

# Records between two looks at the file's position.
STEP = 256
HASHED = 2**16


@dataclass(frozen=True, slots=True)
class Position:
    """How far a file was read, and what tells whether it is still the same file.

    Attributes:
        offset: The bytes that were read; an incomplete last line is not among them.
        lines: The complete lines in them; None where the file is not of JSON lines, so that it is read whole or not.
        digest: A hash of them.
    """

    offset: int
    lines: int | None
    digest: str

    def is_of(self, raw: IO[bytes]) -> bool:
        """Whether a file still begins with the bytes that were read; where it is read whole, whether it is they."""
        size = os.fstat(raw.fileno()).st_size
        fits = size == self.offset if self.lines is None else size >= self.offset
        return fits and digest_before(raw, self.offset) == self.digest


def digest_before(raw: IO[bytes], offset: int) -> str:
    """A hash of a file's bytes before an offset: of the first and the last of them, which takes no time."""
    first = os.pread(raw.fileno(), min(offset, HASHED), 0)
    start = max(0, offset - HASHED)
    last = os.pread(raw.fileno(), offset - start, start)
    return hashlib.sha256(b"%d:%b%b" % (offset, first, last)).hexdigest()


class ReadStopped(Exception):
    """A read was stopped before its end: nobody waits for it any more."""


@dataclass
class Progress:
    """How far a read has come; it is kept current while the read goes on.

    Attributes:
        bytes_read: Bytes of the files as they lie on disk.
        bytes_total: Their size altogether; None where it cannot be known, as for a pipe.
        joined: Records so far that became part of another record's call.
        files: The files of the log.
        tails: Last lines of files that are still being written.
        positions: How far each file was read, by its full path: a later read may go on there.
        is_stopped: Whether the read is to end with ReadStopped.
    """

    bytes_read: int = 0
    bytes_total: int | None = None
    joined: int = 0
    files: tuple[str, ...] = ()
    tails: list[Tail] = field(default_factory=list)
    positions: dict[str, Position] = field(default_factory=dict)
    is_stopped: bool = False

    def stop(self) -> None:
        """End the read before its time, from any thread: it raises ReadStopped at its next look at the position."""
        self.is_stopped = True

    def check(self) -> None:
        """Raise ReadStopped where the read is to end."""
        if self.is_stopped:
            raise ReadStopped


class FileProgress:
    """The part of a read's progress that one file has.

    Attributes:
        grows: Whether a last line that is incomplete may still be written.
        lines: The complete lines of a file of JSON lines, once they were read.
        unread: The bytes of an incomplete last line, which a later read begins with.
    """

    def __init__(self, progress: Progress, file: str, position: Callable[[], int], size: int) -> None:
        self.grows = False
        self.lines: int | None = None
        self.unread = 0
        self._file = file
        self._progress = progress
        self._before = progress.bytes_read
        self._position = position
        self._size = size

    def update(self) -> None:
        """Take over how far the file was read on disk; raises ReadStopped where the read is to end."""
        self._progress.check()
        self._progress.bytes_read = self._before + self._position()

    def update_share(self, done: int, total: int) -> None:
        """Say how far the file was read, where its position does not tell; raises ReadStopped as ``update`` does."""
        self._progress.check()
        self._progress.bytes_read = self._before + self._size * done // max(1, total)

    def note_tail(self, size: int, line: int, reason: str) -> None:
        """Note that the line of this size, which was just read, is incomplete."""
        self.unread = size
        self._progress.tails.append(Tail(self._file, self._position() - size, line, reason))

    def complete(self) -> None:
        """Say that the whole file was read; raises ReadStopped as ``update`` does."""
        self._progress.check()
        self._progress.bytes_read = self._before + max(self._size, self._position())
