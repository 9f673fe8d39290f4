"""LangChain's messages: serialised constructors, plain objects, and OpenAI's role with LangChain's fields beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cqtui.importers.base import mapping, structured, text_or_none
from cqtui.importers.dialects.anthropic import anthropic_messages
from cqtui.importers.dialects.wire import data_part, image_part

ROLES = {
    "human": "user",
    "ai": "assistant",
    "system": "system",
    "developer": "developer",
    "tool": "tool",
    "function": "tool",
    "chat": "",
    "generic": "",
    "remove": "",
}
# LangChain repeats these blocks of a vendor's answer as tool calls; reasoning is no part of the text.
REPEATED = ("tool_call", "tool_call_chunk", "invalid_tool_call", "input_json_delta", "function_call")
REASONING = ("reasoning", "reasoning_content")
MEDIA = ("image", "audio", "file", "media")


def langchain(item: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The message in OpenAI's shape; None where it is none of LangChain's. One that removes another is none."""
    fields = fields_of(item)
    if fields is None:
        return None
    extra = mapping(fields.get("additional_kwargs"))
    if fields["kind"] == "remove":
        return []
    role = text_or_none(extra.get("__openai_role__")) or ROLES.get(fields["kind"]) or fields.get("role")
    message: dict[str, Any] = {"role": role, "content": content_of(fields.get("content"))}
    if calls := tool_calls_of(fields, extra):
        message["tool_calls"] = calls
        # LangChain knows no absent text; it is sent as none, too.
        message["content"] = message["content"] or None
    elif isinstance(extra.get("function_call"), dict):
        message["function_call"] = extra["function_call"]
    if refusal := extra.get("refusal") or fields.get("refusal"):
        message["refusal"] = refusal
    for name in ("name", "tool_call_id"):
        if fields.get(name) is not None:
            message[name] = fields[name]
    # LangChain hands a vendor's blocks on inside its own message.
    return anthropic_messages(message) or [message]


def fields_of(item: Mapping[str, Any]) -> dict[str, Any] | None:
    """The fields of a LangChain message with its ``kind`` (human, ai, ...) beside them; None where it is none."""
    kind = kind_of(item.get("type"))
    if "lc" in item and isinstance(item.get("kwargs"), Mapping):
        kwargs, path = item["kwargs"], item.get("id")
        named = kind_of(path[-1]) if isinstance(path, list) and path else None
        kind = kind_of(kwargs.get("type")) or named
        return None if kind is None else {**kwargs, "kind": kind}
    if kind is not None and isinstance(item.get("data"), Mapping):
        return {**item["data"], "kind": kind}
    if kind is not None and "content" in item:
        return {**item, "kind": kind}
    if isinstance(item.get("role"), str) and (isinstance(item.get("additional_kwargs"), Mapping) or has_args(item)):
        return {**item, "kind": ""}
    return None


def kind_of(name: Any) -> str | None:
    """The kind that a type or the name of a message class stands for, or None."""
    if not isinstance(name, str):
        return None
    kind = name.removesuffix("Chunk").removesuffix("Message").lower()
    return kind if kind in ROLES else None


def has_args(item: Mapping[str, Any]) -> bool:
    """Whether a message's tool calls are in LangChain's shape."""
    calls = structured(item.get("tool_calls"))
    return isinstance(calls, list) and any(isinstance(call, dict) and "args" in call for call in calls)


def tool_calls_of(fields: Mapping[str, Any], extra: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tool calls of a message, each once though LangChain may hold them in four places."""
    calls: list[dict[str, Any]] = []
    for name in ("tool_calls", "invalid_tool_calls"):
        given = structured(fields.get(name))
        calls += [tool_call(call) for call in given if isinstance(call, dict)] if isinstance(given, list) else []
    if calls:
        return calls
    given = structured(extra.get("tool_calls"))
    if not isinstance(given, list) or not given:
        content = fields.get("content")
        blocks = content if isinstance(content, list) else []
        given = [block for block in blocks if isinstance(block, dict) and block.get("type") == "tool_call"]
    return [tool_call(call) for call in given if isinstance(call, dict)]


def tool_call(call: Mapping[str, Any]) -> dict[str, Any]:
    """One tool call in OpenAI's shape; arguments that were no valid JSON stay the text that they were."""
    if isinstance(call.get("function"), dict):
        return dict(call)
    arguments = call.get("args")
    if not isinstance(arguments, str):
        arguments = "" if arguments is None else json.dumps(arguments, ensure_ascii=False)
    return {"id": call.get("id"), "type": "function", "function": {"name": call.get("name"), "arguments": arguments}}


def content_of(content: Any) -> Any:
    """A message's content with its blocks in OpenAI's shape, repeated tool calls and reasoning left out."""
    if not isinstance(content, list):
        return content
    kept = [
        part_of(block) if isinstance(block, dict) else block
        for block in content
        if not isinstance(block, dict) or block.get("type") not in REPEATED + REASONING
    ]
    # An answer of tool calls alone has no text, which is not the same as an empty one.
    return kept if kept or not content else None


def part_of(block: dict[str, Any]) -> dict[str, Any]:
    """A content block in OpenAI's shape; unchanged where it is not LangChain's, or where its data is not in the log."""
    kind = str(block.get("type"))
    if kind == "image_url" and isinstance(block.get("image_url"), str):
        return image_part(block["image_url"])
    if kind == "text-plain" and isinstance(block.get("text"), str):
        return {"type": "text", "text": block["text"]}
    if kind not in MEDIA or isinstance(block.get("source"), dict):
        return block
    media_type = str(block.get("mime_type") or block.get("mimeType") or "")
    data, url, file = block.get("base64") or block.get("data"), block.get("url"), block.get("file_id")
    what = media_type.partition("/")[0] or kind
    if isinstance(data, str):
        name = block.get("filename") or mapping(block.get("metadata")).get("filename") or block.get("name")
        return data_part(media_type, data, name, what)
    if what == "image" and isinstance(url, str):
        return image_part(url)
    return {"type": "file", "file": {"file_id": file}} if isinstance(file, str) else block
