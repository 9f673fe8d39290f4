"""Draws the README's pictures from the app itself, on recorded runs: ``make pictures``."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from cqtui.tui import navigation
from cqtui.tui.screens.result import ResultScreen
from cqtui.tui.screens.samples import SampleScreen
from cqtui.tui.screens.start import StartScreen
from tests.tui.stage import StagedApp, found_example, keep_recorded, settle, show_run, until

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
SIZE = (120, 36)


async def _start(pilot: Pilot[None]) -> None:
    await settle(pilot)
    navigation.show_found(_app(pilot), found_example())
    await until(pilot, StartScreen)


async def _run(pilot: Pilot[None]) -> None:
    await show_run(pilot, "verified", 700)


async def _result(pilot: Pilot[None]) -> None:
    await settle(pilot)
    navigation.show_result(_app(pilot), keep_recorded("verified"))
    await until(pilot, ResultScreen)


async def _sample(pilot: Pilot[None]) -> None:
    await _result(pilot)
    await pilot.press("4")
    await settle(pilot)
    await pilot.press("down", "enter")
    await until(pilot, SampleScreen)


def _app(pilot: Pilot[None]) -> StagedApp:
    assert isinstance(pilot.app, StagedApp)
    return pilot.app


SCENES: dict[str, Callable[[Pilot[None]], Awaitable[None]]] = {
    "start": _start,
    "run": _run,
    "result": _result,
    "sample": _sample,
}


async def drawn(name: str) -> str:
    """A scene as SVG; the working directory must be one that a store may be written to."""
    app = StagedApp()
    async with app.run_test(size=SIZE) as pilot:
        await SCENES[name](pilot)
        await settle(pilot)
        return app.export_screenshot(title=f"cqtui: {name}")


def main() -> None:
    """Write all pictures."""
    os.environ.update(TZ="UTC", TEXTUAL_ANIMATIONS="none", COLORTERM="truecolor")
    os.environ.pop("NO_COLOR", None)
    time.tzset()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in SCENES:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            (FOLDER / f"{name}.svg").write_text(asyncio.run(drawn(name)), encoding="utf-8")
        print(f"docs/pictures/{name}.svg")


if __name__ == "__main__":
    main()
