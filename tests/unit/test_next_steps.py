"""What comes next after a plan and after a run, as it can be typed."""

from __future__ import annotations

from datetime import date

import pytest

from cqtui.engine.optimize import plan_for
from cqtui.engine.plan import Plan
from cqtui.report.next_steps import steps_after_plan, steps_after_run
from cqtui.settings import Provider, Settings
from tests.fakes import logged_call, pairs
from tests.results import recommendation

REHEARSAL, REAL = "cqtui optimize logs/ --provider=rehearsal", "cqtui optimize logs/"


def plan(provider: Provider, calls: int = 20, **more: object) -> Plan:
    rules = {"as_of": date(2026, 11, 25), "candidates": ("openai/gpt-5.6-luna",), "provider": provider, **more}
    return plan_for(Settings.model_validate(rules), [logged_call(n) for n in range(calls)])


def test_after_a_plan_the_rehearsal_and_the_real_run_are_named() -> None:
    steps = steps_after_plan(plan("portkey"), has_key=False, rehearsal=REHEARSAL, real=REAL)
    assert [step.rpartition(": ")[2] for step in steps[:2]] == [REHEARSAL, REAL]
    assert "needs PORTKEY_API_KEY" in steps[2]
    with_key = steps_after_plan(plan("portkey"), has_key=True, rehearsal=REHEARSAL, real=REAL)
    assert with_key[2] == "The real run asks before it spends anything."
    mine = plan("portkey", gateway={"base_url": "http://localhost:8787/v1"})
    assert "through http://localhost" in steps_after_plan(mine, has_key=False, rehearsal=REHEARSAL, real=REAL)[2]
    assert steps_after_plan(plan("rehearsal"), has_key=False, rehearsal=REHEARSAL, real=REAL) == [f"Next: {REAL}"]


def test_after_too_few_calls_it_is_said_how_many_more_to_log() -> None:
    result = recommendation(pairs(4), more_samples=239)
    assert result.grade == "inconclusive"
    said = steps_after_run(result, plan("rehearsal"), has_key=False, real=REAL)
    assert said[0].startswith("All 20 calls of gpt-5.6-terra that can be compared were used: log about 239 more")
    assert said[1].endswith(f": {REAL}")
    unknown = steps_after_run(result.model_copy(update={"more_samples": None}), plan("portkey"), has_key=True, real="")
    assert "log about 110 more" in unknown[0]
    limited = plan("portkey", thresholds={"max_samples": 10})
    assert "--max-samples 249" in steps_after_run(result, limited, has_key=True, real="")[0]
    cut_short = result.model_copy(update={"stage": "interrupted"})
    assert steps_after_run(cut_short, plan("portkey"), has_key=True, real="") == []


@pytest.mark.parametrize(("provider", "count"), [("portkey", 1), ("recorded", 0), ("rehearsal", 2)])
def test_a_switch_leads_to_its_export_and_a_rehearsal_to_the_real_run(provider: Provider, count: int) -> None:
    said = steps_after_run(recommendation(), plan(provider), has_key=True, real=REAL)
    assert len(said) == count
    assert any("cqtui export --format portkey-config" in line for line in said) is (provider == "portkey")
