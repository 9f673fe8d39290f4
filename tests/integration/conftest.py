"""The real gateway (one per session) and an upstream of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.gateway import running_gateway
from tests.integration.npm import require_node
from tests.integration.upstream import RunningUpstream, running_upstream


@pytest.fixture(scope="session")
def gateway_url() -> Iterator[str]:
    """Base URL of a running gateway."""
    require_node("the Portkey gateway")
    with running_gateway() as url:
        yield url


@pytest.fixture
def upstream(request: pytest.FixtureRequest) -> Iterator[RunningUpstream]:
    """An upstream process. ``@pytest.mark.parametrize("upstream", [{"status": 503}], indirect=True)`` sets options."""
    with running_upstream(**getattr(request, "param", {})) as running:
        yield running
