"""What was read and what a run will do, in lines for people. Pure."""

from __future__ import annotations

from cqtui.engine.decide import retirement_words
from cqtui.engine.estimate import Estimate
from cqtui.engine.plan import Plan, recipients
from cqtui.importers import LogRead
from cqtui.redaction.redactor import counted_words, without_keys
from cqtui.report.filters import counted, money, plain
from cqtui.report.same_model import saving_words
from cqtui.settings import HOSTED_BASE_URL

SHOWN_PROBLEMS = 5
# What a verified answer takes, as simulated (docs/verdicts.md).
FEWEST_CALLS, MANY_CALLS = 130, 400


def skipped_words(read: LogRead) -> str:
    """Why records that were recognised give no call, with counts; empty where there are none."""
    return "; ".join(f"{plain(without_keys(reason))} ({count:,})" for reason, count in read.skipped_for.items())


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
    lines = [f"Read {counted(read.total_calls, 'call')} from {counted(len(read.files), 'file')} ({formats or 'none'})."]
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
    total, binary = sum(plan.redaction.counts.values()), plan.redaction.with_binary
    found = "no e-mail address, phone number or key was found in them"
    if total:
        where = counted(plan.redaction.changed, "call")
        found = f"{counted_words(plan.redaction.counts)} replaced: {total:,} in {where}"
    left = f"; images, audio and files in {counted(binary, 'call')} go as logged" if binary else ""
    return f" ({found}{left})"


def few_words(plan: Plan) -> str:
    """That the calls are too few to be verified, and what to do; empty where they may suffice."""
    calls = len(plan.calls)
    if calls >= FEWEST_CALLS:
        return ""
    takes = f"a verified answer takes about {FEWEST_CALLS} to {MANY_CALLS}"
    if calls >= plan.settings.thresholds.max_samples:
        return f"max_samples allows {counted(calls, 'call')}; {takes}"
    return f"the log has {counted(calls, 'call')} of {plan.current.short_name} to compare with; {takes}"


def forced_words(plan: Plan) -> str:
    """That a switch is forced, and what follows; empty where the current model stays."""
    if not plan.discovery.forced_switch:
        return ""
    return f"{plan.current.short_name} {retirement_words(plan.current)}: a replacement may cost more"


def cap_words(plan: Plan, cost: Estimate) -> str:
    """That the estimate is above what the run may spend, and what then happens; empty where it is not."""
    cap = plan.settings.budget.usd
    if cost.expected_usd is None or cost.expected_usd <= cap:
        return ""
    return (
        f"The estimate is of every call; a run stops as soon as the evidence is in. Where the {money(cap)} end first, "
        "what was paid for is kept: the same command with a larger --budget-usd goes on there."
    )


def _about(amount: str) -> str:
    return amount if amount.startswith(("under", "about")) else f"about {amount}"


def describe_plan(plan: Plan, cost: Estimate) -> list[str]:
    """What the log costs today, who will be tried on how many calls, who receives the prompts, and what it may cost."""
    settings = plan.settings
    today = plan.traffic.monthly_today_usd
    lines = [
        f"{plan.current.short_name} costs you {_about(money(today))} a month."
        if today is not None
        else f"{plan.current.short_name} costs {money(plan.traffic.cost_per_call_usd)} a call."
    ]
    if forced := forced_words(plan):
        lines.append(f"{forced}.")
    lines += [
        f"Without changing the model, {saving_words(saving)}: computed from the log, not measured."
        for saving in plan.same_model
        if saving.saving_usd and saving.kind != "lower_effort"
    ]
    if not plan.top:
        return [*lines, "No cheaper model fits this traffic."]
    names = ", ".join(candidate.short_name for candidate in plan.top)
    left_out = len(plan.discovery.excluded)
    why = f" ({counted(left_out, 'other model')} left out; the report says why)" if left_out else ""
    lines.append(f"Trying {names} on {counted(len(plan.calls), 'call')}{why}.")
    if few := few_words(plan):
        lines.append(f"Few calls: {few}.")
    lines += [f"{c.id}: {warning}." for c in plan.top for warning in c.warnings]
    if settings.guardrails:
        lines.append(f"Then under the guardrail sets {', '.join(settings.guardrails)}, those that pass.")
    if settings.provider != "portkey":
        return [*lines, sentence_of_recipients(plan)]
    lines.append(sentence_of_recipients(plan))
    if settings.batch:
        lines.append(
            "In batch jobs, at the batch price where there is one; a job may take a day. Stop whenever you like."
        )
    if above := cap_words(plan, cost):
        lines.append(above)
    worst = f", at worst {money(cost.worst_usd)}" if cost.worst_usd is not None else ""
    monthly = settings.budget.monthly_usd
    shared = "" if monthly is None else f", and what is left of {money(monthly)} for this month's runs"
    lines.append(f"Estimated cost {money(cost.expected_usd)}{worst}; cap {money(settings.budget.usd)}{shared}.")
    return lines
