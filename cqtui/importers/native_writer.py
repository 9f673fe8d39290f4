"""Writes calls in the native format, so that reading them back gives the same calls."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import orjson

from cqtui.importers.base import text_or_none
from cqtui.importers.messages import EXACT_PART, messages_of
from cqtui.models import Completion, LoggedCall, Message, Part, ToolCall


def native_line(call: LoggedCall) -> bytes:
    """The call as one line of a native JSONL file, its newline included."""
    record = native_record(call)
    try:
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # integers beyond 64 bits, lone surrogates
        return json.dumps(record).encode() + b"\n"


def native_record(call: LoggedCall) -> dict[str, Any]:
    """The call as a record of the native format; what the call does not have is left out.

    Read back it is equal to the call, ``origin`` apart, for every call that an importer gives.
    """
    values = {
        "id": call.id,
        "timestamp": None if call.time is None else call.time.isoformat(),
        "model": call.model,
        "provider": call.provider,
        "messages": [_message(message) for message in call.messages],
        "params": call.params or None,
        "completion": _answer(call),
        "finish_reason": call.finish_reason if call.completion is None else None,
        "usage": call.usage.model_dump(exclude_none=True) or None,
        "latency_ms": call.latency_ms,
        "ttft_ms": call.ttft_ms,
        "cost_usd": None if call.cost_usd is None else _amount(call.cost_usd),
        "user": call.user,
        "session": call.session,
        "tags": list(call.tags) or None,
        "metadata": call.metadata or None,
        "feedback": None if call.score is None else {"score": call.score},
    }
    # A null completion stays: by it the record is known as a native one.
    return {name: value for name, value in values.items() if value is not None or name == "completion"}


def _amount(usd: Decimal) -> float | str:
    """A number where a double holds the amount exactly as written, else its digits as text."""
    number = float(usd)
    return number if Decimal(repr(number)) == usd else str(usd)


def _message(message: Message) -> dict[str, Any]:
    written = _with_content(message, _content(message.parts))
    if isinstance(written["content"], list) and messages_of([written], []) != (message,):
        return _with_content(message, [_exact(part) for part in message.parts])
    return written


def _with_content(message: Message, content: Any) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.role, "content": content}
    if message.tool_calls:
        written["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        written["tool_call_id"] = message.tool_call_id
    if message.name is not None:
        written["name"] = message.name
    return written


def _content(parts: tuple[Part, ...]) -> Any:
    if not parts:
        return None
    if len(parts) == 1 and parts[0].kind == "text":
        return parts[0].text
    return [{"type": "text", "text": part.text} if part.kind == "text" else part.raw for part in parts]


def _exact(part: Part) -> dict[str, Any]:
    """A part whose own shape would be read as something else."""
    return {"type": EXACT_PART, "part": part.model_dump(exclude_none=True)}


def _tool_call(call: ToolCall) -> dict[str, Any]:
    written: dict[str, Any] = {} if call.id is None else {"id": call.id}
    return {**written, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _answer(call: LoggedCall) -> dict[str, Any] | None:
    completion = call.completion
    if completion is None:
        return None
    written = _completion(completion)
    if call.finish_reason is not None:
        written["finish_reason"] = call.finish_reason
    return written


def _completion(completion: Completion) -> dict[str, Any]:
    written: dict[str, Any] = {"content": completion.text}
    if completion.tool_calls:
        written["tool_calls"] = [_tool_call(call) for call in completion.tool_calls]
    if completion.refusal is not None and text_or_none(completion.refusal) == completion.refusal:
        written["refusal"] = completion.refusal
    elif completion.refusal is not None:  # as a part it keeps the spaces at its ends
        texts = [] if completion.text is None else [{"type": "text", "text": completion.text}]
        written["content"] = [*texts, {"type": "refusal", "refusal": completion.refusal}]
    return written
