"""What could be saved without changing the model: prompt caching, batch jobs, a lower effort. From the log alone. Pure.

Nothing here is measured. Each figure is what the log's own calls would have cost under the provider's rules and the
registry's prices; where a rule, a price or a time is unknown the saving is unknown, never 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from cqtui.engine.bill import Bill
from cqtui.engine.effort import EffortStep, effort_of, effort_step
from cqtui.engine.facts import estimated_usage, segment_of
from cqtui.engine.prefixes import Marks, Prompt, cache_uses, prompt_of
from cqtui.models import REASONING_EFFORT, LoggedCall, ModelEntry, TrafficProfile, Usage
from cqtui.registry.caching import CacheRule, cache_rule
from cqtui.registry.pricing import price_on
from cqtui.results import CacheTokens, SameModelSavings
from cqtui.settings import Traffic

WHERE: dict[Marks, str] = {
    "head": "the system prompt (tools come before it)",
    "head_and_last": "the system prompt (tools come before it) and of the last message",
    "head_and_before_last": "the system prompt (tools come before it) and of the block before the last",
}


@dataclass(frozen=True, slots=True)
class CountedCall:
    """A call whose token counts are known, logged or estimated."""

    call: LoggedCall
    usage: Usage

    @property
    def tokens(self) -> int:
        """All input tokens."""
        return self.usage.input_tokens or 0

    @property
    def output(self) -> int:
        """All output tokens."""
        return self.usage.output_tokens or 0

    def enter(self, bill: Bill) -> None:
        """Enter what the call cost, with what the log says of the cache."""
        read, written = self.usage.cached_tokens or 0, self.usage.cache_write_tokens or 0
        bill.add(self.tokens, read=read, written=written, output=self.output)


@dataclass(frozen=True)
class ModelLog:
    """A model's calls; ``total`` of them, ``calls`` with known counts. ``monthly_usd`` is the list cost of a month."""

    entry: ModelEntry
    as_of: date
    total: int
    calls: Sequence[CountedCall]
    monthly_usd: Decimal | None

    def list_usd(self, calls: Sequence[CountedCall]) -> Decimal | None:
        """What calls cost at list price without cache discounts, in USD."""
        bill = Bill(self.entry, self.as_of)
        for counted in calls:
            bill.add(counted.tokens, output=counted.output)
        return bill.usd

    def figures(self, saving: Decimal, of: Sequence[CountedCall], looked_at: int) -> dict[str, Any]:
        """The fields of a saving: in USD, in percent of the list cost of ``of``, and a month."""
        cost = self.list_usd(of)
        share = saving / cost if cost else None
        return {
            "saving_usd": saving,
            "saving_percent": None if share is None else float(100 * share),
            "monthly_usd": None if share is None or self.monthly_usd is None else share * self.monthly_usd,
            "calls": looked_at,
            "left_out": self.total - looked_at,
        }


def same_model_savings(
    calls: Sequence[LoggedCall], entry: ModelEntry, profile: TrafficProfile, traffic: Traffic, as_of: date
) -> tuple[SameModelSavings, ...]:
    """What could be saved on a model's own calls.

    Args:
        calls: All that the model answered, in any order.
        entry: The model.
        profile: What the log says of the traffic; gives the cost of a month.
        traffic: What the user states of it.
        as_of: The day of the prices.

    Returns:
        Prompt caching, then batch jobs where calls can wait, then a lower effort where there is one.
    """
    log = model_log(calls, entry, profile, traffic, as_of)
    found = [
        caching_saving(log, cache_rule(entry)),
        batch_saving(log, traffic),
        effort_saving(log, effort_step(entry, calls)),
    ]
    return tuple(saving for saving in found if saving is not None)


def model_log(
    calls: Sequence[LoggedCall], entry: ModelEntry, profile: TrafficProfile, traffic: Traffic, as_of: date
) -> ModelLog:
    """The calls with their token counts; those whose counts are unknown or contradict each other are only counted."""
    usages = ((call, estimated_usage(call, traffic)) for call in calls)
    counted = [CountedCall(call, usage) for call, usage in usages if _is_known(usage)]
    return ModelLog(entry, as_of, len(calls), counted, profile.monthly_cost_usd)


def _is_known(usage: Usage) -> bool:
    tokens, output = usage.input_tokens, usage.output_tokens
    cached = (usage.cached_tokens or 0) + (usage.cache_write_tokens or 0)
    return tokens is not None and output is not None and cached <= tokens


def caching_saving(log: ModelLog, rule: CacheRule | None) -> SameModelSavings | None:
    """What prompt caching by a rule would save, net of what the log says was cached; None for an empty log."""
    if not log.total:
        return None
    why = _why_caching_is_unknown(log, rule)
    best = _best_use(log, rule) if rule is not None and why is None else None
    if rule is None or best is None:
        why = why or "no call is of text alone, so there is no telling the tokens of a prefix"
        return SameModelSavings(kind="prompt_caching", what="Prompt caching", left_out=log.total, unknown=why)
    saving = max(Decimal(0), best.saving)
    return SameModelSavings(
        kind="prompt_caching",
        what="Prompt caching",
        **log.figures(saving, log.calls, best.calls),
        is_upper_bound=bool(best.silent and saving),
        cache=best.tokens,
        how=_how(rule, best.marks) if saving else "",
        notes=tuple(_caching_notes(rule, best)),
    )


def _why_caching_is_unknown(log: ModelLog, rule: CacheRule | None) -> str | None:
    price, provider = price_on(log.entry, log.as_of), log.entry.provider
    if rule is None:
        return f"how {provider} caches this model's prompts is not known here"
    if rule.lifetime_s is None:
        return f"{provider} does not say for how long it keeps a prefix ({rule.source})"
    if rule.minimum_tokens is None:
        return f"{provider} does not say how long a prefix must be ({rule.source})"
    if price is None or price.cache_read is None:
        return "the price of cached tokens is unknown"
    if rule.writes == "priced" and price.cache_write is None:
        return "the price of writing to the cache is unknown"
    if all(counted.call.time is None for counted in log.calls):
        return "the log does not say when the calls were made"
    return None


@dataclass(frozen=True)
class _CacheUse:
    """What one way of marking would have made of the log.

    ``saving`` in USD is against what the log's own use of the cache cost; ``silent`` calls do not say what was read.
    """

    marks: Marks
    calls: int
    silent: int
    saving: Decimal
    tokens: CacheTokens


def _prompts(log: ModelLog) -> Iterator[Prompt]:
    """The calls' prompts by time, one after the other: only what is alive in the cache is held."""
    timed = [(counted.call.time.timestamp(), counted) for counted in log.calls if counted.call.time is not None]
    for _, counted in sorted(timed, key=lambda item: (item[0], item[1].call.id)):
        prompt = prompt_of(counted.call, counted.usage)
        if prompt is not None:
            yield prompt


def _best_use(log: ModelLog, rule: CacheRule) -> _CacheUse | None:
    """The way of marking that saves most; None where no prompt can be told apart."""
    today = Bill(log.entry, log.as_of)
    ways: dict[Marks, tuple[Bill, list[int]]] = {}
    calls = silent = tokens = logged = 0
    for prompt, uses in cache_uses(_prompts(log), rule):
        calls += 1
        silent += prompt.logged_read is None
        tokens += prompt.tokens
        logged += prompt.logged_read or 0
        # Output costs the same on both sides, so it is left out of both.
        today.add(prompt.tokens, read=prompt.logged_read or 0, written=prompt.logged_written)
        for marks, use in uses.items():
            bill, counts = ways.setdefault(marks, (Bill(log.entry, log.as_of), [0, 0]))
            bill.add(prompt.tokens, read=use.read, written=use.written)
            counts[0] += use.read
            counts[1] += use.written
    cost = today.usd
    found = [
        _CacheUse(
            marks,
            calls,
            silent,
            cost - bill.usd,
            CacheTokens(input=tokens, read=counts[0], written=counts[1], logged_read=logged),
        )
        for marks, (bill, counts) in ways.items()
        if cost is not None and bill.usd is not None
    ]
    return max(found, key=lambda use: use.saving, default=None)


def _how(rule: CacheRule, marks: Marks) -> str:
    if rule.mode == "automatic":
        how = "Nothing to switch on: keep what the calls share at the beginning, and the same to the byte."
    else:
        how = f"Mark the end of {WHERE[marks]} with {rule.mark}."
    return f"{how} {rule.needs}".rstrip()


def _caching_notes(rule: CacheRule, best: _CacheUse) -> Iterator[str]:
    tokens, lifetime = best.tokens, _duration(rule.lifetime_s or 0)
    if best.saving <= 0:
        if tokens.read == 0:
            yield f"No prefix of at least {rule.minimum_tokens or 0:,} tokens came again within {lifetime}."
        elif tokens.read <= tokens.logged_read:
            yield "What can be read from the cache is read from it already."
        else:
            yield "Writing to the cache would cost more than reading from it saves."
    if tokens.read:
        written = f" and {tokens.written:,} written to it" if rule.writes == "priced" else ""
        already = f"the log says that {tokens.logged_read:,} were"
        if best.silent:
            already = f"{best.silent:,} of {best.calls:,} calls do not say what was, so part of it may be saved already"
        yield f"Of {tokens.input:,} input tokens {tokens.read:,} would be read from the cache{written}; {already}."
    where = f"{rule.source}, read {rule.read.isoformat()}"
    yield (
        f"A prefix counts from {rule.minimum_tokens or 0:,} tokens on, where an earlier call with exactly the same one "
        f"was within {lifetime} ({where}). Its tokens are its share of the prompt's bytes: an estimate."
    )


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:g} hours" if seconds >= 7200 else f"{seconds / 60:g} minutes"


def batch_saving(log: ModelLog, traffic: Traffic) -> SameModelSavings | None:
    """What batch jobs would save on the calls that the user says can wait; None where no call can."""
    segments, share = set(traffic.batch_segments), Decimal(str(traffic.batch_share))
    if not segments and not share:
        return None
    what = f"Batch jobs for {100 * traffic.batch_share:g}% of the calls"
    waiting = log.calls
    if segments:
        share, what = Decimal(1), f"Batch jobs for {', '.join(traffic.batch_segments)}"
        waiting = [counted for counted in log.calls if segment_of(counted.call) in segments]
    price = price_on(log.entry, log.as_of)
    known = [counted for counted in waiting if _has_batch_price(log.entry, counted)]
    unknown = None
    if price is None or price.batch_input is None or price.batch_output is None:
        unknown = "the registry knows no batch price of this model"
    elif not waiting:
        unknown = "no call of the log is of these segments"
    elif not known:
        unknown = "the registry knows no batch price for calls as long as these"
    today, batch = Bill(log.entry, log.as_of), Bill(log.entry, log.as_of, batch=True)
    for counted in known:
        counted.enter(today)
        batch.add(counted.tokens, output=counted.output)
    cost, cheaper = today.usd, batch.usd
    if unknown is not None or cost is None or cheaper is None:
        return SameModelSavings(kind="batch", what=what, left_out=log.total, unknown=unknown or "a price is unknown")
    missing = sorted(segments - {segment_of(counted.call) for counted in waiting})
    saving = max(Decimal(0), share * (cost - cheaper))
    notes = ["As you state under [traffic] in cqtui.toml; answers come within a day."]
    if missing:
        notes.append(f"No call of the log is of segment {', '.join(missing)}.")
    if not saving:
        notes.append("What is read from the cache now costs no more than it would in a batch job.")
    return SameModelSavings(
        kind="batch",
        what=what,
        **{**log.figures(saving, log.calls, len(known)), "left_out": len(waiting) - len(known)},
        how="Send these calls through the provider's batch interface.",
        notes=tuple(notes),
    )


def _has_batch_price(entry: ModelEntry, counted: CountedCall) -> bool:
    return all(counted.tokens <= tier.above_input_tokens for tier in entry.price_tiers)


def effort_saving(log: ModelLog, step: EffortStep | None) -> SameModelSavings | None:
    """The most that the next lower reasoning effort could save: all that reasoning costs now; None for nothing."""
    if step is None:
        return None
    if step.unknown is not None:
        what = "A lower reasoning effort"
        return SameModelSavings(kind="lower_effort", what=what, left_out=log.total, unknown=step.unknown)
    what, options = f"Reasoning effort {step.lower} in place of {step.now}", {REASONING_EFFORT: step.lower}
    known = [counted for counted in log.calls if counted.usage.reasoning_tokens is not None]
    with_reasoning, without = Bill(log.entry, log.as_of), Bill(log.entry, log.as_of)
    for counted in known:
        is_lower = effort_of(counted.call, log.entry) == step.lower
        reasoning = 0 if is_lower else min(counted.usage.reasoning_tokens or 0, counted.output)
        with_reasoning.add(counted.tokens, output=reasoning)
        without.add(counted.tokens)
    cost, rest = with_reasoning.usd, without.usd
    if not known or cost is None or rest is None:
        unknown = "the log does not say how many output tokens were reasoning" if not known else "its price is unknown"
        return SameModelSavings(kind="lower_effort", what=what, options=options, left_out=log.total, unknown=unknown)
    if cost == rest:
        return None
    return SameModelSavings(
        kind="lower_effort",
        what=what,
        options=options,
        **log.figures(cost - rest, known, len(known)),
        is_upper_bound=True,
        how=f"Set {REASONING_EFFORT} to {step.lower}.",
        notes=("As if no reasoning were left. What it really saves, and what becomes of the answers, a replay shows.",),
    )
