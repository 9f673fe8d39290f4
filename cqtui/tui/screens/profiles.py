"""The profiles of cqtui.toml: what each changes, which is in use, and new ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from cqtui.config_file import edit_config
from cqtui.errors import CqtuiError
from cqtui.tui import navigation
from cqtui.tui.inert import one_line, shown
from cqtui.tui.page import Page
from cqtui.tui.profile_words import ProfileRow, change_lines, name_complaint, read_profiles
from cqtui.tui.screens.dialogs import MessageDialog, ValueDialog, error_dialog
from cqtui.tui.widgets.rows_view import Cell, Column, RowsView
from cqtui.tui.workspace import Choices

NO_FILE = (
    "There is no cqtui.toml here, so there are no profiles. Set one up first: command palette, Set up. A profile is a "
    "[profiles.NAME] of that file: settings laid over the rest, such as a stricter quality margin."
)
EXAMPLE_STAYS = (
    "The example's files stay as they are. Set up a configuration of your own (command palette: Set up) for profiles."
)
_COLUMNS = (Column("", 6), Column("profile", 0), Column("changes", 7, right=True))


class ProfileRows(RowsView[ProfileRow]):
    """The list; enter uses a profile."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Use", tooltip="Use the selected profile")]


class ProfilesScreen(Page):
    """The base and the profiles."""

    PLACE = "profiles"
    HELP_TEXT = (
        "The base of cqtui.toml, and each [profiles.NAME]: settings laid over it. Right: what the selected profile "
        "changes, as key: base → profile. Changes on the start screen go to the profile in use."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        Binding("n", "new", "New", tooltip="Make a new profile and use it"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[ProfileRow, ...] | None = None

    def body(self) -> Iterable[Widget]:
        """List and changes side by side."""
        with Horizontal(id="profiles-upper"):
            yield ProfileRows(_COLUMNS, self._cells, empty="Reading the profiles …", id="profiles")
            with Container(id="changes-panel", classes="panel"), VerticalScroll(id="changes-scroll", can_focus=True):
                yield Static(id="changes", markup=False)

    def on_mount(self) -> None:
        """Read the profiles."""
        choices = self._choices
        self.title_bar.right = "bundled example" if choices.is_example else str(choices.config_path)
        self.query_one("#profiles").focus()
        self._read(choices.profile)

    @property
    def _choices(self) -> Choices:
        """What the app works on, or was asked to where that failed."""
        if self.cqtui.found is not None:
            return self.cqtui.found.choices
        config, profile, _ = self.cqtui.named
        return Choices(config=config, profile=profile)

    @property
    def _view(self) -> RowsView[ProfileRow]:
        return self.query_one("#profiles", ProfileRows)

    def _cells(self, row: ProfileRow) -> Sequence[Cell]:
        in_use = row.name == self._choices.profile
        changes = "" if row.name is None else f"{len(row.changes):,}"
        return (
            Cell("in use" if in_use else "", "strong"),
            Cell(one_line(row.words), "muted" if row.name is None else ""),
            Cell(changes, "muted"),
        )

    def _read(self, selected: str | None) -> None:
        """Read the file again, and put the cursor on a profile."""
        choices, app = self._choices, self.app

        def work() -> None:
            try:
                rows = read_profiles(choices.config) if choices.config_path.is_file() else ()
            except CqtuiError as error:
                app.call_from_thread(app.push_screen, error_dialog(error))
                rows = ()
            app.call_from_thread(self._take, rows, selected)

        app.run_worker(work, thread=True, name="reading the profiles", exit_on_error=False)

    def _take(self, rows: tuple[ProfileRow, ...], selected: str | None) -> None:
        if self.is_mounted:
            self._rows = rows
            cursor = next((n for n, row in enumerate(rows) if row.name == selected), 0)
            self._view.show(rows, cursor=cursor, empty="No profiles.")
            self._show_selected()

    def _show_selected(self) -> None:
        row = self._view.current
        panel = self.query_one("#changes-panel")
        if row is None:
            panel.border_title = "What to do"
            text = NO_FILE if not self._choices.config_path.is_file() else "The file cannot be read as it is."
        else:
            panel.border_title = "Base" if row.name is None else Content(f"What {one_line(row.name)} changes")
            text = "\n".join(one_line(line) for line in change_lines(row))
        self.query_one("#changes", Static).update(Content(shown(text)))

    @on(RowsView.Moved, "#profiles")
    def _moved(self) -> None:
        self._show_selected()

    @on(RowsView.Opened, "#profiles")
    def _opened(self, event: RowsView.Opened) -> None:
        self._use(event.row.name)

    def _use(self, name: str | None) -> None:
        """Plan with another profile; where that fails, a dialog says why and the old one stays in use."""
        choices = self._choices
        if name == choices.profile:
            self.app.notify("It is in use already.", markup=False)
            return
        navigation.look_at(self.cqtui, replace(choices, profile=name), lambda _: self._used(name))

    def _used(self, name: str | None) -> None:
        words = "The base is" if name is None else f"Profile {one_line(name)} is"
        self.app.notify(f"{words} in use: changes on the start screen go there.", markup=False)
        if self.is_mounted:
            self._read(name)

    def action_new(self) -> None:
        """Make a profile."""
        rows, choices = self._rows, self._choices
        if rows is None:
            return
        if choices.is_example:
            self.app.push_screen(MessageDialog("The bundled example", EXAMPLE_STAYS))
        elif not rows:
            self.app.push_screen(MessageDialog("No configuration", NO_FILE))
        else:
            taken = [row.name for row in rows if row.name is not None]
            hint = f"Its name: it becomes [profiles.NAME] in {choices.config_path}, empty at first, and used at once."
            dialog = ValueDialog("New profile", hint, "", lambda text: name_complaint(text, taken))
            self.app.push_screen(dialog, self._make)

    def _make(self, name: str | None) -> None:
        if name is None:
            return
        choices, app = self._choices, self.app

        def work() -> None:
            try:
                edit_config(choices.config_path, {}, profile=name)
            except CqtuiError as error:
                app.call_from_thread(app.push_screen, error_dialog(error))
                return
            app.call_from_thread(self._use, name)

        app.run_worker(work, thread=True, name="making a profile", group="changing", exit_on_error=False)
