"""What a run of the action has to check, and with whose settings. A pull request's own text is data, never trusted."""

from __future__ import annotations

import fnmatch
import glob
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from action.github import GitHub, decoded
from action.inputs import InputError, Inputs, Runner

REGISTRY = "models.toml"
DEFAULT_LOGS = ("logs/*",)
_MODEL = re.compile(r"[\w@][\w@./:+ =-]{0,127}", re.ASCII)


@dataclass(frozen=True)
class Check:
    """What is to be done.

    Attributes:
        kind: ``log``: is there something better for the log? ``switch``: is the switch that the pull request makes
            a good one? ``nothing``: nothing that matters here has changed.
        reason: Why, in a sentence.
        config: The settings that hold, None for the defaults; of a pull request always those of its base.
        logs: The log's files.
        switch: The model before and the one that the pull request puts in its place.
        switch_line: Where in the configuration the new one stands.
        notes: What the reader should know of what was left out.
    """

    kind: Literal["log", "switch", "nothing"]
    reason: str
    config: Path | None = None
    logs: tuple[Path, ...] = ()
    switch: tuple[str, str] | None = None
    switch_line: int | None = None
    notes: tuple[str, ...] = field(default=())


def settle(inputs: Inputs, runner: Runner, github: GitHub) -> Check:
    """What is to be checked in this run of the workflow.

    Raises:
        InputError: A path leads out of the repository, or a configuration is not TOML.
        GitHubError: The base branch's files cannot be read.
    """
    folder = inside(runner.workspace, runner.workspace / inputs.working_directory)
    config = inside(runner.workspace, folder / inputs.config)
    pull = runner.pull_request
    if pull is None:
        settings = _toml(config.read_text(encoding="utf-8"), inputs.config) if config.is_file() else {}
        settings = _with_profile(settings, inputs.profile)
        return Check(
            "log",
            "A run outside of pull requests looks whether there is something better.",
            config if config.is_file() else None,
            log_files(folder, inputs, settings),
        )
    return _of_pull_request(inputs, runner, github, folder, config)


def _of_pull_request(inputs: Inputs, runner: Runner, github: GitHub, folder: Path, config: Path) -> Check:
    pull = runner.pull_request or {}
    base = str(pull["base"]["sha"])
    path = config.relative_to(runner.workspace).as_posix()
    kept = github.file_at(path, base)
    before = _toml(decoded(kept), f"{path} of the base branch") if kept is not None else {}
    own = config.read_text(encoding="utf-8-sig") if config.is_file() else ""
    after = _with_profile(_toml(own, path), inputs.profile)
    before_whole, before = before, _with_profile(before, inputs.profile)
    changed = github.changed_files(int(pull["number"]))
    trusted = trust(runner, github, path, kept, before_whole, base) if kept is not None else None
    patterns = _log_patterns(inputs, before)
    where = folder.relative_to(runner.workspace).as_posix()
    logs_changed = [name for name in changed if any(_matches(name, where, pattern) for pattern in patterns)]
    settings_changed = path in changed
    notes = _unused(before, after) if settings_changed else ()
    old, new = before.get("current_model"), after.get("current_model")
    if isinstance(new, str) and not _MODEL.fullmatch(new):
        raise InputError(f"{path}: current_model is no name of a model.")
    if settings_changed and isinstance(old, str) and isinstance(new, str) and old != new:
        files = log_files(folder, inputs, before)
        line = next((n for n, text in enumerate(own.splitlines(), 1) if text.strip().startswith("current_model")), None)
        return Check("switch", f"This pull request switches {old} to {new}.", trusted, files, (old, new), line, notes)
    if logs_changed or any(PurePosixPath(name).name == REGISTRY for name in changed):
        return Check("log", "The logs changed.", trusted, log_files(folder, inputs, before), notes=notes)
    reason = "Nothing in this pull request concerns the logs, the model in use or the registry."
    return Check("nothing", reason, trusted, notes=notes)


def trust(runner: Runner, github: GitHub, path: str, config: bytes, settings: Mapping[str, Any], base: str) -> Path:
    """Put the base branch's configuration, and the files that it names, where the command finds them."""
    folder = runner.temp / "cqtui-trusted"
    folder.mkdir(parents=True, exist_ok=True)
    beside = PurePosixPath(path).parent
    rubric = (settings.get("judge") or {}).get("rubric")
    if isinstance(rubric, str):
        content = github.file_at((beside / rubric).as_posix(), base)
        if content is not None:
            _put(folder, rubric, content)
    templates = (settings.get("report") or {}).get("templates")
    if isinstance(templates, str):
        for name, content in github.folder_at((beside / templates).as_posix(), base).items():
            _put(folder, f"{templates}/{name}", content)
    target = folder / PurePosixPath(path).name
    target.write_bytes(config)
    return target


def _put(folder: Path, name: str, content: bytes) -> None:
    target = inside(folder, folder / name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def inside(root: Path, path: Path) -> Path:
    """The path with its links resolved; raises InputError where it leads out of ``root``."""
    found = path.resolve()
    if not found.is_relative_to(root.resolve()):
        raise InputError(f"{path.name} leads out of the repository.")
    return found


def log_files(folder: Path, inputs: Inputs, settings: Mapping[str, Any]) -> tuple[Path, ...]:
    """The files that the patterns name.

    Raises:
        InputError: One leads out of the repository: by such a link a pull request could have any file of the runner
            read as a log.
    """
    found: dict[Path, None] = {}
    for pattern in _log_patterns(inputs, settings):
        for name in sorted(glob.glob(pattern, root_dir=folder, recursive=True)):
            found[inside(folder, folder / name)] = None
    return tuple(found)


def _log_patterns(inputs: Inputs, settings: Mapping[str, Any]) -> list[str]:
    given = inputs.log_patterns or list(settings.get("logs") or DEFAULT_LOGS)
    return [str(pattern) for pattern in given]


def _matches(name: str, folder: str, pattern: str) -> bool:
    full = pattern if folder == "." else f"{folder}/{pattern}"
    # glob lets **/ stand for no folder, too
    names = {full, full.replace("**/", "")}
    return any(fnmatch.fnmatch(name, each) for each in names) or name.startswith(full.rstrip("/") + "/")


def _unused(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Which settings a pull request changes that do not hold before it is merged."""
    names: Iterable[str] = sorted(
        name for name in {*before, *after} if name != "current_model" and before.get(name) != after.get(name)
    )
    listed = ", ".join(names)
    if not listed:
        return ()
    return (
        f"This pull request also changes {listed} in the settings. They hold once it is merged; here the base's do.",
    )


def _with_profile(settings: Mapping[str, Any], profile: str) -> dict[str, Any]:
    """The model in use and the logs as a profile has them; the command lays the rest over, and checks it."""
    laid = (settings.get("profiles") or {}).get(profile) if profile else None
    own = {key: laid[key] for key in ("current_model", "logs") if key in laid} if isinstance(laid, Mapping) else {}
    return {**settings, **own}


def _toml(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file}: not TOML: {error}.") from None
