"""Small files of the shapes that a format has and its sample does not show."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from csv import DictWriter
from typing import Any

from tests.proxy_logs import as_cells, payload, spend
from tests.proxy_logs import helicone as helicone_row
from tests.proxy_logs import portkey as portkey_row
from tests.spans import CURRENT, START, document, log, span
from tests.vendor_bodies import SAID, USER, answer, claude, completion

Fields = dict[str, Any]

URL = "https://x.openai.azure.com/openai/deployments/prod/chat/completions"
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
TALK = [
    {"role": "system", "content": "be kind"},
    {
        "role": "user",
        "content": [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "https://x/p"}}],
    },
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "9"},
]
CHAT = {"model": "gpt-4o", "messages": TALK, "tools": [TOOL], "temperature": 0.2}


def lines(*records: Any) -> bytes:
    """Records, one a line."""
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def table(*rows: Mapping[str, str], delimiter: str = ",") -> bytes:
    """Rows of the same columns as a table."""
    held = io.StringIO()
    writer = DictWriter(held, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return held.getvalue().encode()


def openai_chat() -> Iterator[bytes]:
    chunks = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in ("he", "y")]
    called: Fields = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{"}}
    chunks.append({"choices": [{"index": 0, "delta": {"tool_calls": [called]}}]})
    sse = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n"
    yield lines({"request": CHAT, "response": sse}, {"request": CHAT, "response": chunks})
    yield lines({"kwargs": CHAT, "response": json.dumps(completion())}, completion())


def openai_responses() -> Iterator[bytes]:
    yield lines({"request": {"input": "hi", "instructions": "be"}, "response": answer(SAID)}, answer(SAID))


def openai_batch() -> Iterator[bytes]:
    body: Fields = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": CHAT}
    yield lines(body, {"custom_id": "a", "response": {"status_code": 200, "body": completion()}, "error": None})


def openai_finetune() -> Iterator[bytes]:
    yield lines({"input": {"messages": USER}, "preferred_output": TALK[:1], "non_preferred_output": []})
    yield lines({"prompt": "hi", "completion": "yo"}, {"completion": completion(), "messages": USER})


def anthropic_messages() -> Iterator[bytes]:
    events: list[Fields] = [{"type": "message_start", "message": claude([], usage={"input_tokens": 3})}]
    events += [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "yo"}}]
    events += [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}]
    asked: Fields = {"model": "c", "max_tokens": 9, "system": [{"type": "text", "text": "be"}], "messages": USER}
    yield lines({"request": asked, "response": events})


def anthropic_batch() -> Iterator[bytes]:
    asked: Fields = {"custom_id": "a", "params": {"model": "c", "max_tokens": 9, "messages": USER}}
    said: Fields = {"type": "succeeded", "message": claude([{"type": "text", "text": "yo"}])}
    failed: Fields = {"type": "errored", "error": {"type": "error", "error": {"type": "x", "message": "no"}}}
    yield lines(asked, {"custom_id": "a", "result": said}, {"custom_id": "b", "result": failed})
    yield json.dumps({"requests": [asked]}).encode()


def gemini() -> Iterator[bytes]:
    asked: Fields = {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "systemInstruction": {"parts": [{"text": "be"}]},
    }
    asked["generationConfig"] = {"temperature": 0, "responseMimeType": "application/json"}
    asked["tools"] = [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]}]
    parts = [{"text": "yo", "thought": True}, {"text": "yo"}, {"functionCall": {"name": "f", "args": {"x": 1}}}]
    said: Fields = {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}
    said["usageMetadata"] = {"promptTokenCount": 3, "candidatesTokenCount": 2, "thoughtsTokenCount": 1}
    yield lines({"request": {**asked, "model": "models/gemini-2.5-pro"}, "response": said})


def azure_openai() -> Iterator[bytes]:
    filtered = completion(prompt_filter_results=[{"prompt_index": 0, "content_filter_results": {}}])
    row: Fields = {
        "backendUrl": URL,
        "backendRequestBody": json.dumps(CHAT),
        "backendResponseBody": json.dumps(filtered),
    }
    row |= {"backendResponseCode": 200, "backendTime": 812}
    yield lines({"request": CHAT, "response": filtered, "url": URL})
    yield lines({"time": "2026-09-10T00:00:00Z", "category": "GatewayLogs", "properties": json.dumps(row)})


def langsmith() -> Iterator[bytes]:
    human: Fields = {"lc": 1, "type": "constructor", "id": ["x", "HumanMessage"], "kwargs": {"content": "hi"}}
    said: Fields = {
        "lc": 1,
        "id": ["x", "AIMessage"],
        "kwargs": {"content": "yo", "tool_calls": [{"name": "f", "args": {}}]},
    }
    run: Fields = {"id": "r", "run_type": "llm", "session_id": "p", "trace_id": "t", "dotted_order": "1"}
    run |= {"inputs": {"messages": [[human]]}, "outputs": {"generations": [[{"message": said}]]}}
    run |= {"extra": {"metadata": {"ls_model_name": "m"}}, "feedback_stats": {"ok": {"n": 2, "avg": 0.5}}}
    yield lines(run, {**run, "id": "c", "run_type": "chain", "child_runs": [run]})
    yield table(as_cells(run))


def braintrust() -> Iterator[bytes]:
    row: Fields = {
        "id": "b",
        "root_span_id": "s",
        "span_attributes": {"type": "llm"},
        "metrics": {"start": 1.0, "end": 2.5},
    }
    row |= {"_xact_id": "2", "metadata": {"model": "m"}, "input": USER, "output": "yo", "scores": {"ok": 1}}
    yield json.dumps({"events": [row, {**row, "_xact_id": "1"}]}).encode()


def litellm() -> Iterator[bytes]:
    yield lines(payload(), spend())
    yield table(as_cells(spend()), as_cells(spend(request_id="s-2", messages=json.dumps(USER))))


def helicone() -> Iterator[bytes]:
    yield table(as_cells(helicone_row()), as_cells(helicone_row(request_id="h-2")))


def portkey() -> Iterator[bytes]:
    stored: Fields = {"url": URL, "method": "POST", "headers": {}, "body": CHAT}
    yield lines(
        portkey_row(request=stored, response={"status": 200, "body": completion()}),
        portkey_row(request=json.dumps(CHAT)),
    )


def vercel_ai() -> Iterator[bytes]:
    own: Fields = {
        "ai.operationId": "ai.streamText.doStream",
        "ai.prompt.messages": json.dumps(USER),
        "ai.result.text": "yo",
    }
    own |= {"ai.model.id": "m", "ai.model.provider": "anthropic.messages", "ai.usage.promptTokens": 3}
    own |= {"ai.prompt.tools": [json.dumps({"name": "f", "inputSchema": {}})], "ai.settings.maxTokens": 5}
    parts = [
        {"type": "text", "text": "hi"},
        {"type": "file", "mediaType": "image/png", "url": "https://x/p.png"},
    ]
    tool: Fields = {"type": "tool-f", "toolCallId": "c", "state": "output-available", "input": {}, "output": [1]}
    yield lines(document(span(own)), span({**own, "ai.operationId": "ai.streamText"}))
    yield lines({"id": "c", "messages": [{"role": "user", "parts": parts}, {"role": "assistant", "parts": [tool]}]})


def vercel_ai_ui() -> Iterator[bytes]:
    said: Fields = {"type": "text", "text": "yo"}
    row: Fields = {"id": "1", "chatId": "c", "role": "user", "parts": [said], "createdAt": "2026-09-10T00:00:00Z"}
    yield lines(row, {**row, "id": "2", "role": "assistant", "parts": json.dumps([{"type": "step-start"}, said])})
    yield json.dumps([{"role": "user", "parts": [said]}, {"role": "assistant", "parts": [said]}]).encode()


def promptfoo() -> Iterator[bytes]:
    result: Fields = {
        "promptIdx": 0,
        "testIdx": 0,
        "provider": {"id": "openai:chat:gpt-4o"},
        "success": True,
        "score": 1,
    }
    result |= {"prompt": {"raw": "- role: user\n  content: hi", "label": "x"}, "vars": {"a": 1}}
    result |= {"response": {"output": {"x": 1}, "tokenUsage": {"prompt": 3, "completion": 1}}, "latencyMs": 9}
    yield lines(result)
    body = [{"outputs": [{"text": "yo", "pass": True}], "vars": ["x"]}]
    old: Fields = {"head": {"prompts": [{"raw": "hi", "provider": "openai:gpt-4"}], "vars": ["q"]}, "body": body}
    yield json.dumps({"version": 2, "results": {"version": 2, "results": [], "table": old}}).encode()


def sharegpt() -> Iterator[bytes]:
    turns = [
        {"from": "system", "value": "be"},
        {"from": "human", "value": "hi"},
        {"from": "gpt", "value": "yo"},
    ]
    turns += [
        {"from": "function_call", "value": '{"name": "f", "arguments": {}}'},
        {"from": "observation", "value": "9"},
    ]
    yield lines({"conversations": turns, "tools": json.dumps([TOOL])}, {"items": turns[1:3], "id": 7})


def wildchat() -> Iterator[bytes]:
    turns = [{"role": "user", "content": "hi", "toxic": False}, {"role": "assistant", "content": "yo"}]
    row: Fields = {"conversation_hash": "h", "model": "gpt-4", "timestamp": "2026-09-10T00:00:10+00:00"}
    yield lines({**row, "conversation": turns, "redacted": True, "hashed_ip": "ip", "language": "English"})


def csv() -> Iterator[bytes]:
    row: Fields = {"Prompt": "hi", "Response": "yo", "Latency": "1.5", "Cost": "$0.1", "Messages": json.dumps(TALK)}
    yield table(row, {**row, "Prompt": "a\nb"}, delimiter=";")


def native() -> Iterator[bytes]:
    yield lines({"messages": TALK, "completion": {"content": None, "tool_calls": [CALL]}, "feedback": {"score": 3}})


def langfuse() -> Iterator[bytes]:
    """Its blob export, its pages' export as JSON and as a table, its API with older names, and traces with scores."""
    row: Fields = {"id": "o", "type": "GENERATION", "input": TALK, "output": {"role": "assistant", "content": "yo"}}
    times = {"startTime": "2026-09-10T01:50:00.000Z", "endTime": "2026-09-10T01:50:00.910Z"}
    page = {**row, **times, "traceId": "t", "model": "m", "modelParameters": {"temperature": 0}, "accuracy": [0.5, 1]}
    usage = {"input": 3, "output": 2, "total": 5, "unit": "TOKENS"}
    api = {
        **row,
        **times,
        "traceId": "t",
        "model": "m",
        "usage": usage,
        "calculatedTotalCost": 0.1,
        "modelParameters": None,
    }
    blob = {**row, "trace_id": "t", "provided_model_name": "m", "start_time": "2026-09-10 01:50:00.000000"}
    blob |= {"input": json.dumps(TALK), "model_parameters": '{"temperature": 0}', "latency": 0.9, "end_time": ""}
    blob |= {"usage_details": '{"input": 3, "input_cached_tokens": 9, "output": 2, "total": 14}', "tags": '["a"]'}
    score = {"id": "s", "trace_id": "t", "observation_id": "o", "name": "ok", "value": 0.5, "data_type": "NUMERIC"}
    trace = {"id": "t", "userId": "u", "sessionId": "s", "tags": ["a"], "observations": [page], "bookmarked": False}
    word = {**score, "data_type": "CATEGORICAL", "string_value": "good"}
    yield lines(score, blob, page)
    yield json.dumps({"data": [api], "meta": {"page": 1}}).encode()
    yield json.dumps({**trace, "public": False, "scores": [score, word]}).encode()
    yield table(as_cells({name: value for name, value in page.items() if value is not None}))


def otel_genai() -> Iterator[bytes]:
    """Content in current attributes, in events, in log records, and under the indexed names of other conventions."""
    older = {"gen_ai.system": "openai", "gen_ai.request.model": "m", "gen_ai.usage.prompt_tokens": 7}
    body: Fields = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": "yo", "tool_calls": [CALL]},
    }
    events: list[tuple[str, Fields]] = [("gen_ai.user.message", {"content": "hi"}), ("gen_ai.choice", body)]
    listed = [
        {"name": name, "timeUnixNano": START, "attributes": {"gen_ai.event.content": json.dumps(held)}}
        for name, held in events
    ]
    indexed: dict[str, Any] = {
        "llm.request.type": "chat",
        "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": "hi",
    }
    indexed |= {"gen_ai.completion.0.content": "yo", "gen_ai.completion.0.tool_calls.0.name": "f"}
    inference: dict[str, Any] = {"openinference.span.kind": "LLM", "llm.model_name": "m", "llm.token_count.prompt": 30}
    inference |= {"llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "hi"}
    inference |= {"llm.output_messages.0.message.contents.0.message_content.text": "yo"}
    inference["llm.invocation_parameters"] = json.dumps({"temperature": 0})
    yield lines(document(span(CURRENT), span({**older, **indexed}, spanId="s2"), span(inference, spanId="s3")))
    yield lines(document(span(older), logs=tuple(log(name, held) for name, held in events)))
    yield lines(span(older, events=listed), {**span({}), "attributes": {**older, **indexed}})


SHAPES: dict[str, Callable[[], Iterator[bytes]]] = {
    shapes.__name__: shapes
    for shapes in (
        openai_chat,
        openai_responses,
        openai_batch,
        openai_finetune,
        anthropic_messages,
        anthropic_batch,
        gemini,
        azure_openai,
        langfuse,
        langsmith,
        braintrust,
        litellm,
        helicone,
        portkey,
        otel_genai,
        vercel_ai,
        vercel_ai_ui,
        promptfoo,
        sharegpt,
        wildchat,
        csv,
        native,
    )
}
