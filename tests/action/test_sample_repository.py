"""The sample repository: its recording answers all of its log, and its scheduled workflow opens one pull request."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.action.runner import ROOT

SAMPLE = ROOT / "examples/action-repository"
RECORDING = SAMPLE / "recordings/answers.jsonl"
FOLDER, BRANCH = "docs/llm-costs", "cqtui/report"


def test_the_log_is_the_beginning_of_the_examples() -> None:
    whole = (ROOT / "examples/support-desk/logs/october.jsonl").read_text(encoding="utf-8").splitlines()
    assert (SAMPLE / "logs/october.jsonl").read_text(encoding="utf-8").splitlines() == whole[:40]


def test_every_recorded_answer_says_that_it_is_simulated() -> None:
    assert RECORDING.stat().st_size < 300_000
    lines = [json.loads(line) for line in RECORDING.read_text(encoding="utf-8").splitlines()]
    assert {line["evidence"] for line in lines} == {"simulated"}


def test_the_recording_answers_everything_and_stays_a_rehearsal(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    shutil.copytree(SAMPLE, folder)
    options = ["--provider=recorded", "--recording=recordings/answers.jsonl", "--as-of=2026-11-26", "--yes"]
    done = subprocess.run(
        [sys.executable, "-m", "cqtui", "optimize", *options, "--display=plain", "--json-file=result.json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Rehearsal: simulated answers. Not evidence." in done.stdout
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert result["evidence_kind"] == "simulated"
    assert result["grade"] != "verified"
    tried = {each["model"]: each["ledger"] for each in result["candidates"]}
    assert set(tried) == {"openai/gpt-6.1-terra", "openai/gpt-5.6-luna"}
    assert [(each["replayed"], each["failed"]) for each in tried.values()] == [(40, {}), (40, {})]


# the script of cqtui-report.yml, against a bare repository and a gh of the test's own

GH = """#!/usr/bin/env bash
printf '%s\\n' "$*" >>"$GH_CALLS"
case "$1 $2" in
  "pr list") if [ -e "$GH_CALLS.open" ]; then echo 7; fi ;;
  "pr create") touch "$GH_CALLS.open" ;;
esac
"""


@dataclass
class Schedule:
    """A clone of a repository in which the scheduled workflow's last step runs."""

    folder: Path
    calls: Path
    environment: dict[str, str]

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return done.stdout.strip()

    def report(self, text: str) -> None:
        (self.folder / FOLDER).mkdir(parents=True, exist_ok=True)
        (self.folder / FOLDER / "report.md").write_text(text, encoding="utf-8")

    def run(self) -> list[str]:
        """Run the step; gives what it asked of gh."""
        workflow = yaml.safe_load((SAMPLE / ".github/workflows/cqtui-report.yml").read_text(encoding="utf-8"))
        step = workflow["jobs"]["report"]["steps"][-1]
        self.calls.write_text("", encoding="utf-8")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.folder,
            env={**self.environment, **step["env"]},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return self.calls.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def schedule(tmp_path: Path) -> Schedule:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "gh").write_text(GH, encoding="utf-8")
    (programs / "gh").chmod(0o755)
    environment = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GH_CALLS": str(tmp_path / "calls"),
        "GITHUB_REF_NAME": "main",
        "GITHUB_SERVER_URL": "https://github.example.com",
        "GITHUB_REPOSITORY": "acme/support",
        "GITHUB_RUN_ID": "42",
    }
    made = Schedule(tmp_path / "clone", tmp_path / "calls", environment)
    made.folder.mkdir()
    origin = tmp_path / "origin.git"
    made.git("init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("remote", "add", "origin", str(origin))
    author = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    made.git(*author, "commit", "--quiet", "--allow-empty", "--message", "Begin")
    made.git("push", "--quiet", "origin", "main")
    return made


def test_without_a_change_nothing_is_pushed(schedule: Schedule) -> None:
    (schedule.folder / "elsewhere.txt").write_text("not of the report", encoding="utf-8")
    assert schedule.run() == []
    assert schedule.git("ls-remote", "--heads", "origin", BRANCH) == ""


def test_a_changed_report_is_pushed_and_one_pull_request_opened(schedule: Schedule) -> None:
    (schedule.folder / "elsewhere.txt").write_text("not of the report", encoding="utf-8")
    schedule.report("first")
    calls = schedule.run()
    assert [call.split()[:2] for call in calls] == [["auth", "setup-git"], ["pr", "list"], ["pr", "create"]]
    assert f"--base main --head {BRANCH}" in calls[-1]
    assert "https://github.example.com/acme/support/actions/runs/42" in calls[-1]
    assert schedule.git("show", "--name-only", "--format=", f"origin/{BRANCH}") == f"{FOLDER}/report.md"

    # next week, from the default branch, with that pull request still open
    schedule.git("switch", "--quiet", "main")
    schedule.git("branch", "--quiet", "-D", BRANCH)
    schedule.report("second")
    calls = schedule.run()
    assert [call.split()[:2] for call in calls] == [["auth", "setup-git"], ["pr", "list"]]
    assert schedule.git("show", f"origin/{BRANCH}:{FOLDER}/report.md") == "second"
    assert schedule.git("rev-list", "--count", f"main..origin/{BRANCH}") == "1"
