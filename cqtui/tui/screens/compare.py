"""Two runs side by side: what was not measured alike, then the figures of each candidate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from cqtui.report.comparison import CandidateComparison, Comparison, Figures
from cqtui.report.filters import UNKNOWN, cost_change, interval, milliseconds, share_interval, signed
from cqtui.report.history import RunSummary
from cqtui.tui.history_words import answer_words
from cqtui.tui.inert import fitted, one_line
from cqtui.tui.page import Page

ALIKE = "Measured alike: the same provider, judge, thresholds, seed and date of prices."
NOT_TRIED = "not tried"
_FIGURE_WIDTH = 23
_NAME_WIDTH = 9


class CompareScreen(Page):
    """What differs between two runs; A is the older one."""

    PLACE = "compare"
    HELP_TEXT = (
        "A is the older run. First what the two runs did not have in common: a difference of the figures may come from "
        "that. A figure 'differs' where the two 95% intervals do not overlap; that is cautious, so a small true "
        "difference may go unseen. Latency has no interval: only its change is told."
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "app.pop_screen", "Back")]

    def __init__(self, compared: Comparison) -> None:
        super().__init__()
        self._compared = compared

    def body(self) -> Iterable[Widget]:
        """Conditions, answers, candidates."""
        compared = self._compared
        with VerticalScroll(id="compared"):
            with Container(id="conditions-panel", classes="panel"):
                yield Static(_conditions(compared), id="conditions", markup=False)
            with Container(id="runs-panel", classes="panel"):
                yield Static(_runs(compared), id="answers", markup=False)
            yield Static(_candidates(compared), id="figures", markup=False)

    def on_mount(self) -> None:
        """Scroll with the arrow keys at once."""
        compared = self._compared
        self.title_bar.subject = f"A {compared.a.run_id} · B {compared.b.run_id}"
        panel = self.query_one("#conditions-panel")
        panel.set_class(bool(compared.conditions), "-unlike")
        panel.border_title = "! NOT MEASURED ALIKE" if compared.conditions else "Conditions"
        answer = "The answer is the same" if compared.same_answer else "The answers differ"
        self.query_one("#runs-panel").border_title = answer
        self.query_one("#compared").focus()


def _conditions(compared: Comparison) -> Content:
    if not compared.conditions:
        return Content(ALIKE)
    lines = [Content.styled("A difference below may come from these:", "bold $text-warning")]
    for each in compared.conditions:
        lines.append(Content.styled(one_line(each.what), "bold"))
        lines.append(Content(f"  A: {one_line(each.a)}"))
        lines.append(Content(f"  B: {one_line(each.b)}"))
    return Content("\n").join(lines)


def _runs(compared: Comparison) -> Content:
    lines: list[Content] = []
    for letter, run in (("A", compared.a), ("B", compared.b)):
        lines.append(Content.styled(f"{letter}  {_run_words(run)}", "bold"))
        lines.append(Content(f"   {one_line(run.sentence)}"))
    return Content("\n").join(lines)


def _run_words(run: RunSummary) -> str:
    simulated = " · REHEARSAL: simulated, not evidence" if run.is_rehearsal else ""
    return f"{run.at:%Y-%m-%d %H:%M} · {answer_words(run)} · run {one_line(run.run_id)}{simulated}"


def _candidates(compared: Comparison) -> Content:
    if not compared.candidates:
        return Content("Neither run tried a candidate.")
    return Content("\n\n").join(_candidate(each) for each in compared.candidates)


def _candidate(candidate: CandidateComparison) -> Content:
    lines = [Content.styled(one_line(candidate.model), "bold $text-primary")]
    if candidate.a is None or candidate.b is None:
        lines.append(Content.styled(f"only in {'A' if candidate.b is None else 'B'}", "$text-warning"))
    lines.append(Content.styled(_line("", "A", "B"), "$text-muted"))
    for name, of_a, of_b, result in figure_rows(candidate):
        look = "bold $text-warning" if result == "differs" else "$text-muted"
        lines.append(Content.assemble(_line(name, of_a, of_b), (result, look)))
    return Content("\n").join(lines)


def _line(name: str, a: str, b: str) -> str:
    cells = [text if cell_len(text) > _FIGURE_WIDTH else fitted(text, _FIGURE_WIDTH) for text in (a, b)]
    return f"{fitted(name, _NAME_WIDTH)}{cells[0]} {cells[1]} "


def figure_rows(candidate: CandidateComparison) -> list[tuple[str, str, str, str]]:
    """What each run measured of a candidate: name, A's figure, B's, and whether they differ, in words."""
    a, b = candidate.a, candidate.b
    shown = (candidate.cost_saving, candidate.quality_impact, candidate.refusals)
    results = shown if a is not None and b is not None else ("", "", "")
    return list(zip(_NAMES, _figures(a), _figures(b), (*results, _slower(a, b), ""), strict=True))


_NAMES = ("cost", "quality", "refusals", "p95", "pairs")


def _figures(found: Figures | None) -> tuple[str, ...]:
    if found is None:
        return (NOT_TRIED,) * len(_NAMES)
    return (
        cost_change(found.cost_saving_percent),
        interval(found.quality_impact_percent),
        share_interval(found.refusal_rate_percent),
        milliseconds(found.latency_p95_ms),
        f"{found.pairs:,}",
    )


def _slower(a: Figures | None, b: Figures | None) -> str:
    """How much the latency changed; it has no interval, so nothing is said of chance."""
    if a is None or b is None:
        return ""
    if not a.latency_p95_ms or b.latency_p95_ms is None:
        return UNKNOWN
    return f"{signed(100 * (b.latency_p95_ms / a.latency_p95_ms - 1))}%"
