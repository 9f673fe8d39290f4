"""What one call adds to the picture of the traffic: few values, read from a raw record where it is plain enough.

A log may hold a million calls of which a few thousand are kept. ``facts_of_raw`` reads the usual record without
building its call; whatever is less usual goes through ``facts_of_call``, which is what both mean.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from cqtui.checks.answers import expects_json
from cqtui.checks.conversation import render_completion, render_conversation
from cqtui.importers import NoCall, RawCall, instant, is_shallow, maker_name, normalised
from cqtui.models import LoggedCall, Usage
from cqtui.settings import Traffic

# The vendors' rule of thumb for English, in bytes of UTF-8 so that other scripts are not far off.
BYTES_PER_TOKEN = 4
SEGMENT_KEYS = ("segment", "route", "template", "prompt_name", "feature", "task", "endpoint", "use_case")
_SEGMENT_KEYS = frozenset(SEGMENT_KEYS)
NO_SYSTEM_PROMPT = "no system prompt"
MOST_TOKENS = 2**53
_NOT_PLAIN = frozenset({"type", "function_call", "tool_calls", "parts", "args", "additional_kwargs", "lc"})
# An answer with one of these fields may hold its text elsewhere than in its content.
_NO_ANSWER = frozenset({"type", "parts", "messages", "lc", "kwargs"})
_PLAIN = frozenset({str, int, float, bool, type(None)})
_ROLES = {"system": 0, "developer": 0, "user": 1, "assistant": 2, "tool": 3}


class CallFacts(NamedTuple):
    """What the traffic's figures need of one call; tokens are None where neither logged, stated nor to be estimated."""

    model: str | None
    time: datetime | None
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int
    cache_write_tokens: int
    is_estimated: bool
    is_baseline: bool
    uses_tools: bool
    uses_json: bool
    uses_vision: bool
    is_multi_turn: bool
    segment: str


def facts_of_call(call: LoggedCall, traffic: Traffic) -> CallFacts:
    """The facts of a call, its tokens filled from what the user states of the traffic."""
    usage = estimated_usage(call, traffic)
    return CallFacts(
        model=call.model,
        time=call.time,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens or 0,
        cache_write_tokens=usage.cache_write_tokens or 0,
        is_estimated=_is_estimated(call, usage, traffic),
        is_baseline=call.is_baseline,
        uses_tools=uses_tools(call),
        uses_json=expects_json(call.params),
        uses_vision=uses_vision(call),
        is_multi_turn=sum(message.role == "user" for message in call.messages) > 1,
        segment=segment_of(call),
    )


def facts_of_raw(raw: RawCall, traffic: Traffic) -> CallFacts | NoCall:
    """The same of a call as its record states it; or why it is no call.

    Raises:
        ValueError: The record cannot be used.
        RecursionError: It is nested too deeply.
    """
    return _plain_facts(raw) or _full_facts(raw, traffic)


def _full_facts(raw: RawCall, traffic: Traffic) -> CallFacts | NoCall:
    call = normalised(raw)
    return call if isinstance(call, NoCall) else facts_of_call(call, traffic)


def _plain_facts(raw: RawCall) -> CallFacts | None:
    """The facts of a record of text messages, with its tokens counted; None for any other."""
    messages, usage, answer, model = raw.messages, raw.usage, raw.completion, raw.model
    if type(messages) is not list or type(model) is not str or not model.strip():
        return None
    get = usage.get
    tokens_in, tokens_out = get("input_tokens"), get("output_tokens")
    cached, written = get("cached_tokens") or 0, get("cache_write_tokens") or 0
    if not (type(tokens_in) is type(tokens_out) is type(cached) is type(written) is int):
        return None
    if (
        cached < 0
        or written < 0
        or not cached + written <= tokens_in <= MOST_TOKENS
        or not 0 <= tokens_out <= MOST_TOKENS
    ):
        return None
    has_tools, has_content, is_flat, of_user, system = bool(raw.params.get("tools")), False, True, 0, []
    for message in messages:
        if type(message) is not dict or "content" not in message:
            return None
        if len(message) > 2:
            if not _NOT_PLAIN.isdisjoint(message):
                return None
            is_flat = is_flat and _are_plain(message.values())
        content, role = message.get("content"), message.get("role")
        kind = _ROLES.get(role) if type(role) is str else None
        if kind is None or not (content is None or type(content) is str):
            return None
        if content:
            has_content = True
        if kind == 0:
            system.append(content or "")
        elif kind == 1:
            of_user += 1
        elif kind == 3:
            has_tools = True
    if not has_content:
        return None
    if type(answer) is dict:
        if type(answer.get("content")) is not str or not _NO_ANSWER.isdisjoint(answer):
            return None
        is_flat = is_flat and _are_plain(answer.values())
    elif not (answer is None or type(answer) is str):
        return None
    params, metadata = raw.params, raw.metadata
    is_flat = is_flat and _are_plain(params.values()) and _are_plain(metadata.values())
    if not is_flat and not is_shallow(raw.content):
        return None
    named = _named_segment(metadata) if metadata else None
    return CallFacts(
        maker_name(model.strip()),
        instant(raw.time, []),
        tokens_in,
        tokens_out,
        cached,
        written,
        False,
        answer is not None,
        has_tools,
        "response_format" in params and expects_json(params),
        False,
        of_user > 1,
        named or _prompt_segment("\n".join(system)),
    )


def _are_plain(values: Iterable[Any]) -> bool:
    return _PLAIN.issuperset(map(type, values))


def estimated_usage(call: LoggedCall, traffic: Traffic) -> Usage:
    """The logged usage, with what it lacks filled from the user's stated means, else from the text's length.

    What text does not tell stays unknown: the input of calls with images or audio, the output of calls without answer.
    """
    usage = call.usage
    if usage.input_tokens is not None and usage.output_tokens is not None:
        return usage
    tokens_in = usage.input_tokens if usage.input_tokens is not None else traffic.avg_input_tokens
    tokens_out = usage.output_tokens if usage.output_tokens is not None else traffic.avg_output_tokens
    if tokens_in is None and all(part.kind == "text" for message in call.messages for part in message.parts):
        tools = json.dumps(call.params["tools"]) if call.params.get("tools") else ""
        tokens_in = _tokens(render_conversation(call.messages) + tools)
    if tokens_out is None and call.completion is not None:
        tokens_out = _tokens(render_completion(call.completion))
    return usage.model_copy(update={"input_tokens": tokens_in, "output_tokens": tokens_out})


def _tokens(text: str) -> int:
    return math.ceil(len(text.encode("utf-8")) / BYTES_PER_TOKEN)


def _is_estimated(call: LoggedCall, usage: Usage, traffic: Traffic) -> bool:
    """Whether the usage is complete only by a count from the text's length: neither logged nor stated."""
    if usage.input_tokens is None or usage.output_tokens is None:
        return False
    guessed_in = call.usage.input_tokens is None and traffic.avg_input_tokens is None
    guessed_out = call.usage.output_tokens is None and traffic.avg_output_tokens is None
    return guessed_in or guessed_out


def uses_tools(call: LoggedCall) -> bool:
    """Whether a call offers tools or carries tool messages."""
    return bool(call.params.get("tools")) or any(m.role == "tool" or m.tool_calls for m in call.messages)


def uses_vision(call: LoggedCall) -> bool:
    """Whether a call holds an image."""
    return any(part.kind == "image" for message in call.messages for part in message.parts)


def segment_key(call: LoggedCall) -> str | None:
    """The name of the metadata that says what kind of traffic a call is, or None."""
    return _segment_key(call.metadata)


def segment_of(call: LoggedCall) -> str:
    """The kind of traffic that a call belongs to: what the log says of it, else its system prompt (a hash of it)."""
    system = (message.text for message in call.messages if message.role in ("system", "developer"))
    return _named_segment(call.metadata) or _prompt_segment("\n".join(system))


def _segment_key(metadata: Mapping[str, Any]) -> str | None:
    if _SEGMENT_KEYS.isdisjoint(metadata):
        return None
    for name in SEGMENT_KEYS:
        value = metadata.get(name)
        if isinstance(value, str) and value:
            return name
    return None


def _named_segment(metadata: Mapping[str, Any]) -> str | None:
    name = _segment_key(metadata)
    return None if name is None else str(metadata[name])


@lru_cache(maxsize=256)
def _prompt_segment(system: str) -> str:
    if not system:
        return NO_SYSTEM_PROMPT
    return f"system prompt {hashlib.sha256(system.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
