"""Gemini's messages: a role and parts, each known by its only field."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from cqtui.importers.dialects.wire import data_part, image_part

_PARTS = frozenset(
    {
        "text",
        "inlineData",
        "inline_data",
        "fileData",
        "file_data",
        "functionCall",
        "function_call",
        "functionResponse",
        "function_response",
    }
)


def gemini_messages(item: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The message in OpenAI's shape; results of functions become messages of their own; thoughts are left out."""
    parts = item.get("parts")
    if "content" in item or not isinstance(parts, list) or not any(_is_own(part) for part in parts):
        return None
    results: list[dict[str, Any]] = []
    shown: list[Any] = []
    calls: list[dict[str, Any]] = []
    seen: Counter[str] = Counter()
    for part in parts:
        if not isinstance(part, dict) or part.get("thought") is True:
            continue
        call = _named(part, "functionCall", "function_call")
        result = _named(part, "functionResponse", "function_response")
        if call is not None:
            function = {"name": call.get("name"), "arguments": call.get("args") or {}}
            calls.append({"id": _id(call, seen), "type": "function", "function": function})
        elif result is not None:
            text = json.dumps(result.get("response"), ensure_ascii=False)
            results.append({"role": "tool", "tool_call_id": _id(result, seen), "content": text})
        else:
            shown.append(_shown(part))
    message = {"role": item.get("role") or "user", "content": shown or None, "tool_calls": calls}
    return [*results, message] if shown or calls or not results else results


def _shown(part: Mapping[str, Any]) -> Any:
    if isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]}
    data = _named(part, "inlineData", "inline_data")
    file = _named(part, "fileData", "file_data")
    held = data or file or {}
    media_type = str(held.get("mimeType") or held.get("mime_type") or "")
    if data is not None:
        return data_part(media_type, data.get("data"), data.get("displayName"))
    if file is None:
        return dict(part)
    address = file.get("fileUri") or file.get("file_uri")
    return image_part(address) if media_type.startswith("image/") else {"type": "file", "file": {"file_url": address}}


def _id(call: Mapping[str, Any], seen: Counter[str]) -> str:
    """The call's id; without one, calls and results of a name are matched in their order."""
    name = str(call.get("name"))
    seen[name] += 1
    made = f"call_{name}" if seen[name] == 1 else f"call_{name}_{seen[name]}"
    return str(call.get("id") or made)


def _named(part: Mapping[str, Any], *names: str) -> Mapping[str, Any] | None:
    return next((part[name] for name in names if isinstance(part.get(name), dict)), None)


def _is_own(part: Any) -> bool:
    return isinstance(part, dict) and "type" not in part and not _PARTS.isdisjoint(part)
