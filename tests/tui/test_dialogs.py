"""Every dialog: its keys, its answers, and that Escape leaves it without one."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input, OptionList

from cqtui.errors import BadInputError
from cqtui.tui.screens.dialogs import (
    Answer,
    Choice,
    ChoiceDialog,
    Dialog,
    MessageDialog,
    QuestionDialog,
    SeveralDialog,
    ValueDialog,
    error_dialog,
)
from cqtui.tui.screens.help import HelpScreen
from cqtui.tui.screens.result import GatesDialog
from tests.tui.acting import fill_in, on_top, press, seen, staged
from tests.tui.stage import recorded_result, settle, show_run

OPEN = object()
THREE = [Choice("a", "apples", "green"), Choice("b", "berries", "red"), Choice("c", "cherries", "red too")]


def question() -> QuestionDialog:
    answers = [Answer("stay", "Stay", "g", is_first=True), Answer("go", "Go", "x"), Answer("wait", "Wait", "w")]
    return QuestionDialog("Go?", "It is late.", answers)


def value() -> ValueDialog:
    return ValueDialog("Name", "What it is called.", "old", lambda text: None if text else "It needs a name.")


async def answered(pilot: Pilot[None], dialog: Dialog[Any], *keys: str) -> Any:
    """What a dialog answers to some keys; OPEN where it stays."""
    answers: list[Any] = []
    pilot.app.push_screen(dialog, answers.append)
    await press(pilot, *keys)
    if pilot.app.screen is dialog:
        return OPEN
    assert len(answers) == 1
    return answers[0]


async def test_escape_leaves_every_dialog_without_an_answer() -> None:
    evidence = recorded_result("verified").evidence[0]
    async with staged() as pilot:
        screen, _ = await show_run(pilot, "verified", 400)
        dialogs: list[Dialog[Any]] = [
            MessageDialog("Title", "Text."),
            error_dialog(ValueError("odd")),
            question(),
            value(),
            ChoiceDialog("Fruit", "Which.", THREE),
            SeveralDialog("Fruit", "Which.", THREE, ["a"]),
            GatesDialog(evidence, "chosen"),
            HelpScreen(screen),
        ]
        kinds = {type(each) for each in dialogs}
        mine = {kind for kind in _kinds(Dialog) if kind.__module__ in {each.__module__ for each in kinds}}
        assert mine == kinds, "a dialog of these modules is missing here"
        for dialog in dialogs:
            assert await answered(pilot, dialog, "escape") is None
            assert pilot.app.screen is screen


def _kinds(base: type[Any]) -> set[type[Any]]:
    return {kind for each in base.__subclasses__() for kind in {each, *_kinds(each)}}


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_message_is_read_and_closed(size: tuple[int, int]) -> None:
    async with staged(size) as pilot:
        assert await answered(pilot, MessageDialog("Title", "Text."), "enter") is None
        dialog = MessageDialog("Title", "\n".join(f"line {number}" for number in range(200)))
        pilot.app.push_screen(dialog)
        await settle(pilot)
        assert "line 0" in seen(pilot)
        assert "Close (esc)" in seen(pilot), "the way out is in sight, however long the text"
        await press(pilot, "end", "pagedown", "end")
        assert "line 199" in seen(pilot), "all of it can be reached by keys"
        await pilot.click(Button)
        assert pilot.app.screen is not dialog


async def test_a_question_by_key_by_focus_and_by_mouse() -> None:
    async with staged() as pilot:
        for keys, answer in (
            (["g"], "stay"),
            (["x"], "go"),
            (["w"], "wait"),
            (["enter"], "stay"),
            (["tab", "enter"], "go"),
            (["tab", "tab", "enter"], "wait"),
            (["q"], OPEN),
        ):
            assert await answered(pilot, question(), *keys) == answer
        await press(pilot, "escape")
        answers: list[Any] = []
        pilot.app.push_screen(question(), answers.append)
        await settle(pilot)
        await pilot.click("#wait")
        assert answers == ["wait"]


async def test_a_value_is_checked() -> None:
    async with staged() as pilot:
        assert await answered(pilot, value(), "enter") == "old"
        answers: list[Any] = []
        pilot.app.push_screen(value(), answers.append)
        await settle(pilot)
        await fill_in(pilot, "   ")
        assert "It needs a name." in seen(pilot)
        assert not answers
        await fill_in(pilot, "  new ")
        assert answers == ["new"]


async def test_one_of_many() -> None:
    async with staged() as pilot:
        for keys, answer in (
            (["enter"], "b"),
            (["down", "enter"], "c"),
            (["up", "enter"], "a"),
            ([*"green", "enter"], "a"),
            ([*"red", "space", *"too", "enter"], "c"),
            ([*"none", "enter"], OPEN),
        ):
            assert await answered(pilot, ChoiceDialog("Fruit", "Which.", THREE, "b"), *keys) == answer
        await press(pilot, *["backspace"] * 4, "enter")
        assert not on_top(pilot, ChoiceDialog), "all are there again"


async def test_one_of_very_many_scrolls_with_the_keys() -> None:
    many = [Choice(str(number), f"model {number}") for number in range(300)]
    async with staged((80, 24)) as pilot:
        pilot.app.push_screen(ChoiceDialog("Model", "Which.", many))
        await press(pilot, "up")
        assert "model 299" in seen(pilot)
        assert "esc: leave it" in seen(pilot)
        assert pilot.app.screen.query_one(OptionList).highlighted == 299
        assert pilot.app.screen.query_one(Input).has_focus


async def test_any_of_several() -> None:
    async with staged() as pilot:
        for keys, answer in (
            (["enter"], ["b"]),
            (["space", "enter"], ["a", "b"]),
            (["down", "space", "down", "space", "enter"], ["c"]),
        ):
            assert await answered(pilot, SeveralDialog("Fruit", "Which.", THREE, ["b"]), *keys) == answer


async def test_an_error_of_ours_says_what_to_do_and_a_fault_says_so() -> None:
    async with staged() as pilot:
        pilot.app.push_screen(error_dialog(BadInputError("cqtui.toml:7: unknown key.", "Known here: usd.")))
        await settle(pilot)
        assert "Known here: usd." in seen(pilot)
        assert "fault" not in seen(pilot)
        pilot.app.push_screen(error_dialog(ValueError("odd [b]value")))
        await settle(pilot)
        assert "ValueError: odd [b]value" in seen(pilot)
        assert "This is a fault in cqtui" in seen(pilot)
