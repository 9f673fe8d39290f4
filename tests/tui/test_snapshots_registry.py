"""What the screens of past runs, models and profiles look like, empty and full, in both sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from cqtui.tui import navigation
from cqtui.tui.screens.history import HistoryScreen
from cqtui.tui.screens.models import ModelsScreen
from cqtui.tui.screens.profiles import ProfilesScreen
from cqtui.tui.workspace import Choices, look
from tests.fakes import pairs, write_log
from tests.results import recommendation
from tests.tui.stage import AS_OF, found_example, settle, until
from tests.tui.test_history_screen import keep
from tests.tui.test_snapshots import Compare, app_of, both_sizes, looks_right

CONFIG = """current_model = "gpt-5.6-terra"
logs = ["log.jsonl"]

[profiles.strict.thresholds]
max_quality_drop_percent = 2.0

[profiles.nightly]
use_case = "support"
budget = { usd = 5 }
"""


async def history(pilot: Pilot[None]) -> None:
    await settle(pilot)
    navigation.show_history(app_of(pilot))
    await until(pilot, HistoryScreen)
    await settle(pilot)


def keep_three_runs() -> None:
    for number in range(3):
        keep(recommendation(pairs(400, drop=1.0, saving=0.3 + 0.1 * number), run_id=f"aaa{number}"), number)


@both_sizes
def test_history_without_a_run(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert looks_right(snap_compare, history, size)


@both_sizes
def test_history(snap_compare: Compare, size: tuple[int, int]) -> None:
    keep_three_runs()
    assert looks_right(snap_compare, history, size)


@both_sizes
def test_two_runs_compared(snap_compare: Compare, size: tuple[int, int]) -> None:
    keep_three_runs()

    async def scene(pilot: Pilot[None]) -> None:
        await history(pilot)
        await pilot.press("space", "down", "space", "c")
        await settle(pilot)

    assert looks_right(snap_compare, scene, size)


@both_sizes
@pytest.mark.parametrize("keys", [(), ("down", "enter")], ids=["list", "one"])
def test_models(snap_compare: Compare, size: tuple[int, int], keys: tuple[str, ...]) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        await settle(pilot)
        app = app_of(pilot)
        app.found = found_example()
        navigation.show_models(app)
        await until(pilot, ModelsScreen)
        await settle(pilot)
        await pilot.press(*keys)
        await settle(pilot)

    assert looks_right(snap_compare, scene, size)


@both_sizes
@pytest.mark.parametrize("has_profiles", [True, False], ids=["two", "none"])
def test_profiles(snap_compare: Compare, size: tuple[int, int], has_profiles: bool) -> None:
    async def scene(pilot: Pilot[None]) -> None:
        await settle(pilot)
        write_log(Path("log.jsonl"), 12)
        Path("cqtui.toml").write_text(CONFIG if has_profiles else CONFIG.partition("\n\n")[0], encoding="utf-8")
        app = app_of(pilot)
        app.found = look(Choices(session={"provider": "rehearsal", "as_of": AS_OF}))
        navigation.show_profiles(app)
        await until(pilot, ProfilesScreen)
        await settle(pilot)

    assert looks_right(snap_compare, scene, size)
