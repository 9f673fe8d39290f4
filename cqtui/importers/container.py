"""The containers of logs: encodings, gzip, lines and documents of JSON, before any format is known."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cqtui.errors import BadInputError
from cqtui.importers.decoding import BLANK, begins_value, parsed, text_of
from cqtui.importers.documents import Counting, document
from cqtui.importers.encodings import as_utf8
from cqtui.importers.events import are_events, event_values
from cqtui.importers.found import UNREADABLE, Found, Rejected
from cqtui.importers.lines import Lines, json_lines
from cqtui.importers.progress import FileProgress, Progress
from cqtui.importers.tables import delimiter_of, table_rows

__all__ = ["UNREADABLE", "Found", "Rejected", "records"]

FOREIGN = {b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip", b"SQLite format 3\0": "SQLite", b"PAR1": "Parquet"}
BUFFER = 2**18
# So many lines of a file say what is in it.
LOOKED_AT = 4


def one_each(value: Any) -> int:
    """The number of records in a value where nothing is known of formats: the elements of lists, and all else."""
    return sum(map(one_each, value)) if isinstance(value, list) else 1


def records(
    file: Path, progress: Progress | None = None, records_in: Counting = one_each
) -> Iterator[Found | Rejected]:
    """The JSON values of a file, as they are read, and the lines that hold none.

    Args:
        file: The file.
        progress: Its ``bytes_read`` is kept current while the values are taken.
        records_in: How many records there are in a value: so a long list of them is known from a long record.

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
            stream: io.BufferedReader[Any] = raw
            if head.startswith(b"\x1f\x8b"):
                stream = io.BufferedReader(gzip.GzipFile(fileobj=raw), BUFFER)
            for item in _values(as_utf8(stream), str(file), reached, records_in):
                line = item.line or line
                yield item
            reached.update()
    except (gzip.BadGzipFile, EOFError, zlib.error):
        yield Rejected("the gzip data is broken from here on", str(file), line + 1)
    except OSError as error:
        raise BadInputError(f"{file}: cannot be read ({error.strerror or error}).") from error


def _values(
    stream: io.BufferedReader[Any], file: str, progress: FileProgress, records_in: Counting
) -> Iterator[Found | Rejected]:
    """The values of a file: of a table, of server-sent events, of one document, or line by line."""
    lines = Lines(stream)
    ahead = lines.look(LOOKED_AT)
    start = text_of(ahead[0].strip(BLANK))[0].strip()[:1] if ahead else ""
    if start not in ("{", "["):
        if are_events(ahead):
            return event_values(lines, file, progress)
        if (delimiter := delimiter_of(ahead)) is not None:
            return table_rows(lines, delimiter, file, progress)
    elif len(ahead) > 1 and begins_value(ahead[0]) and (start == "[" or not isinstance(parsed(ahead[1]), dict)):
        return _some(document(lines, file, progress, records_in), file)
    return json_lines(lines, file, progress, records_in)


def _some(items: Iterator[Found | Rejected], file: str) -> Iterator[Found | Rejected]:
    first = next(items, None)
    yield Rejected("an array without records", file, 1) if first is None else first
    yield from items
