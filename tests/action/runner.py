"""Carries out the steps of action.yml in order, as a runner does: environment files, expressions, conditions, cache.

Steps that use other actions are stood in for: setup-python gives this Python, the cache is a folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)


def action_definition() -> dict[str, Any]:
    """action.yml."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    return found


@dataclass
class Job:
    """A job in whose workspace the action runs; ``github`` are the values of that context."""

    workspace: Path
    temp: Path
    event_file: Path
    variables: dict[str, str]
    github: dict[str, str]
    cache: Path
    python: str = sys.executable
    installed: Path | None = None
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    log: str = ""
    summary: str = ""

    def run(self, inputs: dict[str, str]) -> int:
        """Run the action's steps; gives the exit code of the first that failed, else 0."""
        definition = action_definition()
        given = {name: str(each.get("default", "")) for name, each in definition["inputs"].items()}
        given = {name: self._resolve(value, {}) for name, value in given.items()} | inputs
        code = 0
        for step in definition["runs"]["steps"]:
            condition = str(step.get("if", ""))
            if code and "always()" not in condition:
                continue
            if "outcome == 'success'" in condition and self.outcomes.get("install") != "success":
                continue
            failed = self._step(step, given)
            self.outcomes[step["id"]] = "failure" if failed else "success"
            code = code or failed
        return code

    def _resolve(self, text: str, inputs: dict[str, str]) -> str:
        def value(match: re.Match[str]) -> str:
            name = match.group(1)
            if name.startswith("inputs."):
                return inputs.get(name.removeprefix("inputs."), "")
            if name.startswith("github."):
                return self.github.get(name.removeprefix("github."), "")
            if name == "runner.temp":
                return str(self.temp)
            step, _, output = name.removeprefix("steps.").partition(".outputs.")
            return self.outputs.get(step, {}).get(output, "")

        return _EXPRESSION.sub(value, text)

    def _step(self, step: dict[str, Any], inputs: dict[str, str]) -> int:
        uses = step.get("uses", "")
        if uses.startswith("actions/setup-python@"):
            self.outputs[step["id"]] = {"python-path": self.python}
            return 0
        if uses.startswith("actions/cache/"):
            self._cache(uses, Path(self._resolve(step["with"]["path"], inputs)))
            return 0
        assert "${{" not in step["run"], "an input in shell text would be run"
        if step["id"] == "install" and self.installed is not None:  # installed once for all tests
            self.outputs["install"] = {"python": str(self.installed)}
            return 0
        return self._script(step, inputs)

    def _script(self, step: dict[str, Any], inputs: dict[str, str]) -> int:
        output, summary = self.temp / f"output-{step['id']}", self.temp / f"summary-{step['id']}"
        for file in (output, summary):
            file.write_text("", encoding="utf-8")
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            **self.variables,
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_EVENT_PATH": str(self.event_file),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
            **{name: self._resolve(str(value), inputs) for name, value in step.get("env", {}).items()},
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.workspace,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        self.log += done.stdout + done.stderr
        self.summary += summary.read_text(encoding="utf-8")
        self.outputs[step["id"]] = read_outputs(output.read_text(encoding="utf-8"))
        return done.returncode

    def _cache(self, uses: str, path: Path) -> None:
        source, target = (self.cache, path) if "/restore@" in uses else (path, self.cache)
        if source.exists():
            shutil.copytree(source, target, dirs_exist_ok=True)


def read_outputs(text: str) -> dict[str, str]:
    """What a step wrote to its output file, in both of the runner's forms."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, mark, value = line.partition("<<")
        if mark and "=" not in name:
            body = []
            for inner in lines:
                if inner == value:
                    break
                body.append(inner)
            found[name] = "\n".join(body)
        elif "=" in line:
            name, _, value = line.partition("=")
            found[name] = value
    return found
