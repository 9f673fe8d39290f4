"""Redacts a logged call: every text of it, with placeholders that are the same for the same value in all of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cqtui.models import Completion, LoggedCall, Message, Part, ToolCall
from cqtui.redaction.redactor import Record, Redactor
from cqtui.settings import PrivacySettings

_TOOLS = ("tools", "functions")
_SHAPES = ("response_format", "text_format", "tool_choice", "function_call", "stop")  # what an answer must keep to
_DATA = ("data", "url", "image_url", "file_data", "file_id", "input_audio")  # of a part that is no text
_LONGEST_NAME = 200  # of a file; longer strings of a part that is no text are data

Walk = Callable[[str, str], str]


@dataclass(frozen=True)
class RedactedCalls:
    """Calls without personal details and keys, and what was replaced.

    Attributes:
        calls: The calls, in the order given.
        counts: The number of replacements by kind.
        changed: In how many calls something was replaced.
        with_binary: How many calls hold images, audio or files, which are left as they are.
    """

    calls: tuple[LoggedCall, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    changed: int = 0
    with_binary: int = 0


def redactor_of(privacy: PrivacySettings) -> Redactor:
    """The redactor that the settings describe."""
    return Redactor(privacy.patterns)


def redact_call(call: LoggedCall, redactor: Redactor) -> LoggedCall:
    """The call with placeholders such as ``<EMAIL_1>`` in messages, tool calls, parameters, answer, tags and metadata.

    Images, audio and files are left as they are. Of a response format and of tools, other than their descriptions,
    only keys are replaced: the rest says how an answer must look.
    """
    return _redacted(call, redactor)[0]


def redact_calls(calls: Sequence[LoggedCall], redactor: Redactor) -> RedactedCalls:
    """All the calls, each a record of its own, and what was replaced in them."""
    done = []
    counts: dict[str, int] = {}
    changed = 0
    for call in calls:
        redacted, found = _redacted(call, redactor)
        done.append(redacted)
        changed += bool(found)
        for kind, count in found.items():
            counts[kind] = counts.get(kind, 0) + count
    binary = sum(any(part.kind != "text" for message in call.messages for part in message.parts) for call in calls)
    return RedactedCalls(tuple(done), counts, changed, binary)


def as_sent(call: LoggedCall, privacy: PrivacySettings) -> LoggedCall:
    """The call as a run with these settings sends, stores and shows it."""
    return redact_call(call, redactor_of(privacy)) if privacy.redact else call


def identity(value: str, redactor: Redactor) -> str:
    """Who or what it was stays told apart, without being said: a hash where it held something to replace."""
    if redactor.redact(value).text == value:
        return value
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:16]


def _redacted(call: LoggedCall, redactor: Redactor) -> tuple[LoggedCall, Mapping[str, int]]:
    """A value is known by what stands before it, perhaps late in the call: the second walk finds it early, too."""
    named = {"id": identity(call.id, redactor)}
    named |= {name: identity(value, redactor) for name in ("user", "session") if (value := getattr(call, name))}
    call = call.model_copy(update=named)
    record = redactor.record(_with_placeholders(call))
    _walk(call, record)
    if not record.counts:
        return call, {}
    record.counts.clear()
    return _walk(call, record), dict(record.counts)


def _with_placeholders(call: LoggedCall) -> list[str]:
    """Where placeholders may stand that must not be given again."""
    text = call.model_dump_json(exclude={"origin", "usage"}, fallback=str)
    return [text] if "<" in text or "u003c" in text.lower() else []


def _walk(call: LoggedCall, record: Record) -> LoggedCall:
    messages = tuple(_message(message, record) for message in call.messages)
    completion = _completion(call.completion, record) if call.completion is not None else None
    return call.model_copy(
        update={
            "messages": messages,
            "params": _params(call.params, record),
            "completion": completion,
            "tags": tuple(record.redact(tag) for tag in call.tags),
            "metadata": _value(call.metadata, lambda text, label: record.redact(text, label=label)),
        }
    )


def _message(message: Message, record: Record) -> Message:
    return message.model_copy(
        update={
            "parts": tuple(_part(part, record) for part in message.parts),
            "tool_calls": tuple(_tool_call(call, record) for call in message.tool_calls),
            "name": _name(message.name, record),
        }
    )


def _part(part: Part, record: Record) -> Part:
    changes: dict[str, Any] = {}
    if part.text:
        changes["text"] = record.redact(part.text)
    if part.raw:
        changes["raw"] = _value(part.raw, lambda text, label: _about_data(text, label, record))
    return part.model_copy(update=changes) if changes else part


def _about_data(text: str, label: str, record: Record) -> str:
    """A string of a part that is no text: the name of a file, say, but not its bytes or its address."""
    if label in _DATA or (len(text) > _LONGEST_NAME and " " not in text):
        return text
    return record.redact(text, label=label)


def _tool_call(call: ToolCall, record: Record) -> ToolCall:
    return call.model_copy(update={"name": _name(call.name, record), "arguments": record.redact(call.arguments)})


def _completion(completion: Completion, record: Record) -> Completion:
    return completion.model_copy(
        update={
            "text": record.redact(completion.text) if completion.text else completion.text,
            "tool_calls": tuple(_tool_call(call, record) for call in completion.tool_calls),
            "refusal": record.redact(completion.refusal) if completion.refusal else completion.refusal,
        }
    )


def _name(name: str | None, record: Record) -> str | None:
    """A name is letters, digits, _ and - to a provider, so that a placeholder in it has no angle brackets."""
    if name is None:
        return None
    found = record.redact(name)
    return name if found == name else found.replace("<", "").replace(">", "")


def _params(params: Mapping[str, Any], record: Record) -> dict[str, Any]:
    def everything(text: str, label: str) -> str:
        return record.redact(text, label=label)

    def descriptions(text: str, label: str) -> str:
        return record.redact(text, label=label, keys_only=label != "description")

    def keys(text: str, label: str) -> str:
        return record.redact(text, keys_only=True)

    def how(name: str) -> Walk:
        return descriptions if name in _TOOLS else keys if name in _SHAPES else everything

    return {name: _value(value, how(name), name) for name, value in params.items()}


def _value(value: Any, redact: Walk, label: str = "") -> Any:
    """A JSON value with its strings redacted, the names of its objects too; ``label`` is the name it stands under."""
    if isinstance(value, str):
        return redact(value, label)
    if isinstance(value, Mapping):
        return {_renamed(name, redact): _value(item, redact, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value(item, redact, label) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**12:
        text = json.dumps(value)
        found = redact(text, "")
        return value if found == text else found
    return value


def _renamed(name: Any, redact: Walk) -> Any:
    return redact(name, "") if isinstance(name, str) else name
