"""From evidence to one of three answers, in one sentence. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from cqtui.engine.gates import about
from cqtui.models import ModelEntry, TrafficProfile
from cqtui.results import BusinessImpact, Evidence, Grade, Interval, Pair
from cqtui.settings import Thresholds
from cqtui.stats.paired import PairedDifference, paired_difference
from cqtui.stats.segments import shrink_effects

NOT_MEASURABLE_PERCENT = 0.5
_MONTHS = 12


@dataclass(frozen=True)
class Answer:
    """What to do, and why."""

    grade: Grade
    sentence: str
    reason: str
    recommended: Evidence | None
    runner_up: Evidence | None
    closest: Evidence | None
    all_rejected: bool = False


def cost_words(saving: Interval) -> str:
    """Say "reduces cost by 42%": savings round down, increases round up, and neither is said to be 0%."""
    if abs(saving.value) <= 1e-9:
        return "leaves the cost as it is"
    if saving.value >= 0:
        return f"reduces cost by {math.floor(saving.value + 1e-9) or 'under 1'}%"
    return f"raises cost by {math.ceil(-saving.value - 1e-9)}%"


def _percent_with_article(percent: int) -> str:
    article = "an" if percent in (8, 11, 18) or 80 <= percent < 90 else "a"
    return f"{article} {percent}%"


def quality_words(impact: Interval) -> str:
    """Say "with a 6% quality impact": losses round up, gains down."""
    if abs(impact.value) < NOT_MEASURABLE_PERCENT and impact.low <= 0 <= impact.high:
        return "with no measurable quality impact"
    if impact.value < 0:
        return f"with {_percent_with_article(math.ceil(-impact.value - 1e-9))} quality impact"
    gain = math.floor(impact.value + 1e-9)
    return f"with {_percent_with_article(gain)} quality gain" if gain else "with no measurable quality impact"


def switch_sentence(current: str, candidate: str, saving: Interval, impact: Interval) -> str:
    """The sentence that the product is for."""
    return f"Switching from {current} to {candidate} {cost_words(saving)} {quality_words(impact)}."


def retirement_words(entry: ModelEntry) -> str:
    """Say "retires on 2026-10-23" (or did), or "is retired" where no date is known."""
    return f"retires on {entry.deprecated.isoformat()}" if entry.deprecated is not None else "is retired"


def best_of(acceptable: Sequence[Evidence], pairs: Mapping[str, Sequence[Pair]]) -> list[Evidence]:
    """Acceptable candidates, the one to choose first.

    The best quality leads; those whose paired difference from it is not distinguishable from 0 tie with it, and the
    cheapest of these wins (methods.md, section 0.11).
    """

    def quality(evidence: Evidence) -> float:
        return evidence.quality_impact_percent.value if evidence.quality_impact_percent else -math.inf

    def cost(evidence: Evidence) -> Decimal:
        return evidence.cost_per_call_usd if evidence.cost_per_call_usd is not None else Decimal("Infinity")

    by_quality = sorted(acceptable, key=lambda e: (-quality(e), cost(e), e.candidate.id))
    if not by_quality:
        return []
    leader = by_quality[0]
    tied = [leader] + [e for e in by_quality[1:] if _indistinguishable(pairs, leader, e)]
    first = min(tied, key=lambda e: (cost(e), e.candidate.id))
    return [first] + [e for e in by_quality if e is not first]


def _indistinguishable(pairs: Mapping[str, Sequence[Pair]], one: Evidence, other: Evidence) -> bool:
    scores = [
        {p.record_id: p.candidate_score for p in pairs.get(e.candidate.id, ()) if p.candidate_score is not None}
        for e in (one, other)
    ]
    common = sorted(scores[0].keys() & scores[1].keys())
    found = paired_difference([scores[0][key] for key in common], [scores[1][key] for key in common])
    return found.interval is None or found.interval[0] <= 0 <= found.interval[1]


def without_winners_luck(
    chosen: Evidence, acceptable: Sequence[Evidence], pairs: Mapping[str, Sequence[Pair]]
) -> Evidence:
    """The chosen candidate with its quality impact drawn towards those of the others, where it is the best of them.

    The best of several looks better than it is (methods.md, section 0.11): by DerSimonian and Laird's shrinkage the
    more, the less the candidates differ beyond chance. One that is not the best is left alone: its luck is not why it
    was chosen.
    """
    differences = [_difference(pairs.get(e.candidate.id, ()), e.pairs) for e in acceptable]
    known = [(e, d.mean, d.se) for e, d in zip(acceptable, differences, strict=True) if d.mean is not None and d.se]
    own = next((mean for e, mean, _ in known if e is chosen), None)
    impact = chosen.quality_impact_percent
    if own is None or impact is None or not chosen.baseline_score or len(known) < 2:
        return chosen
    if own < max(mean for _, mean, _ in known):
        return chosen
    shrunk = shrink_effects([mean for _, mean, _ in known], [se for _, _, se in known]).segments
    effect = next(found.effect for (e, _, _), found in zip(known, shrunk, strict=True) if e is chosen)
    shift = 100 * (effect - own) / chosen.baseline_score
    value = impact.value + shift  # the ends stay: what was proved of them was proved as they are
    moved = Interval(value=value, low=min(impact.low, value), high=max(impact.high, value))
    return chosen.model_copy(update={"quality_impact_percent": moved, "measured_impact_percent": impact})


def _difference(pairs: Sequence[Pair], count: int) -> PairedDifference:
    """Candidate minus current over the first ``count`` comparable pairs, points."""
    scores = [
        (pair.baseline_score, pair.candidate_score)
        for pair in pairs
        if pair.baseline_score is not None and pair.candidate_score is not None
    ][:count]
    return paired_difference([a for a, _ in scores], [b for _, b in scores])


def is_rejected(evidence: Evidence, thresholds: Thresholds) -> bool:
    """Whether the evidence says keep: enough pairs, and confidence that this candidate fails."""
    if evidence.regression:
        return True
    settled = {gate.name: gate.passed for gate in evidence.gates}
    if not settled.get("samples") or not settled.get("coverage"):
        return False
    hard = ("latency", "score", "cost per request", "refusals")
    return evidence.confidence_keep >= thresholds.min_confidence or any(settled.get(name) is False for name in hard)


def decide(
    current: ModelEntry,
    evidence: Sequence[Evidence],
    pairs: Mapping[str, Sequence[Pair]],
    thresholds: Thresholds,
    *,
    usd_per_prompt: Decimal | None = None,
    cut_short: str | None = None,
    forced_switch: bool = False,
) -> Answer:
    """Choose switch, keep, or not enough evidence yet.

    A run that was ``cut_short`` (says why) recommends nothing: what it saw so far is shown as not enough. In a
    ``forced_switch`` (the current model retires) keeping is no answer: then none of the tried ones is acceptable yet.

    A candidate that passed every gate is ``verified``, and goes before those that passed the original's rules alone
    (``leaning``), however good these look. ``usd_per_prompt`` is what replaying and judging one more call costs.
    A verdict that is verified already stands when the run is cut short.
    """
    ranked = best_of([e for e in evidence if e.verified], pairs)
    grade: Grade = "verified" if ranked else "leaning"
    if not ranked and cut_short is None:
        ranked = best_of([e for e in evidence if e.acceptable], pairs)
    if ranked:
        chosen = without_winners_luck(ranked[0], [e for e in evidence if e.acceptable], pairs)
        saving, impact = chosen.savings_percent, chosen.quality_impact_percent
        if saving is not None and impact is not None:
            sentence = switch_sentence(current.short_name, chosen.candidate.short_name, saving, impact)
            others = best_of([e for e in evidence if e.acceptable and e is not ranked[0]], pairs)
            reason = "It passes every gate." if grade == "verified" else _leaning_words(chosen, usd_per_prompt)
            return Answer(grade, sentence, reason, chosen, others[0] if others else None, chosen)
    leaves = f"{current.short_name}, which {retirement_words(current)}"
    if not evidence and forced_switch:
        sentence = f"No model in the registry can replace {leaves}."
        return Answer("inconclusive", sentence, "No candidate passed the filters.", None, None, None, True)
    if not evidence:
        sentence = f"Keep {current.short_name}. No candidate is cheaper and fits this traffic."
        return Answer("keep", sentence, "No candidate passed the filters.", None, None, None, True)
    closest = _closest(evidence)
    measured = closest.savings_percent is not None and closest.quality_impact_percent is not None
    figures = ""
    if closest.savings_percent is not None and closest.quality_impact_percent is not None:
        figures = f"{cost_words(closest.savings_percent)} {quality_words(closest.quality_impact_percent)}"
    if cut_short is None and all(is_rejected(e, thresholds) for e in evidence) and measured:
        name = closest.candidate.short_name
        if forced_switch:
            sentence = f"No acceptable replacement yet for {leaves}. The closest, {name}, {figures}."
            return Answer(
                "inconclusive", sentence, "Every candidate fails: " + _failures(closest), None, None, closest, True
            )
        sentence = f"Keep {current.short_name}. The closest alternative, {name}, {figures}."
        return Answer("keep", sentence, "Every candidate fails: " + _failures(closest), None, None, closest, True)
    name = closest.candidate.short_name
    sentence = f"Not enough evidence yet. {name} {figures}" if measured else "Not enough evidence yet. Nothing measured"
    if closest.more_samples:
        more_usd = more_usd_of(closest, usd_per_prompt)
        money = f" (about ${more_usd:.2f})" if more_usd is not None else ""
        sentence += f"; {about(closest.more_samples)} more prompts{money} would settle it"
    reason = f"{cut_short}. " if cut_short else ""
    failures = _failures(closest)
    return Answer(
        "inconclusive", sentence + ".", reason + (f"Open: {failures}" if failures else ""), None, None, closest
    )


def more_usd_of(evidence: Evidence, usd_per_prompt: Decimal | None) -> Decimal | None:
    """About what the prompts that a candidate still needs cost, in USD."""
    if usd_per_prompt is None or not evidence.more_samples:
        return None
    return usd_per_prompt * evidence.more_samples


def _leaning_words(evidence: Evidence, usd_per_prompt: Decimal | None) -> str:
    """What a leaning verdict lacks, and what it would take."""
    open_gates = [gate.name for gate in evidence.gates if not gate.passed]
    lacks = f"Leaning, not verified; not passed: {', '.join(open_gates)}."
    if not evidence.more_samples:
        return lacks
    more_usd = more_usd_of(evidence, usd_per_prompt)
    money = f", about ${more_usd:.2f}" if more_usd is not None else ""
    return f"{lacks} {about(evidence.more_samples).capitalize()} more prompts{money}."


def _closest(evidence: Sequence[Evidence]) -> Evidence:
    def key(e: Evidence) -> tuple[int, float, Decimal, str]:
        failed = sum(gate.passed is not True for gate in e.gates if gate.level == "leaning")
        quality = e.quality_impact_percent.value if e.quality_impact_percent is not None else -math.inf
        cost = e.cost_per_call_usd if e.cost_per_call_usd is not None else Decimal("Infinity")
        return failed, -quality, cost, e.candidate.id

    return min(evidence, key=key)


def _failures(evidence: Evidence) -> str:
    words = [
        f"{gate.name}: asked {gate.asked}, found {gate.found}"
        for gate in evidence.gates
        if not gate.passed and gate.level == "leaning"
    ]
    return "; ".join(words) + "." if words else ""


def business_impact(traffic: TrafficProfile, saving: Interval | None) -> BusinessImpact | None:
    """What a saving is worth at the traffic's volume, in USD.

    The saving was measured without cache discounts on either side. Its share is taken of what is paid today, cached
    tokens at their price: a candidate is taken to cache as well as the current model does.
    """
    monthly = traffic.monthly_today_usd
    if saving is None:
        return None
    saved = monthly * Decimal(str(saving.value)) / 100 if monthly is not None else None
    return BusinessImpact(
        monthly_request_volume=traffic.monthly_requests,
        current_monthly_cost_usd=monthly,
        projected_monthly_cost_usd=monthly - saved if monthly is not None and saved is not None else None,
        projected_monthly_savings_usd=saved,
        annual_savings_usd=saved * _MONTHS if saved is not None else None,
    )
