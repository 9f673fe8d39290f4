"""Adapts a logged call to a candidate, from the table in translate.toml, and says what was changed or dropped."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from importlib import resources
from typing import Any

from cqtui.models import Failure, Frozen, LoggedCall, Message, ModelEntry

LENGTH_PARAMS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
MIN_OUTPUT_TOKENS = 1024


class _Change(Frozen):
    param: str
    to: str
    type: str = ""
    to_type: str = ""

    def is_about(self, value: object) -> bool:
        """Whether the change is for such a value."""
        return not self.type or _type_of(value) == self.type


class _Rule(_Change):
    family: str
    model: str = ""
    most: float | None = None
    silent: bool = False


class Adjustment(_Change):
    """A change of a parameter that a 400 asks for."""

    when: str = ""


def _type_of(value: object) -> object:
    return value.get("type") if isinstance(value, Mapping) else None


class Translation(Frozen):
    """A call in OpenAI's wire shape for one candidate, and what that took.

    ``unsupported`` names content that the candidate cannot take and that must not be left out: such a call is not sent.
    ``pinned`` names parameters that make the candidate what it is: no adjustment changes them.
    """

    messages: tuple[dict[str, Any], ...]
    params: dict[str, Any]
    max_output_tokens: int
    translated: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    unsupported: str | None = None
    pinned: tuple[str, ...] = ()


@functools.cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("cqtui.gateway").joinpath("translate.toml").read_text(encoding="utf-8"))


@functools.cache
def _rules() -> tuple[_Rule, ...]:
    return tuple(_Rule.model_validate(rule) for rule in _table()["rule"])


@functools.cache
def _adjustments() -> tuple[Adjustment, ...]:
    return tuple(Adjustment.model_validate(item) for item in _table()["adjustment"])


@functools.cache
def _rules_of(family: str, model: str) -> tuple[_Rule, ...]:
    name = model.rsplit("/", 1)[-1]
    return tuple(rule for rule in _rules() if rule.family in ("*", family) and re.search(rule.model, name))


def _rule_for(entry: ModelEntry, param: str, value: object) -> _Rule | None:
    rules = _rules_of(entry.family, entry.model)
    return next((rule for rule in rules if rule.param == param and rule.is_about(value)), None)


def _changed(change: _Change, name: str, value: Any) -> tuple[str, Any, str]:
    """The parameter's new name and value, and the words for the ledger ("" where nothing changed)."""
    if change.to_type and isinstance(value, Mapping):
        return change.to, {"type": change.to_type}, f"{name}: {_type_of(value)} → {change.to_type}"
    most = change.most if isinstance(change, _Rule) else None
    if most is not None and isinstance(value, int | float) and value > most:
        return change.to, most, f"{name} {value:g} → {most:g}"
    return change.to, value, "" if change.to == name else f"{name} → {change.to}"


def adjustment_for(params: Mapping[str, Any], failure: Failure, pinned: Collection[str] = ()) -> Adjustment | None:
    """The adjustment that answers a 400 naming a parameter, or None where the table has none or it is ``pinned``."""
    name = failure.param
    if failure.kind != "bad_request" or name is None or name not in params or name in pinned:
        return None
    for item in _adjustments():
        if item.param == name and item.is_about(params[name]) and re.search(item.when, failure.message, re.IGNORECASE):
            return item
    return None


def adjusted(wire: Translation, adjustments: Iterable[Adjustment]) -> Translation:
    """A translation with adjustments made where they apply, and said."""
    params, translated, dropped = dict(wire.params), list(wire.translated), list(wire.dropped)
    for item in adjustments:
        if item.param not in params or item.param in wire.pinned or not item.is_about(params[item.param]):
            continue
        value = params.pop(item.param)
        if not item.to:
            dropped.append(item.param)
            continue
        name, new, words = _changed(item, item.param, value)
        params[name] = new
        translated.append(words)
    return wire.model_copy(update={"params": params, "translated": tuple(translated), "dropped": tuple(dropped)})


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


def takes(entry: ModelEntry, name: str, value: object) -> bool:
    """Whether a parameter reaches a model under its own name and with its own value."""
    rule = _rule_for(entry, name, value)
    return rule is None or _changed(rule, name, value)[:2] == (name, value)


def translate(call: LoggedCall, entry: ModelEntry, options: Mapping[str, Any] | None = None) -> Translation:
    """Adapt a logged call to a model.

    Where the log has no output limit, max(1024, 4 x logged output tokens) is sent, so that the worst case of a call is
    known before it is made; DESIGN §4.

    Args:
        call: The logged call.
        entry: The model.
        options: Parameters that are laid over the logged ones; a model that does not take one is not called.
    """
    options = options or {}
    params: dict[str, Any] = {}
    translated: list[str] = []
    dropped: list[str] = []
    for name, value in {**call.params, **options}.items():
        if value is None:
            continue
        rule = _rule_for(entry, name, value)
        if rule is None:
            params[name] = value
        elif rule.to:
            new_name, new_value, words = _changed(rule, name, value)
            params.setdefault(new_name, new_value)
            if words:
                translated.append(words)
        elif not rule.silent:
            dropped.append(name)
    limit = logged_output_limit(params)
    if limit is None:
        limit = max(MIN_OUTPUT_TOKENS, 4 * (call.usage.output_tokens or 0))
        if entry.max_output_tokens is not None:
            limit = min(limit, entry.max_output_tokens)
        rule = _rule_for(entry, "max_tokens", limit)
        params[rule.to if rule is not None and rule.to else "max_tokens"] = limit
    images = any(part.kind == "image" for message in call.messages for part in message.parts)
    unsupported = "images" if images and entry.supports_vision is False else None
    refused = [name for name, value in options.items() if not takes(entry, name, value)]
    developer = entry.family == "openai"
    if not developer and any(message.role == "developer" for message in call.messages):
        translated.append("developer → system")
    return Translation(
        messages=tuple(wire_message(message, developer_role=developer) for message in call.messages),
        params=params,
        max_output_tokens=limit,
        translated=tuple(translated),
        dropped=tuple(dropped),
        unsupported=", ".join(refused) or unsupported,
        pinned=tuple(options),
    )
