"""Helicone's exports."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.proxy_logs import ANSWERED, HELICONE, WITHOUT_USAGE, call_of, helicone


def test_helicone_row_with_quotes_escaped_twice() -> None:
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": 'say "", or \\"hi\\"\n{}'}], "stop": ""}
    record = {
        "response_id": "r-9",
        "response_created_at": "2026-09-10T02:23:20.380Z",
        "response_status": "200",
        "request_created_at": "2026-09-10T02:23:20.000Z",
        "request_body": json.dumps(asked).replace('"', '""'),
        "request_properties": '{""Environment"":""prod""}',
        "request_user_id": "ann",
        "model": "gpt-4o",
        "prompt_tokens": "17",
        "completion_tokens": "6",
        "latency": "",
        "cost": "",
    }
    assert HELICONE.sniff(record) >= 0.9
    call = call_of(HELICONE, record)
    assert call.messages[0].text == 'say "", or \\"hi\\"\n{}'
    assert call.params == {"stop": ""}
    assert call.metadata == {"Environment": "prod"}
    assert (call.id, call.user, call.usage.input_tokens) == ("r-9", "ann", 17)
    assert (call.latency_ms, call.cost_usd) == (None, None)
    filled = call_of(HELICONE, record | {"latency": "380", "cost": "0.0001"})
    assert (filled.latency_ms, filled.cost_usd) == (380, Decimal("0.0001"))


def test_helicone_fields() -> None:
    call = call_of(HELICONE, helicone())
    assert (call.id, call.user, call.session, call.latency_ms, call.ttft_ms) == ("h-1", "ann", "s-1", 380, 90)
    assert call.metadata == {"Environment": "prod"}


@pytest.mark.parametrize(
    ("changes", "score", "raw"),
    [
        ({"feedback_rating": True}, 1.0, None),
        ({"feedback_rating": "false"}, 0.0, None),
        ({"scores": {"helicone-score-feedback": 1, "accuracy": 80}}, 1.0, {"accuracy": 80}),
        ({"scores": {"accuracy": {"value": 1, "valueType": "number"}}}, None, {"accuracy": 1}),
        ({"feedback_rating": None, "scores": None}, None, None),
    ],
)
def test_helicone_feedback_is_the_score_and_other_scores_are_kept_raw(
    changes: dict[str, Any], score: float | None, raw: Any
) -> None:
    call = call_of(HELICONE, helicone(**changes))
    assert call.score == score
    assert call.metadata.get("raw_score") == raw


@pytest.mark.parametrize(
    ("changes", "asked", "answered"),
    [
        ({"total_tokens": 110, "prompt_tokens": 100, "completion_tokens": 10}, 100, 10),
        ({"total_tokens": 140, "prompt_tokens": 100, "completion_tokens": 10}, 130, 10),
        ({"provider": "ANTHROPIC", "total_tokens": 110, "prompt_tokens": 100, "completion_tokens": 10}, 130, 10),
        ({"prompt_tokens": 5, "completion_tokens": 10}, 35, 10),
        ({"total_tokens": 117, "prompt_tokens": 100, "completion_tokens": 10, "reasoning_tokens": 7}, 100, 17),
    ],
)
def test_helicone_cached_tokens_are_inside_the_input(changes: dict[str, Any], asked: int, answered: int) -> None:
    beside = {"prompt_cache_read_tokens": 20, "prompt_cache_write_tokens": 10}
    usage = call_of(HELICONE, helicone(response_body=WITHOUT_USAGE, **beside, **changes)).usage
    assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens) == (asked, answered, 20)


@pytest.mark.parametrize(
    ("beside", "warned"),
    [
        ({"prompt_tokens": 1000}, False),
        ({"prompt_tokens": 900, "prompt_cache_read_tokens": 100}, False),
        ({"prompt_tokens": 700}, True),
    ],
)
def test_helicone_counts_are_checked_against_the_body(beside: dict[str, Any], warned: bool) -> None:
    call = call_of(HELICONE, helicone(**beside))
    assert call.usage.input_tokens == 1000
    assert bool(call.origin.warnings) is warned


CHUNKS = [
    {"id": "c", "model": "gpt-4o-mini-2024-07-18", "choices": [{"index": 0, "delta": {"content": text}}]}
    for text in ("he", "y")
]


@pytest.mark.parametrize(
    "streamed",
    [
        CHUNKS,
        json.dumps(CHUNKS),
        "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in CHUNKS) + "data: [DONE]\n",
        [f"data: {json.dumps(chunk)}" for chunk in CHUNKS],
    ],
)
def test_helicone_streamed_body(streamed: Any) -> None:
    call = call_of(HELICONE, helicone(response_body={"streamed_data": streamed}))
    assert call.completion is not None
    assert call.completion.text == "hey"
    whole = call_of(HELICONE, helicone(response_body=ANSWERED | {"streamed_data": streamed}))
    assert whole.completion is not None
    assert whole.completion.text == "yo"
