"""Requests and responses of the vendors' APIs, as a logged call would have been exchanged through each of them."""

from __future__ import annotations

import json
from typing import Any

from cqtui.models import Completion, LoggedCall, Message, ToolCall
from tests.exporters.files import Record, iso, started, total

LIMIT_OF_SDK = 4096  # Anthropic's API wants a limit: applications set one where they care for none


# OpenAI's chat


def tool_call(call: ToolCall) -> Record:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def message(said: Message) -> Record:
    found: Record = {"role": said.role, "content": said.text if said.parts else None}
    if said.tool_calls:
        found["tool_calls"] = [tool_call(call) for call in said.tool_calls]
    if said.tool_call_id is not None:
        found["tool_call_id"] = said.tool_call_id
    return found


def messages(call: LoggedCall) -> list[Record]:
    return [message(said) for said in call.messages]


def answer_of(call: LoggedCall) -> Completion:
    assert call.completion is not None
    return call.completion


def answer(call: LoggedCall) -> Record:
    found = answer_of(call)
    said: Record = {"role": "assistant", "content": found.text, "refusal": found.refusal}
    if found.tool_calls:
        said["tool_calls"] = [tool_call(each) for each in found.tool_calls]
    return said


def chat_request(call: LoggedCall) -> Record:
    return {"model": call.model, "messages": messages(call), **call.params}


def chat_usage(call: LoggedCall) -> Record:
    usage = call.usage
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": total(call),
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens, "audio_tokens": 0},
    }


def choice(call: LoggedCall) -> Record:
    return {"index": 0, "message": answer(call), "logprobs": None, "finish_reason": call.finish_reason}


def chat_response(call: LoggedCall) -> Record:
    return {
        "id": call.id,
        "object": "chat.completion",
        "created": int(started(call).timestamp()),
        "model": call.model,
        "choices": [choice(call)],
        "usage": chat_usage(call),
        "service_tier": "default",
        "system_fingerprint": "fp_sample",
    }


def system_and_rest(call: LoggedCall) -> tuple[str, tuple[Message, ...]]:
    """The system prompt, which the example's calls begin with, and the other messages."""
    assert call.messages[0].role == "system"
    return call.messages[0].text, call.messages[1:]


# OpenAI's Responses


def responses_request(call: LoggedCall) -> Record:
    system, rest = system_and_rest(call)
    items: list[Record] = []
    for said in rest:
        if said.role == "tool":
            items.append({"type": "function_call_output", "call_id": said.tool_call_id, "output": said.text})
        elif said.parts:
            kind = "output_text" if said.role == "assistant" else "input_text"
            items.append({"role": said.role, "content": [{"type": kind, "text": said.text}]})
        items += [_function_call(each) for each in said.tool_calls]
    request: Record = {"model": call.model, "instructions": system, "input": items, "store": True}
    for name, value in call.params.items():
        if name == "max_tokens":
            request["max_output_tokens"] = value
        elif name == "response_format":
            request["text"] = {"format": value}
        elif name == "tools":
            request["tools"] = [{"type": "function", **tool["function"]} for tool in value]
        else:
            request[name] = value
    return {**request, "metadata": call.metadata}


def _function_call(call: ToolCall) -> Record:
    return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}


def responses_response(call: LoggedCall) -> Record:
    found, request, usage = answer_of(call), responses_request(call), call.usage
    output: list[Record] = [{"id": f"rs_{call.id}", "type": "reasoning", "summary": []}]
    if found.text is not None:
        content = [{"type": "output_text", "text": found.text, "annotations": [], "logprobs": []}]
        output.append({"id": "msg_1", "type": "message", "status": "completed", "role": "assistant"})
        output[-1]["content"] = content
    output += [{"id": "fc_1", "status": "completed", **_function_call(each)} for each in found.tool_calls]
    return {
        "id": call.id,
        "object": "response",
        "created_at": int(started(call).timestamp()),
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": request["instructions"],
        "model": call.model,
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "text": request.get("text", {"format": {"type": "text"}}),
        "tool_choice": request.get("tool_choice", "auto"),
        "tools": request.get("tools", []),
        "usage": {
            "input_tokens": usage.input_tokens,
            "input_tokens_details": {"cached_tokens": usage.cached_tokens},
            "output_tokens": usage.output_tokens,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
            "total_tokens": total(call),
        },
        "metadata": call.metadata,
    }


# Anthropic's Messages


def anthropic_request(call: LoggedCall) -> Record:
    system, rest = system_and_rest(call)
    params = call.params
    request: Record = {"model": call.model, "max_tokens": params.get("max_tokens", LIMIT_OF_SDK), "system": system}
    request["messages"] = [_anthropic_message(said) for said in rest]
    if "temperature" in params:
        request["temperature"] = params["temperature"]
    if "tools" in params:
        functions = [tool["function"] for tool in params["tools"]]
        request["tools"] = [
            {"name": each["name"], "description": each["description"], "input_schema": each["parameters"]}
            for each in functions
        ]
        request["tool_choice"] = {"type": params["tool_choice"]}
    return request


def _anthropic_message(said: Message) -> Record:
    if said.role == "tool":
        result = {"type": "tool_result", "tool_use_id": said.tool_call_id, "content": said.text}
        return {"role": "user", "content": [result]}
    if said.tool_calls:
        return {"role": said.role, "content": [_tool_use(each) for each in said.tool_calls]}
    return {"role": said.role, "content": said.text}


def _tool_use(call: ToolCall) -> Record:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": json.loads(call.arguments)}


def anthropic_response(call: LoggedCall) -> Record:
    found = answer_of(call)
    content: list[Record] = [] if found.text is None else [{"type": "text", "text": found.text}]
    return {
        "id": call.id,
        "type": "message",
        "role": "assistant",
        "model": call.model,
        "content": content + [_tool_use(each) for each in found.tool_calls],
        "stop_reason": "tool_use" if found.tool_calls else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": (call.usage.input_tokens or 0) - (call.usage.cached_tokens or 0),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": call.usage.cached_tokens,
            "output_tokens": call.usage.output_tokens,
            "service_tier": "standard",
        },
    }


# Gemini


def gemini_request(call: LoggedCall) -> Record:
    system, rest = system_and_rest(call)
    params = call.params
    config: Record = {}
    if "max_tokens" in params:
        config["maxOutputTokens"] = params["max_tokens"]
    if "temperature" in params:
        config["temperature"] = params["temperature"]
    if "response_format" in params:
        config["responseMimeType"] = "application/json"
    contents = [_gemini_content(said, rest) for said in rest]
    request = {"systemInstruction": {"parts": [{"text": system}]}, "contents": contents, "generationConfig": config}
    if "tools" in params:
        declared = [tool["function"] for tool in params["tools"]]
        request["tools"] = [{"functionDeclarations": declared}]
        request["toolConfig"] = {"functionCallingConfig": {"mode": params["tool_choice"].upper()}}
    return request


def _gemini_content(said: Message, rest: tuple[Message, ...]) -> Record:
    if said.role == "tool":
        names = {each.id: each.name for other in rest for each in other.tool_calls}
        result = {"id": said.tool_call_id, "name": names[said.tool_call_id], "response": json.loads(said.text)}
        return {"role": "user", "parts": [{"functionResponse": result}]}
    parts: list[Record] = [{"text": said.text}] if said.parts else []
    return {
        "role": "model" if said.role == "assistant" else said.role,
        "parts": parts + [_gemini_call(each) for each in said.tool_calls],
    }


def _gemini_call(call: ToolCall) -> Record:
    return {"functionCall": {"id": call.id, "name": call.name, "args": json.loads(call.arguments)}}


def gemini_response(call: LoggedCall) -> Record:
    found = answer_of(call)
    parts: list[Any] = [] if found.text is None else [{"text": found.text}]
    parts += [_gemini_call(each) for each in found.tool_calls]
    return {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": call.usage.input_tokens,
            "candidatesTokenCount": call.usage.output_tokens,
            "totalTokenCount": total(call),
        },
        "modelVersion": call.model,
        "responseId": call.id,
        "createTime": iso(started(call)),
    }
