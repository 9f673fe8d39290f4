"""The app: what stays while screens come and go. Imports little, so that the first paint comes at once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from cqtui.tui import theme

if TYPE_CHECKING:
    from cqtui.tui.engine_thread import RunSource
    from cqtui.tui.reading import Reading
    from cqtui.tui.workspace import Choices, Found


class CqtuiApp(App[None]):
    """The terminal app over the engine."""

    TITLE = "cqtui"
    CSS_PATH = Path(__file__).with_name("cqtui.tcss")
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit", tooltip="Leave; a run under way is asked about first"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
        Binding("ctrl+c", "quit", "Quit", show=False, system=True),
        Binding("f5", "again", "Read again", show=False, tooltip="Read configuration and log again"),
    ]

    def __init__(self, *, config: Path | None = None, profile: str | None = None, example: bool = False) -> None:
        """Open a configuration, or the bundled example; see ``launch.run_app``."""
        super().__init__()
        for each in theme.THEMES:
            self.register_theme(each)
        self.theme = theme.DEFAULT
        self.named = (config, profile, example)
        self.found: Found | None = None
        self.reading: Reading | None = None
        self.left: Choices | None = None  # whose log was not read to its end
        self.run_source: RunSource | None = None
        self.summary: str | None = None

    def get_default_screen(self) -> Screen[None]:
        """Something to look at while the rest is imported."""
        from cqtui.tui.screens.opening import OpeningScreen

        return OpeningScreen()

    def on_ready(self) -> None:
        """After the first paint, find out what there is to work on."""
        self.run_worker(self._import_screens, thread=True, name="opening", exit_on_error=False)

    def _import_screens(self) -> None:
        import cqtui.tui.navigation  # noqa: F401

    def _open(self) -> None:
        from cqtui.tui.navigation import open_first

        open_first(self)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """One place for what goes wrong in the background: a dialog, and nothing else stops."""
        if event.state is WorkerState.SUCCESS and event.worker.name == "opening":
            self._open()
        elif event.state is WorkerState.ERROR and event.worker.error is not None:
            from cqtui.tui.screens.dialogs import error_dialog

            self.push_screen(error_dialog(event.worker.error))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Everything that can be done, by name."""
        yield from super().get_system_commands(screen)
        from cqtui.tui.navigation import commands

        yield from commands(self)

    async def action_quit(self) -> None:
        """Leave; a run under way is asked about first."""
        source = self.run_source
        if source is None or source.outcome.done():
            self.exit()
            return
        from cqtui.tui.navigation import ask_before_quitting

        ask_before_quitting(self, source)

    def action_again(self) -> None:
        """Read configuration and log again."""
        if self.found is not None or self.left is not None:
            from cqtui.tui.navigation import look_again

            look_again(self, afresh=True)

    def on_unmount(self) -> None:
        """Nobody waits for what is still being read: the process need not, either."""
        if self.reading is not None:
            self.reading.progress.stop()
            self.reading = None
