"""The containers of logs: encodings, gzip, lines and documents of JSON, before any format is known."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from cqtui.errors import BadInputError
from cqtui.importers.base import clean
from cqtui.importers.encodings import as_utf8
from cqtui.importers.found import MAX_RECORD, UNREADABLE, Found, Rejected
from cqtui.importers.lines import BLANK, DECODER, json_lines, parsed, text_of, why
from cqtui.importers.progress import FileProgress, Progress

__all__ = ["UNREADABLE", "Found", "Rejected", "records"]

FOREIGN = {b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip", b"SQLite format 3\0": "SQLite", b"PAR1": "Parquet"}
BUFFER = 2**18
GAP = re.compile(r"[\s,\[\]\0]*")


def records(file: Path, progress: Progress | None = None) -> Iterator[Found | Rejected]:
    """The JSON values of a file, as they are read, and the lines that hold none.

    Args:
        file: The file.
        progress: Its ``bytes_read`` is kept current while the values are taken.

    Raises:
        BadInputError: The file cannot be read, or is of a kind that is not read.
    """
    line = 0
    try:
        with file.open("rb", buffering=BUFFER) as raw:
            reached = FileProgress(progress or Progress(), raw.tell)
            head = raw.peek(64)
            for magic, kind in FOREIGN.items():
                if head.startswith(magic):
                    raise BadInputError(f"{file}: a {kind} file is not read.", "Unpack or export it as JSONL.")
            stream = raw
            if head.startswith(b"\x1f\x8b"):
                stream = io.BufferedReader(gzip.GzipFile(fileobj=raw), BUFFER)
            for item in _values(as_utf8(stream), str(file), reached):
                line = item.line or line
                yield item
            reached.update()
    except (gzip.BadGzipFile, EOFError, zlib.error):
        yield Rejected("the gzip data is broken from here on", str(file), line + 1)
    except OSError as error:
        raise BadInputError(f"{file}: cannot be read ({error.strerror or error}).") from error


def _values(stream: io.BufferedReader, file: str, progress: FileProgress) -> Iterator[Found | Rejected]:
    """The JSON values of a file: line by line, or as one document where line 1 does not parse alone."""
    lines = iter(partial(stream.readline, MAX_RECORD + 1), b"")
    ahead: list[bytes] = []
    filled: list[bytes] = []
    for data in lines:
        ahead.append(data)
        if data.strip(BLANK):
            filled.append(data)
        if len(filled) == 2 or len(data) > MAX_RECORD:
            break
    rest = chain(ahead, lines)
    if len(filled) == 2 and parsed(filled[0]) is None:
        start = text_of(filled[0])[0].strip("\0 \t\r\n")[:1]
        if start == "[" or (start == "{" and not isinstance(parsed(filled[1]), dict)):
            yield from _document(list(rest), file)
            return
    yield from json_lines(rest, stream.readline, file, progress)


def _document(lines: list[bytes], file: str) -> Iterator[Found | Rejected]:
    """Objects one after another, in arrays or not; after a broken one it goes on at the same indentation."""
    held = [text_of(line) for line in lines]
    text = "".join(line for line, _ in held)
    warnings = tuple(dict.fromkeys(warning for _, notes in held for warning in notes))
    position, counted, number = 0, 0, 1
    while True:
        gap = GAP.match(text, position)
        position = gap.end() if gap else position
        if position >= len(text):
            return
        number += text.count("\n", counted, position)
        counted = position
        try:
            value, position = DECODER.raw_decode(text, position)
            notes = list(warnings)
            yield Found(clean(value, notes), number, tuple(notes))
            continue
        except UNREADABLE as error:
            yield Rejected(why(error), file, number)
        start = text.rfind("\n", 0, position) + 1
        indent = text[start:position] if not text[start:position].strip() else ""
        onward = re.compile(rf"\n{re.escape(indent)}(?=\{{)").search(text, position)
        if onward is None:
            return
        position = onward.end()
