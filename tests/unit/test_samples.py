"""What is kept of every pair, for a person to look at, and how it is read back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from cqtui.engine.control import RunControl
from cqtui.engine.optimize import optimize_async, plan_for
from cqtui.engine.pipeline import run
from cqtui.engine.plan import make_plan
from cqtui.events import Event
from cqtui.gateway.protocol import ChatRequest
from cqtui.models import Completion, Failure, LoggedCall, Message, Part, Replay, Usage
from cqtui.registry.loader import load_registry
from cqtui.results import Pair, Recommendation
from cqtui.samples import FoundRefusal
from cqtui.settings import Settings
from cqtui.store.database import Database
from cqtui.store.purge import purge
from cqtui.store.samples import KeptSample, SampleRow, find_text, load_sample, sample_rows
from tests.fakes import QUIET, ScriptedClient, answered, good_model, judged, judged_answers, logged_call

AS_OF = date(2026, 11, 25)
MINI, LUNA = "openai/gpt-5.4-mini", "openai/gpt-5.6-luna"
DECLINED = "I'm sorry, but I can't help with that."
Answer = Callable[[ChatRequest], Replay | Failure]


def settings(**changes: object) -> Settings:
    base: dict[str, object] = {
        "as_of": AS_OF,
        "candidates": (MINI, LUNA),
        "gateway": {"attempts": 1},
        "thresholds": QUIET,
    }
    return Settings.model_validate({**base, **changes})


def log(count: int) -> list[LoggedCall]:
    return [logged_call(number) for number in range(count)]


async def result_of(
    path: Path, answer: Answer = good_model, calls: Sequence[LoggedCall] | None = None, **changes: object
) -> Recommendation:
    given = log(10) if calls is None else list(calls)
    return await optimize_async(settings(**changes), calls=given, client=ScriptedClient(answer), database=path)


def logged_text(number: int) -> str:
    answer = logged_call(number).completion
    assert answer is not None
    return answer.text or ""


def kept(path: Path, run_id: str, model_id: str = MINI, record_id: str = "call-0003") -> KeptSample:
    with Database(path) as store:
        found = store.read(lambda c: load_sample(c, run_id, model_id, record_id))
    assert found is not None
    return found


def rows(path: Path, run_id: str, model_id: str | None = None) -> list[SampleRow]:
    with Database(path) as store:
        return store.read(lambda c: sample_rows(c, run_id, model_id))


def all_kept(path: Path, run_id: str) -> dict[tuple[str, str], KeptSample]:
    return {
        (row.model_id, row.record_id): kept(path, run_id, row.model_id, row.record_id) for row in rows(path, run_id)
    }


def ignore(event: Event, /) -> None:
    """A sink for tests that look at the store."""


# What a run keeps


async def test_a_judged_pair_is_kept_with_all_that_it_rests_on(tmp_path: Path) -> None:
    def answer(request: ChatRequest) -> Replay:
        if request.purpose == "judge":
            return judged(request, lambda text: 70 if "gpt-5.4-mini says" in text else 90, reasoning="plain to see")
        return answered(request, f"{request.model} says so").model_copy(update={"served_model": "served"})

    path = tmp_path / "c.db"
    result = await result_of(path, answer, judge={"swap_share": 1.0})
    sample, prompt = kept(path, result.run_id)
    call = logged_call(3)
    assert prompt == f"system: You are the support desk.\n\nuser: {call.messages[1].text}"
    assert (sample.model_id, sample.logged, sample.answer) == (
        MINI,
        call.completion,
        Completion(text="gpt-5.4-mini says so"),
    )
    assert (sample.logged_usage, sample.answer_usage) == (call.usage, Usage(input_tokens=100, output_tokens=50))
    assert (sample.logged_finish_reason, sample.answer_finish_reason) == ("stop", "stop")
    assert sample.served_model == "served"
    assert sample.logged_refusal == sample.answer_refusal == FoundRefusal(label="none", layer="no_cue")
    assert sample.pair.candidate_cost_usd == Decimal("0.0003")
    assert (sample.pair.baseline_score, sample.pair.candidate_score) == (90, 70)
    assert sample.comparison is not None
    assert {opinion.candidate_first for opinion in sample.comparison.opinions} == {False, True}
    assert sample.comparison.in_both_orders == sample.pair.in_both_orders == (-20, -20)
    for opinion in sample.comparison.opinions:
        assert (opinion.baseline.clarity, opinion.candidate.clarity) == (90, 70)
        assert opinion.candidate.reasoning == "plain to see"
        assert opinion.judge == opinion.candidate.judge == result.judge


async def test_the_order_is_the_one_in_which_the_judge_saw_the_answers(tmp_path: Path) -> None:
    shown: dict[str, bool] = {}

    def answer(request: ChatRequest) -> Replay:
        if request.purpose == "judge":
            shown[request.record_id] = "candidate's" in judged_answers(request)[0]
            return judged(request, lambda _: 90)
        return answered(request, f"candidate's answer to {request.record_id}")

    path = tmp_path / "c.db"
    result = await result_of(path, answer, log(16), candidates=(MINI,), judge={"swap_share": 0.0})
    found = all_kept(path, result.run_id)
    orders = {
        record: sample.comparison.opinions[0].candidate_first
        for (_, record), (sample, _) in found.items()
        if sample.comparison
    }
    assert orders == shown
    assert set(orders.values()) == {False, True}


async def test_rows_come_in_the_order_of_the_run_with_their_pairs(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    result = await result_of(path, calls=log(12))
    order = [call.id for call in plan_for(settings(), log(12)).calls]
    assert order != sorted(order)
    mine = rows(path, result.run_id, LUNA)
    assert [(row.position, row.record_id) for row in mine] == list(enumerate(order))
    assert {row.model_id for row in mine} == {LUNA}
    both = rows(path, result.run_id)
    assert [(row.model_id, row.position) for row in both] == [(m, n) for n in range(12) for m in (MINI, LUNA)]
    assert all(row.pair == kept(path, result.run_id, row.model_id, row.record_id).sample.pair for row in both)
    assert rows(path, "another run") == []
    with Database(path) as store:
        assert store.read(lambda c: load_sample(c, result.run_id, LUNA, "call-9999")) is None
        assert store.read(lambda c: load_sample(c, "another run", LUNA, "call-0003")) is None


async def test_a_jury_s_escalation_keeps_who_decided(tmp_path: Path) -> None:
    points = {"claude-haiku-4-5": 90, "gemini-3.5-flash-lite": 30, "claude-opus-5-5": 55}

    def answer(request: ChatRequest) -> Replay:
        if request.purpose != "judge":
            return answered(request, f"candidate's {request.record_id}")
        split = "call-0003" in judged_answers(request)[0] + judged_answers(request)[-1]
        of_judge = next(value for name, value in points.items() if name in request.model_id)
        return judged(request, lambda text: (of_judge if split else 85) if "candidate's" in text else 90)

    path = tmp_path / "c.db"
    judges = ("anthropic/claude-haiku-4-5", "google/gemini-3.5-flash-lite")
    jury = {"models": judges, "escalate_to": "anthropic/claude-opus-5-5", "swap_share": 0.0}
    result = await result_of(path, answer, candidates=(MINI,), judge=jury)
    split, agreed = kept(path, result.run_id).sample, kept(path, result.run_id, MINI, "call-0004").sample
    assert split.comparison is not None
    assert split.comparison.escalated == "anthropic/claude-opus-5-5"
    assert [opinion.judge for opinion in split.comparison.opinions] == ["anthropic/claude-opus-5-5"]
    assert split.pair.candidate_score == 55
    assert agreed.comparison is not None
    assert agreed.comparison.escalated is None
    assert [opinion.judge for opinion in agreed.comparison.opinions] == list(judges)


async def test_a_refused_answer_is_kept_with_the_words_that_decided(tmp_path: Path) -> None:
    def answer(request: ChatRequest) -> Replay:
        declines = request.purpose == "replay" and request.record_id == "call-0003"
        return answered(request, f"Hello. {DECLINED}") if declines else good_model(request)

    path = tmp_path / "c.db"
    result = await result_of(path, answer)
    sample = kept(path, result.run_id).sample
    assert sample.pair.candidate_refused
    assert sample.answer_refusal is not None
    assert (sample.answer_refusal.label, sample.answer_refusal.layer) == ("full_refusal", "opener")
    matched = sample.answer_refusal.matched(sample.answer)
    assert matched is not None
    assert "can't help" in matched
    assert matched in DECLINED
    assert sample.logged_refusal is not None
    assert sample.logged_refusal.matched(sample.logged) is None
    # The logged side has its own.
    calls = [logged_call(n, text=DECLINED if n == 3 else None) for n in range(10)]
    other = await result_of(tmp_path / "d.db", calls=calls)
    sample = kept(tmp_path / "d.db", other.run_id).sample
    assert sample.logged_refusal is not None
    assert sample.logged_refusal.label == "full_refusal"
    assert "can't help" in (sample.logged_refusal.matched(sample.logged) or "")


async def test_a_failed_call_is_kept_with_its_failure_and_no_answer(tmp_path: Path) -> None:
    def answer(request: ChatRequest) -> Replay | Failure:
        if request.purpose == "replay" and request.record_id == "call-0003":
            return Failure(kind="bad_request", message="the message of the provider", status=400)
        return good_model(request)

    path = tmp_path / "c.db"
    result = await result_of(path, answer)
    sample = kept(path, result.run_id).sample
    assert (sample.pair.failure, sample.pair.failure_message) == ("bad_request", "the message of the provider")
    assert (sample.answer, sample.answer_refusal, sample.comparison) == (None, None, None)
    assert sample.logged == logged_call(3).completion
    (row,) = [row for row in rows(path, result.run_id, MINI) if row.record_id == "call-0003"]
    assert (row.pair.failure, row.pair.failure_message) == ("bad_request", None)


async def test_a_pair_that_checks_decide_and_one_that_cannot_be_judged_have_no_opinions(tmp_path: Path) -> None:
    def answer(request: ChatRequest) -> Replay:
        if request.record_id == "call-0003" and request.purpose == "replay":
            return answered(request, logged_text(3))
        if request.record_id == "call-0004" and request.purpose == "judge":
            return answered(request, "about 80 points")
        return good_model(request)

    path = tmp_path / "c.db"
    result = await result_of(path, answer)
    equal, mute = kept(path, result.run_id).sample, kept(path, result.run_id, MINI, "call-0004").sample
    assert (equal.pair.decided_by, equal.pair.candidate_score, equal.comparison) == ("the same text", 100, None)
    assert equal.answer == equal.logged
    assert (mute.pair.unjudged, mute.comparison) == (True, None)
    assert mute.answer is not None


async def test_once_quality_has_passed_answers_are_kept_without_opinions(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    result = await result_of(path, calls=log(130), candidates=(MINI,), budget={"usd": "20"})
    unasked = [row for row in rows(path, result.run_id) if row.pair.unasked]
    # A judgement that was under way when quality passed is kept, though the verdict leaves it out.
    assert 0 < len(unasked) <= result.evidence[0].ledger.unasked
    sample = kept(path, result.run_id, MINI, unasked[0].record_id).sample
    assert (sample.comparison, sample.pair.candidate_score) == (None, None)
    assert sample.answer is not None


async def test_the_current_model_s_own_new_answers_are_kept_under_its_id(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    result = await result_of(path, thresholds={"noise_floor_samples": 6})
    assert result.noise_floor is not None
    mine = rows(path, result.run_id, result.current.id)
    assert [row.position for row in mine] == list(range(6))
    assert kept(path, result.run_id, result.current.id, mine[0].record_id).sample.comparison is not None


# A run that goes on, and one that calls nothing


async def test_a_run_that_goes_on_keeps_one_whole_sample_of_each_pair(tmp_path: Path) -> None:
    path, control = tmp_path / "c.db", RunControl()

    def until(request: ChatRequest) -> Replay | Failure:
        if len(first.requests) == 12:
            control.stop()
        if len(first.requests) == 2:
            return Failure(kind="bad_request", message="not now", status=400)
        return good_model(request)

    first, second = ScriptedClient(until), ScriptedClient(good_model)
    plan = make_plan(settings(), load_registry(today=AS_OF), log(20))
    with Database(path) as store:
        partial = await run(plan, first, store, ignore, control=control)
        before = [row.pair.failure for row in store.read(lambda c: sample_rows(c, partial.run_id))]
        whole = await run(plan, second, store, ignore)
    assert partial.stage == "interrupted"
    assert 1 < len(before) < 40
    assert before.count("bad_request") == 1
    assert (whole.run_id, second.requests != []) == (partial.run_id, True)
    found = all_kept(path, whole.run_id)
    assert len(found) == 40
    fresh = await result_of(tmp_path / "d.db", calls=log(20))
    assert found == all_kept(tmp_path / "d.db", fresh.run_id)


async def test_the_second_run_has_the_answers_and_judgements_of_the_first(tmp_path: Path) -> None:
    def answer(request: ChatRequest) -> Replay:
        declines = request.purpose == "replay" and request.record_id == "call-0003"
        return answered(request, DECLINED) if declines else good_model(request)

    path, client = tmp_path / "c.db", ScriptedClient(answer)
    one = await result_of(path, answer)
    dearer = settings(models=({"id": LUNA, "price": {"output": "2.4"}},))
    two = await optimize_async(dearer, calls=list(reversed(log(10))), client=client, database=path)
    assert client.requests == []
    assert two.run_id != one.run_id
    first, second = all_kept(path, one.run_id), all_kept(path, two.run_id)
    assert len(first) == 20
    costs = {key: found.sample.pair.candidate_cost_usd for key, found in second.items()}
    assert all((costs[key] == found.sample.pair.candidate_cost_usd) is (key[0] == MINI) for key, found in first.items())
    assert {key: priceless(found) for key, found in first.items()} == {
        key: priceless(found) for key, found in second.items()
    }


def priceless(found: KeptSample) -> KeptSample:
    pair = found.sample.pair.model_copy(update={"candidate_cost_usd": None})
    return found._replace(sample=found.sample.model_copy(update={"pair": pair}))


async def test_a_call_that_was_logged_twice_has_a_whole_sample_of_each(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    again = logged_call(3).model_copy(update={"id": "again"})
    result = await result_of(path, calls=[*log(10), again], gateway={"concurrency": 1})
    one, two = kept(path, result.run_id).sample, kept(path, result.run_id, MINI, "again").sample
    assert one.position != two.position
    assert two.comparison is not None
    assert (two.answer, two.comparison) == (one.answer, one.comparison)


async def test_another_judge_s_opinions_are_not_taken_over(tmp_path: Path) -> None:
    def strict(request: ChatRequest) -> Replay:
        return judged(request, lambda _: 60) if request.purpose == "judge" else good_model(request)

    path = tmp_path / "c.db"
    one = await result_of(path)
    two = await result_of(path, strict, judge={"models": ("gpt-6.1-terra",)})
    three = await result_of(path)
    first, second, third = (kept(path, each.run_id).sample for each in (one, two, three))
    assert second.comparison != first.comparison
    assert second.answer == first.answer
    assert third == first


# Without text


async def test_without_text_the_figures_are_all_there(tmp_path: Path) -> None:
    def answer(request: ChatRequest) -> Replay | Failure:
        if request.purpose == "replay" and request.record_id == "call-0003":
            return answered(request, DECLINED)
        if request.purpose == "replay" and request.record_id == "call-0004":
            return Failure(kind="bad_request", message="foreign words", status=400)
        return good_model(request)

    quiet = {"keep_text": False}
    one = await result_of(tmp_path / "a.db", answer)
    two = await result_of(tmp_path / "b.db", answer, store=quiet)
    three = await result_of(tmp_path / "b.db", answer, store=quiet)  # carried over
    whole = all_kept(tmp_path / "a.db", one.run_id)
    expected = {key: textless(found) for key, found in whole.items()}
    assert expected != whole
    assert all_kept(tmp_path / "b.db", two.run_id) == expected
    assert all_kept(tmp_path / "b.db", three.run_id) == expected
    # A run that may keep none takes none over either.
    four = await result_of(tmp_path / "a.db", answer, store=quiet)
    assert {key: found.sample for key, found in all_kept(tmp_path / "a.db", four.run_id).items()} == {
        key: found.sample for key, found in expected.items()
    }


def textless(found: KeptSample) -> KeptSample:
    sample = found.sample
    changes: dict[str, object] = {
        "logged": None,
        "answer": None,
        "pair": sample.pair.model_copy(update={"failure_message": None}),
    }
    if sample.comparison is not None:
        silent = [
            opinion.model_copy(
                update={
                    "baseline": opinion.baseline.model_copy(update={"reasoning": ""}),
                    "candidate": opinion.candidate.model_copy(update={"reasoning": ""}),
                }
            )
            for opinion in sample.comparison.opinions
        ]
        changes["comparison"] = sample.comparison.model_copy(update={"opinions": tuple(silent)})
    return KeptSample(sample.model_copy(update=changes), None)


async def test_a_purge_takes_the_texts_and_leaves_the_figures(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    one = await result_of(path)
    expected = {key: textless(found) for key, found in all_kept(path, one.run_id).items()}
    purged = await asyncio.to_thread(purge, path)
    assert purged.samples == 20
    assert all_kept(path, one.run_id) == expected
    with Database(path) as store:
        assert store.read(lambda c: find_text(c, one.run_id, "sha256")) == set()
    # The next run knows the log, but not what was answered to it.
    two = await result_of(path)
    after = kept(path, two.run_id).sample
    assert (after.logged, after.answer) == (logged_call(3).completion, None)
    assert after.comparison == expected[MINI, "call-0003"].sample.comparison


async def test_what_is_carried_over_is_as_old_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    one = await result_of(path)
    with Database(path) as store:
        store.run(lambda c: c.execute("UPDATE samples SET created_at = '2026-10-31T23:59:59+00:00' WHERE position < 4"))
    two = await result_of(path)
    assert (await asyncio.to_thread(purge, path, date(2026, 11, 1))).samples == 2 * 2 * 4
    for result in (one, two):
        texts = {
            row.position: kept(path, result.run_id, MINI, row.record_id).sample.answer
            for row in rows(path, result.run_id)
        }
        assert {position for position, answer in texts.items() if answer is None} == {0, 1, 2, 3}


async def test_words_in_the_prompt_are_found_for_every_model(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    asked = Message(role="user", parts=(Part(text="Where is the DEPÓSITO?"),))
    calls = [*log(6), logged_call(7).model_copy(update={"messages": (asked,)})]
    result = await result_of(path, calls=calls)
    with Database(path) as store:
        found = store.read(lambda c: find_text(c, result.run_id, "depósito"))
        nothing = store.read(lambda c: find_text(c, result.run_id, "dep_sito"))
    assert found == {(MINI, "call-0007"), (LUNA, "call-0007")}
    assert nothing == set()


@pytest.mark.parametrize(
    ("baseline", "candidate", "newly"), [(False, True, True), (True, True, False), (True, False, False)]
)
def test_a_call_that_both_refuse_is_not_newly_refused(baseline: bool, candidate: bool, newly: bool) -> None:
    pair = Pair(record_id="a", baseline_refused=baseline, candidate_refused=candidate)
    assert pair.is_newly_refused is newly
