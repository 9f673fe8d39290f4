"""Gateway and upstream as in the integration tests, and the run that nothing disturbs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import Rig
from tests.integration.conftest import gateway_url, upstream
from tests.integration.upstream import RunningUpstream, running_upstream

__all__ = ["gateway_url", "upstream"]


@pytest.fixture
def rig(gateway_url: str, upstream: RunningUpstream, tmp_path: Path) -> Rig:
    """A small log, ready to be replayed through the gateway on the test's upstream."""
    return Rig(tmp_path, gateway_url, upstream)


@pytest.fixture(scope="module")
def undisturbed(gateway_url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the small log shows when nothing goes wrong."""
    with running_upstream() as working:
        return Rig(tmp_path_factory.mktemp("undisturbed"), gateway_url, working).finish()
