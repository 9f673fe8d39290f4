"""The containers of logs: compression, archives, encodings, and what kind of text it is, before any format is known."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from cqtui.errors import BadInputError
from cqtui.importers import llm_database, parquet
from cqtui.importers.compressed import (
    BUFFER,
    UNOPENED,
    ZIP,
    SoundPart,
    compression_of,
    is_workbook,
    unpacked,
    zip_members,
)
from cqtui.importers.decoding import BLANK, begins_value, text_of
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
LOOKED_AT = 16
HEAD = 64
PDF = b"%PDF-"

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
            head = raw.peek(HEAD)
            if head.startswith(PDF):
                raise BadInputError(f"{file}: a PDF is not a log.", "Name the export that it was made of.")
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
        if is_workbook(raw):
            raise BadInputError(f"{file}: an Excel workbook is not read.", "Save the sheet as CSV, UTF-8.")
        for member in zip_members(raw):
            name = f"{file}:{member.name}"
            try:
                part = member.open()
            except UNOPENED as error:
                said = "encrypted" if isinstance(error, RuntimeError) else "packed in a way that is not read"
                yield Member(member.name, iter([Rejected(f"the file is {said}", name)]))
                continue
            with io.BufferedReader(part, BUFFER) as stream:
                yield Member(member.name, _sound(part, "zip", _unpacked(stream, name, progress, records_in), name))
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
    """The values of a file that may be compressed; of one that was read before, those since then."""
    try:
        if on is not None and on.lines is not None:
            stream.seek(on.offset)
            yield from json_lines(Lines(stream), file, progress, records_in, on.lines + 1)
            return
        if (kind := compression_of(stream.peek(HEAD))) is not None:
            progress.grows = False
            part = unpacked(stream, kind, file)
            items = _text(io.BufferedReader(part, BUFFER), file, progress, records_in)
            yield from _sound(part, kind, items, file)
        else:
            yield from _text(stream, file, progress, records_in)
    except OSError as error:
        raise BadInputError(f"{file}: cannot be read ({error.strerror or error}).") from error


def _sound(part: SoundPart, kind: str, items: Items, file: str) -> Items:
    """The items of a compressed file, and where its data are damaged, if they are."""
    line = 0
    for item in items:
        line = item.line or line
        yield item
    if part.broken:
        yield Rejected(f"the {kind} data is broken from here on", file, line + 1)


def _text(stream: io.BufferedReader[Any], file: str, progress: FileProgress, records_in: Counting) -> Items:
    if inner := _packed(stream.peek(HEAD)):
        raise BadInputError(f"{file}: a {inner} file within another file is not read.", "Unpack it.")
    text = as_utf8(stream)
    progress.grows = progress.grows and text is stream
    yield from _values(text, file, progress, records_in)


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
    if any(_goes_on(line, following) for line, following in pairwise(ahead)):
        return _some(document(lines, file, progress, records_in), file)
    return json_lines(lines, file, progress, records_in)


def _goes_on(line: bytes, following: bytes) -> bool:
    """Whether a line begins a value that goes on in the next."""
    start = text_of(line.lstrip(BLANK)[:8])[0][:1]
    goes_on = start == "[" or (start == "{" and not following.lstrip(BLANK).startswith(b"{"))
    return goes_on and begins_value(line)


def _some(items: Items, file: str) -> Items:
    first = next(items, None)
    yield Rejected("an array without records", file, 1) if first is None else first
    yield from items
