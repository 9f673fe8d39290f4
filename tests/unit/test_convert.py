"""What is written in the native format reads back as it was."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqtui.importers import read_logs
from cqtui.importers.base import FINISH_REASONS, MAX_COUNT
from cqtui.importers.messages import KINDS
from cqtui.importers.native_writer import native_line, native_record
from cqtui.models import Completion, LoggedCall, Message, Origin, Part, ToolCall, Usage
from tests.fakes import logged_call

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30) | st.sampled_from(
    ["", " ", ".", "?", "[", "{}", '{"a": 1}', "null", "\u2028\r\n", "\x1b[31m", "\U0001f600", "data: [DONE]"]
)
NAME = TEXT.map(str.strip).filter(bool)  # importers give names and ids without spaces around them, or None
COUNT = st.integers(0, MAX_COUNT)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
PARAMS = st.dictionaries(TEXT.filter(lambda name: name not in ("functions", "function_call")), JSON, max_size=3)
TOOL_CALLS = st.lists(
    st.builds(ToolCall, name=st.just("") | NAME, arguments=TEXT, id=st.none() | NAME), max_size=2
).map(tuple)
TYPED = st.tuples(st.sampled_from([*KINDS, "refusal", "text", "tool_result", "cqtui.part", ""]), OBJECT).map(
    lambda pair: {**pair[1], "type": pair[0]}
)
OTHER_PART = st.builds(Part, kind=st.sampled_from(["image", "audio", "file", "other"]), raw=TYPED | OBJECT)
PARTS = st.lists(st.builds(Part, text=TEXT) | OTHER_PART, max_size=3).map(tuple)
MESSAGE = st.builds(
    Message,
    role=st.sampled_from(["system", "developer", "user", "assistant", "tool"]),
    parts=PARTS,
    tool_calls=TOOL_CALLS,
    tool_call_id=st.none() | NAME,
    name=st.none() | NAME,
)
COMPLETION = st.builds(Completion, text=st.none() | TEXT, tool_calls=TOOL_CALLS, refusal=st.none() | TEXT.filter(bool))


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    total = draw(st.none() | COUNT)
    cached = st.integers(0, MAX_COUNT if total is None else total)
    return Usage(
        input_tokens=total,
        output_tokens=draw(st.none() | COUNT),
        cached_tokens=draw(st.none() | cached),
        cache_write_tokens=draw(st.none() | COUNT),
        reasoning_tokens=draw(st.none() | COUNT),
    )


CALL = st.builds(
    LoggedCall,
    id=NAME,
    time=st.none() | st.datetimes(timezones=st.just(UTC)),
    model=st.none() | NAME,
    provider=st.none() | NAME.map(str.lower),
    messages=st.lists(MESSAGE, min_size=1, max_size=3)
    .map(tuple)
    .filter(lambda messages: any(part.kind != "text" or part.text for m in messages for part in m.parts)),
    params=PARAMS,
    completion=st.none() | COMPLETION,
    finish_reason=st.none() | NAME.map(str.lower).filter(lambda reason: reason not in FINISH_REASONS),
    usage=usages(),
    latency_ms=st.none() | COUNT,
    ttft_ms=st.none() | COUNT,
    cost_usd=st.none() | st.decimals(0, 10**9, allow_nan=False, allow_infinity=False),
    user=st.none() | NAME,
    session=st.none() | NAME,
    tags=st.lists(TEXT, max_size=3).map(tuple),
    metadata=OBJECT,
    score=st.none() | st.floats(0, 1),
    origin=st.just(Origin(file="x", format="native")),
)


def read_back(*calls: LoggedCall) -> list[LoggedCall]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.jsonl"
        path.write_bytes(b"".join(map(native_line, calls)))
        read = read_logs(path, hash_identities=False)
    assert not read.rejected
    assert not read.skipped
    return [call.model_copy(update={"origin": calls[0].origin}) for call in read.calls]


@given(CALL)
def test_a_call_reads_back_as_it_was_written(call: LoggedCall) -> None:
    assert read_back(call) == [call]


def test_a_plain_call_is_written_as_people_would_write_it() -> None:
    call = logged_call(3)
    assert native_record(call) == {
        "id": "call-0003",
        "timestamp": "2026-10-01T03:00:00+00:00",
        "model": "gpt-5.6-terra",
        "messages": [
            {"role": "system", "content": "You are the support desk."},
            {"role": "user", "content": "How much are 5 crates at 6 dollars in order 3?"},
        ],
        "completion": {
            "content": "Order 3 has 5 crates. Each costs 6 dollars. The total is 30 dollars.",
            "finish_reason": "stop",
        },
        "usage": {"input_tokens": 303, "output_tokens": 103},
    }


@pytest.mark.parametrize(
    ("changes", "field", "written"),
    [
        ({"cost_usd": Decimal("0.0001225")}, "cost_usd", 0.0001225),
        ({"cost_usd": Decimal("0.12345678901234567890123")}, "cost_usd", "0.12345678901234567890123"),
        ({"time": datetime(2026, 10, 1, 6, 36, 48, 63001, UTC)}, "timestamp", "2026-10-01T06:36:48.063001+00:00"),
        ({"completion": None}, "completion", None),
        ({"completion": Completion(text=None), "finish_reason": None}, "completion", {"content": None}),
        ({"completion": Completion(text=""), "finish_reason": None}, "completion", {"content": ""}),
        ({"completion": None, "finish_reason": "error"}, "finish_reason", "error"),
        ({"score": 0.0}, "feedback", {"score": 0.0}),
    ],
)
def test_values_that_are_easily_lost(changes: dict[str, Any], field: str, written: object) -> None:
    call = logged_call(1).model_copy(update=changes)
    assert native_record(call)[field] == written
    assert read_back(call) == [call]
