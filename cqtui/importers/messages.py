"""Messages and answers, brought into one shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from cqtui.importers.base import mapping, note, structured, text_or_none
from cqtui.importers.dialects import openai_messages
from cqtui.models import Completion, Message, Part, PartKind, Role, ToolCall

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "gpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "chatgpt": "assistant",
    "tool": "tool",
    "function": "tool",
}
KINDS: dict[str, PartKind] = {
    "image_url": "image",
    "input_image": "image",
    "image": "image",
    "input_audio": "audio",
    "audio": "audio",
    "file": "file",
    "input_file": "file",
    "document": "file",
}
TEXTS = ("text", "input_text", "output_text")
EXACT_PART = "cqtui.part"  # of the native format: a part as it is, where its own shape could be read otherwise


def parts_of(content: Any, notes: list[str]) -> tuple[Part, ...]:
    """The parts of a message's content: null, text, one part or a list of parts."""
    if content is None:
        return ()
    if isinstance(content, str):
        return (Part(text=content),)
    found = []
    for item in content if isinstance(content, list) else [content]:
        if isinstance(item, str):
            found.append(Part(text=item))
            continue
        raw = item if isinstance(item, dict) else {"value": item}
        kind = str(raw.get("type", ""))
        if kind in TEXTS and isinstance(raw.get("text"), str):
            found.append(Part(text=raw["text"]))
        elif kind in KINDS:
            found.append(Part(kind=KINDS[kind], raw=raw))
        elif kind == EXACT_PART and (exact := _exact_part(raw.get("part"))) is not None:
            found.append(exact)
        else:
            if kind != "refusal":
                note(notes, f"content part of unknown type {kind[:40]!r}: partially supported")
            found.append(Part(kind="other", raw=raw))
    return tuple(found)


def _exact_part(value: Any) -> Part | None:
    try:
        return Part.model_validate(value)
    except ValidationError:
        return None


def tool_calls_of(message: Mapping[str, Any], notes: list[str]) -> tuple[ToolCall, ...]:
    """The tool calls of an assistant message, with the legacy ``function_call`` among them."""
    given = structured(message.get("tool_calls"))
    found = [dict(item) for item in given if isinstance(item, dict)] if isinstance(given, list) else []
    if isinstance(legacy := message.get("function_call"), dict):
        found.append({"function": legacy})
    calls = []
    for item in found:
        # A custom tool call has free text under "input"; it is kept as the arguments.
        function = mapping(item.get("function")) or mapping(item.get("custom")) or item
        arguments = function.get("arguments", function.get("input", ""))
        if not isinstance(arguments, str):
            arguments = "" if arguments is None else json.dumps(arguments, ensure_ascii=False)
        name = text_or_none(function.get("name"))
        if name is None:
            note(notes, "tool call without a name")
        calls.append(ToolCall(name=name or "", arguments=arguments, id=text_or_none(item.get("id"))))
    return tuple(calls)


def messages_of(value: Any, notes: list[str]) -> tuple[Message, ...]:
    """The messages of a prompt: a list in any vendor's shape, an object that holds one, or a plain text of the user."""
    if isinstance(value, str):
        parsed = structured(value)
        value = parsed if isinstance(parsed, list) else [{"role": "user", "content": value}]
    found: list[Message] = []
    for item in listed(value):
        if not isinstance(item, dict):
            note(notes, "a message that is no object was left out")
            continue
        for message in openai_messages(item):
            role = ROLES.get(str(message.get("role", "")).lower())
            if message is not item and _is_of_turn(message, found):
                calls = (*found[-1].tool_calls, *tool_calls_of(message, notes))
                found[-1] = found[-1].model_copy(update={"tool_calls": calls})
                continue
            if role is None:
                note(notes, f"unknown role {str(message.get('role'))[:40]!r} read as user")
                role = "user"
            found.append(
                Message(
                    role=role,
                    parts=parts_of(message.get("content"), notes),
                    tool_calls=tool_calls_of(message, notes),
                    tool_call_id=text_or_none(message.get("tool_call_id")),
                    name=text_or_none(message.get("name")),
                )
            )
    return tuple(found)


def _is_of_turn(message: Mapping[str, Any], found: list[Message]) -> bool:
    """Whether a message holds tool calls alone that belong to the assistant's message before it."""
    calls = message.get("tool_calls")
    return bool(found) and found[-1].role == "assistant" and bool(calls) and not message.get("content")


def listed(value: Any) -> list[Any]:
    """The messages in a value: a list of them (lists in it are flattened), an object that holds one, or one message."""
    if isinstance(value, Mapping):
        inner = structured(value.get("messages"))
        return listed(inner) if isinstance(inner, list) else [value]
    if not isinstance(value, list):
        return []
    return [inner for item in value for inner in (item if isinstance(item, list) else [item])]


def is_replayable(messages: tuple[Message, ...]) -> bool:
    """Whether at least one message has content."""
    return any(part.kind != "text" or part.text for message in messages for part in message.parts)


def completion_of(answer: Any, notes: list[str]) -> Completion:
    """The answer in an assistant message or in several that follow each other; a ``refusal`` part is a refusal."""
    texts: list[str] = []
    refusals: list[str] = []
    calls: list[ToolCall] = []
    for item in listed(answer):
        for message in openai_messages(item) if isinstance(item, dict) else [{"content": item}]:
            for part in parts_of(message.get("content"), notes):
                if part.kind == "text":
                    texts.append(part.text or "")
                elif part.raw and part.raw.get("type") == "refusal":
                    refusals.append(str(part.raw.get("refusal", "")))
            refusals += [refusal] if (refusal := text_or_none(message.get("refusal"))) else []
            calls += tool_calls_of(message, notes)
    return Completion(
        text="".join(texts) if texts else None, tool_calls=tuple(calls), refusal="".join(refusals) or None
    )
