"""The JSON of a recommendation: the original's response of /api/optimize, key for key, and what cqtui adds."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from cqtui.report.evidence import evidence_kind
from cqtui.report.response_types import (
    SCHEMA_VERSION,
    CandidateJson,
    CascadeJson,
    EvaluationSummary,
    ExcludedJson,
    Fallback,
    GateJson,
    GuardrailJson,
    Impact,
    IntervalJson,
    Intervals,
    LabelsJson,
    LedgerJson,
    MoreEvidence,
    NoiseFloorJson,
    OptimizeResponse,
    Recommended,
    RoutingJson,
    SegmentJson,
    ThresholdsUsed,
)
from cqtui.report.same_model import same_model_json
from cqtui.results import Evidence, GuardrailReport, Interval, LabelCheck, NoiseFloor, Recommendation, RoutingPlan


def _number(value: Decimal | None, digits: str = "0.000001") -> float | None:
    return None if value is None else float(value.quantize(Decimal(digits), rounding=ROUND_HALF_UP))


def _interval(value: Interval | None) -> IntervalJson | None:
    if value is None:
        return None
    return IntervalJson(value=round(value.value, 3), low=round(value.low, 3), high=round(value.high, 3))


def _noise_floor(value: NoiseFloor | None) -> NoiseFloorJson | None:
    interval = _interval(value.difference_points) if value is not None else None
    if value is None or interval is None:
        return None
    return NoiseFloorJson(samples=value.pairs, difference_points=interval, sd_points=round(value.sd_points, 3))


def _labels(check: LabelCheck | None) -> LabelsJson | None:
    if check is None:
        return None
    return LabelsJson.model_validate(
        {
            **check.model_dump(),
            "agreement_percent": _interval(check.agreement_percent),
            "corrected_points": _interval(check.corrected_points),
            "judge_points": round(check.judge_points, 3),
            "kappa": _round(check.kappa),
        }
    )


def _segments(plan: RoutingPlan | None) -> list[SegmentJson]:
    return [
        SegmentJson(
            segment=route.segment,
            model=route.model_id,
            calls=route.calls,
            share_percent=round(route.share_percent, 2),
            cost_saving_percent=_round(route.savings_percent),
            quality_difference_points=round(route.quality_difference_points, 3),
        )
        for route in (plan.routes if plan is not None else ())
    ]


def _routing(plan: RoutingPlan | None) -> RoutingJson | None:
    if plan is None:
        return None
    found = plan.cascade
    escalated = _interval(found.escalated_percent) if found is not None else None
    return RoutingJson(
        calls=plan.calls,
        metadata_key=plan.key,
        offered=plan.offered,
        frontier=list(plan.frontier),
        cost_saving_percent=round(plan.savings_percent, 3),
        quality_difference_points=round(plan.quality_difference_points, 3),
        single_cost_saving_percent=round(plan.single_savings_percent, 3),
        single_quality_difference_points=round(plan.single_quality_difference_points, 3),
        cascade=None
        if found is None or escalated is None
        else CascadeJson(
            model=found.model_id,
            accepts_at=round(found.accepts_at, 4),
            cost_saving_percent=round(found.savings_percent, 3),
            quality_difference_points=round(found.quality_difference_points, 3),
            escalated_percent=escalated,
        ),
    )


def _round(value: float | None, digits: int = 3) -> float | None:
    return None if value is None else round(value, digits)


def _candidate(evidence: Evidence, result: Recommendation) -> CandidateJson:
    ids = [e.candidate.id if e is not None else None for e in (result.recommended, result.runner_up)]
    outcome: Any = "acceptable" if evidence.acceptable else "failed"
    if evidence.candidate.id == ids[0]:
        outcome = "recommended"
    elif evidence.candidate.id == ids[1]:
        outcome = "runner_up"
    failed = [
        f"{g.name}: asked {g.asked}, found {g.found}"
        for g in evidence.gates
        if g.passed is not True and g.level == "leaning"
    ]
    return CandidateJson(
        model=evidence.candidate.id,
        model_display=evidence.candidate.display_name,
        options=evidence.candidate.options,
        outcome=outcome,
        why=failed or ([] if outcome == "recommended" else ["passes every rule; another was better or cheaper"]),
        fit_score=_round(evidence.candidate.fit_score, 1),
        rationale=list(evidence.candidate.rationale),
        warnings=list(evidence.candidate.warnings),
        samples_evaluated=evidence.pairs,
        cost_saving_percent=_interval(evidence.savings_percent),
        quality_impact_percent=_interval(evidence.quality_impact_percent),
        quality_score=_round(evidence.candidate_score, 2),
        confidence=round(evidence.confidence, 4),
        refusal_rate=_round(evidence.refusal_rate, 4),
        format_failure_rate=_round(evidence.format_failure_rate, 4),
        catastrophe_percent=_interval(evidence.catastrophe_percent),
        flip_percent=_interval(evidence.flip_percent),
        impact_at_equal_length=_round(evidence.impact_at_equal_length),
        labels=_labels(evidence.labels),
        latency_p50_ms=_round(evidence.latency_p50_ms, 1),
        latency_p95_ms=_round(evidence.latency_p95_ms, 1),
        stopped=evidence.stopped,
        gates=[GateJson(**gate.model_dump()) for gate in evidence.gates],
        ledger=LedgerJson(**evidence.ledger.model_dump()),
    )


def _guardrails(report: GuardrailReport, result: Recommendation) -> GuardrailJson:
    chosen = result.recommended
    is_chosen = chosen is not None and report.model_id == chosen.candidate.id and report.name == result.guardrail_set
    return GuardrailJson.model_validate(
        {
            **report.model_dump(exclude={"model_id"}),
            "model": report.model_id,
            "recommended": is_chosen,
            "blocked_percent": _interval(report.blocked_percent),
            "wrongly_blocked_percent": _interval(report.wrongly_blocked_percent),
            "added_latency_ms": _round(report.added_latency_ms),
            "cost_per_call_usd": _number(report.cost_per_call_usd, "0.00000001"),
            "added_cost_per_call_usd": _number(report.added_cost_per_call_usd, "0.00000001"),
        }
    )


def reasons(evidence: Evidence, result: Recommendation) -> list[str]:
    """Why this candidate, in sentences."""
    found = []
    if evidence.savings_percent is not None:
        found.append(f"Cost change of {-evidence.savings_percent.value:+.1f}% on {evidence.ledger.replayed} calls")
    if evidence.quality_impact_percent is not None:
        found.append(f"Quality impact of {evidence.quality_impact_percent.value:+.1f}% on {evidence.pairs} pairs")
    if evidence.candidate.fit_score is not None:
        found.append(f"Fit of {evidence.candidate.fit_score:.0f}/100 for {result.use_case}")
    return found


def optimize_response(result: Recommendation) -> OptimizeResponse:
    """The response for a finished, stopped or partial run."""
    chosen = result.recommended
    shown = chosen or result.closest
    recommendation = None
    if chosen is not None and chosen.savings_percent is not None and chosen.quality_impact_percent is not None:
        other = result.runner_up
        recommendation = Recommended(
            current_model=result.current.id,
            recommended_model=chosen.candidate.id,
            recommended_model_display=chosen.candidate.display_name,
            projected_cost_saving_percent=round(chosen.savings_percent.value, 3),
            projected_quality_impact_percent=round(chosen.quality_impact_percent.value, 3),
            confidence=round(chosen.confidence, 4),
            evaluation_summary=EvaluationSummary(
                quality_score=_round(chosen.candidate_score, 2),
                format_failure_rate=_round(chosen.format_failure_rate, 4),
                refusal_rate=_round(chosen.refusal_rate, 4),
                samples_evaluated=chosen.pairs,
                evaluation_stage=result.stage,
            ),
            business_impact=None
            if result.impact is None
            else Impact(
                monthly_request_volume=result.impact.monthly_request_volume,
                current_monthly_cost_usd=_number(result.impact.current_monthly_cost_usd, "0.01"),
                projected_monthly_cost_usd=_number(result.impact.projected_monthly_cost_usd, "0.01"),
                projected_monthly_savings_usd=_number(result.impact.projected_monthly_savings_usd, "0.01"),
                annual_savings_usd=_number(result.impact.annual_savings_usd, "0.01"),
            ),
            reasons=reasons(chosen, result),
            fallback_option=None
            if other is None
            else Fallback(
                model=other.candidate.id,
                cost_saving_percent=_round(other.savings_percent.value if other.savings_percent else None),
                quality_impact_percent=_round(
                    other.quality_impact_percent.value if other.quality_impact_percent else None
                ),
            ),
        )
    none = recommendation is None
    return OptimizeResponse(
        status="no_recommendation" if none else "success",
        timestamp=result.at.isoformat(),
        processing_time_seconds=round(result.seconds, 3),
        iterations_required=result.iterations,
        recommendation=recommendation,
        reason=result.reason if none else None,
        current_model=result.current.id if none else None,
        suggestion=result.sentence if none else None,
        thresholds_used=ThresholdsUsed(
            min_cost_saving_percent=result.thresholds.min_cost_saving_percent,
            max_quality_drop_percent=result.thresholds.max_quality_drop_percent,
            min_confidence=result.thresholds.min_confidence,
        ),
        verification_cost_usd=_number(result.spend.total_usd) or 0.0,
        summary=result.sentence,
        schema_version=SCHEMA_VERSION,
        run_id=result.run_id,
        grade=result.grade,
        evidence_kind=evidence_kind(result.provider),
        evaluation_stage=result.stage,
        intervals=Intervals(
            cost_saving_percent=_interval(shown.savings_percent) if shown else None,
            quality_impact_percent=_interval(shown.quality_impact_percent) if shown else None,
            refusal_rate_percent=_interval(shown.refusal_interval) if shown else None,
        ),
        candidates=[_candidate(evidence, result) for evidence in result.evidence],
        excluded=[ExcludedJson(model=e.model_id, reason=e.reason) for e in result.excluded],
        guardrails=[_guardrails(report, result) for report in result.guardrails],
        ledger=LedgerJson(**shown.ledger.model_dump()) if shown else None,
        noise_floor=_noise_floor(result.noise_floor),
        more_evidence=MoreEvidence(samples=result.more_samples, usd=_number(result.more_usd, "0.0001")),
        segments=_segments(result.routing),
        routing=_routing(result.routing),
        same_model=[same_model_json(saving) for saving in result.same_model],
        provider=result.provider,
        judge=result.judge,
        as_of=result.as_of.isoformat(),
        notes=list(result.notes),
    )


def json_schema() -> str:
    """The JSON schema of ``OptimizeResponse``, as docs/optimize.schema.json holds it."""
    import json

    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **OptimizeResponse.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False)


if __name__ == "__main__":
    print(json_schema())
