"""What a record says of one call, before anything of it is checked: cheap enough to be made for every line of a log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import NOWHERE, Place
from cqtui.importers.messages import completion_of, is_replayable, messages_of
from cqtui.importers.model_names import maker_name
from cqtui.importers.params import without_idle_tool_settings
from cqtui.importers.reasons import NO_CONTENT
from cqtui.models import Completion, LoggedCall, Usage


@dataclass(frozen=True)
class NoCall:
    """A record that was recognised but gives no call, and why."""

    reason: str


@dataclass(slots=True)
class RawCall:
    """One call in the record's own values, under the names of the canonical record.

    Values are as they stood in the record (texts, numbers, anything): ``normalised`` checks them.

    Attributes:
        messages: The prompt: a list of messages in any vendor's shape, or one text.
        completion: The answer: a message in any vendor's shape, a text, or None where there is none.
        usage: Token counts under the names of ``Usage``; the input is the total, cached tokens inside.
        score: Feedback; outside 0..1 it is kept in the metadata as it is, with ``score_name``.
        warnings: What was odd about the record.
        place: Where it was read; the reader fills it in.
        content: The record as JSON, where the call can be read from it alone; the reader fills it in.
    """

    messages: Any
    completion: Any = None
    id: Any = None
    time: Any = None
    model: Any = None
    provider: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    finish_reason: Any = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    latency_ms: Any = None
    ttft_ms: Any = None
    cost_usd: Any = None
    user: Any = None
    session: Any = None
    tags: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    score: Any = None
    score_name: str | None = None
    warnings: list[str] = field(default_factory=list)
    place: Place = NOWHERE
    content: bytes = b""


def normalised(raw: RawCall) -> LoggedCall | NoCall:
    """The call in one shape, whatever its source; values that cannot be used become unknown, with a warning.

    Raises:
        RecursionError: The record is nested more than ``MAX_DEPTH`` deep.
        ValueError: It cannot be used.
    """
    notes = [*raw.place.warnings, *raw.warnings]
    if not is_shallow(raw.content):
        for part in (raw.messages, raw.completion, raw.params, raw.metadata):
            base.refuse_depth(part)
    messages = messages_of(raw.messages, notes)
    if not is_replayable(messages):
        return NoCall(NO_CONTENT)
    completion = _completion(raw.completion, notes)
    metadata = dict(raw.metadata)
    score = base.number(raw.score, "score", [])
    if raw.score not in (None, "") and (score is None or score > 1):
        metadata["raw_score"] = raw.score if raw.score_name is None else {raw.score_name: raw.score}
        base.note(notes, "score outside 0..1 kept as metadata")
        score = None
    named = base.text_or_none(raw.model)
    model = None if named is None else maker_name(named)
    if model != named:
        base.note(notes, f"the model was logged as {named}")
    provider = base.text_or_none(raw.provider)
    reason = base.finish(raw.finish_reason)
    return LoggedCall(
        id=base.text_or_none(raw.id) or base.content_id(raw.place.format, model, messages, completion),
        time=base.instant(raw.time, notes),
        model=model,
        provider=provider.lower() if provider else None,
        messages=messages,
        params=without_idle_tool_settings(raw.params),
        completion=completion,
        finish_reason=reason,
        usage=usage_of(raw.usage, notes),
        latency_ms=base.count(raw.latency_ms, "latency_ms", notes),
        ttft_ms=base.count(raw.ttft_ms, "ttft_ms", notes),
        cost_usd=base.money(raw.cost_usd, notes),
        user=base.text_or_none(raw.user),
        session=base.text_or_none(raw.session),
        tags=tuple(str(tag) for tag in raw.tags) if isinstance(raw.tags, list | tuple) else (),
        metadata=metadata,
        score=score,
        origin=raw.place._replace(warnings=tuple(dict.fromkeys(notes))).origin,
    )


def is_shallow(content: bytes) -> bool:
    """Whether JSON is surely not nested too deeply: it has not that many brackets. False where there is no content."""
    return bool(content) and content.count(b"{") + content.count(b"[") <= base.MAX_DEPTH


def usage_of(logged: Mapping[str, Any], notes: list[str]) -> Usage:
    """The token counts, each an integer of 0 or more, or None where unknown."""
    counts = {name: base.count(logged.get(name), name, notes) for name in Usage.model_fields}
    return base.checked_usage(Usage(**counts), notes)


def _completion(answer: Any, notes: list[str]) -> Completion | None:
    if isinstance(answer, str):
        answer = {"content": answer}
    return completion_of(answer, notes) if isinstance(answer, Mapping | list) and answer else None
