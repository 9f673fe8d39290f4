"""What a screen shows, and its keys."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Label, Static

from cqtui.tui.screens.dialogs import Dialog
from cqtui.tui.theme import MUTED

_MOVES = {"Before", "Next", "Page up", "Page down", "First", "Last", "Candidate before", "Next candidate"}
_ALSO = "up, down, page up and down, home, end: move   enter: open   tab: next panel   ctrl+p: everything by name"


class HelpScreen(Dialog[None]):
    """The help of another screen."""

    def __init__(self, about: Screen[None]) -> None:
        super().__init__("Help")
        self._about = about

    def compose(self) -> ComposeResult:
        """Its purpose, then its keys."""
        about = self._about
        place, text = getattr(about, "PLACE", ""), getattr(about, "HELP_TEXT", "")
        with Vertical(classes="dialog -tall"):
            yield Label(Content(f"Help: {place}"), classes="dialog-title")
            with VerticalScroll(classes="dialog-text"):
                yield Static(Content(text.strip() + "\n"))
                yield Static(Content("\n").join(key_lines(about)))
                yield Static(Content.styled(f"\n{_ALSO}", MUTED))
            yield Static(Content("esc: close"), classes="dialog-keys")

    def on_mount(self) -> None:
        """Scroll with the arrow keys at once."""
        self.query_one(VerticalScroll).focus()


def key_lines(screen: Screen[None]) -> list[Content]:
    """A line for each key that works on a screen, with what it does."""
    lines = []
    for active in screen.active_bindings.values():
        binding: Binding = active.binding
        if not binding.description or binding.system or not type(active.node).__module__.startswith("cqtui."):
            continue
        if not active.enabled or binding.description in _MOVES:
            continue
        key = screen.app.get_key_display(binding)
        words = active.tooltip or binding.description
        lines.append(Content.assemble((f"{key:>10}  ", "bold $text-primary"), words))
    return lines
