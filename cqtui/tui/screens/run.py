"""The run screen: money turning into evidence, candidate by candidate."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from cqtui.engine.happenings import Happening
from cqtui.engine.run_state import RunState
from cqtui.report.filters import money
from cqtui.settings import Thresholds
from cqtui.tui.engine_thread import RunSource
from cqtui.tui.inert import one_line
from cqtui.tui.page import Page
from cqtui.tui.screens.dialogs import Answer, QuestionDialog
from cqtui.tui.theme import MUTED
from cqtui.tui.widgets.candidate_rows import CandidateRows
from cqtui.tui.widgets.cost_quality_plot import CostQualityPlot
from cqtui.tui.widgets.evidence_meter import EvidenceMeter
from cqtui.tui.words import bar, duration, plot_point

PAINT_INTERVAL_S = 0.125
PLOT_EVERY = 4  # paints: a plot takes longer and changes slowly
SHOWN_HAPPENINGS = 200
REHEARSAL = " Rehearsal: simulated answers. Not evidence. "
STAGES = {
    "starting": "starting",
    "discover": "looking for cheaper models",
    "rank": "ranking",
    "verify": "replaying",
    "guardrails": "replaying under guardrails",
    "noise_floor": "measuring the noise floor",
    "decide": "deciding",
    "finished": "finished",
}


class RunScreen(Page):
    """A run under way, or one that is played back."""

    PLACE = "run"
    HELP_TEXT = (
        "Each row is a candidate: calls replayed of those planned, the change of cost and of quality so far against "
        "the current model, and answers newly refused. ± is a 95% interval that may be looked at after every call; it "
        "narrows as pairs come in. The evidence says how far the tests for 'verified' have come: odds against a "
        "false promise. A candidate stops as soon as its evidence is in, either way, and its money goes to the others."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pause", "Pause", tooltip="Pause or go on; calls under way finish"),
        Binding("c", "cancel", "Stop", tooltip="Stop and conclude with what is there; what was paid for is kept"),
        Binding("plus,equals_sign", "faster", "Faster", key_display="+", tooltip="Allow more calls at a time"),
        Binding("minus", "slower", "Slower", key_display="-", tooltip="Allow fewer calls at a time"),
        Binding("p", "plot", "Plot", tooltip="The plot in place of what happens, and back"),
        Binding("s", "samples", "Samples", tooltip="The pairs so far"),
        Binding("r", "result", "Result", tooltip="The answer of the finished run"),
        Binding("b", "start", "Start", tooltip="Back to the start screen"),
        Binding("y", "copy", "Copy", show=False, tooltip="Copy the sentence"),
    ]

    def __init__(
        self,
        source: RunSource,
        thresholds: Thresholds,
        *,
        concurrency: int,
        subject: str,
        right: str,
        is_simulated: bool = False,
    ) -> None:
        super().__init__()
        self.source = source
        self.state = RunState()
        self._thresholds = thresholds
        self._concurrency = concurrency
        self._subject = subject
        self._right = right
        self._is_simulated = is_simulated
        self._painted = 0
        self._told = 0
        self._is_stopping = False
        self._has_ended = False
        self._possible: tuple[bool, ...] = ()

    def body(self) -> Iterable[Widget]:
        """Candidates and plot above, evidence, then what happens."""
        yield Static(REHEARSAL, id="banner", markup=False)
        with Horizontal(id="upper"):
            with Vertical(id="rows-panel", classes="panel"):
                yield CandidateRows(id="rows")
            with Container(id="plot-panel", classes="panel"):
                yield CostQualityPlot(id="plot")
        with Container(id="meter-panel", classes="panel"):
            yield EvidenceMeter(id="meter")
        with Container(id="log-panel", classes="panel"):
            yield OptionList(id="log", markup=False)
        yield Static(id="pace", markup=False)

    def on_resize(self) -> None:
        """A second line for each candidate where there is room."""
        self.query_one(CandidateRows).set_class(self.size.height >= 34, "-two-lines")
        self.call_after_refresh(self.paint_plot)

    def on_mount(self) -> None:
        """Paint now, and several times a second from now on."""
        for panel, title in (
            ("rows-panel", "Candidates"),
            ("plot-panel", "Cost and quality"),
            ("meter-panel", "Evidence"),
            ("log-panel", "What happens"),
        ):
            self.query_one(f"#{panel}").border_title = title
        self.query_one("#banner").display = self._is_simulated
        self.title_bar.subject, self.title_bar.right = self._subject, self._right
        self.query_one(CandidateRows).focus()
        # The log, the registry and the libraries stay: walking them for garbage would hold up a frame by 0.2 s.
        gc.freeze()
        self.set_interval(PAINT_INTERVAL_S, self.catch_up)
        self.call_after_refresh(self.catch_up)

    def catch_up(self) -> None:
        """Fold in the events that came since the last time, and paint what they changed."""
        events = self.source.events
        came = len(events)
        before = self.state.concurrency
        for _ in range(came):
            self.state.apply(events.popleft())
        if self.state.concurrency is not None and self.state.concurrency != before:
            self._concurrency = self.state.concurrency
        self._painted += 1
        if self.source.outcome.done() and not events and not self._has_ended:
            self._has_ended = True
            self._paint(with_plot=True)
            self._end()
        elif came or self._painted % 8 == 1:
            self._paint(with_plot=self._painted % PLOT_EVERY == 0 or self._painted < 3)

    def _paint(self, *, with_plot: bool) -> None:
        state = self.state
        rows = self.query_one(CandidateRows)
        rows.show(list(state.candidates.values()))
        self.query_one(EvidenceMeter).show(rows.current)
        self._paint_log()
        self.query_one("#pace", Static).update(self._pace())
        possible = (self.source.outcome.done(), self._is_stopping, state.sentence is None)
        if possible != self._possible:
            self._possible = possible
            self.refresh_bindings()
        if with_plot:
            self.paint_plot()

    def paint_plot(self) -> None:
        """Draw the points as they are now."""
        points = [point for row in self.state.tried if (point := plot_point(row)) is not None]
        limits = self._thresholds
        self.query_one(CostQualityPlot).show(points, limits.max_quality_drop_percent, limits.min_cost_saving_percent)

    def _paint_log(self) -> None:
        new = self.state.happened - self._told
        if not new:
            return
        self._told = self.state.happened
        log = self.query_one("#log", OptionList)
        latest = list(self.state.happenings)[-min(new, SHOWN_HAPPENINGS) :]
        follows = log.highlighted is None or log.highlighted >= log.option_count - 1
        log.add_options([Option(_line(each)) for each in latest])
        for _ in range(log.option_count - SHOWN_HAPPENINGS):
            log.remove_option_at_index(0)
        if follows:
            log.highlighted = log.option_count - 1
            self.call_after_refresh(log.scroll_to_highlight)  # its lines are not laid out yet

    def _now(self) -> datetime:
        state = self.state
        has_ended = self._has_ended or self.source.outcome.done()
        return state.last_at if has_ended and state.last_at is not None else self.source.now()

    def _pace(self) -> Content:
        state = self.state
        spent = float(state.spent_usd / state.budget_usd) if state.budget_usd else 0.0
        money_words = f"{money(state.spent_usd)} of {money(state.budget_usd)}"
        parts = [self._stage(), f"budget {bar(spent, 12)} {money_words}"]
        if state.stage != "finished":
            parts.append(f"{state.calls_per_second(self._now()):.0f} calls/s, {self.concurrency} at a time")
            left = state.seconds_left(self._now())
            if left is not None and not state.is_paused:
                parts.append(f"{duration(left)} left at most")
        counts = [
            f"{state.from_cache:,} known" if state.from_cache else "",
            f"{state.failures} failed" if state.failures else "",
        ]
        parts += [count for count in counts if count]
        return Content(" · ".join(parts))

    def _stage(self) -> str:
        if self._is_stopping and not self._has_ended:
            return "stopping: calls under way finish"
        if self.state.is_paused:
            return "PAUSED"
        return STAGES[self.state.stage]

    @property
    def concurrency(self) -> int:
        """Calls allowed at a time, or asked for."""
        return self._concurrency

    def _end(self) -> None:
        from cqtui.tui.navigation import run_ended

        run_ended(self.cqtui, self)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The footer offers what is possible now."""
        has_ended = self.source.outcome.done()
        if action in ("pause", "cancel", "faster", "slower"):
            return not has_ended and not (self._is_stopping and action != "cancel")
        if action == "result":
            return has_ended and self.state.sentence is not None
        if action == "start":
            return has_ended
        return True

    def action_pause(self) -> None:
        """Pause, or go on."""
        if self.state.is_paused:
            self.source.resume()
        else:
            self.source.pause()

    def action_faster(self) -> None:
        """A quarter more calls at a time, at least one more."""
        self._set_concurrency(self.concurrency + max(1, self.concurrency // 4))

    def action_slower(self) -> None:
        """A quarter fewer."""
        self._set_concurrency(self.concurrency - max(1, self.concurrency // 4))

    def _set_concurrency(self, calls: int) -> None:
        from cqtui.engine.control import MOST_CONCURRENCY

        self._concurrency = max(1, min(MOST_CONCURRENCY, calls))
        self.source.set_concurrency(self._concurrency)

    def action_cancel(self) -> None:
        """Ask what is to become of the run."""
        state = self.state
        done = sum(row.pairs for row in state.tried)
        text = (
            f"{done:,} pairs are measured for {money(state.spent_usd)}. All of it is kept, and the same run goes on "
            f"here later without paying again.\n\nUp to {self.concurrency} calls are under way. Stopping lets them "
            "finish and concludes with what is there. Ending at once drops them: they count at the most that they "
            "could cost."
        )
        answers = [
            Answer("stay", "Go on", "g", is_first=True),
            Answer("stop", "Stop", "s"),
            Answer("abandon", "End at once", "x"),
        ]
        self.app.push_screen(QuestionDialog("Stop this run?", text, answers), self._cancelled)

    def _cancelled(self, answer: str | None) -> None:
        if answer == "stop":
            self._is_stopping = True
            self.source.stop()
        elif answer == "abandon":
            self._is_stopping = True
            self.source.abandon()

    def action_plot(self) -> None:
        """Where there is no room for both: the plot, or what happens."""
        self.toggle_class("-plot")
        self.call_after_refresh(self.paint_plot)

    def action_result(self) -> None:
        """Show the answer."""
        from cqtui.tui.navigation import show_result

        if self.source.outcome.done() and self.source.outcome.exception() is None:
            show_result(self.cqtui, self.source.outcome.result(), self.state)

    def action_start(self) -> None:
        """Back to the start screen."""
        from cqtui.tui.navigation import back_to_start

        back_to_start(self.cqtui)

    def action_samples(self) -> None:
        """Look at the pairs so far."""
        row = self.query_one(CandidateRows).current
        self._open_samples(row.model_id if row is not None else None)

    def _open_samples(self, model_id: str | None, record_id: str | None = None) -> None:
        from cqtui.tui.navigation import show_samples

        letters = {row.model_id: row.letter for row in self.state.tried}
        show_samples(self.cqtui, self.state.run_id, letters, model_id, record_id)

    @on(CandidateRows.Opened)
    def _opened(self, event: CandidateRows.Opened) -> None:
        self._open_samples(event.model_id)

    @on(CandidateRows.Moved)
    def _moved(self) -> None:
        self.query_one(EvidenceMeter).show(self.query_one(CandidateRows).current)

    @on(OptionList.OptionSelected, "#log")
    def _happening(self, event: OptionList.OptionSelected) -> None:
        place = len(self.state.happenings) - event.option_list.option_count + event.option_index
        happening = self.state.happenings[place]
        if happening.model_id in self.state.candidates:
            self._open_samples(happening.model_id, happening.record_id)

    def action_copy(self) -> None:
        """Copy the sentence, where there is one."""
        from cqtui.tui.navigation import copy_text

        copy_text(self.cqtui, self.state.sentence)


def _line(happening: Happening) -> Content:
    style = "" if happening.is_notice else MUTED
    at = happening.at.astimezone().strftime("%H:%M:%S")
    return Content.assemble((f"{at}  ", MUTED), (one_line(happening.text), style))
