"""Conversations as ShareGPT and WildChat hold them: one record each, the last answer is the completion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Importer, first_of
from cqtui.importers.conversations import split
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.tools import tools_of

LISTS = ("conversations", "conversation", "items")
ROLES = {
    "bing": "assistant",
    "bard": "assistant",
    "claude": "assistant",
    "chatgpt": "assistant",
    "observation": "tool",
    "tool_response": "tool",
    "function_response": "tool",
}
CALLS = ("function_call", "tool_call")
REDACTED = "WildChat removed personal data from this conversation"


class ShareGPTImporter(Importer):
    """Reads turns of ``from`` and ``value``, or of ``role`` and ``content``."""

    name = "sharegpt"
    fields = frozenset({"id", "conversations", "conversation", "items"})

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with a list of turns under one of its names."""
        turns = turns_of(record)
        if turns is None:
            return 0.0
        return 0.95 if "from" in turns[0] else 0.9

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The last answer of the conversation."""
        warnings: list[str] = []
        messages = [_message(turn) for turn in turns_of(record) or []]
        told = record.get("system", record.get("system_prompt"))
        if isinstance(told, str) and told and (not messages or messages[0].get("role") != "system"):
            messages.insert(0, {"role": "system", "content": told})
        prompt, answer = split(with_ids(messages), warnings)
        tools = tools_of(record.get("tools"))
        return RawCall(
            messages=prompt,
            completion=answer,
            id=first_of(record, "id", "conversation_id"),
            time=first_of(record, "timestamp", "created_at", "create_time"),
            model=record.get("model"),
            params={"tools": tools} if tools else {},
            warnings=warnings,
        )


class WildChatImporter(Importer):
    """Reads WildChat's records, which say more of a conversation than ShareGPT's."""

    name = "wildchat"
    fields = frozenset(
        {"conversation_hash", "model", "timestamp", "conversation", "turn", "language", "toxic", "redacted"}
    )

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with the conversation's hash and a list of turns."""
        return 1.0 if "conversation_hash" in record and turns_of(record) is not None else 0.0

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The last answer of the conversation."""
        warnings: list[str] = []
        turns = turns_of(record) or []
        prompt, answer = split([_message(turn) for turn in turns], warnings)
        answered = [turn for turn in turns if turn.get("role") == "assistant"]
        last = answered[-1] if answer is not None and answered else {}
        if record.get("redacted") is True:
            warnings.append(REDACTED)
        return RawCall(
            messages=prompt,
            completion=answer,
            id=first_of(record, "conversation_hash"),
            time=first_of(last, "timestamp") or first_of(record, "timestamp"),
            model=record.get("model"),
            user=first_of(record, "hashed_ip"),
            metadata={name: record[name] for name in ("language", "toxic", "redacted") if name in record},
            warnings=warnings,
        )


def with_ids(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages with an id for each function call and its result, which the turns lack and a replay needs.

    Results belong to the calls before them, in their order.
    """
    waiting: list[str] = []
    number = 0
    for message in messages:
        for call in message.get("tool_calls", ()):
            number += 1
            call["id"] = f"call_{number}"
            waiting.append(call["id"])
        if message["role"] == "tool" and waiting:
            message["tool_call_id"] = waiting.pop(0)
    return messages


def turns_of(record: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The turns of a conversation under any of its names, or None where there are none."""
    for name in LISTS:
        turns = base.structured(record.get(name))
        if isinstance(turns, list) and turns and all(map(_is_turn, turns)):
            return turns
    return None


def _is_turn(item: Any) -> bool:
    return isinstance(item, dict) and (("from" in item and "value" in item) or ("role" in item and "content" in item))


def _message(turn: Mapping[str, Any]) -> dict[str, Any]:
    """A turn in OpenAI's shape; a function call is one where its text is JSON with a name."""
    given = str(turn.get("from", turn.get("role", ""))).lower()
    text = turn.get("value", turn.get("content"))
    if given in CALLS:
        call = base.structured(text)
        if isinstance(call, dict) and "name" in call:
            return {"role": "assistant", "content": None, "tool_calls": [{"function": call}]}
        return {"role": "assistant", "content": text}
    return {"role": ROLES.get(given, given), "content": text}
