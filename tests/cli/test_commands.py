"""The command line as a user meets it: a process of its own, stdout and stderr apart, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from cqtui.cli.main import COMMANDS
from tests.fakes import write_log

ROOT = Path(__file__).resolve().parents[2]
AS_OF = ("--as-of", "2026-11-25")


def cqtui(*arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "cqtui", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """One clear line on stderr, nothing on stdout, the right exit code."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    errors = [line for line in done.stderr.splitlines() if line.startswith("cqtui: ")]
    assert len(errors) == 1, done.stderr
    assert done.stderr.splitlines()[-1] == errors[0]
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in errors[0]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    folder = tmp_path / "my logs ü"
    folder.mkdir()
    return write_log(folder / "october log.jsonl", 24)


def test_json_validates_and_is_all_that_stdout_holds(log: Path) -> None:
    done = cqtui("optimize", log, "--provider", "rehearsal", "--json", *AS_OF)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    schema = json.loads((ROOT / "docs/optimize.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(result)
    assert result["provider"] == "rehearsal"
    assert result["evidence_kind"] == "simulated"
    assert result["grade"] != "verified"
    assert len(result["candidates"]) >= 3
    assert len(result["candidates"]) + len(result["excluded"]) >= 50


def test_the_schema_in_docs_is_current() -> None:
    from cqtui.report.response import json_schema

    assert (ROOT / "docs/optimize.schema.json").read_text(encoding="utf-8") == json_schema() + "\n"


def test_the_same_command_twice_makes_no_call_and_says_the_same(log: Path, tmp_path: Path) -> None:
    arguments = ("optimize", log, "--provider", "rehearsal", "--json", *AS_OF)
    first = json.loads(cqtui(*arguments, cwd=tmp_path).stdout)
    done = cqtui(*arguments, "--events", tmp_path / "events.jsonl", cwd=tmp_path)
    second = json.loads(done.stdout)
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    replays = [event for event in events if event["kind"] == "replay_finished"]
    assert replays
    assert all(event["from_cache"] for event in replays)
    assert first["verification_cost_usd"] > 0
    assert second["verification_cost_usd"] == 0
    for key in ("timestamp", "processing_time_seconds", "run_id", "verification_cost_usd"):
        del first[key], second[key]
    assert first == second


def test_every_output_of_a_rehearsal_says_so(log: Path, tmp_path: Path) -> None:
    done = cqtui("optimize", log, "--provider", "rehearsal", "--markdown", tmp_path / "r.md", *AS_OF, cwd=tmp_path)
    assert done.stdout.startswith("Rehearsal: simulated answers. Not evidence.\n")
    report = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert report.startswith("> **Rehearsal: simulated answers. Not evidence.**")
    assert "✅" not in report + done.stdout
    again = cqtui("report", cwd=tmp_path)
    assert again.stdout == report
    run = json.loads(cqtui("report", "--json", cwd=tmp_path).stdout)["run_id"]
    assert cqtui("report", run[:5], cwd=tmp_path).stdout == report


def test_the_report_as_html_is_the_same_in_a_file_and_again_on_stdout(log: Path, tmp_path: Path) -> None:
    done = cqtui("optimize", log, "--provider", "rehearsal", "--html", "out/r.html", *AS_OF, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "Report: out/r.html"
    report = (tmp_path / "out/r.html").read_text(encoding="utf-8")
    assert report.startswith("<!doctype html>")
    assert "<strong>Rehearsal: simulated answers. Not evidence.</strong>" in report
    assert "<svg" in report
    assert cqtui("report", "--format", "html", cwd=tmp_path).stdout == report


def test_the_demo_is_computed(tmp_path: Path) -> None:
    done = cqtui("demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "Rehearsal: simulated answers. Not evidence."
    assert lines[2].startswith(("Switching from gpt-5.6-terra", "Keep gpt-5.6-terra", "Not enough evidence"))
    assert lines[-1] == "Report: cqtui-demo-report.md"
    assert (tmp_path / "cqtui-demo-report.md").stat().st_size > 2000


def test_a_changed_log_changes_the_result(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.jsonl", 24)
    one = json.loads(cqtui("optimize", log, "--provider", "rehearsal", "--json", *AS_OF, cwd=tmp_path).stdout)
    log.write_text(log.read_text(encoding="utf-8").replace("Each costs", "One is"), encoding="utf-8")
    two = json.loads(cqtui("optimize", log, "--provider", "rehearsal", "--json", *AS_OF, cwd=tmp_path).stdout)
    assert [c["quality_impact_percent"] for c in one["candidates"]] != [
        c["quality_impact_percent"] for c in two["candidates"]
    ]


def test_a_dry_run_names_candidates_recipients_and_cost_and_calls_nothing(log: Path, tmp_path: Path) -> None:
    done = cqtui("optimize", log, "--dry-run", "--json", *AS_OF, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert len(shown["candidates"]) == 3
    assert 0 < shown["expected_usd"] < shown["worst_usd"]
    assert shown["recipients"]
    assert "Your prompts will be sent redacted to" in done.stderr
    assert not (tmp_path / ".cqtui").exists()


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (None, ("none.jsonl", "no such file")),
        ("", ("empty",)),
        ("hello\nworld\n", ("not a log",)),
        ('{"foo": 1, "bar": 2}\n', ("foo", "bar")),
    ],
)
def test_files_that_are_no_logs(tmp_path: Path, write: str | None, words: tuple[str, ...]) -> None:
    path = tmp_path / "none.jsonl"
    if write is not None:
        path.write_text(write, encoding="utf-8")
    refused(cqtui("optimize", path, "--provider", "rehearsal"), 2, *words)


def test_a_folder_without_logs(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    refused(cqtui("optimize", tmp_path / "logs", "--provider", "rehearsal"), 2, "logs")


def test_no_log_named(tmp_path: Path) -> None:
    refused(cqtui("optimize", cwd=tmp_path), 2, "No log was named.", "cqtui init")


def test_an_unknown_current_model_gets_the_nearest_names(log: Path) -> None:
    done = cqtui("optimize", log, "--provider", "rehearsal", "--current-model", "gpt-4oo")
    refused(done, 2, "gpt-4oo is not in the registry.", "gpt-4o", "gpt-4o-mini")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[constraints]\nmax_latency = 5\n", ('cqtui.toml:2: unknown key "max_latency".', '"max_latency_ms"')),
        ('[[models]]\nid = "openai/gpt-6-luna"\n[models.price]\ninput = 0\n', ("openai/gpt-6-luna", "0")),
        ('[[models]]\nid = "openai/gpt-6-luna"\n[models.price]\ninput = 2500\n', ("openai/gpt-6-luna", "1,000,000")),
        ("[budget]\nusd = -1\n", ("cqtui.toml:2", "-1")),
    ],
)
def test_wrong_settings(log: Path, tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    (tmp_path / "cqtui.toml").write_text(text, encoding="utf-8")
    refused(cqtui("optimize", log, "--provider", "rehearsal", *AS_OF, cwd=tmp_path), 2, *words)


def test_a_negative_budget(log: Path) -> None:
    refused(cqtui("optimize", log, "--provider", "rehearsal", "--budget-usd", "-3"), 2, "-3")


def test_a_missing_key_names_the_ways_without_one(log: Path) -> None:
    refused(cqtui("optimize", log, "--yes"), 4, "No Portkey key.", "--provider rehearsal", "--provider local")


def test_an_unreachable_gateway(log: Path) -> None:
    done = cqtui("optimize", log, "--yes", "--base-url", "http://127.0.0.1:9/v1")
    refused(done, 4, "http://127.0.0.1:9/v1")


def test_spending_needs_consent(log: Path) -> None:
    refused(cqtui("optimize", log, PORTKEY_API_KEY="pk-test-secret"), 2, "--yes", "--dry-run")


def test_a_broken_line_is_skipped_counted_and_named(log: Path) -> None:
    lines = log.read_text(encoding="utf-8").splitlines()
    lines[3] = lines[3][:40]
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = cqtui("optimize", log, "--provider", "rehearsal", "--json", *AS_OF)
    assert done.returncode == 0
    assert "Read 23 calls" in done.stderr
    assert f"{log}:4: " in done.stderr


def test_inspect_tells_without_calling(log: Path, tmp_path: Path) -> None:
    shown = json.loads(cqtui("logs", "inspect", log, "--json", cwd=tmp_path).stdout)
    assert (shown["calls"], shown["formats"], shown["current_model"]) == (24, {"native": 24}, "openai/gpt-5.6-terra")
    assert float(shown["traffic"]["cost_per_call_usd"]) > 0
    assert shown["monthly_cost_usd"] is None  # 23 hours do not tell a month
    text = cqtui("logs", "inspect", log, cwd=tmp_path).stdout
    assert text.splitlines()[-1] == f"Next: cqtui init '{log}'"
    assert not (tmp_path / ".cqtui").exists()


def test_a_recording_that_lacks_an_answer_is_no_invention(log: Path, tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text("", encoding="utf-8")
    done = cqtui(
        "optimize", log, "--provider", "recorded", "--recording", tmp_path / "r.jsonl", "--json", *AS_OF, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["grade"] == "inconclusive"
    assert all(c["ledger"]["failed"] == {"not_recorded": c["ledger"]["replayed"]} for c in result["candidates"])


def test_fail_on_inconclusive_exits_with_three(log: Path, tmp_path: Path) -> None:
    done = cqtui("optimize", log, "--provider", "rehearsal", "--fail-on", "inconclusive", *AS_OF, cwd=tmp_path)
    assert done.returncode == 3


def test_a_rehearsal_cannot_analyze_a_lone_prompt(tmp_path: Path) -> None:
    done = cqtui("analyze", "hello", "--provider", "rehearsal", cwd=tmp_path)
    assert done.returncode == 2


def test_report_without_a_store(tmp_path: Path) -> None:
    refused(cqtui("report", cwd=tmp_path), 2, "cqtui optimize")


def test_every_command_has_help_with_an_example() -> None:
    paths = [(name,) for name in COMMANDS if name not in ("logs", "local")] + [
        ("logs", "inspect"),
        ("logs", "convert"),
        ("local", "install"),
        ("history", "compare"),
    ]
    for path in paths:
        done = cqtui(*path, "--help")
        assert done.returncode == 0, done.stderr
        assert "Example" in done.stdout, path


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['cqtui', '--help']\n"
        "from cqtui.cli.main import cqtui\n"
        "cqtui.main(standalone_mode=False)\n"
        "heavy = {'textual', 'portkey_ai', 'numpy', 'scipy', 'pydantic', 'aiohttp'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert "optimize" in done.stdout


def test_models_lists_shows_and_checks(tmp_path: Path) -> None:
    listed = cqtui("models", "list", "--json", *AS_OF)
    names = [model["id"] for model in json.loads(listed.stdout)]
    assert "openai/gpt-5.4-mini" in names
    assert "openai/gpt-4-turbo" not in names  # retired
    shown = cqtui("models", "show", "gpt-5.4-mini", *AS_OF)
    assert "$0.75 per 1,000,000 tokens" in shown.stdout
    refused(cqtui("models", "show", "gpt-5.4-minni"), 2, "gpt-5.4-mini")
    assert cqtui("models", "check", *AS_OF).returncode == 0


def test_a_price_that_is_off_is_named(tmp_path: Path) -> None:
    wrong = '[[models]]\nid = "openai/gpt-5.4-mini"\n[models.price]\ninput = 0.78\noutput = 4.5\n'
    (tmp_path / "cqtui.toml").write_text(wrong, encoding="utf-8")
    done = cqtui("models", "check", "--json", *AS_OF, cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    (off,) = json.loads(done.stdout)["off"]
    assert off["id"] == "openai/gpt-5.4-mini"
    assert round(off["drift_percent"], 6) == 4.0
