"""The note that goes with an exported config: what to do before, what to watch, how to roll back. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from cqtui.engine.decide import retirement_words
from cqtui.models import ModelEntry
from cqtui.report import filters
from cqtui.report.export import (
    CURRENT,
    NEW,
    ExportOptions,
    evidence_on,
    guardrails_of,
    key_from_header,
    new_models,
    placeholders,
)
from cqtui.results import Evidence, Interval, Recommendation
from cqtui.settings import Settings
from cqtui.stats.rates import wilson

_DAYS_PER_MONTH = Decimal("30.4")
_COST_CALLS = 1000  # a single call costs too little to be read
_HEADER_BYTES = 12_000  # node takes 16 KB of headers in all
_MORE_THAN_A_KEY = {
    "azure-openai": "azure_resource_name, azure_deployment_id and azure_api_version",
    "bedrock": "aws_access_key_id, aws_secret_access_key and aws_region",
}


def rollback_note(result: Recommendation, settings: Settings, options: ExportOptions, config: Mapping[str, Any]) -> str:
    """The note for a config that ``portkey_config`` made of the same arguments, as Markdown that reads as text."""
    models = new_models(result, options)
    names = ", ".join(f"`{entry.short_name}`" for entry in models) or "no other model"
    where = "hosted Portkey" if options.target == "hosted" else "the open-source Portkey gateway"
    scope = "of each segment" if options.segments else "of the calls"
    parts = [
        f"# {options.canary_percent.normalize():f}% {scope} from `{result.current.short_name}` to {names}",
        f"{result.sentence} {result.reason}\n\n"
        f"Run {result.run_id} of {result.at:%Y-%m-%d}, {result.grade}; a config for {where}.",
        _section("Before", _keys(result, options, config) + _before(result, settings, options, config)),
    ]
    for entry in models:
        heading = f"Watch `{entry.short_name}`" if len(models) > 1 else "Watch"
        parts.append(_section(heading, _watch(entry, result, settings, options)))
    parts.append(_section("Roll back", _roll_back(result, options)))
    return "\n\n".join(parts) + "\n"


def _section(heading: str, lines: list[str]) -> str:
    return f"## {heading}\n\n" + "\n".join(f"- {line}" for line in lines)


def _keys(result: Recommendation, options: ExportOptions, config: Mapping[str, Any]) -> list[str]:
    if options.target == "hosted":
        lines = ["It holds no key: `@slug` names a provider of your workspace. Save it under Configs and send its id."]
    else:
        lines = [
            "It holds no key. Send it on one line in the header `x-portkey-config` (`python -m json.tool --compact`), "
            "without `x-portkey-custom-host`, which would go over every target's own."
        ]
    if key_from_header(result, options):
        lines.append("The key is the caller's own: the gateway forwards its `Authorization` header.")
    variables = [name for name in placeholders(config) if name.isidentifier()]
    if variables:
        # Without the list envsubst would also empty the $in of routing conditions.
        listed = " ".join(f"${{{name}}}" for name in variables)
        lines.append(f"Fill in {', '.join(variables)}: `envsubst '{listed}' < FILE`.")
    return lines


def _before(result: Recommendation, settings: Settings, options: ExportOptions, config: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for entry in new_models(result, options):
        lines += _parameters(entry, result, options) + _guardrails(entry, result, settings, options)
    if options.target == "open-source" and not settings.gateway.custom_host:
        providers = {entry.portkey_slug for entry in (result.current, *new_models(result, options))}
        lines += [
            f"{name} wants more than a key: add {fields} to its targets."
            for name, fields in _MORE_THAN_A_KEY.items()
            if name in providers
        ]
    size = len(json.dumps(config, separators=(",", ":")))
    if options.target == "open-source" and size > _HEADER_BYTES:
        lines.append(f"It has {size:,} bytes, and node takes 16 KB of headers: start it with --max-http-header-size.")
    if result.current.deprecated is not None:
        lines.append(
            f"`{result.current.short_name}` {retirement_words(result.current)}: from then on neither its share nor the "
            "fallback is answered. Be at 100% before."
        )
    keys = sorted({route.key for route in options.segments})
    if keys:
        lines.append(
            f"Calls are told apart by {', '.join(f'`{filters.plain(key)}`' for key in keys)} in `x-portkey-metadata`, "
            "as a string; a call without it, or with another value, stays with the current model."
        )
    if options.target == "open-source":
        lines.append("The fallback does not make up for an answer that breaks off midway: the caller gets a 500.")
    lines.append("Each call is drawn by itself, so both models may answer within one conversation.")
    return lines


def _parameters(entry: ModelEntry, result: Recommendation, options: ExportOptions) -> list[str]:
    """What the callers must do themselves, since the gateway sends parameters as they are."""
    evidence = evidence_on(entry, result)
    if evidence is None or not (evidence.ledger.translated or evidence.ledger.dropped):
        return []
    ledger = evidence.ledger
    changes = [f"{filters.plain(what)} ({count} calls)" for what, count in ledger.translated.items()]
    changes += [f"{filters.plain(name)} dropped ({count} calls)" for name, count in ledger.dropped.items()]
    lines = [
        f"For `{entry.short_name}` the replay changed parameters: {'; '.join(changes)}. Do not count on the "
        "gateway to do so: let the callers send what both models take, or such calls end at the current model."
    ]
    if options.target == "hosted" and ledger.dropped:
        names = json.dumps(sorted(ledger.dropped))
        lines.append(f'Hosted Portkey can drop some: add `"drop_params": {names}` to the target of the new model.')
    return lines


def _guardrails(entry: ModelEntry, result: Recommendation, settings: Settings, options: ExportOptions) -> list[str]:
    found = guardrails_of(entry, result, settings, options)
    if not found:
        return []
    lines = [
        f"The guardrail set `{result.guardrail_set}` guards `{entry.short_name}` alone, as it was measured. What it "
        "blocks stays blocked (446). To have the current model answer it, without the set, as today, add 446 to "
        "on_status_codes."
    ]
    saved = [name for name in placeholders(found) if not name.isidentifier()]
    if saved:
        lines.append(f"A config cannot refer to a saved one: put in {', '.join(saved)}.")
    if options.target == "open-source" and {"output_guardrails", "after_request_hooks"} & found.keys():
        lines.append("The open-source gateway checks streamed answers before it has them: do not stream these calls.")
    return lines


def _watch(entry: ModelEntry, result: Recommendation, settings: Settings, options: ExportOptions) -> list[str]:
    evidence = evidence_on(entry, result)
    outer = "config.targets[N]" if options.segments else "config"
    who = (
        "Who answered: in the logs, filtered by the config's id, by the model."
        if options.target == "hosted"
        else f"Who answered: in `x-portkey-last-used-option-index`, `{outer}.targets[1].targets[0]` is the new model, "
        f"`{outer}.targets[1].targets[1]` the current one in its place."
    )
    if evidence is None:
        return [who, "The run has no figures for this model: set limits of your own."]
    monthly = result.traffic.monthly_requests
    lines = [who]
    if monthly is not None and not options.segments:
        daily = round(monthly * options.canary_percent / 100 / _DAYS_PER_MONTH)
        lines.append(f"Calls a day at that share: about {daily:,}. A rate over few calls says little.")
    return lines + limits(evidence, result, settings, guarded=bool(guardrails_of(entry, result, settings, options)))


def limits(evidence: Evidence, result: Recommendation, settings: Settings, *, guarded: bool = False) -> list[str]:
    """When to roll back, from the run's own figures: the upper ends of 95% intervals, and the latency's percentile."""
    ledger = evidence.ledger
    failed = sum(ledger.failed.values())
    answered = ledger.replayed - failed
    bad_format = evidence.format_failure_rate
    formats = None if bad_format is None else _share(round(bad_format * answered), answered)
    lines = [
        _limit("refusals", evidence.refusal_interval, "of its answers"),
        _limit("answers in a wrong format", formats, "of its answers"),
        _limit("calls that failed and fell back", _share(failed, ledger.replayed), "of its calls"),
    ]
    if guarded:
        reports = [
            r for r in result.guardrails if (r.name, r.model_id) == (result.guardrail_set, evidence.candidate.id)
        ]
        lines.append(
            _limit(
                "calls blocked by the guardrails (446)", reports[0].blocked_percent if reports else None, "of its calls"
            )
        )
    return [*lines, _latency(evidence, settings), _cost(evidence, result)]


def _share(count: int, of: int) -> Interval | None:
    found = wilson(count, of)
    if found.rate is None:
        return None
    return Interval(value=100 * found.rate, low=100 * found.interval[0], high=100 * found.interval[1])


def _limit(what: str, found: Interval | None, of: str) -> str:
    if found is None:
        return f"{what.capitalize()}: not measured in the run."
    return f"{what.capitalize()}: roll back above {found.high:.1f}% {of} (the run: {filters.share_interval(found)})."


def _latency(evidence: Evidence, settings: Settings) -> str:
    measured, asked = evidence.latency_p95_ms, settings.constraints.max_latency_ms
    if measured is None:
        return "Latency, 95th percentile: not measured in the run."
    limit = f"{filters.milliseconds(asked)}, your limit" if asked is not None else filters.milliseconds(measured)
    return f"Latency, 95th percentile: roll back above {limit} (the run: {filters.milliseconds(measured)})."


def _cost(evidence: Evidence, result: Recommendation) -> str:
    cost = evidence.cost_per_call_usd
    if cost is None:
        return "Cost: not measured in the run."
    highest, measured, today = (
        filters.money(None if usd is None else usd * _COST_CALLS)
        for usd in (highest_cost(cost, evidence.savings_percent), cost, result.traffic.cost_per_call_usd)
    )
    return f"Cost: roll back above {highest} per {_COST_CALLS:,} calls (the run: {measured}; today: {today})."


def highest_cost(cost_usd: Decimal, saving: Interval | None) -> Decimal:
    """The cost of a call in USD at the lower end of the saving's interval (percent)."""
    if saving is None or saving.value >= 100:
        return cost_usd
    return cost_usd * Decimal(str((100 - saving.low) / (100 - saving.value)))


def _roll_back(result: Recommendation, options: ExportOptions) -> list[str]:
    which = " in each segment" if options.segments else ""
    lines = [f"Set the weight of `{NEW}` to 0 and that of `{CURRENT}` to 1{which}."]
    command = f"cqtui export {result.run_id} --format portkey-config --target {options.target} --canary"
    if not options.segments:
        lines[0] += f" `{command} 0` writes that config."
    if options.target == "hosted":
        lines.append("Save it over the config: the id stays, and no caller changes.")
    else:
        lines.append("It holds for every call that carries the changed config.")
    if options.canary_percent < 100 and not options.segments:
        lines.append(f"While the figures hold, go on: `{command} 25`, then 100, the full switch. The fallback stays.")
    return lines
