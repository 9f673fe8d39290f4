"""The registry: what cqtui knows of every model, and the user's overlay of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from cqtui.config_file import edit_model
from cqtui.errors import BadInputError, CqtuiError
from cqtui.models import ModelEntry
from cqtui.registry.loader import Registry, load_registry
from cqtui.registry.pricing import price_on
from cqtui.report.filters import money
from cqtui.settings import load_settings
from cqtui.tui import model_words as words
from cqtui.tui import navigation, overlay_edits
from cqtui.tui.inert import one_line, shown
from cqtui.tui.overlay_edits import FIELDS, HINTS, Field, Value
from cqtui.tui.page import Page
from cqtui.tui.screens.dialogs import Choice, ChoiceDialog, MessageDialog, ValueDialog, error_dialog
from cqtui.tui.widgets.rows_view import Cell, Column, RowsView
from cqtui.tui.workspace import Choices, Found

TAKE_AWAY = "take-away"
EXAMPLE_STAYS = (
    "The example's files stay as they are. Set up a configuration of your own (command palette: Set up) to keep prices "
    "and dates of your own."
)
NO_FILE = "There is no configuration to keep it in. Set one up first (command palette: Set up)."
_COLUMNS = (
    Column("", 1),
    Column("model", 0),
    Column("$ in", 8, right=True),
    Column("$ out", 8, right=True),
    Column("retires", 14),
    Column("age", 9, from_width=90),
    Column("context", 9, right=True, from_width=90),
    Column("strengths", 24, from_width=118),
    Column("latency", 7, from_width=140),
    Column("reliability", 11, from_width=140),
)


class ModelsScreen(Page):
    """All models."""

    PLACE = "models"
    HELP_TEXT = (
        "Every model of the registry with your own entries over it ([[models]] in cqtui.toml). Prices are USD per "
        "1,000,000 tokens. '!' marks a model whose facts contradict each other; what no source says is unknown."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        Binding("slash", "search", "Search", key_display="/", tooltip="Models with some words; empty shows all"),
        Binding("o", "order", "Order", tooltip="By id, price, age or retirement"),
        Binding("e", "edit", "Edit", tooltip="Your own price, retirement date or activity of the selected model"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._registry: Registry | None = None
        self._text = ""
        self._order: words.Order = "id"

    def body(self) -> Iterable[Widget]:
        """Filter in words, list, the selected model."""
        yield Static(id="filter-line", markup=False)
        yield RowsView(_COLUMNS, self._cells, empty="Reading the registry …", id="models")
        with Container(id="model-panel", classes="panel"), VerticalScroll(can_focus=False):
            yield Static(id="model", markup=False)

    def on_mount(self) -> None:
        """Show the registry of the plan, or read the bundled one."""
        self.query_one("#models").focus()
        if self.cqtui.found is not None:
            self._registry = self.cqtui.found.plan.registry
            self._show()
            return

        def read() -> None:
            registry = load_registry()
            self.app.call_from_thread(self._take, registry)

        self.app.run_worker(read, thread=True, name="reading the registry", exit_on_error=False)

    @property
    def _today(self) -> date:
        found = self.cqtui.found
        return found.settings.as_of if found is not None else datetime.now(UTC).date()

    @property
    def _view(self) -> RowsView[ModelEntry]:
        return self.query_one("#models", RowsView)

    def _take(self, registry: Registry) -> None:
        if self.is_mounted:
            self._registry = registry
            self._show()

    def _cells(self, entry: ModelEntry) -> Sequence[Cell]:
        today = self._today
        price = price_on(entry, today)
        has_conflict = self._registry is not None and bool(words.conflicts_of(self._registry, entry.id))
        look = "" if entry.is_active else "muted"
        return (
            Cell("!" if has_conflict else "", "bad"),
            Cell(one_line(entry.id), look),
            Cell(money(price.input if price is not None else None), look),
            Cell(money(price.output if price is not None else None), look),
            Cell(words.retirement_words(entry, today), "bad" if words.retires_soon(entry, today) else "muted"),
            Cell(words.age_words(entry, today), "muted"),
            Cell(words.tokens(entry.context_window), "muted"),
            Cell(one_line(words.strengths_words(entry)), "muted"),
            Cell(entry.latency_tier, "muted"),
            Cell(entry.reliability_tier, "muted"),
        )

    def _show(self, *, from_top: bool = False) -> None:
        """The list as it is wanted, with the cursor on the model that it was on, or on the first one."""
        registry = self._registry
        if registry is None:
            return
        view = self._view
        kept = view.current
        found = words.chosen(registry.entries, self._text, self._order, self._today)
        ids = [entry.id for entry in found]
        cursor = ids.index(kept.id) if kept is not None and kept.id in ids and not from_top else 0
        view.show(found, cursor=cursor, empty="No model has these words: / with an empty text shows all.")
        parts = [f"{len(found):,} of {len(registry.entries):,} models", words.ORDERS[self._order]]
        parts += [f'with "{one_line(self._text)}"'] if self._text else []
        parts.append(f"prices of {registry.as_of}")
        parts += [f"{len(registry.conflicts):,} conflicts !"] if registry.conflicts else []
        self.query_one("#filter-line", Static).update(Content(" · ".join(parts)))
        self._show_selected()

    def _show_selected(self) -> None:
        entry, registry = self._view.current, self._registry
        panel = self.query_one("#model-panel")
        panel.border_title = Content(one_line(entry.id)) if entry is not None else "Models"
        lines = [] if entry is None or registry is None else words.summary_lines(entry, registry, self._today)
        self.query_one("#model", Static).update(Content(shown("\n".join(lines))))

    @on(RowsView.Moved, "#models")
    def _moved(self) -> None:
        self._show_selected()

    @on(RowsView.Opened, "#models")
    def _opened(self, event: RowsView.Opened) -> None:
        if self._registry is not None:
            found = self.cqtui.found
            plan = found.plan if found is not None else None
            lines = words.detail_lines(event.row, self._registry, plan, self._today)
            self.app.push_screen(MessageDialog(one_line(event.row.id), "\n".join(lines)))

    def action_search(self) -> None:
        """Only the models that have some words."""
        hint = "Words of an id, a name, a provider, an alias or a strength; empty shows all."
        self.app.push_screen(ValueDialog("Search", hint, self._text, lambda _: None), self._search)

    def _search(self, text: str | None) -> None:
        if text is not None:
            self._text = text
            self._show()

    def action_order(self) -> None:
        """The next order."""
        orders = list(words.ORDERS)
        self._order = orders[(orders.index(self._order) + 1) % len(orders)]
        self._show(from_top=True)

    def action_edit(self) -> None:
        """Change the user's overlay of the selected model."""
        entry, found = self._view.current, self.cqtui.found
        if entry is None:
            return
        if found is None:
            self.app.push_screen(MessageDialog("Nothing to change", NO_FILE))
            return
        if found.choices.is_example:
            self.app.push_screen(MessageDialog("The bundled example", EXAMPLE_STAYS))
            return
        choices = [
            Choice(field, name, overlay_edits.written(entry, field, self._today) or "unknown")
            for field, name in FIELDS.items()
        ]
        choices.append(Choice(TAKE_AWAY, "as in the registry", "takes your price, date and activity away"))
        hint = f"Your own entry in {found.choices.config_path}, over the registry's."

        def take(value: str | None) -> None:
            field = next((each for each in FIELDS if each == value), None)
            if value == TAKE_AWAY:
                self._write(found, entry, overlay_edits.without_overlay())
            elif field is not None:
                self._ask(found, entry, field, {})

        self.app.push_screen(ChoiceDialog(one_line(entry.id), hint, choices), take)

    def _ask(self, found: Found, entry: ModelEntry, field: Field, before: Mapping[Field, Value]) -> None:
        """Ask for a value; where no price is known yet, for both of it."""
        today = self._today
        old = overlay_edits.written(entry, field, today)

        def take(text: str | None) -> None:
            if text is None or text == old:
                return
            values = {**before, field: overlay_edits.converted(field, text)}
            other: Field = "price.output" if field == "price.input" else "price.input"
            if field.startswith("price") and other not in values and overlay_edits.needs_both_prices(entry, today):
                self._ask(found, entry, other, values)
            else:
                self._write(found, entry, overlay_edits.overlay_changes(entry, values, today))

        title = f"{one_line(entry.id)}: {FIELDS[field]}"
        if field == "is_active":
            answers = [Choice(overlay_edits.YES, "yes"), Choice(overlay_edits.NO, "no")]
            self.app.push_screen(ChoiceDialog(title, HINTS[field], answers, old), take)
        else:
            dialog = ValueDialog(title, HINTS[field], old, lambda text: overlay_edits.complaint(field, text))
            self.app.push_screen(dialog, take)

    def _write(self, found: Found, entry: ModelEntry, changes: Mapping[str, object | None]) -> None:
        app = self.app

        def work() -> None:
            try:
                _keep(found.choices, entry.id, changes)
            except CqtuiError as error:
                app.call_from_thread(app.push_screen, error_dialog(error))
                return
            app.call_from_thread(self._kept, found.choices)

        app.run_worker(work, thread=True, name="changing a model", group="changing", exit_on_error=False)

    def _kept(self, choices: Choices) -> None:
        self.app.notify(f"Kept in {choices.config_path}.", markup=False, timeout=3)
        navigation.look_at(self.cqtui, choices, lambda found: self._take(found.plan.registry))


def _keep(choices: Choices, model_id: str, changes: Mapping[str, object | None]) -> None:
    """Write into the overlay; raises CqtuiError where it cannot be, or where the profile in use would hide it."""
    path = choices.config_path
    if choices.profile is not None and path.is_file():
        base, over = load_settings(choices.config), load_settings(choices.config, profile=choices.profile)
        if base.models != over.models:
            raise BadInputError(
                f"{path}: the profile {one_line(choices.profile)} has [[models]] of its own, which hide the others.",
                "Change them in the file.",
            )
    edit_model(path, model_id, changes, check=lambda s: load_registry(s.models, today=s.as_of))
