"""Whatever bytes a file holds, reading it ends in records or in one error; and what is read does not depend on cuts."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from cqtui.errors import BadInputError
from cqtui.importers import LogRead, read_logs
from cqtui.importers.container import Found, Rejected, records

RECORD = {"id": "a", "model": "m", "messages": [{"role": "user", "content": "hi"}], "completion": "yo"}


def parqueted(rows: list[dict[str, Any]]) -> bytes:
    held = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows), held)
    return held.getvalue()


def zipped(data: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("a", data)
        archive.writestr("b", data[: data.index(b"\n")])
    return held.getvalue()


LINES = "".join(json.dumps({**RECORD, "id": f"r{number}"}) + "\n" for number in range(3)).encode()
SOUND = {
    "lines": LINES,
    "indented": b"\n".join(json.dumps(json.loads(line), indent=1).encode() for line in LINES.splitlines()),
    "array": b"[" + LINES.replace(b"\n", b",\n") + b"{}]",
    "envelope": json.dumps({"data": [RECORD, RECORD]}, indent=1).encode(),
    "utf-16": LINES.decode().encode("utf-16"),
    "gzip": gzip.compress(LINES),
    "zstd": zstandard.ZstdCompressor().compress(LINES),
    "zip": zipped(LINES),
    "parquet": parqueted([RECORD, RECORD]),
    "csv": b'prompt,completion\n"hi, ""you""\n",yes\nyou,no\n',
    "events": b"".join(b"data: " + line + b"\n\n" for line in LINES.splitlines()),
}
STARTS = [
    b"",
    b"\x1f\x8b\x08",
    b"\x28\xb5\x2f\xfd",
    b"PK\x03\x04",
    b"PAR1",
    b"SQLite format 3\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
]
STARTS += [
    b"\xef\xbb\xbf",
    b"{",
    b"[",
    b'{"data": [',
    b'{"a":1}\n',
    b"data: ",
    b"prompt,completion\n",
    b'prompt;model\n"',
]
SMALL = {
    "window.WINDOW": 64,
    "window.CHUNK": 8,
    "lines.LONG_LINE": 64,
    "documents.MAX_RECORD": 512,
    "documents.MOST_WALKED": 3,
}


def ends_well(content: bytes, small: bool) -> None:
    said = ""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        path = Path(folder) / "log"
        path.write_bytes(content)
        patches = [mock.patch(f"cqtui.importers.{name}", value) for name, value in SMALL.items()] if small else []
        for patch in patches:
            patch.start()
        try:
            assert isinstance(read_logs(path), LogRead)
        except BadInputError as error:
            said = str(error)
        finally:
            for patch in patches:
                patch.stop()
    assert "\n" not in said


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(STARTS), st.booleans())
def test_any_bytes_end_well(content: bytes, start: bytes, small: bool) -> None:
    ends_well(start + content, small)


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet='{}[]",:\\ \n\0ax1é\ufeff;', max_size=200), st.sampled_from(STARTS), st.booleans())
def test_any_text_of_json_and_tables_ends_well(content: str, start: bytes, small: bool) -> None:
    ends_well(start + content.encode(), small)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(SOUND)), st.data(), st.booleans())
def test_sound_files_that_were_damaged_end_well(form: str, data: st.DataObject, small: bool) -> None:
    content = SOUND[form]
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 40)))
    ends_well(content[:start] + data.draw(st.binary(max_size=40)) + content[end:], small)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
objects = st.lists(st.dictionaries(st.text(min_size=1, max_size=6), values, max_size=5), min_size=1, max_size=5)


def read(content: bytes, folder: str) -> list[Any]:
    path = Path(folder) / "log"
    path.write_bytes(content)
    found: list[Any] = []
    for item in records(path):
        assert isinstance(item, Found), item
        found += item.value if isinstance(item.value, list) else [item.value]
    return found


@settings(max_examples=150, deadline=None)
@given(objects, st.sampled_from([None, 0, 1, 4]), st.booleans(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_the_same_records_in_each_container(
    written: list[dict[str, Any]], indent: int | None, ascii_only: bool, encoding: str
) -> None:
    def text(value: Any) -> bytes:
        return json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode(encoding, "replace")

    plain = json.loads(json.dumps(written).encode())
    lines = "\n".join(json.dumps(value, ensure_ascii=ascii_only) for value in written).encode(encoding, "replace")
    documents = "\n".join(json.dumps(value, indent=indent, ensure_ascii=ascii_only) for value in written)
    with tempfile.TemporaryDirectory() as folder:
        for content in (lines, text(written), documents.encode(encoding, "replace")):
            assert read(content, folder) == plain
            assert read(gzip.compress(content), folder) == plain
            assert read(zstandard.ZstdCompressor().compress(content), folder) == plain
            with mock.patch("cqtui.importers.window.CHUNK", 4), mock.patch("cqtui.importers.window.WINDOW", 4096):
                assert read(content, folder) == plain


cells = st.text(alphabet=st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r\ufeff"), max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=6), st.sampled_from(",;\t|"))
def test_a_table_gives_its_cells(rows: list[tuple[str, str]], delimiter: str) -> None:
    quoted = [delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    content = "\n".join([f"prompt{delimiter}completion", *quoted]).encode()
    wanted = [row for row in rows if any(cell.strip("\0 \t") for cell in row)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(content)
        found = [item.value for item in records(path) if isinstance(item, Found)]
    assert found == [{"prompt": prompt, "completion": answer} for prompt, answer in wanted]


@pytest.mark.parametrize("form", sorted(SOUND))
def test_the_sound_files_are_sound(tmp_path: Path, form: str) -> None:
    (tmp_path / "log").write_bytes(SOUND[form])
    assert not any(isinstance(item, Rejected) for item in records(tmp_path / "log"))
