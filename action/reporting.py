"""What the action tells the runner: outputs, the job's summary, annotations, masks."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

LARGEST_SUMMARY = 1_000_000  # bytes; the runner refuses more than 1 MiB
OUTPUTS = (
    "verdict",
    "headline",
    "savings-percent",
    "quality-delta",
    "quality-ci-low",
    "quality-ci-high",
    "refusal-delta",
    "spent-usd",
    "report-path",
    "comment-id",
    "comment-posted",
)


def write_outputs(file: Path | None, values: Mapping[str, str]) -> None:
    """Set every output of the action, those without a value to an empty text.

    A value is written between random delimiters, so that none in it can end it and set another output.
    """
    if file is None:
        return
    parts = []
    for name in OUTPUTS:
        end = f"end-{secrets.token_hex(16)}"
        parts.append(f"{name}<<{end}\n{values.get(name, '')}\n{end}\n")
    with file.open("a", encoding="utf-8") as sink:
        sink.write("".join(parts))


def write_summary(file: Path | None, text: str) -> None:
    """Append to the job's summary; what does not fit goes at a line's end, and that is said."""
    if file is None:
        return
    data = text.encode()
    if len(data) > LARGEST_SUMMARY:
        head = data[:LARGEST_SUMMARY].decode(errors="ignore").rpartition("\n")[0]
        text = f"{head}\n\n*The rest did not fit into the summary.*\n"
    with file.open("a", encoding="utf-8") as sink:
        sink.write(text if text.endswith("\n") else text + "\n")


def mask(value: str) -> str:
    """The line that has the runner hide a secret in its log."""
    return f"::add-mask::{_data(value)}" if value else ""


def foreign(text: str) -> str:
    """Text that may hold anything, so that the runner reads no command out of it."""
    if not text:
        return ""
    token = secrets.token_hex(16)
    return f"::stop-commands::{token}\n{text}\n::{token}::"


def annotation(level: str, message: str, *, file: str = "", line: int | None = None) -> str:
    """The line that shows a notice, a warning or an error beside a file's line."""
    place = f" file={_property(file)}" if file else ""
    place += f",line={line}" if file and line else ""
    return f"::{level}{place}::{_data(message)}"


def _data(text: str) -> str:
    """As workflow commands ask for: a line break would begin another command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
