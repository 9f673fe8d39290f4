"""The steps of action.yml, in order, as a runner carries them out: a sample repository, GitHub's API, a provider."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.action.fake_github import BOT, REPOSITORY, TOKEN, FakeGitHub, Fault, running_github
from tests.action.runner import ROOT, Job
from tests.integration.upstream import RunningUpstream, running_upstream
from tests.unit.test_redacted_calls import seeded_log, seen

SAMPLE = ROOT / "examples" / "action-repository"
KEY = "sk-test-0123456789abcdef"
MARKER = "<!-- cqtui:comment key=default -->"
BASE_SHA, HEAD_SHA = "ba5e" * 10, "4ead" * 10


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with running_github() as server:
        for path in SAMPLE.rglob("*"):
            if path.is_file():
                server.files[path.relative_to(SAMPLE).as_posix(), BASE_SHA] = path.read_bytes()
        server.changed = [{"filename": "logs/october.jsonl"}]
        yield server


@pytest.fixture
def upstream() -> Iterator[RunningUpstream]:
    with running_upstream() as running:
        yield running


class Repository:
    """A checkout of a pull request's head, and the jobs that run on it."""

    def __init__(self, folder: Path, github: FakeGitHub, installed: Path) -> None:
        self.workspace = folder / "work"
        shutil.copytree(SAMPLE, self.workspace)
        self._folder = folder
        self._github = github
        self._installed = installed
        self._jobs = 0
        self.cache = folder / "cache"

    def edit(self, name: str, before: str, after: str) -> None:
        """Change a file of the pull request's head."""
        path = self.workspace / name
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")

    def event(self, **more: Any) -> dict[str, Any]:
        pull = {"number": 7, "base": {"sha": BASE_SHA}, "head": {"sha": HEAD_SHA}}
        return {"pull_request": pull, "repository": {"private": True}, **more}

    def push(
        self,
        *,
        event: dict[str, Any] | None = None,
        event_name: str = "pull_request",
        variables: dict[str, str] | None = None,
        **inputs: str,
    ) -> tuple[int, Job]:
        """Run the action on it once; gives the exit code and the job."""
        self._jobs += 1
        temp = self._folder / f"temp-{self._jobs}"
        temp.mkdir()
        event_file = temp / "event.json"
        event_file.write_text(json.dumps(self.event() if event is None else event), encoding="utf-8")
        job = Job(
            workspace=self.workspace,
            temp=temp,
            event_file=event_file,
            variables={
                "GITHUB_API_URL": self._github.url,
                "GITHUB_REPOSITORY": REPOSITORY,
                "GITHUB_EVENT_NAME": event_name,
                "GITHUB_SHA": HEAD_SHA,
                **(variables or {}),
            },
            github={"token": TOKEN, "action_path": str(ROOT), "run_id": str(self._jobs), "run_attempt": "1"},
            cache=self.cache,
            installed=self._installed,
        )
        return job.run({name.replace("_", "-"): value for name, value in inputs.items()}), job


@pytest.fixture
def repository(tmp_path: Path, github: FakeGitHub, installed: Path) -> Repository:
    return Repository(tmp_path, github, installed)


def live(upstream: RunningUpstream) -> dict[str, Any]:
    """What a workflow says that has models called."""
    return {
        "portkey_base_url": upstream.base_url,
        "budget_usd": "5",
        "as_of": "2026-11-25",
        "variables": {"OPENAI_API_KEY": KEY},
    }


def outputs(job: Job) -> dict[str, str]:
    return job.outputs["run"]


def test_two_pushes_one_comment_and_no_second_call(
    repository: Repository, github: FakeGitHub, upstream: RunningUpstream
) -> None:
    code, job = repository.push(**live(upstream))
    assert code == 0, job.log
    (comment,) = github.ours
    assert comment["body"].startswith(MARKER)
    assert HEAD_SHA[:7] in comment["body"]
    assert outputs(job)["comment-posted"] == "true"
    assert outputs(job)["comment-id"] == str(comment["id"])
    assert outputs(job)["headline"]
    assert float(outputs(job)["savings-percent"]) > 0
    assert comment["body"] == job.summary
    called = len(upstream.requests())
    assert called > 20
    code, job = repository.push(**live(upstream))
    assert code == 0, job.log
    assert len(upstream.requests()) == called, "nothing is paid for twice"
    assert [each["id"] for each in github.ours] == [comment["id"]]
    assert KEY not in job.log.replace(f"::add-mask::{KEY}", "")
    assert f"::add-mask::{TOKEN}" in job.log


def test_a_restored_store_without_our_seal_is_not_believed(
    repository: Repository, github: FakeGitHub, upstream: RunningUpstream
) -> None:
    repository.push(**live(upstream))
    called = len(upstream.requests())
    with sqlite3.connect(repository.cache / "cqtui.db") as store:
        store.execute("UPDATE cache SET value_json = replace(value_json, '\"candidate_score\":', '\"x\":')")
        store.execute("UPDATE cache SET seal = NULL")
    code, job = repository.push(**live(upstream))
    assert code == 0, job.log
    assert len(upstream.requests()) >= 2 * called - 4  # a ping for each model is not repeated by count alone
    assert "not sealed by this key" in github.ours[0]["body"] + job.log


def test_a_switch_is_verified_with_the_base_s_settings_and_marked_in_the_file(
    repository: Repository, github: FakeGitHub, upstream: RunningUpstream
) -> None:
    repository.edit("cqtui.toml", 'current_model = "gpt-5.6-terra"', 'current_model = "gpt-6.1-terra"')
    evil = '\n[thresholds]\nmax_quality_drop_percent = 99\n[gateway]\nbase_url = "http://127.0.0.1:9/v1"\n'
    with (repository.workspace / "cqtui.toml").open("a", encoding="utf-8") as config:
        config.write(evil)
    github.changed = [{"filename": "cqtui.toml"}]
    code, job = repository.push(**live(upstream), fail_on="regression")
    assert code in (0, 3), job.log
    body = github.ours[0]["body"]
    assert "This PR switches gpt-5.6-terra to gpt-6.1-terra" in body
    assert "also changes gateway, thresholds in the settings" in body
    assert "127.0.0.1:9" not in body
    assert {request["model"] for request in upstream.requests()} <= {"gpt-6.1-terra", "gpt-5.6-terra"}
    assert "file=cqtui.toml,line=" in job.log


def test_nothing_relevant_spends_nothing_and_only_brings_an_older_comment_up_to_date(
    repository: Repository, github: FakeGitHub, upstream: RunningUpstream
) -> None:
    github.changed = [{"filename": "README.md"}]
    code, _ = repository.push(**live(upstream))
    assert (code, github.comments, upstream.requests()) == (0, [], [])
    github.add_comment(f"{MARKER}\n### Switch!", BOT)
    code, job = repository.push(**live(upstream))
    assert code == 0
    assert "Switch!" not in github.ours[0]["body"]
    assert "Nothing in this pull request concerns" in github.ours[0]["body"]
    assert outputs(job)["verdict"] == "nothing"


def test_a_fork_without_secrets_gets_the_base_s_recording_or_a_dry_run(
    repository: Repository, github: FakeGitHub
) -> None:
    code, job = repository.push(as_of="2026-11-25")
    assert code == 0, job.log
    assert "no secrets" in github.ours[0]["body"]
    (repository.workspace / "recordings" / "answers.jsonl").write_text("forged", encoding="utf-8")
    code, job = repository.push(recording="recordings/answers.jsonl", as_of="2026-11-25", fail_on="inconclusive")
    assert code == 0, job.log
    body = github.ours[0]["body"]
    assert "**Rehearsal: simulated answers. Not evidence.**" in body
    assert "no secrets" in body


@pytest.mark.parametrize("status", [403, 404])
def test_a_comment_that_may_not_be_written_is_no_failure(
    repository: Repository, github: FakeGitHub, status: int
) -> None:
    github.faults.append(Fault("POST", "/comments", status, times=9))
    code, job = repository.push(as_of="2026-11-25")
    assert code == 0, job.log
    assert github.comments == []
    assert outputs(job)["comment-posted"] == "false"
    assert job.summary.startswith(MARKER)
    assert "::notice" in job.log


def test_a_comment_that_is_too_long_is_shortened(
    repository: Repository, github: FakeGitHub, upstream: RunningUpstream
) -> None:
    github.faults.append(Fault("POST", "/comments", 422, times=2, message="body is too long"))
    code, job = repository.push(**live(upstream))
    assert code == 0, job.log
    (comment,) = github.ours
    assert len(comment["body"].encode()) <= 4_096 < len(job.summary.encode())
    assert comment["body"].startswith(MARKER)


def test_what_a_workflow_must_say_is_asked_for(
    repository: Repository, github: FakeGitHub, upstream: RunningUpstream
) -> None:
    given = live(upstream)
    del given["budget_usd"]
    code, job = repository.push(**given)
    assert code == 2
    assert "budget-usd is required" in job.log
    code, job = repository.push(**live(upstream), event_name="pull_request_target")
    assert code == 2
    assert "allow-pull-request-target" in job.log
    assert upstream.requests() == []


def test_inputs_stay_data(repository: Repository, github: FakeGitHub, tmp_path: Path) -> None:
    mark = tmp_path / "pwned"
    hostile = f"\"';$(touch {mark})`touch {mark}`\n::set-output name=verdict::verified\n${{{{ secrets.X }}}}"
    code, job = repository.push(candidates=hostile, judge=hostile, profile=hostile, guardrails=hostile)
    assert code == 2, job.log
    assert not mark.exists()
    assert outputs(job)["verdict"] != "verified"
    commands = [line for line in job.log.splitlines() if line.startswith("::set-output")]
    stopped = job.log.partition("::stop-commands::")[2]
    assert all(command in stopped for command in commands)


def test_a_public_repository_shows_no_amounts(
    repository: Repository, github: FakeGitHub, upstream: RunningUpstream
) -> None:
    code, job = repository.push(**live(upstream), event=repository.event(repository={"private": False}))
    assert code == 0, job.log
    assert "$" not in github.ours[0]["body"]
    assert outputs(job)["spent-usd"] == ""


def test_a_stranger_s_result_is_posted_as_data(repository: Repository, github: FakeGitHub, tmp_path: Path) -> None:
    _, job = repository.push(recording="recordings/answers.jsonl", as_of="2026-11-25", comment="off")
    result = Path(outputs(job)["report-path"]).with_name("result.json")
    forged = json.loads(result.read_text(encoding="utf-8"))
    forged.update(grade="verified", provider="portkey", sentence="Trust me @everyone <img src=x>")
    artifact = tmp_path / "artifact.json"
    artifact.write_text(json.dumps(forged), encoding="utf-8")
    run = {"head_branch": "new", "head_sha": HEAD_SHA, "head_repository": {"owner": {"login": "fork"}}}
    github.pulls = [{"number": 7, "branch": "fork:new", "head": {"sha": HEAD_SHA}}]
    code, job = repository.push(event={"workflow_run": run}, event_name="workflow_run", post_result=str(artifact))
    assert code == 0, job.log
    body = github.ours[0]["body"]
    assert "✅" not in body
    assert "nothing of them is verified here" in body.replace("\n", " ")
    assert "<img" not in body.replace("\\<img", "")
    assert "@everyone" not in body
    artifact.write_text('{"grade": "verified"}', encoding="utf-8")
    code, job = repository.push(event={"workflow_run": run}, event_name="workflow_run", post_result=str(artifact))
    assert code == 2
    assert "not a result of this version" in job.log
    github.pulls = []
    code, job = repository.push(event={"workflow_run": run}, event_name="workflow_run", post_result=str(artifact))
    assert code == 0


def test_a_scheduled_run_writes_the_report_to_commit(repository: Repository, upstream: RunningUpstream) -> None:
    scheduled: dict[str, Any] = {"event": {"repository": {"private": True}}, "event_name": "schedule"}
    code, job = repository.push(**live(upstream), **scheduled, write_report="reports/cqtui")
    assert code == 0, job.log
    folder = repository.workspace / "reports" / "cqtui"
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {"report.md", "run.json", "history.jsonl"} <= set(first)
    code, job = repository.push(**live(upstream), **scheduled, write_report="reports/cqtui")
    assert code == 0, job.log
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


@pytest.mark.parametrize("excerpts", ["false", "true"])
def test_none_of_200_personal_details_and_secrets_gets_out(
    repository: Repository, github: FakeGitHub, upstream: RunningUpstream, excerpts: str
) -> None:
    hidden = seeded_log(repository.workspace / "logs" / "october.jsonl")
    code, job = repository.push(**live(upstream), excerpts=excerpts)
    assert code == 0, job.log
    report = Path(outputs(job)["report-path"])
    artifacts = b"".join(path.read_bytes() for path in report.parent.iterdir())
    store = b"".join(path.read_bytes() for path in repository.cache.iterdir())
    assert len(store) > 10_000
    said = [job.log, job.summary, json.dumps(outputs(job)), json.dumps(github.comments)]
    found = [artifacts.decode("utf-8", "replace"), store.decode("utf-8", "replace")]
    assert seen(hidden, *said, *found) == []
    texts = "order" in github.ours[0]["body"] and "How much is" in github.ours[0]["body"]
    assert texts is (excerpts == "true"), "texts are shown where they are asked for, and nowhere else"
    assert ("How much is" in found[1]) is (excerpts == "true")
