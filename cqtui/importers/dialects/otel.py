"""Messages of OpenTelemetry's GenAI conventions: a role, and parts whose text is called content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cqtui.importers.dialects.wire import data_part, image_part

OWN_TYPES = frozenset({"tool_call", "tool_call_response", "blob", "uri"})
REASONING = ("reasoning", "thinking")


def messages(item: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The message in OpenAI's shape; each answer of a tool in it becomes a message of its own, before the rest."""
    parts = item.get("parts")
    if not isinstance(parts, list) or not all(isinstance(part, dict) and _is_own(part) for part in parts):
        return None
    answers, content, calls = [], [], []
    for part in parts:
        kind = part.get("type")
        if kind == "tool_call_response":
            answers.append(_tool_answer(part))
        elif kind == "tool_call":
            calls.append(part)
        elif kind not in REASONING:
            content.append(part_of(part))
    own: dict[str, Any] = {"role": item.get("role"), "content": content or None, "name": item.get("name")}
    if calls:
        own["tool_calls"] = [{"id": call.get("id"), "function": _function(call)} for call in calls]
    return [*answers, own] if content or calls or not answers else answers


def part_of(part: Mapping[str, Any]) -> Any:
    """A part in OpenAI's wire shape; one that has none there as it stands."""
    kind, mime = part.get("type"), str(part.get("mime_type") or "")
    what = str(part.get("modality") or mime).split("/")[0]
    if kind == "text":
        content = part.get("content")
        return {"type": "text", "text": content if isinstance(content, str) else json.dumps(content)}
    if kind == "blob" and isinstance(data := part.get("content", part.get("data")), str):
        return data_part(mime, data, what=what)
    if kind == "uri" and what == "image" and isinstance(part.get("uri"), str):
        return image_part(part["uri"])
    if kind == "file" and isinstance(part.get("file_id"), str):
        return {"type": "file", "file": {"file_id": part["file_id"]}}
    return dict(part)


def _is_own(part: Mapping[str, Any]) -> bool:
    """Whether a part may be of these conventions: its type is one that no other has, or it has no key of another."""
    kind = part.get("type")
    if not isinstance(kind, str) or "-" in kind:
        return False
    return kind in OWN_TYPES or not any(key in part for key in ("text", "url", "state"))


def _tool_answer(part: Mapping[str, Any]) -> dict[str, Any]:
    answer = part.get("response", part.get("result"))
    if not isinstance(answer, str):
        answer = "" if answer is None else json.dumps(answer, ensure_ascii=False)
    return {"role": "tool", "tool_call_id": part.get("id"), "content": answer}


def _function(call: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": call.get("name"), "arguments": call.get("arguments")}
