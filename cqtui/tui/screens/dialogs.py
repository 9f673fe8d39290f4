"""Small questions and messages over a screen. Escape leaves every one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, OptionList, SelectionList, Static
from textual.widgets.option_list import Option
from textual.widgets.selection_list import Selection

from cqtui.errors import CqtuiError
from cqtui.tui.inert import one_line, shown
from cqtui.tui.theme import MUTED

T = TypeVar("T")


class Dialog(ModalScreen[T], Generic[T]):
    """A box in the middle of the screen. Escape closes it without an answer."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Close")]

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = one_line(title)

    def action_leave(self) -> None:
        """Close without an answer."""
        self.dismiss(None)


class MessageDialog(Dialog[None]):
    """Something to be read."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "leave", "Close", show=False)]

    def __init__(self, title: str, text: str, *, is_error: bool = False) -> None:
        super().__init__(title)
        self._text = text
        self._is_error = is_error

    def compose(self) -> ComposeResult:
        """Title, text, one button."""
        with Vertical(classes="dialog -error" if self._is_error else "dialog"):
            yield Label(Content(self._title), classes="dialog-title")
            with VerticalScroll(classes="dialog-text"):
                yield Static(Content(shown(self._text)))
            with Horizontal(classes="dialog-buttons"):
                yield Button("Close (esc)", id="close", variant="primary")

    @on(Button.Pressed)
    def _close(self) -> None:
        self.dismiss(None)


def error_dialog(error: BaseException) -> MessageDialog:
    """What went wrong: in one line where it is an error for users, else that it is a fault of cqtui's."""
    if isinstance(error, CqtuiError):
        return MessageDialog("That did not work", str(error), is_error=True)
    text = (
        f"{type(error).__name__}: {error}\n\n"
        "This is a fault in cqtui, not in your input. What was paid for is kept. Please report it with this text."
    )
    return MessageDialog("Something went wrong inside cqtui", text, is_error=True)


@dataclass(frozen=True)
class Answer:
    """A way out of a question: its key, its words, and whether it is the careful one that has the focus first."""

    id: str
    words: str
    key: str
    is_first: bool = False


class QuestionDialog(Dialog[str]):
    """A question with a few answers; the result is the chosen one's id, None where there is none."""

    def __init__(self, title: str, text: str, answers: Sequence[Answer]) -> None:
        super().__init__(title)
        self._text = text
        self._answers = answers

    def compose(self) -> ComposeResult:
        """Title, text, a button for each answer."""
        with Vertical(classes="dialog"):
            yield Label(Content(self._title), classes="dialog-title")
            with VerticalScroll(classes="dialog-text"):
                yield Static(Content(shown(self._text)))
            with Horizontal(classes="dialog-buttons"):
                for answer in self._answers:
                    yield Button(
                        f"{answer.words} ({answer.key})",
                        id=answer.id,
                        variant="primary" if answer.is_first else "default",
                    )

    def on_mount(self) -> None:
        """Bind each answer's key; the careful answer has the focus."""
        for answer in self._answers:
            self._bindings.bind(answer.key, f"answer('{answer.id}')", answer.words)
            if answer.is_first:
                self.query_one(f"#{answer.id}").focus()

    def action_answer(self, chosen: str) -> None:
        """Answer by key."""
        self.dismiss(chosen)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id)


class ValueDialog(Dialog[str]):
    """Asks for one value; ``check`` gives a complaint in words, or None where the value is good."""

    def __init__(self, title: str, hint: str, value: str, check: Callable[[str], str | None]) -> None:
        super().__init__(title)
        self._hint = hint
        self._value = value
        self._check = check

    def compose(self) -> ComposeResult:
        """Title, hint, input, complaint."""
        with Vertical(classes="dialog"):
            yield Label(Content(self._title), classes="dialog-title")
            yield Static(Content(self._hint), classes="dialog-hint")
            yield Input(self._value, id="value")
            yield Static("", id="complaint", markup=False)
            yield Static(Content("enter: take it   esc: leave it as it is"), classes="dialog-keys")

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        complaint = self._check(event.value.strip())
        if complaint is None:
            self.dismiss(event.value.strip())
        else:
            self.query_one("#complaint", Static).update(Content(shown(complaint)))


@dataclass(frozen=True)
class Choice:
    """One of several values: what is taken, what is shown, and a remark beside it."""

    value: str
    words: str
    remark: str = ""


class ChoiceDialog(Dialog[str]):
    """One of many; typing narrows the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "down", "Next", show=False, priority=True),
        Binding("up", "up", "Before", show=False, priority=True),
    ]

    def __init__(self, title: str, hint: str, choices: Sequence[Choice], current: str | None = None) -> None:
        super().__init__(title)
        self._hint = hint
        self._choices = choices
        self._current = current

    def compose(self) -> ComposeResult:
        """Title, hint, filter, list."""
        with Vertical(classes="dialog -tall"):
            yield Label(Content(self._title), classes="dialog-title")
            yield Static(Content(self._hint), classes="dialog-hint")
            yield Input(placeholder="type to narrow", id="filter")
            yield OptionList(id="choices", markup=False)
            yield Static(Content("up, down, enter: take it   esc: leave it as it is"), classes="dialog-keys")

    def on_mount(self) -> None:
        """Show all; type at once."""
        self._narrow("")
        self.query_one(Input).focus()

    def _narrow(self, text: str) -> None:
        wanted = text.casefold().split()
        found = [c for c in self._choices if all(word in f"{c.words} {c.remark}".casefold() for word in wanted)]
        options = self.query_one(OptionList)
        options.clear_options()
        for choice in found:
            mark = "● " if choice.value == self._current else "  "
            words = Content.assemble(mark, one_line(choice.words), ("   " + one_line(choice.remark), MUTED))
            options.add_option(Option(words, id=f"c{self._choices.index(choice)}"))
        current = next((n for n, choice in enumerate(found) if choice.value == self._current), 0)
        options.highlighted = current if found else None

    def action_down(self) -> None:
        """Move down the list while typing."""
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        """Move up the list while typing."""
        self.query_one(OptionList).action_cursor_up()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._narrow(event.value)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.query_one(OptionList).action_select()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[int((event.option.id or "c0")[1:])].value)


class SeveralDialog(Dialog[list[str]]):
    """Any of several; space switches one, enter takes them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "take", "Take them", priority=True)]

    def __init__(self, title: str, hint: str, choices: Sequence[Choice], chosen: Sequence[str]) -> None:
        super().__init__(title)
        self._hint = hint
        self._choices = choices
        self._chosen = set(chosen)

    def compose(self) -> ComposeResult:
        """Title, hint, list."""
        with Vertical(classes="dialog"):
            yield Label(Content(self._title), classes="dialog-title")
            yield Static(Content(self._hint), classes="dialog-hint")
            yield SelectionList[str](
                *[
                    Selection(Content(one_line(f"{c.words}  {c.remark}")), c.value, c.value in self._chosen)
                    for c in self._choices
                ]
            )
            yield Static(Content("space: on or off   enter: take them   esc: leave it"), classes="dialog-keys")

    def action_take(self) -> None:
        """Answer with what is on, in the list's order."""
        chosen = set(self.query_one(SelectionList).selected)
        self.dismiss([choice.value for choice in self._choices if choice.value in chosen])
