"""What the log says of the team's traffic."""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from cqtui.checks.answers import expects_json
from cqtui.checks.conversation import render_completion, render_conversation
from cqtui.models import LoggedCall, ModelEntry, TrafficProfile, Usage
from cqtui.registry.pricing import cost_of
from cqtui.settings import Traffic

DAYS_A_MONTH = 365.25 / 12
MIN_PERIOD_DAYS = 1.0
# The vendors' rule of thumb for English, in bytes of UTF-8 so that other scripts are not far off.
BYTES_PER_TOKEN = 4


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


def uncached(usage: Usage) -> Usage:
    """The same tokens without cache discounts: a replay starts cold, so both sides are compared cold."""
    return usage.model_copy(update={"cached_tokens": None, "cache_write_tokens": None})


def uses_tools(call: LoggedCall) -> bool:
    """Whether a call offers tools or carries tool messages."""
    return bool(call.params.get("tools")) or any(m.role == "tool" or m.tool_calls for m in call.messages)


def uses_vision(call: LoggedCall) -> bool:
    """Whether a call holds an image."""
    return any(part.kind == "image" for message in call.messages for part in message.parts)


def most_used_model(calls: Sequence[LoggedCall]) -> str | None:
    """The model that most calls were answered by, or None where the log names none."""
    counts = Counter(call.model for call in calls if call.model)
    return counts.most_common(1)[0][0] if counts else None


def in_random_order(calls: Sequence[LoggedCall], seed: int) -> list[LoggedCall]:
    """The calls in the run's one seeded random order; the same whatever order the files came in.

    The turns of a conversation stay together, in their own order: it counts once in the evidence (methods.md, section
    5), so it should be over before the next begins.
    """
    conversations: dict[str, list[LoggedCall]] = {}
    for call in sorted(calls, key=lambda call: (call.time.timestamp() if call.time else 0.0, call.id)):
        conversations.setdefault(f"session {call.session}" if call.session else f"call {call.id}", []).append(call)
    blocks = [conversations[name] for name in sorted(conversations)]
    random.Random(f"cqtui:{seed}").shuffle(blocks)
    return [call for block in blocks for call in block]


SEGMENT_KEYS = ("segment", "route", "template", "prompt_name", "feature", "task", "endpoint", "use_case")


def segment_key(call: LoggedCall) -> str | None:
    """The name of the metadata that says what kind of traffic a call is, or None."""
    named = (name for name in SEGMENT_KEYS if isinstance(call.metadata.get(name), str) and call.metadata[name])
    return next(named, None)


def segment_of(call: LoggedCall) -> str:
    """The kind of traffic that a call belongs to: what the log says of it, else its system prompt (a hash of it)."""
    name = segment_key(call)
    if name is not None:
        return str(call.metadata[name])
    system = "\n".join(message.text for message in call.messages if message.role in ("system", "developer"))
    if not system:
        return "no system prompt"
    return f"system prompt {hashlib.sha256(system.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values) if values else 0.0


def profile(calls: Sequence[LoggedCall], current: ModelEntry | None, traffic: Traffic, as_of: date) -> TrafficProfile:
    """Describe the traffic.

    The monthly volume is the user's where stated, else the log's own rate over its time span (a day at least). Costs
    are at list price without cache discounts, on the run's date, over the calls whose usage is known.
    """
    usages = [estimated_usage(call, traffic) for call in calls]
    times = sorted(call.time for call in calls if call.time is not None)
    days = (times[-1] - times[0]).total_seconds() / 86400 if len(times) > 1 else None
    monthly: int | None = traffic.monthly_request_volume
    source: Any = "settings"
    if monthly is None:
        enough = days is not None and days >= MIN_PERIOD_DAYS
        monthly = round(len(calls) / days * DAYS_A_MONTH) if enough and days else None
        source = "log" if monthly is not None else "unknown"
    known = [usage for usage in usages if usage.input_tokens is not None and usage.output_tokens is not None]
    costs = [cost_of(current, uncached(usage), as_of) for usage in known] if current is not None else []
    priced = [cost for cost in costs if cost is not None]
    return TrafficProfile(
        calls=len(calls),
        baseline_calls=sum(call.is_baseline for call in calls),
        models=dict(Counter(call.model or "unknown" for call in calls).most_common()),
        period_days=days,
        monthly_requests=monthly,
        monthly_source=source,
        mean_input_tokens=_mean([usage.input_tokens or 0 for usage in known]),
        mean_output_tokens=_mean([usage.output_tokens or 0 for usage in known]),
        max_input_tokens=max((usage.input_tokens or 0 for usage in known), default=0),
        calls_without_usage=len(usages) - len(known),
        calls_with_estimated_usage=sum(_is_estimated(*both, traffic) for both in zip(calls, usages, strict=True)),
        uses_tools=any(uses_tools(call) for call in calls),
        uses_json=any(expects_json(call.params) for call in calls),
        uses_vision=any(uses_vision(call) for call in calls),
        cost_per_call_usd=sum(priced, Decimal(0)) / len(priced) if priced else None,
    )


def required_capabilities(traffic: TrafficProfile, asked: Sequence[str]) -> Mapping[str, str]:
    """Capability -> why it is required: asked for in the settings, or proved by the log."""
    needed = dict.fromkeys(asked, "asked for in the settings")
    for name, used in (
        ("tools", traffic.uses_tools),
        ("json_mode", traffic.uses_json),
        ("vision", traffic.uses_vision),
    ):
        if used:
            needed[name] = "used in the log"
    return needed
