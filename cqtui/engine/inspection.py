"""What a log holds, what it costs today and what a run on it would do; nothing is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cqtui.engine.estimate import Estimate, estimate
from cqtui.engine.log import KnownModels, Log
from cqtui.engine.plan import Plan, make_plan
from cqtui.engine.tally import OTHERS, UNKNOWN
from cqtui.engine.traffic import profile_of, redacted
from cqtui.errors import BadInputError
from cqtui.models import ModelEntry, TrafficProfile
from cqtui.registry.loader import Registry
from cqtui.settings import Settings


@dataclass(frozen=True, slots=True)
class Inspection:
    """A log as ``cqtui logs inspect`` shows it.

    Attributes:
        log: What was read.
        traffic: Its traffic, names as they may be shown.
        current: The model that comparisons would be made with; None where the registry knows none.
        registered: Each model that the log names, the most used first, and its id in the registry, where it has one.
        unknown: Why the registry has no entry for a model that the log names, and what to do.
        unpriced: Calls with known tokens and no known price, by model.
        plan: What ``cqtui optimize`` would do; None where it cannot.
        cost: What that would cost.
        problem: Why it cannot, and what to do.
    """

    log: Log
    traffic: TrafficProfile
    current: ModelEntry | None
    registered: Mapping[str, str | None]
    unknown: Mapping[str, BadInputError]
    unpriced: Mapping[str, int]
    plan: Plan | None
    cost: Estimate | None
    problem: BadInputError | None

    @property
    def without_answer(self) -> int:
        """Calls that have a prompt and no answer to compare with."""
        return self.traffic.calls - self.traffic.baseline_calls

    @property
    def segments(self) -> int:
        """The kinds of traffic in the log; the profile has the largest of them."""
        return len(self.log.tally.counts.segments)


def inspect_log(log: Log, settings: Settings, registry: Registry) -> Inspection:
    """Look at a log as a run with these settings would."""
    known = KnownModels(registry)
    name = settings.current_model or log.tally.most_used_model
    current = known.entry_of(name) if name else None
    traffic = profile_of(log.tally, current, settings.traffic, settings.as_of, known.entry_of)
    registered: dict[str, str | None] = {}
    unknown: dict[str, BadInputError] = {}
    for name in traffic.models:
        if name in (UNKNOWN, OTHERS):
            continue
        try:
            registered[name] = registry.get(name).id
        except BadInputError as error:
            registered[name], unknown[name] = None, error
    plan, cost, problem = None, None, what_is_missing(log)
    if problem is None:
        try:
            plan = make_plan(settings, registry, log)
            cost = estimate(plan)
        except BadInputError as error:
            problem = error
    return Inspection(
        log=log,
        traffic=redacted(traffic, settings.privacy),
        current=current,
        registered=registered,
        unknown=unknown,
        unpriced=log.tally.unpriced(known.entry_of, settings.as_of),
        plan=plan,
        cost=cost,
        problem=problem,
    )


def what_is_missing(log: Log) -> BadInputError | None:
    """What a log lacks that no run can do without, and what to do; None where it lacks nothing."""
    if not log.tally.calls:
        return BadInputError(
            "No record holds a prompt.",
            "docs/log-formats.md says how to log prompts; the output of a batch needs its input file beside it.",
        )
    if not log.tally.baseline_calls:
        return BadInputError(
            "No call has an answer to compare with.",
            "Log answers as well; those of a batch are in its output file: name both files.",
        )
    return None
