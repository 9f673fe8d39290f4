"""Every key of the run screen, on recorded runs."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from cqtui.engine.control import MOST_CONCURRENCY
from cqtui.errors import BadInputError
from cqtui.events import ConcurrencyChanged, Event, PauseChanged
from cqtui.report.render import render_summary
from cqtui.tui.navigation import QuitDialog
from cqtui.tui.screens.dialogs import MessageDialog, QuestionDialog
from cqtui.tui.screens.help import HelpScreen
from cqtui.tui.screens.result import ResultScreen
from cqtui.tui.screens.run import RunScreen
from cqtui.tui.screens.samples import SampleScreen, SamplesScreen
from cqtui.tui.screens.start import StartScreen
from cqtui.tui.widgets.candidate_rows import CandidateRows
from cqtui.tui.widgets.samples_pane import SamplesPane
from tests.tui.acting import (
    Clipboard,
    app_of,
    message_of,
    messages,
    on_top,
    press,
    seen,
    show_start,
    staged,
    text_of,
    told,
)
from tests.tui.stage import PlayedRun, found_example, keep_recorded, recorded_result, settle, show_run, until


async def happen(screen: RunScreen, played: PlayedRun, pilot: Pilot[None], *events: Event) -> None:
    """Let events happen that were not recorded."""
    played.events.extend(events)
    screen.catch_up()
    await settle(pilot)


async def end(screen: RunScreen, played: PlayedRun, pilot: Pilot[None], error: BaseException | None = None) -> None:
    """Let the run end: with the recorded result, or with an error."""
    if error is None:
        played.play()
        played.outcome.set_result(recorded_result("verified"))
    else:
        played.outcome.set_exception(error)
    screen.catch_up()
    await settle(pilot)


def paused(played: PlayedRun, is_paused: bool) -> PauseChanged:
    return PauseChanged(run_id="r", seq=1, at=played.last, is_paused=is_paused)


async def test_space_pauses_and_goes_on() -> None:
    async with staged() as pilot:
        screen, played = await show_run(pilot, "verified", 400)
        await press(pilot, "space")
        assert played.asked == ["pause"]
        assert "PAUSED" not in text_of(pilot, "#pace"), "not before the engine says so"
        await happen(screen, played, pilot, paused(played, True))
        assert text_of(pilot, "#pace").startswith("PAUSED")
        await press(pilot, "space")
        assert played.asked == ["pause", "resume"]
        await happen(screen, played, pilot, paused(played, False))
        assert text_of(pilot, "#pace").startswith("replaying")


async def test_concurrency_stays_within_its_limits() -> None:
    async with staged() as pilot:
        screen, played = await show_run(pilot, "verified", 400)
        screen._concurrency = 8
        await press(pilot, "plus", "plus", "minus", "equals_sign")
        assert played.asked == [f"concurrency {calls}" for calls in (10, 12, 9, 11)]
        screen._concurrency = MOST_CONCURRENCY - 1
        await press(pilot, "plus", "plus")
        assert played.asked[-2:] == [f"concurrency {MOST_CONCURRENCY}"] * 2
        screen._concurrency = 2
        await press(pilot, "minus", "minus")
        assert played.asked[-2:] == ["concurrency 1"] * 2
        changed = ConcurrencyChanged(run_id="r", seq=1, at=played.last, provider=None, allowed=24)
        await happen(screen, played, pilot, changed)
        assert "24 at a time" in text_of(pilot, "#pace")
        await happen(screen, played, pilot, paused(played, False))
        await press(pilot, "plus")
        assert played.asked[-1] == "concurrency 30"


@pytest.mark.parametrize(
    ("keys", "asked"),
    [
        (["g"], []),
        (["enter"], []),
        (["escape"], []),
        (["s"], ["stop"]),
        (["x"], ["abandon"]),
        (["tab", "enter"], ["stop"]),
    ],
    ids=["go-on", "careful-one-first", "escape", "stop", "end-at-once", "by-focus"],
)
async def test_stopping_is_asked_about(keys: list[str], asked: list[str]) -> None:
    async with staged() as pilot:
        screen, played = await show_run(pilot, "verified", 400)
        await press(pilot, "c")
        assert on_top(pilot, QuestionDialog)
        assert not played.asked, "the question comes before"
        await press(pilot, *keys)
        assert pilot.app.screen is screen
        assert played.asked == asked
        screen.catch_up()
        await happen(screen, played, pilot, paused(played, False))
        assert text_of(pilot, "#pace").startswith("stopping" if asked else "replaying")
        await press(pilot, "space")
        assert played.asked == (asked or ["pause"]), "a run that stops is not paused"


async def test_the_plot_takes_the_place_of_what_happens_where_both_have_no_room() -> None:
    async with staged((80, 24)) as pilot:
        screen, _ = await show_run(pilot, "verified", 400)
        assert not screen.query_one("#plot-panel").display
        await press(pilot, "p")
        assert screen.query_one("#plot-panel").display
        assert not screen.query_one("#log-panel").display
        await press(pilot, "p")
        assert screen.query_one("#log-panel").display
        assert not screen.query_one("#plot-panel").display


async def test_pairs_of_a_candidate() -> None:
    async with staged() as pilot:
        keep_recorded("verified")
        screen, _ = await show_run(pilot, "verified", 400)
        rows = screen.query_one(CandidateRows)
        second = list(screen.state.candidates)[1]
        await press(pilot, "down")
        assert rows.current is not None
        assert rows.current.model_id == second
        assert rows.current.candidate.short_name in text_of(pilot, "#meter")
        for key in ("enter", "s"):
            await press(pilot, key)
            opened = await until(pilot, SamplesScreen)
            assert opened.query_one(SamplesPane).wanted.model_id == second
            assert "12 of 48 pairs" in text_of(pilot, "#filter-line")
            await press(pilot, "escape")
            assert pilot.app.screen is screen
        await press(pilot, "k", "up", "up")
        assert rows.selected == 0


async def test_a_line_of_what_happens_opens_its_pair() -> None:
    async with staged() as pilot:
        keep_recorded("verified")
        screen, _ = await show_run(pilot, "verified", None)
        log = screen.query_one("#log", OptionList)
        log.focus()
        assert log.highlighted == log.option_count - 1, "the newest line is followed"
        place = next(n for n, each in enumerate(screen.state.happenings) if each.record_id == "call-0127")
        await press(pilot, *["up"] * (log.option_count - 1 - place), "enter")
        await until(pilot, SampleScreen)
        assert "call-0127" in "".join(row.record_id for row in pilot.app.screen._rows)  # type: ignore[attr-defined]
        await press(pilot, "escape", "escape")
        assert pilot.app.screen is screen
        await press(pilot, "home", "enter")
        assert pilot.app.screen is screen, "a line about the run opens nothing"


async def test_what_happens_is_cut_from_the_top_and_still_opens_the_right_pair() -> None:
    async with staged() as pilot:
        keep_recorded("verified")
        screen, played = await show_run(pilot, "verified", None)
        for number in range(150):
            await_events = [paused(played, True), paused(played, False)]
            played.events.extend(await_events)
            if number % 50 == 0:
                screen.catch_up()
        screen.catch_up()
        await settle(pilot)
        log = screen.query_one("#log", OptionList)
        assert log.option_count == 200
        newly = next(e for e in reversed(screen.state.happenings) if e.record_id is None)
        assert log.get_option_at_index(199).prompt is not None
        assert newly.text in str(log.get_option_at_index(199).prompt)


async def test_the_result_comes_by_itself_and_again_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged() as pilot:
        await show_start(pilot, found_example())
        screen, played = await show_run(pilot, "verified", 400)
        clipboard = Clipboard(pilot, monkeypatch)
        await press(pilot, "r", "b")
        assert pilot.app.screen is screen, "there is no result yet, and a run is not left alone"
        await press(pilot, "y")
        assert not clipboard.texts
        assert "no sentence yet" in told(pilot)
        await end(screen, played, pilot)
        assert on_top(pilot, ResultScreen)
        await press(pilot, "escape")
        assert pilot.app.screen is screen
        await press(pilot, "space", "plus", "minus", "c")
        assert pilot.app.screen is screen
        assert not played.asked, "what has ended cannot be paused or stopped"
        await press(pilot, "y", "r")
        assert clipboard.texts == [recorded_result("verified").sentence]
        assert on_top(pilot, ResultScreen)
        await press(pilot, "escape", "b")
        assert on_top(pilot, StartScreen)
        assert not any(isinstance(each, RunScreen) for each in pilot.app.screen_stack)


async def test_a_result_that_comes_under_a_dialog_waits_for_its_key() -> None:
    async with staged() as pilot:
        screen, played = await show_run(pilot, "verified", 400)
        await press(pilot, "c")
        await end(screen, played, pilot)
        assert on_top(pilot, QuestionDialog)
        assert "Press r" in told(pilot)
        await press(pilot, "escape", "r")
        assert on_top(pilot, ResultScreen)


async def test_an_error_of_the_run_is_one_dialog() -> None:
    async with staged() as pilot:
        screen, played = await show_run(pilot, "verified", 400)
        await end(screen, played, pilot, BadInputError("The gateway is gone.", "Start it."))
        screen.catch_up()
        await settle(pilot)
        assert message_of(pilot) == "The gateway is gone. Start it."
        assert messages(pilot) == 1
        await press(pilot, "escape")
        assert pilot.app.screen is screen
        await press(pilot, "r")
        assert pilot.app.screen is screen
        assert app_of(pilot).summary is None


async def test_a_run_that_was_ended_says_what_is_kept() -> None:
    async with staged() as pilot:
        screen, played = await show_run(pilot, "verified", 400)
        await press(pilot, "c", "x")
        await end(screen, played, pilot, asyncio.CancelledError())
        assert on_top(pilot, MessageDialog)
        assert "What was paid for is kept" in message_of(pilot)
        assert screen.state.run_id in message_of(pilot)
        assert app_of(pilot).summary == message_of(pilot)


@pytest.mark.parametrize("key", ["g", "enter", "escape"])
async def test_quitting_is_asked_about_and_may_be_left(key: str) -> None:
    async with staged() as pilot:
        screen, played = await show_run(pilot, "verified", 400)
        await press(pilot, "q")
        assert on_top(pilot, QuitDialog)
        await press(pilot, "ctrl+q")
        assert sum(isinstance(each, QuitDialog) for each in pilot.app.screen_stack) == 1
        await press(pilot, key)
        assert pilot.app.screen is screen
        assert not played.asked
        assert pilot.app.is_running


async def test_quitting_stops_the_run_first_and_leaves_its_summary() -> None:
    async with staged() as pilot:
        _, played = await show_run(pilot, "verified", 400)
        await press(pilot, "q", "s")
        assert played.asked == ["stop"]
        assert pilot.app._exit is False, "calls under way finish first"
        played.outcome.set_result(recorded_result("verified"))
        await settle(pilot)
        assert pilot.app._exit
        assert app_of(pilot).summary == render_summary(recorded_result("verified"))


async def test_leaving_at_once_says_what_is_kept() -> None:
    async with staged() as pilot:
        _, played = await show_run(pilot, "verified", 400)
        await press(pilot, "q", "x")
        assert played.asked == ["abandon"]
        played.outcome.set_exception(asyncio.CancelledError())
        await settle(pilot)
        assert pilot.app._exit
        assert "what was paid for is kept" in (app_of(pilot).summary or "")


async def test_quitting_after_the_end_asks_nothing() -> None:
    async with staged() as pilot:
        screen, played = await show_run(pilot, "verified", 400)
        await end(screen, played, pilot)
        await press(pilot, "q")
        assert pilot.app._exit
        assert app_of(pilot).summary == render_summary(recorded_result("verified"))


async def test_help_names_every_key() -> None:
    async with staged() as pilot:
        screen, _ = await show_run(pilot, "verified", 400)
        await press(pilot, "question_mark")
        assert on_top(pilot, HelpScreen)
        for words in ("Pause or go on", "Stop and conclude", "Allow more calls", "The pairs so far"):
            assert words in seen(pilot)
        await press(pilot, "escape")
        assert pilot.app.screen is screen


async def test_time_left_and_pace_follow_the_events() -> None:
    async with staged() as pilot:
        screen, played = await show_run(pilot, "verified", 400)
        assert "calls/s" in text_of(pilot, "#pace")
        assert "left at most" in text_of(pilot, "#pace")
        played.last += timedelta(hours=1)
        await happen(screen, played, pilot, paused(played, True))
        assert "left at most" not in text_of(pilot, "#pace")
