"""Past runs: a list, the trend of the selected one's switch, and the way to its result or to a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Sparkline, Static

from cqtui.report.comparison import Comparison, compare
from cqtui.report.history import RunSummary
from cqtui.report.past_runs import past_result, past_runs
from cqtui.results import Recommendation
from cqtui.tui import history_words as words
from cqtui.tui import navigation
from cqtui.tui.inert import one_line, shown
from cqtui.tui.page import Page
from cqtui.tui.screens.dialogs import MessageDialog, ValueDialog
from cqtui.tui.store_access import read_store
from cqtui.tui.widgets.rows_view import Cell, Column, RowsView

MARK = "●"
MOST_MARKS = 2
_COLUMNS = (
    Column("", 1),
    Column("when", 10),
    Column("answer", 14),
    Column("answers by", 10),
    Column("model today", 0, from_width=100),
    Column("to (closest)", 0),
    Column("saving", 7, right=True),
    Column("quality", 7, right=True),
    Column("pairs", 6, right=True, from_width=100),
    Column("spent", 8, right=True, from_width=100),
)


class HistoryScreen(Page):
    """The runs that the store keeps."""

    PLACE = "history"
    HELP_TEXT = (
        "Past runs, the newest first: the answer, the recommended model (or the closest one, in brackets), what it "
        "saves and its quality impact in percent. Above: how saving and quality of the same switch went over time. "
        "Rehearsals are simulated: they are hidden until a shows them, and are no part of a trend."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        Binding("space", "mark", "Mark", tooltip="Mark the selected run, or take its mark away; two can be compared"),
        Binding("c", "compare", "Compare", tooltip="Compare the two marked runs"),
        Binding("a", "rehearsals", "Rehearsals", tooltip="Show rehearsals too, or hide them"),
        Binding("slash", "search", "Search", key_display="/", tooltip="Runs with some words; an empty text shows all"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[RunSummary] | None = None
        self._marked: list[str] = []
        self._with_rehearsals = False
        self._text = ""

    def body(self) -> Iterable[Widget]:
        """Trend, filter in words, list, the selected run."""
        with Container(id="trend-panel", classes="panel"):
            for name in ("saving", "quality"):
                with Horizontal(classes="course"):
                    yield Static(name, classes="course-name", markup=False)
                    yield Sparkline(id=f"{name}-line")
                    yield Static(id=f"{name}-words", markup=False)
        yield Static(id="filter-line", markup=False)
        yield RowsView(_COLUMNS, self._cells, empty="Reading the runs …", id="runs")
        with Container(id="run-panel", classes="panel"), VerticalScroll(can_focus=False):
            yield Static(id="run", markup=False)

    def on_mount(self) -> None:
        """Read the runs."""
        self.query_one("#runs").focus()
        self._show()
        read_store(self.app, lambda c: past_runs(c, rehearsals=True), self._take)

    def _take(self, runs: list[RunSummary] | None) -> None:
        if self.is_mounted:
            self._runs = runs or []
            self._show()

    @property
    def _view(self) -> RowsView[RunSummary]:
        return self.query_one("#runs", RowsView)

    def _cells(self, run: RunSummary) -> Sequence[Cell]:
        muted = "muted" if run.is_rehearsal else ""
        return (
            Cell(MARK if run.run_id in self._marked else "", "strong"),
            Cell(f"{run.at:%Y-%m-%d}", "muted"),
            Cell(words.answer_words(run), muted or ("good" if run.grade == "verified" else "")),
            Cell(one_line(run.provider), "bad" if run.is_rehearsal else "muted"),
            Cell(one_line(words.name_of(run.current_model or "")), "muted"),
            Cell(one_line(words.switch_words(run)), muted),
            Cell(words.saving_words(run.cost_saving_percent) if run.model else "", muted),
            Cell(words.impact_words(run.quality_impact_percent) if run.model else "", muted),
            Cell(f"{run.pairs:,}" if run.pairs is not None else "", "muted"),
            Cell(words.spent_words(run), "muted"),
        )

    def _show(self) -> None:
        """The list as it is wanted, with the cursor on the run that it was on."""
        runs = self._runs
        view = self._view
        if runs is not None:
            kept = view.current
            found = words.narrowed(runs, self._text, rehearsals=self._with_rehearsals)
            ids = [run.run_id for run in found]
            cursor = ids.index(kept.run_id) if kept is not None and kept.run_id in ids else 0
            view.show(found, cursor=cursor, empty="No runs to show.")
            self.query_one("#filter-line", Static).update(Content(self._filter_words(len(found))))
        self._show_selected()

    def _filter_words(self, count: int) -> str:
        runs = self._runs or []
        simulated = sum(run.is_rehearsal for run in runs)
        parts = [f"{count:,} of {len(runs):,} runs"]
        if simulated:
            state = "shown" if self._with_rehearsals else "hidden"
            parts.append(f"{simulated:,} rehearsal{'s' if simulated > 1 else ''} {state} (a)")
        parts += [f'with "{one_line(self._text)}"'] if self._text else []
        parts += [f"{len(self._marked)} marked {MARK}"] if self._marked else []
        return " · ".join(parts)

    def _show_selected(self) -> None:
        run = self._view.current
        self.query_one("#run-panel").border_title = "What to do" if run is None else "The selected run"
        text = "\n".join(words.detail_lines(run)) if run is not None else self._empty_words()
        self.query_one("#run", Static).update(Content(shown(text)))
        trend = words.trend_of(self._runs or (), run) if run is not None else None
        panel = self.query_one("#trend-panel")
        if trend is None:
            panel.border_title = "Trend"
            courses = {"saving": words.Course((), words.no_trend_words(run)), "quality": words.Course((), "")}
        else:
            panel.border_title = Content(f"Trend: {one_line(trend.current_model)} → {one_line(trend.model)}")
            courses = {"saving": words.saving_course(trend), "quality": words.impact_course(trend)}
        for name, course in courses.items():
            line = self.query_one(f"#{name}-line", Sparkline)
            line.data = course.values
            line.display = len(course.values) > 1
            self.query_one(f"#{name}-words", Static).update(Content(course.words))

    def _empty_words(self) -> str:
        runs = self._runs
        if runs is None:
            return "Reading the runs …"
        if self._text:
            return words.NO_MATCH
        return words.ONLY_REHEARSALS if runs else words.NO_RUNS

    @on(RowsView.Moved, "#runs")
    def _moved(self) -> None:
        self._show_selected()

    @on(RowsView.Opened, "#runs")
    def _opened(self, event: RowsView.Opened) -> None:
        run: RunSummary = event.row
        if not words.has_result(run):
            text = words.NO_RESULT.get(run.state, "This run has no result.")
            self.app.push_screen(MessageDialog("No result to open", text))
            return

        def show(result: Recommendation | None) -> None:
            if result is not None:
                navigation.show_result(self.cqtui, result)

        read_store(self.app, lambda c: past_result(c, run.run_id), show)

    def action_mark(self) -> None:
        """Mark the selected run, or take its mark away."""
        run = self._view.current
        if run is None:
            return
        if run.run_id in self._marked:
            self._marked.remove(run.run_id)
        elif not words.has_result(run):
            self._warn("This run has no result to compare.")
        elif len(self._marked) == MOST_MARKS:
            self._warn("Two runs are marked already: take one mark away first (space).")
        else:
            self._marked.append(run.run_id)
        self._show()

    def action_compare(self) -> None:
        """Compare the two marked runs, the older one first."""
        if len(self._marked) != MOST_MARKS:
            self._warn("Mark two runs first (space), then compare them.")
            return
        runs = [run for run in self._runs or () if run.run_id in self._marked]
        older, newer = sorted(runs, key=lambda run: run.at)

        def show(compared: Comparison | None) -> None:
            from cqtui.tui.screens.compare import CompareScreen

            if compared is not None:
                self.app.push_screen(CompareScreen(compared))

        read_store(self.app, lambda c: compare(past_result(c, older.run_id), past_result(c, newer.run_id)), show)

    def action_rehearsals(self) -> None:
        """Show rehearsals too, or hide them."""
        self._with_rehearsals = not self._with_rehearsals
        self._show()

    def action_search(self) -> None:
        """Only the runs that have some words."""
        hint = "Words of a model, an answer, a provider, a day, a run's id or its sentence; empty shows all."
        self.app.push_screen(ValueDialog("Search", hint, self._text, lambda _: None), self._search)

    def _search(self, text: str | None) -> None:
        if text is not None:
            self._text = text
            self._show()

    def _warn(self, text: str) -> None:
        self.app.notify(text, severity="warning", markup=False)
