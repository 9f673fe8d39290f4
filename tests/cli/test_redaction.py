"""Redaction as a user meets it: nothing that was hidden in the log is in anything that the command prints or writes."""

from __future__ import annotations

from pathlib import Path

from tests.cli.test_commands import AS_OF, cqtui
from tests.unit.test_redacted_calls import seeded_log, seen

WRITES = ("--markdown", "report.md", "--html", "report.html", "--json-file", "out.json", "--events", "events.jsonl")


def everything_in(folder: Path) -> str:
    """All that was written, the store included."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) >= 5
    return "".join(path.read_bytes().decode("utf-8", "replace") for path in files)


def test_none_of_200_details_is_printed_written_or_stored(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    hidden = seeded_log(tmp_path / "logs" / "log.jsonl")
    work = tmp_path / "work"
    work.mkdir()
    done = cqtui("optimize", "../logs/log.jsonl", "--provider", "rehearsal", "--json", *WRITES, *AS_OF, cwd=work)
    assert done.returncode == 0, done.stderr
    assert seen(hidden, done.stdout, done.stderr) == []
    written = everything_in(work)
    assert "How much is order" in written
    assert seen(hidden, written) == []
    assert "Replaced by placeholders" in (work / "report.md").read_text(encoding="utf-8")


def test_no_redact_is_said_and_an_own_pattern_is_replaced(tmp_path: Path) -> None:
    seeded_log(tmp_path / "log.jsonl")
    (tmp_path / "cqtui.toml").write_text("[privacy.patterns]\norder = 'order \\d+'\n", encoding="utf-8")
    redacted = cqtui("optimize", "log.jsonl", "--dry-run", *AS_OF, cwd=tmp_path)
    assert "will be sent redacted to" in redacted.stderr
    assert "order" in redacted.stderr
    as_logged = cqtui("optimize", "log.jsonl", "--dry-run", "--no-redact", *AS_OF, cwd=tmp_path)
    assert "will be sent as logged (redaction is off) to" in as_logged.stderr


def test_a_pattern_of_no_use_is_one_line(tmp_path: Path) -> None:
    seeded_log(tmp_path / "log.jsonl")
    (tmp_path / "cqtui.toml").write_text("[privacy.patterns]\nbad = '(?=x)'\n", encoding="utf-8")
    done = cqtui("optimize", "log.jsonl", "--dry-run", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("cqtui: cqtui.toml:2: privacy.patterns.bad: not a pattern of re2")
