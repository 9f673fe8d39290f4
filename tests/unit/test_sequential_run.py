"""A run that ends by its evidence: verified, stopped, replayed without a judge; and its controls."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from cqtui.engine.bands import threshold_of
from cqtui.engine.optimize import optimize_async, plan_for
from cqtui.engine.race import ENOUGH, REFUSES_MORE, QualityEvidence, Race
from cqtui.engine.traffic import in_random_order
from cqtui.gateway.protocol import ChatRequest
from cqtui.models import Failure, LoggedCall, Replay
from cqtui.results import Evidence, Pair, Recommendation
from cqtui.settings import Settings, Thresholds
from tests.fakes import QUIET, ScriptedClient, answered, candidate, judged, logged_call, pairs

ONE = "openai/gpt-5.4-mini"
MARGIN = Thresholds().max_quality_drop_percent


def settings(**changes: object) -> Settings:
    base: dict[str, object] = {"as_of": date(2026, 11, 25), "candidates": (ONE,), "budget": {"usd": "20"}}
    return Settings.model_validate({**base, "thresholds": QUIET, **changes})


def scored(candidate_score: Callable[[str], float]) -> Callable[[ChatRequest], Replay]:
    """A judge that gives logged answers about 85 and candidates' what a function of their text says."""

    def answer(request: ChatRequest) -> Replay:
        if request.purpose != "judge":
            return answered(request, f"candidate's answer to {request.record_id}")
        return judged(request, lambda text: candidate_score(text) if "candidate's" in text else 85 + noise(text))

    return answer


def noise(text: str) -> float:
    return random.Random(hashlib.sha256(text.encode()).hexdigest()).gauss(0, 4)


async def run(
    path: Path, answer: Callable[[ChatRequest], Replay | Failure], count: int = 300, **changes: object
) -> tuple[Recommendation, Evidence, list[ChatRequest]]:
    client = ScriptedClient(answer)
    calls = [logged_call(number) for number in range(count)]
    result = await optimize_async(settings(**changes), calls=calls, client=client, database=path / "c.db")
    return result, result.evidence[0], client.requests


async def test_a_good_candidate_is_verified_and_the_rest_of_the_log_is_left_alone(tmp_path: Path) -> None:
    result, evidence, requests = await run(tmp_path, scored(lambda text: 84 + noise(text)))
    assert (result.grade, evidence.stopped, result.stage) == ("verified", ENOUGH, "stopped_early")
    assert all(gate.passed for gate in evidence.gates)
    # One named switch: the refusals need 123 calls at a threshold of 20, the quality fewer.
    assert evidence.ledger.replayed == 123
    assert evidence.pairs < 123
    assert evidence.ledger.unasked == 123 - evidence.pairs
    replays = [request for request in requests if request.purpose == "replay"]
    assert 123 <= len(replays) < 250  # what was under way when the evidence was in; not the 300
    judged_records = {request.record_id for request in requests if request.purpose == "judge"}
    assert len(judged_records) < 123
    assert evidence.sequential
    assert evidence.quality_impact_percent is not None
    assert evidence.quality_impact_percent.low < -1.2 < evidence.quality_impact_percent.high


async def test_a_short_log_leans_and_says_what_is_missing(tmp_path: Path) -> None:
    result, evidence, _ = await run(tmp_path, scored(lambda text: 84 + noise(text)), count=60)
    assert result.grade == "leaning"
    assert result.more_samples == evidence.more_samples == 63  # 123 without a new refusal
    assert result.more_usd is not None
    assert not evidence.sequential or evidence.ledger.unasked > 0


async def test_quality_alone_never_verifies_a_candidate_that_refuses(tmp_path: Path) -> None:
    def answer(request: ChatRequest) -> Replay:
        number = int(request.record_id.removeprefix("call-"))
        if request.purpose == "replay" and number % 7 == 0:
            return answered(request, "I'm sorry, but I can't help with that.")
        return scored(lambda text: 96 + noise(text) / 4)(request)

    loose = {"max_quality_drop_percent": 40, **QUIET}
    result, evidence, _ = await run(tmp_path, answer, thresholds=loose)
    assert evidence.stopped == REFUSES_MORE
    assert evidence.regression
    assert result.recommended is None


async def test_the_same_run_again_and_one_that_resumed_say_the_same(tmp_path: Path) -> None:
    good = scored(lambda text: 84 + noise(text))
    one, _, _ = await run(tmp_path / "a", good)
    again, _, requests = await run(tmp_path / "a", good)
    assert requests == []
    serial, _, _ = await run(tmp_path / "b", good, gateway={"concurrency": 1})
    apart = {"run_id", "at", "seconds", "spend"}
    assert one.model_dump(exclude=apart) == again.model_dump(exclude=apart)
    assert one.model_dump(exclude=apart) == serial.model_dump(exclude=apart)


async def test_the_noise_floor_is_the_current_model_against_its_own_log(tmp_path: Path) -> None:
    def answer(request: ChatRequest) -> Replay:
        if request.purpose == "replay" and request.model_id.endswith("gpt-5.6-terra"):
            return answered(request, f"the current model again, {request.record_id}")
        return scored(lambda text: 84 + noise(text))(request)

    result, _, requests = await run(tmp_path, answer, thresholds={"noise_floor_samples": 15})
    assert result.noise_floor is not None
    assert result.noise_floor.pairs == 15
    interval = result.noise_floor.difference_points
    assert interval.low < 0 < interval.high
    assert 3 < result.noise_floor.sd_points < 9  # two draws of a noise of 4 points
    again = [r for r in requests if r.purpose == "replay" and r.model_id == "openai/gpt-5.6-terra"]
    assert len(again) == 15
    worse, _, requests = await run(tmp_path / "b", scored(lambda text: 40.0), thresholds={"noise_floor_samples": 15})
    assert worse.noise_floor is None  # nobody is recommended: not worth its money
    assert not [r for r in requests if r.model_id == "openai/gpt-5.6-terra"]


def test_the_evidence_that_is_asked_for_follows_the_number_of_tests() -> None:
    calls = [logged_call(number) for number in range(5)]

    def threshold(band: int, count: int, **changes: object) -> float:
        return threshold_of(plan_for(settings(**changes), calls), band, count)

    assert threshold(0, 1) == pytest.approx(20)
    assert threshold(0, 1, guardrails={"a": {"id": "x"}, "b": {"id": "y"}}) == pytest.approx(40)
    free = {"candidates": ()}
    assert [threshold(band, 3, **free) for band in range(3)] == pytest.approx([120, 180, 360])
    assert threshold(3, 3, **free) == float("inf")
    assert threshold(0, 3, **free, thresholds={"alpha": 0.01}) == pytest.approx(600)
    assert threshold(0, 3, **free, thresholds={"max_iteration_loops": 1}) == pytest.approx(60)


def test_a_conversation_counts_once_as_the_mean_of_its_turns() -> None:
    single, turns = QualityEvidence(MARGIN), QualityEvidence(MARGIN)
    for number in range(10):
        single.add(Pair(record_id=f"c{number}", baseline_score=90, candidate_score=88))
        for turn, score in enumerate((98, 78)):
            turns.add(
                Pair(record_id=f"c{number}-{turn}", session=f"s{number}", baseline_score=90, candidate_score=score)
            )
    assert turns.plain.n == 9  # the last conversation may still go on
    turns.close()
    assert (single.plain.n, turns.plain.n) == (10, 10)
    assert turns.plain.log_not_worse == pytest.approx(single.plain.log_not_worse)


def test_the_turns_of_a_conversation_stay_together_in_the_order() -> None:
    calls: list[LoggedCall] = []
    for number in range(40):
        session = f"s{number % 10}" if number < 30 else None
        calls.append(logged_call(number).model_copy(update={"session": session}))
    ordered = in_random_order(calls, 3)
    assert sorted(call.id for call in ordered) == sorted(call.id for call in calls)
    assert ordered != calls
    seen: list[str] = []
    for call in ordered:
        if call.session is not None and (not seen or seen[-1] != call.session):
            seen.append(call.session)
    assert len(seen) == len(set(seen)) == 10
    assert in_random_order(list(reversed(calls)), 3) == ordered
    for session in set(seen):
        times = [call.time for call in ordered if call.session == session]
        assert times == sorted(times)  # type: ignore[type-var]


def test_failures_and_truncations_count_as_zero_before_anything_is_verified() -> None:
    race = Race(candidate(), Thresholds(), 20.0)
    for number, pair in enumerate(pairs(400, drop=0.0)):
        if number % 7 == 3:
            lost = {"baseline_score": None, "candidate_score": None, "failure": "timeout"}
            race.add(pair.model_copy(update=lost))
        else:
            race.add(pair)
    assert race.evidence.plain.is_not_worse(20)
    assert race.quality != "passed"
    cut = Race(candidate(), Thresholds(), 20.0)
    for number, pair in enumerate(pairs(400, drop=0.0)):
        cut.add(pair.model_copy(update={"truncated": number % 7 == 3}))
    assert cut.quality != "passed"


def test_rare_disasters_at_the_margin_are_not_verified() -> None:
    verified = 0
    for seed in range(200):
        rng = random.Random(seed)
        race = Race(candidate(), Thresholds(), 20.0)
        for number in range(400):
            score = 0.0 if rng.random() < 0.05 else 88.0  # 5% zero-score answers: a mean drop of exactly 5%
            race.add(Pair(record_id=str(number), baseline_score=88.0, candidate_score=score))
        race.finish()
        verified += race.quality == "passed"
    assert verified <= 18  # at most 5% of 200, and what chance adds (99.9%)
