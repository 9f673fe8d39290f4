"""Whatever the provider does: every call is accounted for, the cap holds, and nothing received is paid for twice.

``Rig.wait`` holds this against every run; see there.
"""

from __future__ import annotations

import collections
import dataclasses
import os
import time
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.faults.harness import Rig, figures
from tests.integration.gateway import restartable_gateway
from tests.integration.upstream import ROOT

pytestmark = pytest.mark.faults


def hit(rig: Rig) -> collections.Counter[str]:
    """How many requests each fault has hit."""
    return collections.Counter(entry["fault"] for entry in rig.upstream.logged() if entry["fault"] is not None)


PASSING = {
    "429 storm": "rate_limit first=2",
    "5xx": "status status=500 share=0.34 first=2; status status=502 share=0.67 first=2; status status=503 first=2",
    "slow": "slow share=0.3; slow_body share=0.3",
    "hang": "hang share=0.15 first=1; stall share=0.15 first=1",
    "reset": "reset first=1",
    "cut": "cut first=1",
    "html": "html first=1",
    "malformed": "malformed first=1",
    "all at once": (
        "status on=ping first=1; rate_limit share=0.2 first=1; hang share=0.1 first=1; html share=0.2 first=1; "
        "reset share=0.2 first=2; cut share=0.2 first=2; malformed share=0.2 first=1; status share=0.3 first=2"
    ),
}


@pytest.mark.parametrize("upstream", [{"faults": text} for text in PASSING.values()], indirect=True, ids=list(PASSING))
def test_a_fault_that_passes_changes_no_figure(rig: Rig, undisturbed: dict[str, Any]) -> None:
    result = rig.finish(attempts=4, timeout_s=3)
    assert hit(rig).total() >= 10
    assert figures(result) == figures(undisturbed)


@pytest.mark.parametrize("upstream", [{"faults": PASSING["all at once"]}], indirect=True, ids=["all at once"])
def test_the_same_without_a_gateway_between(rig: Rig, undisturbed: dict[str, Any]) -> None:
    result = dataclasses.replace(rig, gateway_url=rig.upstream.base_url).finish(timeout_s=3)
    assert figures(result) == figures(undisturbed)


@pytest.mark.parametrize(
    "upstream",
    [{"faults": f"rate_limit on=replay share=0.3 first=1 retry_after={value}"} for value in ("1", "date:3")],
    indirect=True,
    ids=["seconds", "date"],
)
def test_a_call_is_not_sent_again_before_retry_after(rig: Rig, undisturbed: dict[str, Any]) -> None:
    result = rig.finish(attempts=2)
    assert figures(result) == figures(undisturbed)
    asked_to_wait: dict[str, float] = {}
    came_back = 0
    for entry in rig.upstream.logged():
        if entry["body_sha256"] in asked_to_wait:
            came_back += 1
            assert entry["at"] >= asked_to_wait[entry["body_sha256"]]
        if entry["wait_until"] is not None:
            asked_to_wait[entry["body_sha256"]] = entry["wait_until"]
    assert came_back >= 3


# What cqtui calls a fault that the gateway hands on.
NAMES = {
    "status": "server_error",
    "cut": "server_error",
    "html": "no_choices",
    "wrong_model": "served_by_other",
    "no_usage": "no_usage",
}
LASTING = "status share=0.1; cut share=0.1; html share=0.1; wrong_model share=0.1; no_usage share=0.1"


@pytest.mark.parametrize("upstream", [{"faults": LASTING.replace(" share", " on=replay share")}], indirect=True)
def test_calls_that_never_succeed_are_in_the_ledger_by_kind(rig: Rig) -> None:
    rig = dataclasses.replace(rig, calls=20)
    result = rig.finish(attempts=2)
    assert set(hit(rig)) == set(NAMES)
    for candidate in result["candidates"]:
        model = candidate["model"].removeprefix("openai/")
        faults = {
            entry["body_sha256"]: NAMES[entry["fault"]]
            for entry in rig.upstream.logged()
            if entry["model"] == model and entry["fault"] is not None
        }
        assert candidate["ledger"]["failed"] == collections.Counter(faults.values())
        assert candidate["ledger"]["comparable"] == rig.calls - len(faults)


@pytest.mark.parametrize("upstream", [{"faults": LASTING.replace(" share", " on=judge share")}], indirect=True)
def test_answers_that_the_judge_never_scores_are_unjudged(rig: Rig) -> None:
    result = rig.finish(attempts=2)
    assert hit(rig).total() >= 5
    for candidate in result["candidates"]:
        assert candidate["ledger"]["failed"] == {}
        assert candidate["ledger"]["unjudged"] > 0


@pytest.mark.parametrize(
    "upstream", [{"faults": "status status=502 on=replay model=gpt-5.4-nano"}], indirect=True, ids=["502"]
)
def test_a_model_that_is_down_is_given_up_and_the_other_measured(rig: Rig, undisturbed: dict[str, Any]) -> None:
    result = rig.finish(attempts=2)
    (down,) = [c for c in result["candidates"] if c["stopped"] is not None]
    (other,) = [c for c in result["candidates"] if c["stopped"] is None]
    assert down["model"] == "openai/gpt-5.4-nano"
    assert "server_error" in down["stopped"]
    assert down["ledger"]["failed"] == {"server_error": 5}
    assert other["ledger"] in [candidate["ledger"] for candidate in undisturbed["candidates"]]
    assert result["recommendation"]["recommended_model"] == other["model"]


@pytest.mark.parametrize("upstream", [{"faults": "rate_limit"}], indirect=True, ids=["429"])
def test_a_storm_without_end_is_given_up(rig: Rig) -> None:
    result = rig.finish(attempts=2, deadline_s=2)
    assert result["grade"] == "inconclusive"
    assert all("rate_limited" in candidate["stopped"] for candidate in result["candidates"])


@pytest.mark.parametrize(
    "upstream", [{"faults": "rate_limit on=replay share=0.2 first=1 retry_after=600"}], indirect=True, ids=["600 s"]
)
def test_a_pause_longer_than_the_deadline_is_not_waited_out(rig: Rig) -> None:
    dataclasses.replace(rig, patience_s=30).finish(deadline_s=3)


@pytest.mark.parametrize("upstream", [{"faults": "quota model=openai/gpt-oss-20b"}], indirect=True)
def test_a_used_up_quota_stops_that_providers_candidate_alone(rig: Rig) -> None:
    rig = dataclasses.replace(rig, candidates="gpt-5.6-luna,groq/openai/gpt-oss-20b")
    result = rig.finish()
    (stopped,) = [c for c in result["candidates"] if c["stopped"] is not None]
    assert stopped["model"] == "groq/openai/gpt-oss-20b"
    assert "quota" in stopped["stopped"]
    assert set(stopped["ledger"]["failed"]) == {"quota_exhausted"}


@pytest.mark.parametrize("upstream", [{"faults": "quota on=judge share=0.05 first=1"}], indirect=True)
def test_a_run_without_a_judge_goes_on_when_the_quota_is_raised(rig: Rig, undisturbed: dict[str, Any]) -> None:
    rig.configure(concurrency=32)
    ended = rig.run()
    refused = 0
    while ended.code == 4 and refused < 6:
        refused += 1
        assert ended.stdout == ""
        assert ended.stderr.splitlines()[-1].startswith("cqtui: ")
        assert "quota" in ended.stderr.splitlines()[-1]
        ended = rig.run()
    assert refused >= 1
    assert ended.code == 0, ended.stderr
    rig.check_ledger(ended.result)
    assert figures(ended.result) == figures(undisturbed)


TIGHT_USD = "0.03"
COSTLY = {
    "no fault": "",
    "no usage": "no_usage share=0.3",
    "hang": "hang share=0.3 first=1",
    "cut": "cut first=1",
    "reset": "reset first=2",
}


@pytest.mark.parametrize("upstream", [{"faults": text} for text in COSTLY.values()], indirect=True, ids=list(COSTLY))
def test_a_tight_budget_holds(rig: Rig) -> None:
    rig = dataclasses.replace(rig, budget_usd=TIGHT_USD)
    result = rig.finish(timeout_s=3)
    assert (result["grade"], result["evaluation_stage"]) == ("inconclusive", "budget_exhausted")
    assert result["recommendation"] is None
    assert rig.spent_usd() > Decimal(TIGHT_USD) / 2


def test_a_larger_budget_goes_on_where_the_money_ran_out(rig: Rig, undisturbed: dict[str, Any]) -> None:
    short = dataclasses.replace(rig, budget_usd=TIGHT_USD).finish()
    assert short["evaluation_stage"] == "budget_exhausted"
    ended = rig.run()
    assert ended.code == 0
    rig.check_ledger(ended.result)
    assert ended.result["run_id"] == short["run_id"]
    assert figures(ended.result) == figures(undisturbed)


@pytest.mark.parametrize("upstream", [{"latency_ms": 50}], indirect=True, ids=["50 ms"])
def test_a_gateway_that_restarts_in_mid_run_changes_no_figure(rig: Rig, undisturbed: dict[str, Any]) -> None:
    with restartable_gateway() as gateway:
        rig = dataclasses.replace(rig, gateway_url=gateway.url)
        rig.configure(attempts=10, concurrency=8)
        with rig.start() as process:
            rig.upstream.wait_for(30, process)
            gateway.kill()
            time.sleep(1)
            gateway.start()
            ended = rig.wait(process)
    assert ended.code == 0, ended.stderr
    rig.check_ledger(ended.result)
    assert figures(ended.result) == figures(undisturbed)
    lost = [row for row in rig.rows() if row["failure_kind"] == "connection"]
    assert len(lost) >= 8
    # Only what was under way may have cost something; a connection that is refused carries no call.
    assert sum(row["cost_usd"] is None for row in lost) <= 2 * 8


PACED = "rate_limit on=judge share=0.1 first=1 retry_after=1; status share=0.2 first=1"


@pytest.mark.parametrize("upstream", [{"latency_ms": 50, "faults": PACED}], indirect=True, ids=["paced"])
@pytest.mark.parametrize("days", [1, -1])
def test_a_clock_that_jumps_in_mid_run_changes_no_figure(rig: Rig, undisturbed: dict[str, Any], days: int) -> None:
    rig.configure(concurrency=4)
    signal = rig.folder / "jump"
    (rig.folder / "site").mkdir()
    (rig.folder / "site" / "sitecustomize.py").write_text(
        f"from tests.faults import clock_jump\nclock_jump.install({str(signal)!r}, {days})\n", encoding="utf-8"
    )
    with rig.start(PYTHONPATH=os.pathsep.join([str(rig.folder / "site"), str(ROOT)])) as process:
        rig.upstream.wait_for(20, process)
        signal.touch()
        ended = rig.wait(process)
    assert ended.code == 0, ended.stderr
    rig.check_ledger(ended.result)
    assert figures(ended.result) == figures(undisturbed)
    sent = [datetime.fromisoformat(row["sent_at"]) for row in rig.rows()]
    assert timedelta(hours=23) < abs(sent[-1] - sent[0]) < timedelta(hours=25)
    again = rig.run()
    assert figures(again.result) == figures(undisturbed)
    assert len(rig.rows()) == len(sent)
