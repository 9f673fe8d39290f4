"""``cqtui history``: past runs, and two of them side by side."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator

import click

from cqtui.cli.cache import open_store
from cqtui.report.comparison import CandidateComparison, Comparison, Figures, compare, comparison_json
from cqtui.report.filters import cost_change, interval, milliseconds, money, plain, share_interval, signed
from cqtui.report.history import GRADE_WORDS, STATE_WORDS, RunSummary, Trend, history_json, trends
from cqtui.report.past_runs import past_result, past_runs

WIDTH = 80
SHOWN_POINTS = 6
_JSON = click.option("--json", "as_json", is_flag=True, help="Print as JSON to stdout.")


@click.group("history", invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--all", "everything", is_flag=True, help="Rehearsals as well.")
@_JSON
@click.pass_context
def command(context: click.Context, everything: bool, as_json: bool) -> None:
    """List past runs, the newest first, and what became of the same switch over time.

    Percent with 95% intervals. Rehearsals are simulated: they are listed with --all only, and are in no trend.

    \b
    Examples:
      cqtui history
      cqtui history --all --json
      cqtui history compare 3f2a 91bc
    """
    context.obj = as_json
    if context.invoked_subcommand is not None:
        return
    with open_store() as store:
        found = store.run(lambda c: past_runs(c, rehearsals=everything))
    if as_json:
        click.echo(json.dumps(history_json(found), indent=2, ensure_ascii=False))
        return
    for line in history_lines(found) if found else ["No run yet; rehearsals are listed with --all."]:
        click.echo(line)


@command.command("compare")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@_JSON
@click.pass_obj
def compare_command(as_json_before: bool, first: str, second: str, as_json: bool) -> None:
    """Show what differs between the runs A and B (ids or their beginnings): conditions, answers, candidates.

    A figure differs where the two 95% intervals do not overlap; else no difference is shown, which is not the same as
    being equal.

    \b
    Example:
      cqtui history compare 3f2a 91bc
    """
    with open_store() as store:
        a = store.run(lambda c: past_result(c, first))
        b = store.run(lambda c: past_result(c, second))
    compared = compare(a, b)
    if as_json or as_json_before:
        click.echo(json.dumps(comparison_json(compared), indent=2, ensure_ascii=False))
        return
    for line in comparison_lines(compared):
        click.echo(line)


def fit(text: str, width: int) -> str:
    """Foreign text on one line, cut or padded to so many columns; wide letters take two."""
    from rich.cells import cell_len, set_cell_size

    shown = plain(text)
    return set_cell_size(shown, width - 1) + "…" if cell_len(shown) > width else set_cell_size(shown, width)


def _answer(run: RunSummary) -> str:
    if run.state != "finished":
        return STATE_WORDS[run.state]
    return GRADE_WORDS[run.grade] if run.grade is not None else ""


def _figures(run: RunSummary) -> str:
    return f"cost {cost_change(run.cost_saving_percent)}, quality {interval(run.quality_impact_percent)}"


def history_lines(found: list[RunSummary]) -> Iterator[str]:
    """The runs as a table of at most 80 columns, and the trends of switches that several runs looked at."""
    yield f"{'run':<12}  {'when (UTC)':<16}  {'answer':<14}  {'pairs':>6}  {'spent':>9}  provider"
    for run in found:
        state = _answer(run)
        short = state if len(state) <= 14 else run.state
        pairs = f"{run.pairs:,}" if run.pairs is not None else ""
        spent = money(run.spent_usd) if run.is_paid else "nothing"
        yield (
            f"{fit(run.run_id, 12)}  {run.at:%Y-%m-%d %H:%M}  {short:<14}  {pairs:>6}  {spent:>9}  "
            f"{fit(run.provider, 9)}"
        ).rstrip()
        if run.is_rehearsal:
            yield "  rehearsal: simulated answers, not evidence"
        if run.state in ("no result", "unreadable"):
            yield f"  {state}"
        elif run.current_model is not None:
            yield "  " + _switch(run.current_model, run.model or "no candidate", WIDTH - 2)
            if run.model is not None:
                yield f"  {_figures(run)}"
    several = [trend for trend in trends(found) if len(trend.points) > 1]
    if several:
        yield ""
        yield "The same switch over time, the oldest first:"
    for trend in several:
        yield from _trend_lines(trend)


def _switch(current: str, model: str, width: int) -> str:
    each = (width - 4) // 2
    return f"{fit(current, each).rstrip()} -> {fit(model, each).rstrip()}"


def _trend_lines(trend: Trend) -> Iterator[str]:
    shown = trend.points[-SHOWN_POINTS:]
    left_out = len(trend.points) - len(shown)
    yield "  " + _switch(trend.current_model, trend.model, WIDTH - 2)
    if left_out:
        yield f"    {left_out} earlier runs left out; --json has them all"
    for point in shown:
        figures = f"cost {cost_change(point.cost_saving_percent)}, quality {interval(point.quality_impact_percent)}"
        yield f"    {point.at:%Y-%m-%d}  {figures}"


def comparison_lines(compared: Comparison) -> Iterator[str]:
    """Two runs side by side, in lines of at most 80 columns."""
    for name, run in (("A", compared.a), ("B", compared.b)):
        simulated = "  rehearsal: simulated, not evidence" if run.is_rehearsal else ""
        yield f"{name}  {fit(run.run_id, 12)}  {run.at:%Y-%m-%d %H:%M}  {_answer(run)}{simulated}"
        yield from _wrapped(run.sentence, "   ")
    yield ""
    yield "The answer is the same." if compared.same_answer else "The answers differ."
    if compared.conditions:
        yield ""
        yield "Not measured alike; a difference below may come from these:"
        for each in compared.conditions:
            yield f"  {each.what}"
            yield from _wrapped(f"A: {each.a}", "    ")
            yield from _wrapped(f"B: {each.b}", "    ")
    else:
        yield "Measured alike: the same provider, judge, thresholds, seed and date of prices."
    for candidate in compared.in_both:
        yield from _candidate_lines(candidate)
    for name, models in (("A", compared.only_in_a), ("B", compared.only_in_b)):
        if models:
            yield ""
            yield from _wrapped(f"Only in {name}: {', '.join(models)}.", "")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(plain(text), WIDTH, initial_indent=indent, subsequent_indent=indent)


def _candidate_lines(candidate: CandidateComparison) -> Iterator[str]:
    a, b = candidate.a, candidate.b
    if a is None or b is None:
        return
    yield ""
    yield fit(candidate.model, WIDTH).rstrip()
    rows = (
        ("cost", *(cost_change(each.cost_saving_percent) for each in (a, b)), candidate.cost_saving),
        ("quality", *(interval(each.quality_impact_percent) for each in (a, b)), candidate.quality_impact),
        ("refusals", *(share_interval(each.refusal_rate_percent) for each in (a, b)), candidate.refusals),
        ("p95", *(milliseconds(each.latency_p95_ms) for each in (a, b)), _slower(a, b)),
        ("pairs", f"{a.pairs:,}", f"{b.pairs:,}", ""),
    )
    for label, of_a, of_b, shown in rows:
        yield f"{label:<8}  {of_a:<24} {of_b:<24} {shown}".rstrip()


def _slower(a: Figures, b: Figures) -> str:
    """How much the latency changed; it has no interval, so nothing is said of chance."""
    if not a.latency_p95_ms or b.latency_p95_ms is None:
        return ""
    return f"{signed(100 * (b.latency_p95_ms / a.latency_p95_ms - 1))}%"
