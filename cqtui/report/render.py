"""Renders a recommendation as Markdown and as a short text."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from typing import Any

from jinja2.sandbox import SandboxedEnvironment

from cqtui.engine.decide import retirement_words
from cqtui.engine.gates import about, confidence_words
from cqtui.engine.race import ENOUGH
from cqtui.report import filters, same_model
from cqtui.report.order import in_report_order, letters_of
from cqtui.resources import resource_path
from cqtui.results import Evidence, Recommendation

_SOURCES = {"log": "the log's own rate", "settings": "as stated in cqtui.toml", "unknown": "unknown"}


def _counts(counts: Mapping[str, int]) -> str:
    words = ", ".join(f"{filters.markdown(name)} {count}" for name, count in counts.items())
    return words or "0"


@functools.cache
def _environment() -> SandboxedEnvironment:
    from jinja2 import FileSystemLoader, StrictUndefined

    environment = SandboxedEnvironment(
        loader=FileSystemLoader(resource_path("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
        keep_trailing_newline=True,
    )
    for name in (
        "money",
        "interval",
        "points",
        "signed",
        "percent",
        "cost_change",
        "relative_change",
        "share",
        "share_interval",
        "milliseconds",
        "markdown",
        "plain",
    ):
        environment.filters[name] = getattr(filters, name)
    for name in ("saving_percent", "saving_usd", "saving_a_month", "saving_words"):
        environment.filters[name] = getattr(same_model, name)
    environment.filters["counts"] = _counts
    return environment


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
    names = filters.markdown(result.judge)
    if result.judge_mode == "pointwise":
        return f"{names} scored both answers of each pair on the same rubric, one at a time."
    return (
        f"{names} saw both answers of each pair side by side, without names and in random order, and scored each "
        "on the same rubric, from 0 to 100."
    )


def _days_for_more(result: Recommendation) -> int | None:
    """How many days of the log's own traffic the missing prompts are; None where its span is unknown."""
    traffic = result.traffic
    if not result.more_samples or not traffic.period_days or not traffic.calls:
        return None
    return math.ceil(result.more_samples * traffic.period_days / traffic.calls)


def _context(result: Recommendation) -> dict[str, Any]:
    shown = result.recommended or result.closest
    unknown = sorted(
        {
            name.strip()
            for e in result.evidence
            for words in e.candidate.rationale
            for found in re.findall(r"unknown: ([^;]+)", words)
            for name in found.split(",")
        }
    )
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
        "letters": [letters_of(result)[e.candidate.id] for e in in_report_order(result)],
        "outcomes": {e.candidate.id: outcome_words(e, result) for e in result.evidence},
        "names": {e.candidate.id: e.candidate.short_name for e in result.evidence},
        "judge_words": _judge_words(result),
        "volume_source": _SOURCES[result.traffic.monthly_source],
        "unknown_strengths": unknown,
        "retirement": retirement_words(result.current),
        "assumed": result.provider == "local",
        "any_sequential": any(e.sequential for e in result.evidence),
        "as_of": result.as_of.isoformat(),
        "winning_same_model": result.winning_same_model,
    }


def render_template(name: str, values: Mapping[str, Any]) -> str:
    """One of our templates with values that are already safe for its format."""
    return _environment().get_template(name).render(values)


def render_markdown(result: Recommendation) -> str:
    """The full report as Markdown."""
    return render_part(result, "report")


def render_part(result: Recommendation, name: str) -> str:
    """One part of the report as Markdown, by its template's name; empty where the run has nothing to say there."""
    text = _environment().get_template(f"{name}.md.j2").render(_context(result))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n" if text.strip() else ""


def render_summary(result: Recommendation) -> str:
    """A few lines for a terminal: the label, the sentence, what it rests on."""
    text = _environment().get_template("summary.txt.j2").render(_context(result))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
