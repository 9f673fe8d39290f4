"""The first questions: to a cqtui.toml that is written, back, and what is wrong on the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from cqtui.importers.paths import SUFFIXES
from cqtui.settings import load_settings
from cqtui.tui import navigation
from cqtui.tui.screens.dialogs import ValueDialog
from cqtui.tui.screens.setup import SetupScreen, newest_files
from cqtui.tui.screens.start import StartScreen
from tests.fakes import write_log
from tests.tui.acting import app_of, fill_in, message_of, on_top, press, seen, staged, text_of
from tests.tui.stage import settle, until


async def set_up(pilot: Pilot[None]) -> SetupScreen:
    navigation.show_setup(app_of(pilot))
    screen: SetupScreen = await until(pilot, SetupScreen)
    await settle(pilot)
    return screen


def asked(pilot: Pilot[None]) -> str:
    """Which question is asked."""
    return str(pilot.app.screen.query_one("#question-panel").border_title)


async def choose(pilot: Pilot[None], words: str) -> None:
    """Choose the answer that begins with some words."""
    options = pilot.app.screen.query_one("#options", OptionList)
    options.highlighted = next(n for n, each in enumerate(options.options) if str(each.prompt).startswith(words))
    await press(pilot, "enter")


async def to_the_last_question(pilot: Pilot[None]) -> SetupScreen:
    write_log(Path("log.jsonl"), 30)
    screen = await set_up(pilot)
    await press(pilot, "enter", "enter")
    await choose(pilot, "support")
    assert asked(pilot) == "3 of 3: who answers"
    return screen


@pytest.mark.parametrize("answer", ["rehearsal", "hosted Portkey", "another gateway", "local"])
async def test_three_answers_and_cqtui_toml_is_written(answer: str) -> None:
    async with staged() as pilot:
        screen = await to_the_last_question(pilot)
        await choose(pilot, answer)
        if answer == "another gateway":
            assert on_top(pilot, ValueDialog)
            await press(pilot, "escape")
            assert pilot.app.screen is screen
            assert not Path("cqtui.toml").exists()
            await choose(pilot, answer)
            await fill_in(pilot, "localhost:8787")
            assert "begins with http://" in seen(pilot)
            await fill_in(pilot, "http://localhost:8788/v1")
        if answer == "local" and not on_top(pilot, StartScreen):
            return
        start = await until(pilot, StartScreen)
        settings = load_settings(None)
        assert settings.current_model == "openai/gpt-5.6-terra"
        assert settings.use_case == "support"
        assert settings.logs == ("log.jsonl",)
        assert settings.gateway.base_url == ("http://localhost:8788/v1" if answer == "another gateway" else None)
        assert start.found.settings.provider == (answer if answer in ("rehearsal", "local") else "portkey")
        assert len(start.found.log.read.calls) == 30
        assert not any(isinstance(each, SetupScreen) for each in pilot.app.screen_stack)


async def test_escape_goes_back_one_question() -> None:
    async with staged() as pilot:
        screen = await to_the_last_question(pilot)
        for question in ("2 of 3: the use case", "2 of 3: the model in use", "1 of 3: your log", "1 of 3: your log"):
            await press(pilot, "escape")
            assert asked(pilot) == question
        await press(pilot, "enter")
        assert asked(pilot) == "2 of 3: the model in use"
        assert "30 calls" in text_of(pilot, "#question")
        assert pilot.app.screen is screen


async def test_a_log_that_is_chosen_twice_is_asked_about_once() -> None:
    async with staged() as pilot:
        write_log(Path("log.jsonl"), 30)
        await set_up(pilot)
        await pilot.press("enter", "enter", "enter")
        await settle(pilot)
        await press(pilot, "escape", "escape", "escape")
        assert asked(pilot) == "1 of 3: your log"


async def test_a_path_is_typed() -> None:
    async with staged() as pilot:
        folder = Path("deep/down/there")
        folder.mkdir(parents=True)
        write_log(folder / "calls.jsonl", 20)
        screen = await set_up(pilot)
        assert "No file here looks like a log." in text_of(pilot, "#question")
        await choose(pilot, "another path")
        for value, complaint in (
            ("", "Type a path"),
            ("deep/up", "no such file or folder"),
            ("~nobody-of-that-name/log.jsonl", "no such user"),
            ("n" * 300, "too long"),
        ):
            await fill_in(pilot, value)
            assert complaint in seen(pilot)
        await press(pilot, "escape")
        assert pilot.app.screen is screen
        await choose(pilot, "another path")
        await fill_in(pilot, "deep/down/there")
        assert asked(pilot) == "2 of 3: the model in use"
        assert "20 calls" in text_of(pilot, "#question")
        await press(pilot, "enter", "enter")
        await choose(pilot, "rehearsal")
        await until(pilot, StartScreen)
        assert load_settings(None).logs == ("deep/down/there",)


async def test_a_pattern_is_typed() -> None:
    async with staged((80, 24)) as pilot:
        for number in range(2):
            folder = Path(f"logs/{number}/deep")
            folder.mkdir(parents=True)
            write_log(folder / "calls.jsonl", 20, model=f"gpt-5.6-{'terra' if number else 'luna'}")
            write_log(folder / "calls.ndjson", 5, model="gpt-5.6-sol")
        screen = await set_up(pilot)
        await choose(pilot, "another path")
        for word in ("pattern", *SUFFIXES):
            assert word in seen(pilot)
        await fill_in(pilot, "logs/**/*.jsonk")
        assert 'Nothing matches "logs/**/*.jsonk".' in message_of(pilot)
        await press(pilot, "escape")
        assert pilot.app.screen is screen
        await choose(pilot, "another path")
        await fill_in(pilot, "logs/**/*.jsonl")
        assert "40 calls from 2 files" in text_of(pilot, "#question")
        await press(pilot, "enter", "enter")
        await choose(pilot, "rehearsal")
        start = await until(pilot, StartScreen)
        assert load_settings(None).logs == ("logs/**/*.jsonl",)
        assert start.found.log.read.total_calls == 40


async def test_a_folder_whose_name_looks_like_a_pattern_is_typed() -> None:
    async with staged() as pilot:
        folder = Path("deep/down/logs [x]")
        folder.mkdir(parents=True)
        write_log(folder / "calls.jsonl", 20)
        await set_up(pilot)
        await choose(pilot, "another path")
        await fill_in(pilot, str(folder))
        assert "20 calls" in text_of(pilot, "#question")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"This is no log.\nNot at all.\n", "log.jsonl"),
        (b"", "log.jsonl"),
        (b"\x00\xff\xfe\x00" * 20, "log.jsonl"),
        (b'{"id": "a", "model": "gpt-5.6-terra", "messages": [{"role": "user", "content": "hi"}]}\n', "answer"),
    ],
    ids=["prose", "empty", "binary", "no-answers"],
)
async def test_a_file_that_is_no_log(content: bytes, words: str) -> None:
    async with staged() as pilot:
        Path("log.jsonl").write_bytes(content)
        screen = await set_up(pilot)
        await press(pilot, "enter")
        assert words in message_of(pilot)
        await press(pilot, "escape")
        assert pilot.app.screen is screen
        assert asked(pilot) == "1 of 3: your log"
        assert not Path("cqtui.toml").exists()


async def test_a_log_that_vanishes_is_said() -> None:
    async with staged() as pilot:
        write_log(Path("log.jsonl"), 30)
        screen = await set_up(pilot)
        Path("log.jsonl").unlink()
        await press(pilot, "enter")
        assert "log.jsonl" in message_of(pilot)
        await press(pilot, "escape")
        assert pilot.app.screen is screen


async def test_what_is_there_already_is_never_overwritten() -> None:
    async with staged() as pilot:
        screen = await to_the_last_question(pilot)
        Path("cqtui.toml").write_text("# mine\n")
        await choose(pilot, "rehearsal")
        assert "is there already" in message_of(pilot)
        await press(pilot, "escape")
        assert pilot.app.screen is screen
        assert Path("cqtui.toml").read_text() == "# mine\n"


async def test_a_folder_that_cannot_be_written_is_said() -> None:
    async with staged() as pilot:
        await to_the_last_question(pilot)
        Path("cqtui.toml").symlink_to("missing/folder/cqtui.toml")
        await choose(pilot, "rehearsal")
        assert "cqtui.toml" in message_of(pilot)


async def test_the_example_by_key_and_as_an_answer() -> None:
    async with staged() as pilot:
        await set_up(pilot)
        await press(pilot, "o")
        start = await until(pilot, StartScreen)
        assert start.found.choices.is_example
        await set_up(pilot)
        await choose(pilot, "the bundled example")
        start = await until(pilot, StartScreen)
        assert start.found.choices.is_example
        assert not Path("cqtui.toml").exists()


def test_files_that_may_be_logs() -> None:
    for name in ("a.jsonl", "logs/b.json", "logs/deep/c.jsonl", ".hidden.jsonl", ".git/d.jsonl", "e.txt", "f.db"):
        file = Path(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}")
    Path("requirements.txt").write_text("click\n")
    Path("app.db").write_bytes(b"\0\1\2")
    Path("gone.jsonl").symlink_to("nowhere.jsonl")
    os.mkfifo("pipe.jsonl")
    wanted = {"a.jsonl", "logs/b.json", "logs/deep/c.jsonl", "e.txt", "f.db"}
    assert {file.as_posix() for file in newest_files(Path())} == wanted
