"""The Vercel AI SDK: spans under the attribute names of every version, its messages, and the chats that apps store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cqtui.importers import LogRead, read_logs
from cqtui.importers.dialects import openai_messages
from cqtui.models import LoggedCall
from tests.spans import CURRENT, document, said, span

ASKED = json.dumps([{"role": "system", "content": "be"}, {"role": "user", "content": [{"type": "text", "text": "hi"}]}])
INNER: dict[str, Any] = {
    "ai.operationId": "ai.generateText.doGenerate",
    "ai.model.id": "gpt-4o",
    "ai.model.provider": "openai.chat",
    "ai.prompt.messages": ASKED,
    "ai.response.text": "yo",
    "ai.response.finishReason": "stop",
    "gen_ai.request.model": "gpt-4o",
}


def read(folder: Path, *records: Any) -> LogRead:
    path = folder / "log.json"
    path.write_text("\n".join(json.dumps(record) for record in records) + "\n")
    found = read_logs(path, hash_identities=False)
    assert not found.rejected
    return found


def call_of(folder: Path, attributes: dict[str, Any], **changes: Any) -> LoggedCall:
    found = read(folder, document(span(attributes, **changes)))
    assert found.counts == {"vercel_ai": 1}
    return found.calls[0]


def without(*names: str) -> dict[str, Any]:
    return {name: item for name, item in INNER.items() if name not in names}


CALLED = {"toolCallType": "function", "toolCallId": "c1", "toolName": "f"}
OLDEST = {
    "ai.result.text": "yo",
    "ai.finishReason": "tool-calls",
    "ai.usage.promptTokens": 9,
    "ai.usage.completionTokens": 2,
}
GENERATIONS = [
    {
        **without("ai.response.text", "ai.response.finishReason"),
        **OLDEST,
        "ai.result.toolCalls": json.dumps([{**CALLED, "args": '{"x": 1}'}]),
    },
    {
        **INNER,
        "ai.response.finishReason": "tool-calls",
        "ai.response.toolCalls": json.dumps([{**CALLED, "args": '{"x": 1}'}]),
        "ai.usage.promptTokens": 9,
        "ai.usage.completionTokens": 2,
    },
    {
        **INNER,
        "ai.response.finishReason": "tool-calls",
        "ai.response.toolCalls": json.dumps([{**CALLED, "input": '{"x": 1}'}]),
        "ai.usage.inputTokens": 9,
        "ai.usage.outputTokens": 2,
    },
]


@pytest.mark.parametrize("attributes", GENERATIONS)
def test_attribute_names_of_every_version(tmp_path: Path, attributes: dict[str, Any]) -> None:
    call = call_of(tmp_path, attributes)
    assert said(call) == [("system", "be"), ("user", "hi"), ("answer", "yo")]
    assert call.completion is not None
    assert [(tool.name, tool.arguments, tool.id) for tool in call.completion.tool_calls] == [("f", '{"x": 1}', "c1")]
    assert (call.usage.input_tokens, call.usage.output_tokens, call.finish_reason) == (9, 2, "tool_calls")
    assert (call.model, call.provider, call.latency_ms) == ("gpt-4o", "openai", 770)


def test_a_span_that_is_known_by_its_name_alone(tmp_path: Path) -> None:
    call = call_of(tmp_path, without("ai.operationId"), name="ai.streamText.doStream picnic")
    assert said(call)[-1] == ("answer", "yo")


def test_settings_tools_and_metadata(tmp_path: Path) -> None:
    tool = {"type": "function", "name": "f", "description": "d", "inputSchema": {"type": "object"}}
    attributes = {
        **INNER,
        "gen_ai.request.temperature": 0.2,
        "ai.settings.maxOutputTokens": 50,
        "ai.settings.maxRetries": 2,
        "ai.prompt.tools": [json.dumps(tool)],
        "ai.prompt.toolChoice": json.dumps({"type": "tool", "toolName": "f"}),
        "ai.request.headers.authorization": "Bearer k",
        "ai.telemetry.functionId": "picnic",
        "ai.telemetry.metadata.userId": "ann",
        "ai.telemetry.metadata.sessionId": "c",
        "ai.telemetry.metadata.plan": "pro",
        "ai.response.model": "gpt-4o-2024",
        "ai.response.msToFirstChunk": 120.4,
    }
    call = call_of(tmp_path, attributes)
    assert call.params == {
        "temperature": 0.2,
        "max_completion_tokens": 50,
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}},
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
    }
    assert (call.user, call.session, call.metadata) == (
        "ann",
        "c",
        {"plan": "pro", "feature": "picnic", "service": "menu"},
    )
    assert (call.model, call.ttft_ms) == ("gpt-4o-2024", 120)


@pytest.mark.parametrize(
    ("provider", "usage", "counts"),
    [
        ("openai.chat", {"inputTokens": 100, "cachedInputTokens": 40}, (100, 40, None)),
        ("anthropic.messages", {"inputTokens": 100, "cachedInputTokens": 40}, (145, 40, 5)),
        (
            "anthropic.messages",
            {"inputTokens": 145, "inputTokenDetails.cacheReadTokens": 40, "inputTokenDetails.cacheWriteTokens": 5},
            (145, 40, 5),
        ),
        ("anthropic.messages", {"promptTokens": 100, "completionTokens": 1}, (105, None, 5)),
    ],
)
def test_input_is_the_total(
    tmp_path: Path, provider: str, usage: dict[str, int], counts: tuple[int | None, ...]
) -> None:
    own = {"anthropic": {"cacheCreationInputTokens": 5}} if provider.startswith("anthropic") else {}
    attributes = {**INNER, "ai.model.provider": provider, "ai.response.providerMetadata": json.dumps(own)}
    attributes |= {f"ai.usage.{name}": item for name, item in usage.items()}
    found = call_of(tmp_path, attributes).usage
    assert (found.input_tokens, found.cached_tokens, found.cache_write_tokens) == counts


def test_reasoning_tokens_and_tokens_that_are_no_number(tmp_path: Path) -> None:
    usage = {"ai.usage.promptTokens": float("nan"), "ai.usage.reasoningTokens": 6}
    found = call_of(tmp_path, {**INNER, **usage}).usage
    assert (found.input_tokens, found.output_tokens, found.reasoning_tokens) == (None, None, 6)


def test_zeros_are_no_counts(tmp_path: Path) -> None:
    usage = {**INNER, "ai.usage.inputTokens": 0, "ai.usage.outputTokens": 0, "ai.usage.totalTokens": 0}
    assert set(call_of(tmp_path, usage).usage.model_dump().values()) == {None}


@pytest.mark.parametrize(("total", "output"), [(24, 14), (18, 8), (None, 8)])
def test_reasoning_tokens_are_inside_the_output(tmp_path: Path, total: int | None, output: int) -> None:
    usage = {"inputTokens": 10, "outputTokens": 8, "reasoningTokens": 6, "totalTokens": total}
    attributes = {f"ai.usage.{name}": count for name, count in usage.items() if count is not None}
    assert call_of(tmp_path, {**INNER, **attributes}).usage.output_tokens == output


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        (
            {**INNER, "ai.prompt.tools": [json.dumps({"type": "provider-defined", "id": "o.w", "name": "web"})]},
            "web is run by the vendor",
        ),
        ({**INNER, "ai.operationId": "ai.generateText"}, "only repeats"),
        ({**INNER, "ai.operationId": "ai.streamObject"}, "only repeats"),
        ({"ai.operationId": "ai.toolCall", "ai.toolCall.name": "f"}, "not a model call: ai.toolCall"),
        ({"ai.operationId": "ai.embed.doEmbed", "ai.usage.tokens": 3}, "not a model call"),
        (without("ai.prompt.messages"), "turn on recordInputs"),
        ({**INNER, "ai.prompt.messages": ASKED[:-9]}, "cut off"),
        ({**INNER, "ai.response.finishReason": "error"}, "the call failed"),
    ],
)
def test_spans_that_give_no_call_say_why(tmp_path: Path, attributes: dict[str, Any], reason: str) -> None:
    found = read(tmp_path, document(span(attributes)))
    assert not found.calls
    assert [item.reason for item in found.skipped if reason in item.reason]


def test_a_failed_span(tmp_path: Path) -> None:
    (skipped,) = read(tmp_path, span(INNER, status={"code": 2, "message": "overloaded"})).skipped
    assert skipped.reason == "the call failed: overloaded"


def test_without_captured_outputs_there_is_no_baseline(tmp_path: Path) -> None:
    assert not call_of(tmp_path, without("ai.response.text")).is_baseline
    empty = call_of(tmp_path, {**INNER, "ai.response.text": ""})
    assert empty.completion is not None
    assert empty.completion.text == ""


def test_an_objects_schema_is_on_the_span_around_it(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    outer = {"ai.operationId": "ai.generateObject", "ai.schema": json.dumps(schema), "ai.schema.name": "menu"}
    inner = {
        **without("ai.response.text"),
        "ai.operationId": "ai.generateObject.doGenerate",
        "ai.response.object": '{"a": "b"}',
    }
    text = {**INNER, "ai.operationId": "ai.generateText"}
    within = span(inner, parentSpanId="o")
    other = span(INNER, spanId="s2", parentSpanId="g")
    found = read(
        tmp_path, document(span(outer, spanId="o"), within, span(text, spanId="g", parentSpanId="o"), other, scope="ai")
    )
    first, second = found.calls
    assert first.params["response_format"]["json_schema"] == {"name": "menu", "schema": schema}
    assert said(first)[-1] == ("answer", '{"a": "b"}')
    assert "response_format" not in second.params  # a call of a tool of that call
    alone = call_of(tmp_path, inner)
    assert "schema" in " ".join(alone.origin.warnings)


def test_spans_of_both_conventions_in_one_file(tmp_path: Path) -> None:
    found = read(tmp_path, document(span(CURRENT), span(INNER, spanId="s2"), span(CURRENT, spanId="s3")))
    assert found.counts == {"otel_genai": 2, "vercel_ai": 1}


@pytest.mark.parametrize(
    ("part", "raw"),
    [
        ({"type": "image", "image": "QUJD", "mimeType": "image/webp"}, "data:image/webp;base64,QUJD"),
        ({"type": "image", "image": "https://x/p.png"}, "https://x/p.png"),
        ({"type": "image", "image": {"type": "url", "url": "https://x/p.png"}}, "https://x/p.png"),
        (
            {"type": "file", "data": "data:image/png;base64,QUJD", "mediaType": "image/png"},
            "data:image/png;base64,QUJD",
        ),
        ({"type": "file", "data": "QUJD", "mediaType": "image/*"}, "data:image/png;base64,QUJD"),
    ],
)
def test_pictures_have_openais_wire_shape(tmp_path: Path, part: dict[str, Any], raw: str) -> None:
    asked = json.dumps([{"role": "user", "content": [{"type": "text", "text": "see"}, part]}])
    found = call_of(tmp_path, {**INNER, "ai.prompt.messages": asked}).messages[0].parts[1]
    assert (found.kind, found.raw) == ("image", {"type": "image_url", "image_url": {"url": raw}})


def test_files_have_openais_wire_shape() -> None:
    part = {"type": "file", "data": "QUJD", "mediaType": "application/pdf", "filename": "a.pdf"}
    (message,) = openai_messages({"role": "user", "content": [part]})
    file = {"file_data": "data:application/pdf;base64,QUJD", "filename": "a.pdf"}
    assert message["content"] == [{"type": "file", "file": file}]
    (message,) = openai_messages({"role": "user", "content": [{**part, "data": "https://x/a.pdf"}]})
    assert message["content"][0]["type"] == "file-url"  # OpenAI takes no file by its address


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [({"args": {"x": 1}}, {"result": "9"}), ({"input": {"x": 1}}, {"output": {"type": "text", "value": "9"}})],
)
def test_tools_in_messages(tmp_path: Path, arguments: dict[str, Any], answer: dict[str, Any]) -> None:
    called = {"type": "tool-call", "toolCallId": "c1", "toolName": "f", **arguments}
    result = {"type": "tool-result", "toolCallId": "c1", "toolName": "f", **answer}
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "reasoning", "text": "hm"}, {"type": "text", "text": "so"}, called]},
        {"role": "tool", "content": [result, {**result, "toolCallId": "c2"}]},
    ]
    found = call_of(tmp_path, {**INNER, "ai.prompt.messages": json.dumps(messages)}).messages
    assert [(message.role, message.text) for message in found[1:]] == [
        ("assistant", "so"),
        ("tool", "9"),
        ("tool", "9"),
    ]
    assert found[1].tool_calls[0].arguments == '{"x": 1}'
    assert [message.tool_call_id for message in found[2:]] == ["c1", "c2"]


def ui(role: str, *parts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"id": f"m-{role}", "role": role, "parts": list(parts), **changes}


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


USED = {"type": "tool-f", "toolCallId": "c1", "state": "output-available", "input": {"x": 1}, "output": "9"}
OLD_USED = {
    "type": "tool-invocation",
    "toolInvocation": {"toolCallId": "c1", "toolName": "f", "args": {"x": 1}, "state": "result", "result": "9"},
}
STEP = {"type": "step-start"}


@pytest.mark.parametrize("used", [USED, OLD_USED, {**USED, "type": "dynamic-tool", "toolName": "f"}])
def test_a_chat_is_one_call(tmp_path: Path, used: dict[str, Any]) -> None:
    picture = {"type": "file", "mediaType": "image/png", "url": "https://x/p.png"}
    answer = ui("assistant", STEP, text("wait"), used, STEP, {"type": "source-url", "url": "https://x"}, text("yo"))
    chat = {"id": "chat", "userId": "ann", "model": "m", "messages": [ui("user", text("hi"), picture), answer]}
    found = read(tmp_path, chat)
    assert found.counts == {"vercel_ai": 1}
    (call,) = found.calls
    assert said(call) == [("user", "hi"), ("assistant", "wait"), ("tool", "9"), ("answer", "yo")]
    assert call.messages[0].parts[1].kind == "image"
    assert call.messages[1].tool_calls[0].name == "f"
    assert (call.id, call.model, call.user, call.session) == ("chat", "m", "ann", "chat")


def test_a_file_that_is_a_list_of_messages(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([ui("user", text("hi")), ui("assistant", text("yo"))], indent=1))
    (tmp_path / "b.json").write_text(json.dumps([ui("user", text("ho"))], indent=1))
    found = read_logs(tmp_path)
    assert [said(call) for call in found.calls] == [
        [("user", "hi"), ("answer", "yo")],
        [("user", "ho"), ("answer", "")],
    ]
    assert [call.is_baseline for call in found.calls] == [True, False]
    assert found.records == 3


def test_rows_of_a_table_of_messages(tmp_path: Path) -> None:
    rows = [
        ui("assistant", text("yo"), chatId="c", createdAt="2026-09-10T00:00:02Z", id="m2"),
        ui("user", text("ho"), chatId="d", createdAt="2026-09-10T00:00:05Z", id="m3"),
        {**ui("user", chatId="c", createdAt="2026-09-10T00:00:01Z"), "parts": json.dumps([text("hi")])},
    ]
    first, second = read(tmp_path, *rows).calls
    assert said(first) == [("user", "hi"), ("answer", "yo")]
    assert (first.id, first.session) == ("m2", "c")
    assert not second.is_baseline
