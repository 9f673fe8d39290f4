"""Blind labelling: which of two answers is better, without knowing whose they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from cqtui.engine.labelling import Choice as LabelChoice
from cqtui.engine.labelling import Question, questions, stored_check
from cqtui.models import LoggedCall
from cqtui.report.filters import points, share_interval, signed
from cqtui.results import LabelCheck
from cqtui.settings import PrivacySettings, database_path
from cqtui.store import labels
from cqtui.store.database import Database
from cqtui.tui.inert import shown
from cqtui.tui.page import Page

WANTED = 30


class LabelScreen(Page):
    """Shows pairs one after the other; each label is kept at once."""

    PLACE = "label"
    HELP_TEXT = (
        "Two answers to one of your requests, in random order, without names. Say which is better. Thirty labels tell "
        "how far the judge can be relied on, and count in the verdict of the next run."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "choose('1')", "First is better"),
        Binding("2", "choose('2')", "Second is better"),
        Binding("equals_sign", "choose('=')", "No difference", key_display="="),
        Binding("s", "skip", "Skip", tooltip="Say nothing about this pair"),
        Binding("escape", "app.pop_screen", "Done"),
    ]

    def __init__(self, run_id: str, model_id: str, calls: tuple[LoggedCall, ...], privacy: PrivacySettings) -> None:
        super().__init__()
        self._run_id = run_id
        self._model_id = model_id
        self._calls = calls
        self._privacy = privacy
        self._questions: list[Question] = []
        self._done = 0
        self._place = 0

    def body(self) -> Iterable[Widget]:
        """The request, and the two answers."""
        yield Static("Looking for pairs …", id="progress", markup=False)
        with VerticalScroll(id="sample"):
            with Container(id="prompt-panel", classes="panel"):
                yield Static(id="prompt", markup=False)
            with Horizontal(id="answers"):
                with Container(id="logged-panel", classes="panel"):
                    yield Static(id="first", markup=False)
                with Container(id="answer-panel", classes="panel"):
                    yield Static(id="second", markup=False)

    def on_mount(self) -> None:
        """Draw the pairs."""
        for panel, title in (("prompt-panel", "Request"), ("logged-panel", "Answer 1"), ("answer-panel", "Answer 2")):
            self.query_one(f"#{panel}").border_title = title
        self.query_one("#sample").focus()
        self.app.run_worker(self._draw, thread=True, name="drawing pairs", exit_on_error=False)

    def _draw(self) -> None:
        with Database(database_path()) as store:
            found, done = questions(store, self._model_id, self._calls, self._run_id, WANTED, self._privacy)
        self.app.call_from_thread(self._take, found, done)

    def _take(self, found: list[Question], done: int) -> None:
        self._questions, self._done = found, done
        self._show()

    def _show(self) -> None:
        if self._place >= len(self._questions):
            self.app.run_worker(self._sum_up, thread=True, name="counting labels", exit_on_error=False)
            return
        question = self._questions[self._place]
        total = self._done + len(self._questions)
        self.query_one("#progress", Static).update(
            Content(f" {self._done + self._place + 1} of {total}: which answer is better?")
        )
        self.query_one("#prompt", Static).update(Content(shown(question.prompt)))
        self.query_one("#first", Static).update(Content(shown(question.first)))
        self.query_one("#second", Static).update(Content(shown(question.second)))
        self.query_one("#sample", VerticalScroll).scroll_home(animate=False)

    def _sum_up(self) -> None:
        with Database(database_path()) as store:
            check = stored_check(store, self._model_id)
        self.app.call_from_thread(self._show_sum, check)

    def _show_sum(self, check: LabelCheck | None) -> None:
        for name in ("prompt", "first", "second"):
            self.query_one(f"#{name}", Static).update("")
        self.query_one("#progress", Static).update(Content(_summary(check, bool(self._questions))))

    def action_choose(self, choice: LabelChoice) -> None:
        """Keep a label and go on."""
        if self._place >= len(self._questions):
            return
        question = self._questions[self._place]
        model_id = self._model_id

        def keep() -> None:
            with Database(database_path()) as store:
                store.run(
                    lambda c: labels.keep_label(
                        c, question.record_id, model_id, question.digest, question.preference(choice)
                    )
                )

        self.app.run_worker(keep, thread=True, name="keeping a label", group="labels", exit_on_error=False)
        self.action_skip()

    def action_skip(self) -> None:
        """Go on."""
        if self._place < len(self._questions):
            self._place += 1
            self._show()


def _summary(check: LabelCheck | None, had_any: bool) -> str:
    if check is None:
        if had_any:
            return " Nothing labelled."
        return " No judged pair can be shown: its text is not kept, or the log at hand has other records."
    lines = [
        f" {check.labelled} pairs labelled. The judge agrees with you on {share_interval(check.agreement_percent)}.",
        f" Quality difference: {points(check.corrected_points)} points as your labels correct it; the judge alone says "
        f"{signed(check.judge_points)}.",
        " Run again: nothing is paid twice, and the labels count in the verdict."
        if check.is_enough
        else f" {WANTED - check.labelled} more would be enough to count in the verdict.",
    ]
    return "\n".join(lines)
