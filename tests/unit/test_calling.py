"""The way of one call: reserved, recorded, sent, kept."""

from __future__ import annotations

import asyncio
import gc
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from cqtui.engine.budget import Budget
from cqtui.engine.calling import Caller
from cqtui.engine.replay import replay_request
from cqtui.events import Emitter
from cqtui.gateway.protocol import ChatRequest
from cqtui.models import Failure, Replay
from cqtui.settings import CacheSettings, GatewaySettings
from cqtui.store import runs
from cqtui.store.database import Database
from tests.fakes import ScriptedClient, logged_call, model_entry

ENTRY = model_entry("acme/small", "1", "2")


def caller_of(store: Database, client: ScriptedClient, **changes: Any) -> Caller:
    store.run(lambda c: runs.start_run(c, "run", "plan", "scripted"))
    return Caller(
        client,
        store,
        changes.get("budget", Budget(Decimal("5"))),
        Emitter("run", lambda event: None, lambda: datetime.now(UTC)),
        as_of=date(2026, 11, 25),
        gateway=GatewaySettings(),
        keep=CacheSettings(),
        ping=False,
    )


async def test_a_failure_whose_waiter_has_gone_is_not_reported_by_asyncio(tmp_path: Path) -> None:
    forgotten: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: forgotten.append(context))
    go = asyncio.Event()

    class Waiting(ScriptedClient):
        async def complete(self, request: ChatRequest) -> Replay:
            await go.wait()
            return await super().complete(request)

    def refuse(_: ChatRequest) -> Failure:
        return Failure(kind="refused_credentials", message="bad key", status=401)

    with Database(tmp_path / "c.db") as store:
        client = Waiting(refuse)
        caller = caller_of(store, client)
        request, wire = replay_request(logged_call(1), ENTRY, "run", 1.0)
        waiter = asyncio.create_task(caller.call(request, ENTRY, wire.max_output_tokens))
        await asyncio.sleep(0.05)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        go.set()
        while len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110 (awaiting the task would retrieve its failure)
            await asyncio.sleep(0.01)
        assert len(client.requests) == 1
        del waiter  # its traceback holds the shared task
    gc.collect()
    assert forgotten == []
