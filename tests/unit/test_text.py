"""What stays of stored values without their text."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from cqtui.engine.judge_prompt import read_pointwise, read_side_by_side
from cqtui.events import EVENT, CandidateStopped, Event, ReplayFailed
from cqtui.judgements import Judgement
from cqtui.models import Completion, Replay, Usage
from cqtui.store import records, runs
from cqtui.store.database import connect
from cqtui.store.text import (
    answer_figures,
    evaluation_figures,
    in_json,
    judgement_figures,
    prompt_mark,
    reason_without_message,
    without_messages,
)

SECRET = "Ms. Harrowfen"
GOOD = {"accuracy": 80, "helpfulness": 90.5, "clarity": 100, "completeness": 70}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened = connect(tmp_path / "cqtui.db")
    yield opened
    opened.close()


def stored(text: str | None) -> dict[str, Any]:
    replay = Replay(
        model="j",
        served_model="j-2026",
        completion=Completion(text=text, refusal=SECRET),
        finish_reason="stop",
        usage=Usage(input_tokens=3, output_tokens=4),
        latency_ms=12.5,
    )
    return replay.model_dump(mode="json", exclude_defaults=True)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"reasoning": SECRET, **GOOD}),
        f"```json\n{json.dumps({'reasoning': SECRET, **GOOD})}\n```",
        json.dumps({**GOOD, "remark": SECRET, SECRET: 5}),
        json.dumps({**GOOD, "accuracy": "80"}),
        json.dumps({**GOOD, "accuracy": 180}),
        json.dumps({**GOOD, "accuracy": SECRET}),
        json.dumps({**GOOD, "accuracy": None}),
        json.dumps({**GOOD, "reasoning": [SECRET]}),
        json.dumps({**GOOD, "accuracy": 1}).replace("1,", "NaN,"),
        json.dumps([SECRET]),
        f"Sure, {SECRET}: {json.dumps(GOOD)}",
        "[" * 100_000,
        SECRET,
        "",
        None,
    ],
)
def test_a_judge_s_reply_is_read_the_same_without_its_text(text: str | None) -> None:
    def scores(judgement: Judgement | None) -> dict[str, Any] | None:
        return None if judgement is None else judgement.model_dump(exclude={"reasoning"})

    less = judgement_figures(stored(text))
    left = Replay.model_validate(less)
    assert SECRET not in json.dumps(less)
    assert left.completion is not None
    assert scores(read_pointwise(left.completion.text, "j")) == scores(read_pointwise(text, "j"))
    assert (left.usage, left.latency_ms, left.served_model) == (Usage(input_tokens=3, output_tokens=4), 12.5, "j-2026")
    assert judgement_figures(less) == less


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"reasoning": SECRET, "answer_1": {**GOOD, "refusal": "full"}, "answer_2": GOOD}),
        json.dumps({"reasoning": "", "answer_1": {**GOOD, "refusal": SECRET}, "answer_2": GOOD}),
        json.dumps({"reasoning": "", "answer_1": {**GOOD, "why": SECRET}, "answer_2": GOOD, SECRET: 1}),
        json.dumps({"reasoning": "", "answer_1": GOOD}),
        json.dumps({"reasoning": "", "answer_1": SECRET, "answer_2": GOOD}),
    ],
)
def test_a_reply_about_two_answers_keeps_its_figures_alone(text: str) -> None:
    less = judgement_figures(stored(text))
    assert SECRET not in json.dumps(less)
    assert judgement_figures(less) == less
    before, after = (
        read_side_by_side(found, "j", candidate_first=False) for found in (text, less["completion"]["text"])
    )
    if before is None:
        assert SECRET in text or after is None
        return
    assert after is not None
    assert (before.baseline.overall, before.candidate.overall) == (after.baseline.overall, after.candidate.overall)
    assert (before.baseline_refusal, before.candidate_refusal) == (after.baseline_refusal, after.candidate_refusal)


def test_an_answer_keeps_its_figures_alone() -> None:
    assert answer_figures({**stored(SECRET), "something_new": SECRET}) == {
        "model": "j",
        "served_model": "j-2026",
        "finish_reason": "stop",
        "usage": {"input_tokens": 3, "output_tokens": 4},
        "latency_ms": 12.5,
    }


def test_an_evaluation_keeps_judge_and_numbers() -> None:
    evaluation = {"judge": "j", "current": 88.0, "candidate": None, "reasoning": SECRET, "why": {"x": SECRET}}
    assert evaluation_figures(evaluation) == {"judge": "j", "current": 88.0, "candidate": None}


def test_a_prompt_s_mark_is_its_hash_and_stays() -> None:
    mark = prompt_mark("abc")
    assert mark == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert prompt_mark(mark) == mark
    assert prompt_mark(f"{mark} and more") != f"{mark} and more"


@pytest.mark.parametrize(
    ("reason", "left"),
    [
        ("clearly worse", "clearly worse"),
        (
            f"its first 5 calls all failed (bad_request: no {SECRET} (ever): x)",
            "its first 5 calls all failed (bad_request)",
        ),
        (f"refused the key (status 401): {SECRET}", "refused the key (status 401)"),
    ],
)
def test_a_reason_loses_the_provider_s_words(reason: str, left: str) -> None:
    assert reason_without_message(reason) == left
    assert without_messages({"evidence": [{"stopped": reason, "n": 1}], "stopped": None}) == {
        "evidence": [{"stopped": left, "n": 1}],
        "stopped": None,
    }


def test_a_guardrail_s_broken_checks_are_still_counted() -> None:
    report = {"guardrails": [{"errors": {f"a: {SECRET}": 2, "a: other": 1, "b": 1}}], "checks": [{"error": SECRET}]}
    assert without_messages(report) == {"guardrails": [{"errors": {"a": 3, "b": 1}}], "checks": [{"error": None}]}


def test_json_with_nothing_to_take_out_comes_back_as_it_was() -> None:
    assert in_json(answer_figures)('{"model":   "j"}') == '{"model":   "j"}'
    assert in_json(answer_figures)("no JSON") == "{}"
    assert in_json(answer_figures)("[1]") == "{}"


def test_nothing_that_is_written_without_text_holds_any(connection: sqlite3.Connection, tmp_path: Path) -> None:
    base = {"run_id": "r", "seq": 1, "at": datetime(2026, 11, 25, tzinfo=UTC), "model_id": "m"}
    failed = ReplayFailed.model_validate(
        {
            **base,
            "purpose": "replay",
            "record_id": "1",
            "failure": "bad_request",
            "message": SECRET,
            "will_retry": False,
            "spent_usd": "0",
        }
    )
    stopped = CandidateStopped.model_validate({**base, "pairs": 5, "reason": f"all failed (bad_request: {SECRET})"})
    result = {"grade": "keep", "evidence": [{"stopped": f"all failed (x: {SECRET})"}]}

    def write(name: str, *, keep_text: bool) -> None:
        runs.start_run(connection, name, "plan", "scripted")
        records.keep_prompts(connection, {name: SECRET}, "general", keep_text=keep_text)
        records.keep_completion(connection, name, "m", stored(SECRET), keep_text=keep_text)
        events = [event.model_copy(update={"run_id": name}) for event in (failed, stopped)]
        runs.append_events(connection, events, keep_text=keep_text)
        runs.keep_partial(connection, name, result, keep_text=keep_text)
        runs.finish_run(connection, name, result, keep_text=keep_text)

    def holds_text() -> bool:
        return any(SECRET in line for line in connection.iterdump())

    write("r1", keep_text=False)
    assert not holds_text()
    kept = [EVENT.validate_json(text) for (text,) in connection.execute("SELECT event_json FROM events ORDER BY seq")]
    assert [getattr(event, "message", None) or getattr(event, "reason", "") for event in kept] == [
        "",
        "all failed (bad_request)",
    ]
    assert runs.load_result(connection, "r1") == {"grade": "keep", "evidence": [{"stopped": "all failed (x)"}]}
    write("r2", keep_text=True)
    assert holds_text()


def test_every_event_field_that_may_hold_foreign_words_is_known() -> None:
    """A new text field of an event must be looked at here and in ``event_figures``."""
    names = {"run_id", "kind", "model_id", "record_id", "current_model", "provider", "guardrails", "job_id", "sentence"}
    foreign = {"message", "reason"}
    classes = get_args(get_args(Event)[0])
    found = {name for each in classes for name, field in each.model_fields.items() if field.annotation is str}
    assert foreign <= found
    assert found <= names | foreign
