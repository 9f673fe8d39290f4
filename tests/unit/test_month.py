"""The month's budget, and what a run says where the money ends among its guardrails."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cqtui.engine.budget import cap_of
from cqtui.engine.optimize import optimize_async
from cqtui.errors import StoreError
from cqtui.gateway.protocol import ChatRequest
from cqtui.models import Failure, GuardrailCheck, GuardrailOutcome, Replay
from cqtui.results import Recommendation
from cqtui.settings import Settings
from cqtui.store import runs
from cqtui.store.database import Database
from cqtui.store.locking import month_lock
from tests.fakes import QUIET, ScriptedClient, good_model, logged_call

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
CANDIDATES = ("openai/gpt-5.4-mini",)


def settings(**changes: object) -> Settings:
    base: dict[str, object] = {
        "as_of": date(2026, 11, 25),
        "candidates": CANDIDATES,
        "gateway": {"concurrency": 2},
        "thresholds": QUIET,
    }
    return Settings.model_validate({**base, "thresholds": QUIET, **changes})


async def run_on(path: Path, first: int, **changes: object) -> tuple[Recommendation, int]:
    client = ScriptedClient(good_model)
    calls = [logged_call(number) for number in range(first, first + 40)]
    result = await optimize_async(settings(**changes), calls=calls, client=client, database=path)
    return result, len(client.requests)


@pytest.mark.parametrize(
    ("spent", "month", "cap", "is_less"),
    [
        ("0", "0", "1", False),
        ("0", "4.5", "0.5", True),
        ("0.3", "4.5", "0.8", True),  # 0.3 of this run's are among the 4.5
        ("0", "6", "0", True),
        ("0.5", "4.5", "1", False),
    ],
)
def test_the_months_budget_lowers_a_runs_cap(spent: str, month: str, cap: str, is_less: bool) -> None:
    found = cap_of(Decimal(1), Decimal(5), Decimal(spent), Decimal(month))
    assert found.usd == Decimal(cap)
    assert bool(found.note) is is_less
    assert cap_of(Decimal(1), None, Decimal(spent), Decimal(month)).usd == 1


async def test_runs_of_a_month_share_its_budget(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    one, asked = await run_on(path, 0)
    assert one.stage == "completed"
    month = {"usd": "1", "monthly_usd": str(one.spend.total_usd + Decimal("0.02"))}
    two, fewer = await run_on(path, 100, budget=month)
    assert two.stage == "budget_exhausted"
    assert two.spend.total_usd <= Decimal("0.02")
    assert 0 < fewer < asked
    assert any("left $0.02 for this run" in note for note in two.notes)


async def test_a_new_month_and_unpaid_providers_do_not_count(tmp_path: Path) -> None:
    with Database(tmp_path / "c.db") as store:
        for run_id, provider in (("real", "portkey"), ("simulated", "rehearsal"), ("taped", "recorded")):
            store.run(lambda c, run_id=run_id, provider=provider: spend(c, run_id, provider))  # type: ignore[misc]
        today = datetime.now(UTC)
        assert store.read(lambda c: runs.month_spend(c, today)) == Decimal("0.25")
        following = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        assert store.read(lambda c: runs.month_spend(c, following)) == 0


def spend(connection: object, run_id: str, provider: str) -> None:
    runs.start_run(connection, run_id, run_id, provider)  # type: ignore[arg-type]
    runs.send_attempt(
        connection,  # type: ignore[arg-type]
        run_id=run_id,
        cache_key="k",
        purpose="replay",
        model_id="m",
        record_id="r",
        attempt=1,
        reserved_usd=Decimal("0.25"),
    )


async def test_two_runs_do_not_spend_from_one_months_budget_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    with month_lock(path), pytest.raises(StoreError, match="Another run is spending from this month's budget"):
        await run_on(path, 0, budget={"usd": "1", "monthly_usd": "5"})
    assert (await run_on(path, 0, budget={"usd": "1", "monthly_usd": "5"}))[0].stage == "completed"


async def test_a_guardrail_row_on_fewer_calls_says_why_and_the_run_stays_open(tmp_path: Path) -> None:
    def guarded(request: ChatRequest) -> Replay | Failure:
        found = good_model(request)
        if request.config is None or isinstance(found, Failure):
            return found
        check = GuardrailCheck(hook="input", id="words", verdict=True)
        return found.model_copy(update={"guardrails": GuardrailOutcome(status=200, checks=(check,), latency_ms=1.0)})

    async def run(usd: str) -> Recommendation:
        return await optimize_async(
            settings(budget={"usd": usd}, guardrails={"words": {"id": "pc-words"}}),
            calls=[logged_call(number) for number in range(40)],
            client=ScriptedClient(guarded),
            database=tmp_path / "c.db",
        )

    plain, _ = await run_on(tmp_path / "plain.db", 0)
    cut = await run(str(plain.spend.total_usd + Decimal("0.015")))
    assert 0 < cut.guardrails[0].calls < 40
    assert cut.notes[-1] == (
        f"Guardrails words on {CANDIDATES[0]}: {cut.guardrails[0].calls} of 40 calls, since the budget was used up."
    )
    assert (cut.stage, cut.grade) == ("budget_exhausted", plain.grade)
    whole = await run("1")
    assert (whole.stage, whole.guardrails[0].calls, whole.run_id) == ("completed", 40, cut.run_id)
