"""The containers of logs: compression, archives, encodings, and what kind of text it is, before any format is known."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cqtui.errors import BadInputError
from cqtui.importers import llm_database, parquet
from cqtui.importers.compressed import BROKEN, BUFFER, UNOPENED, ZIP, compression_of, unpacked, zip_members
from cqtui.importers.decoding import BLANK, begins_value, parsed, text_of
from cqtui.importers.documents import Counting, document
from cqtui.importers.encodings import as_utf8
from cqtui.importers.events import are_events, event_values
from cqtui.importers.found import UNREADABLE, Found, Rejected
from cqtui.importers.lines import Lines, json_lines
from cqtui.importers.parquet import parquet_rows
from cqtui.importers.progress import FileProgress, Position, Progress, digest_before
from cqtui.importers.tables import delimiter_of, table_rows

__all__ = ["UNREADABLE", "Found", "Member", "Rejected", "members", "records"]

# So many lines of a file say what is in it.
LOOKED_AT = 4

Items = Iterator[Found | Rejected]


class Member(NamedTuple):
    """A file within a file, by itself: one of a zip file, or all of any other (then its name is empty)."""

    name: str
    items: Items


def one_each(value: Any) -> int:
    """The number of records in a value where nothing is known of formats: the elements of lists, and all else."""
    return sum(map(one_each, value)) if isinstance(value, list) else 1


def records(file: Path, progress: Progress | None = None, records_in: Counting = one_each) -> Items:
    """The values of a file, as they are read, and the lines and rows that hold none.

    Args:
        file: The file.
        progress: Its ``bytes_read`` is kept current while the values are taken.
        records_in: How many records there are in a value: so a long list of them is known from a long record.

    Raises:
        BadInputError: The file cannot be read, or is of a kind that is not read.
    """
    for member in members(file, progress or Progress(), records_in):
        yield from member.items


def members(file: Path, progress: Progress, records_in: Counting, since: Position | None = None) -> Iterator[Member]:
    """The files in a file, each to be read before the next is asked for.

    Args:
        file: The file.
        progress: Where the file's position and its incomplete last line are noted, too.
        records_in: As for ``records``.
        since: How far the file was read before: it is read on there, unless it is another file by now.

    Raises:
        BadInputError: The file cannot be read, or is of a kind that is not read; reading a member raises it, too.
    """
    try:
        with io.BufferedReader(io.FileIO(file), BUFFER) as raw:
            reached = FileProgress(progress, str(file), raw.tell, os.fstat(raw.fileno()).st_size)
            on = since if since is not None and since.is_of(raw) else None
            head = raw.peek(64)
            if on is not None and on.lines is None:
                raw.seek(on.offset)
            elif head.startswith(llm_database.MAGIC):
                yield Member("", _rows(file))
            elif head.startswith(parquet.MAGIC):
                yield Member("", parquet_rows(file, str(file), reached))
            elif head.startswith(ZIP):
                yield from _members(raw, str(file), reached, records_in)
            else:
                reached.grows = stat.S_ISREG(os.fstat(raw.fileno()).st_mode)
                yield Member("", _unpacked(raw, str(file), reached, records_in, on))
            if stat.S_ISREG(os.fstat(raw.fileno()).st_mode):
                _note(file, raw, reached, progress)
            reached.complete()
    except OSError as error:
        raise BadInputError(f"{file}: cannot be read ({error.strerror or error}).") from error


def _rows(file: Path) -> Items:
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


def _members(raw: io.BufferedReader[Any], file: str, progress: FileProgress, records_in: Counting) -> Iterator[Member]:
    try:
        for member in zip_members(raw):
            name = f"{file}:{member.name}"
            try:
                with member.open() as stream:
                    yield Member(member.name, _unpacked(stream, name, progress, records_in))
            except UNOPENED as error:
                said = "encrypted" if isinstance(error, RuntimeError) else "packed in a way that is not read"
                yield Member(member.name, iter([Rejected(f"the file is {said}", name)]))
    except UNOPENED as error:
        raise BadInputError(f"{file}: the zip file is damaged.", "Pack it again.") from error


def _note(file: Path, raw: io.BufferedReader[Any], reached: FileProgress, progress: Progress) -> None:
    """Note how far a file was read."""
    of_lines = reached.grows and reached.lines is not None
    offset = raw.tell() - reached.unread if of_lines else os.fstat(raw.fileno()).st_size
    lines = reached.lines if of_lines else None
    progress.positions[str(file.resolve())] = Position(offset, lines, digest_before(raw, offset))


def _unpacked(
    stream: io.BufferedReader[Any],
    file: str,
    progress: FileProgress,
    records_in: Counting,
    on: Position | None = None,
) -> Items:
    """The values of a file that may be compressed; where its data are damaged, those before."""
    line = 0
    kind = None
    try:
        if on is not None and on.lines is not None:
            stream.seek(on.offset)
            yield from json_lines(Lines(stream), file, progress, records_in, on.lines + 1)
            return
        head = stream.peek(64)
        if (kind := compression_of(head)) is not None:
            progress.grows = False
            stream = unpacked(stream, kind, file)
            head = stream.peek(64)
        if inner := _packed(head):
            raise BadInputError(f"{file}: a {inner} file within another file is not read.", "Unpack it.")
        text = as_utf8(stream)
        progress.grows = progress.grows and text is stream
        for item in _values(text, file, progress, records_in):
            line = item.line or line
            yield item
    except BROKEN:
        yield Rejected(f"the {kind or 'zip'} data is broken from here on", file, line + 1)
    except OSError as error:
        raise BadInputError(f"{file}: cannot be read ({error.strerror or error}).") from error


def _packed(head: bytes) -> str | None:
    """What else than text a file is, by its first bytes."""
    for magic, kind in ((ZIP, "zip"), (parquet.MAGIC, "Parquet"), (llm_database.MAGIC, "SQLite")):
        if head.startswith(magic):
            return kind
    return compression_of(head)


def _values(stream: io.BufferedReader[Any], file: str, progress: FileProgress, records_in: Counting) -> Items:
    """The values of a text: of a table, of server-sent events, of one document, or line by line."""
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


def _some(items: Items, file: str) -> Items:
    first = next(items, None)
    yield Rejected("an array without records", file, 1) if first is None else first
    yield from items
