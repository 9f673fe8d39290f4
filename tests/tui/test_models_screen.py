"""The registry on its screen: every key of it, and the edit of the user's overlay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input, Static

from cqtui.models import ModelEntry, Price
from cqtui.registry.loader import load_registry
from cqtui.settings import load_settings
from cqtui.tui import model_words as words
from cqtui.tui import navigation, overlay_edits
from cqtui.tui.app import CqtuiApp
from cqtui.tui.screens.dialogs import ChoiceDialog, MessageDialog, ValueDialog
from cqtui.tui.screens.models import ModelsScreen
from cqtui.tui.screens.start import StartScreen
from cqtui.tui.widgets.rows_view import RowsView
from cqtui.tui.workspace import Found
from tests.fakes import model_entry, write_log
from tests.tui.acting import config_text, opened_by, remove_config, write_config
from tests.tui.stage import settle

TODAY = date(2026, 11, 25)
HOSTILE = "acme/[red]x[/foo]\\u001b[31m\\u202e"
CONFIG = """# my settings
current_model = "gpt-5.6-terra"
logs = ["log.jsonl"]

[[models]]
id = "acme/none"  # no price is known

[[models]]
id = "acme/old"
price = { input = 1.0, output = 2.0, batch_input = 3.0 }
deprecated = 2020-01-01
"""


@pytest.fixture(autouse=True)
def _config() -> None:
    write_log(Path("log.jsonl"), 30)
    write_config(CONFIG)


@asynccontextmanager
async def models(*, example: bool = False, profile: str | None = None) -> AsyncIterator[Pilot[None]]:
    app = CqtuiApp(example=example, profile=profile)
    async with opened_by("m", app, ModelsScreen) as pilot:
        yield pilot


def found_of(pilot: Pilot[None]) -> Found:
    assert isinstance(pilot.app, CqtuiApp)
    assert pilot.app.found is not None
    return pilot.app.found


def rows(pilot: Pilot[None]) -> list[str]:
    return [entry.id for entry in pilot.app.screen.query_one("#models", RowsView).rows]


def text(screen: Widget, selector: str) -> str:
    return str(screen.query_one(selector, Static).content)


def lines(pilot: Pilot[None]) -> list[str]:
    view = pilot.app.screen.query_one("#models", RowsView)
    return [view.render_line(y).text for y in range(view.size.height)]


async def search(pilot: Pilot[None], wanted: str) -> None:
    await pilot.press("slash")
    pilot.app.screen.query_one(Input).value = wanted
    await pilot.press("enter")
    await pilot.pause()


async def choose(pilot: Pilot[None], field: str) -> None:
    """Open the edit of the selected model's field."""
    await pilot.press("e")
    assert isinstance(pilot.app.screen, ChoiceDialog)
    await pilot.press(*field.replace(" ", "_").split("_")[-1], "enter")
    await pilot.pause()


async def give(pilot: Pilot[None], value: str) -> None:
    assert isinstance(pilot.app.screen, ValueDialog)
    pilot.app.screen.query_one(Input).value = value
    await pilot.press("enter")
    await settle(pilot)


async def test_models_are_listed_with_prices_and_retirement_in_words() -> None:
    async with models() as pilot:
        ids = rows(pilot)
        assert ids == sorted(ids)
        assert len(ids) == len(load_registry(load_settings(None).models).entries)
        await search(pilot, "acme")
        assert rows(pilot) == ["acme/none", "acme/old"]
        none, old = lines(pilot)[1:3]
        assert none.count("unknown") == 3  # both prices and the retirement
        assert "$0" not in none
        assert old.startswith("! ")  # active past its end, and a batch price above the standard one
        assert "$1.00" in old
        assert "months ago" in old
        await pilot.press("down")
        await pilot.pause()
        assert "! marked active, but it ended on 2020-01-01" in text(pilot.app.screen, "#model")
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, StartScreen)


async def test_o_turns_through_the_orders_and_begins_at_the_top() -> None:
    async with models() as pilot:
        view = pilot.app.screen.query_one("#models", RowsView)
        for expected in ("the cheapest first", "the youngest first", "the next to retire first", "by id"):
            await pilot.press("end", "o")
            await pilot.pause()
            assert expected in text(pilot.app.screen, "#filter-line")
            assert view.cursor == 0
            if expected == "the next to retire first":
                assert rows(pilot)[0] == "acme/old"
            if expected == "the cheapest first":
                assert rows(pilot)[-1] == "acme/none"


async def test_the_cursor_stays_on_its_model_while_a_search_still_has_it() -> None:
    async with models() as pilot:
        await search(pilot, "acme/old")
        await search(pilot, "")
        view = pilot.app.screen.query_one("#models", RowsView)
        assert view.rows[view.cursor].id == "acme/old"
        assert any("acme/old" in line for line in lines(pilot))


async def test_a_search_without_a_match_says_how_to_see_all() -> None:
    async with models() as pilot:
        await search(pilot, "no such model")
        assert rows(pilot) == []
        assert "empty text shows all" in lines(pilot)[1]
        await pilot.press("enter", "e")  # nothing to open, nothing to edit
        assert isinstance(pilot.app.screen, ModelsScreen)
        await search(pilot, "")
        assert len(rows(pilot)) > 50


async def test_enter_tells_everything_about_a_model() -> None:
    async with models() as pilot:
        await search(pilot, "openai/gpt-5.6-terra")
        await pilot.press("enter")
        dialog = pilot.app.screen
        assert isinstance(dialog, MessageDialog)
        told = str(dialog.query_one(".dialog-text Static", Static).content)
        for part in ("The model in use", "cached in", "batch out", "JSON mode", "aliases", "retirement", "successor"):
            assert part in told
        await pilot.press("escape")
        await search(pilot, "acme/old")
        await pilot.press("enter")
        told = str(pilot.app.screen.query_one(".dialog-text Static", Static).content)
        assert "left out: " in told
        assert "batch input $3.0 is not below $1.0" in told
        assert "tools          unknown" in told
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, ModelsScreen)


async def test_a_price_goes_into_the_overlay_and_the_plan_is_made_anew() -> None:
    async with models() as pilot:
        before = found_of(pilot)
        await search(pilot, "acme/old")
        await choose(pilot, "price in")
        await give(pilot, "0.5")
        assert isinstance(pilot.app.screen, ModelsScreen)
        assert "$0.50" in lines(pilot)[1]
        assert rows(pilot) == ["acme/old"]
        found = found_of(pilot)
        assert found is not before
        price = found.plan.registry.get("acme/old").price
        assert price is not None
        assert price.input == Decimal("0.5")
        written = config_text()
        assert "input = 0.5" in written
        assert "# my settings" in written
        assert "# no price is known" in written


async def test_where_no_price_is_known_both_are_asked_for() -> None:
    async with models() as pilot:
        await search(pilot, "acme/none")
        await choose(pilot, "price out")
        await give(pilot, "4")
        await give(pilot, "2")
        entry = load_registry(load_settings(None).models).get("acme/none")
        assert entry.price == Price(input=Decimal(2), output=Decimal(4))


async def test_a_wrong_value_is_told_at_once_and_one_that_the_registry_refuses_changes_nothing() -> None:
    async with models() as pilot:
        await search(pilot, "acme/old")
        await choose(pilot, "price in")
        for wrong in ("cheap", "0", "-1", "", "inf"):
            await give(pilot, wrong)
            assert isinstance(pilot.app.screen, ValueDialog)
            assert text(pilot.app.screen, "#complaint")
        await give(pilot, "5000")
        assert isinstance(pilot.app.screen, MessageDialog)
        assert "per-1K mistake" in str(pilot.app.screen.query_one(".dialog-text Static", Static).content)
        await pilot.press("escape")
        assert config_text() == CONFIG


async def test_date_and_activity_are_edited_and_taken_away_again() -> None:
    async with models() as pilot:
        await search(pilot, "openai/gpt-5.6-luna")
        await choose(pilot, "retirement date")
        await give(pilot, "31 January")
        assert "2027-01-31" in text(pilot.app.screen, "#complaint")
        await give(pilot, "2099-01-31")
        assert "in " in lines(pilot)[1]
        await choose(pilot, "active")
        assert isinstance(pilot.app.screen, ChoiceDialog)
        await pilot.press(*"no", "enter")
        await settle(pilot)
        entry = load_registry(load_settings(None).models).get("gpt-5.6-luna")
        assert (entry.deprecated, entry.is_active) == (date(2099, 1, 31), False)
        await choose(pilot, "registry")
        await settle(pilot)
        entry = load_registry(load_settings(None).models).get("gpt-5.6-luna")
        bundled = load_registry().get("gpt-5.6-luna")
        assert entry.model_copy(update={"rank": bundled.rank}) == bundled  # acme's prices move the ranks


async def test_leaving_an_edit_or_giving_the_same_value_writes_nothing() -> None:
    async with models() as pilot:
        await search(pilot, "acme/old")
        await pilot.press("e", "escape")
        await choose(pilot, "price in")
        await pilot.press("escape")
        await choose(pilot, "price in")
        await pilot.press("enter")
        await settle(pilot)
        assert config_text() == CONFIG


async def test_the_example_stays_as_it_is() -> None:
    async with models(example=True) as pilot:
        await pilot.press("e")
        assert isinstance(pilot.app.screen, MessageDialog)
        assert "stay as they are" in str(pilot.app.screen.query_one(".dialog-text Static", Static).content)
        assert config_text() == CONFIG


async def test_a_profile_with_models_of_its_own_is_not_edited_behind_its_back() -> None:
    own = CONFIG + '\n[[profiles.own.models]]\nid = "acme/old"\nprice = { input = 7.0, output = 8.0 }\n'
    write_config(own)
    async with models(profile="own") as pilot:
        await search(pilot, "acme/old")
        await choose(pilot, "price in")
        await give(pilot, "5")
        assert isinstance(pilot.app.screen, MessageDialog)
        assert config_text() == own


async def test_without_a_plan_the_bundled_registry_is_shown_and_cannot_be_edited() -> None:
    remove_config()
    app = CqtuiApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        navigation.show_models(app)
        await settle(pilot)
        assert len(rows(pilot)) == len(load_registry().entries)
        await pilot.press("e")
        assert isinstance(app.screen, MessageDialog)


async def test_hostile_names_stay_text() -> None:
    entry = (
        f'\n[[models]]\nid = "{HOSTILE}"\nnote = "[/bold]\\u001b]52;c;eA==\\u0007"\nprice = {{input = 1, output = 2}}\n'
    )
    write_config(CONFIG + entry)
    async with models() as pilot:
        await search(pilot, "[red]")
        assert "acme/[red]x[/foo]" in lines(pilot)[1]
        await pilot.press("enter")
        await pilot.pause()
        assert "[/bold]" in str(pilot.app.screen.query_one(".dialog-text Static", Static).content)
        assert not set("\x1b\x07\u202e") & set(pilot.app.export_screenshot())
        await pilot.press("escape", "e")
        assert isinstance(pilot.app.screen, ChoiceDialog)


def entry_of(**more: object) -> ModelEntry:
    return model_entry("acme/a", "1", "2", **more)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "unknown"),
        ({"is_active": False}, "inactive"),
        ({"deprecated": TODAY}, "today"),
        ({"deprecated": date(2026, 11, 26)}, "in 1 day"),
        ({"deprecated": date(2027, 1, 13)}, "in 49 days"),
        ({"deprecated": date(2027, 11, 25)}, "in 11 months"),
        ({"deprecated": date(2026, 11, 22)}, "3 days ago"),
    ],
)
def test_retirement_in_words(more: dict[str, object], said: str) -> None:
    assert words.retirement_words(entry_of(**more), TODAY) == said


@pytest.mark.parametrize(
    ("released", "said"),
    [
        (None, "unknown"),
        (date(2026, 11, 20), "< 1 month"),
        (date(2026, 10, 20), "1 month"),
        (date(2025, 11, 20), "12 months"),
        (date(2026, 12, 1), "not yet"),
    ],
)
def test_age_in_words(released: date | None, said: str) -> None:
    assert words.age_words(entry_of(released=released), TODAY) == said


def test_what_is_unknown_comes_last_in_every_order() -> None:
    old = model_entry("a/old", "1", "1", released=date(2020, 1, 1), deprecated=date(2027, 1, 1))
    young = model_entry("a/young", "5", "5", released=date(2026, 1, 1), deprecated=date(2026, 12, 1))
    bare = model_entry("a/bare", "1", "1", price=None)
    order = {name: [e.id for e in words.chosen([bare, young, old], "", name, TODAY)] for name in words.ORDERS}
    assert order == {
        "id": ["a/bare", "a/old", "a/young"],
        "price": ["a/old", "a/young", "a/bare"],
        "age": ["a/young", "a/old", "a/bare"],
        "retirement": ["a/young", "a/old", "a/bare"],
    }


def test_a_price_that_replaced_another_is_edited_whole() -> None:
    change = {"input": 3, "output": 9}
    due, later = {"effective": "2026-11-01", **change}, {"effective": "2027-01-01", **change}
    entry = entry_of(price_changes=(due, later))
    changes = overlay_edits.overlay_changes(entry, {"price.input": Decimal("2.5")}, TODAY)
    assert changes == {
        "price.input": Decimal("2.5"),
        "price.output": Decimal(9),
        "price_changes": [{"effective": date(2027, 1, 1), "input": Decimal(3), "output": Decimal(9)}],
    }
    assert overlay_edits.overlay_changes(entry, {"is_active": False}, TODAY) == {"is_active": False}
