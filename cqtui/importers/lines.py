"""Lines of a file, and JSON lines: one value a line, decoded as fast as can be."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import orjson

from cqtui.importers.base import clean
from cqtui.importers.decoding import BLANK, DECODER, text_of, why
from cqtui.importers.documents import Counting, document
from cqtui.importers.found import MAX_RECORD, UNREADABLE, Found, Rejected
from cqtui.importers.progress import STEP, FileProgress

# So many lines are looked at for the first that are not blank.
MOST_BLANK = 10_000
# A longer line is a document of its own.
LONG_LINE = 8 * 2**20


class Lines:
    """The lines of a stream, from its beginning; a long one comes in pieces.

    Lines that were only looked at, or are put back, are read again.
    """

    def __init__(self, stream: io.BufferedReader[Any]) -> None:
        self._stream = stream
        self._ahead: deque[bytes] = deque()

    def _onward(self) -> Iterator[bytes]:
        return iter(partial(self._stream.readline, LONG_LINE + 1), b"")

    def every(self) -> Iterator[bytes]:
        """All lines, the fastest way; nothing may be looked at or put back afterwards."""
        ahead, self._ahead = self._ahead, deque()
        return chain(ahead, self._onward())

    def look(self, filled: int) -> list[bytes]:
        """The first so many lines that are not blank, fewer where there are not so many (or one is long)."""
        found: list[bytes] = []
        for line in self._onward():
            self._ahead.append(line)
            if line.strip(BLANK):
                found.append(line)
            if len(found) == filled or len(line) > LONG_LINE or len(self._ahead) > MOST_BLANK:
                break
        return found

    def read_line(self) -> bytes:
        """The next line, or an empty one at the end; of one above ``MAX_RECORD`` bytes the beginning."""
        line = self._ahead.popleft() if self._ahead else self._stream.readline(LONG_LINE + 1)
        return line + self._stream.readline(MAX_RECORD - LONG_LINE) if _is_cut(line) else line

    def put_back(self, lines: list[bytes]) -> None:
        """Have these lines read again next."""
        self._ahead.extendleft(reversed(lines))

    def skip_rest(self, piece: bytes) -> None:
        """Go to the end of the line that the piece is the beginning of."""
        while piece and not piece.endswith(b"\n"):
            piece = self._stream.readline(LONG_LINE)

    def line_of(self, piece: bytes) -> LongLine:
        """The line that begins with the piece."""
        return LongLine(piece, self._stream)

    def read(self, size: int) -> bytes:
        """The next bytes, whatever lines they are in."""
        return self._ahead.popleft() if self._ahead else self._stream.read(size)


class LongLine:
    """A line as a stream, of which the first piece was read.

    Attributes:
        size: The bytes of it that were read.
        complete: Whether its end was read.
    """

    def __init__(self, piece: bytes, stream: io.BufferedReader[Any]) -> None:
        self._piece = piece
        self._stream = stream
        self.size = len(piece)
        self.complete = piece.endswith(b"\n")

    def read(self, size: int) -> bytes:
        """The next bytes of the line."""
        if self._piece or self.complete:
            piece, self._piece = self._piece, b""
            return piece
        piece = self._stream.readline(size)
        self.size += len(piece)
        self.complete = piece.endswith(b"\n")
        return piece


def _is_cut(line: bytes) -> bool:
    return len(line) > LONG_LINE and not line.endswith(b"\n")


def json_lines(
    lines: Lines, file: str, progress: FileProgress, records_in: Counting, first: int = 1
) -> Iterator[Found | Rejected]:
    """The value of each line, and the lines that hold none; blank lines and runs of NUL are none.

    Of a file that grows, a last line without a newline that gives nothing is its tail, and is not rejected.
    """
    loads = orjson.loads
    number, data = first - 1, b"\n"
    for number, data in enumerate(lines.every(), first):
        if not number % STEP:
            progress.update()
        if len(data) > LONG_LINE and _is_cut(data):
            line = lines.line_of(data)
            yield from _but_tail(document(line, file, progress, records_in, number), line, number, progress)
            data = b"\n" if line.complete else data
            if line.complete:
                continue
            break
        try:
            value = loads(data)
        except UNREADABLE:
            line = lines.line_of(data)
            if filled := data.strip(BLANK):
                yield from _but_tail(_lenient(filled, number, file, progress, records_in), line, number, progress)
            elif not line.complete:
                # Room that was reserved for what is not written yet.
                progress.unread = line.size
            if not line.complete:
                # What is written to the file meanwhile belongs to this line.
                break
            continue
        yield Found(value, number)
    progress.lines = number if data.endswith(b"\n") else number - 1


def _but_tail(
    items: Iterator[Found | Rejected], line: LongLine, number: int, progress: FileProgress
) -> Iterator[Found | Rejected]:
    """What a line gives, unless that is nothing but a rejection and the line is the tail of a file that grows."""
    first = next(items, None)
    second = next(items, None)
    if isinstance(first, Rejected) and second is None and not line.complete:
        if progress.grows:
            progress.note_tail(line.size, number, first.reason)
            return
        first = replace(first, reason=f"{first.reason} (incomplete last line)")
    for item in (first, second):
        if item is not None:
            yield item
    yield from items


def _lenient(
    data: bytes, number: int, file: str, progress: FileProgress, records_in: Counting
) -> Iterator[Found | Rejected]:
    """The values of a line that is not strict JSON: other encodings, NaN, control characters, several objects."""
    text, warnings = text_of(data)
    notes = list(warnings)
    try:
        value = clean(DECODER.decode(text), notes)
    except RecursionError as error:
        yield Rejected(why(error), file, number)
    except ValueError as error:
        # What is whole in an array that is broken, and each of several objects.
        items = list(document(io.BytesIO(data), file, progress, records_in, number))
        if not any(isinstance(item, Found) and isinstance(item.value, dict) for item in items):
            items = [Rejected(why(error), file, number)]
        yield from items
    else:
        yield Found(value, number, tuple(notes))
