"""The items of OpenAI's Responses API: messages, function calls and their output, reasoning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CALLS = ("function_call", "custom_tool_call")
_RESULTS = ("function_call_output", "custom_tool_call_output")
_OWN_PARTS = ("input_image", "input_file")


def responses_items(item: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The item as messages in OpenAI's shape; reasoning is none."""
    kind = item.get("type")
    if kind == "reasoning" and "role" not in item:
        return []
    if kind in _CALLS:
        function = {"name": item.get("name"), "arguments": item.get("arguments", item.get("input", ""))}
        call = {"id": item.get("call_id") or item.get("id"), "type": "function", "function": function}
        return [{"role": "assistant", "content": None, "tool_calls": [call]}]
    if kind in _RESULTS:
        return [{"role": "tool", "tool_call_id": item.get("call_id"), "content": _content(item.get("output"))}]
    content = item.get("content")
    own = isinstance(content, list) and any(_is_own(part) for part in content)
    if "role" not in item or (kind != "message" and not own):
        return None
    message = {**item, "content": _content(content)}
    message.pop("type", None)
    return [message]


def _content(content: Any) -> Any:
    return [_part(part) for part in content] if isinstance(content, list) else content


def _part(part: Any) -> Any:
    """A part of a chat's message; an unknown one stays as it is."""
    if not _is_own(part):
        return part
    if part["type"] == "input_image" and isinstance(part.get("image_url"), str):
        detail = {"detail": part["detail"]} if isinstance(part.get("detail"), str) else {}
        return {"type": "image_url", "image_url": {"url": part["image_url"], **detail}}
    names = ("file_id", "file_data", "file_url", "filename")
    return {"type": "file", "file": {name: part[name] for name in names if part.get(name) is not None}}


def _is_own(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in _OWN_PARTS
