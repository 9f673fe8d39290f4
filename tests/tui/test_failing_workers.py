"""What goes wrong in the background is said once, in a dialog; the store stays whole and the app goes on."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from cqtui.environment import database_path
from cqtui.errors import StoreError
from cqtui.store import samples
from cqtui.store.database import Database
from cqtui.tui import navigation
from cqtui.tui.screens.label import LabelScreen
from cqtui.tui.screens.result import ResultScreen
from cqtui.tui.screens.samples import SampleScreen, SamplesScreen
from cqtui.tui.widgets.rows_view import RowsView
from cqtui.tui.workspace import Choices, look
from tests.fakes import logged_call, write_log
from tests.tui.acting import app_of, message_of, messages, press, seen, show_start, staged, text_of
from tests.tui.stage import keep_recorded, recorded_result, settle, until

RUN = "3f2a90c1d4e5"
TERRA = "openai/gpt-6.1-terra"


def kept_pairs() -> int:
    with Database(database_path()) as store:
        return len(store.read(lambda c: samples.sample_rows(c, RUN)))


async def goes_on(pilot: Pilot[None], text: str) -> None:
    """One message says it; after Escape the screen below works."""
    assert messages(pilot) == 1
    assert text in message_of(pilot)
    assert text in seen(pilot)
    await press(pilot, "escape")
    assert messages(pilot) == 0
    await press(pilot, "question_mark", "escape")
    assert pilot.app.is_running


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (StoreError("cqtui.db: the disk is full.", "Free some space."), "the disk is full"),
        (sqlite3.OperationalError("database is locked"), "another program holds the database"),
        (ValueError("odd [b]value"), "This is a fault in cqtui"),
    ],
    ids=["store-error", "sqlite", "fault"],
)
async def test_the_store_fails_while_it_is_read(error: Exception, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise error

    async with staged() as pilot:
        keep_recorded("verified")
        navigation.show_samples(app_of(pilot), RUN, {TERRA: "C"}, TERRA)
        screen = await until(pilot, SamplesScreen)
        await settle(pilot)
        with monkeypatch.context() as broken:
            broken.setattr(samples, "sample_rows", fail)
            await press(pilot, "u")
            await goes_on(pilot, text)
            broken.setattr(samples, "load_sample", fail)
            await press(pilot, "enter")
            assert messages(pilot) == 1
            await press(pilot, "escape", "escape")
        assert pilot.app.screen is screen
        assert len(screen.query_one(RowsView).rows) == 12, "what was read before is still there"
        await press(pilot, "u", "enter")
        await until(pilot, SampleScreen)
        assert kept_pairs() == 48


async def test_a_store_that_is_none() -> None:
    database_path().parent.mkdir(parents=True)
    database_path().write_bytes(b"this is no database, and much longer than a header" * 40)
    before = database_path().read_bytes()
    async with staged() as pilot:
        navigation.show_result(app_of(pilot), recorded_result("verified"))
        await settle(pilot)
        assert any(isinstance(each, ResultScreen) for each in pilot.app.screen_stack)
        await goes_on(pilot, "not a cqtui database")
        await press(pilot, "7")
        await goes_on(pilot, "not a cqtui database")
        await press(pilot, "1")
        assert recorded_result("verified").sentence in seen(pilot)
        pilot.app.push_screen(LabelScreen(RUN, TERRA, (logged_call(1),)))
        await settle(pilot)
        await goes_on(pilot, "not a cqtui database")
    assert database_path().read_bytes() == before


async def test_a_store_that_vanishes() -> None:
    async with staged() as pilot:
        keep_recorded("verified")
        navigation.show_samples(app_of(pilot), RUN, {TERRA: "C"}, TERRA)
        await until(pilot, SamplesScreen)
        await settle(pilot)
        for file in database_path().parent.iterdir():
            file.unlink()
        await press(pilot, "enter")
        await until(pilot, SampleScreen)
        await settle(pilot)
        assert "not kept" in text_of(pilot, "#head")
        await press(pilot, "escape", "u")
        assert "No pairs are kept of this run." in seen(pilot)
        assert not database_path().exists(), "looking makes no store"


async def test_a_label_that_cannot_be_kept_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from cqtui.engine.labelling import Question
    from cqtui.store import labels

    asked = [Question(f"r{n}", "d", "?", "one", "two", True) for n in range(3)]
    async with staged() as pilot:
        keep_recorded("verified")
        screen = LabelScreen(RUN, TERRA, (logged_call(1),))
        pilot.app.push_screen(screen)
        await until(pilot, LabelScreen)
        await settle(pilot)
        screen._take(asked, 0)
        keep = labels.keep_label

        def fail(*_: Any, **__: Any) -> None:
            raise StoreError("cqtui.db: the disk is full.")

        monkeypatch.setattr(labels, "keep_label", fail)
        await press(pilot, "1")
        await goes_on(pilot, "the disk is full")
        monkeypatch.setattr(labels, "keep_label", keep)
        await press(pilot, "2")
        with Database(database_path()) as store:
            assert len(store.read(lambda c: labels.labels_of(c, TERRA))) == 2, "the first one is kept with the second"


async def test_a_broken_configuration_is_said_and_read_again_once_it_is_mended() -> None:
    write_log(Path("log.jsonl"), 20)
    good = 'current_model = "gpt-5.6-terra"\nlogs = ["log.jsonl"]\n'
    config = Path("cqtui.toml")
    config.write_text(good)
    async with staged() as pilot:
        screen = await show_start(pilot, look(Choices(session={"provider": "rehearsal"})))
        found = screen.found
        for text, words in (
            ("logs = [", "cqtui.toml"),
            ('current_modell = "x"\n', "current_modell"),
            (good.replace("log.jsonl", "gone.jsonl"), "gone.jsonl"),
            (good.replace("gpt-5.6-terra", "nobody/knows"), "nobody/knows"),
        ):
            config.write_text(text)
            await press(pilot, "f5")
            await goes_on(pilot, words)
            assert pilot.app.screen is screen
            assert app_of(pilot).found is found, "what was found before holds"
            assert config.read_text() == text, "a broken file is left as it is"
        config.unlink()
        await press(pilot, "f5")
        assert messages(pilot) == 1
        await press(pilot, "escape")
        config.write_text(good + "[budget]\nusd = 3\n")
        await press(pilot, "f5")
        assert messages(pilot) == 0
        assert screen.found.settings.budget.usd == 3


async def test_a_log_that_vanishes_is_said() -> None:
    log = write_log(Path("log.jsonl"), 20)
    Path("cqtui.toml").write_text('current_model = "gpt-5.6-terra"\nlogs = ["log.jsonl"]\n')
    async with staged() as pilot:
        screen = await show_start(pilot, look(Choices(session={"provider": "rehearsal"})))
        log.unlink()
        await press(pilot, "f5")
        await goes_on(pilot, "log.jsonl")
        write_log(Path("log.jsonl"), 25)
        await press(pilot, "f5")
        assert len(screen.found.log.read.calls) == 25


async def test_a_configuration_that_breaks_before_an_edit_is_left_alone() -> None:
    write_log(Path("log.jsonl"), 20)
    config = Path("cqtui.toml")
    config.write_text('current_model = "gpt-5.6-terra"\nlogs = ["log.jsonl"]\n')
    async with staged() as pilot:
        screen = await show_start(pilot, look(Choices(session={"provider": "rehearsal"})))
        config.write_text("logs = [")
        screen.query_one("#candidates").focus()
        await press(pilot, "space")
        await goes_on(pilot, "cqtui.toml")
        assert config.read_text() == "logs = ["
