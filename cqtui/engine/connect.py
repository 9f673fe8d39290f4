"""Opens the client that a run's provider stands for."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from cqtui.engine.plan import Plan
from cqtui.environment import portkey_api_key, provider_api_key
from cqtui.errors import BadInputError
from cqtui.gateway.protocol import ChatClient
from cqtui.gateway.recorded import RecordedClient, RecordingClient
from cqtui.registry.pricing import blended_price

REHEARSAL_VERSION = "rehearsal/1"
LOCAL_VERSION = "local/1"


def price_positions(plan: Plan) -> Mapping[str, float]:
    """How dear each simulated model is, by wire name: 1 as dear as the current one, 0 at a hundredth of it or less."""
    as_of = plan.settings.as_of
    now = blended_price(plan.current, as_of)
    positions = {}
    for entry in plan.registry.entries:
        price = blended_price(entry, as_of)
        if price and now:
            positions[entry.model] = max(0.0, min(1.0, 1 + math.log10(float(price / now)) / 2))
    return positions


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:12]


@contextlib.asynccontextmanager
async def open_client(
    plan: Plan, *, record: Path | None = None, recording: Path | None = None
) -> AsyncIterator[ChatClient]:
    """The client for a plan's provider, closed at the end; with ``record`` its answers are written to a file.

    Raises:
        BadInputError: A recording is missing, or local inference is not installed.
        AccessRefusedError: Hosted Portkey without a key.
    """
    async with contextlib.AsyncExitStack() as stack:
        client = await _open(plan, recording, stack)
        if record is not None:
            client = RecordingClient(client, record)
        stack.push_async_callback(client.aclose)
        yield client


async def _open(plan: Plan, recording: Path | None, stack: contextlib.AsyncExitStack) -> ChatClient:
    from cqtui.gateway.portkey import PortkeyClient

    settings = plan.settings
    if settings.provider == "recorded":
        if recording is None:
            raise BadInputError("--provider recorded needs a recording.", "Name it with --recording FILE.")
        return RecordedClient(recording)
    if settings.provider == "rehearsal":
        from cqtui.gateway.rehearsal.server import RehearsalServer

        positions = price_positions(plan)
        server = await stack.enter_async_context(RehearsalServer(plan.calls, positions, seed=settings.seed))
        answers = [call.model_dump(mode="json", exclude={"origin"}) for call in plan.calls]
        endpoint = f"{REHEARSAL_VERSION}/{_digest(positions, settings.seed, answers)}"
        return PortkeyClient(api_key=None, base_url=server.base_url, provider="rehearsal", endpoint=endpoint)
    if settings.provider == "local":
        from cqtui.gateway.local import LocalServer
        from cqtui.gateway.local_models import resolve

        path = resolve(plan.top[0].entry.model, None)
        local = await stack.enter_async_context(LocalServer(path))
        endpoint = f"{LOCAL_VERSION}/{path.name}"
        return PortkeyClient(api_key=None, base_url=local.base_url, provider="local", endpoint=endpoint)
    return PortkeyClient(
        api_key=portkey_api_key(),
        base_url=settings.gateway.base_url,
        hosted=settings.gateway.hosted,
        custom_host=settings.gateway.custom_host,
        slugs=settings.gateway.slugs,
        key_for=provider_api_key,
    )
