"""What ``cqtui logs inspect`` says of a log: rows for people, and JSON for programs. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cqtui.engine.inspection import Inspection
from cqtui.engine.tally import OTHERS, UNKNOWN
from cqtui.engine.variety import Variety
from cqtui.models import TrafficProfile
from cqtui.redaction.redactor import without_keys
from cqtui.report.filters import counted, days, money, plain, share
from cqtui.report.plan_words import few_words, forced_words
from cqtui.settings import Settings

SCHEMA_VERSION = 1
SHOWN_MODELS = 8
SHOWN_SEGMENTS = 5
SHOWN_REASONS = 8
LONGEST_NAME = 60
NOT_NAMED = "(not named)"

Row = tuple[str, ...]


def named(model: str) -> str:
    """A model's name of a log as it may be shown; what stands for none is said in brackets."""
    name = {UNKNOWN: NOT_NAMED, OTHERS: "(others)"}.get(model) or plain(without_keys(model))
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def outcome_rows(found: Inspection) -> list[Row]:
    """What became of every record: what, how many, in words; the last is the sum of those that are not indented."""
    read = found.log.read
    rows: list[Row] = [
        ("with an answer", f"{found.traffic.baseline_calls:,}", "can be replayed and compared"),
        ("without an answer", f"{found.without_answer:,}", "can be replayed, with nothing to compare"),
    ]
    if read.joined:
        rows.append(("part of another", f"{read.joined:,}", "such as a batch's answer, counted with its prompt"))
    rows.append(("not replayable", f"{sum(read.skipped_for.values()):,}", "recognised, but no call"))
    reasons = list(read.skipped_for.items())
    rows += [("", f"{count:,}", plain(without_keys(reason))) for reason, count in reasons[:SHOWN_REASONS]]
    if len(reasons) > SHOWN_REASONS:
        rest = sum(count for _, count in reasons[SHOWN_REASONS:])
        rows.append(("", f"{rest:,}", f"for {counted(len(reasons) - SHOWN_REASONS, 'other reason')}"))
    rows.append(("rejected", f"{read.rejected_count:,}", "could not be used"))
    rows.append(("records in all", f"{read.records:,}", ""))
    return rows


def model_rows(found: Inspection) -> list[Row]:
    """The models: name, calls, share, and the id in the registry."""
    calls = found.traffic.calls or 1
    counts = list(found.traffic.models.items())
    rows: list[Row] = []
    for model, count in counts[:SHOWN_MODELS]:
        entry = "" if model in (UNKNOWN, OTHERS) else found.registered.get(model) or "not in it"
        rows.append((named(model), f"{count:,}", share(count / calls), entry))
    if len(counts) > SHOWN_MODELS:
        rest = sum(count for _, count in counts[SHOWN_MODELS:])
        rows.append((f"{len(counts) - SHOWN_MODELS} others", f"{rest:,}", share(rest / calls), ""))
    return rows


def token_rows(traffic: TrafficProfile) -> list[Row]:
    """Input and output tokens of a call: mean, p50, p95, p99; none where no tokens are known."""
    rows: list[Row] = []
    for name, mean, ranks in (
        ("input", traffic.mean_input_tokens, traffic.input_percentiles),
        ("output", traffic.mean_output_tokens, traffic.output_percentiles),
    ):
        if ranks is not None:
            rows.append((name, f"{mean:,.0f}", f"{ranks.p50:,}", f"{ranks.p95:,}", f"{ranks.p99:,}"))
    return rows


def traffic_rows(found: Inspection) -> list[Row]:
    """The traffic's other figures, each with its label."""
    traffic = found.traffic
    rows: list[Row] = [("calls a month", _volume(traffic)), ("time span", _span(traffic))]
    rates = (
        ("tools", traffic.tools_rate),
        ("JSON answers", traffic.json_rate),
        ("images", traffic.vision_rate),
        ("several turns", traffic.multi_turn_rate),
    )
    rows.append(("share of calls", ", ".join(f"{name} {share(rate)}" for name, rate in rates)))
    if traffic.calls_with_estimated_usage:
        estimated = counted(traffic.calls_with_estimated_usage, "call")
        rows.append(("tokens estimated", f"for {estimated}, from the text's length"))
    if traffic.calls_without_usage:
        rows.append(("tokens unknown", f"for {counted(traffic.calls_without_usage, 'call')}"))
    shown = list(traffic.segments.items())[:SHOWN_SEGMENTS]
    words = ", ".join(f"{plain(name)} {share(count / (traffic.calls or 1))}" for name, count in shown)
    more = found.segments - len(shown)
    rows.append(("segments", words + (f" and {more:,} more" if more > 0 else "")))
    return rows


def _volume(traffic: TrafficProfile) -> str:
    if traffic.monthly_requests is None:
        why = "the log has no times" if traffic.period_days is None else "under a day of calls"
        return f"unknown: {why}; state it: cqtui init asks, or monthly_request_volume under [traffic]"
    if traffic.monthly_source == "settings":
        return f"{traffic.monthly_requests:,}, as the settings state"
    return f"{traffic.monthly_requests:,}, at the log's rate; state it where the log is a sample"


def _span(traffic: TrafficProfile) -> str:
    if traffic.period_days is None or traffic.first_call is None or traffic.last_call is None:
        return "unknown"
    first, last = f"{traffic.first_call:%Y-%m-%d}", f"{traffic.last_call:%Y-%m-%d}"
    return f"{first if first == last else f'{first} to {last}'} (UTC), {days(traffic.period_days)}"


def cost_rows(found: Inspection) -> list[Row]:
    """What the traffic costs today, and which calls could not be priced."""
    traffic = found.traffic
    rows: list[Row] = []
    if traffic.billed_per_call_usd is not None:
        billed = _costs(traffic.billed_per_call_usd, traffic.monthly_bill_usd)
        rows.append(("as logged", f"{billed}; each on its model, cached tokens at their price"))
    priced = f"{traffic.billed_calls:,} of {counted(traffic.calls, 'call')}"
    if missing := _unpriced(found):
        priced += f"; not {', '.join(missing)}"
    rows.append(("priced", priced))
    if found.current is not None and traffic.cost_per_call_usd is not None:
        listed = _costs(traffic.cost_per_call_usd, traffic.monthly_cost_usd)
        rows.append(("at list price", f"{listed}; all on {found.current.id}, nothing cached, as candidates are priced"))
    return rows


def _unpriced(found: Inspection) -> list[str]:
    """The calls without a price: those without tokens, then those of models whose price is unknown."""
    without_tokens = found.traffic.calls_without_usage
    missing = [f"{counted(without_tokens, 'call')} without tokens"] if without_tokens else []
    models = sorted(found.unpriced.items(), key=lambda each: -each[1])
    missing += [
        f"{counted(count, 'call')} {'without a model' if model == UNKNOWN else f'of {named(model)}'}"
        for model, count in models[:SHOWN_MODELS]
    ]
    if len(models) > SHOWN_MODELS:
        missing.append(f"those of {len(models) - SHOWN_MODELS} more models")
    return missing


def _costs(per_call: Decimal, monthly: Decimal | None) -> str:
    return f"{money(per_call)} a call" + ("" if monthly is None else f", {money(monthly)} a month")


def plan_rows(found: Inspection, settings: Settings) -> list[Row]:
    """What ``cqtui optimize`` would use, or why it cannot and what to do."""
    plan, cost = found.plan, found.cost
    if plan is None or cost is None:
        problem = found.problem
        return [] if problem is None else [("not yet", plain(problem.title)), ("what to do", plain(problem.hint))]
    answers = found.log.tally.baseline_models
    own = sum(count for model, count in answers.items() if found.registered.get(model) == plan.current.id)
    of_it = f"{counted(own, 'answer')} in the log" if own else "not named in the log, all answers are taken as its own"
    rows: list[Row] = [
        ("current model", f"{plan.current.id}: {of_it}"),
        ("sample", f"{counted(len(plan.calls), 'call')} (at most {settings.thresholds.max_samples:,})"),
    ]
    if plan.variety is not None:
        rows.append(("variety", _variety(plan.variety)))
    if forced := forced_words(plan):
        rows.insert(1, ("a switch is forced", forced))
    if not plan.top:
        looked_at = len(plan.discovery.excluded)
        rows.append(("candidates", f"none: no cheaper model fits this traffic ({looked_at} looked at)"))
        return rows
    if few := few_words(plan):
        rows.append(("few calls", few))
    fit = {candidate.id for candidate in (*plan.discovery.eligible, *plan.ranked)}
    unfit = sum(each.model_id not in fit for each in plan.discovery.excluded)
    names = ", ".join(candidate.id for candidate in plan.top)
    rows.append(("candidates", f"{names}; {len(fit)} would fit, {unfit} would not"))
    rows.append(("judge", ", ".join(entry.id for entry in plan.panel.judges) or "none: checks alone"))
    worst = f", at worst {money(cost.worst_usd)}" if cost.worst_usd is not None else ""
    rows.append(("estimated cost", f"{money(cost.expected_usd)}{worst}; cap {money(settings.budget.usd)}"))
    return rows


def _variety(variety: Variety) -> str:
    if variety.varied == variety.calls:
        return "every prompt differs from the others"
    return f"{counted(variety.varied, 'different prompt')}: the others repeat one of them, word for word or nearly so"


def unknown_lines(found: Inspection) -> list[str]:
    """What to do about each model that the registry does not know, the most used first."""
    lines = [plain(without_keys(str(error))) for error in list(found.unknown.values())[:SHOWN_MODELS]]
    more = len(found.unknown) - len(lines)
    return lines + ([f"... and {more} more models that the registry does not know."] if more > 0 else [])


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def inspection_json(found: Inspection, next_step: str) -> dict[str, Any]:
    """All of it for programs; ``records`` is the sum of the ``outcomes``. Costs in USD, null where unknown."""
    read, traffic, plan, cost = found.log.read, found.traffic, found.plan, found.cost
    monthly = _float(traffic.monthly_cost_usd)
    return {
        "schema_version": SCHEMA_VERSION,
        "files": list(read.files),
        "formats": read.counts,
        "records": read.records,
        "calls": read.total_calls,
        "baseline_calls": traffic.baseline_calls,
        "outcomes": {
            "with_answer": traffic.baseline_calls,
            "without_answer": found.without_answer,
            "part_of_another": read.joined,
            "not_replayable": sum(read.skipped_for.values()),
            "rejected": read.rejected_count,
        },
        "not_replayable": {without_keys(reason): count for reason, count in read.skipped_for.items()},
        "skipped": [
            {"reason": without_keys(s.reason), "file": s.origin.file, "line": s.origin.line} for s in read.skipped
        ],
        "rejected": [{"reason": without_keys(r.reason), "file": r.file, "line": r.line} for r in read.rejected],
        "incomplete": [{"file": tail.file, "line": tail.line} for tail in read.tails],
        "current_model": found.current.id if found.current is not None else None,
        "models": [
            {"name": name, "calls": traffic.models[name], "registry_id": entry, "todo": _todo(found, name)}
            for name, entry in found.registered.items()
        ],
        "monthly_cost_usd": None if monthly is None else round(monthly, 4),
        "cost": {
            "billed_per_call_usd": _float(traffic.billed_per_call_usd),
            "billed_monthly_usd": _float(traffic.monthly_bill_usd),
            "billed_calls": traffic.billed_calls,
            "calls_without_tokens": traffic.calls_without_usage,
            "calls_without_price": dict(found.unpriced),
            "list_per_call_usd": _float(traffic.cost_per_call_usd),
            "list_monthly_usd": monthly,
        },
        "traffic": traffic.model_dump(mode="json"),
        "optimize": None
        if plan is None or cost is None
        else {
            "current_model": plan.current.id,
            "sample": len(plan.calls),
            "different_prompts": None if plan.variety is None else plan.variety.varied,
            "candidates": [candidate.id for candidate in plan.top],
            "judges": [entry.id for entry in plan.panel.judges],
            "calls": cost.calls,
            "expected_usd": _float(cost.expected_usd),
            "worst_usd": _float(cost.worst_usd),
        },
        "problem": None if found.problem is None else {"what": found.problem.title, "todo": found.problem.hint},
        "next": next_step,
    }


def _todo(found: Inspection, name: str) -> str | None:
    error = found.unknown.get(name)
    return None if error is None else str(error)
