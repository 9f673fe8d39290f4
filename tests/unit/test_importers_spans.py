"""Spans of model calls in every shape they are dumped in, what they say, and why others give no call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cqtui.importers import read_logs
from cqtui.importers.formats import IMPORTERS
from cqtui.importers.raw import NoCall, RawCall
from tests.spans import ANSWERED, ASKED, CURRENT, END, START, call_of, document, read, said, span

PYTHON_DUMP = {
    "name": "chat",
    "context": {"trace_id": "0xt", "span_id": "0xs1", "trace_state": "[]"},
    "start_time": "2026-09-10T02:56:40.000000Z",
    "end_time": "2026-09-10T02:56:40.770000Z",
    "status": {"status_code": "OK"},
    "attributes": CURRENT,
    "resource": {"attributes": {"service.name": "menu"}},
}
JS_DUMP = {"traceId": "t", "id": "s1", "timestamp": 1789009000000000, "duration": 770000, "attributes": CURRENT}
NESTED = {
    "gen_ai": {
        "operation": {"name": "chat"},
        "provider": {"name": "OpenAI"},
        "request": {"model": "gpt-4o"},
        "input": {"messages": ASKED},
        "output": {"messages": ANSWERED},
    }
}


@pytest.mark.parametrize(
    "record",
    [
        document(span(CURRENT)),
        {"resource_spans": [{"scope_spans": [{"spans": [span(CURRENT)]}]}]},
        [document(span(CURRENT))],
        {"resourceSpans": [{"instrumentationLibrarySpans": [{"spans": [span(CURRENT)]}]}]},
        span(CURRENT),
        span({}, attributes=CURRENT),
        span({}, attributes=json.dumps(CURRENT)),
        span({}, attributes=NESTED),
        span({**CURRENT, "gen_ai.input.messages": ASKED, "gen_ai.output.messages": ANSWERED}),
        span(CURRENT, startTimeUnixNano=int(START), endTimeUnixNano=int(END)),
        {**span(CURRENT), "startTimeUnixNano": None, "startTime": [1789009000, 0], "endTimeUnixNano": END},
        PYTHON_DUMP,
        JS_DUMP,
    ],
)
def test_every_dump_of_a_span_is_the_same_call(tmp_path: Path, record: Any) -> None:
    call = call_of(tmp_path, record)
    assert (call.id, call.model, call.provider, call.finish_reason) == ("s1", "gpt-4o", "openai", "stop")
    assert said(call) == [("user", "hi"), ("answer", "yo")]
    assert call.latency_ms == 770
    assert call.time is not None
    assert call.time.isoformat() == "2026-09-10T02:56:40+00:00"


def test_what_a_span_says_beside_its_messages(tmp_path: Path) -> None:
    tool = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}
    attributes = {
        **CURRENT,
        "gen_ai.response.model": "gpt-4o-2024",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 60,
        "gen_ai.request.stop_sequences": ["x"],
        "gen_ai.response.finish_reasons": ["tool_call"],
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 40,
        "gen_ai.usage.cache_creation.input_tokens": 10,
        "gen_ai.usage.reasoning.output_tokens": 5,
        "gen_ai.tool.definitions": json.dumps([tool]),
        "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "be"}]),
        "gen_ai.conversation.id": "c",
        "enduser.id": "ann",
        "openai.response.service_tier": "flex",
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.output.type": "json",
    }
    call = call_of(tmp_path, document(span(attributes)))
    assert call.model == "gpt-4o-2024"
    function = {key: item for key, item in tool.items() if key != "type"}
    assert call.params == {
        "temperature": 0.5,
        "max_tokens": 60,
        "stop": ["x"],
        "tools": [{"type": "function", "function": function}],
    }
    assert call.usage.model_dump() == {
        "input_tokens": 100,  # the total: cached ones are inside and not added
        "output_tokens": 20,
        "cached_tokens": 40,
        "cache_write_tokens": 10,
        "reasoning_tokens": 5,
    }
    assert [message.role for message in call.messages] == ["system", "user"]
    assert (call.finish_reason, call.session, call.user, call.ttft_ms) == ("tool_calls", "c", "ann", 250)
    assert call.metadata == {"service_tier": "flex", "service": "menu"}
    assert any("schema" in warning for warning in call.origin.warnings)


@pytest.mark.parametrize("zeros", [{}, {"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0}])
def test_unknown_usage_and_cost_are_not_zero(tmp_path: Path, zeros: dict[str, int]) -> None:
    call = call_of(tmp_path, span({**CURRENT, **zeros, "gen_ai.usage.cost": 0.0}))
    assert set(call.usage.model_dump().values()) == {None}
    assert call.cost_usd is None


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        *(
            ({**CURRENT, "gen_ai.operation.name": name, "gen_ai.usage.input_tokens": 9}, name)
            for name in ("execute_tool", "embeddings", "invoke_agent", "create_agent", "agent_step")
        ),
        ({"llm.request.type": "embedding", "gen_ai.request.model": "m"}, "embedding"),
        ({"openinference.span.kind": "CHAIN", "input.value": "hi"}, "CHAIN"),
        ({"traceloop.span.kind": "workflow"}, "workflow"),
        ({"http.method": "GET"}, "something else"),
        ({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}, "no prompt in the log"),
        ({"gen_ai.request.model": "m", "gen_ai.input.messages_ref": "gs://b/x"}, "uploaded"),
        ({"gen_ai.request.model": "m", "gen_ai.input.messages": '[{"role": "user", "pa'}, "cut off"),
        ({**CURRENT, "gen_ai.system_instructions": '[{"type": "te'}, "cut off"),
        ({"gen_ai.output.messages": json.dumps(ANSWERED)}, "completion without prompt"),
        ({**CURRENT, "error.type": "timeout"}, "the call failed: timeout"),
        ({**CURRENT, "gen_ai.response.finish_reasons": ["error"]}, "the call failed"),
    ],
)
def test_spans_that_give_no_call_say_why(tmp_path: Path, attributes: dict[str, Any], reason: str) -> None:
    found = read(tmp_path, document(span(attributes)))
    assert not found.calls
    assert [item.reason for item in found.skipped if reason in item.reason]


@pytest.mark.parametrize(
    "changes",
    [
        {"status": {"code": 2, "message": "429"}},
        {"status": {"code": "STATUS_CODE_ERROR", "message": "429"}},
        {"status": {"status_code": "ERROR", "description": "429"}},
        {"status_code": "ERROR", "status_message": "429"},
        {"status": {"code": 2}, "events": [{"name": "exception", "attributes": {"exception.message": "429"}}]},
    ],
)
def test_a_failed_span_is_no_call(tmp_path: Path, changes: dict[str, Any]) -> None:
    (skipped,) = read(tmp_path, span(CURRENT, **changes)).skipped
    assert skipped.reason == "the call failed: 429"


def test_a_cut_off_answer_leaves_the_prompt(tmp_path: Path) -> None:
    call = call_of(tmp_path, span({**CURRENT, "gen_ai.output.messages": '[{"role": "assi'}))
    assert not call.is_baseline
    assert "cut off" in " ".join(call.origin.warnings)


def test_of_several_choices_the_first_is_kept(tmp_path: Path) -> None:
    call = call_of(tmp_path, span({**CURRENT, "gen_ai.output.messages": json.dumps([*ANSWERED, *ANSWERED])}))
    assert said(call)[-1] == ("answer", "yo")
    assert "2 choices, the first was kept" in call.origin.warnings


def test_the_ai_sdk_keeps_instructions_on_the_agents_span(tmp_path: Path) -> None:
    told = json.dumps([{"type": "text", "content": "be"}])
    outer = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.system_instructions": '[{"type":"text","content":"other"}]',
    }
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.system_instructions": told}
    spans = (
        span(outer, spanId="o"),
        span(agent, spanId="a", parentSpanId="o"),
        span({"gen_ai.operation.name": "agent_step"}, spanId="b", parentSpanId="a"),
        span(CURRENT, parentSpanId="b"),
    )
    assert said(call_of(tmp_path, document(*spans, scope="gen_ai")))[0] == ("system", "be")
    assert said(call_of(tmp_path, document(*spans, scope="other")))[0] == ("user", "hi")
    alone = call_of(tmp_path, document(spans[-1], scope="gen_ai"))
    assert any("another batch" in warning for warning in alone.origin.warnings)


def test_nothing_in_a_document_disappears(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    broken = {"resourceSpans": ["x", {"scopeSpans": 5}, {"scopeSpans": [{"spans": [7, span(CURRENT)]}]}]}
    path.write_text(json.dumps(broken) + "\n")
    found = read_logs(path)
    assert (len(found.calls), len(found.rejected)) == (1, 3)


NAMES = [
    *(
        "resourceSpans",
        "scopeSpans",
        "spans",
        "resourceLogs",
        "scopeLogs",
        "logRecords",
        "attributes",
        "events",
        "name",
    ),
    *(
        "key",
        "value",
        "stringValue",
        "kvlistValue",
        "spanId",
        "traceId",
        "startTimeUnixNano",
        "status",
        "body",
        "eventName",
    ),
    *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.prompt", "gen_ai.prompt.0.role", "gen_ai.prompt.0"),
    *("gen_ai.choice", "message", "index", "role", "parts", "content", "type", "tool_calls", "ai.operationId"),
    *("llm.input_messages.0.message.contents", "openinference.span.kind", "input.value", "ai.prompt.messages"),
    *("results", "evalId", "prompt", "raw", "provider", "response", "table", "body", "head", "stats", "version"),
    *(
        "conversations",
        "conversation",
        "conversation_hash",
        "from",
        "value",
        "messages",
        "parts",
        "ai.response.toolCalls",
    ),
]
odd_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["[", "{}", '[{"a":1}]']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), odd_values, min_size=1, max_size=6))
def test_odd_records_raise_nothing_unexpected(record: dict[str, Any]) -> None:
    for importer in IMPORTERS:
        try:
            assert 0 <= importer.sniff(record) <= 1
            if importer.sniff(record) > 0:
                list(importer.unfold(record) or ())
                assert isinstance(importer.read(record), RawCall | NoCall)
        except (ValueError, RecursionError):
            pass
