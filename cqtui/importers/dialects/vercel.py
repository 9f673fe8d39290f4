"""Messages of the Vercel AI SDK: the model's, with typed content, and those of the chat's surface, with parts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from cqtui.importers.dialects.wire import data_part, image_part

DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.-]+)*;base64,(.*)", re.DOTALL)
IGNORED = frozenset({"reasoning", "redacted-reasoning", "reasoning-file", "step-start"})


def messages(item: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The message in OpenAI's shape; each answer of a tool in it becomes a message of its own."""
    parts = item.get("parts")
    if isinstance(parts, list) and parts and all(isinstance(part, dict) and "type" in part for part in parts):
        return _of_surface(item.get("role"), parts)
    content = item.get("content")
    if isinstance(content, list) and any(isinstance(part, dict) and _is_own(part) for part in content):
        return _of_model(item.get("role"), content)
    return None


def _is_own(part: Mapping[str, Any]) -> bool:
    """Whether a content part is of a shape that no other dialect has."""
    kind = part.get("type")
    if kind in ("tool-call", "tool-result", "redacted-reasoning", "tool-approval-request", "tool-approval-response"):
        return True
    if kind == "reasoning":
        return "text" in part
    typed = "mediaType" in part or "mimeType" in part
    return (kind == "image" and "image" in part) or (kind == "file" and "data" in part and typed)


def _of_model(role: Any, content: list[Any]) -> list[dict[str, Any]]:
    found: list[Any] = []
    calls: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "tool-call":
            calls.append(_call(part))
        elif kind == "tool-result":
            answers.append(_answer(part))
        elif kind in ("image", "file"):
            mime = str(part.get("mediaType") or part.get("mimeType") or "")
            found.append(
                _media(part, part.get("image", part.get("data")), mime or ("image/*" if kind == "image" else ""))
            )
        elif kind not in IGNORED:
            found.append(part)
    if answers and not found and not calls:
        return answers
    own = {"role": role, "content": found or None, **({"tool_calls": calls} if calls else {})}
    # A tool that the vendor runs answers within the assistant's message.
    return [own, *answers]


def _of_surface(role: Any, parts: list[Any]) -> list[dict[str, Any]]:
    """The messages of one bubble: after the answers of tools the assistant goes on in a new message."""
    found: list[dict[str, Any]] = []
    content: list[Any] = []
    calls: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []

    def close() -> None:
        if content or calls:
            found.append({"role": role, "content": [*content] or None, **({"tool_calls": [*calls]} if calls else {})})
        found.extend(answers)
        for held in (content, calls, answers):
            held.clear()

    for part in parts:
        kind = str(part.get("type"))
        if kind == "step-start" and answers:
            close()
        if kind in IGNORED or kind.startswith(("source", "data-")):
            continue
        if kind == "dynamic-tool" or kind.startswith("tool-"):
            inner = part.get("toolInvocation")
            used = {"toolName": kind.removeprefix("tool-"), **(inner if isinstance(inner, dict) else part)}
            calls.append(_call(used))
            if any(name in used for name in ("output", "result", "errorText")):
                answers.append(_answer(used))
            continue
        if answers:
            close()
        if kind == "file":
            mime = str(part.get("mediaType") or part.get("mimeType") or "")
            content.append(_media(part, part.get("url", part.get("data")), mime))
        else:
            content.append(part)
    close()
    return found or [{"role": role, "content": None}]


def _call(part: Mapping[str, Any]) -> dict[str, Any]:
    arguments = part.get("input", part.get("args", part.get("rawInput")))
    return {"id": part.get("toolCallId"), "function": {"name": part.get("toolName"), "arguments": arguments}}


def tool_call_of(part: Any) -> dict[str, Any] | None:
    """A tool call of the AI SDK in OpenAI's shape; None where it is none."""
    return _call(part) if isinstance(part, dict) and "toolName" in part else None


def _answer(part: Mapping[str, Any]) -> dict[str, Any]:
    answer = part.get("output", part.get("result", part.get("errorText")))
    if isinstance(answer, dict) and "type" in answer and "value" in answer:
        answer = answer["value"]
    if not isinstance(answer, str):
        answer = "" if answer is None else json.dumps(answer, ensure_ascii=False)
    return {"role": "tool", "tool_call_id": part.get("toolCallId"), "content": answer}


def _media(part: Mapping[str, Any], data: Any, mime: str) -> dict[str, Any]:
    """A picture or file in OpenAI's wire shape; one that has none there, such as a file's address, as it stands."""
    if isinstance(data, dict):
        data = data.get("url", data.get("data"))
    if not isinstance(data, str):
        return dict(part)
    what = mime.split("/")[0]
    if data.startswith(("http://", "https://")):
        return image_part(data) if what == "image" else {**part, "type": "file-url"}
    if match := DATA_URL.fullmatch(data):
        mime, data = match[1] or mime, match[2]
        what = mime.split("/")[0]
    return data_part("" if mime.endswith("/*") else mime, data, part.get("filename", part.get("name")), what)
