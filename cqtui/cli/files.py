"""Files that commands write."""

from __future__ import annotations

from pathlib import Path

from cqtui.errors import BadInputError


def write_file(path: Path, text: str) -> None:
    """Write a text as UTF-8, in folders that are made where they are missing.

    Raises:
        BadInputError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}.", "Name a file that can be written.") from None
