"""From pairs to evidence: estimates, intervals, the ledger and the gates. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from cqtui.engine.discover import p99
from cqtui.models import Candidate
from cqtui.results import Evidence, Gate, Interval, Ledger, Pair
from cqtui.settings import Constraints, Thresholds
from cqtui.stats.confidence import confidence, p_quality, p_savings
from cqtui.stats.paired import RELATIVE_FLOOR, quality_margins
from cqtui.stats.power import pairs_needed_z
from cqtui.stats.rates import wilson
from cqtui.stats.savings import savings_ratio
from cqtui.stats.sequential import RunningEProcess, points_bounds, relative_bounds

WORSE_THRESHOLD = 20.0
CLEARLY_WORSE = "clearly worse"  # why a candidate stopped; a provider's own words may stand there instead
VERIFIABLE_PAIRS = 200  # below this a log can only lean (methods.md, section 0.3)


def scored(pairs: Sequence[Pair]) -> tuple[list[float], list[float]]:
    """The baseline's and the candidate's scores over the comparable pairs, in order."""
    comparable = [p for p in pairs if p.baseline_score is not None and p.candidate_score is not None]
    return [p.baseline_score or 0.0 for p in comparable], [p.candidate_score or 0.0 for p in comparable]


class RunningQuality:
    """The mirrored e-process over a candidate's pairs as they come (methods.md, sections 0.2 and 0.3).

    Both forms of the margin run along, since the mean of the current model's scores decides which one holds.
    """

    def __init__(self, max_drop_percent: float) -> None:
        """Allow a drop of so many percent (of points, where the current model scores below 20)."""
        self._drop = max_drop_percent
        self._relative = RunningEProcess(relative_bounds(max_drop_percent / 100))
        self._points = RunningEProcess(points_bounds(max_drop_percent))
        self._baseline_total = 0.0

    def add(self, pair: Pair) -> None:
        """Enter the next pair; one that is not comparable changes nothing."""
        current, candidate = pair.baseline_score, pair.candidate_score
        if current is None or candidate is None:
            return
        self._baseline_total += current
        self._relative.add(candidate - (1 - self._drop / 100) * current)
        self._points.add(candidate - current + self._drop)

    @property
    def is_clearly_worse(self) -> bool:
        """Whether the candidate is worse than allowed."""
        n = self._relative.n
        low = n > 0 and self._baseline_total / n < RELATIVE_FLOOR
        return (self._points if low else self._relative).is_worse(WORSE_THRESHOLD)


def pairs_missing(pairs: Sequence[Pair], max_drop_percent: float) -> int | None:
    """About how many more pairs would settle a candidate's quality; None where nothing can be said yet."""
    current, candidate = scored(pairs)
    if len(current) < 2:
        return None
    _, z = quality_margins(current, candidate, max_drop_percent / 100, max_drop_percent)
    return _more_samples(z)


def ledger_of(pairs: Sequence[Pair]) -> Ledger:
    """Count what became of the calls; nothing disappears."""
    return Ledger(
        replayed=len(pairs),
        comparable=len(scored(pairs)[0]),
        failed=dict(sorted(Counter(p.failure for p in pairs if p.failure is not None).items())),
        translated=dict(sorted(Counter(words for p in pairs for words in p.translated).items())),
        dropped=dict(sorted(Counter(words for p in pairs for words in p.dropped).items())),
        truncated=sum(p.truncated for p in pairs),
        served_by_other=sum(p.failure == "served_by_other" for p in pairs),
        unjudged=sum(p.unjudged for p in pairs),
        both_refused=sum(p.baseline_refused and p.candidate_refused for p in pairs),
        newly_refused=sum(p.candidate_refused and not p.baseline_refused for p in pairs),
        newly_answered=sum(p.baseline_refused and not p.candidate_refused and p.failure is None for p in pairs),
    )


def _percentile(values: Sequence[float], share: float) -> float | None:
    if not values:
        return None
    return sorted(values)[math.ceil(share * len(values)) - 1]


def _as_percent(interval: tuple[float, float] | None, value: float | None) -> Interval | None:
    if value is None:
        return None
    low, high = interval if interval is not None else (value, value)
    return Interval(value=100 * value, low=100 * low, high=100 * high)


def evaluate(
    candidate: Candidate,
    pairs: Sequence[Pair],
    thresholds: Thresholds,
    constraints: Constraints,
    *,
    stopped: str | None = None,
    forced_switch: bool = False,
) -> Evidence:
    """Turn one candidate's pairs into evidence and ask every gate."""
    current, answers = scored(pairs)
    costs = [
        (float(p.baseline_cost_usd), float(p.candidate_cost_usd))
        for p in pairs
        if p.baseline_cost_usd is not None and p.candidate_cost_usd is not None
    ]
    x, y = [a for a, _ in costs], [b for _, b in costs]
    savings = savings_ratio(x, y)
    # The ratio sum b / sum a has the same estimator as the cost ratio; impact = ratio - 1.
    ratio = savings_ratio(current, answers)
    impact = None
    if ratio.savings is not None:
        low, high = ratio.interval if ratio.interval is not None else (ratio.savings, ratio.savings)
        impact = Interval(value=-100 * ratio.savings, low=-100 * high, high=-100 * low)
    drop = thresholds.max_quality_drop_percent
    _, z = quality_margins(current, answers, drop / 100, drop)
    quality_probability = p_quality(z) if z else 0.5
    savings_probability = p_savings(x, y, thresholds.min_cost_saving_percent / 100) if costs else 0.5
    if forced_switch:
        savings_probability = 1.0
    answered = [p for p in pairs if p.failure is None]
    refusals = wilson(sum(p.candidate_refused for p in answered), len(answered))
    latencies = [p.latency_ms for p in answered if p.latency_ms is not None]
    candidate_costs = [p.candidate_cost_usd for p in pairs if p.candidate_cost_usd is not None]
    evidence = Evidence(
        candidate=candidate,
        pairs=len(current),
        savings_percent=_as_percent(savings.interval, savings.savings),
        quality_impact_percent=impact,
        baseline_score=sum(current) / len(current) if current else None,
        candidate_score=sum(answers) / len(answers) if answers else None,
        confidence=confidence("switch", quality_probability, savings_probability).value if z and costs else 0.0,
        confidence_keep=confidence("keep", quality_probability, savings_probability).value if z and costs else 0.0,
        latency_p50_ms=_percentile(latencies, 0.5),
        latency_p95_ms=_percentile(latencies, 0.95),
        cost_p99_usd=p99(candidate_costs),
        cost_per_call_usd=sum(candidate_costs, Decimal(0)) / len(candidate_costs) if candidate_costs else None,
        refusal_rate=refusals.rate,
        refusal_interval=_as_percent(refusals.interval, refusals.rate),
        format_failure_rate=sum(p.format_failed for p in answered) / len(answered) if answered else None,
        ledger=ledger_of(pairs),
        stopped=stopped,
    )
    gates = _gates(evidence, thresholds, constraints, forced_switch=forced_switch)
    return evidence.model_copy(update={"gates": gates, "more_samples": _more_samples(z)})


def _more_samples(z: Sequence[float]) -> int | None:
    """About how many more pairs would settle it: power 80%, and no fewer than a verification needs."""
    n = len(z)
    if n < 2:
        return VERIFIABLE_PAIRS - n
    mean = sum(z) / n
    sd = math.sqrt(sum((value - mean) ** 2 for value in z) / (n - 1))
    needed = pairs_needed_z(sd, 0.0, true_diff=abs(mean)) if sd > 0 and mean != 0 else 0
    if needed is None:
        return None
    return max(0, max(needed, VERIFIABLE_PAIRS) - n)


def _gates(evidence: Evidence, t: Thresholds, c: Constraints, *, forced_switch: bool) -> tuple[Gate, ...]:
    saving, impact, ledger = evidence.savings_percent, evidence.quality_impact_percent, evidence.ledger
    coverage = 100 * ledger.comparable / max(1, ledger.replayed - ledger.both_refused)
    answered = ledger.replayed - sum(ledger.failed.values())
    newly = 100 * ledger.newly_refused / answered if answered else None
    gates = [
        Gate(
            name="samples",
            asked=f"at least {t.min_sample_size} comparable pairs",
            found=str(evidence.pairs),
            passed=evidence.pairs >= t.min_sample_size,
        ),
        Gate(
            name="coverage",
            asked=f"at least {t.coverage_floor_percent:g}% of the replayed calls comparable",
            found=f"{coverage:.0f}%",
            passed=coverage >= t.coverage_floor_percent,
        ),
        Gate(
            name="quality",
            asked=f"a quality drop of at most {t.max_quality_drop_percent:g}%",
            found="nothing measured" if impact is None else _show(impact),
            passed=None if impact is None else impact.value >= -t.max_quality_drop_percent,
        ),
        Gate(
            name="refusals",
            asked=f"at most {t.max_refusal_increase_percent:g}% of calls newly refused",
            found="nothing measured" if newly is None else f"{newly:.1f}% ({ledger.newly_refused} of {answered})",
            passed=None if newly is None else newly <= t.max_refusal_increase_percent,
        ),
        Gate(
            name="confidence in the switch",
            asked=f"at least {t.min_confidence:g} of 1",
            found=f"{evidence.confidence:.2f}",
            passed=evidence.confidence >= t.min_confidence,
        ),
    ]
    if not forced_switch:
        gates.insert(
            2,
            Gate(
                name="saving",
                asked=f"a saving of at least {t.min_cost_saving_percent:g}%",
                found="nothing measured" if saving is None else _show(saving),
                passed=None if saving is None else saving.value >= t.min_cost_saving_percent,
            ),
        )
    if c.max_latency_ms is not None:
        p95 = evidence.latency_p95_ms
        gates.append(
            Gate(
                name="latency",
                asked=f"95th percentile of at most {c.max_latency_ms} ms",
                found="unknown" if p95 is None else f"{p95:.0f} ms",
                passed=None if p95 is None else p95 <= c.max_latency_ms,
            )
        )
    if c.min_quality_score is not None:
        score = evidence.candidate_score
        gates.append(
            Gate(
                name="score",
                asked=f"a mean score of at least {c.min_quality_score:g}",
                found="unknown" if score is None else f"{score:.1f}",
                passed=None if score is None else score >= c.min_quality_score,
            )
        )
    if c.max_cost_per_request is not None:
        cost = evidence.cost_p99_usd
        gates.append(
            Gate(
                name="cost per request",
                asked=f"99th percentile of at most ${c.max_cost_per_request}",
                found="unknown" if cost is None else f"${cost:.4f}",
                passed=None if cost is None else cost <= c.max_cost_per_request,
            )
        )
    return tuple(gates)


def _show(interval: Interval) -> str:
    value, low, high = (f"{x:+.1f}".replace("-", "−") for x in (interval.value, interval.low, interval.high))
    return f"{value}% [{low}, {high}]"
