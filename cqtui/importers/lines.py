"""JSON lines: one value a line, decoded as fast as can be."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from cqtui.importers.base import MAX_DEPTH, clean
from cqtui.importers.found import MAX_RECORD, NOT_UTF8, TOO_DEEP, TOO_LONG, UNREADABLE, Found, Rejected
from cqtui.importers.progress import STEP, FileProgress

BLANK = b"\0 \t\r\n"
DECODER = json.JSONDecoder(strict=False)

Reads = Callable[[int], bytes]


def text_of(data: bytes) -> tuple[str, tuple[str, ...]]:
    """A line as text, and a warning where it was not UTF-8."""
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), (NOT_UTF8,)


def why(error: Exception) -> str:
    """Why text is not JSON, in a few words."""
    return TOO_DEEP if isinstance(error, RecursionError) else f"not JSON: {getattr(error, 'msg', str(error)[:80])}"


def parsed(data: bytes) -> Any:
    """The value of a line, or None where it holds none by itself."""
    try:
        return DECODER.decode(text_of(data.strip(BLANK))[0])
    except UNREADABLE:
        return None


def json_lines(
    lines: Iterator[bytes], readline: Reads, file: str, progress: FileProgress
) -> Iterator[Found | Rejected]:
    """The value of each line, and the lines that hold none; blank lines and runs of NUL are none.

    Args:
        lines: The lines, each at most ``MAX_RECORD`` bytes and one; a longer one comes in pieces.
        readline: Reads on in the current line.
        file: The file's name.
        progress: Kept current every few hundred lines.
    """
    loads = orjson.loads
    for number, data in enumerate(lines, 1):
        if not number % STEP:
            progress.update()
        if len(data) > MAX_RECORD:
            while data and not data.endswith(b"\n"):
                data = readline(MAX_RECORD)
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
