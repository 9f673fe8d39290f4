"""Comments and reports as they are: ``tests/data/golden``; ``python -m tests.golden`` writes them anew."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import date
from pathlib import Path

from cqtui.report.comment import CommentOptions, render_comment, render_nothing_to_do, render_problem
from cqtui.report.headline import Switch
from cqtui.report.render import render_committed, render_markdown
from cqtui.report.run_record import record_of
from cqtui.results import Recommendation
from tests.fakes import pairs
from tests.hostile import TEXTS, hostile_run
from tests.results import recommendation
from tests.tui.stage import CASES, recorded_result

FOLDER = Path(__file__).parent / "data" / "golden"
COMMIT = "4c1e0d7"
SWITCH = Switch(from_model="gpt-6.1-sol", to_model="gpt-6.1-terra")
_HOSTILE = 1  # of tests.hostile.TEXTS


def comment(result: Recommendation, **options: object) -> str:
    """A comment on the commit of the golden files."""
    return render_comment(result, CommentOptions.model_validate({"commit": COMMIT, **options}))


def partial(stage: str) -> Recommendation:
    """A run that was cut short."""
    return recorded_result("inconclusive").model_copy(update={"stage": stage})


def nothing_tried() -> Recommendation:
    """A run in which no model came into question."""
    sentence = "Keep gpt-6.1-sol. No candidate is cheaper and fits this traffic."
    update = {"evidence": (), "recommended": None, "closest": None, "runner_up": None, "impact": None}
    return recorded_result("keep").model_copy(update={**update, "sentence": sentence})


def committed() -> str:
    """A committed report with a trend."""
    result = recorded_result("verified")
    first = record_of(recorded_result("inconclusive")).model_copy(update={"as_of": date(2026, 9, 25)})
    return render_committed(result, (first, record_of(result)))


def _comment_of(case: str) -> str:
    return comment(recorded_result(case))


def _report_of(case: str) -> str:
    return render_markdown(recorded_result(case))


GOLDEN: dict[str, Callable[[], str]] = {
    **{f"comment-{case}": functools.partial(_comment_of, case) for case in CASES},
    **{f"report-{case}": functools.partial(_report_of, case) for case in CASES},
    "comment-switch-verified": lambda: comment(recorded_result("verified"), switch=SWITCH),
    "comment-switch-not-verified": lambda: comment(recorded_result("inconclusive"), switch=SWITCH),
    "comment-switch-regression": lambda: comment(recorded_result("keep"), switch=SWITCH),
    "comment-without-money": lambda: comment(recorded_result("verified"), show_money=False),
    "comment-shed": lambda: comment(recorded_result("verified"), limit_bytes=6_000),
    "comment-partial-budget": lambda: comment(partial("budget_exhausted")),
    "comment-partial-interrupted": lambda: comment(partial("interrupted")),
    "comment-nothing-tried": lambda: comment(nothing_tried()),
    "comment-guardrails-routing": lambda: comment(hostile_run("house-rules")),
    "comment-hostile": lambda: comment(hostile_run(TEXTS[_HOSTILE])),
    "comment-nothing-to-do": lambda: render_nothing_to_do(
        "No prompt log, cqtui.toml or models.toml changed in this pull request.", commit=COMMIT
    ),
    "comment-problem": lambda: render_problem(
        'cqtui.toml:7: unknown key "max_latency". Did you mean "max_latency_ms"?', commit=COMMIT
    ),
    "report-partial-budget": lambda: render_markdown(partial("budget_exhausted")),
    "report-nothing-tried": lambda: render_markdown(nothing_tried()),
    "report-committed": committed,
    "report-leaning": lambda: render_markdown(recommendation(pairs(60, drop=1.0))),
}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in GOLDEN.items():
        (FOLDER / f"{name}.md").write_text(text(), encoding="utf-8")
