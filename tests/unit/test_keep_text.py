"""Runs whose texts are not kept, or were deleted: no call is made twice, and no text is in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from cqtui.engine.control import RunControl
from cqtui.engine.optimize import optimize_async
from cqtui.engine.pipeline import run
from cqtui.engine.plan import make_plan
from cqtui.events import Event
from cqtui.gateway.protocol import ChatRequest
from cqtui.models import Failure, GuardrailCheck, GuardrailOutcome, LoggedCall, Message, Part, Replay
from cqtui.registry.loader import load_registry
from cqtui.results import Recommendation
from cqtui.settings import Settings
from cqtui.store.database import Database, connect
from cqtui.store.purge import purge
from tests.fakes import ScriptedClient, answered, judged, logged_call

AS_OF = date(2026, 11, 25)
CANDIDATES = ("openai/gpt-5.4-mini", "openai/gpt-5.6-luna")
MARKS = ("promptmark", "loggedmark", "answermark", "judgemark", "failuremark", "checkmark")
GUARDRAILS = {"pii": {"id": "pg-pii"}}
Answer = Callable[[ChatRequest], Replay | Failure]


def settings(*, keep_text: bool = False, **changes: object) -> Settings:
    base: dict[str, object] = {"as_of": AS_OF, "candidates": CANDIDATES, "gateway": {"attempts": 1, "concurrency": 1}}
    return Settings.model_validate({**base, "store": {"keep_text": keep_text}, **changes})


def call(number: int) -> LoggedCall:
    found = logged_call(number, text=f"loggedmark {number}")
    asked = Message(role="user", parts=(Part(text=f"promptmark {number}"),))
    return found.model_copy(update={"messages": (*found.messages[:1], asked)})


def log(count: int) -> list[LoggedCall]:
    return [call(n) for n in range(count)]


def good(request: ChatRequest) -> Replay | Failure:
    if request.purpose == "judge":
        return judged(request, lambda _: 90, reasoning="judgemark promptmark")
    text = f"answermark {request.model} {request.record_id}"
    if request.record_id.endswith("3"):
        text = "I'm sorry, but I can't help with that. answermark"
    replay = answered(request, text)
    return replay if request.config is None else under_guardrails(replay, broken=request.record_id.endswith("5"))


def under_guardrails(replay: Replay, *, broken: bool) -> Replay:
    error = "checkmark: promptmark" if broken else None
    check = GuardrailCheck(hook="input", id="pii", verdict=None if broken else True, error=error)
    return replay.model_copy(update={"guardrails": GuardrailOutcome(status=200, checks=(check,), latency_ms=2.0)})


async def result_of(
    path: Path, answer: Answer = good, *, calls: list[LoggedCall] | None = None, **changes: object
) -> tuple[Recommendation, list[ChatRequest]]:
    client = ScriptedClient(answer)
    given = settings(**changes)  # type: ignore[arg-type]
    result = await optimize_async(given, calls=calls or log(24), client=client, database=path)
    return result, client.requests


def text_in(path: Path) -> set[str]:
    content = b"".join(file.read_bytes() for file in path.parent.iterdir() if file.is_file())
    return {mark for mark in MARKS if mark.encode() in content}


def same(one: Recommendation, two: Recommendation) -> bool:
    apart = {"run_id", "at", "seconds", "spend"}
    return one.model_dump(exclude=apart) == two.model_dump(exclude=apart)


@pytest.mark.parametrize("judge", [{}, {"mode": "checks"}])
async def test_without_text_the_second_run_calls_nothing_and_says_the_same(tmp_path: Path, judge: object) -> None:
    path = tmp_path / "c.db"
    one, first = await result_of(path, judge=judge)
    assert {e.ledger.newly_refused > 0 for e in one.evidence} == {True}
    assert text_in(path) == set()
    two, second = await result_of(path, judge=judge)
    assert first
    assert second == []
    assert same(one, two)
    assert text_in(path) == set()


async def test_without_text_a_run_says_what_one_with_text_says(tmp_path: Path) -> None:
    one, first = await result_of(tmp_path / "a" / "c.db", keep_text=True)
    two, second = await result_of(tmp_path / "b" / "c.db", keep_text=False)
    assert same(one, two)
    assert len(first) == len(second)
    assert text_in(tmp_path / "a" / "c.db") == {"promptmark", "loggedmark", "answermark", "judgemark"}


async def test_guardrails_are_not_tried_twice_either(tmp_path: Path) -> None:
    def fine(request: ChatRequest) -> Replay | Failure:
        found = good(request)
        if request.record_id.endswith("3") and request.purpose == "replay" and request.config is None:
            return answered(request, "answermark fine")
        return found

    path = tmp_path / "c.db"
    one, first = await result_of(path, fine, guardrails=GUARDRAILS)
    assert any(request.config is not None for request in first)
    assert one.guardrails[0].refused_by == {"model": 3}
    assert one.guardrails[0].not_evaluated == 2
    assert text_in(path) == set()
    two, second = await result_of(path, fine, guardrails=GUARDRAILS)
    assert second == []
    # The words of a broken check are not kept.
    assert [report.model_dump(exclude={"errors"}) for report in one.guardrails] == [
        report.model_dump(exclude={"errors"}) for report in two.guardrails
    ]
    assert two.guardrails[0].errors == {"pii: no verdict": 2}


async def test_unreadable_judgements_are_not_asked_for_again(tmp_path: Path) -> None:
    def mute(request: ChatRequest) -> Replay | Failure:
        odd = request.purpose == "judge" and int(request.record_id[-2:]) % 4 == 0
        return answered(request, "judgemark: about 80 points") if odd else good(request)

    path = tmp_path / "c.db"
    one, _ = await result_of(path, mute)
    assert one.evidence[0].ledger.unjudged == 6
    two, second = await result_of(path, mute)
    assert second == []
    assert same(one, two)
    assert text_in(path) == set()


async def test_failures_are_tried_again_and_their_words_are_not_kept(tmp_path: Path) -> None:
    failing = True

    def sometimes(request: ChatRequest) -> Replay | Failure:
        if failing and request.purpose == "judge" and request.record_id.endswith("7"):
            return Failure(kind="server_error", message="failuremark judge", status=500)
        if failing and request.model == "gpt-5.6-luna":
            return Failure(kind="bad_request", message="failuremark: promptmark is odd", status=400)
        return good(request)

    path = tmp_path / "c.db"
    one, _ = await result_of(path, sometimes)
    assert {e.candidate.id: e.ledger.unjudged for e in one.evidence}["openai/gpt-5.4-mini"] == 2
    assert text_in(path) == set()
    failing = False
    two, second = await result_of(path, sometimes)
    assert {e.ledger.unjudged for e in two.evidence} == {0}
    mini = [request for request in second if request.model == "gpt-5.4-mini"]
    assert {request.record_id for request in mini} == {"call-0007", "call-0017"}


async def test_prices_of_the_day_apply_to_what_was_measured_before(tmp_path: Path) -> None:
    one, _ = await result_of(tmp_path / "c.db")
    dearer = ({"id": "openai/gpt-5.6-luna", "price": {"output": "2.4"}},)
    two, second = await result_of(tmp_path / "c.db", models=dearer)
    assert second == []
    costs = [
        {e.candidate.id: e.cost_per_call_usd for e in result.evidence}["openai/gpt-5.6-luna"] for result in (one, two)
    ]
    assert costs[0] is not None
    assert costs[1] is not None
    assert float(costs[1] / costs[0]) == pytest.approx((100 * 0.2 + 50 * 2.4) / (100 * 0.2 + 50 * 1.2))


async def test_an_interrupted_run_goes_on_and_repeats_only_what_was_not_finished(tmp_path: Path) -> None:
    control = RunControl()
    path = tmp_path / "c.db"

    def until(request: ChatRequest) -> Replay | Failure:
        if len(first.requests) == 40:
            control.stop()
        return good(request)

    first, second = ScriptedClient(until), ScriptedClient(good)
    plan = make_plan(settings(), load_registry(today=AS_OF), log(24))

    def ignore(event: Event, /) -> None:
        pass

    with Database(path) as store:
        partial = await run(plan, first, store, ignore, control=control)
        assert partial.stage == "interrupted"
        whole = await run(plan, second, store, ignore)
    assert whole.stage == "completed"
    assert not {r.content_hash for r in first.requests} & {r.content_hash for r in second.requests}
    fresh, _ = await result_of(tmp_path / "d.db")
    assert same(whole, fresh)


async def test_after_a_purge_the_same_run_calls_nothing(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    one, _ = await result_of(path, keep_text=True)
    assert text_in(path) == {"promptmark", "loggedmark", "answermark", "judgemark"}
    await asyncio.to_thread(purge, path)
    assert text_in(path) == set()
    two, second = await result_of(path, keep_text=True)
    assert second == []
    assert same(one, two)


async def test_another_judge_asks_for_answers_that_were_not_kept_again(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    await result_of(path)
    _, second = await result_of(path, judge={"models": ("gpt-6.1-terra",)})
    purposes = [request.purpose for request in second]
    assert purposes.count("replay") == 48


async def test_a_changed_slug_or_snapshot_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    await result_of(path, keep_text=True)
    _, same_slug = await result_of(path, keep_text=True)
    assert same_slug == []
    snapshot = ({"id": "openai/gpt-5.6-luna", "version": "2026-11-20"},)
    _, again = await result_of(path, keep_text=True, models=snapshot)
    assert {request.model for request in again if request.purpose == "replay"} == {"gpt-5.6-luna"}
    with closing(connect(path)) as connection:
        sources = {text for (text,) in connection.execute("SELECT source_versions_json FROM cache")}
    assert any('"rubric": "side_by_side/' in text and '"model:' in text for text in sources)
