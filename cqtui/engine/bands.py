"""Which candidates are tried next where none of the first is acceptable, and what evidence each must reach."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cqtui.engine.plan import Plan
from cqtui.engine.rank import rank
from cqtui.models import Candidate
from cqtui.stats.multiplicity import BAND_SHARES, evidence_threshold, single_switch_threshold


def threshold_of(plan: Plan, band: int, candidates: int) -> float:
    """The evidence that each candidate of a band must reach (methods.md, section 0.6); infinite once alpha is spent.

    Where no second band can follow (candidates are named, or one round is allowed) the first has all of alpha.
    """
    alpha, sets = plan.settings.thresholds.alpha, max(1, len(plan.settings.guardrails))
    if plan.settings.candidates or plan.settings.thresholds.max_iteration_loops == 1:
        return candidates * sets * single_switch_threshold(alpha)
    if band >= len(BAND_SHARES):
        return math.inf
    return evidence_threshold(candidates, sets, band, alpha)


def stronger_band(plan: Plan, tried: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The next candidates to try when none of those tried is acceptable: dearer than these, fittest first."""
    if not tried or plan.settings.candidates:
        return ()
    # A lower effort of the current model says nothing of how strong the models were that were tried.
    others = [c for c in tried if not c.saving_is_bound]
    floor = math.exp(sum(math.log(float(c.cost_per_call_usd)) for c in others) / len(others)) if others else 0.0
    known = {c.id for c in tried} | {judge.id for judge in plan.panel.models}
    rest = [c for c in plan.discovery.eligible if c.id not in known and float(c.cost_per_call_usd) > floor]
    ranked = rank(rest, plan.registry, plan.settings.use_case, plan.settings.constraints.max_latency_ms)
    return ranked[: plan.settings.n_top]
