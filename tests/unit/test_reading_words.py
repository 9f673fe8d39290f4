"""How far a read has come, in words; and that a read can be ended before its time."""

from __future__ import annotations

from pathlib import Path

import pytest

from cqtui.importers import Progress, ReadStopped, iter_raw
from cqtui.report.reading_words import progress_line
from tests.fakes import write_log


@pytest.mark.parametrize(
    ("done", "total", "seconds", "line"),
    [
        (585_400_000, 1_098_600_000, 11.4, "Reading the log: 585 of 1,099 MB (53%), 10 s to go"),
        (585_400_000, None, 11.4, "Reading the log: 585 MB"),
        (0, 1_098_600_000, 1.0, "Reading the log: 0 of 1,099 MB (0%)"),
        (1_098_000_000, 1_098_600_000, 20.0, "Reading the log: 1,098 of 1,099 MB (99%), 1 s to go"),
        (1_098_600_000, 1_098_600_000, 20.0, "Reading the log: 1,099 of 1,099 MB (100%)"),
        (1_200_000_000, 1_098_600_000, 20.0, "Reading the log: 1,200 of 1,099 MB (100%)"),
        (5_000_000, 1_098_600_000, 0.0, "Reading the log: 5 of 1,099 MB (0%)"),
    ],
    ids=["half", "pipe", "begun", "nearly", "read", "grown-meanwhile", "no-time"],
)
def test_the_line(done: int, total: int | None, seconds: float, line: str) -> None:
    assert progress_line(Progress(bytes_read=done, bytes_total=total), seconds) == line


def test_a_read_that_is_stopped_ends_before_the_end(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.jsonl", 2_000)
    progress = Progress()
    taken = 0
    with pytest.raises(ReadStopped):  # noqa: PT012
        for _ in iter_raw(log, progress):
            taken += 1
            progress.stop()
    assert 0 < taken < 1_000


def test_a_read_of_many_small_files_is_stopped_between_them(tmp_path: Path) -> None:
    for number in range(3):
        write_log(tmp_path / f"log-{number}.jsonl", 2, model=f"model-{number}")
    progress = Progress()
    files = set()
    with pytest.raises(ReadStopped):  # noqa: PT012
        for call in iter_raw(tmp_path, progress):
            files.add(call.place.file if hasattr(call, "place") else "")
            progress.stop()
    assert len(files) == 1
