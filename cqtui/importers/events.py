"""Server-sent events: a log whose events are records, or a stream's answer that was saved alone."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any

from cqtui.importers.base import clean
from cqtui.importers.decoding import DECODER, parsed, text_of, why
from cqtui.importers.found import MAX_RECORD, TOO_LONG, UNREADABLE, Found, Rejected
from cqtui.importers.lines import Lines
from cqtui.importers.progress import STEP, FileProgress

FIELD = re.compile(rb"(data|event|id|retry)?:")
# An event has a comment, an id and a name at most before its data.
LOOKED_AT = 4
DONE = "[DONE]"
# The events of which an answer consists, by their type in the APIs of OpenAI and Anthropic.
PIECES = ("response.", "message_", "content_block_", "ping")
FIRST = ("response.created", "message_start")


def are_events(ahead: list[bytes]) -> bool:
    """Whether a file's first lines are of server-sent events."""
    fields = [FIELD.match(line.removeprefix(codecs.BOM_UTF8)) for line in ahead[:LOOKED_AT]]
    return bool(fields) and all(fields) and any(field[1] == b"data" for field in fields if field)


def event_values(lines: Lines, file: str, progress: FileProgress) -> Iterator[Found | Rejected]:
    """The data of each event that is a record; of a streamed answer without its request, one rejected line."""
    answer = _Answer(file)
    for line, data in _events(lines, progress):
        if data is None:
            yield Rejected(TOO_LONG, file, line)
            continue
        text, warnings = text_of(data)
        if text.strip() == DONE:
            yield from answer.end()
            continue
        notes = list(warnings)
        try:
            value = clean(DECODER.decode(text.strip()), notes)
        except UNREADABLE as error:
            yield from answer.end()
            yield Rejected(why(error), file, line)
            continue
        if (part_of := _answer_of(value)) is None:
            yield from answer.end()
            yield Found(value, line, tuple(notes))
        else:
            yield from answer.add(part_of, value.get("type") in FIRST, line)
    yield from answer.end()


def _events(lines: Lines, progress: FileProgress) -> Iterator[tuple[int, bytes | None]]:
    """The line and the data of each event; None where it is too long.

    Where no blank lines separate events, a line of data that parses alone is one.
    """
    held: list[bytes] = []
    size = start = number = 0
    while line := lines.read_line():
        number += 1
        if not number % STEP:
            progress.update()
        if len(line) > MAX_RECORD:
            lines.skip_rest(line)
            yield number, None
            continue
        line = line.removeprefix(codecs.BOM_UTF8).strip(b"\0\r\n")
        field = FIELD.match(line)
        if field and field[1] == b"data":
            data = line[field.end() :].removeprefix(b" ")
            if held and (size + len(data) > MAX_RECORD or (len(held) == 1 and _is_event(held[0]))):
                yield start, b"\n".join(held)
                held, size = [], 0
            start = start if held else number
            held.append(data)
            size += len(data)
        elif held and not line.strip():
            yield start, b"\n".join(held)
            held, size = [], 0
        elif line.strip() and not field:
            yield number, line
    if held:
        yield start, b"\n".join(held)


def _is_event(data: bytes) -> bool:
    return data.strip() == DONE.encode() or parsed(data) is not None


def _answer_of(value: Any) -> str | None:
    """Which answer an event is a piece of (an empty text where it does not say), or None where it is a record."""
    if not isinstance(value, dict):
        return None
    if str(value.get("object")).endswith(".chunk"):
        return str(value.get("id") or "")
    return "" if str(value.get("type")).startswith(PIECES) else None


class _Answer:
    """Counts the events of a streamed answer."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._id, self._line, self._events = "", 0, 0

    def add(self, of: str, is_first: bool, line: int) -> Iterator[Rejected]:
        """Count an event; what is yielded is the answer before, where this is the first of another."""
        if is_first or of != self._id:
            yield from self.end()
        if not self._events:
            self._id, self._line = of, line
        self._events += 1

    def end(self) -> Iterator[Rejected]:
        """The answer that has ended, if there was one."""
        if self._events:
            said = f"a streamed answer of {self._events} events without its request: it has no prompt"
            yield Rejected(said, self._file, self._line)
        self._id, self._line, self._events = "", 0, 0
