"""Packed logs give the same records as plain ones, and what damage leaves of them."""

from __future__ import annotations

import gzip
import io
import json
import sys
import tracemalloc
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pytest
import zstandard
from pyarrow import parquet

from cqtui.errors import BadInputError
from cqtui.importers import iter_logs, read_logs
from cqtui.importers.container import Found
from cqtui.importers.progress import Progress
from cqtui.models import LoggedCall
from tests.unit.test_containers import FORMS, LINES, RECORDS, contents, native, only, written


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return contents(read_logs(written(tmp_path_factory.mktemp("lines"), LINES.encode())))


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def zipped(*members: tuple[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return held.getvalue()


def parqueted(rows: list[dict[str, Any]]) -> bytes:
    held = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows), held, row_group_size=2)
    return held.getvalue()


PACKED = {
    "gzip": gzip.compress(LINES.encode()),
    "gzip of utf-16": gzip.compress(FORMS["array"].encode("utf-16")),
    "gzip in two parts": gzip.compress(LINES[:500].encode()) + gzip.compress(LINES[500:].encode()),
    "zstd": zstd(LINES.encode()),
    "zstd in two frames": zstd(LINES[:500].encode()) + zstd(LINES[500:].encode()),
    "zip": zipped(("log.jsonl", LINES.encode())),
    "zip of several": zipped(
        ("a/one.json", json.dumps(RECORDS[:4], indent=2).encode()),
        ("a/two.jsonl.gz", gzip.compress(LINES[LINES.index('{"id": "r4"') :].encode())),
        ("__MACOSX/a/._one.json", b"\0\1"),
        ("a/.hidden", b"x"),
    ),
    "parquet": parqueted(RECORDS),
}


@pytest.mark.parametrize("form", PACKED)
def test_the_same_records_however_they_are_packed(tmp_path: Path, form: str, expected: list[dict[str, Any]]) -> None:
    path = written(tmp_path, PACKED[form], "log")
    progress = Progress()
    calls = [call for call in iter_logs(path, progress=progress) if isinstance(call, LoggedCall)]
    assert [call.model_dump(exclude={"origin"}) for call in calls] == expected
    assert progress.bytes_read == len(PACKED[form])


@pytest.mark.parametrize("kind", ["gzip", "zstd", "zip"])
def test_damaged_data_keep_what_is_before(tmp_path: Path, kind: str) -> None:
    lines = "".join(json.dumps(native(id=str(number), x=number**99)) + "\n" for number in range(3000)).encode()
    whole = {"gzip": gzip.compress(lines), "zstd": zstd(lines), "zip": zipped(("a.jsonl", lines))}[kind]
    at = len(whole) - 300
    broken = whole[:at] + bytes(64) + whole[at + 64 :] if kind == "zip" else whole[:at]
    read = read_logs(written(tmp_path, broken, "log"))
    assert len(read.calls) > 1000
    assert f"the {kind} data is broken" in read.rejected[-1].reason
    assert read.rejected[-1].line is not None


def test_zstd_that_is_cut_between_lines_is_noticed(tmp_path: Path) -> None:
    held = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(held, closefd=False) as writer:
        writer.write(LINES.encode())
        writer.flush()
        complete = len(held.getvalue())
    read = read_logs(written(tmp_path, held.getvalue()[:complete], "log"))
    assert len(read.calls) == len(RECORDS)
    assert "zstd data is broken" in read.rejected[0].reason


def test_other_files_in_a_zip_are_one_rejection_each(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        zipped(("read me.txt", b"a\nb\nc\n"), ("log.jsonl", LINES.encode()), ("in.zip", PACKED["zip"]), ("e", b"")),
        "log.zip",
    )
    read = read_logs(path)
    assert len(read.calls) == len(RECORDS)
    assert {call.origin.file for call in read.calls} == {f"{path}:log.jsonl"}
    assert [item.file.rpartition(":")[2] for item in read.rejected] == ["read me.txt", "in.zip", "e"]
    assert "a zip file within another file" in read.rejected[1].reason


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zipped(("a.txt", b"hello\n")), "not a log"),
        (zipped(), "empty"),
        (PACKED["zip"][:-30], "damaged"),
        (gzip.compress(PACKED["gzip"]), "gzip file within another"),
        (gzip.compress(PACKED["parquet"]), "Parquet file within another"),
        (PACKED["parquet"][:-30], "damaged"),
        (b"PAR1", "damaged"),
    ],
    ids=["text", "nothing", "cut zip", "gzip in gzip", "Parquet in gzip", "cut Parquet", "Parquet's first bytes"],
)
def test_packed_files_that_are_no_logs(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(BadInputError, match=said) as caught:
        read_logs(written(tmp_path, data, "log"))
    assert "\n" not in str(caught.value)


def test_an_encrypted_member_is_rejected(tmp_path: Path) -> None:
    data = bytearray(zipped(("secret.jsonl", LINES.encode())))
    directory = data.rindex(b"PK\1\2")
    data[6] |= 1
    data[directory + 8] |= 1
    with pytest.raises(BadInputError, match="encrypted"):
        read_logs(written(tmp_path, bytes(data), "log"))


@pytest.mark.parametrize(("form", "package"), [("zstd", "zstandard"), ("parquet", "pyarrow")])
def test_a_library_that_is_not_installed(
    tmp_path: Path, form: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(BadInputError, match=rf'{package}\. pip install "cqtui\[logs\]"'):
        read_logs(written(tmp_path, PACKED[form], "log"))


def test_parquet_values_in_the_types_of_json(tmp_path: Path) -> None:
    row = {
        "ns": pyarrow.array([1_789_001_000_123_456_789], pyarrow.timestamp("ns", "UTC")),
        "day": pyarrow.array([20_000], pyarrow.date32()),
        "cost": pyarrow.array([Decimal("0.0012")]),
        "map": pyarrow.array([[("a", 1)]], pyarrow.map_(pyarrow.string(), pyarrow.int64())),
        "bytes": pyarrow.array([b"caf\xc3\xa9"]),
        "nan": pyarrow.array([float("nan")]),
        "span": pyarrow.array([1500], pyarrow.duration("ms")),
        "none": pyarrow.array([None], pyarrow.string()),
        "__index_level_0__": pyarrow.array([7]),
    }
    parquet.write_table(pyarrow.table(row), tmp_path / "x")
    found = only(tmp_path / "x")
    assert isinstance(found, Found)
    assert found.value == {
        "ns": "2026-09-10T00:43:20.123456+00:00",
        "day": "2024-10-04",
        "cost": "0.0012",
        "map": {"a": 1},
        "bytes": "café",
        "nan": None,
        "span": 1.5,
        "none": None,
    }
    assert found.warnings == ("not a finite number, read as unknown",)


def test_a_parquet_table_of_plain_columns_is_read_as_a_table(tmp_path: Path) -> None:
    data = parqueted([{"question": "hi", "answer": "yes", "input_tokens": 3}])
    (call,) = read_logs(written(tmp_path, data, "log")).calls
    assert (call.messages[0].text, call.usage.input_tokens, call.origin.format) == ("hi", 3, "csv")


def test_a_bomb_is_unpacked_in_pieces(tmp_path: Path) -> None:
    zeros = bytes(2**27)
    for data in (gzip.compress(zeros, 1), zstd(zeros), zipped(("a", zeros))):
        tracemalloc.start()
        path = written(tmp_path, data, "log")
        with pytest.raises(BadInputError):
            read_logs(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 2**26


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zipped(("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", b"<workbook/>")), "an Excel workbook"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF"),
    ],
    ids=["workbook", "PDF"],
)
def test_documents_are_called_what_they_are(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(BadInputError, match=f"{said} is not"):
        read_logs(written(tmp_path, data, "export"))
