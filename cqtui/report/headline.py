"""The first line of a comment: what to do, or what the switch that a pull request makes would do. Pure."""

from __future__ import annotations

import math

from cqtui.models import Frozen
from cqtui.report.evidence import evidence_kind
from cqtui.report.filters import interval
from cqtui.report.markdown_text import shortened
from cqtui.results import Evidence, Interval, Recommendation

_SENTENCE_LENGTH = 300
_NAME_LENGTH = 60


class Switch(Frozen):
    """The switch that a pull request makes, by the names of the two models as its configuration has them."""

    from_model: str
    to_model: str


class Headline(Frozen):
    """The line, as plain foreign text, and whether it may have a tick."""

    text: str
    is_ticked: bool


def headline_of(result: Recommendation, switch: Switch | None) -> Headline:
    """What a comment says first. Only what is verified on measured answers may have a tick."""
    is_proven = result.grade == "verified" and evidence_kind(result.provider) == "measured"
    if switch is None:
        is_ticked = is_proven and result.recommended is not None
        return Headline(text=shortened(result.sentence, _SENTENCE_LENGTH), is_ticked=is_ticked)
    found = evidence_of(result, switch)
    names = [shortened(name, _NAME_LENGTH) for name in (switch.from_model, switch.to_model)]
    start = f"This PR switches {names[0]} to {names[1]}"
    if found is None or found.quality_impact_percent is None:
        reason = shortened(result.reason or result.sentence, _SENTENCE_LENGTH // 2)
        return Headline(text=f"{start}. What that does is not measured: {reason}", is_ticked=False)
    is_ticked = is_proven and found.verified
    return Headline(text=f"{start}: {_found_words(found, result, is_ticked)}", is_ticked=is_ticked)


def evidence_of(result: Recommendation, switch: Switch) -> Evidence | None:
    """What was measured of the model that a pull request switches to."""
    for evidence in result.evidence:
        entry = evidence.candidate.entry
        names = (evidence.candidate.id, evidence.candidate.short_name, entry.id, entry.model, *entry.aliases)
        if switch.to_model in names:
            return evidence
    return None


def _found_words(found: Evidence, result: Recommendation, is_verified: bool) -> str:
    cost, quality = _cost_words(found.savings_percent), f"quality impact {interval(found.quality_impact_percent)}"
    if is_verified:
        return f"{cost}, {quality}, verified on {found.pairs} calls."
    failed = {gate.name for gate in found.gates if gate.passed is False}
    if "evidence on quality" in failed:
        return f"answers get clearly worse. {quality.capitalize()}, {cost}, on {found.pairs} calls."
    if "evidence on refusals" in failed:
        refused = f"{found.ledger.newly_refused} of {found.ledger.replayed} calls"
        return f"clearly more calls are refused, {refused}. {cost.capitalize()}, {quality}."
    measured = f"{cost}, {quality} on {found.pairs} calls"
    not_met = [gate.name for gate in found.gates if gate.passed is False and gate.level == "leaning"]
    if not_met and result.all_rejected:
        return f"{measured}. Not acceptable: {', '.join(not_met)}."
    return f"{measured}. Not verified."


def _cost_words(saving: Interval | None) -> str:
    """Savings round down, increases up."""
    if saving is None:
        return "cost unknown"
    if abs(saving.value) <= 1e-9:
        return "cost unchanged"
    if saving.value >= 0:
        return f"cost down {math.floor(saving.value + 1e-9) or 'under 1'}%"
    return f"cost up {math.ceil(-saving.value - 1e-9)}%"
