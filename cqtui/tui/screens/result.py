"""The result screen: the sentence, its grade, why, and all that it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Markdown, Static, TabbedContent, TabPane

from cqtui.engine.happenings import Happening
from cqtui.engine.run_state import RunState, state_of
from cqtui.errors import CqtuiError
from cqtui.report.filters import cost_change, interval, milliseconds, money, share, signed
from cqtui.report.order import in_report_order, letters_of
from cqtui.report.plot import plot_points
from cqtui.report.render import outcome_words, render_markdown, render_part, verdict
from cqtui.results import Evidence, Gate, Recommendation
from cqtui.tui.inert import one_line, shown, steady
from cqtui.tui.page import Page
from cqtui.tui.screens.dialogs import Dialog, error_dialog
from cqtui.tui.store_access import read_store
from cqtui.tui.widgets.cost_quality_plot import CostQualityPlot
from cqtui.tui.widgets.rows_view import Cell, Column, RowsView
from cqtui.tui.widgets.samples_pane import SamplesPane

SIGNS = {True: "✓", False: "✗", None: "?"}
RESULTS = {True: "passed", False: "not met", None: "open"}
GRADES = {
    "verified": "✓ VERIFIED",
    "leaning": "LEANING, NOT VERIFIED",
    "inconclusive": "NOT ENOUGH EVIDENCE",
    "keep": "KEEP",
}
TABS = ("answer", "candidates", "plot", "samples", "guardrails", "report", "events")
_CANDIDATES = (
    Column("", 2),
    Column("model", 0),
    Column("outcome", 18),
    Column("cost", 7, right=True),
    Column("quality", 21, right=True),
    Column("refused", 7, right=True),
    Column("bad format", 10, right=True, from_width=120),
    Column("p95", 8, right=True, from_width=100),
)


class ResultScreen(Page):
    """The answer of a run."""

    PLACE = "result"
    HELP_TEXT = (
        "The sentence first, then why: each rule says what it asked and what was found. 'verified' holds with the "
        "error rate asked for; 'leaning' passes the plain rules only. Candidates, enter: the rules of that one. Report "
        "is the same Markdown that CI posts."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        *[Binding(str(n), f"tab('{name}')", name.capitalize(), show=False) for n, name in enumerate(TABS, 1)],
        Binding("left_square_bracket", "turn(-1)", "Tab before", show=False, key_display="["),
        Binding("right_square_bracket", "turn(1)", "Tab", key_display="]", tooltip="Next tab; 1 to 7 go straight"),
        Binding("e", "export", "Export", tooltip="Markdown, HTML, JSON, CSV, gateway config"),
        Binding("y", "copy", "Copy", show=False, tooltip="Copy the sentence"),
        Binding("l", "label", "Label", tooltip="Judge pairs yourself, blind"),
        Binding("b", "start", "Start", show=False, tooltip="Back to the start screen"),
    ]

    def __init__(self, result: Recommendation, state: RunState | None = None) -> None:
        super().__init__()
        self.result = result
        self._state = state
        self._letters = letters_of(result)

    def body(self) -> Iterable[Widget]:
        """The tabs."""
        with TabbedContent(initial="answer"):
            with TabPane("Answer", id="answer"), VerticalScroll(id="answer-scroll"):
                yield Static(_banner(self.result), id="banner", markup=False)
                with Container(id="sentence-panel", classes="panel"):
                    yield Static(id="sentence", markup=False)
                yield Static(_gates(self.result), id="gates")
                yield Markdown(_here(render_part(self.result, "beyond")), id="beyond", open_links=False)
            with TabPane("Candidates", id="candidates"):
                yield RowsView(_CANDIDATES, self._cells, empty="No candidate was tried.", id="tried")
            with TabPane("Plot", id="plot"):
                yield CostQualityPlot(id="cost-quality")
                yield Static(id="legend", markup=False)
            with TabPane("Samples", id="samples"):
                yield SamplesPane(self.result.run_id, self._letters)
            with TabPane("Guardrails", id="guardrails"), VerticalScroll(id="guardrails-scroll"):
                text = render_part(self.result, "guardrails") or "No guardrail set was tried in this run."
                yield Markdown(_here(text), open_links=False)
            with TabPane("Report", id="report"), VerticalScroll(id="report-scroll"):
                yield Markdown("", id="markdown", open_links=False)
            with TabPane("Events", id="events"):
                yield RowsView(
                    (Column("time", 8), Column("what happened", 0)),
                    _event_cells,
                    empty="No events are kept.",
                    id="told",
                )

    def on_mount(self) -> None:
        """Show the answer."""
        result = self.result
        self.title_bar.subject = f"{result.use_case} · {result.current.short_name}"
        self.title_bar.right = f"{result.provider} · run {result.run_id[:6]}"
        panel = self.query_one("#sentence-panel")
        panel.border_title = ("FORCED SWITCH · " if result.forced_switch else "") + _grade(result)
        panel.set_class(result.grade == "verified" and result.provider != "rehearsal", "-verified")
        self.query_one("#sentence", Static).update(_sentence(result))
        self.query_one("#banner").display = bool(_banner(result).plain)
        self.query_one("#tried", RowsView).show(in_report_order(result))
        self.query_one("#legend", Static).update(self._legend())
        self.query_one("#answer-scroll").focus()
        if self._state is not None:
            self.query_one("#told", RowsView).show(list(self._state.happenings))

    def _legend(self) -> Content:
        lines = [
            f" {self._letters[e.candidate.id]}  {one_line(e.candidate.short_name)}"
            for e in in_report_order(self.result)
        ]
        return Content("   ".join(lines))

    def _cells(self, evidence: Evidence) -> Sequence[Cell]:
        chosen, saving = self.result.recommended, evidence.savings_percent
        is_chosen = chosen is not None and chosen.candidate.id == evidence.candidate.id
        return (
            Cell(self._letters[evidence.candidate.id], "strong"),
            Cell(one_line(evidence.candidate.short_name), "strong" if is_chosen else ""),
            Cell(one_line(outcome_words(evidence, self.result)), "good" if is_chosen else "muted"),
            Cell("unknown" if saving is None else f"{signed(-saving.value)}%"),
            Cell(interval(evidence.quality_impact_percent)),
            Cell(f"{evidence.ledger.newly_refused} new"),
            Cell(share(evidence.format_failure_rate)),
            Cell(milliseconds(evidence.latency_p95_ms)),
        )

    @on(RowsView.Opened, "#tried")
    def _open_candidate(self, event: RowsView.Opened) -> None:
        self.app.push_screen(GatesDialog(event.row, outcome_words(event.row, self.result)))

    @on(SamplesPane.Opened)
    def _open_sample(self, event: SamplesPane.Opened) -> None:
        from cqtui.tui.screens.samples import SampleScreen

        self.app.push_screen(SampleScreen(self.result.run_id, self._letters, event.rows, event.place))

    @on(TabbedContent.TabActivated)
    def _activated(self, event: TabbedContent.TabActivated) -> None:
        """Make a tab's contents when it is looked at first, and give its list the focus."""
        name = event.pane.id
        focus = {
            "answer": "#answer-scroll",
            "candidates": "#tried",
            "samples": "#pairs",
            "guardrails": "#guardrails-scroll",
            "report": "#report-scroll",
            "events": "#told",
        }
        if name == "plot":
            self.call_after_refresh(self._draw_plot)
        elif name == "report":
            markdown = self.query_one("#markdown", Markdown)
            if not markdown.source:
                markdown.update(_here(self._report()))
        elif name == "events" and self._state is None:
            self._read_events()
        if name in focus and self.app.screen is self:
            self.query_one(focus[name]).focus()

    def _report(self) -> str:
        found = self.cqtui.found
        try:
            return render_markdown(self.result, found.templates if found is not None else None)
        except CqtuiError as error:
            self.app.push_screen(error_dialog(error))
            return render_markdown(self.result)

    def _draw_plot(self) -> None:
        limits = self.result.thresholds
        points = plot_points(self.result)
        saving = None if self.result.forced_switch else limits.min_cost_saving_percent
        self.query_one(CostQualityPlot).show(points, limits.max_quality_drop_percent, saving)

    def _read_events(self) -> None:
        from cqtui.store import runs

        run_id = self.result.run_id

        def take(state: RunState | None) -> None:
            if state is not None and self.is_running:
                self._state = state
                self.query_one("#told", RowsView).show(list(state.happenings))

        read_store(self.app, lambda c: state_of(runs.load_events(c, run_id)), take)

    def action_tab(self, name: str) -> None:
        """Go to a tab."""
        self.query_one(TabbedContent).active = name

    def action_turn(self, by: int) -> None:
        """The next tab or the one before."""
        tabs = self.query_one(TabbedContent)
        tabs.active = TABS[(TABS.index(tabs.active) + by) % len(TABS)]

    def action_export(self) -> None:
        """Choose a format and a file."""
        from cqtui.tui.screens.export import ask_export

        ask_export(self.cqtui, self.result)

    def action_copy(self) -> None:
        """Copy the sentence."""
        from cqtui.tui.navigation import copy_text

        copy_text(self.cqtui, self.result.sentence)

    def action_label(self) -> None:
        """Judge pairs yourself."""
        from cqtui.tui.navigation import show_labelling

        shown_evidence = self.result.recommended or self.result.closest
        show_labelling(self.cqtui, self.result.run_id, None if shown_evidence is None else shown_evidence.candidate.id)

    def action_start(self) -> None:
        """Back to the start screen."""
        from cqtui.tui.navigation import back_to_start

        back_to_start(self.cqtui)


class GatesDialog(Dialog[None]):
    """One candidate's rules: what each asked and found."""

    def __init__(self, evidence: Evidence, outcome: str) -> None:
        super().__init__(one_line(evidence.candidate.id))
        self._evidence = evidence
        self._outcome = outcome

    def compose(self) -> Iterable[Widget]:
        """Figures, then the rules."""
        evidence = self._evidence
        facts = [
            f"{self._outcome}; {evidence.pairs} pairs compared",
            f"cost {cost_change(evidence.savings_percent)}, quality {interval(evidence.quality_impact_percent)}",
            f"latency {milliseconds(evidence.latency_p50_ms)} median, {milliseconds(evidence.latency_p95_ms)} p95; "
            f"{money(evidence.cost_per_call_usd)} a call",
        ]
        with Container(classes="dialog -tall -wide-dialog"):
            yield Static(Content(self._title), classes="dialog-title")
            with VerticalScroll(classes="dialog-text"):
                yield Static(Content(shown("\n".join(facts))))
                yield Static(gate_table(evidence.gates))
            yield Static(Content("esc: close"), classes="dialog-keys")

    def on_mount(self) -> None:
        """Scroll with the arrow keys at once."""
        self.query_one(VerticalScroll).focus()


def _grade(result: Recommendation) -> str:
    if result.provider == "rehearsal":
        return f"REHEARSAL: {result.grade} if it were real"
    if result.grade == "keep" and not result.evidence:
        return "NOTHING TO TRY"
    return GRADES[result.grade]


def _here(markdown: str) -> str:
    """A report for the terminal, without what keeps @names from being mentions elsewhere: it has no width."""
    return steady(markdown.replace("\u200b", ""))


def _banner(result: Recommendation) -> Content:
    if result.provider == "rehearsal":
        return Content.styled(" Rehearsal: simulated answers. Not evidence. ", "bold $text-warning")
    if result.provider == "recorded":
        return Content.styled(" From a recording: nothing was called in this run. ", "bold $text-warning")
    return Content("")


def _sentence(result: Recommendation) -> Content:
    lines = [Content.styled(shown(result.sentence), "bold")]
    words = [verdict(result) if result.grade != "leaning" else result.reason]
    about = result.recommended or result.closest
    if about is not None:
        words.append(
            f"{about.pairs} pairs: cost {cost_change(about.savings_percent)}, "
            f"quality {interval(about.quality_impact_percent)}, {about.ledger.newly_refused} newly refused."
        )
    lines.append(Content(shown(" ".join(words))))
    impact = result.impact
    if impact is not None and impact.projected_monthly_savings_usd is not None:
        saved = impact.projected_monthly_savings_usd
        verb = "Saves" if saved >= 0 else "Costs"
        lines.append(
            Content.assemble(
                f"{verb} about ",
                (f"{money(abs(saved))} a month", "bold $text-success"),
                f", {money(None if impact.annual_savings_usd is None else abs(impact.annual_savings_usd))} a year, "
                f"at {impact.monthly_request_volume or 0:,} calls a month.",
            )
        )
    if result.runner_up is not None:
        up = result.runner_up
        lines.append(
            Content(
                f"Runner-up: {one_line(up.candidate.short_name)}, cost {cost_change(up.savings_percent)}, "
                f"quality {interval(up.quality_impact_percent)}."
            )
        )
    return Content("\n").join(lines)


def _gates(result: Recommendation) -> Table | Text:
    about = result.recommended or result.closest
    if about is None or not about.gates:
        return Text("")
    return gate_table(about.gates, title=f"Why: {one_line(about.candidate.short_name)}, rule by rule")


def gate_table(gates: Sequence[Gate], title: str | None = None) -> Table:
    """The rules as a table; every text in it is inert."""
    table = Table(
        box=None,
        expand=True,
        padding=(0, 1, 0, 0),
        title=Text(title, style="bold") if title else None,
        title_justify="left",
    )
    table.add_column("", width=1)
    table.add_column("rule", ratio=3, header_style="dim")
    table.add_column("asked", ratio=4, header_style="dim")
    table.add_column("found", ratio=4, header_style="dim")
    table.add_column("result", width=8, header_style="dim")
    for level in ("leaning", "verified"):
        if level == "verified":
            table.add_row("", Text("for verified also:", style="dim italic"), "", "", "")
        for gate in gates:
            if gate.level != level:
                continue
            found = one_line(gate.found)
            if gate.passed is not True and gate.change:
                found += f"; would change it: {one_line(gate.change)}"
            style = {True: "", False: "bold", None: "italic"}[gate.passed]
            table.add_row(
                Text(SIGNS[gate.passed], style=style),
                Text(one_line(gate.name), style=style),
                Text(one_line(gate.asked), style="dim"),
                Text(found),
                Text(RESULTS[gate.passed], style=style),
            )
    return table


def _event_cells(happening: Happening) -> Sequence[Cell]:
    at = happening.at.astimezone().strftime("%H:%M:%S")
    return (Cell(at, "muted"), Cell(one_line(happening.text), "" if happening.is_notice else "muted"))
