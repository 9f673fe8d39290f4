"""Every test runs in an empty working directory and without the developer's own settings."""

from __future__ import annotations

import os

import pytest

_NAMES = {"DATABASE_PATH", "NO_COLOR", "FORCE_COLOR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}


def _changes_behaviour(name: str) -> bool:
    upper = name.upper()
    return upper in _NAMES or upper.startswith(("PORTKEY_", "CQTUI_")) or upper.endswith("_API_KEY")


@pytest.fixture(autouse=True)
def private_surroundings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Move to a directory of the test's own and drop every variable that would change what cqtui does."""
    for name in filter(_changes_behaviour, list(os.environ)):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))
