"""In which order a report shows the candidates, and the letters that stand for them. Pure."""

from __future__ import annotations

from cqtui.engine.letters import letter
from cqtui.results import Evidence, Recommendation


def in_report_order(result: Recommendation) -> list[Evidence]:
    """The candidates, the one that the answer is about first."""
    shown = result.recommended or result.closest
    return sorted(result.evidence, key=lambda e: shown is None or e.candidate.id != shown.candidate.id)


def letters_of(result: Recommendation) -> dict[str, str]:
    """Each candidate's letter, by its id: in the order in which they were tried, as the run showed them."""
    return {evidence.candidate.id: letter(place) for place, evidence in enumerate(result.evidence)}
