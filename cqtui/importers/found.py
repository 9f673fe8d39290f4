"""What a file gives before any format is known: values, and the lines that hold none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

MAX_RECORD = 64 * 2**20
TOO_LONG = "record above 64 MB"
TOO_DEEP = "nested too deeply"
NOT_UTF8 = "not UTF-8, read as cp1252"
UNREADABLE = (ValueError, RecursionError)


def unusable(error: Exception) -> str:
    """Why a record that was recognised cannot be read."""
    return TOO_DEEP if isinstance(error, RecursionError) else f"unusable record ({type(error).__name__})"


class Found(NamedTuple):
    """A value of a file as clean JSON types, its line (1-based) and what was odd about it."""

    value: Any
    line: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that could not be used, and why."""

    reason: str
    file: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Tail:
    """A last line that is still being written: it has no newline and does not parse.

    Attributes:
        file: The file.
        offset: The byte where it begins.
        line: Its number.
        reason: Why it does not parse.
    """

    file: str
    offset: int
    line: int
    reason: str
