"""Every key of the start screen, and what it writes into cqtui.toml."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from cqtui.engine.variety import Variety
from cqtui.settings import JudgeSettings, load_settings
from cqtui.tui import navigation
from cqtui.tui.engine_thread import EngineThread
from cqtui.tui.screens.dialogs import ChoiceDialog, MessageDialog, QuestionDialog, SeveralDialog, ValueDialog
from cqtui.tui.screens.edits import EDITS
from cqtui.tui.screens.run import RunScreen
from cqtui.tui.screens.start import StartScreen
from cqtui.tui.widgets.rows_view import RowsView
from cqtui.tui.workspace import Choices, Found, look
from tests.fakes import write_log
from tests.tui.acting import app_of, fill_in, message_of, on_top, press, seen, show_start, staged, text_of, told
from tests.tui.stage import found_example, settle, until

CONFIG = """# Ours, since 2024.
current_model = "gpt-5.6-terra"  # the one in use
logs = ["log.jsonl"]
use_case = "support"

[budget]
# ask Ann before you raise it
usd = 2.0

[guardrails.strict]
id = "pc-strict-1"

[guardrails.mild]
id = "pc-mild-1"
"""


def own() -> Found:
    """A configuration and a log of a user's own, in the working directory."""
    write_log(Path("log.jsonl"), 40)
    Path("cqtui.toml").write_text(CONFIG)
    return look(Choices(session={"provider": "rehearsal"}))


async def begin(pilot: Pilot[None], name: str) -> None:
    """Open the edit of a line."""
    place = next(n for n, edit in enumerate(EDITS) if edit.id == name)
    screen = pilot.app.screen
    assert isinstance(screen, StartScreen)
    options = screen.query_one("#settings", OptionList)
    options.focus()
    options.highlighted = place
    await press(pilot, "enter")


def written() -> str:
    text = Path("cqtui.toml").read_text()
    for comment in ("# Ours, since 2024.", "# the one in use", "# ask Ann before you raise it"):
        assert comment in text
    return text


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("budget", "7.5", "usd = 7.5"),
        ("margin", "3", "max_quality_drop_percent = 3"),
        ("saving", "12.5", "min_cost_saving_percent = 12.5"),
        ("samples", "1,200", "max_samples = 1200"),
        ("volume", "250000", "monthly_request_volume = 250000"),
        ("base_url", "http://localhost:8787/v1", 'base_url = "http://localhost:8787/v1"'),
    ],
)
async def test_a_value_is_written_and_a_bad_one_is_not(name: str, value: str, line: str) -> None:
    several = ["many", "-1", "nan", "inf", "sNaN", "1e999999"]
    bad = {"base_url": ["no address"], "budget": several}.get(name, ["1e400"])
    async with staged() as pilot:
        screen = await show_start(pilot, own())
        await begin(pilot, name)
        assert on_top(pilot, ValueDialog)
        await press(pilot, "escape")
        assert pilot.app.screen is screen
        for each in bad:
            await begin(pilot, name)
            await fill_in(pilot, each)
            assert pilot.app.screen is not screen, f"{each!r} was taken"
            while pilot.app.screen is not screen:
                await press(pilot, "escape")
        assert Path("cqtui.toml").read_text() == CONFIG
        await begin(pilot, name)
        await fill_in(pilot, value)
        assert pilot.app.screen is screen
        assert line in written()
        assert "Kept in cqtui.toml" in told(pilot)
        edit = next(edit for edit in EDITS if edit.id == name)
        assert edit.words(screen.found).replace(",", "").strip("$%")[:3] in seen(pilot).replace(",", "")


@pytest.mark.parametrize(
    ("name", "typed", "line"),
    [
        ("current_model", "openai/gpt-6.1-sol", 'current_model = "openai/gpt-6.1-sol"'),
        ("use_case", "coding", 'use_case = "coding"'),
        ("judge", "checks only", 'mode = "checks"'),
        ("judge", "google/gemini-3.1-flash-lite", 'models = ["google/gemini-3.1-flash-lite"]'),
    ],
)
async def test_a_choice_is_written(name: str, typed: str, line: str) -> None:
    async with staged() as pilot:
        screen = await show_start(pilot, own())
        await begin(pilot, name)
        assert on_top(pilot, ChoiceDialog)
        await press(pilot, "escape")
        await begin(pilot, name)
        await fill_in(pilot, "there is none of this name")
        assert on_top(pilot, ChoiceDialog), "nothing fits, so nothing is taken"
        await press(pilot, "escape")
        assert pilot.app.screen is screen
        assert Path("cqtui.toml").read_text() == CONFIG
        await begin(pilot, name)
        await fill_in(pilot, typed)
        assert pilot.app.screen is screen
        assert line in written()


async def test_the_judge_is_automatic_again() -> None:
    async with staged() as pilot:
        screen = await show_start(pilot, own())
        for typed in ("checks only", "automatic"):
            await begin(pilot, "judge")
            await fill_in(pilot, typed)
        assert pilot.app.screen is screen
        assert "checks" not in written()
        assert load_settings(None).judge == JudgeSettings()


async def test_the_provider_holds_for_the_session_alone() -> None:
    async with staged() as pilot:
        screen = await show_start(pilot, own())
        await begin(pilot, "provider")
        await fill_in(pilot, "portkey")
        assert screen.found.settings.provider == "portkey"
        assert Path("cqtui.toml").read_text() == CONFIG
        assert "no key" in text_of(pilot, "#before")


async def test_guardrail_sets_go_off_and_on() -> None:
    async with staged() as pilot:
        screen = await show_start(pilot, own())
        await begin(pilot, "guardrails")
        assert on_top(pilot, SeveralDialog)
        await press(pilot, "space", "escape")
        assert Path("cqtui.toml").read_text() == CONFIG
        await begin(pilot, "guardrails")
        await press(pilot, "space", "enter")
        assert "enabled = false" in written()
        assert [name for name, each in screen.found.settings.guardrails.items() if each.enabled] == ["mild"]
        await begin(pilot, "guardrails")
        await press(pilot, "space", "enter")
        assert "enabled" not in written()


async def test_space_leaves_out_what_is_selected_and_a_chooses_again() -> None:
    async with staged() as pilot:
        screen = await show_start(pilot, own())
        rows = screen.query_one(RowsView)
        before = [candidate.id for candidate in screen.found.plan.ranked]
        await press(pilot, "space")
        assert rows.has_focus, "the first press shows which line is meant"
        assert Path("cqtui.toml").read_text() == CONFIG
        await press(pilot, "space")
        assert [candidate.id for candidate in screen.found.plan.ranked] == before[1:]
        assert before[0] not in written().split("candidates")[1]
        await press(pilot, "a")
        assert [candidate.id for candidate in screen.found.plan.ranked] == before
        assert "candidates" not in written()


async def test_the_last_model_stays() -> None:
    async with staged() as pilot:
        screen = await show_start(pilot, own())
        for _ in screen.found.plan.ranked:
            await press(pilot, "home", "space")
        await press(pilot, "space", "space", "space")
        assert len(screen.found.plan.ranked) == 1
        assert "At least one model must be left" in told(pilot)


async def test_the_example_is_never_written() -> None:
    found = found_example()
    config = found.choices.config_path
    before = config.read_bytes()
    async with staged() as pilot:
        screen = await show_start(pilot, found)
        await begin(pilot, "budget")
        await fill_in(pilot, "9")
        await press(pilot, "space", "space")
        assert screen.found.settings.budget.usd == 9
        assert "the example stays as it is" in told(pilot)
        await begin(pilot, "guardrails")
        assert "Define a set" in message_of(pilot)
        await press(pilot, "escape")
        assert config.read_bytes() == before
        assert not Path("cqtui.toml").exists()


async def test_why_and_log() -> None:
    async with staged() as pilot:
        screen = await show_start(pilot, own())
        await press(pilot, "l")
        assert "40 calls" in message_of(pilot)
        await press(pilot, "escape", "w")
        assert "Fit" in message_of(pilot)
        await press(pilot, "enter")
        assert pilot.app.screen is screen
        rows = screen.query_one(RowsView)
        rows.focus()
        await press(pilot, "end")
        row = rows.current
        assert row is not None
        assert row.place == "out"
        await press(pilot, "enter")
        assert message_of(pilot) == f"Left out: {row.why}"


async def test_start_with_nothing_to_try() -> None:
    found = found_example()
    nothing = dataclasses.replace(found, plan=dataclasses.replace(found.plan, ranked=()))
    async with staged() as pilot:
        screen = await show_start(pilot, nothing)
        assert "No cheaper model fits" in text_of(pilot, "#before")
        await press(pilot, "s")
        assert "No cheaper model fits" in message_of(pilot)
        await press(pilot, "escape")
        assert pilot.app.screen is screen


async def test_start_without_a_key() -> None:
    async with staged() as pilot:
        screen = await show_start(pilot, found_example(provider="portkey"))
        await press(pilot, "s")
        assert "PORTKEY_API_KEY" in message_of(pilot)
        await press(pilot, "escape")
        assert pilot.app.screen is screen


class Started:
    """Stands in the place of the engine; ``plans`` are those that were started."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.plans: list[Found] = []
        monkeypatch.setattr(navigation, "start_run", lambda app, found: self.plans.append(found))


async def test_a_paid_run_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTKEY_API_KEY", "pk-test")
    started = Started(monkeypatch)
    async with staged() as pilot:
        screen = await show_start(pilot, found_example(provider="portkey"))
        for key in ("b", "enter", "escape"):
            await press(pilot, "s")
            assert on_top(pilot, QuestionDialog)
            assert "never more than the budget" in seen(pilot)
            await press(pilot, key)
            assert pilot.app.screen is screen
            assert not started.plans
        await press(pilot, "s", "s")
        assert started.plans == [screen.found]


async def test_the_palette_asks_about_a_paid_run_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTKEY_API_KEY", "pk-test")
    started = Started(monkeypatch)
    async with staged() as pilot:
        await show_start(pilot, found_example(provider="portkey"))
        command = next(each for each in navigation.commands(app_of(pilot)) if each.title == "Start")
        command.callback()
        await settle(pilot)
        assert on_top(pilot, QuestionDialog)
        assert not started.plans


async def test_a_rehearsal_starts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqtui.tui.engine_thread.EngineThread.start", lambda self: None)
    async with staged() as pilot:
        screen = await show_start(pilot, found_example())
        await press(pilot, "s")
        run = await until(pilot, RunScreen)
        assert run.source is app_of(pilot).run_source
        source = run.source
        assert isinstance(source, EngineThread)
        assert source.plan == screen.found.plan


async def test_the_example_by_key_and_by_name() -> None:
    async with staged() as pilot:
        screen = await show_start(pilot, own())
        await press(pilot, "o")
        assert pilot.app.screen is screen
        assert screen.found.choices.is_example
        assert "bundled example" in seen(pilot)
        await press(pilot, "l")
        command = next(each for each in navigation.commands(app_of(pilot)) if each.title == "Bundled example")
        command.callback()
        await settle(pilot)
        assert pilot.app.screen is screen, "what was opened is seen, whatever was on top"


def with_log(found: Found, *, left_out: int, varied: int) -> Found:
    """The same with a log of which calls were left out, and with prompts that differ so much."""
    read = dataclasses.replace(found.log.read, left_out=left_out)
    variety = Variety(len(found.plan.calls), varied, varied)
    plan = dataclasses.replace(found.plan, variety=variety)
    return dataclasses.replace(found, log=dataclasses.replace(found.log, read=read), plan=plan)


@pytest.mark.parametrize(
    ("left_out", "varied", "log", "prompts"),
    [
        (0, 40, "40 calls in 1 file (native 40)", ""),
        (0, 31, "40 calls in 1 file (native 40)", "; 31 of 40 prompts differ"),
        (999_960, 40, "1,000,000 calls in 1 file (native 40), 40 kept", "; all 40 prompts differ"),
        (999_960, 31, "1,000,000 calls in 1 file (native 40), 40 kept", "; 31 of 40 prompts differ"),
    ],
    ids=["whole", "repeats", "sample", "sample-with-repeats"],
)
async def test_a_sample_and_repeated_prompts_are_said(left_out: int, varied: int, log: str, prompts: str) -> None:
    async with staged((80, 24)) as pilot:
        await show_start(pilot, with_log(own(), left_out=left_out, varied=varied))
        lines = [line.rstrip() for line in text_of(pilot, "#facts").splitlines()]
        assert lines[0].endswith(log)
        assert lines[2].partition(" out")[2] == prompts


async def test_f5_reads_again() -> None:
    async with staged() as pilot:
        screen = await show_start(pilot, own())
        write_log(Path("log.jsonl"), 60)
        Path("cqtui.toml").write_text(CONFIG.replace("2.0", "3.0"))
        await press(pilot, "f5")
        assert len(screen.found.log.read.calls) == 60
        assert screen.found.settings.budget.usd == 3


async def test_values_that_the_plan_refuses_are_said_and_not_written() -> None:
    async with staged() as pilot:
        screen = await show_start(pilot, own())
        await begin(pilot, "margin")
        assert on_top(pilot, ValueDialog)
        assert pilot.app.screen.query_one(Input).value == "5"
        await fill_in(pilot, "200")
        assert on_top(pilot, MessageDialog)
        assert "less than 100" in message_of(pilot)
        await press(pilot, "escape")
        assert pilot.app.screen is screen
        assert Path("cqtui.toml").read_text() == CONFIG
