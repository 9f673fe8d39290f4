"""Mutations of whole files: of JSON in lines or documents, tables, databases, and of their bytes."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from functools import cache
from random import Random
from typing import Any

import zstandard

from cqtui.importers.formats import ENVELOPES, IMPORTERS
from tests.fuzz.values import ODD, dumped, mutate

LONGEST = 300_000
SQLITE = b"SQLite format 3\0"
PACKED: tuple[tuple[bytes, Callable[[bytes], bytes], Callable[[bytes, int], bytes]], ...] = (
    (b"\x1f\x8b", gzip.decompress, gzip.compress),
    (b"\x28\xb5\x2f\xfd", zstandard.decompress, zstandard.compress),
)
UNPACKABLE = (OSError, MemoryError, EOFError, ValueError, RecursionError, zlib.error, zstandard.ZstdError)
TOKENS: tuple[bytes, ...] = (
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xed\xa0\xbd",
    b"\x80",
    b"\r\n",
    b"\n",
    b"{",
    b"[",
    b"]",
    b"}",
    b'"',
)
TOKENS += (
    b"\\",
    b"\\ud83d",
    b",",
    b":",
    b"NaN",
    b"1e400",
    b"data: ",
    b"\x1b[2J",
    b";",
    b"\t",
    b"sep=;\n",
    b"null",
    b"\x1a",
)


@cache
def names() -> tuple[str, ...]:
    """The fields that formats are known by."""
    more = (
        "role",
        "content",
        "parts",
        "type",
        "text",
        "tool_calls",
        "function",
        "arguments",
        "usage",
        "error",
        "model",
    )
    return tuple(sorted({*ENVELOPES, *more}.union(*(importer.fields for importer in IMPORTERS))))


def mutated(data: bytes, random: Random, longest: int = LONGEST) -> bytes:
    """A file that differs from the given one in a few places."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        # A database seldom survives changes of its bytes.
        by_bytes = random.random() < (0.03 if data.startswith(SQLITE) else 0.12)
        changed = _of_bytes(data, random) if by_bytes else _of_structure(data, random)
        if len(changed) <= longest:
            data = changed
    return data[:longest]


def _of_bytes(data: bytes, random: Random) -> bytes:
    first, last = sorted((random.randint(0, len(data)), random.randint(0, len(data))))
    last = min(last, first + 2 ** random.randrange(16))
    kind = random.randrange(6)
    if kind == 0:
        return data[:first] + data[last:]
    if kind == 1:
        return data[:first]
    if kind == 2:
        return data[:last] + data[first:last] * random.choice((1, 2, 20)) + data[last:]
    if kind == 3:
        return data[:first] + random.choice(TOKENS) + data[first:]
    if kind == 4:
        return data[:first] + bytes([random.randrange(256)]) + data[first + 1 :]
    return bytes(data[:first] + b"\0" * (last - first) + data[last:])


def _of_structure(data: bytes, random: Random) -> bytes:
    if data.startswith(SQLITE):
        return _of_database(data, random)
    for magic, unpack, pack in PACKED:
        if data.startswith(magic):
            try:
                return pack(_of_structure(unpack(data), random), 1)
            except UNPACKABLE:
                return _of_bytes(data, random)
    if random.random() < 0.04:
        return _wrapped(data, random)
    try:
        text = data.decode("utf-8", "surrogatepass")
        return _of_text(text, random).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError, csv.Error):
        return _of_bytes(data, random)


def _of_text(text: str, random: Random) -> str:
    start = text.lstrip()[:1]
    if start not in ("{", "["):
        return _of_table(text, random)
    try:
        value = json.loads(text)
    except ValueError:
        return _of_lines(text.split("\n"), random)
    if isinstance(value, list) and random.random() < 0.05:
        return "\n".join(dumped(item, random) for item in value)
    return dumped(mutate(value, random, names()), random)


def _of_lines(lines: list[str], random: Random) -> str:
    at = random.randrange(len(lines))
    kind = random.random()
    if kind < 0.05:
        lines.insert(random.randint(0, len(lines)), lines[at])
    elif kind < 0.1:
        random.shuffle(lines)
    elif kind < 0.15:
        records = [json.loads(line) for line in lines if line.strip()]
        wrapped: Any = random.choice((records, {random.choice(ENVELOPES): records}, [records]))
        return json.dumps(wrapped, indent=random.choice((None, 1)))
    else:
        filled = [number for number, line in enumerate(lines) if line.strip()]
        at = random.choice(filled) if filled else at
        lines[at] = dumped(mutate(json.loads(lines[at]), random, names()), random)
    return "\n".join(lines)


def _of_table(text: str, random: Random) -> str:
    delimiter = max(",;\t|", key=text.split("\n", 1)[0].count)
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    if not rows:
        raise ValueError
    row = random.choice((rows[0], random.choice(rows), rows[-1]))
    at = random.randrange(len(row))
    kind = random.random()
    if kind < 0.1:
        del row[at]
    elif kind < 0.2:
        row.insert(at, str(random.choice(ODD)))
    elif kind < 0.3:
        rows[0][random.randrange(len(rows[0]))] = random.choice(names())
    elif kind < 0.35:
        rows.append(list(row))
    else:
        (changed,) = (mutate([row[at]], random, names()) or [""])[:1]
        row[at] = changed if isinstance(changed, str) else dumped(changed, random)
    held = io.StringIO(newline="")
    other = random.choice(",;\t|") if random.random() < 0.05 else delimiter
    csv.writer(held, delimiter=other, lineterminator=random.choice(("\n", "\r\n"))).writerows(rows)
    return held.getvalue()


def _wrapped(data: bytes, random: Random) -> bytes:
    """The same file in another encoding or container."""
    kind = random.randrange(6)
    if kind == 0:
        return gzip.compress(data, 1)
    if kind == 5:
        return zstandard.compress(data, 1)
    if kind == 1:
        return b"\xef\xbb\xbf" + data
    if kind == 2:
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr("log.jsonl", data)
        return held.getvalue()
    return data.decode("utf-8", "replace").encode("utf-16" if kind == 3 else "utf-16-le")


def _of_database(data: bytes, random: Random) -> bytes:
    """The same database with another value in a cell, or with a table or column less or under another name."""
    try:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.text_factory = lambda text: text.decode("utf-8", "surrogatepass")
            connection.deserialize(data)
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            table = random.choice([name for name in tables if _has_rows(connection, name)] or tables)
            columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
            column = random.choice(columns)
            kind = random.random()
            if kind < 0.04:
                connection.execute(f'ALTER TABLE "{table}" DROP COLUMN "{column}"')
            elif kind < 0.06:
                connection.execute(f'ALTER TABLE "{table}" RENAME TO "{random.choice(tables)}_2"')
            elif kind < 0.12:
                connection.execute(f'DELETE FROM "{table}" WHERE rowid % 2 = {random.randrange(2)}')
            else:
                _change_cell(connection, table, column, random)
            connection.commit()
            return connection.serialize()
    except (sqlite3.Error, UnicodeError, IndexError, OverflowError):
        return _of_bytes(data, random)


def _has_rows(connection: sqlite3.Connection, table: str) -> bool:
    return connection.execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchone() is not None


def _change_cell(connection: sqlite3.Connection, table: str, column: str, random: Random) -> None:
    found = connection.execute(f'SELECT rowid, "{column}" FROM "{table}"').fetchall()
    row, old = random.choice(found)
    kind = random.random()
    if kind < 0.3:  # another row's: chains that end elsewhere, or run in a circle
        value = random.choice(found)[1]
    elif kind < 0.4:
        value = random.choice((b"", b"\xff\xfe\x00", b"\x00" * 50))
    else:
        old = old.hex() if isinstance(old, bytes) else old
        (changed,) = (mutate([old], random, names()) or [None])[:1]
        value = changed if changed is None or isinstance(changed, int | float | str) else dumped(changed, random)
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogatepass")
        connection.execute(f'UPDATE "{table}" SET "{column}" = CAST(? AS TEXT) WHERE rowid = ?', (value, row))
        return
    connection.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', (value, row))
