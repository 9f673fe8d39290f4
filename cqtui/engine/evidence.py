"""From a race to evidence: estimates, intervals, the ledger and the gates. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from cqtui.engine.discover import p99
from cqtui.engine.gates import CATASTROPHE_POINTS, Basis, Controls, all_gates, more_calls
from cqtui.engine.race import WORSE_THRESHOLD, Race, costs_by_conversation, sums_by_conversation
from cqtui.results import Evidence, Interval, LabelCheck, Ledger, Pair
from cqtui.settings import Constraints, Thresholds
from cqtui.stats.confidence import confidence, p_quality, p_savings
from cqtui.stats.confidence_sequence import relative_impact_interval
from cqtui.stats.flips import order_flips
from cqtui.stats.length import length_control
from cqtui.stats.paired import quality_margins
from cqtui.stats.rates import Rate, wilson
from cqtui.stats.savings import savings_ratio

ALPHA = 0.05


def scored(pairs: Sequence[Pair]) -> tuple[list[float], list[float]]:
    """The baseline's and the candidate's scores over the comparable pairs, in order."""
    comparable = [p for p in pairs if p.baseline_score is not None and p.candidate_score is not None]
    return [p.baseline_score or 0.0 for p in comparable], [p.candidate_score or 0.0 for p in comparable]


def means_by_conversation(pairs: Sequence[Pair]) -> tuple[list[float], list[float]]:
    """The scores of the current model and of the candidate, one mean for each conversation."""
    known = [p for p in pairs if p.baseline_score is not None and p.candidate_score is not None]
    sizes = Counter(p.session for p in known if p.session is not None)
    shares = [(p, 1 / sizes[p.session] if p.session is not None else 1.0) for p in known]
    return sums_by_conversation(
        [(p, share * (p.baseline_score or 0.0), share * (p.candidate_score or 0.0)) for p, share in shares]
    )


def ledger_of(pairs: Sequence[Pair], judged: Sequence[Pair]) -> Ledger:
    """Count what became of the calls; nothing disappears.

    Args:
        pairs: All of them.
        judged: The first of them, on which the quality rests; later ones need no scores.
    """
    comparable = len(scored(judged)[0])
    later = pairs[len(judged) :]
    return Ledger(
        replayed=len(pairs),
        comparable=comparable,
        failed=dict(sorted(Counter(p.failure for p in pairs if p.failure is not None).items())),
        translated=dict(sorted(Counter(words for p in pairs for words in p.translated).items())),
        dropped=dict(sorted(Counter(words for p in pairs for words in p.dropped).items())),
        truncated=sum(p.truncated for p in pairs),
        served_by_other=sum(p.failure == "served_by_other" for p in pairs),
        unjudged=sum(p.unjudged and not _both_refused(p) for p in judged),
        unasked=sum(p.failure is None and not _both_refused(p) for p in later),
        both_refused=sum(_both_refused(p) for p in pairs),
        newly_refused=sum(p.is_newly_refused for p in pairs),
        newly_answered=sum(p.baseline_refused and not p.candidate_refused and p.failure is None for p in pairs),
    )


def _both_refused(pair: Pair) -> bool:
    return pair.baseline_refused and pair.candidate_refused


def _percentile(values: Sequence[float], share: float) -> float | None:
    if not values:
        return None
    return sorted(values)[math.ceil(share * len(values)) - 1]


def _as_percent(interval: tuple[float, float] | None, value: float | None) -> Interval | None:
    if value is None:
        return None
    low, high = interval if interval is not None else (value, value)
    return Interval(value=100 * value, low=100 * low, high=100 * high)


def _share(rate: Rate) -> Interval | None:
    return _as_percent(rate.interval, rate.rate)


def quality_impact(judged: Sequence[Pair], *, threshold: float | None = None) -> Interval | None:
    """The relative change of quality in percent: 100 (sum b / sum a - 1), with its interval.

    Conversations are the units: an anytime-valid interval is of the mean over conversations, since that is what the
    evidence is about; the other one is of the mean over calls, with errors clustered by conversation.

    Where the evidence itself ended the judging only an anytime-valid interval holds (methods.md, section 0.7): at 95%,
    or at the level of the evidence asked for, where that is lower, so that interval and verdict never contradict each
    other (each of its ends then holds at 95%). Otherwise it is the ratio estimator's 95% t interval.

    Args:
        judged: The pairs that the quality rests on.
        threshold: The evidence that ended the judging; None where it ended with the log.
    """
    if threshold is not None:
        found = relative_impact_interval(*means_by_conversation(judged), max(ALPHA, 2 / threshold))
        if found is not None:
            return Interval(value=found.estimate, low=found.lower, high=found.upper)
    # The ratio sum b / sum a has the same estimator as the cost ratio; impact = ratio - 1.
    known = [p for p in judged if p.baseline_score is not None and p.candidate_score is not None]
    ratio = savings_ratio(
        *sums_by_conversation([(p, p.baseline_score or 0.0, p.candidate_score or 0.0) for p in known])
    )
    if ratio.savings is None:
        return None
    low, high = ratio.interval if ratio.interval is not None else (ratio.savings, ratio.savings)
    return Interval(value=-100 * ratio.savings, low=-100 * high, high=-100 * low)


def _reached(race: Race) -> float:
    """The evidence that ended the judging, one way or the other."""
    return WORSE_THRESHOLD if race.quality == "failed" else race.threshold


def controls_of(pairs: Sequence[Pair], thresholds: Thresholds) -> Controls:
    """Flips and the length control over the judged pairs."""
    swapped = [pair.in_both_orders for pair in pairs if pair.in_both_orders is not None]
    flips = order_flips([one for one, _ in swapped], [other for _, other in swapped]) if swapped else None
    sized = [p for p in pairs if p.baseline_length is not None and p.candidate_length is not None]
    current, answers = scored(sized)
    comparable = [p for p in sized if p.baseline_score is not None and p.candidate_score is not None]
    drop = thresholds.max_quality_drop_percent
    length = length_control(
        current,
        answers,
        [p.baseline_length or 0 for p in comparable],
        [p.candidate_length or 0 for p in comparable],
        drop / 100,
        drop,
    )
    return Controls(flips, length, sum(p.decided_by is not None for p in pairs))


def evaluate(
    race: Race,
    thresholds: Thresholds,
    constraints: Constraints,
    basis: Basis,
    labels: LabelCheck | None = None,
) -> Evidence:
    """Turn one candidate's race into evidence and ask every gate; ``labels`` are what people said of its pairs."""
    pairs, judged = race.pairs, race.judged_pairs
    current, answers = scored(judged)
    x, y = costs_by_conversation(pairs)
    savings = savings_ratio(x, y)
    drop = thresholds.max_quality_drop_percent
    means = means_by_conversation(judged)
    _, z = quality_margins(*means, drop / 100, drop)
    quality_probability = p_quality(z) if z else 0.5
    savings_probability = p_savings(x, y, thresholds.min_cost_saving_percent / 100) if x else 0.5
    if basis.forced_switch:
        savings_probability = 1.0
    answered = [p for p in pairs if p.failure is None]
    latencies = [p.latency_ms for p in answered if p.latency_ms is not None]
    costs = [p.candidate_cost_usd for p in pairs if p.candidate_cost_usd is not None]
    known = bool(z and x)
    bad = sum(b - a < -CATASTROPHE_POINTS for a, b in zip(current, answers, strict=True))
    controls = controls_of(judged, thresholds)
    evidence = Evidence(
        candidate=race.candidate,
        pairs=len(current),
        savings_percent=_as_percent(savings.interval, savings.savings),
        quality_impact_percent=quality_impact(judged, threshold=_reached(race) if race.is_sequential else None),
        baseline_score=sum(current) / len(current) if current else None,
        candidate_score=sum(answers) / len(answers) if answers else None,
        confidence=confidence("switch", quality_probability, savings_probability).value if known else 0.0,
        confidence_keep=confidence("keep", quality_probability, savings_probability).value if known else 0.0,
        latency_p50_ms=_percentile(latencies, 0.5),
        latency_p95_ms=_percentile(latencies, 0.95),
        cost_p99_usd=p99(costs),
        cost_per_call_usd=sum(costs, Decimal(0)) / len(costs) if costs else None,
        refusal_rate=wilson(sum(p.candidate_refused for p in answered), len(answered)).rate,
        refusal_interval=_share(wilson(sum(p.candidate_refused for p in answered), len(answered))),
        format_failure_rate=sum(p.format_failed for p in answered) / len(answered) if answered else None,
        catastrophe_percent=_share(wilson(bad, len(current))),
        flip_percent=_share(controls.flips.rate) if controls.flips is not None else None,
        impact_at_equal_length=controls.length.intercept if controls.length is not None else None,
        sequential=race.is_sequential,
        odds_needed=race.threshold if math.isfinite(race.threshold) else None,
        labels=labels,
        ledger=ledger_of(pairs, judged),
        stopped=race.stopped,
    )
    gates = all_gates(evidence, race, controls, basis, thresholds, constraints)
    return evidence.model_copy(update={"gates": gates, "more_samples": more_calls(race)})
