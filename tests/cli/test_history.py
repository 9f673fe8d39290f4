"""``cqtui history`` on stored runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.cells import cell_len

from cqtui.cli.history import fit, history_lines
from cqtui.report.history import summary_of
from tests.cli.test_commands import cqtui, refused
from tests.fakes import pairs
from tests.results import NEW, recommendation, store_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store_run(tmp_path, recommendation(run_id="aaa111"))
    store_run(tmp_path, recommendation(pairs(60, drop=1.0), run_id="aab222", judge="acme/other"))
    store_run(tmp_path, recommendation(pairs(60, drop=30.0), run_id="ccc333", provider="rehearsal"))
    return tmp_path


def test_runs_are_listed_in_words_within_80_columns(folder: Path) -> None:
    done = cqtui("history", cwd=folder)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert lines[0].split() == ["run", "when", "(UTC)", "answer", "pairs", "spent", "provider"]
    assert lines[1].startswith("aab222 ")
    assert " leaning " in lines[1]
    assert lines[2] == "  openai/gpt-5.6-terra -> openai/gpt-5.6-luna"
    assert lines[3].startswith("  cost −")
    assert "The same switch over time, the oldest first:" in lines
    assert "ccc333" not in done.stdout


def test_rehearsals_are_listed_where_asked_for_and_marked(folder: Path) -> None:
    lines = cqtui("history", "--all", cwd=folder).stdout.splitlines()
    assert lines[1].split()[0] == "ccc333"
    assert "nothing" in lines[1]  # was spent
    assert lines[2] == "  rehearsal: simulated answers, not evidence"
    document = json.loads(cqtui("history", "--all", "--json", cwd=folder).stdout)
    assert [run["simulated"] for run in document["runs"]] == [True, False, False]
    (trend,) = document["trends"]
    assert [point["run_id"] for point in trend["points"]] == ["aaa111", "aab222"]


def test_two_runs_compared(folder: Path) -> None:
    done = cqtui("history", "compare", "aaa", "aab", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert max(map(cell_len, done.stdout.splitlines())) <= 80
    assert "The answers differ." in done.stdout
    assert "    B: acme/other" in done.stdout
    assert "no difference shown" in done.stdout
    document = json.loads(cqtui("history", "compare", "aaa", "aab", "--json", cwd=folder).stdout)
    assert json.loads(cqtui("history", "--json", "compare", "aaa", "aab", cwd=folder).stdout) == document
    assert (document["a"]["run_id"], document["b"]["run_id"]) == ("aaa111", "aab222")
    assert [each["what"] for each in document["conditions"]] == ["judge"]
    assert document["candidates"][0]["model"] == NEW


def test_unknown_and_ambiguous_runs_get_one_line(folder: Path) -> None:
    refused(cqtui("history", "compare", "aa", "ccc", cwd=folder), 2, '2 runs begin with "aa"', "Give more")
    refused(cqtui("history", "compare", "aaa", "zz", cwd=folder), 2, '"zz"', "cqtui history --all")


def test_without_a_store_and_without_a_run(tmp_path: Path) -> None:
    refused(cqtui("history", cwd=tmp_path), 2, "cqtui optimize")
    store_run(tmp_path, recommendation(provider="rehearsal"))
    assert cqtui("history", cwd=tmp_path).stdout == "No run yet; rehearsals are listed with --all.\n"
    assert json.loads(cqtui("history", "--json", cwd=tmp_path).stdout) == {"runs": [], "trends": []}


def test_wide_letters_and_escapes_keep_the_columns() -> None:
    for text in ("模型" * 30, "a\x1b[31m" * 30, "x"):
        assert cell_len(fit(text, 21)) == 21
        assert "\x1b" not in fit(text, 21)
    hostile = summary_of(recommendation()).model_copy(
        update={"model": "模型/" + "大" * 60, "provider": "acme\x1b]0;x\x07", "run_id": "é" * 30}
    )
    lines = list(history_lines([hostile]))
    assert max(map(cell_len, lines)) <= 80
    assert not [line for line in lines if "\x1b" in line or "\x07" in line]
