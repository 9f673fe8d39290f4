"""The figures of a comment in words and cells, as Markdown. Pure."""

from __future__ import annotations

from cqtui.engine.gates import confidence_words
from cqtui.models import Frozen
from cqtui.report.filters import interval, milliseconds, money, points, share, signed
from cqtui.report.markdown_text import code, markdown, shortened, tight
from cqtui.report.order import in_report_order, letters_of
from cqtui.report.render import outcome_words
from cqtui.results import Evidence, Recommendation

_NAME_LENGTH = 60
_TICK = "✅"


class Row(Frozen):
    """A line of the comment's table; every cell is Markdown."""

    letter: str = ""
    name: str
    cost: str = ""
    quality: str = ""
    refused: str = ""
    bad_format: str = ""
    latency: str = ""
    verdict: str = ""


def table_rows(result: Recommendation, shown: Evidence | None, *, is_ticked: bool) -> list[Row]:
    """The candidates, the one that the answer is about first, and the current model last.

    Args:
        result: The run.
        shown: The candidate that the comment is about.
        is_ticked: Whether that one has a tick.
    """
    letters = letters_of(result)
    ordered = sorted(in_report_order(result), key=lambda e: shown is None or e.candidate.id != shown.candidate.id)
    rows = [_row(e, result, letters[e.candidate.id], is_ticked and e is ordered[0]) for e in ordered]
    floor = result.noise_floor
    today = Row(
        name=f"*{name_of(result.current.short_name)} today*",
        quality=f"*noise floor {points(floor.difference_points)} points*" if floor is not None else "",
        verdict="*judged against its own logged answers*",
    )
    return [*rows, today]


def _row(evidence: Evidence, result: Recommendation, letter: str, is_ticked: bool) -> Row:
    name, cost = name_of(evidence.candidate.short_name), "unknown"
    if evidence.savings_percent is not None:
        cost = f"{signed(-evidence.savings_percent.value)}%"
    is_chosen = result.recommended is not None and evidence.candidate.id == result.recommended.candidate.id
    words = markdown(shortened(outcome_words(evidence, result), 200))
    return Row(
        letter=letter,
        name=f"**{name}**" if is_chosen else name,
        cost=f"**{cost}**" if is_chosen else cost,
        quality=tight(interval(evidence.quality_impact_percent)),
        refused=f"{evidence.ledger.newly_refused} of {evidence.ledger.replayed}",
        bad_format=share(evidence.format_failure_rate),
        latency=milliseconds(evidence.latency_p95_ms),
        verdict=f"{_TICK} {words}" if is_ticked else words,
    )


def name_of(name: str) -> str:
    """A model's name as Markdown, not too long for a line."""
    return markdown(shortened(name, _NAME_LENGTH))


def basis_words(result: Recommendation, shown: Evidence | None, commit: str | None) -> str:
    """What the answer rests on, in a line: judge, noise floor, confidence, date of the prices, commit."""
    parts = []
    if shown is not None:
        judge = "checks and similarity, no judge model" if result.judge == "checks" else name_of(result.judge)
        simulated = " (simulated)" if result.provider == "rehearsal" else ""
        parts += [f"Judge: {judge}{simulated}", f"confidence {confidence_words(result.confidence)}"]
    if result.noise_floor is not None:
        parts.append(f"noise floor {points(result.noise_floor.difference_points)} points")
    parts.append(f"prices of {result.as_of.isoformat()}")
    if commit is not None:
        parts.append(f"commit {code(commit)}")
    words = " · ".join(parts)
    return words[:1].upper() + words[1:]


def money_words(result: Recommendation, shown: Evidence | None) -> str:
    """What the switch is worth a month, to be added to the verdict; empty where that is unknown."""
    impact, chosen = result.impact, result.recommended
    if impact is None or impact.projected_monthly_savings_usd is None or chosen is None or shown is None:
        return ""
    if shown.candidate.id != chosen.candidate.id:
        return ""
    saved = impact.projected_monthly_savings_usd
    return (
        f" · {'saves' if saved >= 0 else 'costs'} about **{money(abs(saved))} a month** "
        f"at {impact.monthly_request_volume or 0:,} calls"
    )


def run_cost_words(result: Recommendation) -> str:
    """What the run cost, to be added to its id."""
    kind = {"rehearsal": " (simulated)", "local": " (assumed; nothing was paid)"}.get(result.provider, "")
    return f": cost {money(result.spend.total_usd)}{kind}"


def ledger_title(shown: Evidence | None) -> str:
    """The ledger in short."""
    if shown is None:
        return "Ledger"
    return f"Ledger: {shown.ledger.comparable} comparable of {shown.ledger.replayed}"
