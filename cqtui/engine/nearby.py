"""Logs that lie near: in a folder and in those just below it; and how cqtui.toml names them."""

from __future__ import annotations

import glob
from itertools import islice
from pathlib import Path
from typing import Any

from cqtui.errors import BadInputError
from cqtui.importers.container import Rejected, records
from cqtui.importers.formats import Detection, enveloped
from cqtui.importers.paths import VAGUE_SUFFIXES, WILD, is_candidate

LOOKED_AT = 20  # values of a file, to see whether it is a log
MOST_FILES = 200
PATTERNS = ("*", "*/*", "logs/*/*")
NOT_LOOKED_IN = frozenset({"node_modules", "venv", "site-packages", "__pycache__"})


def nearby_logs(folder: Path) -> list[Path]:
    """What may be named as the log: files of the folder itself, and folders below it that hold logs; in order.

    Files count by their content. Hidden ones are left out.
    """
    found: dict[Path, None] = {}
    for file in likely_files(folder)[:MOST_FILES]:
        top = folder / file.relative_to(folder).parts[0]
        if top not in found and is_log(file):
            found[top] = None
    return sorted(found, key=lambda path: (path.is_dir(), path.as_posix()))


def likely_files(folder: Path) -> list[Path]:
    """Files that may be logs, in a folder and in those just below it, in order; hidden ones are left out."""
    return [
        file
        for pattern in PATTERNS
        for file in sorted(folder.glob(pattern))
        if _is_visible(file.relative_to(folder)) and is_candidate(file, VAGUE_SUFFIXES)
    ]


def is_log(file: Path) -> bool:
    """Whether one of a file's first records is in a format that is read."""
    detection = Detection()
    try:
        first = islice(records(file), LOOKED_AT)
        return any(not isinstance(item, Rejected) and _is_record(item.value, detection) for item in first)
    except (BadInputError, RecursionError):
        return False


def log_pattern(log: Path, folder: Path | None = None) -> str:
    """How a cqtui.toml of a folder (default: the one here) names a log: relative to it where the log lies within.

    A pattern stays one; the name of a file is written so that it is taken for none.
    """
    whole = log.resolve()
    written = str if WILD.search(str(log)) and not log.exists() else glob.escape
    try:
        return written(whole.relative_to((folder or Path()).resolve()).as_posix())
    except ValueError:
        return str(whole)


def _is_visible(file: Path) -> bool:
    return not any(part.startswith(".") or part in NOT_LOOKED_IN for part in file.parts)


def _is_record(value: Any, detection: Detection, depth: int = 0) -> bool:
    if depth > 3:
        return False
    if isinstance(value, list):
        return any(_is_record(item, detection, depth + 1) for item in value[:LOOKED_AT])
    if not isinstance(value, dict):
        return False
    if detection.importer_of(value) is not None:
        return True
    inside = enveloped(value)
    return inside is not None and _is_record(inside, detection, depth + 1)
