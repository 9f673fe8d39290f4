"""Where chromium is."""

from __future__ import annotations

import os
import shutil

import pytest


@pytest.fixture
def chromium() -> str:
    """The browser to start. Without one a test is skipped, except in CI, where it fails."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        reason = "the served app is opened in chromium; not found"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
