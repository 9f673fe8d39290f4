"""The containers of logs: encodings, gzip, lines and documents of JSON, before any format is known."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cqtui.errors import BadInputError
from cqtui.importers import llm_database
from cqtui.importers.base import clean
from cqtui.importers.decoding import BLANK, DECODER, parsed, text_of, why
from cqtui.importers.encodings import as_utf8
from cqtui.importers.found import UNREADABLE, Found, Rejected
from cqtui.importers.lines import Lines, json_lines
from cqtui.importers.progress import FileProgress, Progress
from cqtui.importers.tables import delimiter_of, table_rows

__all__ = ["UNREADABLE", "Found", "Rejected", "records"]

FOREIGN = {b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip", b"PAR1": "Parquet"}
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
        with io.BufferedReader(io.FileIO(file), BUFFER) as raw:
            reached = FileProgress(progress or Progress(), raw.tell)
            head = raw.peek(64)
            for magic, kind in FOREIGN.items():
                if head.startswith(magic):
                    raise BadInputError(f"{file}: a {kind} file is not read.", "Unpack or export it as JSONL.")
            if head.startswith(llm_database.MAGIC):
                yield from _rows(file)
                return
            stream: io.BufferedReader[Any] = raw
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


def _values(stream: io.BufferedReader[Any], file: str, progress: FileProgress) -> Iterator[Found | Rejected]:
    """The values of a file: those of a table, of one document where line 1 does not parse alone, or line by line."""
    lines = Lines(stream)
    ahead = lines.look(2)
    start = text_of(ahead[0].strip(BLANK))[0].strip()[:1] if ahead else ""
    if start not in ("{", "[") and (delimiter := delimiter_of(ahead)) is not None:
        yield from table_rows(lines, delimiter, file, progress)
        return
    broken = len(ahead) == 2 and parsed(ahead[0]) is None
    if broken and (start == "[" or (start == "{" and not isinstance(parsed(ahead[1]), dict))):
        yield from _document(list(lines.every()), file)
        return
    yield from json_lines(lines, file, progress)


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
