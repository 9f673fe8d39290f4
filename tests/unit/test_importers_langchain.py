"""LangChain's messages, in whatever form a tracing tool holds them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.trace_rows import (
    HI,
    constructor,
    read,
    run,
    said,
)

# --- LangChain's messages


ASKED = [{"name": "look", "args": {"at": "å"}, "id": "1", "type": "tool_call"}]


@pytest.mark.parametrize(
    "message",
    [
        constructor("AIMessage", content="", tool_calls=ASKED),
        constructor("AIMessageChunk", content="", tool_calls=ASKED),
        {"type": "ai", "content": "", "tool_calls": ASKED},
        {"type": "AIMessageChunk", "content": "", "tool_calls": ASKED},
        {"type": "ai", "data": {"content": "", "tool_calls": ASKED}},
        {"role": "assistant", "content": "", "tool_calls": ASKED},
        {"role": "assistant", "content": "", "additional_kwargs": {"tool_calls": ASKED}},
        {"type": "ai", "content": [{"type": "tool_use", "id": "1", "name": "look", "input": {"at": "å"}}]},
        {"type": "ai", "content": [{"type": "tool_use", "id": "1", "name": "look"}], "tool_calls": ASKED},
    ],
)
def test_tool_calls_of_langchain(message: dict[str, Any]) -> None:
    answer = {"type": "tool", "content": "found", "tool_call_id": "1", "name": "look"}
    call = read(run(inputs={"messages": [[*HI, message, answer]]}, outputs=message))
    assert [item.role for item in call.messages] == ["user", "assistant", "tool"]
    assert call.messages[2].tool_call_id == "1"
    assert call.completion is not None
    for calls in (call.messages[1].tool_calls, call.completion.tool_calls):
        assert [(one.name, one.arguments, one.id) for one in calls] == [("look", '{"at": "å"}', "1")]
    # LangChain writes an empty text where there is none.
    assert (call.messages[1].parts, call.completion.text) == ((), None)
    assert call.finish_reason == "tool_calls"


def test_arguments_that_were_no_json_are_kept_as_they_were() -> None:
    broken = [{"name": "look", "args": '{"at": ', "id": "1", "type": "invalid_tool_call"}]
    answer = read(run(outputs=constructor("AIMessage", content="", invalid_tool_calls=broken))).completion
    assert answer is not None
    assert answer.tool_calls[0].arguments == '{"at": '


@pytest.mark.parametrize(
    ("message", "role"),
    [
        ({"type": "human", "content": "hi"}, "user"),
        ({"type": "chat", "role": "developer", "content": "hi"}, "developer"),
        (constructor("SystemMessage", content="hi", additional_kwargs={"__openai_role__": "developer"}), "developer"),
        (constructor("FunctionMessage", content="hi", name="look"), "tool"),
    ],
)
def test_roles_of_langchain(message: dict[str, Any], role: str) -> None:
    removed = {"type": "remove", "content": "", "id": "x"}
    assert [one.role for one in read(run(inputs={"messages": [removed, message]})).messages] == [role]


@pytest.mark.parametrize(
    ("block", "kind", "wire"),
    [
        ({"type": "image_url", "image_url": "https://x"}, "image", {"image_url": {"url": "https://x"}}),
        ({"type": "image", "url": "https://x"}, "image", {"image_url": {"url": "https://x"}}),
        (
            {"type": "image", "source_type": "base64", "data": "AA==", "mime_type": "image/jpeg"},
            "image",
            {"image_url": {"url": "data:image/jpeg;base64,AA=="}},
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": "AA=="}},
            "image",
            {"image_url": {"url": "data:image/webp;base64,AA=="}},
        ),
        (
            {"type": "audio", "base64": "AA==", "mime_type": "audio/mpeg"},
            "audio",
            {"input_audio": {"data": "AA==", "format": "mp3"}},
        ),
        (
            {"type": "file", "base64": "AA==", "mime_type": "application/pdf", "filename": "a.pdf"},
            "file",
            {"file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}},
        ),
        ({"type": "file", "file_id": "f"}, "file", {"file": {"file_id": "f"}}),
    ],
)
def test_media_of_langchain_can_be_sent_again(block: dict[str, Any], kind: str, wire: dict[str, Any]) -> None:
    (message,) = read(run(inputs={"messages": [{"type": "human", "content": [block]}]})).messages
    (part,) = message.parts
    assert part.kind == kind
    assert part.raw is not None
    assert {name: part.raw[name] for name in wire} == wire


def test_tool_results_of_anthropic_inside_a_message_of_langchain() -> None:
    content = [{"type": "tool_result", "tool_use_id": "1", "content": "found"}, {"type": "text", "text": "go on"}]
    call = read(run(inputs={"messages": [*HI, {"type": "human", "content": content}]}))
    assert [(one.role, one.text) for one in call.messages] == [("user", "hi"), ("tool", "found"), ("user", "go on")]


def test_reasoning_of_langchain_is_no_text() -> None:
    content = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "yo"}]
    assert said(read(run(outputs={"type": "ai", "content": content}))) == "yo"
