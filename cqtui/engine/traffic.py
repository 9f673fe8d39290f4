"""What the log says of the team's traffic."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from cqtui.engine.facts import facts_of_call
from cqtui.engine.tally import EntryOf, Tally, price_thresholds, tally
from cqtui.importers.redaction import redactor_of
from cqtui.models import LoggedCall, ModelEntry, TrafficProfile, Usage
from cqtui.settings import PrivacySettings, Traffic

DAYS_A_MONTH = 365.25 / 12
MIN_PERIOD_DAYS = 1.0
SHOWN_SEGMENTS = 20


def uncached(usage: Usage) -> Usage:
    """The same tokens without cache discounts: a replay starts cold, so both sides are compared cold."""
    return usage.model_copy(update={"cached_tokens": None, "cache_write_tokens": None})


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


def profile(calls: Sequence[LoggedCall], current: ModelEntry | None, traffic: Traffic, as_of: date) -> TrafficProfile:
    """Describe the traffic of calls; see ``profile_of``."""
    thresholds = price_thresholds([current] if current is not None else [])
    return profile_of(tally((facts_of_call(call, traffic) for call in calls), thresholds), current, traffic, as_of)


def profile_of(
    log: Tally,
    current: ModelEntry | None,
    traffic: Traffic,
    as_of: date,
    entry_of: EntryOf | None = None,
    whole: Tally | None = None,
) -> TrafficProfile:
    """Describe the traffic of a log that was added up, or of a part of it.

    The monthly volume is the user's where stated, else the log's own rate over its time span (a day at least). Costs
    are over the calls whose usage is known, at the prices of the run's date.

    Args:
        log: The sum of the log's calls.
        current: The model that comparisons are made with.
        traffic: What the user states of the traffic.
        as_of: The day of the prices.
        entry_of: The registry's entry of a logged model, for what the calls cost as they were made.
        whole: The sum of the whole log, where ``log`` is of one model: it gives the time span and the models.
    """
    whole = whole or log
    first, last = whole.counts.first, whole.counts.last
    days = (last - first).total_seconds() / 86400 if whole.counts.timed > 1 and first and last else None
    monthly: int | None = traffic.monthly_request_volume
    source: Any = "settings"
    if monthly is None:
        enough = days is not None and days >= MIN_PERIOD_DAYS
        monthly = max(1, round(log.calls / days * DAYS_A_MONTH)) if enough and days and log.calls else None
        source = "log" if monthly is not None else "unknown"
    billed, billed_calls = (None, 0) if entry_of is None else log.billed_usd(entry_of, as_of)
    calls = log.calls or 1
    return TrafficProfile(
        calls=log.calls,
        baseline_calls=log.baseline_calls,
        models=dict(whole.models.most_common()),
        period_days=days,
        monthly_requests=monthly,
        monthly_source=source,
        mean_input_tokens=log.mean_input_tokens,
        mean_output_tokens=log.mean_output_tokens,
        max_input_tokens=log.counts.max_input_tokens,
        calls_without_usage=log.calls - log.counts.known_calls,
        calls_with_estimated_usage=log.counts.estimated_calls,
        uses_tools=log.counts.tools > 0,
        uses_json=log.counts.json > 0,
        uses_vision=log.counts.vision > 0,
        cost_per_call_usd=None if current is None else log.list_usd(current, as_of),
        input_percentiles=log.input_percentiles,
        output_percentiles=log.output_percentiles,
        tools_rate=log.counts.tools / calls,
        json_rate=log.counts.json / calls,
        vision_rate=log.counts.vision / calls,
        multi_turn_rate=log.counts.multi_turn / calls,
        first_call=first,
        last_call=last,
        billed_per_call_usd=billed,
        billed_calls=billed_calls,
        segments=dict(log.counts.segments.most_common(SHOWN_SEGMENTS)),
    )


def redacted(traffic: TrafficProfile, privacy: PrivacySettings) -> TrafficProfile:
    """The profile with the names of its segments as a run with these settings may write them down."""
    if not privacy.redact:
        return traffic
    redactor = redactor_of(privacy)
    segments: dict[str, int] = {}
    for name, count in traffic.segments.items():
        shown = redactor.redact(name).text
        segments[shown] = segments.get(shown, 0) + count
    return traffic.model_copy(update={"segments": segments})


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
