"""One flat record a candidate, for spreadsheets and routers. Pure."""

from __future__ import annotations

from typing import Any

from cqtui.report.response import optimize_response
from cqtui.report.response_types import CandidateJson, IntervalJson
from cqtui.results import Evidence, Recommendation

_COST_DIGITS = 8


def candidate_lines(result: Recommendation) -> list[dict[str, Any]]:
    """The candidates that a run tried, in the run's order; every record has the same keys in the same order.

    Percent, ms and USD where the name says so; rates are fractions; None is unknown. An interval is three keys: the
    estimate, and the ends of its 95% interval with ``_low`` and ``_high``. ``gates`` says for each rule whether it
    passed (None: open).
    """
    response = optimize_response(result)
    run = {
        "run_id": result.run_id,
        "timestamp": response.timestamp,
        "provider": result.provider,
        "evidence_kind": response.evidence_kind,
        "grade": result.grade,
        "current_model": result.current.id,
    }
    return [
        {**run, **_line(candidate, evidence)}
        for candidate, evidence in zip(response.candidates, result.evidence, strict=True)
    ]


def _line(candidate: CandidateJson, evidence: Evidence) -> dict[str, Any]:
    ledger = candidate.ledger
    return {
        "model": candidate.model,
        "outcome": candidate.outcome,
        "samples_evaluated": candidate.samples_evaluated,
        **_spread("cost_saving_percent", candidate.cost_saving_percent),
        **_spread("quality_impact_percent", candidate.quality_impact_percent),
        "quality_score": candidate.quality_score,
        "confidence": candidate.confidence,
        "refusal_rate": candidate.refusal_rate,
        "refusal_rate_low": _ratio(evidence.refusal_interval.low if evidence.refusal_interval else None),
        "refusal_rate_high": _ratio(evidence.refusal_interval.high if evidence.refusal_interval else None),
        "format_failure_rate": candidate.format_failure_rate,
        **_spread("catastrophe_percent", candidate.catastrophe_percent),
        **_spread("flip_percent", candidate.flip_percent),
        "impact_at_equal_length": candidate.impact_at_equal_length,
        "latency_p50_ms": candidate.latency_p50_ms,
        "latency_p95_ms": candidate.latency_p95_ms,
        "cost_per_call_usd": _usd(evidence.cost_per_call_usd),
        "cost_p99_usd": _usd(evidence.cost_p99_usd),
        "fit_score": candidate.fit_score,
        "replayed": ledger.replayed,
        "failed": sum(ledger.failed.values()),
        "newly_refused": ledger.newly_refused,
        "stopped": candidate.stopped,
        "gates": {gate.name: gate.passed for gate in candidate.gates},
    }


def _spread(name: str, interval: IntervalJson | None) -> dict[str, float | None]:
    if interval is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _ratio(percent: float | None) -> float | None:
    return None if percent is None else round(percent / 100, 4)


def _usd(value: Any) -> float | None:
    return None if value is None else round(float(value), _COST_DIGITS)
