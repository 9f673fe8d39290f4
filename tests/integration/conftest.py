"""The real gateway (one per session) and an upstream of its own for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.integration.gateway import missing_tools, running_gateway
from tests.integration.upstream import RunningUpstream, running_upstream


def require_node() -> None:
    """Without node and npm a test is skipped, except in CI, where it fails."""
    missing = missing_tools()
    if missing:
        reason = f"the Portkey gateway needs node and npm; not found: {', '.join(missing)}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def gateway_url() -> Iterator[str]:
    """Base URL of a running gateway."""
    require_node()
    with running_gateway() as url:
        yield url


@pytest.fixture
def upstream(request: pytest.FixtureRequest) -> Iterator[RunningUpstream]:
    """An upstream process. ``@pytest.mark.parametrize("upstream", [{"status": 503}], indirect=True)`` sets options."""
    with running_upstream(**getattr(request, "param", {})) as running:
        yield running
