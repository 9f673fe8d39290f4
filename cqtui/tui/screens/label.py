"""Blind labelling: which of two answers is better, without knowing whose they are."""

from __future__ import annotations

import functools
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from cqtui.engine.labelling import Choice as LabelChoice
from cqtui.engine.labelling import Question, questions, stored_check
from cqtui.engine.sealing import seals_for
from cqtui.environment import database_path
from cqtui.models import LoggedCall
from cqtui.report.filters import points, share_interval, signed
from cqtui.results import LabelCheck
from cqtui.settings import Settings
from cqtui.store import labels
from cqtui.store.database import Database
from cqtui.store.seals import Seals
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
        Binding("1", "choose('1')", "First better", tooltip="The first answer is better"),
        Binding("2", "choose('2')", "Second better", tooltip="The second answer is better"),
        Binding("equals_sign", "choose('=')", "Same", key_display="=", tooltip="No difference"),
        Binding("s", "skip", "Skip", tooltip="Say nothing about this pair"),
        Binding("escape", "app.pop_screen", "Done"),
    ]

    def __init__(
        self, run_id: str, model_id: str, calls: tuple[LoggedCall, ...], settings: Settings | None = None
    ) -> None:
        super().__init__()
        self._settings = settings or Settings()
        self._run_id = run_id
        self._model_id = model_id
        self._calls = calls
        self._questions: list[Question] = []
        self._done = 0
        self._place = 0
        self._unwritten: deque[tuple[Question, LabelChoice]] = deque()
        self._writing = threading.Lock()

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

    def _store(self) -> Database:
        return Database(database_path(), seals_for(self._settings, lasting=True))

    def _draw(self) -> None:
        with self._store() as store:
            found, done = questions(store, self._model_id, self._calls, self._run_id, WANTED, self._settings.privacy)
        self.app.call_from_thread(self._take, found, done)

    def _take(self, found: list[Question], done: int) -> None:
        if self.is_running:
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
        self._write()  # the last label may still be waiting
        with self._store() as store:
            check = stored_check(store, self._model_id)
        self.app.call_from_thread(self._show_sum, check)

    def _show_sum(self, check: LabelCheck | None) -> None:
        if not self.is_running:
            return
        for name in ("prompt", "first", "second"):
            self.query_one(f"#{name}", Static).update("")
        self.query_one("#progress", Static).update(Content(_summary(check, bool(self._questions))))

    def action_choose(self, choice: LabelChoice) -> None:
        """Keep a label and go on."""
        if self._place >= len(self._questions):
            return
        self._unwritten.append((self._questions[self._place], choice))
        self.app.run_worker(self._write, thread=True, name="keeping a label", group="labels", exit_on_error=False)
        self.action_skip()

    def _write(self) -> None:
        """Write the labels that wait; on any thread, one at a time."""
        with self._writing:
            while self._unwritten:
                with self._store() as store:
                    store.run(functools.partial(self._keep, store.seals))
                self._unwritten.popleft()

    def _keep(self, seals: Seals | None, connection: sqlite3.Connection) -> None:
        question, choice = self._unwritten[0]
        preference = question.preference(choice)
        labels.keep_label(connection, question.record_id, self._model_id, question.digest, preference, seals=seals)

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
