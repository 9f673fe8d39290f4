"""A lower reasoning effort as a candidate: which one comes next below, and the most that it could save. Pure."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from cqtui.engine.discover import Discovery
from cqtui.gateway.translate import takes
from cqtui.models import REASONING_EFFORT, Candidate, Excluded, LoggedCall, ModelEntry
from cqtui.results import SameModelSavings


@dataclass(frozen=True)
class EffortStep:
    """From the effort that most calls have now to the next lower one; or why there is no telling."""

    now: str = ""
    lower: str = ""
    unknown: str | None = None


def effort_of(call: LoggedCall, entry: ModelEntry) -> str | None:
    """The reasoning effort that a logged call had: the one it states, else the model's default; None is unknown."""
    stated = call.params.get(REASONING_EFFORT)
    if isinstance(stated, str):
        return stated
    # Another interface's way to ask for one: what it says there is not read, so the default is no answer either.
    return None if "reasoning" in call.params else entry.default_reasoning_effort


def effort_step(entry: ModelEntry, calls: Sequence[LoggedCall]) -> EffortStep | None:
    """The step down from the effort that most of a model's calls have.

    A candidate's options hold for every call, so none may be at a lower effort already: it would be raised.

    Returns:
        The step; None where the model takes no efforts, or is at its least.
    """
    efforts = entry.reasoning_efforts
    if not efforts or not calls:
        return None
    counts = Counter(effort_of(call, entry) for call in calls)
    silent = counts.pop(None, 0)
    if silent:
        return EffortStep(
            unknown=f"calls that do not say their effort: {silent:,}; the model's default is not known here"
        )
    odd = next((effort for effort in counts if effort not in efforts), None)
    if odd is not None:
        return EffortStep(unknown=f'the log\'s effort "{odd}" is not among those known of the model')
    now = counts.most_common(1)[0][0]
    place = efforts.index(now or "")
    if place == 0:
        return None
    below = sum(counts[effort] for effort in efforts[: place - 1])
    if below:
        return EffortStep(unknown=f"calls that ask for less than {efforts[place - 1]} already: {below:,}")
    return EffortStep(now or "", efforts[place - 1])


def with_lower_effort(
    discovery: Discovery,
    current: ModelEntry,
    savings: Sequence[SameModelSavings],
    cost_per_call_usd: Decimal | None,
    min_saving_percent: float,
) -> Discovery:
    """Put the lower effort before the other candidates, or among the excluded with the reason.

    Args:
        discovery: What was found among other models.
        current: The model in use.
        savings: What could be saved on it.
        cost_per_call_usd: What a call costs now.
        min_saving_percent: What a candidate must plausibly save.
    """
    found = next((s for s in savings if s.kind == "lower_effort" and s.options), None)
    if found is None or discovery.forced_switch or not cost_per_call_usd:
        return discovery
    most = found.saving_percent
    candidate = Candidate(
        entry=current,
        options=found.options,
        cost_per_call_usd=cost_per_call_usd * (1 - Decimal(str(most or 0)) / 100),
        expected_saving_percent=most or 0.0,
        saving_is_bound=True,
        warnings=(f"saves at most {most or 0:.0f}%: as if no reasoning were left",),
    )
    if most is None:
        reason: str | None = found.unknown
    elif not takes(current, REASONING_EFFORT, found.options[REASONING_EFFORT]):
        reason = f"{REASONING_EFFORT} is not sent to models of {current.family}"
    elif most < min_saving_percent:
        reason = f"saves at most {most:.0f}%"
    else:
        return dataclasses.replace(discovery, chosen=(candidate, *discovery.chosen))
    excluded = Excluded(model_id=candidate.id, reason=reason or "what it saves is unknown")
    return dataclasses.replace(discovery, excluded=(excluded, *discovery.excluded))
