"""The profiles of cqtui.toml on their screen: every key of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from cqtui.settings import profile_names
from cqtui.tui import navigation
from cqtui.tui.app import CqtuiApp
from cqtui.tui.profile_words import ProfileRow, change_lines, name_complaint, read_profiles, value_words
from cqtui.tui.screens import edits
from cqtui.tui.screens.dialogs import MessageDialog, ValueDialog
from cqtui.tui.screens.profiles import ProfilesScreen
from cqtui.tui.screens.start import StartScreen
from cqtui.tui.widgets.rows_view import RowsView
from tests.fakes import write_log
from tests.tui.acting import config_text, opened_by, remove_config, write_config
from tests.tui.stage import settle

CONFIG = """# my settings
current_model = "gpt-5.6-terra"
logs = ["log.jsonl"]

[profiles.strict.thresholds]
max_quality_drop_percent = 2.0
[profiles.strict.constraints]
blocked_providers = ["[/x]\\u001b[31mevil", "other"]

[profiles.same]

[profiles."[red]x[/foo]\\u001b[31m\\u202e"]
use_case = "coding"
"""
HOSTILE = "[red]x[/foo]\x1b[31m\u202e"


@pytest.fixture(autouse=True)
def _config() -> None:
    write_log(Path("log.jsonl"), 30)
    write_config(CONFIG)


@asynccontextmanager
async def profiles(*, example: bool = False) -> AsyncIterator[tuple[CqtuiApp, Pilot[None]]]:
    app = CqtuiApp(example=example)
    async with opened_by("f", app, ProfilesScreen) as pilot:
        yield app, pilot


def rows(app: CqtuiApp) -> list[str | None]:
    return [row.name for row in app.screen.query_one("#profiles", RowsView).rows]


def lines(app: CqtuiApp) -> list[str]:
    view = app.screen.query_one("#profiles", RowsView)
    return [view.render_line(y).text for y in range(view.size.height)]


def changes(app: CqtuiApp) -> str:
    return str(app.screen.query_one("#changes", Static).content)


def profile_in_use(app: CqtuiApp) -> str | None:
    assert app.found is not None
    return app.found.choices.profile


async def test_the_base_and_each_profile_are_listed_with_what_they_change() -> None:
    async with profiles() as (app, pilot):
        assert rows(app) == [None, "strict", "same", HOSTILE]
        assert lines(app)[1].startswith("in use  base")
        assert "Every profile is laid over it" in changes(app)
        await pilot.press("down")
        await pilot.pause()
        assert "thresholds.max_quality_drop_percent: 5 → 2" in changes(app)
        assert profile_in_use(app) is None  # moving uses nothing
        await pilot.press("down")
        await pilot.pause()
        assert "the same as the base" in changes(app)
        await pilot.press("escape")
        assert isinstance(app.screen, StartScreen)


async def test_enter_uses_a_profile_and_edits_go_into_it() -> None:
    async with profiles() as (app, pilot):
        await pilot.press("down", "enter")
        await settle(pilot)
        assert profile_in_use(app) == "strict"
        assert app.found is not None
        assert app.found.settings.thresholds.max_quality_drop_percent == 2
        assert lines(app)[2].startswith("in use  strict")
        await pilot.press("enter")  # in use already
        await settle(pilot)
        assert profile_in_use(app) == "strict"
        edits.change(app, app.found, {"budget.usd": 3})
        await settle(pilot)
        row = next(row for row in read_profiles(None) if row.name == "strict")
        assert [change.key for change in row.changes if change.key.startswith("budget")] == ["budget.usd"]
        await pilot.press("home", "enter")
        await settle(pilot)
        assert profile_in_use(app) is None


async def test_a_profile_that_cannot_be_planned_leaves_the_old_one_in_use() -> None:
    write_config(CONFIG + '[profiles.lost]\ncurrent_model = "no-such"\n')
    async with profiles() as (app, pilot):
        await pilot.press("end", "enter")
        await settle(pilot)
        assert isinstance(app.screen, MessageDialog)
        await pilot.press("escape")
        assert isinstance(app.screen, ProfilesScreen)
        assert profile_in_use(app) is None
        assert lines(app)[1].startswith("in use")


async def test_n_makes_a_profile_and_uses_it() -> None:
    async with profiles() as (app, pilot):
        await pilot.press("n")
        assert isinstance(app.screen, ValueDialog)
        for wrong in ("", "two words", "strict", "Base", "x" * 41, "[red]", "a.b"):
            app.screen.query_one(Input).value = wrong
            await pilot.press("enter")
            assert isinstance(app.screen, ValueDialog)
            assert str(app.screen.query_one("#complaint", Static).content)
        app.screen.query_one(Input).value = "night-1"
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, ProfilesScreen)
        assert profile_names(None) == ("strict", "same", HOSTILE, "night-1")
        assert rows(app)[-1] == "night-1"
        assert profile_in_use(app) == "night-1"
        assert lines(app)[5].startswith("in use  night-1")
        assert config_text().startswith(CONFIG)


async def test_leaving_the_name_makes_nothing() -> None:
    async with profiles() as (app, pilot):
        await pilot.press("n", *"night", "escape")
        await settle(pilot)
        assert isinstance(app.screen, ProfilesScreen)
        assert config_text() == CONFIG


async def test_the_example_gets_no_profile() -> None:
    async with profiles(example=True) as (app, pilot):
        await pilot.press("n")
        assert isinstance(app.screen, MessageDialog)
        await pilot.press("escape")
        assert rows(app) == [None]


async def test_without_a_configuration_it_says_what_to_do() -> None:
    remove_config()
    app = CqtuiApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        navigation.show_profiles(app)
        await settle(pilot)
        assert rows(app) == []
        assert "Set one up first" in changes(app)
        await pilot.press("enter", "n")
        assert isinstance(app.screen, MessageDialog)
        await pilot.press("escape", "escape")
        assert not isinstance(app.screen, ProfilesScreen)
        assert profile_names(None) == ()


async def test_a_file_that_breaks_meanwhile_is_told_in_a_dialog() -> None:
    app = CqtuiApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        write_config("budget = [")
        await pilot.press("f")
        await settle(pilot)
        assert isinstance(app.screen, MessageDialog)
        await pilot.press("escape")
        assert "cannot be read" in changes(app)


async def test_hostile_names_stay_text() -> None:
    async with profiles() as (app, pilot):
        await pilot.press("down")
        await pilot.pause()
        assert "[/x]" in changes(app)
        await pilot.press("end", "enter")
        await settle(pilot)
        assert profile_in_use(app) == HOSTILE
        assert "[red]x[/foo]" in lines(app)[4]
        assert not set("\x1b\u202e") & set("".join((*lines(app), changes(app), app.export_screenshot())))


@pytest.mark.parametrize("name", ["History", "Models", "Profiles"])
async def test_the_command_palette_leads_to_each_screen_once(name: str) -> None:
    app = CqtuiApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        command = next(each for each in app.get_system_commands(app.screen) if each.title == name)
        command.callback()
        command.callback()
        await settle(pilot)
        assert type(app.screen).__name__ == f"{name}Screen"
        await pilot.press("question_mark")
        await pilot.press("escape", "escape")
        assert isinstance(app.screen, StartScreen)


def test_values_in_words() -> None:
    given = (None, True, 2.50, ("a", "b"), (), {"id": "x", "on": False})
    assert [value_words(each) for each in given] == ["not set", "yes", "2.5", "a, b", "none", "{id: x, on: no}"]


def test_a_profile_like_the_base_changes_nothing() -> None:
    assert "Nothing" in change_lines(ProfileRow("same"))[0]
    assert name_complaint("fine_1", ["other"]) is None
