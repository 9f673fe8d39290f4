"""Past runs on their screen: every key of it, the trend, and two runs compared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input, Sparkline, Static

from cqtui.report.comparison import CandidateComparison, Figures, compare
from cqtui.report.history import RunSummary, summary_of
from cqtui.results import Interval, Recommendation
from cqtui.store import runs
from cqtui.store.database import Database
from cqtui.tui import history_words as words
from cqtui.tui import navigation
from cqtui.tui.app import CqtuiApp
from cqtui.tui.screens.compare import CompareScreen, figure_rows
from cqtui.tui.screens.dialogs import MessageDialog, ValueDialog
from cqtui.tui.screens.history import HistoryScreen
from cqtui.tui.screens.result import ResultScreen
from cqtui.tui.widgets.rows_view import RowsView
from tests.fakes import pairs
from tests.results import NEW, recommendation, store_run
from tests.tui.stage import settle

HOSTILE = "evil/[red]x[/foo]\x1b[31m\u202e\u200b"
DAY = datetime(2026, 11, 1, tzinfo=UTC)


def keep(result: Recommendation, day: int) -> None:
    """Store a run that ended on a day of November."""
    store_run(Path(), result)
    at = (DAY + timedelta(days=day)).isoformat()
    with Database(Path(".cqtui/cqtui.db")) as store:
        store.run(
            lambda c: c.execute(
                "UPDATE runs SET started_at = ?, finished_at = ? WHERE run_id = ?", (at, at, result.run_id)
            )
        )


@pytest.fixture
def store() -> None:
    """Three runs of one switch, a leaning one of another model, a rehearsal."""
    for number in range(3):
        keep(recommendation(pairs(400, drop=1.0, saving=0.3 + 0.1 * number), run_id=f"aaa{number}"), number)
    keep(recommendation(pairs(60, drop=1.0), "anthropic/claude-haiku-4-5", run_id="bbb0", seed=9), 4)
    keep(recommendation(run_id="ccc0", provider="rehearsal"), 5)


def start_unfinished(run_id: str = "ddd0") -> None:
    with Database(Path(".cqtui/cqtui.db")) as database:
        database.run(lambda c: runs.start_run(c, run_id, "plan", "portkey"))


@asynccontextmanager
async def history(size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[None]]:
    app = CqtuiApp()
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        navigation.show_history(app)
        await settle(pilot)
        assert isinstance(app.screen, HistoryScreen)
        yield pilot


def rows(pilot: Pilot[None]) -> list[str]:
    return [run.run_id for run in pilot.app.screen.query_one("#runs", RowsView).rows]


def text(screen: Widget, selector: str) -> str:
    return str(screen.query_one(selector, Static).content)


def lines(pilot: Pilot[None]) -> list[str]:
    view = pilot.app.screen.query_one("#runs", RowsView)
    return [view.render_line(y).text for y in range(view.size.height)]


async def test_without_a_store_it_says_what_to_do() -> None:
    async with history() as pilot:
        assert rows(pilot) == []
        assert "No runs yet" in text(pilot.app.screen, "#run")
        for key in ("enter", "space", "c", "a"):
            await pilot.press(key)
        assert isinstance(pilot.app.screen, HistoryScreen)
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, HistoryScreen)


@pytest.mark.usefixtures("store")
async def test_runs_are_listed_newest_first_and_rehearsals_on_request_only() -> None:
    async with history() as pilot:
        assert rows(pilot) == ["bbb0", "aaa2", "aaa1", "aaa0"]
        assert "1 rehearsal hidden (a)" in text(pilot.app.screen, "#filter-line")
        await pilot.press("a")
        assert rows(pilot) == ["ccc0", "bbb0", "aaa2", "aaa1", "aaa0"]
        view = pilot.app.screen.query_one("#runs", RowsView)
        assert view.rows[view.cursor].run_id == "bbb0"
        await pilot.press("up")
        await pilot.pause()
        assert "REHEARSAL: simulated answers, not evidence." in text(pilot.app.screen, "#run")
        assert "rehearsal" in lines(pilot)[1]
        assert text(pilot.app.screen, "#saving-words") == "A rehearsal is no part of a trend."
        await pilot.press("a")
        assert rows(pilot) == ["bbb0", "aaa2", "aaa1", "aaa0"]


async def test_only_rehearsals_are_not_mistaken_for_none() -> None:
    keep(recommendation(run_id="ccc0", provider="rehearsal"), 1)
    async with history() as pilot:
        assert "Only rehearsals so far" in text(pilot.app.screen, "#run")


@pytest.mark.usefixtures("store")
async def test_the_trend_is_of_the_selected_runs_switch() -> None:
    async with history() as pilot:
        screen = pilot.app.screen
        assert "(one run)" in text(screen, "#saving-words")
        assert not screen.query_one("#saving-line").display
        await pilot.press("down")
        await pilot.pause()
        assert isinstance(screen, HistoryScreen)  # moving opens nothing
        assert pilot.app.screen is screen
        data = screen.query_one("#saving-line", Sparkline).data
        assert data is not None
        assert 28 < data[0] < 32
        assert 38 < data[1] < 42
        assert 48 < data[2] < 52
        assert text(screen, "#saving-words").startswith(f"first {data[0]:.1f}%, last {data[2]:.1f}%")
        assert text(screen, "#saving-words").endswith("(3 runs)")
        assert text(screen, "#quality-words").startswith("first −")
        title = screen.query_one("#trend-panel").border_title
        assert title is not None
        assert title.startswith(f"Trend: openai/gpt-5.6-terra → {NEW}")


@pytest.mark.usefixtures("store")
async def test_enter_opens_the_result() -> None:
    async with history() as pilot:
        await pilot.press("down", "enter")
        await settle(pilot)
        assert isinstance(pilot.app.screen, ResultScreen)
        assert pilot.app.screen.result.run_id == "aaa2"
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, HistoryScreen)


@pytest.mark.usefixtures("store")
async def test_a_run_without_a_result_says_so_and_that_it_can_go_on() -> None:
    start_unfinished()
    async with history() as pilot:
        assert rows(pilot)[0] == "ddd0"
        assert "unfinished" in lines(pilot)[1]
        assert "starting the same run again" in text(pilot.app.screen, "#run")
        await pilot.press("space")
        assert "marked" not in text(pilot.app.screen, "#filter-line")
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(pilot.app.screen, MessageDialog)
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, HistoryScreen)


@pytest.mark.usefixtures("store")
async def test_two_runs_at_most_are_marked_with_a_sign_and_compared() -> None:
    async with history() as pilot:
        await pilot.press("c")
        await settle(pilot)
        assert isinstance(pilot.app.screen, HistoryScreen)  # nothing is marked yet
        await pilot.press("space", "down", "space", "down", "space")
        assert "2 marked ●" in text(pilot.app.screen, "#filter-line")
        assert [line.startswith("●") for line in lines(pilot)[1:5]] == [True, True, False, False]
        await pilot.press("c")
        await settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, CompareScreen)
        assert "NOT MEASURED ALIKE" in str(screen.query_one("#conditions-panel").border_title)
        assert "A: 0" in text(screen, "#conditions")
        assert "B: 9" in text(screen, "#conditions")
        assert text(screen, "#answers").index("run aaa2") < text(screen, "#answers").index("run bbb0")
        assert "only in A" in text(screen, "#figures")
        assert "not tried" in text(screen, "#figures")
        await pilot.press("down", "escape", "up", "space")
        assert "1 marked" in text(pilot.app.screen, "#filter-line")


@pytest.mark.usefixtures("store")
async def test_runs_alike_are_compared_in_words() -> None:
    async with history((120, 40)) as pilot:
        await pilot.press("end", "space", "up", "space", "c")
        await settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, CompareScreen)
        assert text(screen, "#conditions").startswith("Measured alike")
        figures = text(screen, "#figures").splitlines()
        assert figures[2].startswith("cost")
        assert figures[2].endswith(" differs")
        assert figures[3].startswith("quality")
        assert figures[3].endswith(" no difference shown")


@pytest.mark.usefixtures("store")
async def test_slash_narrows_by_text_and_an_empty_text_shows_all() -> None:
    async with history() as pilot:
        await pilot.press("slash")
        assert isinstance(pilot.app.screen, ValueDialog)
        await pilot.press(*"haiku", "enter")
        assert rows(pilot) == ["bbb0"]
        assert 'with "haiku"' in text(pilot.app.screen, "#filter-line")
        await pilot.press("slash", *"zz", "enter")
        assert rows(pilot) == []
        assert text(pilot.app.screen, "#run") == words.NO_MATCH
        await pilot.press("slash")
        pilot.app.screen.query_one(Input).value = ""
        await pilot.press("enter")
        assert len(rows(pilot)) == 4


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_hostile_names_stay_text(size: tuple[int, int]) -> None:
    for number in range(2):
        result = recommendation(model_id=HOSTILE, run_id=f"aaa{number}", judge=f"[bold]j{number}[/x]\x1b]52;c;eA==\x07")
        keep(result.model_copy(update={"sentence": "[/bold] [link=x]\x1b[2J\u202e stay"}), number)
    async with history(size) as pilot:
        assert any("[red]x[/foo]" in line for line in lines(pilot))
        assert r"\[red]x\[/foo]" in str(pilot.app.screen.query_one("#trend-panel").border_title)
        assert "[/bold] [link=x]" in text(pilot.app.screen, "#run")
        await pilot.press("space", "down", "space", "c")
        await settle(pilot)
        assert isinstance(pilot.app.screen, CompareScreen)
        assert "[bold]j0[/x]" in text(pilot.app.screen, "#conditions")
        assert "[red]x[/foo]" in text(pilot.app.screen, "#figures")
        painted = [pilot.app.screen.query_one(each, Static) for each in ("#conditions", "#answers", "#figures")]
        for shown in [*map(str, (each.content for each in painted)), pilot.app.export_screenshot()]:
            assert not set("\x1b\x07\u202e\u200b") & set(shown)


def test_a_closest_model_is_in_brackets_and_a_recommended_one_is_not() -> None:
    run = summary_of(recommendation(run_id="a"))
    assert words.switch_words(run) == "gpt-5.6-luna"
    assert words.switch_words(run.model_copy(update={"recommended": False})) == "(gpt-5.6-luna)"
    assert words.switch_words(run.model_copy(update={"model": None})) == ""


def test_what_a_run_does_not_tell_is_unknown_and_never_0() -> None:
    bare = RunSummary(run_id="a", at=DAY, state="finished", provider="portkey", current_model="a/b", model="a/c")
    assert words.answer_words(bare) == "unknown"
    assert "saving unknown · quality unknown" in words.detail_lines(bare)
    assert words.spent_words(bare.model_copy(update={"provider": "recorded"})) == "nothing"


def test_a_candidate_of_one_run_alone_differs_from_nothing() -> None:
    figures = Figures(
        cost_saving_percent=Interval(value=50, low=49, high=51),
        quality_impact_percent=None,
        refusal_rate_percent=None,
        latency_p95_ms=200.0,
        pairs=40,
    )
    alone = CandidateComparison(
        model="a/b", a=figures, b=None, cost_saving="unknown", quality_impact="unknown", refusals="unknown"
    )
    assert figure_rows(alone)[0] == ("cost", "−50.0% [−51.0, −49.0]", "not tried", "")
    slower = figures.model_copy(update={"latency_p95_ms": 300.0})
    both = alone.model_copy(update={"b": slower, "cost_saving": "no difference shown"})
    assert [row[3] for row in figure_rows(both)] == ["no difference shown", "unknown", "unknown", "+50.0%", ""]


def test_two_results_of_one_kind_share_their_conditions() -> None:
    assert compare(recommendation(run_id="a"), recommendation(run_id="b")).conditions == ()
