"""What a run finds: judgements, pairs, evidence and the recommendation, as frozen values."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from cqtui.models import Candidate, Excluded, FailureKind, Frozen, ModelEntry, TrafficProfile
from cqtui.settings import Thresholds


class PairFigures(Frozen):
    """What of a pair a reader of events is told as well: figures, no text. Scores 0..100, costs in USD, latency in ms.

    ``baseline_score`` and ``candidate_score`` are None where the pair is unjudged, failed or both refused, and where no
    judgement was needed any more (``unasked``).
    """

    record_id: str
    session: str | None = None
    baseline_score: float | None = None
    candidate_score: float | None = None
    baseline_cost_usd: Decimal | None = None
    candidate_cost_usd: Decimal | None = None
    latency_ms: float | None = None
    baseline_refused: bool = False
    candidate_refused: bool = False
    format_failed: bool = False
    truncated: bool = False
    failure: FailureKind | None = None
    unjudged: bool = False
    unasked: bool = False

    @property
    def is_newly_refused(self) -> bool:
        """Whether the candidate refused what the current model had answered."""
        return self.candidate_refused and not self.baseline_refused


class Pair(PairFigures):
    """One logged call and one candidate's replay of it.

    ``in_both_orders`` are the judge's differences in points with the logged answer first and with the candidate's
    first. Lengths are of the answers, in characters. ``decided_by`` names the check that decided without a judge;
    ``answer_digest`` the candidate's answer, for labels that hold for it alone.
    """

    failure_message: str | None = None
    decided_by: str | None = None
    in_both_orders: tuple[float, float] | None = None
    baseline_length: int | None = None
    candidate_length: int | None = None
    segment: str | None = None
    answer_digest: str | None = None
    translated: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def conversation(self) -> str:
        """Names the conversation that the call belongs to; a call of none is one of its own."""
        return f"session {self.session}" if self.session is not None else f"call {self.record_id}"


class Interval(Frozen):
    """A point estimate with its 95% interval."""

    value: float
    low: float
    high: float


class Ledger(Frozen):
    """What became of the calls that were replayed; ``failed`` counts by kind.

    ``unasked`` calls came after the quality had been settled: they needed no judgement.
    """

    replayed: int = 0
    comparable: int = 0
    failed: dict[str, int] = Field(default_factory=dict)
    translated: dict[str, int] = Field(default_factory=dict)
    dropped: dict[str, int] = Field(default_factory=dict)
    truncated: int = 0
    served_by_other: int = 0
    unjudged: int = 0
    unasked: int = 0
    both_refused: int = 0
    newly_refused: int = 0
    newly_answered: int = 0


Grade = Literal["verified", "leaning", "inconclusive", "keep"]


class Gate(Frozen):
    """One question asked of a candidate: what was asked, what was found, whether it passed (None: open).

    ``level`` is the grade that it is asked for; ``change`` says what would change the answer.
    """

    name: str
    asked: str
    found: str
    passed: bool | None
    level: Literal["leaning", "verified"] = "leaning"
    change: str = ""


class LabelCheck(Frozen):
    """What people's labels say of the judge: how often they agree, and the quality difference corrected by them.

    Percent and points; ``is_enough`` from 30 labels on. Better and worse stand for 20 points either way, and the
    judge's differences within 10 points for "the same".
    """

    labelled: int
    agreement_percent: Interval
    kappa: float | None
    judge_points: float
    corrected_points: Interval
    is_enough: bool


class Evidence(Frozen):
    """What the replay of one candidate showed. Percent where the name says so; confidence is 0..1.

    ``catastrophe_percent`` are the pairs worse by more than 40 points, ``flip_percent`` those whose verdict turned with
    the order shown; ``impact_at_equal_length`` is in points. ``sequential`` says that the evidence itself ended the
    judging, so that the quality's interval is an anytime-valid one.
    """

    candidate: Candidate
    pairs: int
    savings_percent: Interval | None = None
    quality_impact_percent: Interval | None = None
    measured_impact_percent: Interval | None = None
    baseline_score: float | None = None
    candidate_score: float | None = None
    confidence: float = 0.0
    confidence_keep: float = 0.0
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
    cost_p99_usd: Decimal | None = None
    cost_per_call_usd: Decimal | None = None
    refusal_rate: float | None = None
    refusal_interval: Interval | None = None
    format_failure_rate: float | None = None
    catastrophe_percent: Interval | None = None
    flip_percent: Interval | None = None
    impact_at_equal_length: float | None = None
    sequential: bool = False
    odds_needed: float | None = None
    labels: LabelCheck | None = None
    ledger: Ledger = Ledger()
    gates: tuple[Gate, ...] = ()
    stopped: str | None = None
    more_samples: int | None = None

    @property
    def acceptable(self) -> bool:
        """Whether the original's rules and the constraints passed: good for leaning."""
        return bool(self.gates) and all(gate.passed for gate in self.gates if gate.level == "leaning")

    @property
    def verified(self) -> bool:
        """Whether every gate passed."""
        return bool(self.gates) and all(gate.passed for gate in self.gates)

    @property
    def regression(self) -> bool:
        """Whether it is surely worse: in quality, or in refusals."""
        failed = {gate.name for gate in self.gates if gate.passed is False}
        return bool(failed & {"evidence on quality", "evidence on refusals"})


class GuardrailReport(Frozen):
    """How one candidate fared under one set of guardrails. Counts are calls; interval in percent, ms and USD a call.

    ``evaluated`` leaves out calls that failed and those with a check that broke (``not_evaluated``). ``flagged`` calls
    passed with a warning (status 246). ``labelled`` calls are flagged in the log itself; ``missed`` are those of them
    that passed without any check failing. ``wrongly_blocked`` calls had a logged answer, no refusal, and no flag.
    """

    name: str
    model_id: str
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
    blocked_percent: Interval | None
    wrongly_blocked_percent: Interval | None
    deciding: dict[str, int]
    errors: dict[str, int]
    added_latency_ms: float | None
    cost_per_call_usd: Decimal | None
    added_cost_per_call_usd: Decimal | None
    refused_by: dict[str, int]

    @property
    def blocked(self) -> int:
        """Calls that were stopped at either end."""
        return self.blocked_input + self.blocked_output


class NoiseFloor(Frozen):
    """The current model's new answers against its own logged ones, in points: what differs without any switch."""

    pairs: int
    difference_points: Interval
    sd_points: float


class SegmentRoute(Frozen):
    """A segment of the traffic and the model that takes it; the current one where no other is surely good enough.

    Savings in percent of the segment's cost (None where it costs nothing), quality in points against the current model,
    both on the calls that chose the model: they flatter it a little.
    """

    segment: str
    model_id: str
    calls: int
    share_percent: float
    savings_percent: float | None
    quality_difference_points: float


class CascadePlan(Frozen):
    """The candidate answers first; the current model does again what scores below ``accepts_at``. Out of fold.

    A score is 0 for a refused or malformed answer, 0.5 for one that was cut, else 1 and up to 1 more with its length.
    """

    model_id: str
    accepts_at: float
    savings_percent: float
    quality_difference_points: float
    escalated_percent: Interval


class RoutingPlan(Frozen):
    """What splitting the traffic would do, on ``calls`` that all candidates answered; percent and points.

    ``savings_percent`` and ``quality_difference_points`` are of the assignment per segment, the ``single_`` ones of the
    best single switch, all out of fold. ``offered`` says whether the split saves at least 5 points more. ``frontier``
    are the models that no other beats in both cost and quality; ``key`` is the metadata that tells the segments apart.
    """

    calls: int
    key: str | None
    frontier: tuple[str, ...]
    routes: tuple[SegmentRoute, ...]
    savings_percent: float
    quality_difference_points: float
    single_savings_percent: float
    single_quality_difference_points: float
    offered: bool
    cascade: CascadePlan | None = None


class BusinessImpact(Frozen):
    """What the switch is worth, in USD; None where the monthly volume or a price is unknown."""

    monthly_request_volume: int | None
    current_monthly_cost_usd: Decimal | None
    projected_monthly_cost_usd: Decimal | None
    projected_monthly_savings_usd: Decimal | None
    annual_savings_usd: Decimal | None


class CacheTokens(Frozen):
    """Input tokens: all, those a prompt cache would read and write, and those that the log says were read from it."""

    input: int
    read: int
    written: int
    logged_read: int


class SameModelSavings(Frozen):
    """What one change would save without changing the model: computed from the log, not measured.

    Attributes:
        kind: The change.
        what: The change in words.
        options: Request parameters that make it, where parameters alone do.
        saving_usd: Over the log; None is unknown, and ``unknown`` says why.
        saving_percent: Of what the log's calls cost at list price, without cache discounts on either side.
        monthly_usd: A month; None where the saving or the volume is unknown.
        is_upper_bound: It may be less.
        calls: Calls that were looked at.
        left_out: Calls about which the log does not say enough; they count as saving nothing.
        cache: Tokens, where the change is prompt caching.
        how: What it takes, in sentences.
        notes: What the figure rests on, in sentences.
        unknown: Why there is no figure.
    """

    kind: Literal["prompt_caching", "batch", "lower_effort"]
    what: str
    options: dict[str, Any] = Field(default_factory=dict)
    saving_usd: Decimal | None = None
    saving_percent: float | None = None
    monthly_usd: Decimal | None = None
    is_upper_bound: bool = False
    calls: int = 0
    left_out: int = 0
    cache: CacheTokens | None = None
    how: str = ""
    notes: tuple[str, ...] = ()
    unknown: str | None = None


class Spend(Frozen):
    """What the run cost, in USD, from the records of its attempts."""

    replay_usd: Decimal = Decimal(0)
    judge_usd: Decimal = Decimal(0)
    wasted_usd: Decimal = Decimal(0)

    @property
    def total_usd(self) -> Decimal:
        """All three together."""
        return self.replay_usd + self.judge_usd + self.wasted_usd


class Recommendation(Frozen):
    """The answer of a run, and all that it rests on."""

    run_id: str
    at: datetime
    as_of: date
    provider: str
    endpoint: str
    judge: str
    judge_mode: Literal["side_by_side", "pointwise"] = "side_by_side"
    seed: int
    grade: Grade
    sentence: str
    reason: str
    current: ModelEntry
    use_case: str
    thresholds: Thresholds
    recommended: Evidence | None
    runner_up: Evidence | None
    closest: Evidence | None
    evidence: tuple[Evidence, ...]
    excluded: tuple[Excluded, ...]
    traffic: TrafficProfile
    impact: BusinessImpact | None
    spend: Spend
    stage: Literal["completed", "stopped_early", "budget_exhausted", "interrupted"]
    iterations: int
    seconds: float
    forced_switch: bool = False
    all_rejected: bool = False
    notes: tuple[str, ...] = ()
    guardrails: tuple[GuardrailReport, ...] = ()
    guardrail_set: str | None = None
    noise_floor: NoiseFloor | None = None
    routing: RoutingPlan | None = None
    more_samples: int | None = None
    more_usd: Decimal | None = None
    same_model: tuple[SameModelSavings, ...] = ()

    @property
    def winning_same_model(self) -> tuple[SameModelSavings, ...]:
        """Savings on the same model that come before the answer: as large as the switch's, or any where it is keep.

        A bound is no match for a measured saving, and a lower effort is measured by its own replays.
        """
        known = [
            s for s in self.same_model if s.kind != "lower_effort" and s.saving_percent is not None and s.saving_usd
        ]
        if self.forced_switch:
            return ()
        if self.grade == "keep":
            return tuple(known)
        switch = self.recommended.savings_percent if self.recommended is not None else None
        if switch is None:
            return ()
        return tuple(s for s in known if not s.is_upper_bound and (s.saving_percent or 0.0) >= switch.value)

    @property
    def confidence(self) -> float:
        """Confidence in the answer given, 0..1: that the switch is right, or that keeping is."""
        shown = self.recommended or self.closest
        if shown is None or self.grade == "inconclusive":
            return shown.confidence if shown is not None else 0.0
        return shown.confidence_keep if self.grade == "keep" else shown.confidence
