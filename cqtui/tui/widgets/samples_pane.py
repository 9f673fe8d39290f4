"""The pairs of a run as a list, with its filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from cqtui.store import samples
from cqtui.store.samples import SampleRow
from cqtui.tui.inert import one_line
from cqtui.tui.sample_filters import KINDS, Kind, SampleFilter, chosen, difference, segments_of, state_words, trouble
from cqtui.tui.screens.dialogs import Choice, ChoiceDialog, ValueDialog
from cqtui.tui.store_access import read_store
from cqtui.tui.widgets.rows_view import Cell, Column, RowsView

EVERY = "*"
_COLUMNS = (
    Column("call", 6, right=True),
    Column("", 2),
    Column("record", 0),
    Column("segment", 12, from_width=100),
    Column("scores", 10, right=True),
    Column("points", 7, right=True),
    Column("what", 24),
    Column("latency", 9, right=True, from_width=110),
)


class SamplesPane(Vertical):
    """A run's pairs; ``letters`` are the candidates' letters by id. It re-reads the store when asked to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "model", "Model", tooltip="Pairs of one candidate, or of all"),
        Binding("f", "filter", "Filter", tooltip="Regressions, refusals, failures ..."),
        Binding("g", "segment", "Segment", show=False, tooltip="Pairs of one kind of traffic"),
        Binding("slash", "search", "Search", key_display="/", tooltip="Pairs whose texts hold some words"),
        Binding("o", "order", "Order", show=False, tooltip="Worst first, or in the order of the run"),
        Binding("x", "clear", "All", show=False, tooltip="Take every filter away"),
    ]
    DEFAULT_CSS = """
    SamplesPane { height: 1fr; }
    SamplesPane #filter-line { height: 1; padding: 0 1; color: $text-muted; }
    """

    class Opened(Message):
        """A pair is to be shown; ``rows`` are those listed, in their order."""

        def __init__(self, rows: Sequence[SampleRow], place: int) -> None:
            super().__init__()
            self.rows = rows
            self.place = place

    def __init__(self, run_id: str, letters: dict[str, str], *, model_id: str | None = None) -> None:
        super().__init__()
        self.run_id = run_id
        self._letters = letters
        self._rows: list[SampleRow] = []
        self.wanted = SampleFilter(model_id=model_id)
        self._words = ""

    def compose(self) -> ComposeResult:
        """The filter in words, and the list."""
        yield Static(id="filter-line", markup=False)
        yield RowsView(_COLUMNS, self._cells, empty="Reading the pairs …", id="pairs")

    def on_mount(self) -> None:
        """Read the pairs."""
        self.read()

    def on_unmount(self) -> None:
        """Let the pairs go at once: a screen that is left waits for the collection of garbage."""
        self._rows = []

    def read(self) -> None:
        """Read the run's pairs from the store."""
        run_id = self.run_id
        read_store(self.app, lambda c: samples.sample_rows(c, run_id), self._take)

    def _take(self, rows: list[SampleRow] | None) -> None:
        if self.is_running:
            self._rows = rows or []
            self._show()

    def _cells(self, row: SampleRow) -> Sequence[Cell]:
        pair, gap = row.pair, difference(row.pair)
        look = "bad" if trouble(pair) else ""
        scores = "" if gap is None else f"{pair.baseline_score:.0f} → {pair.candidate_score:.0f}"
        return (
            Cell(str(row.position + 1), "muted"),
            Cell(self._letters.get(row.model_id, "?"), "strong"),
            Cell(one_line(row.record_id)),
            Cell(one_line(pair.segment or ""), "muted"),
            Cell(scores),
            Cell("" if gap is None else f"{gap:+.0f}".replace("-", "−")),
            Cell(state_words(pair), look or "muted"),
            Cell("" if pair.latency_ms is None else f"{pair.latency_ms:,.0f} ms", "muted"),
        )

    def _show(self) -> None:
        rows = chosen(self._rows, self.wanted)
        empty = "No pair fits: x shows all." if self._rows else "No pairs are kept of this run."
        self.query_one(RowsView).show(rows, cursor=0, empty=empty)
        wanted = self.wanted
        parts = [
            f"{len(rows):,} of {len(self._rows):,} pairs",
            f"model {self._letters.get(wanted.model_id, '?')}" if wanted.model_id else "all models",
            KINDS[wanted.kind],
        ]
        parts += [f"segment {one_line(wanted.segment)}"] if wanted.segment else []
        parts += [f'with "{one_line(self._words)}"'] if wanted.found is not None else []
        parts.append("worst first" if wanted.order == "worst" else "in the run's order")
        self.query_one("#filter-line", Static).update(Content(" · ".join(parts)))

    def _want(self, **changes: object) -> None:
        self.wanted = replace(self.wanted, **changes)  # type: ignore[arg-type]
        self._show()

    def action_model(self) -> None:
        """One candidate, or all."""
        ids = list(dict.fromkeys(row.model_id for row in self._rows))
        choices = [Choice(EVERY, "all models")]
        choices += [Choice(each, f"{self._letters.get(each, '?')}  {one_line(each)}") for each in ids]

        def take(value: str | None) -> None:
            if value is not None:
                self._want(model_id=None if value == EVERY else value)

        self.app.push_screen(ChoiceDialog("Model", "Whose pairs.", choices, self.wanted.model_id or EVERY), take)

    def action_filter(self) -> None:
        """One kind of pairs."""
        choices = []
        for kind, words in KINDS.items():
            count = len(chosen(self._rows, replace(self.wanted, kind=kind)))
            choices.append(Choice(kind, words, f"{count:,}"))

        def take(value: str | None) -> None:
            kind: Kind | None = next((each for each in KINDS if each == value), None)
            if kind is not None:
                self._want(kind=kind)

        self.app.push_screen(ChoiceDialog("Filter", "Which pairs.", choices, self.wanted.kind), take)

    def action_segment(self) -> None:
        """One segment of the traffic."""
        names = segments_of(self._rows)
        choices = [Choice(EVERY, "all segments"), *(Choice(name, one_line(name)) for name in names)]

        def take(value: str | None) -> None:
            if value is not None:
                self._want(segment=None if value == EVERY else value)

        self.app.push_screen(ChoiceDialog("Segment", "Which kind of traffic.", choices, self.wanted.segment), take)

    def action_search(self) -> None:
        """Pairs whose texts hold some words."""
        hint = "Words in the prompt, an answer or the judge's reasoning; empty shows all."
        self.app.push_screen(ValueDialog("Search", hint, self._words, lambda _: None), self._search)

    def _search(self, text: str | None) -> None:
        if text is None:
            return
        self._words = text
        if not text:
            self._want(found=None)
            return
        run_id = self.run_id
        read_store(
            self.app, lambda c: samples.find_text(c, run_id, text), lambda ids: self._want(found=frozenset(ids or ()))
        )

    def action_order(self) -> None:
        """Worst first, or as in the run."""
        self._want(order="log" if self.wanted.order == "worst" else "worst")

    def action_clear(self) -> None:
        """Take every filter away."""
        self._words = ""
        self.wanted = SampleFilter(order=self.wanted.order)
        self._show()

    @on(RowsView.Opened, "#pairs")
    def _opened(self) -> None:
        view = self.query_one(RowsView)
        self.post_message(self.Opened(view.rows, view.cursor))

    def open_record(self, record_id: str) -> None:
        """Open the pair of one call, once it is there."""
        view = self.query_one(RowsView)
        place = next((n for n, row in enumerate(view.rows) if row.record_id == record_id), None)
        if place is not None:
            self.post_message(self.Opened(view.rows, place))
