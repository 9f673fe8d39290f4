"""What mutations start from: the samples of every format, and small ones of the shapes that no sample has."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow
import zstandard
from pyarrow import parquet

from cqtui.importers.formats import IMPORTERS
from tests.fuzz.shapes import SHAPES, lines
from tests.vendor_bodies import USER, completion

DATA = Path(__file__).parents[1] / "data" / "logs"
CONTAINERS = "containers"
# Of a database: what there is, and which of it the importer does without.
UNNEEDED = (("trigger", "1"), ("table", "sql LIKE 'CREATE VIRTUAL%'"), ("index", "sql IS NOT NULL"))
TARGETS = (*(importer.name for importer in IMPORTERS), CONTAINERS)


def seeds_of(target: str) -> list[bytes]:
    """The files that a target begins with."""
    if target == CONTAINERS:
        return _containers()
    return [*_samples(target), *(SHAPES[target]() if target in SHAPES else ())]


def _samples(target: str) -> list[bytes]:
    """The bundled samples of a format; two files that belong together as one."""
    found = []
    for entry in json.loads((DATA / "manifest.json").read_text())["files"]:
        if entry["format"] == target:
            names = (entry["file"], *([entry["companion"]] if "companion" in entry else []))
            files = [DATA / name for name in names]
            found.append(
                _small_database(files[0]) if files[0].suffix == ".db" else b"".join(file.read_bytes() for file in files)
            )
    return found


def _small_database(file: Path) -> bytes:
    """A database in as few bytes as it takes: no indexes and search tables, small pages."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "small.db"
        copy.write_bytes(file.read_bytes())
        with closing(sqlite3.connect(copy)) as connection:
            for kind, condition in UNNEEDED:
                query = f"SELECT name FROM sqlite_master WHERE type = '{kind}' AND {condition}"
                for (name,) in connection.execute(query).fetchall():
                    connection.execute(f'DROP {kind} "{name}"')
            connection.commit()
            connection.execute("PRAGMA page_size = 512")
            connection.execute("VACUUM")
        return copy.read_bytes()


def _containers() -> list[bytes]:
    """Logs in every encoding and layout that is read, whatever their formats."""
    records = [{"id": name, "model": "m", "messages": USER, "completion": "yo"} for name in "ab"]
    pair = {"request": {"messages": USER}, "response": completion()}
    plain = lines(*records, pair)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("log.jsonl", plain)
        opened.writestr("folder/other.json", json.dumps(records))
    text = 'prompt,completion\nhi,yo\n"a\nb","c""d"\n'
    return [
        plain,
        gzip.compress(plain),
        zstandard.compress(plain),
        archive.getvalue(),
        _parquet(records),
        plain.decode().encode("utf-16"),
        b"\xef\xbb\xbf" + plain,
        plain.rstrip(b"\n")[:-5],
        json.dumps([*records, pair]).encode(),
        json.dumps(records, indent=2).encode(),
        "\n".join(json.dumps(record, indent=2) for record in records).encode(),
        json.dumps({"data": [records, {"items": records}]}).encode(),
        b'{"data": [\n' + b",\n".join(json.dumps(record).encode() for record in records) + b"\n]}\n",
        plain.replace(b"\n", b"\r\n\0\0\0\r\n"),
        text.encode(),
        text.replace(",", "\t").encode("utf-16"),
        b"sep=;\r\n" + text.replace(",", ";").encode("cp1252"),
        b"".join(b"data: " + json.dumps(record).encode() + b"\n\n" for record in records) + b"data: [DONE]\n",
    ]


def _parquet(records: list[dict[str, Any]]) -> bytes:
    held = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(records), held)
    return held.getvalue()
