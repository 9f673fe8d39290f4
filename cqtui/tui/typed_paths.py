"""Paths as a user types them."""

from __future__ import annotations

from pathlib import Path


def typed_path(value: str) -> Path:
    """The path that was typed, with ``~`` and ``~user`` written out.

    Raises:
        ValueError: It cannot be one; the text says why.
    """
    if "\0" in value:
        raise ValueError("A path has no NUL character.")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError(f"{value}: there is no such user here.") from None


def complaint_about(value: str, *, must_exist: bool) -> str | None:
    """What is wrong with a typed path, in words; None where nothing is.

    Args:
        value: What was typed.
        must_exist: It is to be read; else it is to be written, so that it may not be a folder.
    """
    try:
        path = typed_path(value)
        if must_exist:
            return None if path.exists() else f"{value}: no such file or folder."
        return f"{value} is a folder." if path.is_dir() else None
    except ValueError as error:
        return str(error)
    except OSError as error:
        return f"{value}: {error.strerror}."
