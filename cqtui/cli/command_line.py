"""The command that was given, as it can be typed again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import click
from click.core import ParameterSource


def given_words(context: click.Context, changes: Mapping[str, Any] | None = None) -> list[str]:
    """The words after the command's name: arguments, then the options that were given.

    Args:
        context: Of the command, parsed.
        changes: Other values for some options, by their Python names; None leaves one out.
    """
    changes = changes or {}
    words: list[str] = []
    options: list[str] = []
    for parameter in context.command.params:
        name = parameter.name or ""
        is_given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        value = changes[name] if name in changes else context.params.get(name) if is_given else None
        if value is None:
            continue
        if isinstance(parameter, click.Option):
            options += _option_words(parameter, value)
        else:
            words += map(_written, value if isinstance(value, tuple) else (value,))
    if any(word.startswith("-") and word != "-" for word in words):
        return [*options, "--", *words]
    return words + options


def _option_words(option: click.Option, value: Any) -> Iterable[str]:
    if option.is_flag:
        return [option.opts[0]] if value else option.secondary_opts[:1]
    return [option.opts[0], _written(value)]


def _written(value: Any) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, datetime) else str(value)


def typed(*words: str) -> str:
    """Words as a line for a shell."""
    return shlex.join(["cqtui", *words])
