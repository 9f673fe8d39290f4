"""How far a read has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# Records between two looks at the file's position.
STEP = 256


@dataclass
class Progress:
    """How far a read has come; it is kept current while the read goes on.

    Attributes:
        bytes_read: Bytes of the files as they lie on disk.
        bytes_total: Their size altogether; None where it cannot be known, as for a pipe.
        joined: Records so far that became part of another record's call.
        files: The files of the log.
    """

    bytes_read: int = 0
    bytes_total: int | None = None
    joined: int = 0
    files: tuple[str, ...] = ()


class FileProgress:
    """The part of a read's progress that one file has."""

    def __init__(self, progress: Progress, position: Callable[[], int], size: int) -> None:
        self._progress = progress
        self._before = progress.bytes_read
        self._position = position
        self._size = size

    def update(self) -> None:
        """Take over how far the file was read on disk."""
        self._progress.bytes_read = self._before + self._position()

    def update_share(self, done: int, total: int) -> None:
        """Say how far the file was read, where its position does not tell."""
        self._progress.bytes_read = self._before + self._size * done // max(1, total)

    def complete(self) -> None:
        """Say that the whole file was read."""
        self._progress.bytes_read = self._before + max(self._size, self._position())
