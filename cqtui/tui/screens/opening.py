"""The first paint: the app's name, until it is known what there is to work on."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from cqtui import __version__
from cqtui.tui.theme import MUTED


class OpeningScreen(Screen[None]):
    """Shown for a moment."""

    def compose(self) -> ComposeResult:
        """The name and what happens."""
        yield Static(
            Content.assemble(
                ("cqtui", "bold $text-primary"),
                (f" {__version__}\n\n", MUTED),
                "Find a cheaper model, with evidence.\n",
                ("Reading the configuration and the log …", MUTED),
            ),
            id="opening",
        )

    def say_unread(self) -> None:
        """Say what can be done where the log was not read."""
        words = Content.assemble(
            ("cqtui", "bold $text-primary"),
            (f" {__version__}\n\n", MUTED),
            "The log was not read to its end.\n",
            ("f5: read it   ctrl+p: what else can be done   q: quit", MUTED),
        )
        self.query_one("#opening", Static).update(words)
