"""``cqtui report --format comment``, ``optimize --write-report`` and the user's own templates, as commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cqtui.report.comment import CommentOptions, render_comment
from tests.cli.test_commands import cqtui, refused
from tests.fakes import write_log
from tests.results import recommendation, store_run

REHEARSE = ("--provider", "rehearsal", "--as-of", "2026-11-25", "--max-samples", "20")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store_run(tmp_path, recommendation())
    return tmp_path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write_log(tmp_path / "log.jsonl", 20)


def test_the_comment_of_a_stored_run(folder: Path) -> None:
    assert cqtui("report", "--format", "comment", cwd=folder).stdout == render_comment(
        recommendation(), CommentOptions()
    )
    hidden = cqtui("report", "3f2a", "--format", "comment", "--hide-money", "--comment-key", "a.b", cwd=folder).stdout
    assert hidden == render_comment(recommendation(), CommentOptions(key="a.b", show_money=False))
    assert "$" not in hidden


def test_a_key_that_is_none_is_refused(folder: Path) -> None:
    refused(cqtui("report", "--format", "comment", "--comment-key", "a -->", cwd=folder), 2, "letters, digits")


def test_own_templates_by_option_and_by_setting(folder: Path) -> None:
    own = folder / "own"
    own.mkdir()
    text = '{% extends "cqtui/comment.md.j2" %}{% block headline %}### Ours\n{% endblock %}'
    (own / "comment.md.j2").write_text(text, encoding="utf-8")
    assert "### Ours" in cqtui("report", "--format", "comment", "--templates", "own", cwd=folder).stdout
    (folder / "cqtui.toml").write_text('[report]\ntemplates = "own"\n', encoding="utf-8")
    assert "### Ours" in cqtui("report", "--format", "comment", cwd=folder).stdout
    (own / "report.md.j2").write_text("\n{% block %}", encoding="utf-8")
    refused(cqtui("report", cwd=folder), 2, "report.md.j2:2: ")
    refused(cqtui("report", "--templates", "missing", cwd=folder), 2, "no such folder")


def test_write_report_twice_changes_nothing(log: Path, tmp_path: Path) -> None:
    arguments = ("optimize", str(log), *REHEARSE, "--write-report", "docs/cqtui")
    first = cqtui(*arguments, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "docs/cqtui: wrote report.md, run.json." in first.stderr
    docs = tmp_path / "docs" / "cqtui"
    before = {path.name: path.read_bytes() for path in docs.iterdir()}
    assert set(before) == {"report.md", "run.json"}  # a rehearsal has no place in the history
    assert json.loads(before["run.json"])["evidence_kind"] == "simulated"
    again = cqtui(*arguments, "--no-resume", cwd=tmp_path)
    assert "docs/cqtui: nothing new to write." in again.stderr
    assert {path.name: path.read_bytes() for path in docs.iterdir()} == before


def test_what_is_in_the_way_is_said_before_anything_is_called(log: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").symlink_to(tmp_path)
    done = cqtui("optimize", str(log), *REHEARSE, "--write-report", "docs", cwd=tmp_path)
    refused(done, 2, "a symbolic link")
    assert not (tmp_path / ".cqtui").exists()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "report.md.j2").write_text("{{ }}", encoding="utf-8")
    refused(cqtui("optimize", str(log), *REHEARSE, "--templates", "own", cwd=tmp_path), 2, "report.md.j2:1: ")
    assert not (tmp_path / ".cqtui").exists()
