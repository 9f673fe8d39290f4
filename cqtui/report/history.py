"""Past runs: one summary each, and how the same question was answered over time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import ValidationError

from cqtui.models import Frozen
from cqtui.results import Grade, Interval, Recommendation
from cqtui.store.runs import UNPAID_PROVIDERS, StoredRun

RunState = Literal["finished", "unfinished", "no result", "unreadable"]
STATE_WORDS: Mapping[RunState, str] = {
    "finished": "finished",
    "unfinished": "unfinished",
    "no result": "ended without a result",
    "unreadable": "kept by another version of cqtui",
}
GRADE_WORDS: Mapping[Grade, str] = {
    "verified": "verified",
    "leaning": "leaning",
    "inconclusive": "not enough yet",
    "keep": "keep",
}


class RunSummary(Frozen):
    """A run in a line.

    ``at`` is when it ended, or began where it has not ended. ``model`` is the recommended candidate (``recommended``),
    else the closest one. Savings and quality impact are of that candidate, with 95% intervals, in percent; ``pairs`` is
    what the impact rests on. What a run without a result does not tell is None, and its sentence empty. ``spent_usd``
    is what the answers would have cost where nothing was paid (``is_paid``).
    """

    run_id: str
    at: datetime
    state: RunState
    provider: str
    current_model: str | None = None
    model: str | None = None
    recommended: bool = False
    grade: Grade | None = None
    cost_saving_percent: Interval | None = None
    quality_impact_percent: Interval | None = None
    pairs: int | None = None
    spent_usd: Decimal = Decimal(0)
    sentence: str = ""

    @property
    def is_rehearsal(self) -> bool:
        """Whether its models were simulated: no evidence, and no part of a trend."""
        return self.provider == "rehearsal"

    @property
    def is_paid(self) -> bool:
        """Whether real calls were paid for."""
        return self.provider not in UNPAID_PROVIDERS


class TrendPoint(Frozen):
    """What one run found of a switch; percent, with 95% intervals."""

    run_id: str
    at: datetime
    provider: str
    grade: Grade
    cost_saving_percent: Interval | None
    quality_impact_percent: Interval | None


class Trend(Frozen):
    """The same switch as several runs saw it, the oldest first."""

    current_model: str
    model: str
    points: tuple[TrendPoint, ...]


def read_result(stored: Mapping[str, Any] | None) -> Recommendation | None:
    """A stored result as it was, or None where there is none or another version wrote it in another shape."""
    if stored is None:
        return None
    try:
        return Recommendation.model_validate(stored)
    except ValidationError:
        return None


def summary(run: StoredRun, result: Recommendation | None) -> RunSummary:
    """A run's summary: what its result says, and what the store says where there is none."""
    state: RunState = "finished"
    if run.finished_at is None:
        state = "unfinished"
    elif not run.has_result:
        state = "no result"
    elif result is None:
        state = "unreadable"
    when = run.finished_at or run.started_at
    base = RunSummary(run_id=run.run_id, at=when, state=state, provider=run.provider, spent_usd=run.spend.total_usd)
    return base if result is None else base.model_copy(update=_found(result))


def summary_of(result: Recommendation) -> RunSummary:
    """The summary of a result alone."""
    state: RunState = "unfinished" if result.stage == "interrupted" else "finished"
    base = RunSummary(
        run_id=result.run_id, at=result.at, state=state, provider=result.provider, spent_usd=result.spend.total_usd
    )
    return base.model_copy(update=_found(result))


def rounded(value: Interval | None) -> Interval | None:
    """To three digits, as in all JSON of cqtui."""
    if value is None:
        return None
    return Interval(value=round(value.value, 3), low=round(value.low, 3), high=round(value.high, 3))


def _found(result: Recommendation) -> dict[str, Any]:
    shown = result.recommended or result.closest
    return {
        "current_model": result.current.id,
        "model": None if shown is None else shown.candidate.id,
        "recommended": result.recommended is not None,
        "grade": result.grade,
        "cost_saving_percent": None if shown is None else rounded(shown.savings_percent),
        "quality_impact_percent": None if shown is None else rounded(shown.quality_impact_percent),
        "pairs": None if shown is None else shown.pairs,
        "sentence": result.sentence,
    }


def trends(summaries: Iterable[RunSummary]) -> tuple[Trend, ...]:
    """What finished runs found of each switch over time, the switch seen last first; rehearsals are left out."""
    found: dict[tuple[str, str], list[TrendPoint]] = {}
    for run in sorted(summaries, key=lambda each: each.at):
        if run.state != "finished" or run.is_rehearsal or not (run.current_model and run.model and run.grade):
            continue
        point = TrendPoint(
            run_id=run.run_id,
            at=run.at,
            provider=run.provider,
            grade=run.grade,
            cost_saving_percent=run.cost_saving_percent,
            quality_impact_percent=run.quality_impact_percent,
        )
        found.setdefault((run.current_model, run.model), []).append(point)
    series = [Trend(current_model=a, model=b, points=tuple(points)) for (a, b), points in found.items()]
    return tuple(sorted(series, key=lambda each: each.points[-1].at, reverse=True))


def history_json(summaries: Iterable[RunSummary]) -> dict[str, Any]:
    """The runs and their trends, ready for JSON; percent and USD as numbers, times in ISO 8601."""
    runs = list(summaries)
    return {
        "runs": [summary_json(run) for run in runs],
        "trends": [trend.model_dump(mode="json") for trend in trends(runs)],
    }


def summary_json(run: RunSummary) -> dict[str, Any]:
    """A summary ready for JSON; ``simulated`` marks a rehearsal, ``paid`` whether ``spent_usd`` was paid at all."""
    return {
        **run.model_dump(mode="json"),
        "spent_usd": round(float(run.spent_usd), 6),
        "paid": run.is_paid,
        "simulated": run.is_rehearsal,
    }
