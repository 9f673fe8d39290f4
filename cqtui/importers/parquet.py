"""Parquet files: each row is a record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from cqtui.errors import BadInputError
from cqtui.importers.base import Row, clean
from cqtui.importers.compressed import BUFFER, EXTRA
from cqtui.importers.found import MAX_RECORD, TOO_LONG, UNREADABLE, Found, Rejected
from cqtui.importers.progress import FileProgress

MAGIC = b"PAR1"
BATCH = 128
# The column in which pandas keeps the numbers of rows.
INDEX = "__index_level_0__"


def parquet_rows(path: Path, file: str, progress: FileProgress) -> Iterator[Found | Rejected]:
    """The rows, a few at a time; their "line" is the number of the row.

    Raises:
        BadInputError: The library for it is not installed, or the file is damaged.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise BadInputError(f"{file}: a Parquet file needs the package pyarrow.", EXTRA) from error
    damaged = (pyarrow.ArrowException, OSError, *UNREADABLE)
    number = 0
    try:
        with parquet.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER) as table:
            total = table.metadata.num_rows
            for batch in table.iter_batches(batch_size=BATCH, use_threads=False):
                for position in range(batch.num_rows):
                    number += 1
                    yield _row(batch.slice(position, 1), number, file)
                progress.update_share(number, total)
    except damaged as error:
        if not number:
            raise BadInputError(f"{file}: the Parquet file is damaged or of a kind that is not read.") from error
        yield Rejected("the Parquet data is broken from here on", file, number + 1)


def _row(row: Any, number: int, file: str) -> Found | Rejected:
    """One row, as a slice of a batch."""
    if row.nbytes > MAX_RECORD:
        return Rejected(TOO_LONG, file, number)
    notes: list[str] = []
    try:
        values = {name: _value(column[0]) for name, column in zip(row.schema.names, row.columns, strict=True)}
        values.pop(INDEX, None)
        record = clean(values, notes)
    except (ArithmeticError, TypeError, *UNREADABLE) as error:
        return Rejected(f"unusable row ({type(error).__name__})", file, number)
    if not any(isinstance(value, dict | list) for value in record.values()):
        record = Row(record)
    return Found(record, number, tuple(notes))


def _value(scalar: Any) -> Any:
    """A value of Arrow in the types of JSON; times finer than a microsecond are cut."""
    import pyarrow

    kind = scalar.type
    if pyarrow.types.is_timestamp(kind) and kind.unit == "ns" and scalar.is_valid:
        scalar = scalar.cast(pyarrow.timestamp("us", kind.tz), safe=False)
    return _plain(scalar.as_py())


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        # A map comes as a list of pairs.
        if value and all(isinstance(item, tuple) and len(item) == 2 for item in value):
            return {str(key): _plain(item) for key, item in value}
        return [_plain(item) for item in value]
    return str(value)
