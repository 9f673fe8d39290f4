"""The start screen: what was found, what would be tried, who receives the prompts, what it may cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from cqtui.engine.decide import retirement_words
from cqtui.report.filters import money
from cqtui.report.plan_words import describe_log, sentence_of_recipients
from cqtui.tui import navigation
from cqtui.tui.inert import fitted, one_line, shown
from cqtui.tui.page import Page
from cqtui.tui.reading import is_free
from cqtui.tui.screens.dialogs import Answer, MessageDialog, QuestionDialog
from cqtui.tui.screens.edits import EDITS, Edit, begin_edit, change
from cqtui.tui.theme import MUTED
from cqtui.tui.widgets.rows_view import Cell, Column, RowsView
from cqtui.tui.words import expected_change
from cqtui.tui.workspace import Found, missing_key, provider_words

NAME_WIDTH = 15
_COLUMNS = (
    Column("", 5),
    Column("model", 0),
    Column("cost", 5, right=True),
    Column("fit", 3, right=True),
    Column("why", 0, from_width=64),
)


@dataclass(frozen=True)
class ModelRow:
    """A model on the start screen: ``first`` in line, ``next``, or ``out``, and why."""

    model_id: str
    name: str
    place: Literal["first", "next", "out"]
    cost: str
    fit: str
    why: str


class StartScreen(Page):
    """What a run would do, before it does anything."""

    PLACE = "start"
    HELP_TEXT = (
        "Left: what the run will do; enter changes a line, and cqtui.toml keeps it (your comments stay). Right: the "
        "models. 'first' are tried at once, 'next' if none of those is good enough; the others say why they are left "
        "out. Nothing is sent and nothing is spent before you start."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "start", "Start", tooltip="Start the run; paid calls are asked about first"),
        Binding("space", "switch", "On/off", tooltip="Try the selected model, or leave it out"),
        Binding("a", "automatic", "Automatic", show=False, tooltip="Let cqtui choose the candidates again"),
        Binding("l", "log", "Log", tooltip="What was read, and the first problems in it"),
        Binding("w", "why", "Why", show=False, tooltip="Why the selected model is in or out, in full"),
        Binding("h", "history", "History", tooltip="Past runs"),
        Binding("m", "models", "Models", tooltip="All models, prices, retirement dates"),
        Binding("f", "profiles", "Profiles", tooltip="The profiles of cqtui.toml"),
        Binding("o", "example", "Example", show=False, tooltip="Open the bundled example"),
    ]

    def __init__(self, found: Found) -> None:
        super().__init__()
        self.found = found

    def body(self) -> Iterable[Widget]:
        """Facts, settings and candidates, and what one should know before starting."""
        with Container(id="facts-panel", classes="panel"):
            yield Static(id="facts", markup=False)
        with Horizontal(id="upper"):
            with Container(id="settings-panel", classes="panel"):
                yield OptionList(id="settings", markup=False)
            with Container(id="candidates-panel", classes="panel"):
                yield RowsView(_COLUMNS, _model_cells, empty="No model.", id="candidates")
        with Container(id="before-panel", classes="panel"):
            yield Static(id="before", markup=False)

    def on_mount(self) -> None:
        """Show what was found."""
        for panel, title in (
            ("facts-panel", "Your traffic"),
            ("settings-panel", "This run (enter: change)"),
            ("candidates-panel", "Models (space: on or off)"),
            ("before-panel", "Before you start"),
        ):
            self.query_one(f"#{panel}").border_title = title
        self.query_one("#settings").focus()
        self.show(self.found)

    def show(self, found: Found) -> None:
        """Show this."""
        self.found = found
        choices = found.choices
        name = "bundled example" if choices.is_example else str(choices.config_path)
        profile = f" · profile {choices.profile}" if choices.profile else ""
        self.title_bar.subject = f"{found.plan.current.short_name} → ?"
        self.title_bar.right = f"{name}{profile} · {found.settings.provider}"
        self.query_one("#facts", Static).update(_facts(found))
        self._show_settings()
        self._show_candidates()
        self.query_one("#before", Static).update(_before(found))

    def _show_settings(self) -> None:
        options = self.query_one("#settings", OptionList)
        kept = options.highlighted
        options.clear_options()
        width = max(16, options.size.width - NAME_WIDTH - 2)  # 0 before the first layout
        for edit in EDITS:
            words = edit.words(self.found)
            options.add_option(
                Option(
                    Content.assemble((fitted(edit.name, NAME_WIDTH), MUTED), fitted(one_line(words), width)),
                    id=edit.id,
                )
            )
        options.highlighted = kept if kept is not None else 0

    def _show_candidates(self) -> None:
        self.query_one("#candidates", RowsView).show(model_rows(self.found))

    @on(OptionList.OptionSelected, "#settings")
    def _edit(self, event: OptionList.OptionSelected) -> None:
        edit = next(edit for edit in EDITS if edit.id == event.option.id)
        self._begin(edit)

    def _begin(self, edit: Edit) -> None:
        begin_edit(self.cqtui, self.found, edit)

    def _selected_model(self) -> str | None:
        row: ModelRow | None = self.query_one("#candidates", RowsView).current
        return None if row is None else row.model_id

    def action_switch(self) -> None:
        """Try the selected model, or leave it out."""
        rows = self.query_one("#candidates", RowsView)
        if not rows.has_focus:  # which line is selected is seen there alone
            rows.focus()
            return
        model = self._selected_model()
        if model is None:
            return
        chosen = [candidate.id for candidate in self.found.plan.ranked]
        wanted = [name for name in chosen if name != model] if model in chosen else [*chosen, model]
        if not wanted:
            self.app.notify("At least one model must be left.", severity="warning", markup=False)
            return
        change(self.cqtui, self.found, {"candidates": tuple(wanted)})

    def action_automatic(self) -> None:
        """Let discovery choose again."""
        change(self.cqtui, self.found, {"candidates": None})

    def action_log(self) -> None:
        """What was read, with the first problems."""
        self.app.push_screen(MessageDialog("The log", "\n".join(describe_log(self.found.log.read))))

    @on(RowsView.Opened, "#candidates")
    def _row_selected(self) -> None:
        self.action_why()

    def action_why(self) -> None:
        """Why a model is in or out."""
        model = self._selected_model()
        plan = self.found.plan
        for candidate in plan.ranked:
            if candidate.id == model:
                fit = "" if candidate.fit_score is None else f"Fit {candidate.fit_score:.0f} of 100.\n"
                lines = [f"- {line}" for line in (*candidate.rationale, *candidate.warnings)]
                self.app.push_screen(MessageDialog(one_line(candidate.id), fit + "\n".join(lines)))
                return
        for item in plan.discovery.excluded:
            if item.model_id == model:
                self.app.push_screen(MessageDialog(one_line(item.model_id), f"Left out: {item.reason}"))
                return

    def action_start(self) -> None:
        """Start; a run that spends money or sends prompts out is asked about first."""
        if not is_free(self.cqtui):
            return
        found = self.found
        lacking = missing_key(found.settings)
        if not found.plan.top:
            text = "No cheaper model fits this traffic. Switch one on by hand (space), or change the constraints."
            self.app.push_screen(MessageDialog("Nothing to try", text))
        elif lacking is not None:
            text = (
                f"Hosted Portkey has {lacking}.\n\nWithout one: 'who answers' in this list offers the rehearsal "
                "(simulated), a small local model, or another gateway."
            )
            self.app.push_screen(MessageDialog("No key", text, is_error=True))
        elif found.settings.provider == "portkey":
            answers = [Answer("back", "Back", "b", is_first=True), Answer("start", "Start", "s")]
            text = "\n\n".join([sentence_of_recipients(found.plan), _cost_words(found)])
            question = QuestionDialog("This run spends money", text, answers)
            self.app.push_screen(question, lambda answer: self._start() if answer == "start" else None)
        else:
            self._start()

    def _start(self) -> None:
        navigation.start_run(self.cqtui, self.found)

    def action_history(self) -> None:
        """Past runs."""
        navigation.show_history(self.cqtui)

    def action_models(self) -> None:
        """The registry."""
        navigation.show_models(self.cqtui)

    def action_profiles(self) -> None:
        """The profiles."""
        navigation.show_profiles(self.cqtui)

    def action_example(self) -> None:
        """The bundled example."""
        navigation.open_example(self.cqtui)

    def on_resize(self) -> None:
        """The settings' texts are cut to the new width."""
        self.call_after_refresh(self._show_settings)


def model_rows(found: Found) -> list[ModelRow]:
    """The models: those to be tried in their order, then those left out."""
    plan = found.plan
    top = {candidate.id for candidate in plan.top}
    rows = [
        ModelRow(
            model_id=candidate.id,
            name=candidate.short_name,
            place="first" if candidate.id in top else "next",
            cost=f"{'≥' if candidate.saving_is_bound else ''}{expected_change(candidate.expected_saving_percent)}",
            fit="" if candidate.fit_score is None else f"{candidate.fit_score:.0f}",
            why="; ".join((*candidate.warnings, *candidate.rationale)),
        )
        for candidate in plan.ranked
    ]
    return rows + [
        ModelRow(item.model_id, item.model_id, "out", "", "", item.reason) for item in plan.discovery.excluded
    ]


def _model_cells(row: ModelRow) -> Sequence[Cell]:
    look = {"first": "strong", "next": "", "out": "muted"}[row.place]
    return (
        Cell(row.place, look),
        Cell(one_line(row.name), look),
        Cell(row.cost),
        Cell(row.fit),
        Cell(one_line(row.why), "muted"),
    )


def _facts(found: Found) -> Content:
    traffic, plan = found.plan.traffic, found.plan
    formats = ", ".join(f"{name} {count:,}" for name, count in found.log.read.counts.items())
    files = len(found.log.read.files)
    odd = found.log.read.records - found.log.read.joined - found.log.read.total_calls
    log = f"{found.log.read.total_calls:,} calls in {files} file{'s' if files != 1 else ''} ({formats})"
    if found.log.read.left_out:
        log += f", {len(found.log.calls):,} kept"
    if odd:
        log += f"; {odd:,} records left out (l)"
    volume = "volume unknown" if traffic.monthly_requests is None else f"{traffic.monthly_requests:,} calls a month"
    source = {"log": "at the log's rate", "settings": "as stated", "unknown": "set it below"}[traffic.monthly_source]
    cost = traffic.monthly_today_usd
    today = f"{money(cost)} a month today" if cost is not None else f"{money(traffic.cost_per_call_usd)} a call today"
    kinds = [
        word
        for word, is_so in (("tools", traffic.uses_tools), ("JSON", traffic.uses_json), ("images", traffic.uses_vision))
        if is_so
    ]
    tokens = f"{traffic.mean_input_tokens:,.0f} tokens in, {traffic.mean_output_tokens:,.0f} out"
    retirement = retirement_words(plan.current) if plan.current.deprecated else "no retirement date known"
    uses = f"; uses {', '.join(kinds)}" if kinds else ""
    lines = [
        ("log", log),
        ("traffic", f"{volume} ({source}), {today}"),
        ("a call", tokens + _variety_words(found) + uses),
        ("model today", f"{plan.current.short_name}, {retirement}"),
    ]
    return Content("\n").join(
        Content.assemble((fitted(name, NAME_WIDTH), MUTED), one_line(words)) for name, words in lines
    )


def _variety_words(found: Found) -> str:
    """How many of the prompts to be replayed differ, where they are a sample or some repeat others; else empty."""
    variety = found.plan.variety
    if variety is None or (variety.varied == variety.calls and not found.log.read.left_out):
        return ""
    many = f"all {variety.calls:,}" if variety.varied == variety.calls else f"{variety.varied:,} of {variety.calls:,}"
    return f"; {many} prompts differ"


def _cost_words(found: Found) -> str:
    cost, settings = found.estimate, found.settings
    if settings.provider in ("rehearsal", "local"):
        return f"About {cost.calls:,} calls on this machine; nothing is paid."
    worst = f", at worst {money(cost.worst_usd)}" if cost.worst_usd is not None else ""
    return (
        f"Estimated cost {money(cost.expected_usd)}{worst}, for about {cost.calls:,} calls; "
        f"never more than the budget of {money(settings.budget.usd)}."
    )


def _before(found: Found) -> Content:
    lines = [Content(shown(sentence_of_recipients(found.plan))), Content(_cost_words(found))]
    judges = ", ".join(judge.short_name for judge in found.plan.panel.models)
    lines.append(
        Content(
            f"Judge: {one_line(judges) or 'checks against the logged answers'}. "
            f"Answers come from {one_line(provider_words(found.settings))}."
        )
    )
    lacking = missing_key(found.settings)
    if lacking is not None:
        lines.append(Content.styled(f"! {lacking}", "$text-warning"))
    if not found.plan.top:
        lines.append(Content.styled("! No cheaper model fits this traffic.", "$text-warning"))
    return Content("\n").join(lines)
