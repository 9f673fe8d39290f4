"""Past runs in words: what a line of the list says, what is told beneath it, and the trend. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cqtui.report.filters import UNKNOWN, interval, money, percent, share_interval, signed
from cqtui.report.history import GRADE_WORDS, STATE_WORDS, RunSummary, Trend, trends
from cqtui.results import Interval

NO_RUNS = (
    "No runs yet. Go back (esc) and start one (s); it is kept here, and the next run of the same switch makes a trend. "
    "Without a key, choose the rehearsal under 'who answers': a shows rehearsals here."
)
ONLY_REHEARSALS = "Only rehearsals so far: they are simulated, and no evidence. a shows them."
NO_MATCH = "No run has these words: / with an empty text shows all."
GOES_ON = (
    "Not finished. Where it was stopped, starting the same run again (same log, same settings) goes on there; what was "
    "paid for is kept."
)
NO_RESULT = {
    "unfinished": GOES_ON,
    "no result": "This run ended without a result. What it spent is shown; the answers it paid for are kept.",
    "unreadable": "Another version of cqtui kept this run, in another shape. Run it again to see its result.",
}


def name_of(model_id: str) -> str:
    """A model's id without who serves it, for narrow columns."""
    return model_id.partition("/")[2] or model_id


def answer_words(run: RunSummary) -> str:
    """The grade of a finished run, else its state; at most 14 letters."""
    if run.state != "finished":
        return run.state
    return GRADE_WORDS[run.grade] if run.grade is not None else UNKNOWN


def switch_words(run: RunSummary) -> str:
    """The recommended candidate, or the closest one in brackets; empty where there is none."""
    if run.model is None:
        return ""
    return name_of(run.model) if run.recommended else f"({name_of(run.model)})"


def saving_words(saving: Interval | None) -> str:
    """A saving in percent."""
    return percent(None if saving is None else saving.value)


def impact_words(impact: Interval | None) -> str:
    """A quality impact in percent, with its sign."""
    return UNKNOWN if impact is None else f"{signed(impact.value)}%"


def spent_words(run: RunSummary) -> str:
    """What was paid."""
    return money(run.spent_usd) if run.is_paid else "nothing"


def has_result(run: RunSummary) -> bool:
    """Whether it has a result to be opened; that of an unfinished run is what it has shown so far."""
    return run.grade is not None


def narrowed(runs: Iterable[RunSummary], text: str, *, rehearsals: bool) -> list[RunSummary]:
    """The runs to be listed: without rehearsals unless asked for, and with every word of a text."""
    wanted = text.casefold().split()
    return [
        run for run in runs if (rehearsals or not run.is_rehearsal) and all(word in _searched(run) for word in wanted)
    ]


def _searched(run: RunSummary) -> str:
    parts = (
        run.run_id,
        f"{run.at:%Y-%m-%d %H:%M}",
        answer_words(run),
        run.provider,
        run.current_model or "",
        run.model or "",
        run.sentence,
    )
    return "\n".join(parts).casefold()


def detail_lines(run: RunSummary) -> list[str]:
    """All that is known of a run, in a few lines."""
    lines = []
    if run.is_rehearsal:
        lines.append("REHEARSAL: simulated answers, not evidence.")
    if run.state == "finished":
        lines.append(run.sentence or "No sentence is kept.")
    elif run.state == "unfinished":
        lines.append(GOES_ON + (f" So far: {run.sentence}" if run.sentence else ""))
    else:
        lines.append(NO_RESULT[run.state])
    if run.current_model is not None:
        kind = "recommended" if run.recommended else "closest"
        model = f"{run.model} ({kind})" if run.model is not None else "no candidate"
        lines.append(f"{run.current_model} → {model}")
    figures = []
    if run.model is not None:
        figures.append(f"saving {share_interval(run.cost_saving_percent)}")
        figures.append(f"quality {interval(run.quality_impact_percent)}")
    if run.pairs is not None:
        figures.append(f"{run.pairs:,} pairs")
    if figures:
        lines.append(" · ".join(figures))
    when = f"{run.at:%Y-%m-%d %H:%M} UTC"
    lines.append(f"spent {spent_words(run)} · {when} · {STATE_WORDS[run.state]} · {run.provider} · run {run.run_id}")
    return lines


@dataclass(frozen=True)
class Course:
    """A figure of a switch over time: its values, the oldest first, and the first and the last in words."""

    values: tuple[float, ...]
    words: str


def trend_of(runs: Iterable[RunSummary], run: RunSummary) -> Trend | None:
    """The trend that a run is a part of; None where it is of none."""
    if run.is_rehearsal:
        return None
    found = trends(runs)
    return next((each for each in found if (each.current_model, each.model) == (run.current_model, run.model)), None)


def saving_course(trend: Trend) -> Course:
    """How the saving went."""
    return _course([point.cost_saving_percent for point in trend.points], saving_words)


def impact_course(trend: Trend) -> Course:
    """How the quality impact went."""
    return _course([point.quality_impact_percent for point in trend.points], impact_words)


def _course(points: Sequence[Interval | None], words: Callable[[Interval | None], str]) -> Course:
    known = [point for point in points if point is not None]
    if not known:
        return Course((), UNKNOWN)
    if len(known) == 1:
        return Course((known[0].value,), f"{words(known[0])} (one run)")
    told = f"first {words(known[0])}, last {words(known[-1])} ({len(known):,} runs)"
    return Course(tuple(point.value for point in known), told)


def no_trend_words(run: RunSummary | None) -> str:
    """Why there is no trend to show."""
    if run is None:
        return "No run is selected."
    if run.is_rehearsal:
        return "A rehearsal is no part of a trend."
    if run.model is None:
        return "This run has no candidate, so it is no part of a trend."
    return "Only finished runs are a part of a trend."
