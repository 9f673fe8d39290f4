"""The action's metadata, its documentation and its sample workflows say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

from action.inputs import CHOICES
from tests.action.runner import ROOT, action_definition

SAMPLES = sorted((ROOT / "examples/action-repository/.github/workflows").glob("*.yml"))
OWN = sorted((ROOT / ".github/workflows").glob("*.yml"))
DOCUMENT = (ROOT / "docs/github-action.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
OUR_ACTION = "cqtui/cqtui"
_FENCED = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_EMBEDDED = re.compile(
    r"^\[([\w-]+\.yml)\]\(\.\./examples/action-repository/\.github/workflows/\1\):\n\n```yaml\n(.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_PIN = re.compile(r"uses: ([\w.-]+/[\w./-]+)@([0-9a-f]{40})\b.*# (v\d+\.\d+\.\d+|put the commit of the release here)$")


def _ten_lines() -> str:
    return str(_FENCED.findall(DOCUMENT)[0])


def _workflow(text: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(text)
    return found


def _texts() -> Iterator[Any]:
    """Every workflow: the samples, the short one of the documents, and this project's own."""
    for path in (*SAMPLES, *OWN):
        yield pytest.param(path.read_text(encoding="utf-8"), id=path.name)
    yield pytest.param(_ten_lines(), id="ten lines")


def _steps(text: str) -> list[dict[str, Any]]:
    return [step for job in _workflow(text)["jobs"].values() for step in job["steps"]]


def _table(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    section = DOCUMENT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


# action.yml and the tables


def test_inputs_and_their_defaults_are_documented() -> None:
    documented = {name.strip("`"): default.strip("`") for name, default, _ in _table("Inputs")}
    defined = {name: str(each.get("default", "")) for name, each in action_definition()["inputs"].items()}
    assert documented == defined
    assert list(documented) == list(defined)


def test_outputs_are_documented() -> None:
    assert [name.strip("`") for name, _ in _table("Outputs")] == list(action_definition()["outputs"])


def test_choices_in_the_table_are_those_of_the_inputs() -> None:
    words = {name.strip("`"): text for name, _, text in _table("Inputs")}
    for name, allowed in CHOICES.items():
        if "false" not in allowed:
            missing = [value for value in allowed if f"`{value}`" not in words[name.replace("_", "-")]]
            assert not missing, name


# the documents and the files


def test_documents_embed_every_sample_as_it_is() -> None:
    embedded = dict(_EMBEDDED.findall(DOCUMENT))
    assert embedded == {path.name: path.read_text(encoding="utf-8") for path in SAMPLES}
    assert len(_FENCED.findall(DOCUMENT)) == len(SAMPLES) + 1


def test_ten_lines_are_ten_and_the_readme_has_the_same() -> None:
    assert len(_ten_lines().splitlines()) == 10
    assert f"```yaml\n{_ten_lines()}```" in README


def test_links_within_the_documentation_lead_somewhere() -> None:
    def anchor(heading: str) -> str:
        return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")

    without_code = re.sub(r"^```.*?^```$", "", DOCUMENT, flags=re.DOTALL | re.MULTILINE)
    anchors = {anchor(title) for title in re.findall(r"^#+ (.+)$", without_code, re.MULTILINE)}
    linked = set(re.findall(r"\]\(#([^)]+)\)", without_code))
    assert linked <= anchors
    files = re.findall(r"\]\((\.\.?/[^)#]+)", without_code)
    assert [name for name in files if not (ROOT / "docs" / name).exists()] == []


# the workflows


@pytest.mark.parametrize("text", _texts())
def test_what_a_workflow_hands_to_the_action_are_inputs(text: str) -> None:
    inputs = set(action_definition()["inputs"])
    ours = [step for step in _steps(text) if step.get("uses", "").startswith((f"{OUR_ACTION}@", "./"))]
    assert all(set(step.get("with", {})) <= inputs for step in ours)


@pytest.mark.parametrize("text", _texts())
def test_outputs_that_a_workflow_reads_exist(text: str) -> None:
    read = set(re.findall(r"steps\.cqtui\.outputs\.([\w-]+)", text))
    assert read <= set(action_definition()["outputs"])


@pytest.mark.parametrize("text", _texts())
def test_actions_are_pinned_by_commit(text: str) -> None:
    for line in text.splitlines():
        if "uses:" not in line or "uses: ./" in line:
            continue
        pin = _PIN.search(line)
        assert pin, line
        assert (pin.group(1) == OUR_ACTION) == pin.group(3).startswith("put"), line


def test_the_same_action_is_pinned_alike_everywhere() -> None:
    everything = "\n".join(
        [path.read_text(encoding="utf-8") for path in (*SAMPLES, *OWN, ROOT / "action.yml")] + [DOCUMENT]
    )
    pins: dict[str, set[tuple[str, str]]] = {}
    for name, commit, version in re.findall(
        r"uses: (actions/[\w-]+)[\w/-]*@(\w+).*# (v[\d.]+)$", everything, re.MULTILINE
    ):
        pins.setdefault(name, set()).add((commit, version))
    assert len(pins) == 5
    assert {name: found for name, found in pins.items() if len(found) != 1} == {}


@pytest.mark.parametrize("text", _texts())
def test_checkouts_leave_no_token_behind(text: str) -> None:
    checkouts = [step for step in _steps(text) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("path", [*SAMPLES, *OWN], ids=lambda path: path.name)
def test_permissions_are_asked_for_by_the_job_alone_and_time_is_limited(path: Path) -> None:
    workflow = _workflow(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"]
        assert job["timeout-minutes"] <= 60
        assert "concurrency" in {**workflow, **job}


@pytest.mark.parametrize("text", _texts())
def test_where_a_run_may_cost_money_a_second_waits_for_it(text: str) -> None:
    workflow = _workflow(text)
    for job in workflow["jobs"].values():
        paid = any("budget-usd" in step.get("with", {}) for step in job["steps"])
        group = job.get("concurrency", workflow.get("concurrency"))
        if paid and isinstance(group, dict):
            assert group["cancel-in-progress"] is False


@pytest.mark.parametrize("text", _texts())
def test_expressions_are_not_pasted_into_scripts(text: str) -> None:
    assert not [step["run"] for step in _steps(text) if "${{" in step.get("run", "")]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_live_samples_name_a_budget(path: Path) -> None:
    for step in _steps(path.read_text(encoding="utf-8")):
        given = step.get("with", {})
        if "portkey-api-key" in given or "portkey-base-url" in given:
            assert float(given["budget-usd"]) > 0


def test_the_writing_half_of_the_fork_pair_runs_nothing_of_the_fork() -> None:
    folder = ROOT / "examples/action-repository/.github/workflows"
    computing = (folder / "cqtui-fork.yml").read_text(encoding="utf-8")
    writing = (folder / "cqtui-fork-comment.yml").read_text(encoding="utf-8")
    assert "secrets." not in computing + writing
    assert "checkout@" not in writing
    assert [step for step in _steps(writing) if "run" in step] == []
    rights = [job["permissions"] for job in _workflow(computing)["jobs"].values()]
    assert {level for each in rights for level in each.values()} == {"read"}
    # YAML 1.1 reads the key "on" as true
    assert _workflow(writing)[True]["workflow_run"]["workflows"] == [_workflow(computing)["name"]]


# Marketplace


def test_marketplace_finds_what_it_asks_for() -> None:
    definition = action_definition()
    assert all(definition[field].strip() for field in ("name", "description", "author"))
    assert len(definition["description"]) <= 125
    vendored = resources.files("check_jsonschema") / "builtin_schemas/vendor/github-actions.json"
    schema = json.loads(vendored.read_text(encoding="utf-8"))
    allowed = schema["properties"]["branding"]["properties"]
    assert definition["branding"]["icon"] in allowed["icon"]["enum"]
    assert definition["branding"]["color"] in allowed["color"]["enum"]
    assert (ROOT / "README.md").is_file()
