"""The candidates of a run under way: one a row, two lines each where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from cqtui.engine.run_state import CandidateState
from cqtui.report.filters import money
from cqtui.tui.inert import fitted, one_line
from cqtui.tui.words import NOTHING, bar, change, cost_words, latency_words, short_state

TWO_LINES_FROM = 60
WIDE_FROM = 108


@dataclass(frozen=True)
class _Column:
    title: str
    width: int
    right: bool = False


_NARROW = (
    _Column("", 2),
    _Column("model", 0),
    _Column("progress", 15),
    _Column("cost", 7, right=True),
    _Column("quality", 13, right=True),
    _Column("refused", 7, right=True),
    _Column("state", 16),
)
_WIDE = (
    *_NARROW[:-1],
    _Column("bad format", 10, right=True),
    _Column("p50, p95", 15, right=True),
    _Column("spent", 8, right=True),
    _Column("state", 26),
)
_STYLES = {"verified": "$text-success bold", "leaning": "$text-accent"}


class CandidateRows(Widget, can_focus=True):
    """Shows the rows it is given; up and down move over them, enter opens one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Candidate before", show=False),
        Binding("down", "move(1)", "Next candidate", show=False),
        Binding("enter", "open", "Samples", tooltip="The pairs of this candidate, worst first"),
    ]
    DEFAULT_CSS = """
    CandidateRows { height: auto; width: 1fr; }
    """

    selected: reactive[int] = reactive(0)

    class Opened(Message):
        """A candidate was chosen to be looked at."""

        def __init__(self, model_id: str) -> None:
            super().__init__()
            self.model_id = model_id

    class Moved(Message):
        """Another candidate is selected."""

        def __init__(self, model_id: str) -> None:
            super().__init__()
            self.model_id = model_id

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: Sequence[CandidateState] = ()
        self._count = 0

    def show(self, rows: Sequence[CandidateState]) -> None:
        """Take rows; they are drawn anew at once."""
        count = len(rows)
        self._rows = rows
        self.selected = min(self.selected, max(0, count - 1))
        self.refresh(layout=count != self._count)
        self._count = count

    @property
    def current(self) -> CandidateState | None:
        """The selected row."""
        return self._rows[self.selected] if self._rows else None

    def action_move(self, by: int) -> None:
        """Select the next row or the one before."""
        if self._rows:
            self.selected = max(0, min(len(self._rows) - 1, self.selected + by))
            row = self._rows[self.selected]
            self.post_message(self.Moved(row.model_id))

    def action_open(self) -> None:
        """Look at the selected candidate's pairs."""
        if self.current is not None:
            self.post_message(self.Opened(self.current.model_id))

    def render(self) -> Content:
        """The table as lines."""
        width = self.size.width
        if not self._rows:
            return Content.styled("No candidate yet.", "$text-muted")
        columns = _sized(_WIDE if width >= WIDE_FROM else _NARROW, width)
        two = self._is_tall
        lines = [_heading(columns)]
        for number, row in enumerate(self._rows):
            lines += self._row(row, columns, is_selected=number == self.selected and self.has_focus, two=two)
        return Content("\n").join(lines)

    @property
    def _is_tall(self) -> bool:
        return self.size.width >= TWO_LINES_FROM and not self.has_class("-one-line")

    def _row(self, row: CandidateState, columns: Sequence[_Column], *, is_selected: bool, two: bool) -> list[Content]:
        wide = len(columns) == len(_WIDE)
        cells = [
            row.letter,
            one_line(row.candidate.short_name),
            _progress(row, columns[2].width),
            cost_words(row),
            change(row.quality),
            NOTHING if not row.pairs else f"{row.newly_refused} new",
        ]
        if wide:
            cells += [_share(row.format_failed, row.pairs), latency_words(row), money(row.spent_usd)]
        cells.append(one_line(row.state) if wide else short_state(row))
        marker = "$block-cursor-foreground on $block-cursor-background" if is_selected else ""
        state_style = _STYLES.get(row.outcome or "", "$text-muted" if not row.is_racing else "")
        parts: list[tuple[str, str]] = []
        for column, cell in zip(columns, cells, strict=True):
            text = fitted(cell, column.width, right=column.right) + "  "
            style = marker or (
                "bold $text-primary" if column.title == "" else state_style if column.title == "state" else ""
            )
            parts.append((text, style))
        lines = [Content.assemble(*parts)]
        if two and not wide:
            facts = f"{row.state}"
            if row.pairs:
                facts += f" · bad format {_share(row.format_failed, row.pairs)} · {latency_words(row)}"
            facts += f" · {money(row.spent_usd)}"
            lines.append(Content.styled(fitted("    " + one_line(facts), self.size.width), "$text-muted"))
        return lines


def _heading(columns: Sequence[_Column]) -> Content:
    text = "".join(fitted(column.title, column.width, right=column.right) + "  " for column in columns)
    return Content.styled(text, "$text-muted")


def _sized(columns: Sequence[_Column], width: int) -> list[_Column]:
    """The columns, with what is left given to the model's name."""
    rest = width - sum(column.width + 2 for column in columns)
    return [_Column(c.title, max(10, rest) if c.title == "model" else c.width, c.right) for c in columns]


def _progress(row: CandidateState, width: int) -> str:
    if not row.samples:
        return ""
    count = f" {row.pairs}/{row.samples}"
    share = row.pairs / row.samples
    return bar(share, max(1, width - len(count))) + count


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.1f}%" if of else NOTHING
