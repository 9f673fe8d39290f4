from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from statistics import mean
from typing import Any

import aiohttp
import pytest

from cqtui.checks.conversation import render_completion, render_conversation
from cqtui.checks.refusals import detect_refusal
from cqtui.engine.judge_prompt import (
    default_rubric,
    pointwise_prompt,
    read_pointwise,
    read_side_by_side,
    side_by_side_prompt,
)
from cqtui.gateway.rehearsal import edits, scoring, server
from cqtui.gateway.rehearsal.simulated import SimulatedModel, simulated_model
from cqtui.gateway.translate import wire_message
from cqtui.models import Completion, LoggedCall, Message, Origin, Part, ToolCall, Usage

PERFECT = SimulatedModel(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 60.0)
DAMAGING = replace(PERFECT, edit_rate=1.0, number_rate=0.5, omission_rate=0.4)
PROSE = "The plan costs 40 dollars. It has 3 seats. Support answers within 12 hours. You may cancel at any time."
JSON = '{"name": "Ann", "total": 12.50, "tags": ["a", "b"], "paid": true}'
TOOL = Completion(tool_calls=(ToolCall(name="find", arguments='{"order": "KX-2291", "limit": 3}', id="c1"),))


def logged(number: int, completion: Completion, *, usage: Usage | None = None, **more: Any) -> LoggedCall:
    return LoggedCall(
        id=f"r{number}",
        messages=(
            Message(role="developer", parts=(Part(text="You help."),)),
            Message(role="user", parts=(Part(text=f"Question {number}?"),)),
        ),
        completion=completion,
        finish_reason="tool_calls" if completion.tool_calls else "stop",
        usage=usage or Usage(input_tokens=100 + number, output_tokens=30),
        origin=Origin(file="log.jsonl", format="native"),
        **more,
    )


def wire(call: LoggedCall) -> list[dict[str, Any]]:
    return [wire_message(message, developer_role=False) for message in call.messages]


def score(logged_text: str, answer: str, seed: int = 1) -> float:
    judgement = read_pointwise(scoring.judge_answer(logged_text, [answer], Random(f"{seed}|{answer}")), "judge")
    assert judgement is not None
    return judgement.overall


async def post(url: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.post(f"{url}/chat/completions", json=body) as response:
        return response.status, await response.json()


def seeds(count: int = 40) -> Iterator[Random]:
    return (Random(seed) for seed in range(count))


def test_conversation_is_rendered_with_parts_and_tool_calls() -> None:
    messages = (
        Message(role="user", parts=(Part(text="See"), Part(kind="image", raw={"type": "image_url"}))),
        Message(role="assistant", tool_calls=TOOL.tool_calls),
    )
    assert render_conversation(messages) == (
        'user: See[image]\n\nassistant: [tool call find({"order": "KX-2291", "limit": 3})]'
    )
    assert render_completion(Completion(text="Hi", tool_calls=(ToolCall(name="f", arguments="{}"),))) == (
        "Hi\n[tool call f({})]"
    )
    assert render_completion(Completion(refusal="No.")) == "No."
    assert render_completion(Completion()) == "[no answer]"


def test_simulated_models_are_deterministic_and_within_bounds() -> None:
    assert simulated_model("m", 0.3, 1) == simulated_model("m", 0.3, 1)
    assert simulated_model("m", 0.3, 1) != simulated_model("m", 0.3, 2)
    cheap = [simulated_model(f"m{n}", 0.1, 5) for n in range(60)]
    assert all(60 <= model.latency_ms <= 250 for model in cheap)
    assert min(model.edit_rate for model in cheap) < 0.08 < 0.15 < max(model.edit_rate for model in cheap)
    assert all(simulated_model(f"m{n}", 1.0, 5).edit_rate < 0.01 for n in range(60))


@pytest.mark.parametrize("written", ["7", "1", "0", "0.05", "1,250.50", "999", "1" * 60])
def test_a_changed_number_differs_and_keeps_its_notation(written: str) -> None:
    for rng in seeds():
        changed = edits.change_number(written, rng)
        assert changed != written
        assert len(changed.partition(".")[2]) == len(written.partition(".")[2])
        assert float(changed.replace(",", "")) >= 0


def test_list_markers_are_no_numbers_to_change() -> None:
    changed = edits.change_numbers("1. Take 5 eggs.\n2. Wait.", 1.0, Random(1))
    assert changed.startswith("1. Take ")
    assert changed.endswith(" eggs.\n2. Wait.")
    assert " 5 " not in changed


def test_dropping_sentences_keeps_at_least_one_of_the_originals() -> None:
    for rng in seeds():
        left = edits.drop_sentences(PROSE, 1.0, rng)
        assert left
        assert left in PROSE
        assert left != PROSE


@pytest.mark.parametrize("text", [PROSE, JSON, f"```json\n{JSON}\n```", "billing", "42", "one two three four five six"])
def test_an_edited_answer_differs_and_scores_lower(text: str) -> None:
    for rng in seeds():
        changed = edits.edit_text(text, DAMAGING, ["billing", "refund"], rng)
        assert changed != text
        assert score(text, changed) < score(text, text)


def test_edited_json_parses_and_broken_json_does_not() -> None:
    for rng in seeds():
        assert json.loads(edits.edit_text(JSON, DAMAGING, [], rng)) != json.loads(JSON)
        with pytest.raises(ValueError, match=r"."):
            json.loads(edits.break_json(JSON, rng))


def test_labels_come_from_the_log() -> None:
    assert edits.change_label("billing", ["billing", "refund"], Random(1)) == "refund"
    assert edits.change_label("billing", ["Billing."], Random(1)) == "not billing"


def test_a_refusal_is_one_that_the_detector_finds() -> None:
    for rng in seeds():
        reply = edits.make_reply(Completion(text=PROSE), "stop", replace(PERFECT, refusal_rate=1.0), [], rng)
        assert detect_refusal(reply.completion.text).label == "full_refusal"
        assert score(PROSE, reply.completion.text or "") < 25


def test_truncation_verbosity_and_tool_calls() -> None:
    cut = edits.make_reply(Completion(text=PROSE), "stop", replace(PERFECT, truncation_rate=1.0), [], Random(1))
    assert cut.finish_reason == "length"
    assert PROSE.startswith(cut.completion.text or "-")
    padded = edits.make_reply(Completion(text=PROSE), "stop", replace(PERFECT, verbosity=1.0), [], Random(1))
    assert PROSE in (padded.completion.text or "")
    assert score(PROSE, PROSE) - score(PROSE, padded.completion.text or "") < 6
    kept = edits.make_reply(TOOL, "tool_calls", PERFECT, [], Random(1))
    assert kept == edits.Reply(TOOL, "tool_calls")
    changed = edits.make_reply(TOOL, "tool_calls", DAMAGING, [], Random(1)).completion
    assert changed.tool_calls[0].name == "find"
    assert changed != TOOL
    intact = render_completion(TOOL)
    assert score(intact, render_completion(changed)) < score(intact, intact)


def test_the_judge_scores_an_identical_answer_high_with_little_noise() -> None:
    found = [score(text, text, seed) for text in (PROSE, JSON, "billing") for seed in range(50)]
    assert 90 <= min(found) < max(found) <= 96


def test_the_judge_orders_answers_by_damage() -> None:
    half = PROSE[: len(PROSE) // 2]
    wrong = PROSE.replace("40", "55")
    assert score(PROSE, PROSE) > score(PROSE, wrong) > score(PROSE, half) > score(PROSE, "Bananas are yellow.")
    assert score(JSON, JSON) > score(JSON, JSON.replace("Ann", "Bob")) > score(JSON, JSON[:-1])
    assert score("billing", "billing") - score("billing", "The label is: billing") < 3


def test_keys_match_whatever_the_role() -> None:
    call = logged(1, Completion(text="a"))
    assert server.call_key(call) == server.prompt_key(wire(call))
    assert server.call_key(call) != server.call_key(logged(2, Completion(text="a")))
    image = [{"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {}}]}]
    assert server.prompt_key(image) != server.prompt_key([{"role": "user", "content": "x"}])


def test_dearer_models_score_higher_on_average() -> None:
    def average(position: float) -> float:
        found = []
        for name in range(25):
            model = simulated_model(f"m{name}", position, 3)
            for rng in seeds():
                reply = edits.make_reply(Completion(text=PROSE), "stop", model, [], rng)
                found.append(score(PROSE, reply.completion.text or ""))
        return mean(found)

    nearly_free, middling, as_dear = average(0.0), average(0.5), average(1.0)
    assert nearly_free + 1 < middling < as_dear


async def test_round_trip() -> None:
    calls = [logged(n, Completion(text=f"{PROSE} Case {n}.")) for n in range(4)] + [logged(9, TOOL)]
    async with server.RehearsalServer(calls, {"dear-1": 1.0, "cheap-1": 0.0}, seed=4) as running:
        url = running.base_url
        body = {"model": "dear-1", "messages": wire(calls[0]), "max_tokens": 1024}
        status, answer = await post(url, body)
        assert (status, answer["model"], answer["object"]) == (200, "dear-1", "chat.completion")
        assert answer["choices"][0]["finish_reason"] == "stop"
        assert answer["usage"]["prompt_tokens"] == 100
        assert answer["usage"]["total_tokens"] == 100 + answer["usage"]["completion_tokens"]
        assert (await post(url, body))[1] == answer

        _, tools = await post(url, {"model": "dear-1", "messages": wire(calls[-1])})
        assert tools["choices"][0]["finish_reason"] == "tool_calls"
        assert tools["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "find"

        _, short = await post(url, {**body, "max_tokens": 10})
        assert short["choices"][0]["finish_reason"] == "length"
        assert short["usage"]["completion_tokens"] <= 10

        scores = []
        for given in (f"{PROSE} Case 0.", "It costs 99 dollars."):
            prompt = pointwise_prompt(calls[0], Completion(text=given), default_rubric())
            judge_body = {"model": server.JUDGE_MODEL, "messages": [{"role": "user", "content": prompt}]}
            status, judged = await post(url, judge_body)
            assert status == 200
            judgement = read_pointwise(judged["choices"][0]["message"]["content"], "judge")
            assert judgement is not None
            scores.append(judgement.overall)
        assert scores[0] > 90 > 60 > scores[1]

        good, bad = Completion(text=f"{PROSE} Case 0."), Completion(text="It costs 99 dollars.")
        for candidate_first in (False, True):
            shown = (bad, good) if candidate_first else (good, bad)
            prompt = side_by_side_prompt(calls[0], *shown, default_rubric())
            judge_body = {"model": server.JUDGE_MODEL, "messages": [{"role": "user", "content": prompt}]}
            _, judged = await post(url, judge_body)
            opinion = read_side_by_side(
                judged["choices"][0]["message"]["content"], "judge", candidate_first=candidate_first
            )
            assert opinion is not None
            assert opinion.difference < -30

    with pytest.raises(RuntimeError):
        _ = running.base_url


async def test_what_is_not_in_the_log_is_an_error() -> None:
    call = logged(1, Completion(text=PROSE))
    async with server.RehearsalServer([call], {"m": 0.5}, seed=1) as running:
        unknown = [{"role": "user", "content": "never logged"}]
        for model, messages in (("m", unknown), ("other", wire(call)), (server.JUDGE_MODEL, unknown)):
            status, answer = await post(running.base_url, {"model": model, "messages": messages})
            assert status == 404
            assert answer["error"]["message"]
        stranger = pointwise_prompt(logged(2, Completion(text="x")), Completion(text="x"), default_rubric())
        body = {"model": server.JUDGE_MODEL, "messages": [{"role": "user", "content": stranger}]}
        assert (await post(running.base_url, body))[0] == 404
        assert (await post(running.base_url, {"model": "m"}))[0] == 400


async def test_a_changed_log_changes_replies_and_scores() -> None:
    async def run(text: str) -> tuple[str, str]:
        call = logged(1, Completion(text=text))
        prompt = pointwise_prompt(call, Completion(text=PROSE), default_rubric())
        async with server.RehearsalServer([call], {"m": 1.0}, seed=1) as running:
            _, reply = await post(running.base_url, {"model": "m", "messages": wire(call)})
            judge_body = {"model": server.JUDGE_MODEL, "messages": [{"role": "user", "content": prompt}]}
            _, judged = await post(running.base_url, judge_body)
        return reply["choices"][0]["message"]["content"], judged["choices"][0]["message"]["content"]

    first, second = await run(PROSE), await run(PROSE.replace("40", "41").replace("3 seats", "8 seats"))
    assert first[0] != second[0]
    assert json.loads(first[1])["accuracy"] > json.loads(second[1])["accuracy"] + 10
