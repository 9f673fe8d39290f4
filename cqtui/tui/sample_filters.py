"""Which pairs of a run are shown, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cqtui.results import Pair
from cqtui.store.samples import SampleRow

Kind = Literal["all", "regressions", "newly_refused", "newly_answered", "failed", "bad_format", "unjudged", "better"]
Order = Literal["worst", "log"]
KINDS: dict[Kind, str] = {
    "all": "all pairs",
    "regressions": "the candidate is worse",
    "newly_refused": "newly refused",
    "newly_answered": "newly answered",
    "failed": "failed calls",
    "bad_format": "bad format",
    "unjudged": "without scores",
    "better": "the candidate is better",
}
LEAST_REGRESSION = 1.0  # points


@dataclass(frozen=True)
class SampleFilter:
    """What is asked for: None is any; ``found`` are the pairs that hold a text that was searched for."""

    model_id: str | None = None
    kind: Kind = "all"
    segment: str | None = None
    found: frozenset[tuple[str, str]] | None = None
    order: Order = "worst"


def difference(pair: Pair) -> float | None:
    """Candidate minus current model, points; None where a score is missing."""
    if pair.baseline_score is None or pair.candidate_score is None:
        return None
    return pair.candidate_score - pair.baseline_score


def is_regression(pair: Pair) -> bool:
    """Whether a person should look: the candidate is worse, refuses newly, or failed."""
    return bool(trouble(pair)) or (difference(pair) or 0.0) <= -LEAST_REGRESSION


def trouble(pair: Pair) -> str:
    """What went wrong with the candidate's answer, in a few words; empty where nothing did."""
    if pair.failure is not None:
        return f"failed: {pair.failure.replace('_', ' ')}"
    if pair.is_newly_refused:
        return "newly refused"
    if pair.format_failed:
        return "bad format"
    return "cut off" if pair.truncated else ""


def state_words(pair: Pair) -> str:
    """What became of a pair, in a few words."""
    if words := trouble(pair):
        return words
    if pair.candidate_refused and pair.baseline_refused:
        return "both refused"
    if pair.baseline_refused:
        return "newly answered"
    if pair.unasked:
        return "no judge needed"
    if pair.unjudged:
        return "unjudged"
    return f"decided: {pair.decided_by}" if pair.decided_by else ""


def _is_of(kind: Kind, pair: Pair) -> bool:
    gap = difference(pair)
    match kind:
        case "regressions":
            return is_regression(pair)
        case "newly_refused":
            return pair.is_newly_refused
        case "newly_answered":
            return pair.baseline_refused and not pair.candidate_refused and pair.failure is None
        case "failed":
            return pair.failure is not None
        case "bad_format":
            return pair.format_failed
        case "unjudged":
            return gap is None
        case "better":
            return gap is not None and gap >= LEAST_REGRESSION
        case _:
            return True


def _badness(row: SampleRow) -> tuple[int, float, int]:
    """Refusals, failures and broken formats first, then by how much worse, then as in the log."""
    gap = difference(row.pair)
    return (0 if trouble(row.pair) else 1, gap if gap is not None else 1000.0, row.position)


def chosen(rows: Sequence[SampleRow], wanted: SampleFilter) -> list[SampleRow]:
    """The rows that a filter asks for, in its order."""
    found = [
        row
        for row in rows
        if (wanted.model_id is None or row.model_id == wanted.model_id)
        and (wanted.segment is None or row.pair.segment == wanted.segment)
        and (wanted.found is None or (row.model_id, row.record_id) in wanted.found)
        and _is_of(wanted.kind, row.pair)
    ]
    return sorted(found, key=_badness) if wanted.order == "worst" else found


def segments_of(rows: Sequence[SampleRow]) -> list[str]:
    """The segments that the rows belong to, by name."""
    return sorted({row.pair.segment for row in rows if row.pair.segment is not None})
