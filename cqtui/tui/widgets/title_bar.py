"""The top line: where one is, what is compared, who answers."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from cqtui.tui.inert import fitted, one_line


class TitleBar(Widget):
    """Three texts on one line: left, middle, right; the middle is cut first."""

    DEFAULT_CSS = """
    TitleBar { dock: top; height: 1; background: $panel; color: $foreground; padding: 0 1; }
    """

    place: reactive[str] = reactive("")
    subject: reactive[str] = reactive("")
    right: reactive[str] = reactive("")

    def __init__(self, place: str = "") -> None:
        super().__init__()
        self.set_reactive(TitleBar.place, place)

    def render(self) -> Content:
        """The line."""
        width = self.size.width
        right = one_line(self.right)
        right = fitted(right, min(cell_len(right), max(0, width - 30)))
        left = f"cqtui  {self.place}"
        room = width - cell_len(left) - cell_len(right) - 4
        middle = fitted(one_line(self.subject), max(0, room))
        return Content.assemble(("cqtui", "bold $text-primary"), f"  {self.place}", f"  {middle}", f"  {right}")
