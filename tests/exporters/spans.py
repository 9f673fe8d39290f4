"""Spans of OpenTelemetry's conventions, old and new, of OpenLLMetry, OpenInference and Vercel's AI SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from cqtui.models import LoggedCall, Message, ToolCall
from tests import spans
from tests.exporters import bodies
from tests.exporters.files import Files, Record, ended, lines, started

BATCH = 64  # spans in one document
TRACE = "4bf92f3577b34da6a3ce929d0e0e4700"


def _nanoseconds(time: datetime) -> str:
    return str(round(time.timestamp() * 10**6) * 1000)


def _span_id(call: LoggedCall) -> str:
    """Sixteen hex digits, as a span's id has."""
    return call.id.encode().hex()[:16]


def _span(call: LoggedCall, attributes: Record, **more: Any) -> Record:
    times = {"startTimeUnixNano": _nanoseconds(started(call)), "endTimeUnixNano": _nanoseconds(ended(call))}
    listed = [{"key": name, "value": spans.value(value)} for name, value in attributes.items() if value is not None]
    own = {"traceId": TRACE, "spanId": _span_id(call), "name": f"chat {call.model}", "kind": 3}
    return {**own, **times, "attributes": listed, "status": {}, **more}


def _documents(found: Sequence[Record], scope: str) -> str:
    """OTLP documents, one a line, as a collector's file exporter writes its batches."""
    return lines(spans.document(*found[start : start + BATCH], scope=scope) for start in range(0, len(found), BATCH))


def _common(call: LoggedCall) -> Record:
    params = call.params
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": call.model,
        "gen_ai.response.model": call.model,
        "gen_ai.response.id": f"chatcmpl-{call.id}",
        "gen_ai.request.temperature": None if "temperature" not in params else float(params["temperature"]),
        "gen_ai.request.max_tokens": params.get("max_tokens"),
        "gen_ai.usage.input_tokens": call.usage.input_tokens,
        "gen_ai.usage.output_tokens": call.usage.output_tokens,
        "gen_ai.response.finish_reasons": [call.finish_reason],
        "gen_ai.conversation.id": call.session,
        "gen_ai.output.type": "json" if "response_format" in params else None,
    }


def _older(call: LoggedCall) -> Record:
    """The same under the older names, with attributes that were OpenAI's own."""
    form = call.params.get("response_format", {}).get("type")
    own = {name: value for name, value in _common(call).items() if name != "gen_ai.output.type"}
    return {**own, "gen_ai.system": call.provider, "gen_ai.openai.request.response_format": form}


# The current conventions: messages in attributes


def _parts(text: str | None, calls: Sequence[ToolCall]) -> list[Record]:
    parts: list[Record] = [] if text is None else [{"type": "text", "content": text}]
    return parts + [
        {"type": "tool_call", "id": each.id, "name": each.name, "arguments": json.loads(each.arguments)}
        for each in calls
    ]


def _with_parts(said: Message) -> Record:
    if said.role == "tool":
        result = {"type": "tool_call_response", "id": said.tool_call_id, "response": json.loads(said.text)}
        return {"role": "tool", "parts": [result]}
    return {"role": said.role, "parts": _parts(said.text if said.parts else None, said.tool_calls)}


def _current(call: LoggedCall) -> dict[str, list[Record]]:
    system, rest = bodies.system_and_rest(call)
    found = bodies.answer_of(call)
    reason = "tool_call" if found.tool_calls else call.finish_reason
    said = {"role": "assistant", "parts": _parts(found.text, found.tool_calls), "finish_reason": reason}
    content = {
        "gen_ai.system_instructions": [{"type": "text", "content": system}],
        "gen_ai.input.messages": [_with_parts(each) for each in rest],
        "gen_ai.output.messages": [said],
    }
    tools = [{"type": "function", **tool["function"]} for tool in call.params.get("tools", ())]
    return {**content, "gen_ai.tool.definitions": tools} if tools else content


def otel(calls: Sequence[LoggedCall]) -> Files:
    """Content as JSON text in attributes, each call below an agent's span that repeats its usage."""
    found = []
    for call in calls:
        content = {name: json.dumps(value) for name, value in _current(call).items()}
        reasons = {"gen_ai.response.finish_reasons": ["tool_call"]} if bodies.answer_of(call).tool_calls else {}
        own = {**_common(call), "gen_ai.provider.name": call.provider, **reasons, **content}
        around = {**_common(call), "gen_ai.operation.name": "invoke_agent"}
        parent = f"a{_span_id(call)[1:]}"
        found += [_span(call, around, spanId=parent), _span(call, own, parentSpanId=parent)]
    return {"spans.jsonl": _documents(found, "opentelemetry.instrumentation.openai_v2")}


def otel_structured(calls: Sequence[LoggedCall]) -> Files:
    """Content as structured attributes."""
    found = [_span(call, {**_common(call), "gen_ai.provider.name": call.provider, **_current(call)}) for call in calls]
    return {"spans.jsonl": _documents(found, "opentelemetry.instrumentation.openai_v2")}


# The older conventions: a message an event


def _events(call: LoggedCall) -> Iterator[tuple[str, Record]]:
    for said in call.messages:
        body = {name: value for name, value in bodies.message(said).items() if value is not None}
        role = body.pop("role")
        if role == "tool":
            body["id"] = body.pop("tool_call_id")
        yield f"gen_ai.{role}.message", body
    answer = {name: value for name, value in bodies.answer(call).items() if value is not None}
    yield "gen_ai.choice", {"index": 0, "finish_reason": call.finish_reason, "message": answer}


def otel_span_events(calls: Sequence[LoggedCall]) -> Files:
    """Events of the span; their attributes hold what is structured as JSON text."""
    found = []
    for call in calls:
        events = [
            {
                "timeUnixNano": _nanoseconds(started(call)),
                "name": name,
                "attributes": [
                    {"key": key, "value": spans.value(json.dumps(value) if isinstance(value, dict | list) else value)}
                    for key, value in body.items()
                ],
            }
            for name, body in _events(call)
        ]
        found.append(_span(call, _older(call), events=events))
    return {"spans.jsonl": _documents(found, "opentelemetry.instrumentation.openai_v2")}


def otel_log_events(calls: Sequence[LoggedCall]) -> Files:
    """Log records beside the spans, in the same document."""
    batches = []
    for start in range(0, len(calls), BATCH):
        some = calls[start : start + BATCH]
        logs = [
            spans.log(name, body, spanId=_span_id(call), traceId=TRACE) for call in some for name, body in _events(call)
        ]
        found = [_span(call, _older(call)) for call in some]
        batches.append(spans.document(*found, logs=tuple(logs)))
    return {"spans.jsonl": lines(batches)}


# Other instrumentations


def _indexed(prefix: str, said: Record) -> Record:
    """A message in numbered attributes, as OpenLLMetry writes it."""
    found = {f"{prefix}.{name}": said.get(name) for name in ("role", "content", "tool_call_id", "finish_reason")}
    for number, each in enumerate(said.get("tool_calls", ())):
        found[f"{prefix}.tool_calls.{number}.id"] = each["id"]
        found |= {f"{prefix}.tool_calls.{number}.{name}": value for name, value in each["function"].items()}
    return found


def openllmetry(calls: Sequence[LoggedCall]) -> Files:
    found = []
    for call in calls:
        own: Record = {
            "llm.request.type": "chat",
            "gen_ai.system": "OpenAI",
            "gen_ai.request.model": call.model,
            "gen_ai.response.model": call.model,
            "gen_ai.request.max_tokens": call.params.get("max_tokens"),
            "gen_ai.request.temperature": call.params.get("temperature"),
            "gen_ai.usage.prompt_tokens": call.usage.input_tokens,
            "gen_ai.usage.completion_tokens": call.usage.output_tokens,
            "llm.usage.total_tokens": (call.usage.input_tokens or 0) + (call.usage.output_tokens or 0),
            "traceloop.association.properties.session_id": call.session,
        }
        own |= {f"traceloop.association.properties.{name}": value for name, value in call.metadata.items()}
        for number, said in enumerate(bodies.messages(call)):
            own |= _indexed(f"gen_ai.prompt.{number}", said)
        own |= _indexed("gen_ai.completion.0", {**bodies.answer(call), "finish_reason": call.finish_reason})
        for number, tool in enumerate(call.params.get("tools", ())):
            function, prefix = tool["function"], f"llm.request.functions.{number}"
            own |= {f"{prefix}.{name}": function[name] for name in ("name", "description")}
            own[f"{prefix}.parameters"] = json.dumps(function["parameters"])
        found.append(_span(call, own, name="openai.chat"))
    return {"spans.jsonl": _documents(found, "opentelemetry.instrumentation.openai.v1")}


def _openinference(prefix: str, said: Record) -> Record:
    found = {f"{prefix}.message.{name}": said.get(name) for name in ("role", "content", "tool_call_id")}
    for number, each in enumerate(said.get("tool_calls", ())):
        inner = f"{prefix}.message.tool_calls.{number}.tool_call"
        found[f"{inner}.id"] = each["id"]
        found |= {f"{inner}.function.{name}": value for name, value in each["function"].items()}
    return found


def openinference(calls: Sequence[LoggedCall]) -> Files:
    found = []
    for call in calls:
        params = {name: value for name, value in call.params.items() if name != "tools"}
        own: Record = {
            "openinference.span.kind": "LLM",
            "llm.system": call.provider,
            "llm.model_name": call.model,
            "llm.invocation_parameters": json.dumps({"model": call.model, **params}),
            "input.value": json.dumps(bodies.chat_request(call)),
            "input.mime_type": "application/json",
            "output.value": json.dumps(bodies.chat_response(call)),
            "output.mime_type": "application/json",
            "llm.token_count.prompt": call.usage.input_tokens,
            "llm.token_count.completion": call.usage.output_tokens,
            "llm.token_count.prompt_details.cache_read": call.usage.cached_tokens,
            "llm.token_count.completion_details.reasoning": call.usage.reasoning_tokens,
            "session.id": call.session,
            "metadata": json.dumps(call.metadata),
            "tag.tags": list(call.tags),
        }
        for number, said in enumerate(bodies.messages(call)):
            own |= _openinference(f"llm.input_messages.{number}", said)
        own |= _openinference("llm.output_messages.0", bodies.answer(call))
        for number, tool in enumerate(call.params.get("tools", ())):
            own[f"llm.tools.{number}.tool.json_schema"] = json.dumps(tool)
        found.append(_span(call, own, name="ChatCompletion"))
    return {"spans.jsonl": _documents(found, "openinference.instrumentation.openai")}


def vercel_4(calls: Sequence[LoggedCall]) -> Files:
    """Version 4 of the AI SDK."""
    return {"spans.jsonl": _documents(list(_vercel(calls, ("promptTokens", "completionTokens"), "args")), "ai")}


def vercel_5(calls: Sequence[LoggedCall]) -> Files:
    """Version 5 of the AI SDK, which gave tokens and arguments other names."""
    return {"spans.jsonl": _documents(list(_vercel(calls, ("inputTokens", "outputTokens"), "input")), "ai")}


def _vercel(calls: Sequence[LoggedCall], tokens: tuple[str, str], arguments: str) -> Iterator[Record]:
    """Each call below a span that repeats its usage."""
    for call in calls:
        found, params = bodies.answer_of(call), call.params
        usage = dict(zip(tokens, (call.usage.input_tokens, call.usage.output_tokens), strict=True))
        told: Record = {f"ai.telemetry.metadata.{name}": value for name, value in call.metadata.items()}
        told |= {"ai.telemetry.metadata.sessionId": call.session, **{f"ai.usage.{n}": v for n, v in usage.items()}}
        own: Record = {
            "ai.operationId": "ai.generateText.doGenerate",
            "ai.model.id": call.model,
            "ai.model.provider": "openai.chat",
            "ai.prompt.messages": json.dumps([_of_sdk(said, call, arguments) for said in call.messages]),
            "ai.response.text": found.text or "",
            "ai.response.finishReason": "tool-calls" if found.tool_calls else "stop",
            "ai.response.id": f"chatcmpl-{call.id}",
            "ai.response.model": call.model,
            "ai.settings.maxRetries": 2,
            "gen_ai.system": "openai.chat",
            "gen_ai.request.model": call.model,
            "gen_ai.request.temperature": params.get("temperature"),
            "gen_ai.request.max_tokens": params.get("max_tokens"),
            **told,
        }
        if found.tool_calls:
            own["ai.response.toolCalls"] = json.dumps(
                [{"toolCallType": "function", **_sdk_call(each, arguments, as_text=True)} for each in found.tool_calls]
            )
        if "tools" in params:
            listed = [tool["function"] for tool in params["tools"]]
            schema = "parameters" if arguments == "args" else "inputSchema"
            own["ai.prompt.tools"] = [
                json.dumps(
                    {
                        "type": "function",
                        "name": each["name"],
                        "description": each["description"],
                        schema: each["parameters"],
                    }
                )
                for each in listed
            ]
            own["ai.prompt.toolChoice"] = json.dumps({"type": params["tool_choice"]})
        parent = f"a{_span_id(call)[1:]}"
        outer = {"ai.operationId": "ai.generateText", "ai.prompt": json.dumps({"prompt": "x"}), **told}
        yield _span(call, outer, spanId=parent, name="ai.generateText")
        yield _span(call, own, parentSpanId=parent, name="ai.generateText.doGenerate")


def _sdk_call(call: ToolCall, arguments: str, *, as_text: bool = False) -> Record:
    given = call.arguments if as_text else json.loads(call.arguments)
    return {"toolCallId": call.id, "toolName": call.name, arguments: given}


def _of_sdk(said: Message, call: LoggedCall, arguments: str) -> Record:
    if said.role == "system":
        return {"role": "system", "content": said.text}
    if said.role == "tool":
        names = {each.id: each.name for other in call.messages for each in other.tool_calls}
        result = json.loads(said.text)
        given = {"result": result} if arguments == "args" else {"output": {"type": "json", "value": result}}
        own = {"toolCallId": said.tool_call_id, "toolName": names[said.tool_call_id]}
        return {"role": "tool", "content": [{"type": "tool-result", **own, **given}]}
    content: list[Record] = [{"type": "text", "text": said.text}] if said.parts else []
    calls = [{"type": "tool-call", **_sdk_call(each, arguments)} for each in said.tool_calls]
    return {"role": said.role, "content": content + calls}
