"""The way of one call: reserved, recorded, sent, kept."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cqtui.engine.budget import Budget, BudgetExhaustedError
from cqtui.engine.calling import Caller
from cqtui.engine.replay import replay_request
from cqtui.errors import AccessRefusedError
from cqtui.events import Emitter
from cqtui.gateway.protocol import ChatRequest
from cqtui.models import Failure, Replay
from cqtui.settings import CacheSettings, GatewaySettings
from cqtui.store import runs
from cqtui.store.database import Database
from tests.fakes import FakeClock, ScriptedClient, answered, logged_call, model_entry

ENTRY = model_entry("acme/small", "1", "2")


def caller_of(store: Database, client: ScriptedClient, **changes: Any) -> Caller:
    store.run(lambda c: runs.start_run(c, "run", "plan", "scripted"))
    return Caller(
        client,
        store,
        changes.get("budget", Budget(Decimal("5"))),
        Emitter("run", lambda event: None, lambda: datetime.now(UTC)),
        as_of=date(2026, 11, 25),
        gateway=GatewaySettings(deadline_s=60),
        keep=CacheSettings(),
        ping=False,
        sleep=changes.get("sleep", asyncio.sleep),
        clock=changes.get("clock", time.monotonic),
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


OUTCOMES = st.one_of(
    st.integers(0, 1024).map(lambda tokens: ("answer", tokens)),
    st.sampled_from(["timeout", "connection", "rate_limited", "server_error", "bad_request", "no_usage"]).map(
        lambda kind: ("failure", kind)
    ),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cap=st.integers(0, 400),
    scripts=st.lists(st.lists(st.tuples(OUTCOMES, st.integers(0, 4)), min_size=1, max_size=4), min_size=1, max_size=25),
)
async def test_whatever_happens_no_more_than_the_cap_is_spent(
    tmp_path_factory: pytest.TempPathFactory, cap: int, scripts: list[list[tuple[tuple[str, Any], int]]]
) -> None:
    budget = Budget(Decimal(cap) / 10_000)
    most = Decimal(0)

    class Provider(ScriptedClient):
        async def complete(self, request: ChatRequest) -> Replay:
            nonlocal most
            most = max(most, budget.spent_usd + budget.reserved_usd)
            script = scripts[int(request.record_id.rsplit("-", 1)[-1])]
            attempt = sum(sent.record_id == request.record_id for sent in self.requests)
            self.requests.append(request)
            (kind, value), turns = script[min(attempt, len(script) - 1)]
            for _ in range(turns):
                await asyncio.sleep(0)
            if kind == "failure":
                return Replay.model_validate({"model": "m", "failure": {"kind": value, "message": "no"}})
            return answered(request, "yes", input_tokens=len(str(request.messages)), output_tokens=value)

    now = 0.0

    async def wait(seconds: float) -> None:
        nonlocal now
        await asyncio.sleep(0)
        now += seconds

    client = Provider(lambda request: Failure(kind="bad_request", message=""))
    with Database(tmp_path_factory.mktemp("budget") / "c.db") as store:
        caller = caller_of(store, client, budget=budget, sleep=wait, clock=lambda: now)

        async def call(number: int) -> None:
            logged = logged_call(number).model_copy(update={"id": f"call-{number}"})
            request, wire = replay_request(logged, ENTRY, "run", 1.0)
            with contextlib.suppress(BudgetExhaustedError):
                await caller.call(request, ENTRY, wire.max_output_tokens)

        await asyncio.gather(*(call(number) for number in range(len(scripts))))
        spent = store.run(lambda c: runs.spend_of(c, "run")).total_usd
    assert most <= budget.cap_usd
    assert spent <= budget.cap_usd
    assert budget.reserved_usd == 0
    assert spent == budget.spent_usd


@pytest.mark.parametrize(
    ("failure", "reserved"),
    [
        ({"kind": "server_error", "message": "503"}, False),  # the provider's own: not billed
        ({"kind": "server_error", "message": "cut in the gateway", "may_be_billed": True}, True),
        ({"kind": "connection", "message": "reset"}, True),
        ({"kind": "timeout", "message": "late"}, True),
    ],
)
async def test_what_may_have_been_billed_counts_at_its_reservation(
    tmp_path: Path, failure: dict[str, Any], reserved: bool
) -> None:
    client = ScriptedClient(lambda _: Failure.model_validate(failure))
    with Database(tmp_path / "c.db") as store:
        caller = caller_of(store, client, sleep=lambda _: asyncio.sleep(0))
        request, wire = replay_request(logged_call(1), ENTRY, "run", 1.0)
        await caller.call(request, ENTRY, wire.max_output_tokens)
        spent = store.run(lambda c: runs.spend_of(c, "run")).total_usd
    assert (spent > 0) is reserved


async def test_a_gateway_that_stays_away_ends_the_run_and_costs_nothing(tmp_path: Path) -> None:
    gone = Failure(kind="connection", message="cannot reach http://gateway", never_sent=True)
    clock, client = FakeClock(), ScriptedClient(lambda _: gone)
    with Database(tmp_path / "c.db") as store:
        caller = caller_of(store, client, sleep=clock.sleep, clock=clock)
        request, wire = replay_request(logged_call(1), ENTRY, "run", 1.0)
        with pytest.raises(AccessRefusedError, match="cannot reach http://gateway, for 60 s"):
            await caller.call(request, ENTRY, wire.max_output_tokens)
        assert store.run(lambda c: runs.spend_of(c, "run")).total_usd == 0
    assert len(client.requests) > 12
