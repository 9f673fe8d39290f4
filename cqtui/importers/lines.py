"""Lines of a file, and JSON lines: one value a line, decoded as fast as can be."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import Any

import orjson

from cqtui.importers.base import MAX_DEPTH, clean
from cqtui.importers.decoding import BLANK, DECODER, text_of, why
from cqtui.importers.found import MAX_RECORD, TOO_LONG, UNREADABLE, Found, Rejected
from cqtui.importers.progress import STEP, FileProgress


class Lines:
    """The lines of a stream; one longer than ``MAX_RECORD`` bytes comes in pieces.

    Lines that were only looked at, or are put back, are read again.
    """

    def __init__(self, stream: io.BufferedReader[Any]) -> None:
        self._stream = stream
        self._ahead: deque[bytes] = deque()

    def __iter__(self) -> Iterator[bytes]:
        while self._ahead:
            yield self._ahead.popleft()
        yield from self.onward()

    def onward(self) -> Iterator[bytes]:
        """The lines that were not looked at yet."""
        return iter(partial(self._stream.readline, MAX_RECORD + 1), b"")

    def every(self) -> Iterator[bytes]:
        """All lines, the fastest way; nothing may be looked at or put back afterwards."""
        ahead, self._ahead = self._ahead, deque()
        return chain(ahead, self.onward())

    def look(self, filled: int) -> list[bytes]:
        """The first so many lines that are not blank, fewer where there are not so many (or one is very long)."""
        found: list[bytes] = []
        for line in self.onward():
            self._ahead.append(line)
            if line.strip(BLANK):
                found.append(line)
            if len(found) == filled or len(line) > MAX_RECORD:
                break
        return found

    def read_line(self) -> bytes:
        """The next line, or an empty one at the end."""
        return self._ahead.popleft() if self._ahead else self._stream.readline(MAX_RECORD + 1)

    def put_back(self, lines: list[bytes]) -> None:
        """Have these lines read again next."""
        self._ahead.extendleft(reversed(lines))

    def skip_rest(self, piece: bytes) -> None:
        """Go to the end of the line that the piece is the beginning of."""
        while piece and not piece.endswith(b"\n"):
            piece = self._stream.readline(MAX_RECORD)


def json_lines(lines: Lines, file: str, progress: FileProgress) -> Iterator[Found | Rejected]:
    """The value of each line, and the lines that hold none; blank lines and runs of NUL are none."""
    loads = orjson.loads
    for number, data in enumerate(lines.every(), 1):
        if not number % STEP:
            progress.update()
        if len(data) > MAX_RECORD:
            lines.skip_rest(data)
            yield Rejected(TOO_LONG, file, number)
            continue
        try:
            value = loads(data)
            if data.count(b"{") + data.count(b"[") > MAX_DEPTH:
                value = clean(value, [])
        except UNREADABLE:
            if filled := data.strip(BLANK):
                yield _lenient(filled, number, file, cut=not data.endswith(b"\n"))
            continue
        yield Found(value, number)


def _lenient(data: bytes, number: int, file: str, cut: bool) -> Found | Rejected:
    """The value of a line that is not strict JSON: other encodings, NaN, control characters, lone surrogates."""
    text, warnings = text_of(data)
    notes = list(warnings)
    try:
        return Found(clean(DECODER.decode(text), notes), number, tuple(notes))
    except UNREADABLE as error:
        return Rejected(why(error) + (" (incomplete last line)" if cut else ""), file, number)
