"""What differs between two runs: the answer, what was measured of each candidate, and how it was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from cqtui.models import Frozen
from cqtui.report.evidence import evidence_kind
from cqtui.report.history import RunSummary, rounded, summary_json, summary_of
from cqtui.results import Evidence, Interval, Recommendation

Shown = Literal["differs", "no difference shown", "unknown"]


class Difference(Frozen):
    """A condition under which two runs were not alike, with its value in each."""

    what: str
    a: str
    b: str


class Figures(Frozen):
    """What one run measured of a candidate: percent with 95% intervals, ms, and the pairs it rests on."""

    cost_saving_percent: Interval | None
    quality_impact_percent: Interval | None
    refusal_rate_percent: Interval | None
    latency_p95_ms: float | None
    pairs: int


class CandidateComparison(Frozen):
    """A candidate that one of two runs tried, or both.

    A figure "differs" where the two 95% intervals do not overlap. That is a cautious rule: a small true difference may
    go unseen. It is "unknown" where a run has no interval; latency has none.
    """

    model: str
    a: Figures | None
    b: Figures | None
    cost_saving: Shown
    quality_impact: Shown
    refusals: Shown


class Comparison(Frozen):
    """Two runs side by side.

    ``conditions`` are what they did not have in common; where there are any, a difference of the figures may be theirs.
    """

    a: RunSummary
    b: RunSummary
    conditions: tuple[Difference, ...]
    candidates: tuple[CandidateComparison, ...]

    @property
    def same_answer(self) -> bool:
        """Whether both give the same grade, and recommend the same switch where they recommend one."""
        return _answer(self.a) == _answer(self.b)

    @property
    def in_both(self) -> tuple[CandidateComparison, ...]:
        """Candidates that both runs tried."""
        return tuple(each for each in self.candidates if each.a is not None and each.b is not None)

    @property
    def only_in_a(self) -> tuple[str, ...]:
        """Candidates that the first run alone tried."""
        return tuple(each.model for each in self.candidates if each.b is None)

    @property
    def only_in_b(self) -> tuple[str, ...]:
        """Candidates that the second run alone tried."""
        return tuple(each.model for each in self.candidates if each.a is None)


def _answer(run: RunSummary) -> tuple[str | None, ...]:
    return run.grade, run.current_model, run.model if run.recommended else None


def shown_difference(a: Interval | None, b: Interval | None) -> Shown:
    """Whether two estimates differ: only where their 95% intervals do not overlap."""
    if a is None or b is None:
        return "unknown"
    return "differs" if a.high < b.low or b.high < a.low else "no difference shown"


def compare(a: Recommendation, b: Recommendation) -> Comparison:
    """Put two runs side by side: candidates in the order of the first run, then those of the second alone."""
    of_a, of_b = _figures(a), _figures(b)
    return Comparison(
        a=summary_of(a),
        b=summary_of(b),
        conditions=tuple(_conditions(a, b)),
        candidates=tuple(_candidate(model, of_a.get(model), of_b.get(model)) for model in {**of_a, **of_b}),
    )


def _figures(result: Recommendation) -> dict[str, Figures]:
    return {evidence.candidate.id: _of(evidence) for evidence in result.evidence}


def _of(evidence: Evidence) -> Figures:
    return Figures(
        cost_saving_percent=rounded(evidence.savings_percent),
        quality_impact_percent=rounded(evidence.quality_impact_percent),
        refusal_rate_percent=rounded(evidence.refusal_interval),
        latency_p95_ms=evidence.latency_p95_ms,
        pairs=evidence.pairs,
    )


def _candidate(model: str, a: Figures | None, b: Figures | None) -> CandidateComparison:
    def shown(name: str) -> Shown:
        return shown_difference(getattr(a, name, None), getattr(b, name, None))

    return CandidateComparison(
        model=model,
        a=a,
        b=b,
        cost_saving=shown("cost_saving_percent"),
        quality_impact=shown("quality_impact_percent"),
        refusals=shown("refusal_rate_percent"),
    )


def _conditions(a: Recommendation, b: Recommendation) -> Iterator[Difference]:
    """Where the two runs differ in what was asked and how it was measured, the gravest first."""
    for what, of_a, of_b in zip(_NAMES, _values(a), _values(b), strict=True):
        if of_a != of_b:
            yield Difference(what=what, a=of_a, b=of_b)
    others = b.thresholds.model_dump()
    for name, value in a.thresholds.model_dump().items():
        if value != others[name]:
            yield Difference(what=f"threshold {name}", a=_word(value), b=_word(others[name]))


_NAMES = (
    "kind of answers",
    "provider",
    "endpoint",
    "current model",
    "use case",
    "calls in the log",
    "prices as of",
    "judge",
    "way of judging",
    "seed",
    "end of the run",
)


def _values(result: Recommendation) -> tuple[str, ...]:
    return (
        evidence_kind(result.provider),
        result.provider,
        result.endpoint,
        result.current.id,
        result.use_case,
        f"{result.traffic.calls:,}",
        result.as_of.isoformat(),
        result.judge,
        result.judge_mode.replace("_", " "),
        str(result.seed),
        result.stage.replace("_", " "),
    )


def _word(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """A comparison ready for JSON."""
    return {
        "a": summary_json(comparison.a),
        "b": summary_json(comparison.b),
        "same_answer": comparison.same_answer,
        "conditions": [each.model_dump() for each in comparison.conditions],
        "candidates": [each.model_dump(mode="json") for each in comparison.candidates],
        "only_in_a": list(comparison.only_in_a),
        "only_in_b": list(comparison.only_in_b),
    }
