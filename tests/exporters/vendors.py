"""Exchanges with the vendors' APIs as teams write them down, and the files of batches and of fine-tuning."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cqtui.models import LoggedCall
from tests.exporters import bodies
from tests.exporters.files import Files, Record, dollars, ended, iso, lines, started

DEPLOYMENT = "https://harrowfen.openai.azure.com/openai/deployments/support/chat/completions?api-version=2026-01-01"
SAFE = {"filtered": False, "severity": "safe"}


def native(calls: Sequence[LoggedCall]) -> Files:
    return {"native.jsonl": lines(_native(call) for call in calls)}


def _native(call: LoggedCall) -> Record:
    found = bodies.answer(call)
    return {
        "id": call.id,
        "timestamp": iso(started(call)),
        "model": call.model,
        "provider": call.provider,
        "messages": bodies.messages(call),
        "params": call.params,
        "completion": {
            "content": found["content"],
            "tool_calls": found.get("tool_calls"),
            "finish_reason": call.finish_reason,
        },
        "usage": call.usage.model_dump(),
        "latency_ms": call.latency_ms,
        "cost_usd": dollars(call),
        "session": call.session,
        "tags": list(call.tags),
        "metadata": call.metadata,
    }


def _around(call: LoggedCall) -> Record:
    """What a team's own logging puts beside a request and its response."""
    return {
        "timestamp": iso(started(call)),
        "latency_ms": call.latency_ms,
        "cost_usd": dollars(call),
        "session": call.session,
        "metadata": call.metadata,
    }


def chat_pairs(calls: Sequence[LoggedCall]) -> Files:
    pairs = (
        {"request": bodies.chat_request(call), "response": bodies.chat_response(call), **_around(call)}
        for call in calls
    )
    return {"pairs.jsonl": lines(pairs)}


def stored_completions(calls: Sequence[LoggedCall]) -> Files:
    """Stored completions, which repeat the parameters of their requests, each with the listing of its messages."""
    stored = (
        {
            "completion": {**bodies.chat_response(call), **_stored(call), "metadata": call.metadata},
            "messages": {"object": "list", "data": bodies.messages(call)},
        }
        for call in calls
    )
    return {"stored.jsonl": lines(stored)}


def _stored(call: LoggedCall) -> Record:
    return {name: value for name, value in call.params.items() if name != "max_tokens"}


def responses(calls: Sequence[LoggedCall]) -> Files:
    pairs = (
        {"request": bodies.responses_request(call), "response": bodies.responses_response(call), **_around(call)}
        for call in calls
    )
    return {"responses.jsonl": lines(pairs)}


def anthropic(calls: Sequence[LoggedCall]) -> Files:
    pairs = (
        {"request": bodies.anthropic_request(call), "response": bodies.anthropic_response(call), **_around(call)}
        for call in calls
    )
    return {"messages.jsonl": lines(pairs)}


def gemini(calls: Sequence[LoggedCall]) -> Files:
    pairs = (
        {"request": bodies.gemini_request(call), "response": bodies.gemini_response(call), **_around(call)}
        for call in calls
    )
    return {"gemini.jsonl": lines(pairs)}


def _azure(call: LoggedCall) -> tuple[Record, Record]:
    """A request, which does not name the model, and its response with the findings of the filter."""
    request, response = bodies.chat_request(call), bodies.chat_response(call)
    del request["model"]
    response["choices"][0]["content_filter_results"] = {"hate": SAFE}
    response["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": {"hate": SAFE}}]
    return request, response


def azure_pairs(calls: Sequence[LoggedCall]) -> Files:
    records = []
    for call in calls:
        request, response = _azure(call)
        records.append({"url": DEPLOYMENT, "request": request, "response": response, **_around(call)})
    return {"azure.jsonl": lines(records)}


def azure_gateway(calls: Sequence[LoggedCall]) -> Files:
    """Rows of API Management's gateway log."""
    rows = []
    for call in calls:
        request, response = _azure(call)
        properties = {
            "method": "POST",
            "url": DEPLOYMENT,
            "backendResponseCode": 200,
            "backendTime": call.latency_ms,
            "backendRequestBody": json.dumps(request),
            "backendResponseBody": json.dumps(response),
        }
        rows.append({"time": iso(ended(call)), "category": "GatewayLogs", "properties": json.dumps(properties)})
    return {"gateway.json": lines(rows)}


def batch(calls: Sequence[LoggedCall]) -> Files:
    """The two files of a batch; answers come in an order of their own."""
    asked = (
        {
            "custom_id": call.id,
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": bodies.chat_request(call),
        }
        for call in calls
    )
    answered = (
        {
            "id": f"batch_req_{call.id}",
            "custom_id": call.id,
            "response": {"status_code": 200, "request_id": call.id, "body": bodies.chat_response(call)},
            "error": None,
        }
        for call in reversed(calls)
    )
    return {"batch_input.jsonl": lines(asked), "batch_output.jsonl": lines(answered)}


def anthropic_batch(calls: Sequence[LoggedCall]) -> Files:
    asked = ({"custom_id": call.id, "params": bodies.anthropic_request(call)} for call in calls)
    answered = (
        {"custom_id": call.id, "result": {"type": "succeeded", "message": bodies.anthropic_response(call)}}
        for call in reversed(calls)
    )
    return {"batch_requests.jsonl": lines(asked), "batch_results.jsonl": lines(answered)}


def fine_tune(calls: Sequence[LoggedCall]) -> Files:
    return {"training.jsonl": lines(_example(call) for call in calls)}


def _example(call: LoggedCall) -> Record:
    said = {name: value for name, value in bodies.answer(call).items() if value is not None}
    tools = {"tools": call.params["tools"]} if "tools" in call.params else {}
    return {"messages": [*bodies.messages(call), said], **tools}


def preferences(calls: Sequence[LoggedCall]) -> Files:
    """Examples of a preference between two answers."""
    worse = [{"role": "assistant", "content": "I do not know."}]
    examples = []
    for call in calls:
        example = _example(call)
        *prompt, said = example.pop("messages")
        asked = {"messages": prompt, "tools": [], "parallel_tool_calls": True, **example}
        examples.append({"input": asked, "preferred_output": [said], "non_preferred_output": worse})
    return {"preferences.jsonl": lines(examples)}
