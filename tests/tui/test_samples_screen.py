"""Every key of the sample browser and of blind labelling."""

from __future__ import annotations

import sqlite3
from decimal import Decimal

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from cqtui.engine.labelling import answer_digest, stored_check
from cqtui.environment import database_path
from cqtui.models import Completion, Replay
from cqtui.results import Pair
from cqtui.samples import Sample
from cqtui.store import labels, records
from cqtui.store.database import Database
from cqtui.tui import navigation
from cqtui.tui.sample_filters import difference, trouble
from cqtui.tui.screens.dialogs import ChoiceDialog, ValueDialog
from cqtui.tui.screens.label import LabelScreen
from cqtui.tui.screens.samples import SampleScreen, SamplesScreen
from cqtui.tui.widgets.rows_view import RowsView
from tests.fakes import logged_call
from tests.tui.acting import Clipboard, app_of, fill_in, on_top, press, seen, staged, text_of, told
from tests.tui.stage import found_example, keep_recorded, recorded_samples, settle, until

RUN = "3f2a90c1d4e5"
TERRA = "openai/gpt-6.1-terra"
LETTERS = {"anthropic/claude-haiku-5-5": "A", "openai/gpt-6-luna": "B", TERRA: "C"}


def odd(record_id: str, position: int, **pair: object) -> tuple[Sample, str]:
    """A sample that is out of the ordinary."""
    values = {"record_id": record_id, "segment": "returns", "baseline_score": 90.0, "candidate_score": 60.0, **pair}
    sample = Sample(
        pair=Pair.model_validate(values),
        model_id=TERRA,
        position=position,
        logged=Completion(text="We take it back."),
        answer=Completion(text=f"No refund for {record_id}."),
    )
    return sample, f"What about {record_id}?"


ODD = (
    odd("call-refused", 100, candidate_refused=True, candidate_score=0.0),
    odd("call-failed", 101, failure="timeout", failure_message="no answer", candidate_score=None),
    odd("call-format", 102, format_failed=True),
    odd("call-much-worse", 103, candidate_score=10.0),
    odd("call-answered", 104, baseline_refused=True, baseline_score=0.0),
)


async def browse(pilot: Pilot[None], model_id: str | None = TERRA) -> SamplesScreen:
    keep_recorded("verified", ODD)
    navigation.show_samples(app_of(pilot), RUN, LETTERS, model_id)
    screen: SamplesScreen = await until(pilot, SamplesScreen)
    await settle(pilot)
    return screen


def listed(screen: SamplesScreen) -> list[str]:
    return [row.record_id for row in screen.query_one(RowsView).rows]


async def test_worst_first_and_in_the_order_of_the_run() -> None:
    async with staged() as pilot:
        screen = await browse(pilot)
        rows = screen.query_one(RowsView).rows
        troubled = [bool(trouble(row.pair)) for row in rows]
        assert troubled == sorted(troubled, reverse=True)
        assert set(listed(screen)[:3]) == {"call-refused", "call-failed", "call-format"}
        gaps = [gap for row in rows if not trouble(row.pair) and (gap := difference(row.pair)) is not None]
        assert gaps == sorted(gaps)
        assert listed(screen)[3] == "call-much-worse"
        assert "worst first" in text_of(pilot, "#filter-line")
        await press(pilot, "o")
        positions = [row.position for row in screen.query_one(RowsView).rows]
        assert positions == sorted(positions)
        assert "in the run's order" in text_of(pilot, "#filter-line")
        await press(pilot, "o")
        assert listed(screen)[3] == "call-much-worse"


async def test_filters_narrow_and_x_takes_them_away() -> None:
    async with staged() as pilot:
        screen = await browse(pilot)
        assert len(listed(screen)) == 17
        await press(pilot, "m")
        assert on_top(pilot, ChoiceDialog)
        await press(pilot, "escape")
        assert len(listed(screen)) == 17
        await press(pilot, "m")
        await fill_in(pilot, "all models")
        assert "all models" in text_of(pilot, "#filter-line")
        assert len(listed(screen)) == 53
        await press(pilot, "f")
        await fill_in(pilot, "newly refused")
        assert listed(screen) == ["call-refused"]
        await press(pilot, "f")
        await fill_in(pilot, "newly answered")
        assert listed(screen) == ["call-answered"]
        await press(pilot, "x", "g")
        await fill_in(pilot, "returns")
        assert len(listed(screen)) == 5
        assert "segment returns" in text_of(pilot, "#filter-line")
        await press(pilot, "f")
        await fill_in(pilot, "failed calls")
        assert listed(screen) == ["call-failed"]
        await press(pilot, "slash")
        assert on_top(pilot, ValueDialog)
        await fill_in(pilot, "words that nobody said")
        assert listed(screen) == []
        assert "No pair fits: x shows all." in seen(pilot)
        await press(pilot, "x", "slash")
        await fill_in(pilot, "refund for call-much")
        assert listed(screen) == ["call-much-worse"]
        assert 'with "refund for call-much"' in text_of(pilot, "#filter-line")
        await press(pilot, "slash")
        await fill_in(pilot, "")
        assert len(listed(screen)) == 53
        await press(pilot, "slash", "escape")
        assert len(listed(screen)) == 53


async def test_the_list_is_read_again_and_left() -> None:
    async with staged() as pilot:
        screen = await browse(pilot)
        late, prompt = odd("call-late", 200, candidate_score=1.0)
        keep_recorded_late(late)
        assert "call-late" not in listed(screen)
        await press(pilot, "u")
        assert "call-late" in listed(screen)
        await press(pilot, "end")
        assert screen.query_one(RowsView).cursor == len(listed(screen)) - 1
        await press(pilot, "home", "pagedown", "pageup", "j", "k", "down", "up")
        assert screen.query_one(RowsView).cursor == 0
        await press(pilot, "escape")
        assert not on_top(pilot, SamplesScreen)
        assert prompt


def keep_recorded_late(sample: Sample) -> None:
    from cqtui.store.samples import keep_sample

    with Database(database_path()) as store:
        store.run(lambda c: keep_sample(c, RUN, sample))


async def test_a_pair_with_all_that_is_known_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged((120, 60)) as pilot:
        clipboard = Clipboard(pilot, monkeypatch)
        screen = await browse(pilot)
        names = listed(screen)
        await press(pilot, "enter")
        await until(pilot, SampleScreen)
        await settle(pilot)
        assert f"record {names[0]}" in text_of(pilot, "#head")
        await press(pilot, "y")
        assert clipboard.texts == [f"No refund for {names[0]}."]
        await press(pilot, "right", "right", "left")
        assert f"record {names[1]}" in text_of(pilot, "#head")
        await press(pilot, "left", "left", "left")
        assert f"record {names[0]}" in text_of(pilot, "#head"), "before the first there is none"
        for place in (1, 2, 3):
            await press(pilot, "n")
            assert f"record {names[place]}" in text_of(pilot, "#head")
        await press(pilot, "N")
        assert f"record {names[2]}" in text_of(pilot, "#head")
        while "No further pair" not in told(pilot):
            await press(pilot, "n")
        await press(pilot, *["right"] * len(names))
        assert f"record {names[-1]}" in text_of(pilot, "#head")
        judged = next(n for n, name in enumerate(names) if name.startswith("call-00"))
        await press(pilot, *["left"] * (len(names) - 1 - judged))
        assert "saw the" in text_of(pilot, "#judge")
        assert "The second answer explains the rule" in text_of(pilot, "#judge")
        await press(pilot, "escape")
        assert pilot.app.screen is screen


async def test_a_pair_that_is_not_kept_shows_nothing_of_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged() as pilot:
        clipboard = Clipboard(pilot, monkeypatch)
        screen = await browse(pilot)
        first, second = listed(screen)[:2]
        with Database(database_path()) as store:
            store.run(lambda c: c.execute("DELETE FROM samples WHERE record_id = ?", (second,)))
        await press(pilot, "enter")
        await until(pilot, SampleScreen)
        await settle(pilot)
        assert f"What about {first}?" in text_of(pilot, "#prompt")
        await press(pilot, "right")
        assert "not kept yet" in text_of(pilot, "#head")
        assert first not in seen(pilot)
        await press(pilot, "y")
        assert not clipboard.texts
        await press(pilot, "left")
        assert f"What about {first}?" in text_of(pilot, "#prompt")


async def test_a_pair_whose_text_is_not_kept() -> None:
    async with staged() as pilot:
        await browse(pilot)
        with Database(database_path()) as store:
            store.run(lambda c: c.execute("UPDATE samples SET texts_json = '{}'"))
            store.run(lambda c: c.execute("DELETE FROM prompts"))
        await press(pilot, "enter")
        await until(pilot, SampleScreen)
        await settle(pilot)
        for name in ("#prompt", "#logged", "#answer"):
            assert "its text is not kept" in text_of(pilot, name)


async def test_a_pair_that_a_happening_names_comes_at_once() -> None:
    async with staged() as pilot:
        keep_recorded("verified")
        sample, prompt = recorded_samples("verified")[0]
        navigation.show_samples(app_of(pilot), RUN, LETTERS, sample.model_id, sample.pair.record_id)
        await until(pilot, SampleScreen)
        await settle(pilot)
        assert prompt.splitlines()[0] in text_of(pilot, "#prompt")
        await press(pilot, "escape")
        assert on_top(pilot, SamplesScreen)


async def test_without_a_store_there_are_no_pairs() -> None:
    async with staged() as pilot:
        navigation.show_samples(app_of(pilot), RUN, LETTERS, TERRA)
        await until(pilot, SamplesScreen)
        await settle(pilot)
        assert "No pairs are kept of this run." in seen(pilot)
        await press(pilot, "enter", "m", "escape", "f", "escape", "g", "escape")
        assert on_top(pilot, SamplesScreen)


async def test_labelling_needs_a_log_and_a_candidate() -> None:
    async with staged() as pilot:
        screen = await browse(pilot, None)
        await press(pilot, "l")
        assert "The log is needed" in told(pilot)
        app_of(pilot).found = found_example()
        await press(pilot, "l")
        assert "Choose a candidate first" in told(pilot)
        assert pilot.app.screen is screen
        await press(pilot, "m")
        await fill_in(pilot, TERRA)
        await press(pilot, "l")
        await until(pilot, LabelScreen)
        await settle(pilot)
        assert "No judged pair can be shown" in text_of(pilot, "#progress")
        await press(pilot, "1", "2", "equals_sign", "s", "escape")
        assert pilot.app.screen is screen


def keep_judged(count: int) -> None:
    """Put judged answers of a candidate into the store, without its name in them."""
    calls = [logged_call(number) for number in range(count)]
    answers = {call.id: Completion(text=f"It comes to the total as asked by {call.id}.") for call in calls}
    pairs = [
        Pair(record_id=name, baseline_score=90, candidate_score=80, answer_digest=answer_digest(answer))
        for name, answer in answers.items()
    ]

    def keep(connection: sqlite3.Connection) -> None:
        records.keep_prompts(connection, dict.fromkeys(answers, "?"), "support")
        for name, answer in answers.items():
            value = Replay(model=TERRA, completion=answer).model_dump(mode="json")
            records.keep_completion(connection, name, TERRA, value)
        records.keep_evaluations(connection, TERRA, "judge", pairs)

    with Database(database_path()) as store:
        store.run(keep)


async def test_labels_are_blind_and_kept_at_once() -> None:
    async with staged() as pilot:
        keep_judged(4)
        calls = tuple(logged_call(number) for number in range(4))
        pilot.app.push_screen(LabelScreen(RUN, TERRA, calls))
        screen = await until(pilot, LabelScreen)
        await settle(pilot)
        asked = []
        for key, place in (("1", 1), ("2", 2), ("equals_sign", 3), ("s", 4)):
            assert f"{place} of 4" in text_of(pilot, "#progress")
            assert "terra" not in seen(pilot)
            assert "luna" not in seen(pilot)
            texts = (text_of(pilot, "#first"), text_of(pilot, "#second"))
            assert any("total as asked by" in text for text in texts)
            assert any("The total is" in text for text in texts)
            asked.append(screen._questions[place - 1])
            await press(pilot, key)
        assert "3 pairs labelled" in text_of(pilot, "#progress")
        with Database(database_path()) as store:
            known = store.read(lambda c: labels.labels_of(c, TERRA))
            check = stored_check(store, TERRA)
        assert known == {
            (question.record_id, question.digest): question.preference(choice)
            for question, choice in zip(asked, ("1", "2", "="), strict=False)
        }
        assert check is not None
        assert check.labelled == 3
        await press(pilot, "1", "s", "escape")
        assert not on_top(pilot, LabelScreen)


async def test_labelling_goes_on_where_it_was_left() -> None:
    async with staged() as pilot:
        keep_judged(3)
        calls = tuple(logged_call(number) for number in range(3))
        for left in (3, 2):
            pilot.app.push_screen(LabelScreen(RUN, TERRA, calls))
            screen = await until(pilot, LabelScreen)
            await settle(pilot)
            assert len(screen._questions) == left
            assert f"{4 - left} of 3" in text_of(pilot, "#progress")
            await press(pilot, "2", "escape")


async def test_quick_labels_are_all_counted() -> None:
    async with staged() as pilot:
        keep_judged(12)
        pilot.app.push_screen(LabelScreen(RUN, TERRA, tuple(logged_call(number) for number in range(12))))
        await until(pilot, LabelScreen)
        await settle(pilot)
        await pilot.press(*["1"] * 12)
        await settle(pilot)
        assert "12 pairs labelled" in text_of(pilot, "#progress")


async def test_money_of_a_pair_is_shown_as_it_is() -> None:
    sample, prompt = odd("call-cost", 300, baseline_cost_usd=Decimal("0.0123"), candidate_cost_usd=None)
    async with staged() as pilot:
        keep_recorded("verified", [(sample, prompt)])
        navigation.show_samples(app_of(pilot), RUN, LETTERS, TERRA, "call-cost")
        await until(pilot, SampleScreen)
        await settle(pilot)
        assert "$0.012 → unknown" in text_of(pilot, "#head")
        assert not pilot.app.screen.query(OptionList)
