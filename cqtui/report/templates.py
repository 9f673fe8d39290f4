"""Our templates, and the user's over them: whole ones, or blocks of ours. Sandboxed."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.sandbox import SandboxedEnvironment

from cqtui.errors import BadInputError
from cqtui.report import filters, markdown_text, same_model
from cqtui.report.filters import plain
from cqtui.resources import resource_path
from cqtui.settings import CONFIG_NAME, Settings

OURS = "cqtui"  # {% extends "cqtui/comment.md.j2" %} is ours, also in a template of the same name
_HINT = "Mend the template, or leave [report] templates and --templates out."


def templates_folder(settings: Settings, config: Path | None) -> Path | None:
    """The folder of the user's own templates that ``[report] templates`` names, beside the settings file; or None."""
    named = settings.report.templates
    return None if named is None else (config or Path(CONFIG_NAME)).parent / named


def render(name: str, values: Mapping[str, Any], folder: Path | None = None) -> str:
    """A template with values; the user's of that name where ``folder`` has one.

    Raises:
        BadInputError: The folder is missing, or a template of the user's is broken; names file and line.
    """
    try:
        return environment(folder).get_template(name).render(values)
    except Exception as error:
        raise _of_the_user(error, folder) or error from None


def check_templates(folder: Path | None) -> None:
    """Read the user's templates, so that a slip is known before a run is paid for.

    Raises:
        BadInputError: The folder is missing, or one of its templates cannot be read.
    """
    known = environment(folder)
    for path in sorted(folder.rglob("*.j2")) if folder is not None else ():
        try:
            known.get_template(path.relative_to(folder or path).as_posix())
        except (TemplateError, UnicodeDecodeError, OSError) as error:
            raise _problem(path, getattr(error, "lineno", None), error) from None


def environment(folder: Path | None) -> SandboxedEnvironment:
    """The environment with our filters, and with the user's templates before ours."""
    if folder is not None and not folder.is_dir():
        raise BadInputError(f"[report] templates: {plain(str(folder))}: no such folder.", "Name a folder of templates.")
    return _environment(folder)


@functools.cache
def _environment(folder: Path | None) -> SandboxedEnvironment:
    ours = FileSystemLoader(resource_path("templates"))
    prefixed = PrefixLoader({OURS: ours})
    loaders: list[BaseLoader] = [] if folder is None else [FileSystemLoader(folder)]
    made = SandboxedEnvironment(
        loader=ChoiceLoader([*loaders, ours, prefixed]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
        keep_trailing_newline=True,
    )
    for name in (
        "money",
        "interval",
        "points",
        "signed",
        "percent",
        "cost_change",
        "counted",
        "days",
        "relative_change",
        "share",
        "share_interval",
        "milliseconds",
        "plain",
    ):
        made.filters[name] = getattr(filters, name)
    for name in ("markdown", "code", "shortened", "tight"):
        made.filters[name] = getattr(markdown_text, name)
    for name in ("saving_percent", "saving_usd", "saving_a_month", "saving_words"):
        made.filters[name] = getattr(same_model, name)
    made.filters["counts"] = _counts
    return made


def _counts(counts: Mapping[str, int]) -> str:
    words = ", ".join(f"{markdown_text.markdown(name)} {count}" for name, count in counts.items())
    return words or "0"


def _of_the_user(error: Exception, folder: Path | None) -> BadInputError | None:
    """What is wrong with a template of the user's; None where the fault is not there."""
    if folder is None or isinstance(error, BadInputError):
        return error if isinstance(error, BadInputError) else None
    if isinstance(error, TemplateSyntaxError) and error.filename is not None:
        path, line = Path(error.filename), error.lineno
        return _problem(path, line, error) if path.is_relative_to(folder) else None
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(folder)
    ]
    if frames:
        return _problem(Path(frames[-1].filename), frames[-1].lineno, error)
    return _problem(folder, None, error) if isinstance(error, TemplateNotFound | UnicodeDecodeError | OSError) else None


def _problem(path: Path, line: int | None, error: Exception) -> BadInputError:
    where = f"{path}:{line}" if line else str(path)
    what = str(getattr(error, "message", None) or error or type(error).__name__)
    if isinstance(error, TemplateNotFound):
        what = f"no template {what}"
    return BadInputError(f"{plain(where)}: {markdown_text.shortened(what, 200).rstrip('.')}.", _HINT)
