"""How far a read of the log has come, over whatever is below."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Label, Static

from cqtui.importers import Progress
from cqtui.report.reading_words import progress_line
from cqtui.tui.screens.dialogs import Dialog

INTERVAL_S = 0.5
PLANNING = "Planning …"


class ReadingDialog(Dialog[None]):
    """Says how far a read is, twice a second. Escape leaves the read."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "app.quit", "Quit", show=False)]

    def __init__(self, progress: Progress, seconds: Callable[[], float], leave: Callable[[], None]) -> None:
        """Show a read's progress.

        Args:
            progress: Kept current by the thread that reads.
            seconds: How long the read has been going on.
            leave: Called where the user wants it no more; it closes the dialog, unless that is too late.
        """
        super().__init__("")
        self._progress = progress
        self._seconds = seconds
        self._leave = leave
        self._is_over = False

    def compose(self) -> ComposeResult:
        """How far the read is, and the keys."""
        with Vertical(classes="dialog"):
            yield Label(id="reading-line", classes="dialog-title", markup=False)
            yield Static(Content("esc: leave it, and all stays as it was   q: quit"), classes="dialog-keys")

    def on_mount(self) -> None:
        """Say it, now and from now on."""
        self.say()
        self.set_interval(INTERVAL_S, self.say)

    def say(self) -> None:
        """Say how far the read is; once the log is read, the plan is made."""
        progress = self._progress
        done, total = progress.bytes_read, progress.bytes_total
        is_read = not progress.files or (total is not None and done >= total)
        self.query_one("#reading-line", Label).update(PLANNING if is_read else progress_line(progress, self._seconds()))

    def action_leave(self) -> None:
        """Leave the read."""
        self._leave()

    def close(self) -> None:
        """Go away: at once, or once it is on top again."""
        self._is_over = True
        self._go()

    def on_screen_resume(self) -> None:
        """Go away where the read has ended meanwhile."""
        self._go()

    def _go(self) -> None:
        if self._is_over and self.app.screen is self:  # dismissing takes away whatever is on top
            self.dismiss(None)
