"""The candidates of a run under way: one a row, with a second line for the state where there is room."""

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
from cqtui.tui.theme import MUTED
from cqtui.tui.words import NOTHING, bar, change, cost_words, latency_words, share_words, short_state

WIDE_FROM = 120
_STYLES = {"verified": "bold $text-success", "leaning": "$text-accent"}


@dataclass(frozen=True)
class _Column:
    title: str
    width: int
    right: bool = False


_FIRST = (
    _Column("", 1),
    _Column("model", 0),
    _Column("progress", 12),
    _Column("cost", 5, right=True),
    _Column("quality", 13, right=True),
    _Column("refused", 7, right=True),
)
_STATE = _Column("state", 14)
_MORE = (
    _Column("bad format", 10, right=True),
    _Column("p50, p95", 15, right=True),
    _Column("spent", 8, right=True),
    _Column("state", 28),
)


class CandidateRows(Widget, can_focus=True):
    """Shows the rows it is given; up and down move over them, enter opens one.

    With the class ``-two-lines`` each candidate that is tried has a second line, which tells its state.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Candidate before", show=False),
        Binding("down,j", "move(1)", "Next candidate", show=False),
        Binding("enter", "open", "Its pairs", show=False, tooltip="The pairs of this candidate, worst first"),
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

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: Sequence[CandidateState] = ()
        self._lines = 0

    def show(self, rows: Sequence[CandidateState]) -> None:
        """Take rows; they are drawn anew at once."""
        self._rows = rows
        self.selected = min(self.selected, max(0, len(rows) - 1))
        lines = len(rows) + sum(row.samples > 0 for row in rows)
        self.refresh(layout=lines != self._lines)
        self._lines = lines

    @property
    def current(self) -> CandidateState | None:
        """The selected row."""
        return self._rows[self.selected] if self._rows else None

    def action_move(self, by: int) -> None:
        """Select the next row or the one before."""
        if self._rows:
            self.selected = max(0, min(len(self._rows) - 1, self.selected + by))
            self.post_message(self.Moved())

    def action_open(self) -> None:
        """Look at the selected candidate's pairs."""
        if self.current is not None:
            self.post_message(self.Opened(self.current.model_id))

    def render(self) -> Content:
        """The table as lines."""
        if not self._rows:
            return Content.styled("No candidate yet.", MUTED)
        width = self.size.width
        is_wide, has_two_lines = width >= WIDE_FROM, self.has_class("-two-lines") and width < WIDE_FROM
        own = _MORE if is_wide else () if has_two_lines else (_STATE,)
        columns = _sized((*_FIRST, *own), width)
        lines = [Content.styled(_joined(columns, [column.title for column in columns]), MUTED)]
        for number, row in enumerate(self._rows):
            is_selected = number == self.selected and self.has_focus
            lines.append(self._first_line(row, columns, is_selected=is_selected))
            if has_two_lines and row.samples:
                lines.append(Content.styled(fitted("   " + _second_line(row), width), MUTED))
        return Content("\n").join(lines)

    def _first_line(self, row: CandidateState, columns: Sequence[_Column], *, is_selected: bool) -> Content:
        name = row.candidate.short_name
        cells = {
            "": row.letter,
            "model": one_line(name if self.size.width >= WIDE_FROM else name.rsplit("/", 1)[-1]),
            "progress": _progress(row, columns[2].width),
            "cost": cost_words(row),
            "quality": change(row.quality),
            "refused": f"{row.newly_refused} new" if row.pairs else NOTHING,
            "bad format": share_words(row.format_failed, row.pairs),
            "p50, p95": latency_words(row),
            "spent": money(row.spent_usd),
            "state": one_line(row.state) if len(columns) > len(_FIRST) + 1 else short_state(row),
        }
        if is_selected:
            line = _joined(columns, [cells[column.title] for column in columns])
            return Content.styled(line, "bold $block-cursor-foreground on $block-cursor-background")
        styles = {"": "bold $text-primary", "state": _STYLES.get(row.outcome or "", MUTED)}
        muted = "" if row.samples else MUTED
        return Content("  ").join(
            Content.styled(_joined([c], [cells[c.title]]), styles.get(c.title, muted)) for c in columns
        )


def _joined(columns: Sequence[_Column], cells: Sequence[str]) -> str:
    return "  ".join(fitted(cell, c.width, right=c.right) for c, cell in zip(columns, cells, strict=True))


def _second_line(row: CandidateState) -> str:
    facts = [one_line(row.state), money(row.spent_usd)]
    if row.pairs:
        facts += [latency_words(row), f"bad format {share_words(row.format_failed, row.pairs)}"]
    return " · ".join(facts)


def _sized(columns: Sequence[_Column], width: int) -> list[_Column]:
    """The columns, with what is left given to the model's name."""
    rest = width + 2 - sum(column.width + 2 for column in columns)
    return [_Column(c.title, max(8, rest) if c.title == "model" else c.width, c.right) for c in columns]


def _progress(row: CandidateState, width: int) -> str:
    if not row.samples:
        return ""
    count = f" {row.pairs}/{row.samples}"
    return bar(row.pairs / row.samples, max(1, width - len(count))) + count
