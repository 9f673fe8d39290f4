"""Lines on terminals of any width, and commands as they can be typed again."""

from __future__ import annotations

import sys
from typing import Any

import click
import pytest
from click.testing import CliRunner

from cqtui.cli.command_line import given_words, typed
from cqtui.cli.lines import tell
from cqtui.cli.optimize import command as optimize
from cqtui.cli.progress import ProgressLines
from cqtui.engine.run_state import RunState
from cqtui.tui.words import expected_change


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")


def test_a_terminal_gets_lines_broken_between_words(
    narrow: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = "Trying bedrock/amazon.nova-micro-v1:0, claude-haiku-5-5 on 400 calls."
    tell(line)
    assert capsys.readouterr().out == f"{line}\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    tell(line)
    shown = capsys.readouterr().out.splitlines()
    assert " ".join(shown) == line
    assert len(shown) == 2
    command = "Next: cqtui optimize --provider=rehearsal --budget-usd=2"
    tell(command)
    assert capsys.readouterr().out == f"{command}\n"


def test_the_progress_line_stays_within_the_terminal(narrow: None, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ProgressLines(live=True)
    lines._draw("x" * 300)
    drawn = capsys.readouterr().err
    assert drawn == "\r" + "x" * 39


def test_the_progress_line_begins_with_what_was_done_and_spent() -> None:
    assert RunState().line().split("  ")[1] == "$0.00 of $0.00"


@pytest.mark.parametrize(
    ("given", "changes", "again"),
    [
        (["--dry-run"], {"dry_run": None, "provider": "rehearsal"}, "cqtui optimize --provider rehearsal"),
        (["my logs/", "--provider", "rehearsal"], {"provider": None}, "cqtui optimize 'my logs'"),
        (
            ["a", "b", "--as-of", "2026-11-25", "--no-resume", "--judge=x,y", "--budget-usd", "2.50"],
            {},
            "cqtui optimize a b --judge x,y --budget-usd 2.50 --as-of 2026-11-25 --no-resume",
        ),
    ],
)
def test_a_command_can_be_typed_again(given: list[str], changes: dict[str, Any], again: str) -> None:
    with optimize.make_context("optimize", given) as context:
        assert typed("optimize", *given_words(context, changes)) == again


def test_a_name_like_an_option_stays_a_name() -> None:
    @click.command()
    @click.argument("names", nargs=-1)
    @click.pass_context
    def echo(context: click.Context, names: tuple[str, ...]) -> None:
        click.echo(typed(*given_words(context)))

    assert CliRunner().invoke(echo, ["--", "-x"]).stdout == "cqtui -- -x\n"


def test_what_a_dearer_model_costs_has_one_sign() -> None:
    assert [expected_change(saving) for saving in (46.4, 0.2, -350.0)] == ["−46%", "−0%", "+350%"]
