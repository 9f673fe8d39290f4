"""A table of any length with a cursor: only the lines that are seen are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cqtui.tui.inert import fitted

R = TypeVar("R")


@dataclass(frozen=True)
class Column:
    """A column: its title, its width in cells (0: what is left over), and the side its cells stand on."""

    title: str
    width: int
    right: bool = False
    from_width: int = 0
    """The view's width from which it is shown."""


@dataclass(frozen=True)
class Cell:
    """A cell's text, inert, and how it looks: ``good``, ``bad``, ``strong``, ``muted`` or plain."""

    text: str
    look: str = ""


class RowsView(ScrollView, Generic[R], can_focus=True):
    """Shows rows; up, down, page up and down, home and end move, enter opens."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Before", show=False),
        Binding("down,j", "move(1)", "Next", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "edge(-1)", "First", show=False),
        Binding("end", "edge(1)", "Last", show=False),
        Binding("enter", "open", "Open", tooltip="Open the selected line"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--plain",
        "rows--heading",
        "rows--cursor",
        "rows--good",
        "rows--bad",
        "rows--strong",
        "rows--muted",
    }
    DEFAULT_CSS = """
    RowsView {
        height: 1fr; background: $background; overflow-x: hidden; scrollbar-size-vertical: 1;
        & > .rows--plain { color: $foreground; background: $background; }
        & > .rows--heading { color: $text-muted; background: $background; }
        & > .rows--cursor { color: $block-cursor-foreground; background: $block-cursor-background; text-style: bold; }
        & > .rows--good { color: $text-success; background: $background; }
        & > .rows--bad { color: $text-warning; background: $background; text-style: bold; }
        & > .rows--strong { color: $text-primary; background: $background; text-style: bold; }
        & > .rows--muted { color: $text-muted; background: $background; }
    }
    """
    cursor: reactive[int] = reactive(0)

    class AboutRow(Message):
        """Something about a line. Not posted itself: a handler of a message is called for its subclasses, too."""

        def __init__(self, view: RowsView[Any], row: Any) -> None:
            super().__init__()
            self.view = view
            self.row = row

        @property
        def control(self) -> RowsView[Any]:
            """The view."""
            return self.view

    class Opened(AboutRow):
        """A line was opened."""

    class Moved(AboutRow):
        """Another line is selected."""

    def __init__(
        self,
        columns: Sequence[Column],
        cells: Callable[[R], Sequence[Cell]],
        *,
        empty: str = "Nothing here.",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._columns = columns
        self._cells = cells
        self._empty = empty
        self.rows: Sequence[R] = ()

    def show(self, rows: Sequence[R], *, cursor: int | None = None, empty: str | None = None) -> None:
        """Show these rows; the cursor stays on its line unless told otherwise."""
        self.rows = rows
        self._empty = empty or self._empty
        self.virtual_size = Size(self.size.width, len(rows) + 1)
        self.cursor = max(0, min(self.cursor if cursor is None else cursor, len(rows) - 1))
        self._follow()
        self.refresh()

    @property
    def current(self) -> R | None:
        """The selected row."""
        return self.rows[self.cursor] if self.rows else None

    def watch_cursor(self) -> None:
        """Keep the cursor in sight."""
        self._follow()
        self.refresh()
        if self.rows:
            self.post_message(self.Moved(self, self.rows[self.cursor]))

    def _follow(self) -> None:
        self.scroll_to_region(Region(0, self.cursor, 1, 2), animate=False, force=True)

    def action_move(self, by: int) -> None:
        """Move by lines."""
        self.cursor = max(0, min(len(self.rows) - 1, self.cursor + by))

    def action_page(self, by: int) -> None:
        """Move by pages."""
        self.action_move(by * max(1, self.size.height - 2))

    def action_edge(self, by: int) -> None:
        """Move to the first or the last line."""
        self.action_move(by * len(self.rows))

    def action_open(self) -> None:
        """Open the selected line."""
        if self.rows:
            self.post_message(self.Opened(self, self.rows[self.cursor]))

    def on_click(self, event: events.Click) -> None:
        """A click selects; a second one opens."""
        place = event.y - 1 + self.scroll_offset.y
        if 0 <= place < len(self.rows) and event.y:
            if place == self.cursor:
                self.action_open()
            self.cursor = place

    def on_unmount(self) -> None:
        """Let the rows go at once: a screen that is left waits for the collection of garbage."""
        self.rows = ()

    def on_resize(self) -> None:
        """The lines are as wide as the view, and the cursor stays in sight."""
        self.virtual_size = Size(self.size.width, len(self.rows) + 1)
        self._follow()

    def render_line(self, y: int) -> Strip:
        """One line: the heading, a row, or nothing."""
        width = self.size.width
        if y == 0:
            text = "".join(fitted(c.title, size, right=c.right) + "  " for c, size in self._sizes())
            return self._strip([(text, self._style("heading"))], width)
        place = y - 1 + self.scroll_offset.y
        if place >= len(self.rows):
            text = self._empty if not self.rows and y == 1 else ""
            return self._strip([(text, self._style("muted"))], width)
        is_cursor = place == self.cursor and self.has_focus
        shown = [
            (column, size, cell)
            for (column, size), cell in zip(self._all_sizes(), self._cells(self.rows[place]), strict=True)
            if size
        ]
        return self._strip(
            [
                (
                    fitted(cell.text, size, right=column.right) + "  ",
                    self._style("cursor" if is_cursor else cell.look or "plain"),
                )
                for column, size, cell in shown
            ],
            width,
            fill=self._style("cursor" if is_cursor else "plain"),
        )

    def _style(self, look: str) -> Style:
        return self.get_visual_style(f"rows--{look}").rich_style

    def _strip(self, parts: Sequence[tuple[str, Style]], width: int, fill: Style | None = None) -> Strip:
        strip = Strip([Segment(text, style) for text, style in parts])
        return strip.adjust_cell_length(width, fill or self._style("plain"))

    def _sizes(self) -> list[tuple[Column, int]]:
        return [(column, size) for column, size in self._all_sizes() if size]

    def _all_sizes(self) -> list[tuple[Column, int]]:
        """Each column and its width: 0 where the view is too narrow for it; the flexible ones share what is left."""
        width = self.size.width
        seen = [column for column in self._columns if width >= column.from_width]
        rest = width - sum(column.width + 2 for column in seen)
        flexible = sum(column.width == 0 for column in seen)
        share = max(8, rest // flexible) if flexible else 0
        return [(c, 0 if c not in seen else c.width or share) for c in self._columns]
