"""Layer 1: which models are cheaper on this traffic, and why each other one was left out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from cqtui.engine.traffic import required_capabilities, uncached
from cqtui.errors import BadInputError
from cqtui.models import REASONING_EFFORT, Candidate, Excluded, ModelEntry, TrafficProfile, Usage
from cqtui.registry.loader import Registry
from cqtui.registry.pricing import cost_of
from cqtui.settings import Constraints

RETIREMENT_NOTICE_DAYS = 90
CAPABILITIES: Mapping[str, str] = {
    "tools": "supports_function_calling",
    "function_calling": "supports_function_calling",
    "json_mode": "supports_json_mode",
    "structured-output": "supports_json_mode",
    "vision": "supports_vision",
    "reasoning": "supports_reasoning",
}


@dataclass(frozen=True)
class Discovery:
    """``eligible``: all that passed, dearest first; ``chosen``: those to rank; ``excluded``: the others, with why."""

    eligible: tuple[Candidate, ...]
    chosen: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]
    forced_switch: bool


def is_retiring(entry: ModelEntry, as_of: date) -> bool:
    """Whether a model is retired, or retires within 90 days of the date."""
    soon = as_of + timedelta(days=RETIREMENT_NOTICE_DAYS)
    return not entry.is_active or (entry.deprecated is not None and entry.deprecated <= soon)


def _retirement(entry: ModelEntry, as_of: date) -> str:
    past = not entry.is_active or (entry.deprecated is not None and entry.deprecated <= as_of)
    when = f" on {entry.deprecated.isoformat()}" if entry.deprecated else ""
    successor = f"; its successor is {entry.successor}" if entry.successor else ""
    return f"{'retired' if past else 'retires'}{when}{successor}"


def p99(values: Sequence[Decimal]) -> Decimal | None:
    """The 99th percentile by the nearest rank, or None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[math.ceil(0.99 * len(ordered)) - 1]


def why_not(
    entry: ModelEntry,
    costs: Sequence[Decimal],
    traffic: TrafficProfile,
    constraints: Constraints,
    as_of: date,
) -> str | None:
    """The first hard filter that a model fails, in words, or None."""
    blocked = {name.lower() for name in constraints.blocked_providers}
    if {entry.provider.lower(), entry.portkey_slug.lower()} & blocked:
        return f"provider {entry.provider} is blocked"
    if is_retiring(entry, as_of):
        return _retirement(entry, as_of)
    if entry.price is None or not costs:
        return "price unknown"
    for name, why in required_capabilities(traffic, constraints.required_capabilities).items():
        field = CAPABILITIES.get(name)
        if field is None:
            if name not in (entry.strengths or ()):
                return f"{name} ({why}) is not among its known strengths"
            continue
        supported = getattr(entry, field)
        if not supported:
            return f"{name} ({why}): {'unknown' if supported is None else 'not supported'}"
    limit = min((n for n in (entry.max_input_tokens, entry.context_window) if n is not None), default=None)
    if limit is not None and traffic.max_input_tokens > limit:
        return f"takes {limit:,} input tokens; the log has {traffic.max_input_tokens:,}"
    dearest = p99(costs)
    cap = constraints.max_cost_per_request
    if cap is not None and dearest is not None and dearest > cap:
        return f"99th percentile of cost ${dearest:.4f} is above max_cost_per_request ${cap}"
    return None


def _costs(entry: ModelEntry, usages: Sequence[Usage], as_of: date) -> list[Decimal]:
    priced = [cost_of(entry, uncached(usage), as_of) for usage in usages]
    return [cost for cost in priced if cost is not None]


def _mean(costs: Sequence[Decimal]) -> Decimal:
    return sum(costs, Decimal(0)) / len(costs)


def spread(candidates: Sequence[Candidate], count: int, always: Candidate | None) -> tuple[Candidate, ...]:
    """``count`` candidates spread evenly over log cost, ``always`` among them; dearest first."""
    if len(candidates) <= count:
        return tuple(candidates)
    logs = {c.id: math.log(float(c.cost_per_call_usd)) for c in candidates}
    low, high = min(logs.values()), max(logs.values())
    targets = [high - (high - low) * step / max(1, count - 1) for step in range(count)]
    chosen: list[Candidate] = []
    if always is not None:
        targets.remove(min(targets, key=lambda target: abs(logs[always.id] - target)))
        chosen.append(always)
    for target in targets:
        rest = [c for c in candidates if c not in chosen]
        chosen.append(min(rest, key=lambda c: (abs(logs[c.id] - target), c.id)))
    return tuple(sorted(chosen, key=lambda c: (-c.cost_per_call_usd, c.id)))


def discover(
    registry: Registry,
    current: ModelEntry,
    traffic: TrafficProfile,
    usages: Sequence[Usage],
    *,
    constraints: Constraints,
    min_saving_percent: float,
    k: int,
    as_of: date,
    named: Sequence[str] = (),
) -> Discovery:
    """Find the candidates.

    Args:
        registry: All models.
        current: The model in use.
        traffic: What the log says.
        usages: Token counts of a sample of the log; costs are computed on these.
        constraints: Hard filters.
        min_saving_percent: What a candidate must plausibly save.
        k: How many to choose.
        as_of: The run's date.
        named: Candidates that the user named, as "model" or "model effort=low"; they are taken, with the filters'
            findings as warnings.

    Raises:
        BadInputError: The current model's cost cannot be computed, or a named candidate is unknown, or the current one
            without options.
    """
    usages = [u for u in usages if u.input_tokens is not None and u.output_tokens is not None]
    current_costs = _costs(current, usages, as_of)
    if not current_costs:
        raise BadInputError(
            f"The cost of {current.id} on this log is unknown.",
            "Set [traffic] avg_input_tokens and avg_output_tokens, or its price under [[models]] in cqtui.toml.",
        )
    now = _mean(current_costs)
    forced = is_retiring(current, as_of)
    if named:
        chosen = _named(registry, current, traffic, usages, constraints, as_of, named, now)
        return Discovery(eligible=chosen, chosen=chosen, excluded=(), forced_switch=forced)
    eligible: list[Candidate] = []
    excluded: list[Excluded] = []
    for entry in registry.entries:
        if entry.id == current.id:
            continue
        costs = _costs(entry, usages, as_of)
        reason = why_not(entry, costs, traffic, constraints, as_of)
        if reason is None:
            mean = _mean(costs)
            saving = float((1 - mean / now) * 100)
            if not forced and saving < min_saving_percent:
                reason = f"saves {math.floor(saving)}%" if saving > 0 else "not cheaper on this traffic"
            else:
                eligible.append(Candidate(entry=entry, cost_per_call_usd=mean, expected_saving_percent=saving))
        if reason is not None:
            excluded.append(Excluded(model_id=entry.id, reason=reason))
    eligible, repeated = _one_host_each(eligible)
    excluded += repeated
    eligible.sort(key=lambda c: (-c.cost_per_call_usd, c.id))
    family = next((c for c in eligible if c.entry.family == current.family and c.cost_per_call_usd < now), None)
    chosen = spread(eligible, k, family)
    left = [c for c in eligible if c not in chosen]
    excluded += [
        Excluded(model_id=c.id, reason=f"{_saving_words(c.expected_saving_percent)}, close to one that was chosen")
        for c in left
    ]
    return Discovery(eligible=tuple(eligible), chosen=chosen, excluded=tuple(excluded), forced_switch=forced)


def _saving_words(percent: float) -> str:
    return f"saves {math.floor(percent)}%" if percent >= 0 else f"costs {math.ceil(-percent):,}% more"


def _one_host_each(eligible: Sequence[Candidate]) -> tuple[list[Candidate], list[Excluded]]:
    kept: dict[str, Candidate] = {}
    excluded = []
    for candidate in sorted(eligible, key=lambda c: (c.cost_per_call_usd, c.id)):
        name = candidate.entry.model.rsplit("/", 1)[-1].lower()
        if name in kept:
            reason = f"the same model costs no more at {kept[name].entry.provider}"
            excluded.append(Excluded(model_id=candidate.id, reason=reason))
        else:
            kept[name] = candidate
    return list(kept.values()), excluded


def _named(
    registry: Registry,
    current: ModelEntry,
    traffic: TrafficProfile,
    usages: Sequence[Usage],
    constraints: Constraints,
    as_of: date,
    named: Sequence[str],
    now: Decimal,
) -> tuple[Candidate, ...]:
    chosen: list[Candidate] = []
    for name in named:
        entry, options = _with_options(registry, name)
        if entry.id == current.id and not options:
            raise BadInputError(f"{name} is the current model.", "Name another candidate.")
        costs = _costs(entry, usages, as_of)
        if not costs:
            raise BadInputError(f"The price of {entry.id} is unknown.", "Set it under [[models]] in cqtui.toml.")
        warning = why_not(entry, costs, traffic, constraints, as_of)
        mean = _mean(costs)
        candidate = Candidate(
            entry=entry,
            options=options,
            cost_per_call_usd=mean,
            expected_saving_percent=float((1 - mean / now) * 100),
            warnings=(warning,) if warning else (),
        )
        if all(candidate.id != other.id for other in chosen):
            chosen.append(candidate)
    return tuple(chosen)


def _with_options(registry: Registry, name: str) -> tuple[ModelEntry, dict[str, str]]:
    """The model and the options of a name such as "openai/gpt-x effort=low"."""
    model, found, effort = name.partition(" effort=")
    entry = registry.get(model)
    if not found:
        return entry, {}
    if effort not in (entry.reasoning_efforts or ()):
        known = ", ".join(entry.reasoning_efforts or ()) or "none is known"
        raise BadInputError(f'{entry.id}: no reasoning effort "{effort}".', f"Known: {known}.")
    return entry, {REASONING_EFFORT: effort}
