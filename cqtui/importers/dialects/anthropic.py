"""Anthropic's messages: content blocks for images, documents, tool calls and their results, and thinking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers.dialects.wire import data_part, image_part

_BLOCKS = ("tool_use", "tool_result", "thinking", "redacted_thinking")
_SOURCED = ("image", "document")


def anthropic_messages(item: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The message in OpenAI's shape; results of tools become messages of their own, before what else it holds."""
    content = item.get("content")
    if not isinstance(content, list) or not any(_is_own(block) for block in content):
        return None
    results: list[dict[str, Any]] = []
    parts: list[Any] = []
    calls: list[dict[str, Any]] = []
    for block in content:
        kind = block.get("type") if isinstance(block, dict) else None
        if kind == "tool_use":
            function = {"name": block.get("name"), "arguments": block.get("input", {})}
            calls.append({"id": block.get("id"), "type": "function", "function": function})
        elif kind == "tool_result":
            shown = parts_of_content(block.get("content"))
            # A tool's message takes text alone: what else the tool gave follows as the user's.
            texts = [part for part in shown if _is_text(part)]
            results.append({"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": texts or ""})
            parts += [part for part in shown if not _is_text(part)]
        elif kind not in ("thinking", "redacted_thinking"):
            parts += parts_of_block(block)
    message = {**item, "content": parts or None}
    message.pop("type", None)
    # LangChain states the calls a second time, beside the blocks.
    if calls and not item.get("tool_calls"):
        message["tool_calls"] = calls
    return [*results, message] if parts or calls or not results else results


def parts_of_content(content: Any) -> list[Any]:
    """The parts of a text or of a list of blocks."""
    if content is None:
        return []
    blocks = content if isinstance(content, list) else [content]
    return [part for block in blocks for part in parts_of_block(block)]


def parts_of_block(block: Any) -> list[Any]:
    """The parts that a block amounts to; one that is unknown stays as it is."""
    if isinstance(block, str):
        return [{"type": "text", "text": block}]
    if not isinstance(block, dict) or not _is_own(block):
        return [block]
    source = block["source"] if isinstance(block.get("source"), dict) else {}
    kind, data = source.get("type"), source.get("data")
    media_type = str(source.get("media_type") or "")
    if block.get("type") == "document" and kind == "text":
        return [{"type": "text", "text": str(data or "")}]
    if block.get("type") == "document" and kind == "content":
        inner = source.get("content")
        return [{"type": "text", "text": inner}] if isinstance(inner, str) else _plain(inner)
    if kind == "file":
        return [{"type": "file", "file": {"file_id": source.get("file_id")}}]
    is_image = block.get("type") == "image"
    if kind != "url":
        what = "image" if is_image else "file"
        return [data_part(media_type or ("" if is_image else "application/pdf"), data, block.get("title"), what)]
    if is_image:
        return [image_part(source.get("url"))]
    named = {"filename": block["title"]} if isinstance(block.get("title"), str) else {}
    return [{"type": "file", "file": {**named, "file_url": source.get("url")}}]


def _plain(blocks: Any) -> list[Any]:
    """The blocks inside a document, which are texts and images and hold no documents."""
    found = blocks if isinstance(blocks, list) else []
    inside = [block for block in found if isinstance(block, dict) and block.get("type") != "document"]
    return [part for block in inside for part in parts_of_block(block)]


def _is_own(block: Any) -> bool:
    if not isinstance(block, dict):
        return False
    kind = block.get("type")
    return kind in _BLOCKS or (kind in _SOURCED and isinstance(block.get("source"), dict))


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "text"
