"""Renders a recommendation as Markdown and as a short text."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from cqtui.engine.budget import MONTH_NOTE
from cqtui.engine.decide import retirement_words
from cqtui.engine.gates import about, confidence_words
from cqtui.engine.race import ENOUGH
from cqtui.report.history import GRADE_WORDS
from cqtui.report.markdown_text import markdown
from cqtui.report.order import in_report_order, letters_of
from cqtui.report.reproduce import reproduce_command
from cqtui.report.run_record import RunRecord
from cqtui.report.templates import render
from cqtui.results import Evidence, Recommendation

REHEARSAL = "> **Rehearsal: simulated answers. Not evidence.**"
LEAST_PACE_DAYS = 1 / 24
_SOURCES = {"log": "the log's own rate", "settings": "as stated in cqtui.toml", "unknown": "unknown"}


def verdict(result: Recommendation) -> str:
    """The grade in words."""
    if result.grade == "leaning":
        return "Leaning, not verified."
    if result.all_rejected:
        return "No candidate passed." if result.evidence else "Nothing to try."
    if result.grade in ("keep", "inconclusive"):
        return "Not enough evidence."
    return "Verified."


def outcome_words(evidence: Evidence, result: Recommendation) -> str:
    """What became of a candidate, in a few words."""
    if result.recommended is not None and evidence.candidate.id == result.recommended.candidate.id:
        return result.grade
    if evidence.stopped is not None and evidence.stopped != ENOUGH:
        return f"{evidence.stopped}, stopped after {evidence.ledger.replayed}"
    failed = [gate.name for gate in evidence.gates if gate.passed is not True and gate.level == "leaning"]
    if failed and (result.all_rejected or evidence.regression):
        return f"fails: {', '.join(failed)}"
    if failed:
        return f"undecided: {', '.join(failed)}"
    return "verified too" if evidence.verified else "acceptable"


def _judge_words(result: Recommendation) -> str:
    if result.judge == "checks":
        return (
            "scored by checks and similarity to the logged answer, no judge model. The logged answer counts as 100, "
            "right or wrong; a better answer than the logged one cannot score higher."
        )
    if result.provider == "rehearsal":
        return "a simulated judge that compares each answer with the logged one."
    names = markdown(result.judge)
    if result.judge_mode == "pointwise":
        return f"{names} scored both answers of each pair on the same rubric, one at a time."
    return (
        f"{names} saw both answers of each pair side by side, without names and in random order, and scored each "
        "on the same rubric, from 0 to 100."
    )


def _days_for_more(result: Recommendation) -> int | None:
    """How many days of the log's own traffic the missing prompts are; None where it spans under an hour."""
    traffic = result.traffic
    if not result.more_samples or not traffic.calls or (traffic.period_days or 0) < LEAST_PACE_DAYS:
        return None
    return math.ceil(result.more_samples * (traffic.period_days or 0) / traffic.calls)


def report_values(result: Recommendation) -> dict[str, Any]:
    """What the templates of report, comment and summary are filled with."""
    shown = result.recommended or result.closest
    return {
        **{name: getattr(result, name) for name in Recommendation.model_fields},
        "shown": shown,
        "confidence": confidence_words(result.confidence),
        "ordered": in_report_order(result),
        "days_for_more": _days_for_more(result),
        "more_words": about(result.more_samples or 0),
        "verdict": verdict(result),
        "simulated": result.provider == "rehearsal",
        "recorded": result.provider == "recorded",
        "letters": letters_of(result),
        "outcomes": {e.candidate.id: outcome_words(e, result) for e in result.evidence},
        "names": {e.candidate.id: e.candidate.short_name for e in result.evidence},
        "judge_words": _judge_words(result),
        "volume_source": _SOURCES[result.traffic.monthly_source],
        "unknown_strengths": _unknown_strengths(result),
        "retirement": retirement_words(result.current),
        "assumed": result.provider == "local",
        "any_sequential": any(e.sequential for e in result.evidence),
        "as_of": result.as_of.isoformat(),
        "winning_same_model": result.winning_same_model,
        "budget_notes": [note for note in result.notes if note.startswith(MONTH_NOTE)],
        "show_money": True,
        "grade_words": GRADE_WORDS,
        "command": reproduce_command(result),
        "is_committed": False,
        "trend": (),
    }


def _unknown_strengths(result: Recommendation) -> list[str]:
    return sorted(
        {
            name.strip()
            for e in result.evidence
            for words in e.candidate.rationale
            for found in re.findall(r"unknown: ([^;]+)", words)
            for name in found.split(",")
        }
    )


def tidy(text: str) -> str:
    """Markdown with single empty lines, and a newline at its end; empty stays empty."""
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n" if text.strip() else ""


def render_markdown(result: Recommendation, templates: Path | None = None) -> str:
    """The full report as Markdown.

    Args:
        result: The run.
        templates: A folder with the user's own templates.

    Raises:
        BadInputError: A template of the user's is broken.
    """
    return _report(report_values(result), templates)


def render_committed(result: Recommendation, trend: tuple[RunRecord, ...], templates: Path | None = None) -> str:
    """The report without what changes from run to run (run id, money spent), and with the ``trend``, oldest first.

    Raises:
        BadInputError: A template of the user's is broken.
    """
    values = {**report_values(result), "is_committed": True, "trend": trend}
    return _report(values, templates)


def _report(values: dict[str, Any], templates: Path | None) -> str:
    """The report; that a rehearsal is one is said even where a template of the user's does not."""
    text = tidy(render("report.md.j2", values, templates))
    if not values["simulated"] or text.startswith(REHEARSAL):
        return text
    return f"{REHEARSAL}\n\n{text}"


def render_part(result: Recommendation, name: str) -> str:
    """One part of the report as Markdown, by its template's name; empty where the run has nothing to say there."""
    return tidy(render(f"{name}.md.j2", report_values(result)))


def render_summary(result: Recommendation) -> str:
    """A few lines for a terminal: the label, the sentence, what it rests on."""
    return tidy(render("summary.txt.j2", report_values(result)))
