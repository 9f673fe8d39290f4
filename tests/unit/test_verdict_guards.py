"""Ways in which a verdict could have been wrong: conversations, timing, caches, juries. Each was seen to go wrong."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cqtui.engine.evidence import evaluate, ledger_of
from cqtui.engine.gates import Basis
from cqtui.engine.judge import Jury, PairOrder
from cqtui.engine.optimize import optimize_async
from cqtui.engine.race import Race
from cqtui.errors import AccessRefusedError
from cqtui.gateway.protocol import ChatRequest
from cqtui.gateway.responses import read_error
from cqtui.models import Failure, Replay
from cqtui.results import Evidence, Pair, Recommendation
from cqtui.settings import Constraints, Settings, Thresholds
from cqtui.store.text import judgement_figures
from tests.fakes import QUIET, ScriptedClient, answered, candidate, judged, judged_answers, logged_call

RULES = Thresholds()
ONE = "openai/gpt-5.4-mini"
APART = {"run_id", "at", "seconds", "spend"}


def settings(**changes: object) -> Settings:
    base: dict[str, object] = {"as_of": date(2026, 11, 25), "candidates": (ONE,), "budget": {"usd": "20"}}
    return Settings.model_validate({**base, "thresholds": QUIET, **changes})


async def run(
    path: Path, answer: Callable[[ChatRequest], Replay | Failure], count: int = 200, **changes: object
) -> tuple[Recommendation, ScriptedClient]:
    client = ScriptedClient(answer)
    calls = [logged_call(number) for number in range(count)]
    return await optimize_async(settings(**changes), calls=calls, client=client, database=path / "c.db"), client


def conversations(seed: int, turns: int, *, refused: float = 0.0, cost: float = 0.5, calls: int = 400) -> Race:
    """A race over conversations in which whole conversations are refused, and cost alike."""
    rng = random.Random(seed)
    race = Race(candidate(), RULES, 20.0)
    for number in range(calls // turns):
        is_refused, factor = rng.random() < refused, cost * rng.uniform(0.2, 1.8)
        for turn in range(turns):
            pair = Pair(
                record_id=f"{number}-{turn}",
                session=f"s{number}" if turns > 1 else None,
                baseline_score=88.0,
                candidate_score=88.0 + rng.gauss(0, 3),
                candidate_refused=is_refused,
                baseline_cost_usd=Decimal("0.01"),
                candidate_cost_usd=Decimal(str(round(0.01 * factor, 6))),
            )
            if race.stopped is None:
                race.add(pair)
    race.finish()
    return race


@pytest.mark.parametrize("turns", [1, 5, 10])
def test_refusals_of_whole_conversations_do_not_pass_more_often(turns: int) -> None:
    passed = sum(conversations(seed, turns, refused=0.03, calls=1000).refusals == "passed" for seed in range(150))
    assert passed <= 16  # 5% of 150, and what chance adds (99.9%)


@pytest.mark.parametrize("turns", [1, 10])
def test_a_saving_of_exactly_what_is_asked_is_rarely_sure(turns: int) -> None:
    sure = 0
    for seed in range(150):
        race = conversations(seed, turns, cost=0.8)
        sure += race.surely_saved is not None and race.surely_saved >= 0.2
    assert sure <= 16


def test_confidence_counts_conversations_not_turns() -> None:
    def confident(turns: int) -> int:
        found = 0
        for seed in range(120):
            rng = random.Random(seed)
            race = Race(candidate(), RULES, float("inf"))
            for number in range(200 // turns):
                shared = rng.gauss(0, 10)
                for turn in range(turns):
                    race.add(
                        Pair(
                            record_id=f"{number}-{turn}",
                            session=f"s{number}",
                            baseline_score=80.0,
                            candidate_score=min(100.0, 76.0 + shared),  # exactly at the margin
                            baseline_cost_usd=Decimal("0.01"),
                            candidate_cost_usd=Decimal("0.001"),
                        )
                    )
            race.finish()
            found += evaluate(race, RULES, Constraints(), Basis()).confidence >= 0.9
        return found

    assert confident(10) <= 14  # 5% of 120, and what chance adds


def test_long_conversations_that_are_worse_do_not_hide_behind_short_ones() -> None:
    race = Race(candidate(), RULES, 20.0)
    for number in range(300):
        long = number % 2 == 0
        for turn in range(9 if long else 1):
            score = 80.0 if long else 96.0  # by conversation no drop at all, by call 8%
            race.add(
                Pair(record_id=f"{number}-{turn}", session=f"s{number}", baseline_score=88.0, candidate_score=score)
            )
    race.finish()
    evidence = evaluate(race, RULES, Constraints(), Basis())
    gate = next(gate for gate in evidence.gates if gate.name == "every call alike")
    assert gate.passed is False
    assert not evidence.verified


def test_what_is_missing_is_counted_in_calls() -> None:
    def missing(turns: int) -> int:
        race = conversations(1, turns, calls=40)
        found = evaluate(race, RULES, Constraints(), Basis()).more_samples
        assert found is not None
        return found

    assert missing(1) == 83  # 123 calls without a new refusal
    assert missing(10) == 10 * (123 - 4)


async def test_a_doubtful_refusal_does_not_depend_on_when_it_was_sent(tmp_path: Path) -> None:
    weak = "Sorry, that is a hard question."

    def answer(request: ChatRequest) -> Replay:
        number = int(request.record_id.removeprefix("call-"))
        if request.purpose != "judge":
            return answered(request, weak if number % 25 == 0 else f"answer {request.record_id}")
        both = {}
        for number, text in enumerate(judged_answers(request), 1):
            score = 85 if text.startswith("Order") else 97
            scores = dict.fromkeys(("accuracy", "helpfulness", "clarity", "completeness"), score)
            both[f"answer_{number}"] = {**scores, "refusal": "full" if text == weak else "none"}
        return answered(request, json.dumps({"reasoning": "x", **both}))

    loose = {"max_refusal_increase_percent": 6, **QUIET}
    results = [(await run(tmp_path / str(n), answer, thresholds=loose, gateway={"concurrency": n}))[0] for n in (1, 64)]
    assert results[0].model_dump(exclude=APART) == results[1].model_dump(exclude=APART)
    ledger = results[0].evidence[0].ledger
    assert ledger.unasked > 25
    assert ledger.newly_refused >= ledger.replayed // 30


async def test_duplicates_in_the_log_share_one_judgement_whatever_the_concurrency(tmp_path: Path) -> None:
    def biased(request: ChatRequest) -> Replay:
        if request.purpose != "judge":
            return answered(request, f"answer {request.messages[-1]['content'][:40]}")
        shown = judged_answers(request)
        scores = [dict.fromkeys(("accuracy", "helpfulness", "clarity", "completeness"), value) for value in (86, 80)]
        both = {f"answer_{n}": {**score, "refusal": "none"} for n, score in enumerate(scores, 1)}
        assert len(shown) == 2
        return answered(request, json.dumps({"reasoning": "the first", **both}))

    calls = [
        logged_call(number).model_copy(update={"id": f"copy-{copy}-{number}"})
        for copy in range(3)
        for number in range(40)
    ]
    found = []
    for folder, workers in (("a", 1), ("b", 64), ("b", 64)):
        found.append(
            await optimize_async(
                settings(gateway={"concurrency": workers}),
                calls=calls,
                client=ScriptedClient(biased),
                database=tmp_path / folder / "c.db",
            )
        )
    first, *others = [result.model_dump(exclude=APART) for result in found]
    assert others == [first, first]


def test_the_order_is_of_the_content_and_the_seed_is_in_the_cache_key() -> None:
    order = PairOrder(1, 0.5)
    copy = logged_call(3).model_copy(update={"id": "another"})
    assert order.of(copy, "m") == order.of(logged_call(3), "m")
    assert order.name != PairOrder(2, 0.5).name
    assert {PairOrder(seed, 0.5).of(copy, "m") for seed in range(40)} != {order.of(copy, "m")}


def test_a_jury_s_identity_says_who_decides() -> None:
    class Named:
        def __init__(self, name: str) -> None:
            self.name = self.identity = name
            self.versions: Mapping[str, str] = {}

    a, b, c = (Named(name) for name in "abc")
    juries: list[Any] = [Jury([a, b], c), Jury([a, b, c]), Jury([a, b])]  # type: ignore[list-item,arg-type]
    assert len({jury.identity for jury in juries}) == 3


def test_a_provider_s_filter_that_answers_with_an_error_declined() -> None:
    body = json.dumps({"error": {"code": "content_filter", "message": "filtered", "innererror": {}}})
    replay = read_error("m", 400, body, {}, 12.0)
    assert (replay.failure, replay.finish_reason) == (None, "content_filter")
    assert (replay.usage.input_tokens, replay.usage.output_tokens) == (0, 0)
    assert read_error("m", 400, json.dumps({"error": {"message": "no such model"}}), {}, 1.0).failure is not None


async def test_calls_that_a_filter_declined_are_newly_refused(tmp_path: Path) -> None:
    def answer(request: ChatRequest) -> Replay | Failure:
        if request.purpose == "judge":
            return judged(request, lambda _: 88)
        if int(request.record_id.removeprefix("call-")) % 10 == 0:
            return answered(request, "").model_copy(update={"finish_reason": "content_filter"})
        return answered(request, f"answer {request.record_id}")

    result, _ = await run(tmp_path, answer, count=60)
    assert result.evidence[0].ledger.newly_refused > 0
    assert not result.evidence[0].verified


def test_both_refused_and_unjudged_is_counted_once() -> None:
    pairs = [
        Pair(record_id="1", baseline_refused=True, candidate_refused=True, unjudged=True),
        Pair(record_id="2", unjudged=True),
    ]
    ledger = ledger_of(pairs, pairs)
    columns = ledger.comparable + sum(ledger.failed.values()) + ledger.unjudged + ledger.unasked + ledger.both_refused
    assert (ledger.both_refused, ledger.unjudged, columns) == (1, 1, 2)


async def test_without_text_an_unreadable_judge_is_not_paid_twice(tmp_path: Path) -> None:
    def answer(request: ChatRequest) -> Replay:
        if request.purpose == "judge" and judged_answers(request) and "call-0003" in str(request.messages):
            return answered(request, "about 80, I think")
        return (
            judged(request, lambda _: 88) if request.purpose == "judge" else answered(request, f"a {request.record_id}")
        )

    quiet = {"store": {"keep_text": False}}
    await run(tmp_path, answer, count=12, **quiet)
    _, again = await run(tmp_path, answer, count=12, **quiet)
    assert again.requests == []


def test_a_reply_with_an_impossible_refusal_stays_unreadable_without_its_text() -> None:
    scores = dict.fromkeys(("accuracy", "helpfulness", "clarity", "completeness"), 80)
    reply = {"reasoning": "x", "answer_1": {**scores, "refusal": "maybe"}, "answer_2": scores}
    kept = judgement_figures({"model": "j", "completion": {"text": json.dumps(reply)}})
    assert kept["completion"]["text"] == ""


async def test_a_run_that_has_failed_does_not_wait_for_other_calls_pauses(tmp_path: Path) -> None:
    sent_late = 0
    failed = asyncio.Event()

    def answer(request: ChatRequest) -> Replay | Failure:
        nonlocal sent_late
        sent_late += failed.is_set()
        if request.purpose == "judge":
            failed.set()
            return Failure(kind="refused_credentials", message="bad key", status=401)
        if int(request.record_id.removeprefix("call-")) % 2:
            return Failure(kind="rate_limited", message="slow down", retry_after_s=30.0)
        return answered(request, f"answer {request.record_id}")

    async with asyncio.timeout(20):
        with pytest.raises(AccessRefusedError, match="bad key"):
            await run(tmp_path, answer, count=40, gateway={"concurrency": 4, "deadline_s": 600})
    assert sent_late <= 8


def test_a_shrunken_winner_keeps_the_ends_that_were_proved() -> None:
    from cqtui.engine.decide import without_winners_luck
    from tests.fakes import pairs

    found = {f"acme/m{n}": pairs(400, drop=1.5, sd=12.0, seed=n) for n in range(3)}
    races = {}
    for name, each in found.items():
        races[name] = Race(candidate(name), RULES, 60.0)
        for pair in each:
            if races[name].stopped is None:
                races[name].add(pair)
        races[name].finish()
    evidence: list[Evidence] = [evaluate(race, RULES, Constraints(), Basis()) for race in races.values()]
    judged_pairs = {name: race.judged_pairs for name, race in races.items()}
    for one in evidence:
        drawn = without_winners_luck(one, evidence, judged_pairs)
        before, after = one.quality_impact_percent, drawn.quality_impact_percent
        assert before is not None
        assert after is not None
        assert (after.low, after.high) == (min(before.low, after.value), max(before.high, after.value))
