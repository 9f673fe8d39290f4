"""The shape of the JSON of a recommendation; docs/optimize.schema.json is made of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from cqtui.report.same_model import SameModelJson

SCHEMA_VERSION = 1


class _Json(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EvaluationSummary(_Json):
    """What the replays showed; rates are fractions."""

    quality_score: float | None
    format_failure_rate: float | None
    refusal_rate: float | None
    samples_evaluated: int
    evaluation_stage: Literal["completed", "stopped_early", "budget_exhausted", "interrupted"]


class Impact(_Json):
    """USD; null where the volume or a price is unknown."""

    monthly_request_volume: int | None
    current_monthly_cost_usd: float | None
    projected_monthly_cost_usd: float | None
    projected_monthly_savings_usd: float | None
    annual_savings_usd: float | None


class Fallback(_Json):
    """The runner-up."""

    model: str
    cost_saving_percent: float | None
    quality_impact_percent: float | None


class Recommended(_Json):
    """The switch."""

    current_model: str
    recommended_model: str
    recommended_model_display: str
    projected_cost_saving_percent: float
    projected_quality_impact_percent: float
    confidence: float
    evaluation_summary: EvaluationSummary
    business_impact: Impact | None
    reasons: list[str]
    fallback_option: Fallback | None


class ThresholdsUsed(_Json):
    """The original's three thresholds."""

    min_cost_saving_percent: float
    max_quality_drop_percent: float
    min_confidence: float


class IntervalJson(_Json):
    """An estimate with its 95% interval."""

    value: float
    low: float
    high: float


class Intervals(_Json):
    """Intervals of the recommended (else closest) candidate, in percent."""

    cost_saving_percent: IntervalJson | None
    quality_impact_percent: IntervalJson | None
    refusal_rate_percent: IntervalJson | None


class GateJson(_Json):
    """One question asked of a candidate; passed null is open. ``level`` is the grade that it is asked for."""

    name: str
    asked: str
    found: str
    passed: bool | None
    level: Literal["leaning", "verified"]
    change: str


class LabelsJson(_Json):
    """What people's labels say of the judge, and the quality difference corrected by them, in points."""

    labelled: int
    agreement_percent: IntervalJson
    kappa: float | None
    judge_points: float
    corrected_points: IntervalJson
    is_enough: bool


class LedgerJson(_Json):
    """What became of the replayed calls."""

    replayed: int
    comparable: int
    failed: dict[str, int]
    translated: dict[str, int]
    dropped: dict[str, int]
    truncated: int
    served_by_other: int
    unjudged: int
    unasked: int
    both_refused: int
    newly_refused: int
    newly_answered: int


class CandidateJson(_Json):
    """A candidate that was tried."""

    model: str
    model_display: str
    options: dict[str, Any]
    outcome: Literal["recommended", "runner_up", "acceptable", "failed"]
    why: list[str]
    fit_score: float | None
    rationale: list[str]
    warnings: list[str]
    samples_evaluated: int
    cost_saving_percent: IntervalJson | None
    quality_impact_percent: IntervalJson | None
    quality_score: float | None
    confidence: float
    refusal_rate: float | None
    format_failure_rate: float | None
    catastrophe_percent: IntervalJson | None
    flip_percent: IntervalJson | None
    impact_at_equal_length: float | None
    labels: LabelsJson | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    stopped: str | None
    gates: list[GateJson]
    ledger: LedgerJson


class GuardrailJson(_Json):
    """How one candidate fared under one set of guardrails; counts are calls."""

    name: str
    model: str
    recommended: bool
    calls: int
    evaluated: int
    not_evaluated: int
    failed: int
    blocked_input: int
    blocked_output: int
    flagged: int
    wrongly_blocked: int
    labelled: int
    missed: int
    blocked_percent: IntervalJson | None
    wrongly_blocked_percent: IntervalJson | None
    deciding: dict[str, int]
    errors: dict[str, int]
    added_latency_ms: float | None
    cost_per_call_usd: float | None
    added_cost_per_call_usd: float | None
    refused_by: dict[str, int]


class ExcludedJson(_Json):
    """A model that was not tried, and why."""

    model: str
    reason: str


class NoiseFloorJson(_Json):
    """The current model's new answers against its own logged ones, in points."""

    samples: int
    difference_points: IntervalJson
    sd_points: float


class SegmentJson(_Json):
    """A segment of the traffic, the model assigned to it, and its figures on the calls that chose the model."""

    segment: str
    model: str
    calls: int
    share_percent: float
    cost_saving_percent: float | None
    quality_difference_points: float


class CascadeJson(_Json):
    """The candidate first, the current model where its answer's free signs score below ``accepts_at``."""

    model: str
    accepts_at: float
    cost_saving_percent: float
    quality_difference_points: float
    escalated_percent: IntervalJson


class RoutingJson(_Json):
    """Splitting the traffic beside the best single switch, out of fold."""

    calls: int
    metadata_key: str | None
    offered: bool
    frontier: list[str]
    cost_saving_percent: float
    quality_difference_points: float
    single_cost_saving_percent: float
    single_quality_difference_points: float
    cascade: CascadeJson | None


class MoreEvidence(_Json):
    """About what would settle it."""

    samples: int | None
    usd: float | None


class OptimizeResponse(_Json):
    """What ``cqtui optimize --json`` prints."""

    status: Literal["success", "no_recommendation"]
    timestamp: str
    processing_time_seconds: float
    iterations_required: int
    recommendation: Recommended | None = None
    reason: str | None = None
    current_model: str | None = None
    suggestion: str | None = None
    thresholds_used: ThresholdsUsed
    verification_cost_usd: float
    summary: str
    schema_version: int
    run_id: str
    grade: Literal["verified", "leaning", "inconclusive", "keep"]
    evidence_kind: Literal["measured", "recorded", "simulated"]
    evaluation_stage: Literal["completed", "stopped_early", "budget_exhausted", "interrupted"]
    intervals: Intervals
    candidates: list[CandidateJson]
    excluded: list[ExcludedJson]
    guardrails: list[GuardrailJson]
    ledger: LedgerJson | None
    noise_floor: NoiseFloorJson | None
    more_evidence: MoreEvidence
    segments: list[SegmentJson]
    routing: RoutingJson | None
    same_model: list[SameModelJson]
    provider: str
    judge: str
    as_of: str
    notes: list[str]
