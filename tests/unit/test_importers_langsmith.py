"""LangSmith: what its runs mean, beyond what the samples show."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cqtui.importers import read_logs
from tests.trace_rows import (
    as_cells,
    constructor,
    log,
    read,
    reasons,
    refused,
    run,
    said,
)

# --- LangSmith


def test_langsmith_session_is_the_project_and_a_time_without_zone_is_utc() -> None:
    noted = {"metadata": {"conversation_id": "conv"}}
    call = read(run(start_time="2026-09-10T02:06:40", end_time="2026-09-10T02:06:40.530000", extra=noted))
    assert call.session == "conv"
    assert call.time == datetime(2026, 9, 10, 2, 6, 40, tzinfo=UTC)
    assert read(run()).session is None
    in_ms = read(run(start_time=1789006000000, end_time=1789006000530, first_token_time=1789006000100))
    assert (in_ms.time, in_ms.latency_ms, in_ms.ttft_ms) == (call.time, 530, 100)


def test_langsmith_model_provider_and_cost() -> None:
    extra = {"metadata": {"ls_provider": "Azure", "ls_model_name": "gpt-4o", "ls_temperature": 0.5, "team": "a"}}
    extra["invocation_params"] = {"model": "other", "temperature": 0.1, "_type": "x", "max_tokens": None}
    call = read(run(extra=extra, total_cost="0.0000072"))
    assert (call.model, call.provider, str(call.cost_usd)) == ("gpt-4o-2024-08-06", "azure", "0.0000072")
    assert (call.params, call.metadata) == ({"temperature": 0.1}, {"team": "a"})
    plain = run(extra=extra, outputs={"output": "yo"})
    assert read(plain).model == "gpt-4o"
    plain["extra"] = {"invocation_params": {"model": "claude-sonnet-4-5"}}
    assert (read(plain).model, read(plain).provider) == ("claude-sonnet-4-5", "anthropic")


def test_langsmith_usage_is_the_total_and_zeros_are_unknown() -> None:
    counted = {"prompt_tokens": 100, "completion_tokens": 9, "prompt_token_details": {"cache_read": 80}}
    counted["completion_token_details"] = {"reasoning": 4}
    usage = read(run(**counted)).usage
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens) == (100, 80, 9, 4)
    uncounted = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    assert read(run(**uncounted)).usage.input_tokens is None
    meta = {"input_tokens": 50, "output_tokens": 3, "input_token_details": {"cache_read": 40}}
    message = constructor(
        "AIMessage", content="yo", usage_metadata=meta, response_metadata={"stop_reason": "max_tokens"}
    )
    call = read(run(**uncounted, outputs={"generations": [[{"message": message}]]}))
    assert (call.usage.input_tokens, call.usage.cached_tokens, call.finish_reason) == (50, 40, "length")
    told = {"generations": [[{"text": "yo"}]], "llmOutput": {"tokenUsage": {"promptTokens": 5, "completionTokens": 2}}}
    assert read(run(**uncounted, outputs=told)).usage.input_tokens == 5


@pytest.mark.parametrize(("counted", "cached"), [(50, 40), (90, None)])
def test_details_that_only_the_answer_has_complete_what_the_tool_counted(counted: int, cached: int | None) -> None:
    meta = {"input_tokens": 50, "output_tokens": 3, "input_token_details": {"cache_read": 40}}
    message = constructor("AIMessage", content="yo", usage_metadata=meta)
    answered = {"generations": [[{"message": message}]]}
    usage = read(run(outputs=answered, prompt_tokens=counted, completion_tokens=3)).usage
    assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens) == (counted, 3, cached)


def test_langsmith_feedback() -> None:
    assert read(run(feedback_stats={"helpful": {"n": 2, "avg": 0.5}})).score == 0.5
    assert read(run(feedback_stats={"note": {"n": 1, "avg": None}})).score is None
    two = {"helpful": {"n": 1, "avg": 1}, "tone": {"n": 1, "avg": 0}}
    assert read(run(feedback_stats=two)).metadata == {"scores": {"helpful": 1, "tone": 0}}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (run(run_type="chain"), "not a model call: chain"),
        (run(run_type="embedding"), "not a model call: embedding"),
        (run(error="RateLimitError()\nTraceback"), "the call failed: RateLimitError() Traceback"),
        (run(status="error"), "the call failed: no reason was logged"),
    ],
)
def test_langsmith_runs_that_are_no_call(record: dict[str, Any], reason: str) -> None:
    assert refused(record) == reason


def test_langsmith_bulk_export_has_json_in_text_columns() -> None:
    extra = {"metadata": {"thread_id": "s"}, "invocation_params": {"temperature": 0}}
    row = as_cells(run(extra=extra, tags=["a"], feedback_stats={"helpful": {"avg": 1}}, prompt_tokens=4, error=None))
    call = read(row)
    assert (said(call), call.session, call.params, call.tags) == ("yo", "s", {"temperature": 0}, ("a",))
    assert (call.score, call.usage.input_tokens) == (1, 4)


def test_langsmith_runs_inside_a_run_are_read_too(tmp_path: Path) -> None:
    deep = run(
        id="top", run_type="chain", child_runs=[run(id="mid", run_type="chain", child_runs=[run()]), run(id="q")]
    )
    found = read_logs(log(tmp_path, deep))
    assert [call.id for call in found.calls] == ["r", "q"]
    assert reasons(found) == ["not a model call: chain"] * 2
