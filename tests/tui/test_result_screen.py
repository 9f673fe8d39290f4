"""Every key of the result screen, on recorded results."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input, Markdown, TabbedContent

from cqtui.report.render import render_markdown
from cqtui.settings import ReportSettings
from cqtui.tui import navigation
from cqtui.tui.screens.dialogs import ChoiceDialog, MessageDialog, QuestionDialog, ValueDialog
from cqtui.tui.screens.export import FORMATS
from cqtui.tui.screens.label import LabelScreen
from cqtui.tui.screens.result import TABS, GatesDialog, ResultScreen
from cqtui.tui.screens.samples import SampleScreen
from cqtui.tui.screens.start import StartScreen
from cqtui.tui.widgets.rows_view import RowsView
from cqtui.tui.workspace import Found
from tests.tui.acting import (
    Clipboard,
    app_of,
    fill_in,
    message_of,
    on_top,
    press,
    seen,
    show_result,
    show_start,
    staged,
    told,
)
from tests.tui.stage import found_example, recorded_result, until


async def test_tabs_by_number_and_one_after_the_other() -> None:
    async with staged() as pilot:
        screen = await show_result(pilot)
        tabs = screen.query_one(TabbedContent)
        focused = {
            "answer": "answer-scroll",
            "candidates": "tried",
            "samples": "pairs",
            "guardrails": "guardrails-scroll",
            "report": "report-scroll",
            "events": "told",
        }
        for number, name in enumerate(TABS, 1):
            await press(pilot, str(number))
            assert tabs.active == name
            if name in focused:
                assert screen.focused is not None
                assert screen.focused.id == focused[name], "its own keys work at once"
        await press(pilot, "right_square_bracket")
        assert tabs.active == "answer", "after the last comes the first"
        await press(pilot, "left_square_bracket", "left_square_bracket")
        assert tabs.active == "report"
        await press(pilot, "5", "3", "m")
        assert pilot.app.screen is screen, "a hidden tab's keys are dead"


async def test_tabs_show_what_they_are_for() -> None:
    async with staged((120, 60)) as pilot:
        screen = await show_result(pilot)
        result = recorded_result("verified")
        assert result.sentence in seen(pilot)
        for key, words in (
            ("2", "gpt-6.1-terra"),
            ("3", "change of cost"),
            ("4", "48 of 48 pairs"),
            ("5", "No guardrail set"),
            ("6", "Report"),
            ("7", "stopped after 14 calls"),
        ):
            await press(pilot, key)
            assert words in seen(pilot), key
        assert len(screen.query_one("#told", RowsView).rows) == 18


async def test_enter_on_a_candidate_tells_its_rules() -> None:
    async with staged() as pilot:
        screen = await show_result(pilot)
        await press(pilot, "2", "down", "enter")
        assert on_top(pilot, GatesDialog)
        row = screen.query_one("#tried", RowsView).current
        assert row is not None
        assert row.candidate.id in seen(pilot)
        assert row.gates[0].name in seen(pilot)
        await press(pilot, "escape")
        assert pilot.app.screen is screen


async def test_enter_on_a_pair_opens_it() -> None:
    async with staged() as pilot:
        screen = await show_result(pilot)
        await press(pilot, "4", "enter")
        await until(pilot, SampleScreen)
        await press(pilot, "escape")
        assert pilot.app.screen is screen


async def test_copy_label_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged() as pilot:
        clipboard = Clipboard(pilot, monkeypatch)
        screen = await show_result(pilot)
        await press(pilot, "y")
        assert clipboard.texts == [recorded_result("verified").sentence]
        await press(pilot, "l")
        assert pilot.app.screen is screen
        assert "The log is needed" in told(pilot)
        app_of(pilot).found = found_example()
        await press(pilot, "l")
        assert on_top(pilot, LabelScreen)
        await press(pilot, "escape")
        assert pilot.app.screen is screen


async def test_back_to_the_start_screen() -> None:
    async with staged() as pilot:
        start = await show_start(pilot, found_example())
        await show_result(pilot)
        await press(pilot, "2", "b")
        assert pilot.app.screen is start
        navigation.show_result(app_of(pilot), recorded_result("verified"))
        await until(pilot, ResultScreen)
        await press(pilot, "escape")
        assert on_top(pilot, StartScreen)


async def test_every_format_is_written() -> None:
    async with staged() as pilot:
        screen = await show_result(pilot)
        app_of(pilot).found = found_example()
        result = recorded_result("verified")
        for number, ending in enumerate(FORMATS):
            await press(pilot, "e")
            assert on_top(pilot, ChoiceDialog)
            await press(pilot, *["down"] * number, "enter")
            assert on_top(pilot, ValueDialog)
            assert pilot.app.screen.query_one(Input).value == f"cqtui-{result.run_id[:8]}.{ending}"
            await fill_in(pilot, f"out/of/report.{ending}")
            assert pilot.app.screen is screen, ending
            assert f"report.{ending}" in told(pilot)
        folder = Path("out/of")
        assert (folder / "report.md").read_text() == render_markdown(result)
        assert (folder / "report.html").read_text().startswith("<!")
        assert json.loads((folder / "report.json").read_text())["run_id"] == result.run_id
        assert (folder / "report.csv").read_text().count("\n") == 1 + len(result.evidence)
        assert "terra" in json.dumps(json.loads((folder / "report.config.json").read_text()))


async def test_an_existing_file_is_asked_about() -> None:
    async with staged() as pilot:
        screen = await show_result(pilot)
        file = Path("mine.md")
        file.write_text("mine")
        for key in ("n", "enter", "escape"):
            await press(pilot, "e", "enter")
            await fill_in(pilot, "mine.md")
            assert on_top(pilot, QuestionDialog)
            await press(pilot, key)
            assert pilot.app.screen is screen
            assert file.read_text() == "mine"
        await press(pilot, "e", "enter")
        await fill_in(pilot, "mine.md")
        await press(pilot, "r")
        assert file.read_text() == render_markdown(recorded_result("verified"))


async def test_a_file_that_cannot_be_written_is_said() -> None:
    async with staged() as pilot:
        screen = await show_result(pilot)
        Path("folder").mkdir()
        Path("file").write_text("mine")
        await press(pilot, "e", "enter")
        for value, complaint in (
            ("", "Type a name"),
            ("folder", "is a folder"),
            ("~nobody-of-that-name/x.md", "no such user"),
            ("n" * 300, "too long"),
        ):
            await fill_in(pilot, value)
            assert on_top(pilot, ValueDialog)
            assert complaint in seen(pilot)
        await press(pilot, "escape")
        assert pilot.app.screen is screen
        await press(pilot, "e", "enter")
        await fill_in(pilot, "file/report.md")
        assert on_top(pilot, MessageDialog)
        assert "file" in message_of(pilot)
        await press(pilot, "escape", "e", "escape")
        assert pilot.app.screen is screen
        assert Path("file").read_text() == "mine"


async def test_a_config_that_cannot_be_made_is_said() -> None:
    async with staged() as pilot:
        screen = await show_result(pilot, "inconclusive")
        await press(pilot, "e", *["down"] * 4, "enter")
        assert on_top(pilot, MessageDialog)
        assert message_of(pilot)
        await press(pilot, "enter")
        assert pilot.app.screen is screen


def found_with_templates(text: str) -> Found:
    """The bundled example, with a report template of the user's."""
    folder = Path("templates")
    folder.mkdir()
    (folder / "report.md.j2").write_text(text)
    found = found_example()
    settings = found.settings.model_copy(update={"report": ReportSettings(templates=str(folder.absolute()))})
    return replace(found, settings=settings)


async def test_the_report_is_made_from_the_users_own_templates() -> None:
    async with staged() as pilot:
        app_of(pilot).found = found_with_templates("Harrowfen's own: {{ run_id }}\n")
        screen = await show_result(pilot)
        result = recorded_result("verified")
        await press(pilot, "6")
        assert f"Harrowfen's own: {result.run_id}" in screen.query_one("#markdown", Markdown).source
        await press(pilot, "e", "enter")
        await fill_in(pilot, "report.md")
        assert Path("report.md").read_text() == f"Harrowfen's own: {result.run_id}\n"


async def test_a_template_that_is_broken_is_said_and_ours_takes_its_place() -> None:
    async with staged() as pilot:
        app_of(pilot).found = found_with_templates("{{ no_such_value }}\n")
        screen = await show_result(pilot)
        await press(pilot, "6")
        assert on_top(pilot, MessageDialog)
        assert "report.md.j2" in message_of(pilot)
        await press(pilot, "escape")
        assert pilot.app.screen is screen
        assert "What it rests on" in screen.query_one("#markdown", Markdown).source
