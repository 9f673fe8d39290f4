"""A finished run for tests of what is made of results: computed by the engine's own rules from made-up pairs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from cqtui.engine.decide import business_impact, decide
from cqtui.engine.evidence import evaluate
from cqtui.engine.gates import Basis
from cqtui.engine.race import Race
from cqtui.engine.traffic import profile
from cqtui.results import Evidence, Pair, Recommendation, Spend
from cqtui.settings import Constraints, Thresholds, Traffic
from cqtui.store import runs
from cqtui.store.database import Database
from tests.fakes import candidate, logged_call, model_entry, pairs

CURRENT = model_entry("openai/gpt-5.6-terra", "10", "30")
NEW = "openai/gpt-5.6-luna"
RULES = Thresholds()


def evidence_of(found: Sequence[Pair], model_id: str = NEW) -> Evidence:
    """What the gates make of a candidate's pairs."""
    race = Race(candidate(model_id), RULES, 20.0)
    for pair in found:
        if race.stopped is None:
            race.add(pair)
    race.finish()
    return evaluate(race, RULES, Constraints(), Basis())


def recommendation(found: Sequence[Pair] | None = None, model_id: str = NEW, **changes: object) -> Recommendation:
    """A run over pairs of one candidate; 400 good ones make it verified, 60 leaning."""
    given = pairs(400, drop=1.0) if found is None else list(found)
    evidence = evidence_of(given, model_id)
    answer = decide(CURRENT, [evidence], {model_id: given}, RULES)
    traffic = profile([logged_call(0)], CURRENT, Traffic(monthly_request_volume=120_000), date(2026, 11, 25))
    chosen = answer.recommended
    result = Recommendation(
        run_id="3f2a90c1d4e5",
        at=datetime(2026, 11, 25, 12, tzinfo=UTC),
        as_of=date(2026, 11, 25),
        provider="portkey",
        endpoint="http://127.0.0.1:8787/v1",
        judge="openai/judge",
        seed=0,
        grade=answer.grade,
        sentence=answer.sentence,
        reason=answer.reason,
        current=CURRENT,
        use_case="support",
        thresholds=RULES,
        recommended=chosen,
        runner_up=None,
        closest=answer.closest,
        evidence=(evidence,),
        excluded=(),
        traffic=traffic,
        impact=business_impact(traffic, chosen.savings_percent) if chosen is not None else None,
        spend=Spend(replay_usd=Decimal("0.5")),
        stage="completed",
        iterations=1,
        seconds=1.0,
    )
    return result.model_copy(update=changes)


def store_run(folder: Path, result: Recommendation) -> None:
    """Keep a result as the command line finds it in ``folder``."""
    with Database(folder / ".cqtui" / "cqtui.db") as store:
        store.run(lambda c: runs.start_run(c, result.run_id, "plan", result.provider))
        store.run(lambda c: runs.finish_run(c, result.run_id, result.model_dump(mode="json")))
