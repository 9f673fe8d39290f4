"""What a person does at the app, and what is then to be seen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, Static

from cqtui.tui import navigation
from cqtui.tui.app import CqtuiApp
from cqtui.tui.screens.dialogs import MessageDialog
from cqtui.tui.screens.result import ResultScreen
from cqtui.tui.screens.start import StartScreen
from cqtui.tui.workspace import Found
from tests.tui.stage import StagedApp, keep_recorded, recorded_result, settle, until


def app_of(pilot: Pilot[None]) -> CqtuiApp:
    assert isinstance(pilot.app, CqtuiApp)
    return pilot.app


@asynccontextmanager
async def staged(size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[None]]:
    """The app, empty; a test says what is shown."""
    async with StagedApp().run_test(size=size) as pilot:
        await settle(pilot)
        yield pilot


@asynccontextmanager
async def opened_by(key: str, app: CqtuiApp, kind: type[Screen[Any]]) -> AsyncIterator[Pilot[None]]:
    """The app at 80x24 with the screen that ``key`` opens from the start screen."""
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, StartScreen)
        await press(pilot, key)
        assert on_top(pilot, kind)
        yield pilot


def write_config(text: str) -> None:
    """Put a cqtui.toml into the working directory."""
    Path("cqtui.toml").write_text(text, encoding="utf-8")


def config_text() -> str:
    """The cqtui.toml of the working directory."""
    return Path("cqtui.toml").read_text(encoding="utf-8")


def remove_config() -> None:
    """Take the cqtui.toml away."""
    Path("cqtui.toml").unlink()


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys one after the other, each when all is done that the one before began."""
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def fill_in(pilot: Pilot[None], value: str) -> None:
    """Put a text into the dialog's field and take it."""
    pilot.app.screen.query_one(Input).value = value
    await press(pilot, "enter")


def seen(pilot: Pilot[None]) -> str:
    """The lines on the terminal."""
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())


def on_top(pilot: Pilot[None], kind: type[Screen[Any]]) -> bool:
    """Whether a screen of a kind is on top."""
    return isinstance(pilot.app.screen, kind)


def told(pilot: Pilot[None]) -> str:
    """The notices in the corner."""
    return "\n".join(notice.message for notice in pilot.app._notifications)


def text_of(pilot: Pilot[None], selector: str) -> str:
    """What a text on the top screen says."""
    return str(pilot.app.screen.query_one(selector, Static).content)


def message_of(pilot: Pilot[None]) -> str:
    """What the message on top says."""
    assert isinstance(pilot.app.screen, MessageDialog), pilot.app.screen
    return pilot.app.screen._text


def messages(pilot: Pilot[None]) -> int:
    """How many messages are open."""
    return sum(isinstance(screen, MessageDialog) for screen in pilot.app.screen_stack)


async def show_start(pilot: Pilot[None], found: Found) -> StartScreen:
    """Show the start screen."""
    navigation.show_found(app_of(pilot), found)
    screen: StartScreen = await until(pilot, StartScreen)
    await settle(pilot)
    return screen


async def show_result(pilot: Pilot[None], case: str = "verified", extra: Any = ()) -> ResultScreen:
    """Show a recorded result, with its run in the store."""
    keep_recorded(case, extra)
    navigation.show_result(app_of(pilot), recorded_result(case))
    screen: ResultScreen = await until(pilot, ResultScreen)
    await settle(pilot)
    return screen


class Clipboard:
    """Stands in the place of the terminal's clipboard; ``texts`` is what was copied."""

    def __init__(self, pilot: Pilot[None], monkeypatch: Any) -> None:
        self.texts: list[str] = []
        monkeypatch.setattr(pilot.app, "copy_to_clipboard", self.texts.append)
