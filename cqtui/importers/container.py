"""The containers of logs: encodings, gzip, lines and documents of JSON, before any format is known."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple

from cqtui.errors import BadInputError
from cqtui.importers import llm_database

MAX_RECORD = 64 * 2**20
TOO_LONG = "record above 64 MB"
FOREIGN = {b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip", b"PAR1": "Parquet"}
UNREADABLE = (ValueError, RecursionError)
GAP = re.compile(r"[\s,\[\]\0]*")
DECODER = json.JSONDecoder(strict=False)


@dataclass(frozen=True)
class Rejected:
    """A line that could not be used, and why."""

    reason: str
    file: str
    line: int | None = None


class Found(NamedTuple):
    """A JSON value of a file, its line and what was odd about it."""

    value: Any
    line: int
    warnings: tuple[str, ...] = ()


def records(file: Path) -> Iterator[Found | Rejected]:
    """The JSON values of a file, as they are read, and the lines that hold none.

    Raises:
        BadInputError: The file cannot be read, or is of a kind that is not read.
    """
    line = 0
    try:
        with file.open("rb") as raw:
            head = raw.read(64)
            raw.seek(0)
            for magic, kind in FOREIGN.items():
                if head.startswith(magic):
                    raise BadInputError(f"{file}: a {kind} file is not read.", "Unpack or export it as JSONL.")
            if head.startswith(llm_database.MAGIC):
                yield from _rows(file)
                return
            stream: IO[bytes] = raw
            if head.startswith(b"\x1f\x8b"):
                stream = io.BufferedReader(gzip.GzipFile(fileobj=raw))
            for item in _values(_lines(stream), str(file)):
                line = item.line or line
                yield item
    except (gzip.BadGzipFile, EOFError, zlib.error):
        yield Rejected("the gzip data is broken from here on", str(file), line + 1)
    except OSError as error:
        raise BadInputError(f"{file}: cannot be read ({error.strerror or error}).") from error


def _rows(file: Path) -> Iterator[Found | Rejected]:
    """The calls of a SQLite database, numbered."""
    number = 0
    try:
        for number, record in enumerate(llm_database.records(file), 1):
            yield Found(record, number)
    except llm_database.UNUSABLE as error:
        said = "damaged" if isinstance(error, UnicodeError) else ascii(str(error))[1:-1][:80]
        if not number:
            raise BadInputError(f"{file}: the database cannot be read ({said}).") from error
        yield Rejected(f"the database cannot be read from here on ({said})", str(file), number + 1)


Line = tuple[int, str, tuple[str, ...]]


def _lines(stream: IO[bytes]) -> Iterator[Line]:
    """Numbered lines as text; a line beyond the cap comes as an empty text with a warning."""
    head = stream.peek(64)[:64] if isinstance(stream, io.BufferedReader) else b""
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    number = 0
    if wide or (len(head) > 3 and not any(head[1::2]) and any(head)):
        decoder = codecs.getincrementaldecoder("utf-16" if wide else "utf-16-le")("replace")
        held = ""
        while data := stream.read(2**16):
            *full, held = (held + decoder.decode(data)).split("\n")
            for text in full:
                number += 1
                yield number, text + "\n", ()
        yield number + 1, held + decoder.decode(b"", True), ()
        return
    while data := stream.readline(MAX_RECORD + 1):
        number += 1
        if len(data) > MAX_RECORD:
            while data and not data.endswith(b"\n"):
                data = stream.readline(MAX_RECORD)
            yield number, "", (TOO_LONG,)
            continue
        try:
            yield number, data.removeprefix(codecs.BOM_UTF8).decode("utf-8"), ()
        except UnicodeDecodeError:
            yield number, data.decode("cp1252", "replace"), ("not UTF-8, read as cp1252",)


def _values(lines: Iterator[Line], file: str) -> Iterator[Found | Rejected]:
    """The JSON values of a file: line by line, or as one document where line 1 does not parse alone."""
    filled = (line for line in lines if line[1].strip(" \t\r\n\0") or line[2][:1] == (TOO_LONG,))
    first = next(filled, None)
    if first is None:
        return
    second = next(filled, None)
    ahead: Iterable[Line] = [line for line in (first, second) if line is not None]
    rest = chain(ahead, filled)
    start = first[1].strip("\0 \t\r\n")[:1]
    broken = second is not None and _parsed(first[1]) is None
    if broken and (start == "[" or (start == "{" and second and not isinstance(_parsed(second[1]), dict))):
        yield from _document(rest, file)
        return
    for number, text, warnings in rest:
        try:
            if not text:
                raise ValueError(warnings[0])
            yield Found(DECODER.decode(text.strip("\0 \t\r\n")), number, warnings)
        except RecursionError:
            yield Rejected("nested too deeply", file, number)
        except ValueError as error:
            tail = "" if text.endswith("\n") or not text else " (incomplete last line)"
            yield Rejected(f"not JSON: {getattr(error, 'msg', str(error)[:80])}{tail}", file, number)


def _parsed(text: str) -> Any:
    try:
        return DECODER.decode(text.strip("\0 \t\r\n"))
    except UNREADABLE:
        return None


def _document(lines: Iterable[Line], file: str) -> Iterator[Found | Rejected]:
    """Objects one after another, in arrays or not; after a broken one it goes on at the same indentation."""
    held = list(lines)
    text, numbers = "".join(line[1] for line in held), [line[0] for line in held]
    warnings = tuple(dict.fromkeys(warning for line in held for warning in line[2]))
    position, counted, row = 0, 0, 0
    while True:
        gap = GAP.match(text, position)
        position = gap.end() if gap else position
        if position >= len(text):
            return
        row += text.count("\n", counted, position)
        counted = position
        number = numbers[min(row, len(numbers) - 1)]
        try:
            value, position = DECODER.raw_decode(text, position)
            yield Found(value, number, warnings)
            continue
        except RecursionError:
            yield Rejected("nested too deeply", file, number)
        except ValueError as error:
            yield Rejected(f"not JSON: {getattr(error, 'msg', str(error)[:80])}", file, number)
        start = text.rfind("\n", 0, position) + 1
        indent = text[start:position] if not text[start:position].strip() else ""
        onward = re.compile(rf"\n{re.escape(indent)}(?=\{{)").search(text, position)
        if onward is None:
            return
        position = onward.end()
