"""What every screen of the app has: a title line, a footer, and a plain message where the terminal is too small."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Static

from cqtui.tui.widgets.title_bar import TitleBar

if TYPE_CHECKING:
    from cqtui.tui.app import CqtuiApp

LEAST_WIDTH, LEAST_HEIGHT = 80, 24
_WIDTHS: list[tuple[int, str]] | None = [(0, "-tiny"), (LEAST_WIDTH, "-narrow"), (112, "-wide"), (160, "-very-wide")]
_HEIGHTS: list[tuple[int, str]] | None = [(0, "-flat"), (LEAST_HEIGHT, "-low"), (34, "-high")]
TOO_SMALL = "cqtui needs a terminal of at least 80 columns and 24 rows. Make the window larger; nothing is lost."


class Page(Screen[None]):
    """A screen of the app. ``PLACE`` is its name in the title line; ``HELP_TEXT`` says what it is for."""

    PLACE: ClassVar[str] = ""
    HELP_TEXT: ClassVar[str] = ""
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", key_display="?", tooltip="What this screen shows, and its keys"),
    ]

    def compose(self) -> ComposeResult:
        """Title, body, footer."""
        yield TitleBar(self.PLACE)
        yield Static(TOO_SMALL, id="too-small", markup=False)
        with Container(id="body"):
            yield from self.body()
        yield Footer(compact=True, show_command_palette=False)

    def body(self) -> Iterable[Widget]:
        """The screen's own widgets."""
        return ()

    @property
    def cqtui(self) -> CqtuiApp:
        """The app that this is a screen of."""
        from cqtui.tui.app import CqtuiApp

        assert isinstance(self.app, CqtuiApp)
        return self.app

    @property
    def title_bar(self) -> TitleBar:
        """The top line."""
        return self.query_one(TitleBar)

    def action_help(self) -> None:
        """Say what the screen shows and which keys there are."""
        from cqtui.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self))
