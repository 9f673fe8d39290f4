"""In which order a report shows the candidates, and the letters that stand for them. Pure."""

from __future__ import annotations

import string

from cqtui.results import Evidence, Recommendation


def in_report_order(result: Recommendation) -> list[Evidence]:
    """The candidates, the one that the answer is about first."""
    shown = result.recommended or result.closest
    return sorted(result.evidence, key=lambda e: shown is None or e.candidate.id != shown.candidate.id)


def letter(place: int) -> str:
    """The letter of a place counted from 0: A to Z, then AA, AB and so on."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, len(string.ascii_uppercase))
        name = string.ascii_uppercase[rest] + name
    return name
