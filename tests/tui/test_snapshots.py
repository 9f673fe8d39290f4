"""What every screen looks like, in its main states and in two sizes. Look at the pictures before you accept them.

``python -m pytest tests/tui/test_snapshots.py --snapshot-update`` writes them anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from cqtui.engine.variety import Variety
from cqtui.errors import BadInputError
from cqtui.importers import Progress
from cqtui.tui import navigation
from cqtui.tui.app import CqtuiApp
from cqtui.tui.screens.dialogs import error_dialog
from cqtui.tui.screens.label import LabelScreen
from cqtui.tui.screens.reading import ReadingDialog
from cqtui.tui.screens.result import ResultScreen
from cqtui.tui.screens.samples import SampleScreen
from cqtui.tui.screens.setup import SetupScreen
from cqtui.tui.screens.start import StartScreen
from cqtui.tui.workspace import Choices
from tests.tui.stage import SIZES, StagedApp, found_example, keep_recorded, recorded_result, settle, show_run, until

Compare = Callable[..., bool]
Scene = Callable[[Pilot[None]], Awaitable[None]]
both_sizes = pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x40"])


def app_of(pilot: Pilot[None]) -> CqtuiApp:
    assert isinstance(pilot.app, CqtuiApp)
    return pilot.app


def looks_right(compare: Compare, scene: Scene, size: tuple[int, int]) -> bool:
    return compare(StagedApp(), terminal_size=size, run_before=scene)


async def start(pilot: Pilot[None], **session: Any) -> None:
    app = app_of(pilot)
    await settle(pilot)
    navigation.show_found(app, found_example(**session))
    await until(pilot, StartScreen)
    await settle(pilot)


async def result(pilot: Pilot[None], case: str, *keys: str) -> None:
    await settle(pilot)
    keep_recorded(case)
    navigation.show_result(app_of(pilot), recorded_result(case))
    await until(pilot, ResultScreen)
    for key in keys:
        await pilot.press(key)
        await settle(pilot)
    await settle(pilot)


@both_sizes
def test_start(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert looks_right(snap_compare, start, size)


@both_sizes
def test_start_without_a_key(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        await start(pilot, provider="portkey")
        await pilot.press("s")
        await settle(pilot)

    assert looks_right(snap_compare, scene, size)


@both_sizes
def test_start_before_a_paid_run(snap_compare: Compare, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTKEY_API_KEY", "pk-test")

    async def scene(pilot: Pilot[None]) -> None:
        await start(pilot, provider="portkey")
        await pilot.press("s")
        await settle(pilot)

    assert looks_right(snap_compare, scene, size)


@both_sizes
@pytest.mark.parametrize("row", [0, 2, 4, 8], ids=["model", "provider", "budget", "judge"])
def test_start_edit(snap_compare: Compare, size: tuple[int, int], row: int) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        await start(pilot)
        await pilot.press(*["down"] * row, "enter")
        await settle(pilot)

    assert looks_right(snap_compare, scene, size)


async def reading(pilot: Pilot[None]) -> None:
    await start(pilot)
    progress = Progress(bytes_read=585_400_000, bytes_total=1_098_600_000, files=("log.jsonl",))
    pilot.app.push_screen(ReadingDialog(progress, lambda: 11.4, lambda: None))
    await settle(pilot)


@both_sizes
def test_reading(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert looks_right(snap_compare, reading, size)


def test_reading_without_colours(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert looks_right(snap_compare, reading, (80, 24))


@both_sizes
def test_start_with_a_large_log(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        await settle(pilot)
        found = found_example()
        read = replace(found.log.read, counts={"native": 1_000_000}, left_out=990_080, calls=found.log.calls * 62)
        plan = replace(found.plan, variety=Variety(400, 340, 312))
        navigation.show_found(app_of(pilot), replace(found, log=replace(found.log, read=read), plan=plan))
        await until(pilot, StartScreen)
        await settle(pilot)

    assert looks_right(snap_compare, scene, size)


@both_sizes
def test_setup(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        await settle(pilot)
        navigation.show_setup(app_of(pilot), Choices())
        await until(pilot, SetupScreen)
        await settle(pilot)

    assert looks_right(snap_compare, scene, size)


@both_sizes
@pytest.mark.parametrize(
    ("case", "count"),
    [("verified", 0), ("verified", 400), ("keep", None), ("rehearsal", 150)],
    ids=["empty", "running", "stopped", "rehearsal"],
)
def test_run(snap_compare: Compare, size: tuple[int, int], case: str, count: int | None) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        await show_run(pilot, case, count)

    assert looks_right(snap_compare, scene, size)


def test_run_plot_where_there_is_no_room_for_both(snap_compare: Compare) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        screen, _ = await show_run(pilot, "verified", 400)
        await pilot.press("p")
        await settle(pilot)
        screen.paint_plot()
        await settle(pilot)

    assert looks_right(snap_compare, scene, (80, 24))


@both_sizes
def test_run_asks_before_it_stops(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        await show_run(pilot, "verified", 400)
        await pilot.press("c")
        await settle(pilot)

    assert looks_right(snap_compare, scene, size)


@both_sizes
def test_run_asks_before_quitting(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        await show_run(pilot, "verified", 400)
        await pilot.press("q")
        await settle(pilot)

    assert looks_right(snap_compare, scene, size)


@both_sizes
@pytest.mark.parametrize("case", ["verified", "keep", "inconclusive", "forced", "rehearsal"])
def test_result(snap_compare: Compare, size: tuple[int, int], case: str) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        await result(pilot, case)

    assert looks_right(snap_compare, scene, size)


@both_sizes
@pytest.mark.parametrize("tab", range(2, 8), ids=["candidates", "plot", "samples", "guardrails", "report", "events"])
def test_result_tab(snap_compare: Compare, size: tuple[int, int], tab: int) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        await result(pilot, "verified", str(tab))

    assert looks_right(snap_compare, scene, size)


@both_sizes
def test_rules_of_a_candidate(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        await result(pilot, "verified", "2", "down", "enter")

    assert looks_right(snap_compare, scene, size)


@both_sizes
def test_export(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        await result(pilot, "verified", "e")

    assert looks_right(snap_compare, scene, size)


@both_sizes
def test_sample(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        await result(pilot, "verified", "4", "down", "enter")
        await until(pilot, SampleScreen)
        await settle(pilot)

    assert looks_right(snap_compare, scene, size)


@both_sizes
def test_label(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        await settle(pilot)
        keep_recorded("verified")
        app = app_of(pilot)
        app.push_screen(LabelScreen("3f2a90c1d4e5", "openai/gpt-6.1-terra", ()))
        await until(pilot, LabelScreen)
        await settle(pilot)

    assert looks_right(snap_compare, scene, size)


@both_sizes
def test_help(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        await show_run(pilot, "verified", 400)
        await pilot.press("question_mark")
        await settle(pilot)

    assert looks_right(snap_compare, scene, size)


@both_sizes
@pytest.mark.parametrize("is_ours", [True, False], ids=["input", "fault"])
def test_error(snap_compare: Compare, size: tuple[int, int], is_ours: bool) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        await start(pilot)
        error = (
            BadInputError("cqtui.toml:7: unknown key.", "Known here: usd.") if is_ours else ValueError("odd [b]value")
        )
        pilot.app.push_screen(error_dialog(error))
        await settle(pilot)

    assert looks_right(snap_compare, scene, size)


@pytest.mark.parametrize("size", [(60, 24), (80, 20)], ids=["narrow", "flat"])
def test_too_small(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        await show_run(pilot, "verified", 400)

    assert looks_right(snap_compare, scene, size)


@pytest.mark.parametrize("theme", ["cqtui-light", "cqtui-high-contrast", "ansi-dark"])
def test_themes(snap_compare: Compare, theme: str) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        pilot.app.theme = theme
        await show_run(pilot, "verified", 400)

    assert looks_right(snap_compare, scene, (120, 40))


def test_without_colours(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def scene(pilot: Pilot[None]) -> None:
        await show_run(pilot, "verified", 400)

    assert looks_right(snap_compare, scene, (120, 40))
