"""Where spans hold messages: events and log records, OpenLLMetry, OpenInference; and the parts of GenAI's messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cqtui.importers.dialects import openai_messages
from tests.spans import CURRENT, call_of, document, log, read, said, span

CHOICE = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yo"}}
TOOL_CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("gen_ai.system.message", {"content": "be"}),
    ("gen_ai.user.message", {"content": "hi"}),
    ("gen_ai.assistant.message", {"tool_calls": [TOOL_CALL]}),
    ("gen_ai.tool.message", {"id": "c1", "content": "9"}),
    ("gen_ai.choice", CHOICE),
]
OLDER = {"gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.prompt_tokens": 7}


def as_attributes(body: dict[str, Any]) -> dict[str, Any]:
    return {key: json.dumps(item) if isinstance(item, dict | list) else item for key, item in body.items()}


@pytest.mark.parametrize(
    "record",
    [
        span(OLDER, events=[{"name": name, "attributes": as_attributes(body)} for name, body in EVENTS]),
        span(
            OLDER,
            events=[{"name": name, "attributes": {"gen_ai.event.content": json.dumps(body)}} for name, body in EVENTS],
        ),
        span({**OLDER, "events": json.dumps([{"event.name": name, **body} for name, body in EVENTS])}),
        document(span(OLDER), logs=tuple(log(name, body) for name, body in EVENTS)),
    ],
)
def test_content_in_events(tmp_path: Path, record: Any) -> None:
    call = call_of(tmp_path, record)
    assert said(call) == [("system", "be"), ("user", "hi"), ("assistant", ""), ("tool", "9"), ("answer", "yo")]
    assert call.messages[2].tool_calls[0].arguments == '{"x": 1}'
    assert call.messages[3].tool_call_id == "c1"
    assert (call.model, call.provider, call.usage.input_tokens) == ("gpt-4o", "openai", 7)
    assert call.finish_reason == "stop"


def test_log_records_without_their_span(tmp_path: Path) -> None:
    logs = tuple(log(name, body) for name, body in EVENTS)
    other = log("app.started", {"a": "b"}, spanId=None)
    found = read(tmp_path, document(logs=(*logs, other)))
    (call,) = found.calls
    assert (call.id, call.model) == ("s1", None)
    assert said(call)[-1] == ("answer", "yo")
    assert [item.reason for item in found.skipped] == ["not a model call: a log line"]
    (alone,) = read(tmp_path, logs[0]).skipped
    assert "an event of a call" in alone.reason


def test_the_whole_call_in_one_event(tmp_path: Path) -> None:
    details = log("gen_ai.client.inference.operation.details", {})
    details |= {"attributes": span(CURRENT)["attributes"]}
    for record in (details, document(logs=(details,)), document(span(OLDER), logs=(details,))):
        assert said(call_of(tmp_path, record)) == [("user", "hi"), ("answer", "yo")]


def test_events_without_content_are_no_content(tmp_path: Path) -> None:
    empty = [{"name": "gen_ai.user.message", "attributes": {}}, {"name": "gen_ai.choice", "attributes": {"index": 0}}]
    (skipped,) = read(tmp_path, span(OLDER, events=empty)).skipped
    assert skipped.reason.startswith("no prompt in the log")


def test_openllmetry(tmp_path: Path) -> None:
    picture = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "https://x/p.png"}}]
    attributes: dict[str, Any] = {
        **OLDER,
        "llm.request.type": "chat",
        "gen_ai.prompt.0.role": "system",
        "gen_ai.prompt.0.content": "be",
        "gen_ai.prompt.10.role": "user",
        "gen_ai.prompt.10.content": "last",
        "gen_ai.prompt.2.role": "user",
        "gen_ai.prompt.2.content": json.dumps(picture),
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.content": '[{"type": "text", "text": "an answer in JSON"}]',
        "gen_ai.completion.0.finish_reason": "tool_calls",
        "gen_ai.completion.0.tool_calls.0.id": "c1",
        "gen_ai.completion.0.tool_calls.0.name": "f",
        "gen_ai.completion.0.tool_calls.0.arguments": '{"x": 1}',
        "gen_ai.usage.cache_read_input_tokens": 3,
        "traceloop.association.properties.user_id": "ann",
        "traceloop.association.properties.route": "faq",
    }
    call = call_of(tmp_path, span(attributes))
    assert said(call)[:3] == [("system", "be"), ("user", "see"), ("user", "last")]
    assert call.messages[1].parts[1].kind == "image"
    assert call.completion is not None
    assert call.completion.text == attributes["gen_ai.completion.0.content"]
    assert [(tool.name, tool.arguments, tool.id) for tool in call.completion.tool_calls] == [("f", '{"x": 1}', "c1")]
    assert (call.finish_reason, call.usage.cached_tokens) == ("tool_calls", 3)
    assert (call.user, call.metadata) == ("ann", {"route": "faq"})


INFERENCE: dict[str, Any] = {
    "openinference.span.kind": "LLM",
    "llm.model_name": "claude-x",
    "llm.provider": "anthropic",
    "llm.token_count.prompt": 30,
    "llm.token_count.completion": 4,
    "llm.token_count.prompt_details.cache_read": 20,
    "llm.invocation_parameters": json.dumps({"temperature": 0, "model": "x", "extra_headers": {"Authorization": "k"}}),
    "session.id": "c",
}


def test_openinference(tmp_path: Path) -> None:
    contents = "llm.input_messages.0.message.contents"
    attributes = {
        **INFERENCE,
        "llm.input_messages.0.message.role": "user",
        f"{contents}.0.message_content.type": "text",
        f"{contents}.0.message_content.text": "hi",
        f"{contents}.1.message_content.type": "image",
        f"{contents}.1.message_content.image.image.url": "https://x/p.png",
        "llm.input_messages.1.message.role": "tool",
        "llm.input_messages.1.message.content": "9",
        "llm.input_messages.1.message.tool_call_id": "c0",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": "yo",
        "llm.output_messages.0.message.tool_calls.0.tool_call.id": "c1",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "f",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": "{}",
    }
    call = call_of(tmp_path, span(attributes))
    assert said(call) == [("user", "hi"), ("tool", "9"), ("answer", "yo")]
    assert call.messages[0].parts[1].raw == {"type": "image_url", "image_url": {"url": "https://x/p.png"}}
    assert call.completion is not None
    assert [(tool.name, tool.id) for tool in call.completion.tool_calls] == [("f", "c1")]
    assert (call.model, call.provider, call.session) == ("claude-x", "anthropic", "c")
    assert (call.usage.input_tokens, call.usage.cached_tokens) == (30, 20)
    assert call.params == {"temperature": 0}  # no header and no key


FUNCTION = {"name": "f", "description": "d", "parameters": {"type": "object"}}
WIRE = {"type": "function", "function": FUNCTION}
TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}


@pytest.mark.parametrize(
    "listed",
    [
        {"llm.tools.0.tool.json_schema": json.dumps(WIRE)},
        {"llm.tools": json.dumps([{"tool.json_schema": json.dumps(WIRE)}])},
        {
            "llm.tools.0.tool.json_schema": json.dumps(
                {"name": "f", "description": "d", "input_schema": {"type": "object"}}
            )
        },
        {
            "llm.request.functions.0.name": "f",
            "llm.request.functions.0.description": "d",
            "llm.request.functions.0.parameters": '{"type": "object"}',
        },
        {"llm.invocation_parameters": json.dumps({"functions": [FUNCTION]})},
        {"gen_ai.tool.definitions": json.dumps([{"type": "function", **FUNCTION}])},
    ],
)
def test_tools_wherever_a_span_lists_them(tmp_path: Path, listed: dict[str, Any]) -> None:
    assert call_of(tmp_path, span({**CURRENT, **listed})).params == {"tools": [WIRE]}


def test_parameters_of_a_request_that_was_logged_whole(tmp_path: Path) -> None:
    choice = {"type": "function", "function": {"name": "f"}}
    logged = {"tools": [WIRE], "tool_choice": choice, "max_output_tokens": 9, "stop_sequences": ["a"], "api_key": "k"}
    logged |= {"text": {"format": {"type": "json_object"}}, "stream": True}
    assert call_of(tmp_path, span({**CURRENT, "llm.invocation_parameters": json.dumps(logged)})).params == {
        "tools": [WIRE],
        "tool_choice": choice,
        "max_completion_tokens": 9,
        "stop": ["a"],
        "response_format": {"type": "json_object"},
    }


def test_tools_that_the_vendor_runs(tmp_path: Path) -> None:
    listed = {"gen_ai.tool.definitions": json.dumps([{"type": "web_search"}])}
    (skipped,) = read(tmp_path, span({**CURRENT, **listed})).skipped
    assert skipped.reason == "not replayable as is: web_search is run by the vendor"


@pytest.mark.parametrize(
    "listed",
    [
        {
            "llm.request.functions.0.name": "f",
            "llm.request.functions.0.description": "d",
            "llm.request.functions.0.parameters": '{"type": "object"}',
        },
        {
            "llm.request.functions.0.name": "f",
            "llm.request.functions.0.description": "d",
            "llm.request.functions.0.input_schema": '{"type": "object"}',
        },
        {"llm.request.functions": json.dumps([TOOL])},
        {"llm.tools.0.tool.json_schema": json.dumps(TOOL)},
        {"llm.tools": json.dumps([{"tool.json_schema": json.dumps(TOOL)}])},
        {"gen_ai.tool.definitions": json.dumps([TOOL]), "llm.request.functions.0.name": "other"},
    ],
)
def test_tools_in_numbered_attributes(tmp_path: Path, listed: dict[str, Any]) -> None:
    attributes = {**INFERENCE, "input.value": "hi", "output.value": "yo", **listed}
    assert call_of(tmp_path, span(attributes)).params == {"temperature": 0, "tools": [TOOL]}


def test_a_json_object_that_was_asked_for_needs_no_schema(tmp_path: Path) -> None:
    attributes = {**INFERENCE, "input.value": "hi", "output.value": "yo"}
    form = "gen_ai.openai.request.response_format"
    call = call_of(tmp_path, span({**attributes, form: "json_object"}))
    assert call.params == {"temperature": 0, "response_format": {"type": "json_object"}}
    assert not call.origin.warnings
    assert "response_format" not in call_of(tmp_path, span({**attributes, form: "json_schema"})).params


def test_openinference_says_in_its_value_alone_why_an_answer_ended(tmp_path: Path) -> None:
    attributes = {
        **INFERENCE,
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "hi",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": "yo",
        "output.value": json.dumps({"choices": [{"message": {"content": "yo"}, "finish_reason": "length"}]}),
    }
    assert call_of(tmp_path, span(attributes)).finish_reason == "length"


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("hi", "yo"),
        (
            json.dumps({"messages": [{"role": "user", "content": "hi"}], "model": "m"}),
            json.dumps({"choices": [{"message": {"role": "assistant", "content": "yo"}}]}),
        ),
    ],
)
def test_openinference_with_values_only(tmp_path: Path, asked: str, answered: str) -> None:
    call = call_of(tmp_path, span({**INFERENCE, "input.value": asked, "output.value": answered}))
    assert said(call) == [("user", "hi"), ("answer", "yo")]
    hidden = {**INFERENCE, "input.value": "__REDACTED__", "output.value": "__REDACTED__"}
    (skipped,) = read(tmp_path, span(hidden)).skipped
    assert skipped.reason.startswith("no prompt in the log")


@pytest.mark.parametrize(
    ("part", "kind", "raw"),
    [
        (
            {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "QUJD"},
            "image",
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
        ),
        (
            {"type": "uri", "modality": "image", "uri": "https://x/p.png"},
            "image",
            {"type": "image_url", "image_url": {"url": "https://x/p.png"}},
        ),
        (
            {"type": "blob", "modality": "audio", "mime_type": "audio/mpeg", "content": "QUJD"},
            "audio",
            {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
        ),
        ({"type": "file", "file_id": "f1"}, "file", {"type": "file", "file": {"file_id": "f1"}}),
        ({"type": "hologram", "content": "?"}, "other", {"type": "hologram", "content": "?"}),
    ],
)
def test_parts_have_openais_wire_shape(tmp_path: Path, part: Any, kind: str, raw: Any) -> None:
    asked = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "see"}, part]}])
    found = call_of(tmp_path, span({**CURRENT, "gen_ai.input.messages": asked})).messages[0].parts[1]
    assert (found.kind, found.raw) == (kind, raw)


def test_tools_and_reasoning_in_parts() -> None:
    answers = [{"type": "tool_call_response", "id": f"c{number}", "response": {"n": number}} for number in (1, 2)]
    assert [message["content"] for message in openai_messages({"role": "tool", "parts": answers})] == [
        '{"n": 1}',
        '{"n": 2}',
    ]
    parts = [
        {"type": "reasoning", "content": "hm"},
        {"type": "tool_call", "id": "c", "name": "f", "arguments": {"x": 1}},
    ]
    (message,) = openai_messages({"role": "assistant", "parts": parts})
    assert message["content"] is None
    assert message["tool_calls"] == [{"id": "c", "function": {"name": "f", "arguments": {"x": 1}}}]
