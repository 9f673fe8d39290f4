"""Tables in text: comma, semicolon, tab or bar between cells, a header first."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from cqtui.importers.base import Row, note
from cqtui.importers.columns import known_columns
from cqtui.importers.decoding import BLANK, text_of
from cqtui.importers.found import MAX_RECORD, TOO_LONG, Found, Rejected
from cqtui.importers.lines import Lines
from cqtui.importers.progress import STEP, FileProgress

# What a line costs to remember, in bytes, beside its own.
LINE_COST = 64
DELIMITERS = ",;\t|"
# Spreadsheets may say the delimiter in a line before the header.
NAMED_DELIMITER = re.compile(r"sep=(.)\s*", re.IGNORECASE)


def delimiter_of(ahead: list[bytes]) -> str | None:
    """The delimiter of the table that a file's first lines begin, or None where they begin none."""
    if not ahead:
        return None
    header = text_of(ahead[0].strip(BLANK))[0]
    if said := NAMED_DELIMITER.fullmatch(header):
        return said[1]
    if len(ahead) > 1 and ahead[1].lstrip(BLANK).startswith((b"{", b"[")):
        return None
    found = {delimiter: cells for delimiter in DELIMITERS if (cells := _cells(header, delimiter))}
    if not found:
        return None
    best = max(found, key=lambda delimiter: (known_columns(found[delimiter]), len(found[delimiter])))
    return best if len(found[best]) > 1 or known_columns(found[best]) else None


def table_rows(lines: Lines, delimiter: str, file: str, progress: FileProgress) -> Iterator[Found | Rejected]:
    """The rows of a table as records of text, each with the line where it begins, and the rows that are broken.

    A broken row ends with its first line: what a quote that is never closed has swallowed is read again.
    """
    csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD))
    feed = _Feed(lines)
    names: list[str] | None = None
    empty = True
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    for count, start in enumerate(feed.row_starts()):
        if not count % STEP:
            progress.update()
        try:
            cells = next(reader, None)
        except (csv.Error, _TooLong) as error:
            feed.end_row_at_its_first_line()
            reader = csv.reader(feed, delimiter=delimiter, strict=True)
            empty = False
            yield Rejected(TOO_LONG if isinstance(error, _TooLong) else _said(error), file, start)
            continue
        if cells is None:
            break
        if not any(cell.strip("\0 \t") for cell in cells):
            continue
        if names is None:
            if not NAMED_DELIMITER.fullmatch(delimiter.join(cells)):
                names = _names(cells)
            continue
        empty = False
        if any(cells[len(names) :]):
            said = f"{len(cells)} cells under {len(names)} column names: quote a cell that holds the delimiter"
            yield Rejected(said, file, start)
            continue
        yield Found(Row(zip(names, cells, strict=False)), start, tuple(feed.warnings))
    if empty:
        yield Rejected("a table without rows", file, 1)


class _TooLong(Exception):
    """A row beyond the cap."""


class _Feed:
    """The lines of a table as text, for the parser; those of the current row are remembered."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._row: list[bytes] = []
        self._size = 0
        self._number = 0
        self.warnings: list[str] = []

    def row_starts(self) -> Iterator[int]:
        """The number of the line where each next row begins; the row before has ended then."""
        while True:
            self._row, self._size, self.warnings = [], 0, []
            yield self._number + 1

    def end_row_at_its_first_line(self) -> None:
        """Have the further lines of the current row read again."""
        self._lines.put_back(self._row[1:])
        self._number -= len(self._row[1:])

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        data = self._lines.read_line()
        if not data:
            raise StopIteration
        self._number += 1
        self._size += len(data) + LINE_COST
        if len(data) > MAX_RECORD:
            self._lines.skip_rest(data)
            data = b"\n"
        self._row.append(data)
        if self._size > MAX_RECORD:
            raise _TooLong
        text, warnings = text_of(data)
        for warning in warnings:
            note(self.warnings, warning)
        return text


def _said(error: Exception) -> str:
    said = str(error)
    if said == "unexpected end of data":
        return "a quote that is not closed"
    # The parser quotes the delimiter, which the file may name to be any character.
    return f"not a row of the table: {ascii(said)[1:-1][:80]}"


def _cells(header: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([header], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _names(cells: list[str]) -> list[str]:
    """A name for each column: those without one, or with one that was there before, are numbered."""
    names: list[str] = []
    taken: set[str] = set()
    for number, cell in enumerate(cells, 1):
        name = cell.strip() or f"column {number}"
        while name in taken:
            name += f" ({number})"
        taken.add(name)
        names.append(name)
    return names
