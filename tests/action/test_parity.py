"""Every input of action.yml reaches the command or the comment, and every output is set."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from action.github import GitHub
from action.inputs import PREFIX, Inputs, Runner, read_inputs
from action.main import Action
from action.reporting import OUTPUTS
from tests.action.fake_github import REPOSITORY, FakeGitHub, running_github
from tests.action.runner import action_definition, read_outputs
from tests.action.test_checks import BASE

# What each input is seen as in the arguments of the command.
AS_OPTION = {
    "candidates": ("a/b", "--candidates=a/b"),
    "judge": ("a/j", "--judge=a/j"),
    "profile": ("shop", "--profile=shop"),
    "guardrails": ("strict", "--guardrails=strict"),
    "budget-usd": ("3", "--budget-usd=3"),
    "max-samples": ("30", "--max-samples=30"),
    "quality-margin": ("4", "--quality-margin=4"),
    "as-of": ("2026-11-25", "--as-of=2026-11-25"),
    "fail-on": ("regression", "--fail-on=regression"),
    "portkey-base-url": ("http://gw/v1", "--base-url=http://gw/v1"),
    "logs": ("logs/*.jsonl", "october.jsonl"),
    "comment-key": ("nightly", "--comment-key=nightly"),
    "show-money": ("false", "--hide-money"),
    "excerpts": ("true", "--excerpts"),
    "provider": ("rehearsal", "rehearsal"),
    "write-report": ("reports", "--write-report="),
    "dry-run": ("true", "--dry-run"),
    "recording": ("logs/october.jsonl", "--recording="),
}
# What is seen elsewhere, and by which test.
ELSEWHERE = {
    "config": "test_checks: paths",
    "working-directory": "test_checks: paths",
    "comment": "below",
    "portkey-api-key": "below",
    "github-token": "test_github: tokens",
    "post-result": "test_end_to_end: a stranger's result",
    "allow-pull-request-target": "test_end_to_end: what a workflow must say",
}


class Command:
    """The command, as far as the action sees it; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        self.asked.append(list(arguments))
        for argument in arguments:
            if argument.endswith("response.json"):
                Path(argument).write_text(json.dumps({"run_id": "r", "grade": "keep"}), encoding="utf-8")
        text = json.dumps({"candidates": [], "calls": 0}) if "--dry-run" in arguments else "<!-- m -->\n"
        return subprocess.CompletedProcess(list(arguments), 0, text, "")


def run(folder: Path, fake: FakeGitHub, event_name: str = "schedule", **inputs: str) -> tuple[list[str], Runner]:
    """Run the action; gives all arguments that the command got."""
    work = folder / "work"
    (work / "logs").mkdir(parents=True)
    (work / "logs" / "october.jsonl").write_text("{}\n", encoding="utf-8")
    (work / "cqtui.toml").write_bytes(BASE)
    temp = folder / "temp"
    temp.mkdir()
    event: dict[str, Any] = {"repository": {"private": True}}
    if event_name == "pull_request":
        event["pull_request"] = {"number": 7, "base": {"sha": "base-sha"}, "head": {"sha": "head-sha"}}
    runner = Runner(
        event_name=event_name,
        event=event,
        repository=REPOSITORY,
        sha="abcd1234",
        api_url=fake.url,
        server_url="",
        run_id="1",
        workspace=work.resolve(),
        temp=temp.resolve(),
        output_file=folder / "output",
        summary_file=folder / "summary",
    )
    given = {PREFIX + name.replace("-", "_").upper(): value for name, value in inputs.items()}
    command, github = Command(), GitHub(fake.url, REPOSITORY, "t")
    assert Action(read_inputs(given), runner, {}, github, command, lambda line: None).run() == 0
    github.close()
    return [argument for each in command.asked for argument in each], runner


def test_the_table_knows_every_input() -> None:
    assert {*AS_OPTION, *ELSEWHERE} == set(action_definition()["inputs"])
    names = {name.replace("_", "-") for name in Inputs.__dataclass_fields__}
    assert names == set(action_definition()["inputs"])


@pytest.mark.parametrize("name", AS_OPTION)
def test_an_input_reaches_the_command(name: str, tmp_path: Path) -> None:
    value, option = AS_OPTION[name]
    basis = {"portkey-base-url": "http://gw/v1", "budget-usd": "1"}
    if name == "recording":
        basis = {"provider": "recorded"}
    with running_github() as fake:
        arguments, _ = run(tmp_path, fake, **{**basis, name: value})
    assert any(argument == option or argument.startswith(option) or argument.endswith(option) for argument in arguments)


def test_every_step_of_action_yml_hands_its_inputs_on() -> None:
    (step,) = (each for each in action_definition()["runs"]["steps"] if each["id"] == "run")
    for name in action_definition()["inputs"]:
        assert step["env"][PREFIX + name.replace("-", "_").upper()] == f"${{{{ inputs.{name} }}}}"


def test_every_output_is_set_and_declared(tmp_path: Path) -> None:
    with running_github() as fake:
        _, runner = run(tmp_path, fake, **{"portkey-base-url": "http://gw/v1", "budget-usd": "1"})
    assert runner.output_file is not None
    assert set(read_outputs(runner.output_file.read_text(encoding="utf-8"))) == set(OUTPUTS)
    declared = action_definition()["outputs"]
    assert set(declared) == set(OUTPUTS)
    for name, each in declared.items():
        assert each["value"] == f"${{{{ steps.run.outputs.{name} }}}}"


@pytest.mark.parametrize(("comment", "count"), [("update", 1), ("new", 1), ("off", 0)])
def test_a_comment_is_written_as_asked(comment: str, count: int, tmp_path: Path) -> None:
    with running_github() as fake:
        fake.files["cqtui.toml", "base-sha"] = BASE
        fake.changed = [{"filename": "logs/october.jsonl"}]
        run(tmp_path, fake, "pull_request", comment=comment)
        assert len(fake.ours) == count
