"""A log that is still being written: its incomplete last line waits, and a later read goes on where the last ended."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cqtui.errors import BadInputError
from cqtui.importers import LogRead, Rejected, read_logs
from cqtui.importers.container import records
from cqtui.importers.progress import HASHED, Position, Progress


def line(number: int, **changes: Any) -> bytes:
    record = {"id": f"r{number}", "model": "m", "messages": [{"role": "user", "content": "hi"}], "completion": "yo"}
    return json.dumps({**record, **changes}).encode() + b"\n"


def lines(*numbers: int) -> bytes:
    return b"".join(map(line, numbers))


def ids(read: LogRead) -> list[str]:
    return [call.id for call in read.calls]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def test_an_incomplete_last_line_is_reported_and_not_rejected(log: Path) -> None:
    log.write_bytes(lines(1, 2) + line(3)[:30])
    read = read_logs(log)
    assert ids(read) == ["r1", "r2"]
    assert not read.rejected
    (tail,) = read.tails
    assert (tail.file, tail.offset, tail.line) == (str(log), len(lines(1, 2)), 3)
    assert "not JSON" in tail.reason
    assert read.records == 2


def test_a_line_that_was_incomplete_is_read_later_once(log: Path) -> None:
    log.write_bytes(lines(1, 2) + line(3)[:30])
    first = read_logs(log)
    with log.open("ab") as more:
        more.write(line(3)[30:] + line(4))
    second = read_logs(log, since=first.positions)
    assert ids(second) == ["r3", "r4"]
    assert [call.origin.line for call in second.calls] == [3, 4]
    assert not second.tails
    third = read_logs(log, since=second.positions)
    assert third.records == 0
    assert third.positions == second.positions


def test_a_last_line_that_only_lacks_its_newline_is_read_at_once(log: Path) -> None:
    log.write_bytes(lines(1, 2).rstrip())
    first = read_logs(log)
    assert ids(first) == ["r1", "r2"]
    assert not first.tails
    with log.open("ab") as more:
        more.write(b"\n" + lines(3))
    second = read_logs(log, since=first.positions)
    assert [(call.id, call.origin.line) for call in second.calls] == [("r3", 3)]


def test_broken_lines_before_the_end_are_rejected(log: Path) -> None:
    log.write_bytes(b'{"id": \n' + lines(1) + b'{"id": \n')
    read = read_logs(log)
    assert [item.line for item in read.rejected] == [1, 3]
    assert not read.tails


@pytest.mark.parametrize(
    "replaced",
    [lines(7), lines(7, 8, 9), lines(1, 5, 3, 4, 6), b""],
    ids=["shrank", "other content", "other content, longer", "emptied"],
)
def test_a_file_that_was_cut_or_replaced_is_read_from_its_start(log: Path, replaced: bytes) -> None:
    log.write_bytes(lines(1, 2, 3))
    first = read_logs(log)
    log.write_bytes(replaced)
    assert ids(read_logs(log, since=first.positions)) == [json.loads(row)["id"] for row in replaced.splitlines()]


def test_a_replaced_file_is_noticed_by_its_first_and_its_last_bytes(log: Path) -> None:
    log.write_bytes(line(1, x="a" * HASHED * 3) + line(2))
    first = read_logs(log)
    for changed in (line(3, x="a" * HASHED * 3) + line(2), line(1, x="a" * HASHED * 3) + line(4)):
        log.write_bytes(changed + line(5))
        assert len(read_logs(log, since=first.positions).calls) == 3


def test_a_rotated_log_beside_its_successor(tmp_path: Path) -> None:
    log, old = tmp_path / "log.jsonl", tmp_path / "log.1.jsonl"
    log.write_bytes(lines(1, 2))
    first = read_logs(tmp_path)
    log.rename(old)
    log.write_bytes(lines(3))
    assert ids(read_logs(log, since=first.positions)) == ["r3"]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("log.gz", lambda numbers: gzip.compress(lines(*numbers), mtime=0)),
        ("log.json", lambda numbers: json.dumps([json.loads(line(number)) for number in numbers], indent=1).encode()),
        ("log.csv", lambda numbers: b"prompt,completion\n" + b"".join(b"%d,a\n" % number for number in numbers)),
        ("log.txt", lambda numbers: lines(*numbers).decode().encode("utf-16")),
    ],
)
def test_other_files_are_read_whole_or_not_at_all(
    tmp_path: Path, name: str, written: Callable[[list[int]], bytes]
) -> None:
    path = tmp_path / name
    path.write_bytes(written([1, 2]))
    first = read_logs(path)
    assert len(first.calls) == 2
    assert read_logs(path, since=first.positions).records == 0
    path.write_bytes(written([1, 2, 3]))
    assert len(read_logs(path, since=first.positions).calls) == 3


def test_a_cut_gzip_has_no_tail(tmp_path: Path) -> None:
    (tmp_path / "log.gz").write_bytes(gzip.compress(lines(1, 2) + line(3)[:30]))
    read = read_logs(tmp_path)
    assert not read.tails
    assert "incomplete last line" in read.rejected[0].reason


def test_files_are_known_by_whatever_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "log.jsonl").write_bytes(lines(1))
    first = read_logs(tmp_path / "log.jsonl")
    monkeypatch.chdir(tmp_path)
    assert read_logs("log.jsonl", since=first.positions).records == 0


def test_only_an_incomplete_line(log: Path) -> None:
    log.write_bytes(line(1)[:30])
    with pytest.raises(BadInputError, match="incomplete last line"):
        read_logs(log)


def test_a_long_incomplete_line_waits_too(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqtui.importers.lines.LONG_LINE", 100)
    log.write_bytes(lines(1) + line(2, x="y" * 500)[:400])
    first = read_logs(log)
    assert [tail.offset for tail in first.tails] == [len(lines(1))]
    with log.open("ab") as more:
        more.write(line(2, x="y" * 500)[400:])
    assert ids(read_logs(log, since=first.positions)) == ["r2"]


def test_what_is_written_while_the_last_line_is_read_waits_with_it(log: Path) -> None:
    log.write_bytes(lines(1) + line(2)[:30])
    progress = Progress()
    found = []
    for item in records(log, progress):
        found.append(item)
        with log.open("ab") as more:
            more.write(line(2)[30:])
    assert not any(isinstance(item, Rejected) for item in found)
    (position,) = progress.positions.values()
    assert position.offset in (len(lines(1)), len(lines(1, 2)))


def test_room_that_is_reserved_at_the_end_is_written_later(log: Path) -> None:
    log.write_bytes(lines(1) + bytes(1000))
    first = read_logs(log)
    assert (ids(first), first.tails) == (["r1"], ())
    log.write_bytes(lines(1, 2) + bytes(800))
    second = read_logs(log, since=first.positions)
    assert [(call.id, call.origin.line) for call in second.calls] == [("r2", 2)]


def test_progress_counts_what_was_read_before(log: Path) -> None:
    log.write_bytes(lines(1, 2))
    first = read_logs(log)
    with log.open("ab") as more:
        more.write(lines(3))
    progress = Progress()
    assert len(list(records(log, progress))) == 3
    assert progress.bytes_read == log.stat().st_size
    assert isinstance(next(iter(first.positions.values())), Position)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=8))
def test_however_a_log_is_cut_into_reads_each_call_is_read_once(cuts: list[int]) -> None:
    whole = lines(*range(12))
    seen: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log.jsonl")
        log.write_bytes(line(99))
        read = read_logs(log)
        written = 0
        for size in [*cuts, len(whole)]:
            with log.open("ab") as more:
                more.write(whole[written : written + size])
            written += size
            read = read_logs(log, since=read.positions)
            assert not read.rejected
            seen += ids(read)
    assert seen == [f"r{number}" for number in range(12)]
    assert read.tails == ()
