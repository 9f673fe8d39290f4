"""Braintrust: what its rows mean, beyond what the samples show."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cqtui.importers import read_logs
from cqtui.importers.formats import braintrust
from tests.trace_rows import (
    as_cells,
    log,
    read,
    reasons,
    refused,
    said,
    span,
)

# --- Braintrust


def test_braintrust_metrics() -> None:
    metrics = {"start": 1789011000.0, "end": 1789011000.48, "time_to_first_token": 0.2, "estimated_cost": 0.25}
    metrics |= {"prompt_tokens": 100, "completion_tokens": 9, "prompt_cached_tokens": 80}
    metrics |= {"prompt_cache_creation_tokens": 5, "completion_reasoning_tokens": 4, "tokens": 109}
    row = span(metrics=metrics, created="2026-09-10T03:30:00.000Z", scores={"correct": 1.0, "unset": None}, tags=None)
    for record in (row, as_cells(row)):
        call = read(record)
        assert call.time == datetime(2026, 9, 10, 3, 30, tzinfo=UTC)
        assert (call.latency_ms, call.ttft_ms, call.score, call.provider) == (480, 200, 1, "openai")
        assert call.usage.model_dump() == {
            "input_tokens": 100,
            "output_tokens": 9,
            "cached_tokens": 80,
            "cache_write_tokens": 5,
            "reasoning_tokens": 4,
        }
        assert call.cost_usd is not None


def test_braintrust_cached_tokens_that_stand_apart_by_the_sum_are_added() -> None:
    metrics = {"prompt_tokens": 100, "completion_tokens": 9, "prompt_cached_tokens": 80, "tokens": 189}
    assert read(span(metrics=metrics)).usage.input_tokens == 180


def test_braintrust_answers_from_a_cache_have_no_latency() -> None:
    call = read(span(metrics={"start": 1.0, "end": 1.1, "cached": 1, "estimated_cost": 0}))
    assert (call.latency_ms, call.cost_usd) == (None, None)
    assert any("cache" in text for text in call.origin.warnings)


def test_braintrust_experiments_are_said_to_be_no_traffic() -> None:
    assert any("evaluation" in text for text in read(span(experiment_id="e")).origin.warnings)


STORED = {"type": "braintrust_attachment", "key": "k", "content_type": "image/png", "filename": "a.png"}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (span(span_attributes={"type": "task"}), "not a model call: task"),
        (span(span_attributes={}), "not a model call: a span of no type"),
        (span(error={"message": "boom"}), "the call failed: boom"),
        (
            span(input=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": STORED}}]}]),
            "part of the prompt is not in the log: an attachment is stored at Braintrust",
        ),
    ],
)
def test_braintrust_rows_that_are_no_call(record: dict[str, Any], reason: str) -> None:
    assert refused(record) == reason


def version(number: int, row: str = "b") -> dict[str, Any]:
    return span(id=row, output=f"answer {number}", _xact_id=str(1000 + number))


@pytest.mark.parametrize("order", [[1, 2, 3], [3, 2, 1], [2, 3, 1]])
@pytest.mark.parametrize("key", ["events", "data"])
def test_the_newest_version_of_a_braintrust_row_is_kept(tmp_path: Path, order: list[int], key: str) -> None:
    found = read_logs(log(tmp_path, {key: [*(version(number) for number in order), version(1, "c")], "cursor": None}))
    assert [(call.id, said(call)) for call in found.calls] == [("b", "answer 3"), ("c", "answer 1")]
    assert reasons(found) == [braintrust.OLDER] * 2
    assert found.records == 4


def test_versions_far_apart_are_never_two_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(braintrust, "HELD", 1)
    between = [version(1, "c"), version(1, "d")]
    found = read_logs(log(tmp_path, version(1), *between, version(2)))
    assert [call.id for call in found.calls] == ["b", "c", "d"]
    assert reasons(found) == [braintrust.TOO_LATE]
    monkeypatch.setattr(braintrust, "HELD", 1000)
    monkeypatch.setattr(braintrust, "HELD_BYTES", 10)
    assert reasons(read_logs(log(tmp_path, version(1), *between, version(2)))) == [braintrust.TOO_LATE]
    found = read_logs(log(tmp_path, version(2), *between, version(1)))
    assert said(found.calls[0]) == "answer 2"
    assert reasons(found) == [braintrust.OLDER]
