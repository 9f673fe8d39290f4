"""Adapts a logged call to a candidate, from the table in translate.toml, and says what was changed or dropped."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from cqtui.models import Frozen, LoggedCall, Message, ModelEntry

LENGTH_PARAMS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
MIN_OUTPUT_TOKENS = 1024


class _Rule(Frozen):
    family: str
    param: str
    to: str
    model: str = ""
    silent: bool = False


class Translation(Frozen):
    """A call in OpenAI's wire shape for one candidate, and what that took."""

    messages: tuple[dict[str, Any], ...]
    params: dict[str, Any]
    max_output_tokens: int
    translated: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


@functools.cache
def _rules() -> tuple[_Rule, ...]:
    text = resources.files("cqtui.gateway").joinpath("translate.toml").read_text(encoding="utf-8")
    return tuple(_Rule.model_validate(rule) for rule in tomllib.loads(text)["rule"])


def _rule_for(entry: ModelEntry, param: str) -> _Rule | None:
    name = entry.model.rsplit("/", 1)[-1]
    for rule in _rules():
        if rule.param == param and rule.family in ("*", entry.family) and re.search(rule.model, name):
            return rule
    return None


def wire_message(message: Message, *, developer_role: bool = True) -> dict[str, Any]:
    """A message in OpenAI's wire shape; without ``developer_role`` such messages become system ones."""
    role = "system" if message.role == "developer" and not developer_role else message.role
    wire: dict[str, Any] = {"role": role}
    if all(part.kind == "text" for part in message.parts):
        wire["content"] = message.text if message.parts else None
    else:
        wire["content"] = [
            {"type": "text", "text": part.text or ""} if part.kind == "text" else dict(part.raw or {})
            for part in message.parts
        ]
    if message.tool_calls:
        wire["tool_calls"] = [
            {"id": call.id or "", "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    elif wire["content"] is None:
        wire["content"] = ""
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    if message.name is not None:
        wire["name"] = message.name
    return wire


def logged_output_limit(params: Mapping[str, Any]) -> int | None:
    """The output token limit that a call was logged with, or None."""
    for name in LENGTH_PARAMS:
        value = params.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def translate(call: LoggedCall, entry: ModelEntry) -> Translation:
    """Adapt a logged call to a model.

    Where the log has no output limit, max(1024, 4 x logged output tokens) is sent, so that the worst case of a call is
    known before it is made; DESIGN §4.
    """
    params: dict[str, Any] = {}
    translated: list[str] = []
    dropped: list[str] = []
    for name, value in call.params.items():
        if value is None:
            continue
        rule = _rule_for(entry, name)
        if rule is None or rule.to == name:
            params[name] = value
        elif rule.to:
            params.setdefault(rule.to, value)
            translated.append(f"{name} → {rule.to}")
        elif not rule.silent:
            dropped.append(name)
    limit = logged_output_limit(params)
    if limit is None:
        limit = max(MIN_OUTPUT_TOKENS, 4 * (call.usage.output_tokens or 0))
        if entry.max_output_tokens is not None:
            limit = min(limit, entry.max_output_tokens)
        rule = _rule_for(entry, "max_tokens")
        params[rule.to if rule is not None and rule.to else "max_tokens"] = limit
    developer = entry.family == "openai"
    if not developer and any(message.role == "developer" for message in call.messages):
        translated.append("developer → system")
    return Translation(
        messages=tuple(wire_message(message, developer_role=developer) for message in call.messages),
        params=params,
        max_output_tokens=limit,
        translated=tuple(translated),
        dropped=tuple(dropped),
    )
