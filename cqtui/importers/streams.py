"""Streamed responses, logged as events or as the text of a stream, joined into the response that they amount to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cqtui.importers import base

Event = dict[str, Any]

_STREAM_FIELDS = ("data:", "event:", "id:", "retry:", ":")
_RESPONSES_ENDS = ("response.completed", "response.incomplete", "response.failed", "response.done")


def response_of(value: Any) -> dict[str, Any]:
    """A response as one object: as it is, parsed from its JSON text, or joined from a stream's events or text."""
    value = base.structured(value)
    if isinstance(value, str) and value.lstrip().startswith(_STREAM_FIELDS):
        value = [line[5:].strip() for line in value.splitlines() if line.startswith("data:")]
    if isinstance(value, dict):
        return value
    return joined(events_of(value)) if isinstance(value, list) else {}


def events_of(items: Sequence[Any]) -> list[Event]:
    """The events in a list; what is none, such as the end mark of a stream, is left out."""
    events = []
    for item in items:
        event = base.structured(item)
        if isinstance(event, dict) and isinstance(data := base.structured(event.get("data")), dict):
            event = data
        if isinstance(event, dict):
            events.append(event)
    return events


def joined(events: Sequence[Event]) -> dict[str, Any]:
    """The response that a stream's events amount to, whichever vendor's they are; empty where they are no stream."""
    kinds = {kind for event in events if isinstance(kind := event.get("type"), str)}
    if any(kind.startswith("response.") for kind in kinds):
        return _responses(events)
    if any(kind.startswith(("message_", "content_block_")) for kind in kinds):
        return _anthropic(events)
    if any("choices" in event for event in events):
        return _chat(events)
    if any("candidates" in event or "usageMetadata" in event for event in events):
        return _gemini(events)
    if failed := next((event for event in events if event.get("error")), None):
        return failed
    return events[0] if len(events) == 1 else {}


def _chat(events: Sequence[Event]) -> dict[str, Any]:
    """Chunks of a chat or of a legacy completion: what each adds to the first choice."""
    whole: dict[str, Any] = {}
    texts: list[str] = []
    refusals: list[str] = []
    tools: dict[int, dict[str, Any]] = {}
    reason: Any = None
    for chunk in events:
        whole.update({key: item for key, item in chunk.items() if key != "choices" and item is not None})
        for choice in base.objects_in(chunk.get("choices")):
            if choice.get("index", 0) != 0:
                continue
            reason = choice.get("finish_reason") or reason
            delta = base.mapping(choice.get("delta") or choice.get("message")) or {"content": choice.get("text")}
            _add(texts, delta.get("content"))
            _add(refusals, delta.get("refusal"))
            calls = base.objects_in(delta.get("tool_calls"))
            if isinstance(legacy := delta.get("function_call"), dict):
                calls.append({"index": 0, "function": legacy})
            for call in calls:
                _add_call(tools, call)
    message = {
        "content": "".join(texts) if texts else None,
        "refusal": "".join(refusals) or None,
        "tool_calls": [tools[key] for key in sorted(tools)],
    }
    return {**whole, "choices": [{"index": 0, "message": message, "finish_reason": reason}]}


def _add_call(tools: dict[int, dict[str, Any]], call: Event) -> None:
    index = call.get("index", 0)
    if not isinstance(index, int):
        return
    held = tools.setdefault(index, {"id": None, "function": {"name": "", "arguments": ""}})
    held["id"] = call.get("id") or held["id"]
    function = base.mapping(call.get("function"))
    held["function"]["name"] = held["function"]["name"] or function.get("name") or ""
    held["function"]["arguments"] += str(function.get("arguments") or "")


def _responses(events: Sequence[Event]) -> dict[str, Any]:
    """The response that the last event holds whole; of a stream that broke off, the unfinished one of its start."""
    last: dict[str, Any] = {}
    for event in events:
        kind = event.get("type")
        if kind == "error":
            return {"error": event.get("error") or event}
        held = base.mapping(event.get("response"))
        if held and (kind in _RESPONSES_ENDS or not last):
            last = held
    return last or {"object": "response", "status": "in_progress"}


def _anthropic(events: Sequence[Event]) -> dict[str, Any]:
    """The message of a stream: content by block, usage from its start and its end."""
    message: dict[str, Any] = {"type": "message", "role": "assistant"}
    usage: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    texts: dict[int, list[str]] = {}
    for event in events:
        kind = event.get("type")
        if kind == "error":
            return event
        if kind == "message_start":
            message.update(base.mapping(event.get("message")))
            usage.update(base.mapping(message.get("usage")))
        elif kind == "message_delta":
            message.update(base.mapping(event.get("delta")))
            usage.update({key: item for key, item in base.mapping(event.get("usage")).items() if item is not None})
        elif isinstance(index := event.get("index"), int):
            blocks.setdefault(index, {}).update(base.mapping(event.get("content_block")))
            delta = base.mapping(event.get("delta"))
            _add(texts.setdefault(index, []), delta.get("text", delta.get("partial_json")))
    for index, block in blocks.items():
        written = "".join(texts[index])
        if block.get("type", "text") == "text":
            blocks[index] = {**block, "type": "text", "text": str(block.get("text") or "") + written}
        elif written:
            # Arguments that were cut off are no JSON: they stay text.
            blocks[index] = {**block, "input": _parsed(written)}
    content = [blocks[index] for index in sorted(blocks)]
    return {**message, "content": content, **({"usage": usage} if usage else {})}


def _gemini(events: Sequence[Event]) -> dict[str, Any]:
    """The parts of all chunks' first candidates; usage is that of the last chunk that states one."""
    whole: dict[str, Any] = {}
    candidate: dict[str, Any] = {}
    parts: list[Any] = []
    for chunk in events:
        whole.update({key: item for key, item in chunk.items() if item is not None})
        for found in base.objects_in(chunk.get("candidates"))[:1]:
            candidate.update({key: item for key, item in found.items() if item is not None})
            parts += base.objects_in(base.mapping(found.get("content")).get("parts"))
    if candidate:
        whole["candidates"] = [{**candidate, "content": {"role": "model", "parts": parts}}]
    return whole


def _add(texts: list[str], text: Any) -> None:
    if isinstance(text, str):
        texts.append(text)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return text
