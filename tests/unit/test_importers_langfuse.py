"""Langfuse: what its rows mean, beyond what the samples show."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cqtui.importers import read_logs
from cqtui.importers.formats import langfuse_scores
from tests.trace_rows import (
    HI,
    TOOL,
    YO,
    as_cells,
    blob,
    log,
    page,
    read,
    reasons,
    refused,
    run,
    said,
    score,
    span,
)

# --- Langfuse


def test_a_row_of_each_langfuse_shape_reads_the_same() -> None:
    shared = {"input": HI, "output": YO, "latency": 0.91}
    usage, cost = {"input": 20, "output": 7, "total": 27}, 0.00013
    times = {"startTime": "2026-09-10T01:50:00.000Z", "endTime": "2026-09-10T01:50:00.910Z"}
    exported = page(**shared, **times, usageDetails=usage, totalCost=cost, traceTags=["ci"], userId="u", sessionId="s")
    api = page(
        **shared, **times, usage={**usage, "unit": "TOKENS"}, calculatedTotalCost=cost, traceTags=["ci"], userId="u"
    )
    stored = blob(
        output=json.dumps(YO),
        usage_details=usage,
        total_cost=cost,
        tags=["ci"],
        user_id="u",
        session_id="s",
        prompt_name="",
    )
    for record in (stored, exported, as_cells(stored), as_cells(exported), {**api, "sessionId": "s"}):
        call = read(record)
        assert call.time == datetime(2026, 9, 10, 1, 50, tzinfo=UTC)
        assert (call.model, call.provider, said(call)) == ("gpt-4o", "openai", "yo")
        assert (call.usage.input_tokens, call.usage.output_tokens) == (20, 7)
        assert (call.latency_ms, call.cost_usd is not None and float(call.cost_usd)) == (910, cost)
        assert (call.user, call.session, call.tags, call.metadata) == ("u", "s", ("ci",), {})


@pytest.mark.parametrize(
    ("details", "wanted"),
    [
        # cached tokens apart, by the total and without one
        ({"input": 20, "input_cached_tokens": 80, "output": 5, "total": 105}, (100, 5, 80, None)),
        ({"input": 20, "input_cached_tokens": 80, "output": 5}, (100, 5, 80, None)),
        # cached tokens inside, as the total says
        ({"input": 100, "input_cached_tokens": 80, "output": 5, "total": 105}, (100, 5, 80, None)),
        ({"input": 100, "cache_read_input_tokens": 10, "output": 5, "total": 105}, (100, 5, 10, None)),
        # Anthropic's names
        ({"input": 2, "cache_read_input_tokens": 80, "cache_creation_input_tokens": 8, "output": 5}, (90, 5, 80, None)),
        # a total that fits neither
        ({"input": 20, "input_cached_tokens": 80, "output": 5, "total": 7}, (100, 5, 80, None)),
        # reasoning apart, and inside
        ({"input": 20, "output": 5, "output_reasoning_tokens": 30, "total": 55}, (20, 35, None, 30)),
        ({"input": 20, "output": 35, "reasoning_tokens": 30, "total": 55}, (20, 35, None, 30)),
        ({"input": 20, "output": 35, "reasoning_tokens": 30}, (20, 35, None, 30)),
        ({"input": 20, "output": 5, "output_reasoning": 30}, (20, 35, None, 30)),
        # other modalities belong to their side
        (
            {"input": 20, "input_audio_tokens": 10, "output": 5, "output_audio_tokens": 2, "total": 37},
            (30, 7, None, None),
        ),
        ({"input": 0, "output": 0, "total": 0}, (None, None, None, None)),
        ({}, (None, None, None, None)),
    ],
)
def test_langfuse_usage_is_made_whole(details: dict[str, int], wanted: tuple[int | None, ...]) -> None:
    for record in (blob(usage_details=details), page(usageDetails=details), page(usageDetails=json.dumps(details))):
        usage = read(record).usage
        assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens) == wanted


def test_langfuse_usage_that_does_not_add_up_is_said() -> None:
    odd = {"input": 20, "input_cached_tokens": 80, "output": 5, "total": 7}
    assert any("do not add up" in text for text in read(blob(usage_details=odd)).origin.warnings)
    assert not read(blob(usage_details={"input": 20, "output": 5, "total": 25})).origin.warnings


def test_langfuse_cache_writes_by_lifetime_count_once() -> None:
    details = {"input": 2, "output": 5, "input_cache_creation": 8, "input_ephemeral_5m_input_tokens": 8, "total": 15}
    usage = read(blob(usage_details=details)).usage
    assert (usage.input_tokens, usage.cache_write_tokens) == (10, 8)
    details = {"input": 2, "output": 5, "input_cache_creation": 0, "input_ephemeral_1h_input_tokens": 8}
    usage = read(blob(usage_details=details)).usage
    assert (usage.input_tokens, usage.cache_write_tokens) == (10, 8)


def test_langfuse_usage_in_characters_is_no_usage() -> None:
    call = read(page(usage={"input": 900, "output": 50, "unit": "CHARACTERS"}))
    assert call.usage.input_tokens is None
    assert "usage in characters left out" in call.origin.warnings


def test_langfuse_latency_whatever_its_unit() -> None:
    assert read(blob(latency=910)).latency_ms == 910
    assert read(blob(latency=0.91)).latency_ms == 910
    in_doubt = read(blob(end_time="", latency=910))
    assert in_doubt.latency_ms is None
    assert "latency of unknown unit left out" in in_doubt.origin.warnings
    assert read(page(latency=0.91, timeToFirstToken=0.2)).latency_ms == 910
    assert read(page(latency=0.91, timeToFirstToken=0.2)).ttft_ms == 200
    assert read(blob(completion_start_time="2026-09-10 01:50:00.250000")).ttft_ms == 250


def test_langfuse_cost_of_zero_without_details_is_unknown() -> None:
    assert read(blob(total_cost=0, cost_details={})).cost_usd is None
    assert read(blob(total_cost=0, cost_details={"total": 0})).cost_usd == 0
    assert read(blob(cost_details={"total": 0.5})).cost_usd is not None


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (blob(type="SPAN"), "not a model call: span"),
        (page(type="EMBEDDING"), "not a model call: embedding"),
        (blob(level="ERROR", status_message="429: slow down"), "the call failed: 429: slow down"),
        (page(level="ERROR"), "the call failed: no reason was logged"),
        (
            page(input=[{"role": "user", "content": "see @@@langfuseMedia:type=image/png|id=x|source=bytes@@@"}]),
            "part of the prompt is not in the log: an image or file is stored at Langfuse",
        ),
        (
            {"id": "t", "name": "job", "bookmarked": False, "public": False, "input": "x"},
            "not a model call: a trace, whose observations hold the calls",
        ),
    ],
)
def test_langfuse_rows_that_are_no_call(record: dict[str, Any], reason: str) -> None:
    assert refused(record) == reason


def test_langfuse_tools_stand_in_three_places() -> None:
    as_message = {"role": "tool", "content": TOOL}
    definitions = {"look": json.dumps({"parameters": {"type": "object"}})}
    for record in (
        page(input=[*HI, as_message]),
        page(input={"messages": HI, "tools": [TOOL]}),
        blob(tool_definitions=definitions),
    ):
        call = read(record)
        assert [message.role for message in call.messages] == ["user"]
        assert call.params == {"tools": [TOOL]}


def test_langfuse_score_columns() -> None:
    assert read(page(helpful=[0.5])).score == 0.5
    assert read(as_cells(page(helpful=[0.5]))).score == 0.5
    assert read(page(helpful=[0.5, 1])).score == 0.75
    assert read(page(stars=[4])).metadata == {"raw_score": {"stars": 4}}
    assert read(page(helpful=[])).score is None
    several = read(page(helpful=[1], tone=["rude"]))
    assert (several.score, several.metadata) == (None, {"scores": {"helpful": 1, "tone": "rude"}})
    assert "several scores kept as metadata" in several.origin.warnings


def test_langfuse_scores_of_a_file_before_join_their_calls(tmp_path: Path) -> None:
    scores = log(tmp_path, score("o"), score("gone"), score("", 1, name="tone", trace_id="t2"), name="scores.jsonl")
    calls = log(tmp_path, blob(), blob(id="p", trace_id="t2"), name="observations.jsonl")
    found = read_logs([scores, calls])
    assert [call.score for call in found.calls] == [0.5, 1]
    assert (found.joined, found.records) == (2, 5)
    assert reasons(found) == [langfuse_scores.NOT_USED]
    late = read_logs([calls, scores])
    assert [call.score for call in late.calls] == [None, None]
    assert reasons(late) == [langfuse_scores.NOT_USED] * 3
    assert late.records == 5


def test_langfuse_scores_beyond_the_bound_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(langfuse_scores, "MAX_SCORES", 1)
    found = read_logs(log(tmp_path, score("o"), score("p"), blob(), blob(id="p")))
    assert [call.score for call in found.calls] == [0.5, None]
    assert reasons(found) == [langfuse_scores.TOO_MANY]


def test_a_langfuse_trace_holds_its_observations_and_their_scores(tmp_path: Path) -> None:
    trace = {"id": "t", "userId": "u", "sessionId": "s", "tags": ["ci"], "scores": [score("o"), score("x")]}
    inner = [page(), page(id="p", type="SPAN")]
    found = read_logs(log(tmp_path, {**trace, "observations": inner}), hash_identities=False)
    (call,) = found.calls
    assert (call.user, call.session, call.tags, call.score) == ("u", "s", ("ci",), 0.5)
    assert reasons(found) == ["not a model call: span"]


@pytest.mark.parametrize("record", [page(helpful=[0.5]), run(), span(), blob()], ids=["page", "run", "span", "blob"])
def test_files_of_tables(tmp_path: Path, record: dict[str, Any]) -> None:
    cells = as_cells(record)
    with (tmp_path / "log.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(cells))
        writer.writeheader()
        writer.writerow(cells)
    found = read_logs(tmp_path / "log.csv")
    assert [said(call) for call in found.calls] == ["yo"]
    assert found.calls[0].score == (0.5 if "helpful" in record else None)


def test_a_page_of_the_langfuse_api(tmp_path: Path) -> None:
    found = read_logs(log(tmp_path, {"data": [page(), page(id="p")], "meta": {"page": 1}}))
    assert found.counts == {"langfuse": 2}
