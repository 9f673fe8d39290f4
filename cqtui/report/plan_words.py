"""What was read and what a run will do, in lines for people. Pure."""

from __future__ import annotations

from cqtui.engine.estimate import Estimate
from cqtui.engine.plan import Plan, recipients
from cqtui.importers import LogRead
from cqtui.redaction.redactor import counted_words, without_keys
from cqtui.report.filters import money, plain
from cqtui.report.same_model import saving_words
from cqtui.settings import HOSTED_BASE_URL, Settings

SHOWN_PROBLEMS = 5


def counted(count: int, what: str) -> str:
    """A number with its noun: ``1 call``, ``1,200 calls``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def skipped_words(read: LogRead) -> str:
    """Why records that were recognised give no call, with counts; empty where there are none."""
    return ", ".join(f"{plain(without_keys(reason))} {count:,}" for reason, count in read.skipped_for.items())


def problem_lines(read: LogRead) -> list[str]:
    """The first records that could not be used, each with file:line, and how many more there are."""
    lines = []
    for problem in read.rejected[:SHOWN_PROBLEMS]:
        where = f"{problem.file}:{problem.line}" if problem.line else problem.file
        reason = problem.reason.removeprefix(f"{problem.file}: ").removesuffix(".")
        lines.append(f"{plain(where)}: {plain(without_keys(reason))}. Skipped.")
    if read.rejected_count > SHOWN_PROBLEMS:
        lines.append(f"... and {read.rejected_count - SHOWN_PROBLEMS:,} more unusable records.")
    written = "the last line is incomplete, as of a log that is being written. Not counted."
    return lines + [f"{plain(tail.file)}:{tail.line}: {written}" for tail in read.tails[:SHOWN_PROBLEMS]]


def read_lines(read: LogRead) -> list[str]:
    """How many calls were read, of which formats, and how many of them were kept."""
    formats = ", ".join(f"{name} {count:,}" for name, count in read.counts.items())
    lines = [f"Read {read.total_calls:,} calls from {counted(len(read.files), 'file')} ({formats or 'none'})."]
    if read.left_out and read.calls:
        lines.append(f"Kept a random sample of {len(read.calls):,} of them; the traffic's figures are of all.")
    return lines


def describe_log(read: LogRead) -> list[str]:
    """What was read, in lines for people: counts by format, what was skipped, the first problems with file:line."""
    skipped = [f"Skipped: {skipped_words(read)}."] if read.skipped_for else []
    return [*read_lines(read), *skipped, *problem_lines(read)]


def sentence_of_recipients(plan: Plan) -> str:
    """Who will receive the prompts, the judge's provider included; or that nobody will."""
    match plan.settings.provider:
        case "rehearsal":
            return "Rehearsal: simulated models on this machine. Nothing is sent anywhere, nothing is spent."
        case "local":
            return "Local inference on this machine: nothing leaves it."
        case "recorded":
            return "Answers come from a recording: nothing is sent."
        case _:
            where = without_keys(plan.settings.gateway.base_url or HOSTED_BASE_URL)
            to_whom = f"{', '.join(recipients(plan))} through {where}"
            return f"Your prompts will be sent {_as_what(plan)} to {to_whom}{_replaced(plan)}."


def _as_what(plan: Plan) -> str:
    return "as logged (redaction is off)" if plan.redaction is None else "redacted"


def _replaced(plan: Plan) -> str:
    """What was replaced in the calls that may be sent, in brackets; empty where redaction is off."""
    if plan.redaction is None:
        return ""
    total = sum(plan.redaction.counts.values())
    if not total:
        return " (no e-mail address, phone number or key was found in them)"
    return f" ({counted_words(plan.redaction.counts)} replaced: {total:,} in {plan.redaction.changed:,} calls)"


def describe_plan(plan: Plan, cost: Estimate) -> list[str]:
    """What the log costs today, who will be tried on how many calls, who receives the prompts, and what it may cost."""
    settings = plan.settings
    today = plan.traffic.monthly_today_usd
    lines = [
        f"{plan.current.short_name} costs you about {money(today)} a month."
        if today is not None
        else f"{plan.current.short_name} costs {money(plan.traffic.cost_per_call_usd)} a call."
    ]
    lines += [
        f"Without changing the model, {saving_words(saving)}: computed from the log, not measured."
        for saving in plan.same_model
        if saving.saving_usd and saving.kind != "lower_effort"
    ]
    if not plan.top:
        return [*lines, "No cheaper model fits this traffic."]
    names = ", ".join(candidate.short_name for candidate in plan.top)
    left_out = len(plan.discovery.excluded)
    why = f" ({left_out} other models left out; the report says why)" if left_out else ""
    lines.append(f"Trying {names} on {len(plan.calls)} calls{why}.")
    lines += [f"{c.id}: {warning}." for c in plan.top for warning in c.warnings]
    if settings.guardrails:
        lines.append(f"Then under the guardrail sets {', '.join(settings.guardrails)}, those that pass.")
    lines.append(sentence_of_recipients(plan))
    if settings.provider != "portkey":
        return lines
    if settings.batch:
        lines.append(
            "In batch jobs, at the batch price where there is one; a job may take a day. Stop whenever you like."
        )
    worst = f", at worst {money(cost.worst_usd)}" if cost.worst_usd is not None else ""
    monthly = settings.budget.monthly_usd
    shared = "" if monthly is None else f", and what is left of {money(monthly)} for this month's runs"
    lines.append(f"Estimated cost {money(cost.expected_usd)}{worst}; cap {money(settings.budget.usd)}{shared}.")
    return lines


def next_steps(settings: Settings, *, dry_run: bool, has_candidates: bool, has_key: bool) -> list[str]:
    """What to do after a look at the plan, or after a rehearsal; empty after any other run."""
    if dry_run and not has_candidates:
        return ["Next: the same command without --dry-run writes down why, and calls nothing."]
    if dry_run and settings.provider == "portkey":
        return [
            "Next: the same command with --provider rehearsal in place of --dry-run: simulated models, free.",
            f"Then without either, the real run: {_needs(settings, has_key)}.",
        ]
    if dry_run:
        return ["Next: the same command without --dry-run."]
    if settings.provider == "rehearsal":
        return [
            "Simulated answers prove nothing. Next: the same command without --provider rehearsal, the real run: "
            f"{_needs(settings, has_key)}.",
            "cqtui health checks key, gateway and models first; --provider local tries real answers on this machine.",
        ]
    return []


def _needs(settings: Settings, has_key: bool) -> str:
    if settings.gateway.base_url:
        return f"it asks before it spends anything, through {without_keys(settings.gateway.base_url)}"
    if has_key:
        return "it asks before it spends anything"
    return "it needs PORTKEY_API_KEY, or --base-url for a gateway of your own, and asks before it spends anything"
