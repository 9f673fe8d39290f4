"""The terminal app under test: steady surroundings, recorded runs, and a store that holds one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

os.environ["TEXTUAL_ANIMATIONS"] = "none"  # read when textual is imported


_KEPT = ("TEXTUAL_ANIMATIONS", "TEXTUAL_SNAPSHOT")  # the second are the snapshot plugin's own


@pytest.fixture(autouse=True)
def steady_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same clock zone and colours everywhere."""
    for name in list(os.environ):
        if name.startswith("TEXTUAL") and not name.startswith(_KEPT):
            monkeypatch.delenv(name)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
