"""The committed report: the same evidence gives the same bytes, whole files, nothing through links."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from cqtui.errors import BadInputError
from cqtui.report.committed import HISTORY, RECORD, REPORT, check_folder, write_report
from cqtui.report.run_record import RunRecord
from cqtui.results import Recommendation, Spend
from tests.fakes import pairs
from tests.github_markdown import page
from tests.results import recommendation

FILES = (REPORT, RECORD, HISTORY)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def later(result: Recommendation) -> Recommendation:
    """The same evidence from another run on another day, which called nothing."""
    update = {
        "run_id": "ffffffffffff",
        "at": datetime(2027, 3, 4, 5, 6, tzinfo=UTC),
        "as_of": date(2027, 3, 4),
        "seconds": 99.0,
        "spend": Spend(replay_usd=Decimal(0)),
        "notes": (*result.notes, "The month's budget of $30 ([budget] monthly_usd) left $1.50 for this run."),
    }
    return result.model_copy(update=update)


def test_three_files_that_say_what_was_found(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "docs"
    result = recommendation()
    assert write_report(folder, result) == tuple(folder / name for name in FILES)
    record = json.loads((folder / RECORD).read_text())
    assert record["sentence"] == result.sentence
    assert record["grade"] == "verified"
    assert record["as_of"] == "2026-11-25"
    assert record["pairs"] == record["candidates"][0]["pairs"] == result.evidence[0].pairs
    lines = (folder / HISTORY).read_text().splitlines()
    assert [json.loads(line) for line in lines] == [record]
    assert RunRecord.model_validate(record).has_evidence_of(RunRecord.model_validate_json(lines[0]))
    report = (folder / REPORT).read_text()
    assert result.sentence in page(report).prose
    assert "Trend" not in report


def test_the_same_evidence_changes_no_byte(tmp_path: Path) -> None:
    write_report(tmp_path, recommendation())
    before = contents(tmp_path)
    assert write_report(tmp_path, later(recommendation())) == ()
    assert contents(tmp_path) == before


def test_two_folders_get_the_same_bytes(tmp_path: Path) -> None:
    write_report(tmp_path / "a", recommendation())
    write_report(tmp_path / "b", later(recommendation()).model_copy(update={"as_of": date(2026, 11, 25)}))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_nothing_of_the_run_itself_is_in_it(tmp_path: Path) -> None:
    result = recommendation()
    write_report(tmp_path, result)
    for text in contents(tmp_path).values():
        assert result.run_id.encode() not in text
        assert b"This run" not in text
        assert b"12:00" not in text


def test_new_evidence_adds_a_line_and_the_trend_shows_both(tmp_path: Path) -> None:
    write_report(tmp_path, recommendation())
    newer = later(recommendation(pairs(60, drop=1.0)))
    assert write_report(tmp_path, newer) == tuple(tmp_path / name for name in FILES)
    assert len((tmp_path / HISTORY).read_text().splitlines()) == 2
    (table,) = [t for t in page((tmp_path / REPORT).read_text()).tables if t[0][0] == "as of"]
    assert [(row[0], row[6]) for row in table[1:]] == [("2026-11-25", "verified"), ("2027-03-04", "leaning")]
    assert json.loads((tmp_path / RECORD).read_text())["as_of"] == "2027-03-04"


def test_the_trend_is_the_last_ten(tmp_path: Path) -> None:
    for number in range(12):
        write_report(tmp_path, recommendation(seed=number, as_of=date(2026, 1, 1 + number)))
    (table,) = [t for t in page((tmp_path / REPORT).read_text()).tables if t[0][0] == "as of"]
    assert [row[0] for row in table[1:]] == [f"2026-01-{day:02d}" for day in range(3, 13)]
    assert len((tmp_path / HISTORY).read_text().splitlines()) == 12


def test_another_log_is_new_evidence_even_with_the_same_figures(tmp_path: Path) -> None:
    base = recommendation()
    write_report(tmp_path, base)
    write_report(tmp_path, base.model_copy(update={"traffic": base.traffic.model_copy(update={"calls": 9_999})}))
    assert len((tmp_path / HISTORY).read_text().splitlines()) == 2


def test_a_rehearsal_has_no_history_and_replaces_nothing_measured(tmp_path: Path) -> None:
    write_report(tmp_path / "new", recommendation(provider="rehearsal"))
    assert set(contents(tmp_path / "new")) == {REPORT, RECORD}
    write_report(tmp_path / "old", recommendation())
    before = contents(tmp_path / "old")
    with pytest.raises(BadInputError, match="a rehearsal does not replace"):
        write_report(tmp_path / "old", recommendation(provider="rehearsal"))
    assert contents(tmp_path / "old") == before
    write_report(tmp_path / "new", recommendation())
    assert set(contents(tmp_path / "new")) == set(FILES)


def test_an_interrupted_run_changes_nothing(tmp_path: Path) -> None:
    assert write_report(tmp_path / "docs", recommendation(stage="interrupted")) == ()
    assert not (tmp_path / "docs").exists()


@pytest.mark.parametrize("name", FILES)
def test_a_link_in_a_files_place_is_refused_and_not_followed(tmp_path: Path, name: str) -> None:
    target = tmp_path / "outside.txt"
    target.write_text("mine", encoding="utf-8")
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / name).symlink_to(target)
    with pytest.raises(BadInputError, match="a symbolic link"):
        write_report(folder, recommendation())
    assert target.read_text() == "mine"
    assert os.listdir(folder) == [name]


def test_a_link_in_the_folders_place_is_refused_also_above_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "docs").symlink_to(tmp_path / "outside")
    monkeypatch.chdir(tmp_path / "here")
    for folder in (Path("docs"), Path("docs/cqtui"), Path("./docs/../docs/cqtui"), tmp_path / "here" / "docs"):
        with pytest.raises(BadInputError, match="a symbolic link"):
            check_folder(folder)
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_a_files_place_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(BadInputError, match="not a file"):
        write_report(tmp_path, recommendation())


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "docs").write_text("", encoding="utf-8")
    with pytest.raises(BadInputError, match="not a folder"):
        check_folder(tmp_path / "docs")


def test_a_history_that_is_no_json_is_named_by_its_line_and_kept(tmp_path: Path) -> None:
    write_report(tmp_path, recommendation())
    with (tmp_path / HISTORY).open("a", encoding="utf-8") as file:
        file.write("<<<<<<< HEAD\n")
    before = contents(tmp_path)
    with pytest.raises(BadInputError, match=r"history\.jsonl:2: not JSON"):
        write_report(tmp_path, recommendation(pairs(60)))
    assert contents(tmp_path) == before


def test_lines_of_another_version_stay_and_line_ends_are_kept(tmp_path: Path) -> None:
    old = '{"schema_version": 99}\r\n{"schema_version": 98}'
    (tmp_path / HISTORY).write_bytes(old.encode())
    write_report(tmp_path, recommendation())
    text = (tmp_path / HISTORY).read_bytes().decode()
    assert text.startswith(old + "\n{")
    assert text.endswith("}\n")


def test_a_file_is_replaced_whole_with_its_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_report(tmp_path, recommendation())
    (tmp_path / REPORT).chmod(0o600)
    before = contents(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(BadInputError, match="No space left"):
            write_report(tmp_path, recommendation(pairs(60)))
    assert contents(tmp_path) == before
    write_report(tmp_path, recommendation(pairs(60)))
    assert (tmp_path / REPORT).stat().st_mode & 0o777 == 0o600
