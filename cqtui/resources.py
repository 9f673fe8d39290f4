"""Finds the files that ship with cqtui: templates, the registry and the example.

They lie beside the package in a checkout and under ``cqtui/_data`` in a wheel.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource_path(name: str) -> Path:
    """Return the path of a shipped file or folder.

    Args:
        name: Path relative to the repository root, e.g. ``"models.toml"``.

    Raises:
        FileNotFoundError: The installation lacks the file.
    """
    for root in (_PACKAGE / "_data", _PACKAGE.parent):
        candidate = root / name
        if candidate.exists():
            return candidate
    raise FileNotFoundError(f"cqtui was installed without {name}; install it again")
