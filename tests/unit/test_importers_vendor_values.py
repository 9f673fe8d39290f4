"""What vendors' requests and responses say: parameters, token counts, finish reasons, names, and streams."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from genai_prices import extract_usage

from cqtui.importers.apis import chat
from cqtui.importers.apis.anthropic import SILENT_REFUSAL
from cqtui.importers.apis.usage import UNREADABLE
from cqtui.importers.model_names import maker_name
from cqtui.importers.params import params_of
from cqtui.importers.streams import response_of
from cqtui.models import Usage
from tests.vendor_bodies import SAID, USER, answer, call_of, claude, completion, reason_of

SCHEMA = {"type": "object"}
FUNCTION = {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}
STRICT = {"type": "function", "function": {"name": "f", "strict": True}}
NAMED = {"type": "function", "function": {"name": "f"}}
WRAPPED = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}
TEXT = [{"type": "text", "text": "yo"}]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"tools": [{"name": "f", "description": "d", "input_schema": SCHEMA}]}, {"tools": [FUNCTION]}),
        (
            {"tools": [{"type": "function", "name": "f", "description": "d", "parameters": SCHEMA}]},
            {"tools": [FUNCTION]},
        ),
        ({"tools": [{"functionDeclarations": [FUNCTION["function"]]}]}, {"tools": [FUNCTION]}),
        ({"tools": [FUNCTION]}, {"tools": [FUNCTION]}),
        (
            {"functions": [FUNCTION["function"]], "function_call": {"name": "f"}},
            {"tools": [FUNCTION], "tool_choice": NAMED},
        ),
        ({"tool_choice": {"type": "any"}}, {"tool_choice": "required"}),
        ({"tool_choice": {"type": "tool", "name": "f"}}, {"tool_choice": NAMED}),
        ({"tool_choice": {"type": "function", "name": "f"}}, {"tool_choice": NAMED}),
        ({"tool_choice": NAMED}, {"tool_choice": NAMED}),
        (
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
            {"tool_choice": "auto", "parallel_tool_calls": False},
        ),
        ({"stop_sequences": ["a"]}, {"stop": ["a"]}),
        ({"text": {"format": {"type": "text"}, "verbosity": "low"}}, {"verbosity": "low"}),
        ({"text": {"format": {"type": "json_object"}}}, {"response_format": {"type": "json_object"}}),
        (
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}}},
            {"response_format": WRAPPED},
        ),
        ({"response_format": WRAPPED}, {"response_format": WRAPPED}),
        (
            {"output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}}},
            {
                "reasoning_effort": "low",
                "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}},
            },
        ),
        ({"reasoning": {"effort": "low", "summary": "auto"}}, {"reasoning_effort": "low"}),
        ({"reasoning": {"effort": None, "summary": None}}, {}),
        ({"reasoning": {"max_tokens": 9}}, {"reasoning": {"max_tokens": 9}}),
        ({"thinking": {"type": "disabled"}}, {}),
        ({"max_output_tokens": 5}, {"max_completion_tokens": 5}),
        ({"tool_choice": "any"}, {"tool_choice": "required"}),
        ({"tool_choice": '{"type": "tool", "toolName": "f"}'}, {"tool_choice": NAMED}),
        ({"tools": [json.dumps({"name": "f", "description": "d", "inputSchema": SCHEMA})]}, {"tools": [FUNCTION]}),
        ({"tools": [{"type": "function", "name": "f", "strict": True}]}, {"tools": [STRICT]}),
        ({"tools": [FUNCTION, None, "x"]}, {"tools": [FUNCTION]}),
    ],
)
def test_params_are_openais(given: dict[str, Any], sent: dict[str, Any]) -> None:
    notes: list[str] = []
    assert params_of(given, (), notes) == sent
    assert not notes


@pytest.mark.parametrize("none", [{"tools": []}, {"tools": None}, {}])
def test_settings_of_tools_are_left_out_where_there_are_none(none: dict[str, Any]) -> None:
    settings = {"tool_choice": "auto", "parallel_tool_calls": True, "temperature": 0}
    call = call_of({"model": "m", "messages": USER, **settings, **none}, completion())
    assert call.params == {"temperature": 0}
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert call_of({"model": "m", "messages": USER, **settings, "tools": tools}, completion()).params == {
        **settings,
        "tools": tools,
    }


def test_params_of_requests() -> None:
    asked = {
        "model": "c",
        "max_tokens": 5,
        "stop_sequences": ["a"],
        "thinking": {"type": "enabled", "budget_tokens": 9},
        "metadata": {"user_id": "u"},
    }
    call = call_of({"messages": USER, **asked}, claude(TEXT))
    assert call.params == {"max_tokens": 5, "stop": ["a"]}
    assert (call.user, call.metadata) == ("u", {})
    assert call.origin.warnings == ("thinking without an effort left out of the parameters",)

    asked = {"model": "g", "max_output_tokens": 7, "store": True, "include": ["x"], "truncation": "auto", "user": "u"}
    response = answer(SAID, reasoning={"effort": "low"}, temperature=1.0, metadata={"app": "a"})
    call = call_of({"input": "hi", **asked}, response)
    assert call.params == {"max_completion_tokens": 7, "reasoning_effort": "low"}
    assert (call.user, call.metadata) == ("u", {"app": "a"})
    assert call_of({"input": "hi"}, {**response, "instructions": "s"}).messages[0].text == "s"

    config = {"temperature": 0, "maxOutputTokens": 8, "responseMimeType": "application/json", "stopSequences": ["a"]}
    response = {"candidates": [{"content": {"parts": [{"text": "{}"}]}}]}
    assert call_of({"contents": ["hi"], "generation_config": config}, response).params == {
        "temperature": 0,
        "max_completion_tokens": 8,
        "response_format": {"type": "json_object"},
        "stop": ["a"],
    }


@pytest.mark.parametrize(
    ("logged", "read"),
    [
        ({"input_tokens": 40, "output_tokens": 2}, Usage(input_tokens=40, output_tokens=2)),
        (
            {
                "input_tokens": 40,
                "cache_read_input_tokens": 1500,
                "cache_creation_input_tokens": 180,
                "output_tokens": 20,
                "output_tokens_details": {"thinking_tokens": 9},
            },
            Usage(input_tokens=1720, output_tokens=20, cached_tokens=1500, cache_write_tokens=180, reasoning_tokens=9),
        ),
        (None, Usage()),
        ({}, Usage()),
    ],
)
def test_anthropic_usage(logged: Any, read: Usage) -> None:
    assert call_of({"messages": USER}, claude(TEXT, usage=logged)).usage == read


def test_responses_and_gemini_usage() -> None:
    details = {"input_tokens_details": {"cached_tokens": 4}, "output_tokens_details": {"reasoning_tokens": 3}}
    usage = call_of({"input": "hi"}, answer(SAID, usage={"input_tokens": 9, "output_tokens": 5, **details})).usage
    assert usage == Usage(input_tokens=9, output_tokens=5, cached_tokens=4, reasoning_tokens=3)
    logged = {"promptTokenCount": 9, "candidatesTokenCount": 5, "thoughtsTokenCount": 3, "cachedContentTokenCount": 4}
    response = {"candidates": [{"content": {"parts": [{"text": "yo"}]}}], "usageMetadata": logged}
    usage = call_of({"contents": ["hi"]}, response).usage
    assert usage == Usage(input_tokens=9, output_tokens=8, cached_tokens=4, reasoning_tokens=3)


@pytest.mark.parametrize(
    "logged", [{"input_tokens": "x", "output_tokens": 1}, {"input_tokens": -1, "output_tokens": 1}]
)
def test_unusable_usage_is_unknown(logged: Any) -> None:
    for call in (
        call_of({"messages": USER}, claude(TEXT, usage=logged)),
        call_of({"input": "hi"}, answer(SAID, usage=logged)),
    ):
        assert call.usage == Usage()
        assert UNREADABLE in call.origin.warnings


@pytest.mark.parametrize(("written", "total"), [(0, 25), (8, 33)])
def test_more_cached_than_input_is_added(written: int, total: int) -> None:
    details = {"cached_tokens": 20, "cache_write_tokens": written}
    usage = {"input_tokens": 5, "output_tokens": 1, "input_tokens_details": details}
    call = call_of({"input": "hi"}, answer(SAID, usage=usage))
    assert call.usage.input_tokens == total
    assert call.origin.warnings


def test_zeros_are_no_counts() -> None:
    zeros = {
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "total_tokens": 0,
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    assert call_of({"messages": USER}, completion(usage=zeros)).usage == Usage()


@pytest.mark.parametrize(
    ("counts", "output"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}, 5),
        # Some services count reasoning beside the completion.
        ({"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 17}, 8),
        ({"prompt_tokens": 9, "completion_tokens": 5}, 5),
        ({"prompt_tokens": 9, "completion_tokens": "5", "total_tokens": 17}, 5),
    ],
)
def test_reasoning_tokens_are_inside_the_output(counts: dict[str, Any], output: int) -> None:
    usage = {**counts, "completion_tokens_details": {"reasoning_tokens": 3}}
    found = call_of({"messages": USER}, completion(usage=usage)).usage
    assert (found.output_tokens, found.reasoning_tokens) == (output, 3)


@pytest.mark.parametrize(
    ("logged", "read"),
    [
        (
            {"input_tokens": 5, "output_tokens": None, "cache_read_input_tokens": 4},
            Usage(input_tokens=9, cached_tokens=4),
        ),
        ({"output_tokens": 2}, Usage(output_tokens=2)),
    ],
)
def test_one_unknown_count_leaves_the_others_known(logged: Any, read: Usage) -> None:
    call = call_of({"messages": USER}, claude(TEXT, usage=logged))
    assert call.usage == read
    assert not call.origin.warnings


def test_our_reading_of_openais_usage_agrees_with_the_library() -> None:
    details = {"cached_tokens": 4, "cache_write_tokens": 2}
    logged = {"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": details}
    logged["completion_tokens_details"] = {"reasoning_tokens": 3}
    theirs = extract_usage({"usage": logged}, provider_id="openai", api_flavor="chat").usage
    assert chat.usage_of(logged) == {
        "input_tokens": theirs.input_tokens,
        "output_tokens": theirs.output_tokens,
        "cached_tokens": theirs.cache_read_tokens,
        "cache_write_tokens": theirs.cache_write_tokens,
        "reasoning_tokens": theirs.output_reasoning_tokens,
    }


def test_the_price_library_is_imported_only_when_needed() -> None:
    code = "import sys, cqtui.importers; sys.exit('genai_prices' in sys.modules)"
    here = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=here).returncode == 0


@pytest.mark.parametrize(
    ("reason", "read"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "refusal"),
    ],
)
def test_anthropic_finish_reasons(reason: str, read: str) -> None:
    assert call_of({"messages": USER}, claude(TEXT, stop_reason=reason)).finish_reason == read


@pytest.mark.parametrize(
    ("response", "read"),
    [
        (answer(SAID), "stop"),
        (answer([{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]), "tool_calls"),
        (answer(SAID, status="incomplete", incomplete_details={"reason": "max_output_tokens"}), "length"),
        (answer(SAID, status="incomplete", incomplete_details={"reason": "content_filter"}), "content_filter"),
    ],
)
def test_responses_finish_reasons(response: dict[str, Any], read: str) -> None:
    assert call_of({"input": "hi"}, response).finish_reason == read


@pytest.mark.parametrize(
    ("reason", "read", "with_call"),
    [
        ("STOP", "stop", "tool_calls"),
        ("MAX_TOKENS", "length", "length"),
        ("SAFETY", "content_filter", "content_filter"),
        ("RECITATION", "content_filter", "content_filter"),
        (None, None, "tool_calls"),
    ],
)
def test_gemini_finish_reasons(reason: str | None, read: str | None, with_call: str) -> None:
    assert call_of({"contents": ["hi"]}, {"candidates": [{"finishReason": reason}]}).finish_reason == read
    content = {"parts": [{"functionCall": {"name": "f", "args": {}}}]}
    called = {"candidates": [{"finishReason": reason, "content": content}]}
    assert call_of({"contents": ["hi"]}, called).finish_reason == with_call


def test_gemini_requests_of_its_library_keep_all_in_one_object() -> None:
    config = {"system_instruction": "s", "temperature": 0, "thinking_config": {"thinking_level": "LOW"}}
    config["tools"] = [{"function_declarations": [FUNCTION["function"]]}]
    call = call_of({"contents": "hi", "config": config}, {"candidates": [{"content": {"parts": [{"text": "yo"}]}}]})
    assert [(message.role, message.text) for message in call.messages] == [("system", "s"), ("user", "hi")]
    assert call.params == {"temperature": 0, "reasoning_effort": "low", "tools": [FUNCTION]}
    assert not call.origin.warnings


def test_refusals_and_empty_answers() -> None:
    found = call_of({"messages": USER}, claude([], stop_reason="refusal")).completion
    assert found is not None
    assert (found.text, found.refusal) == (None, SILENT_REFUSAL)
    refusal = [{"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}]
    found = call_of({"input": "hi"}, answer(refusal)).completion
    assert found is not None
    assert (found.text, found.refusal) == (None, "no")
    thought = call_of({"messages": USER}, claude([{"type": "thinking", "thinking": "hm"}])).completion
    cut = call_of({"input": "hi"}, answer([{"type": "reasoning"}], status="incomplete")).completion
    assert thought == cut
    assert thought is not None
    assert (thought.text, thought.refusal) == ("", None)


def test_tiers_change_the_price() -> None:
    assert call_of({"messages": USER}, completion(service_tier="flex")).metadata == {"service_tier": "flex"}
    assert call_of({"input": "hi"}, answer(SAID, service_tier="priority")).metadata == {"service_tier": "priority"}
    usage = {"input_tokens": 1, "output_tokens": 1, "service_tier": "batch", "speed": "fast"}
    metadata = call_of({"messages": USER}, claude(TEXT, usage=usage)).metadata
    assert metadata == {"service_tier": "batch", "speed": "fast"}


@pytest.mark.parametrize(
    ("logged", "read"),
    [
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "claude-3-haiku-20240307"),
        ("anthropic.claude-3-sonnet-20240229-v1:0:28k", "claude-3-sonnet-20240229"),
        (
            "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-opus-4-1-20250805-v1:0",
            "claude-opus-4-1-20250805",
        ),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5-20250929"),
        ("publishers/anthropic/models/claude-haiku-4-5@default", "claude-haiku-4-5"),
        ("gpt-35-turbo-16k", "gpt-3.5-turbo-16k"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001"),
        ("gpt-4o", "gpt-4o"),
        ("amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
    ],
)
def test_the_makers_name_of_a_model(logged: str, read: str) -> None:
    assert maker_name(logged) == read
    call = call_of({"messages": USER}, completion(model=logged))
    assert call.model == read
    assert call.origin.warnings == (() if logged == read else (f"the model was logged as {logged}",))


def sse(*events: dict[str, Any], named: bool = True) -> str:
    lines = [f"event: {event.get('type')}\n" if named else "" for event in events]
    texts = [f"{line}data: {json.dumps(event)}\n\n" for line, event in zip(lines, events, strict=True)]
    return "".join(texts) + ("" if named else "data: [DONE]\n")


def tool_delta(index: int, **function: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": index, "function": function}]}}]}


CHAT: list[dict[str, Any]] = [
    {"id": "c1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "y"}}]},
    {"choices": [{"index": 0, "delta": {"content": "o"}}, {"index": 1, "delta": {"content": "other"}}]},
    tool_delta(1, name="g", arguments="{}"),
    tool_delta(0, name="f", arguments='{"x": '),
    tool_delta(0, arguments="1}"),
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
]
ANTHROPIC: list[dict[str, Any]] = [
    {
        "type": "message_start",
        "message": {**claude([], stop_reason=None), "usage": {"input_tokens": 3, "output_tokens": 1}},
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "y"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "o"}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}},
    },
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"x": '}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "1}"}},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use"},
        "usage": {"output_tokens": 2, "input_tokens": None},
    },
    {"type": "message_stop"},
]
RESPONSES: list[dict[str, Any]] = [
    {"type": "response.created", "response": answer([], status="in_progress")},
    {"type": "response.output_text.delta", "delta": "y"},
    {"type": "response.completed", "response": answer(SAID, usage={"input_tokens": 3, "output_tokens": 2})},
]
GEMINI: list[dict[str, Any]] = [
    {"candidates": [{"content": {"parts": [{"text": "y"}]}}], "usageMetadata": {"promptTokenCount": 3}},
    {
        "candidates": [{"content": {"parts": [{"text": "o"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2},
    },
]


@pytest.mark.parametrize("form", ["events", "texts", "named", "unnamed", "wrapped"])
@pytest.mark.parametrize(
    ("request_", "events"),
    [
        ({"messages": USER}, CHAT),
        ({"messages": USER, "system": "s"}, ANTHROPIC),
        ({"input": "hi"}, RESPONSES),
        ({"contents": ["hi"]}, GEMINI),
    ],
    ids=["chat", "anthropic", "responses", "gemini"],
)
def test_streams(form: str, request_: dict[str, Any], events: list[dict[str, Any]]) -> None:
    logged: Any = {
        "events": events,
        "texts": [json.dumps(event) for event in events],
        "named": sse(*events),
        "unnamed": sse(*events, named=False),
        "wrapped": [{"event": "e", "data": event} for event in events],
    }[form]
    call = call_of(request_, logged)
    assert call.completion is not None
    assert call.completion.text == "yo"
    assert (call.usage.input_tokens, call.usage.output_tokens) == (3, 2)
    calls = [(found.name, found.arguments) for found in call.completion.tool_calls]
    assert calls in ([], [("f", '{"x": 1}')], [("f", '{"x": 1}'), ("g", "{}")])
    assert bool(calls) == (events in (CHAT, ANTHROPIC))


def test_streams_that_broke_off() -> None:
    assert "not finished" in reason_of({"input": "hi"}, RESPONSES[:2])
    assert call_of({"messages": USER}, CHAT[:2]).usage == Usage()
    cut = call_of({"messages": USER}, ANTHROPIC[:-4]).completion
    assert cut is not None
    assert cut.text == "yo"
    arguments = call_of({"messages": USER}, ANTHROPIC[:-3]).completion
    assert arguments is not None
    assert arguments.tool_calls[0].arguments == '{"x": '
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    for events in (CHAT[:2], ANTHROPIC[:4]):
        assert "Overloaded" in reason_of({"messages": USER}, [*events, overloaded])
    assert "boom" in reason_of({"input": "hi"}, [*RESPONSES[:2], {"type": "error", "message": "boom"}])


@pytest.mark.parametrize("value", ["plain", [], [1, "x"], [{"a": 1}, {"b": 2}], None, 5])
def test_what_is_no_response(value: Any) -> None:
    assert response_of(value) == {}
