"""Reads what the workflow says, once: the action's inputs and the runner's variables. Nothing else reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

PREFIX = "CQTUI_INPUT_"
SECRETS = ("portkey_api_key", "github_token")
CHOICES = {
    "comment": ("update", "new", "off"),
    "fail_on": ("never", "regression", "inconclusive"),
    "provider": ("portkey", "recorded", "rehearsal", "local"),
    "show_money": ("auto", "true", "false"),
    "dry_run": ("true", "false"),
    "excerpts": ("true", "false"),
    "allow_pull_request_target": ("true", "false"),
}
_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")


class InputError(Exception):
    """An input is wrong; the text is for the user."""


@dataclass(frozen=True)
class Inputs:
    """The action's inputs, by their names with underscores; empty where the workflow says nothing."""

    logs: str = ""
    candidates: str = ""
    judge: str = ""
    config: str = "cqtui.toml"
    profile: str = ""
    guardrails: str = ""
    budget_usd: str = ""
    max_samples: str = ""
    quality_margin: str = ""
    as_of: str = ""
    fail_on: str = "never"
    comment: str = "update"
    comment_key: str = "default"
    portkey_api_key: str = field(default="", repr=False)
    portkey_base_url: str = ""
    github_token: str = field(default="", repr=False)
    working_directory: str = "."
    dry_run: str = "false"
    provider: str = "portkey"
    recording: str = ""
    show_money: str = "auto"
    excerpts: str = "false"
    write_report: str = ""
    post_result: str = ""
    allow_pull_request_target: str = "false"

    @property
    def log_patterns(self) -> list[str]:
        """Log files or patterns, one a line or separated by blanks."""
        return self.logs.split()


def read_inputs(environment: Mapping[str, str]) -> Inputs:
    """The inputs out of the environment, where ``action.yml`` puts them.

    Raises:
        InputError: A value is none of those allowed.
    """
    given = {}
    for each in fields(Inputs):
        value = environment.get(PREFIX + each.name.upper(), "").strip()
        if value:
            given[each.name] = value
    inputs = Inputs(**given)
    for name, allowed in CHOICES.items():
        value = getattr(inputs, name)
        if value not in allowed:
            raise InputError(f"{name.replace('_', '-')}: {value!r} is none of {', '.join(allowed)}.")
    if not _KEY.fullmatch(inputs.comment_key):
        raise InputError("comment-key: letters, digits, dots, dashes and underscores only, at most 64.")
    return inputs


@dataclass(frozen=True)
class Runner:
    """Where the action runs: GitHub's variables and files, and the event."""

    event_name: str
    event: Mapping[str, Any]
    repository: str
    sha: str
    api_url: str
    server_url: str
    run_id: str
    workspace: Path
    temp: Path
    output_file: Path | None
    summary_file: Path | None

    @property
    def pull_request(self) -> Mapping[str, Any] | None:
        """The pull request of the event, or None."""
        found = self.event.get("pull_request")
        return found if isinstance(found, Mapping) else None

    @property
    def is_private(self) -> bool:
        """Whether the repository is private; unknown counts as public."""
        repository = self.event.get("repository")
        return isinstance(repository, Mapping) and repository.get("private") is True


def read_runner(environment: Mapping[str, str]) -> Runner:
    """The runner's variables, and the event's file.

    Raises:
        InputError: This is no GitHub runner, or its event cannot be read.
    """

    def path(name: str) -> Path | None:
        return Path(environment[name]) if environment.get(name) else None

    event_path = path("GITHUB_EVENT_PATH")
    try:
        event = json.loads(event_path.read_text(encoding="utf-8")) if event_path is not None else {}
    except (OSError, ValueError) as error:
        raise InputError(f"The event of this workflow run cannot be read: {error}.") from None
    repository = environment.get("GITHUB_REPOSITORY", "")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise InputError("GITHUB_REPOSITORY is not set: this runs in a GitHub workflow only.")
    workspace = Path(environment.get("GITHUB_WORKSPACE", ".")).resolve()
    return Runner(
        event_name=environment.get("GITHUB_EVENT_NAME", ""),
        event=event if isinstance(event, dict) else {},
        repository=repository,
        sha=environment.get("GITHUB_SHA", ""),
        api_url=environment.get("GITHUB_API_URL", "https://api.github.com").rstrip("/"),
        server_url=environment.get("GITHUB_SERVER_URL", "https://github.com").rstrip("/"),
        run_id=environment.get("GITHUB_RUN_ID", ""),
        workspace=workspace,
        temp=Path(environment.get("RUNNER_TEMP") or workspace / ".cqtui").resolve(),
        output_file=path("GITHUB_OUTPUT"),
        summary_file=path("GITHUB_STEP_SUMMARY"),
    )
