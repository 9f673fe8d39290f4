"""What ``cqtui logs inspect`` says of a log."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cqtui.cli.logs import command
from cqtui.engine.inspection import inspect_log
from cqtui.engine.log import read_log
from cqtui.engine.optimize import registry_for
from cqtui.report.filters import days
from cqtui.report.inspection import outcome_rows
from cqtui.settings import Settings

AS_OF = ("--as-of", "2026-11-25")
SHOUT = "\x1b[31m[bold]\u202e"


def record(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A native record, without the fields that are None."""
    values = {
        "id": f"r{number}",
        "timestamp": (datetime(2026, 10, 1, tzinfo=UTC) + timedelta(days=number)).isoformat(),
        "model": "gpt-5.6-terra",
        "messages": [{"role": "user", "content": f"question {number}"}],
        "completion": {"content": f"answer {number}"},
        "usage": {"input_tokens": 1000, "output_tokens": 100},
        **changes,
    }
    return {name: value for name, value in values.items() if value is not None}


def written(path: Path, *records: dict[str, Any] | str) -> Path:
    path.write_text(
        "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in records), encoding="utf-8"
    )
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Of every outcome one or more."""
    return written(
        tmp_path / "log.jsonl",
        *(record(number) for number in range(4)),
        record(4, completion=None),
        record(4, completion=None),
        record(5, messages=[{"role": "user", "content": ""}]),
        "broken",
    )


def inspect(*arguments: object) -> Result:
    return CliRunner().invoke(command, ["inspect", *map(str, arguments), *AS_OF])


def as_json(*arguments: object) -> dict[str, Any]:
    done = inspect(*arguments, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_outcomes_add_up_to_the_records(log: Path) -> None:
    found = as_json(log)
    assert found["outcomes"] == {
        "with_answer": 4,
        "without_answer": 1,
        "part_of_another": 0,
        "not_replayable": 2,
        "rejected": 1,
    }
    assert sum(found["outcomes"].values()) == found["records"] == 8
    assert found["not_replayable"] == {"repeat of an identical record": 1, "no message has content": 1}
    assert found["rejected"] == [{"reason": "not JSON: Expecting value", "file": str(log), "line": 8}]
    assert found["incomplete"] == []
    assert sum(found["not_replayable"].values()) == found["outcomes"]["not_replayable"]


def test_people_see_the_same_sum_and_where_the_first_problem_is(log: Path) -> None:
    settings = Settings(as_of=date(2026, 11, 25))
    rows = outcome_rows(
        inspect_log(read_log([log], settings, registry_for(settings)), settings, registry_for(settings))
    )
    assert sum(int(count) for label, count, _ in rows[:-1] if label) == int(rows[-1][1]) == 8
    text = inspect(log).stdout
    assert f"{log}:8: not JSON" in text
    assert "1  no message has content" in text


def test_traffic_and_cost_today(tmp_path: Path) -> None:
    cached = {"input_tokens": 1000, "output_tokens": 100, "cached_tokens": 800}
    path = written(
        tmp_path / "log.jsonl",
        *(record(number, usage=cached) for number in range(8)),
        record(8, model="acme-9"),
        record(9, usage={}, completion=None),
    )
    found = as_json(path)
    cost, traffic = found["cost"], found["traffic"]
    assert (cost["billed_calls"], cost["calls_without_tokens"]) == (8, 1)
    assert cost["calls_without_price"] == {"acme-9": 1}
    assert cost["billed_calls"] + cost["calls_without_tokens"] + sum(cost["calls_without_price"].values()) == 10
    assert 0 < cost["billed_per_call_usd"] < cost["list_per_call_usd"]
    assert traffic["monthly_source"] == "log"
    assert traffic["input_percentiles"]["p99"] == 1000
    text = inspect(path).stdout
    assert "priced              8 of 10 calls; not 1 call without tokens, 1 call of acme-9" in text
    assert "acme-9 is not in the registry." in text
    assert "2026-10-01 to 2026-10-10 (UTC), 9.0 days" in text


def test_what_optimize_would_use_and_the_next_command(log: Path, tmp_path: Path) -> None:
    found = as_json(log)
    plan = found["optimize"]
    assert (plan["current_model"], plan["sample"]) == ("openai/gpt-5.6-terra", 4)
    assert len(plan["candidates"]) == 3
    assert plan["judges"]
    assert 1 <= plan["different_prompts"] <= 4
    assert found["problem"] is None
    assert found["next"] == f"cqtui init {log}"
    (tmp_path / "my.toml").write_text("[thresholds]\nmax_samples = 2\n", encoding="utf-8")
    configured = as_json(log, "--config", tmp_path / "my.toml")
    assert configured["optimize"]["sample"] == 2
    assert configured["next"] == f"cqtui optimize {log} --config={tmp_path / 'my.toml'} --dry-run"


AGAIN, NAMED = "cqtui logs inspect {log}, once that is done", "cqtui init {log} --current-model MODEL"


@pytest.mark.parametrize(
    ("changes", "problem", "todo", "next_step"),
    [
        (
            {"messages": [{"role": "user"}]},
            "No record holds a prompt.",
            "docs/log-formats.md",
            AGAIN,
        ),
        (
            {"completion": None},
            "No call has an answer to compare with.",
            "Log answers",
            AGAIN,
        ),
        (
            {"model": None},
            "The log does not name its model.",
            "--current-model",
            NAMED,
        ),
        (
            {"model": "gpt-4oo"},
            "gpt-4oo is not in the registry.",
            "Nearest: gpt-4o",
            NAMED,
        ),
    ],
)
def test_a_log_that_lacks_something_says_what_to_do(
    tmp_path: Path, changes: dict[str, Any], problem: str, todo: str, next_step: str
) -> None:
    path = written(tmp_path / "log.jsonl", *(record(number, **changes) for number in range(3)))
    found = as_json(path)
    assert found["optimize"] is None
    assert found["problem"]["what"] == problem
    assert todo in found["problem"]["todo"]
    text = inspect(path).stdout
    assert problem in text
    assert text.splitlines()[-1] == f"Next: {next_step.format(log=path)}"


def test_a_model_named_on_the_command_line_is_enough(tmp_path: Path) -> None:
    path = written(tmp_path / "log.jsonl", *(record(number, model=None) for number in range(3)))
    found = as_json(path, "--current-model", "gpt-5.6-terra")
    assert found["optimize"]["current_model"] == "openai/gpt-5.6-terra"
    assert found["next"] == f"cqtui init {path} --current-model=gpt-5.6-terra"


def test_foreign_text_is_inert_and_lines_fit(tmp_path: Path) -> None:
    odd = {"model": SHOUT, "metadata": {"segment": SHOUT + "x" * 300}}
    path = written(tmp_path / "a.jsonl", record(1, **odd), record(2), '{"\x1b[31m": 1}')
    text = inspect(path).stdout
    assert not {"\x1b", "\u202e"} & set(text)
    assert "[bold]" in text
    assert not [
        line for line in text.splitlines() if len(line) > 80 and str(tmp_path) not in line and "registry" not in line
    ]


def test_without_a_path_the_settings_name_the_log(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(log.parent)
    Path("cqtui.toml").write_text('logs = ["*.jsonl"]\n', encoding="utf-8")
    found = as_json()
    assert found["records"] == 8
    assert found["next"] == "cqtui optimize --dry-run"


def test_a_short_span_is_no_zero_and_what_would_fit_is_counted_once(tmp_path: Path) -> None:
    path = written(tmp_path / "log.jsonl", record(1), record(2, timestamp="2026-10-02T00:00:20Z"))
    text = inspect(path).stdout
    assert "2026-10-02 (UTC), under a minute" in text
    settings = Settings(as_of=date(2026, 11, 25))
    registry = registry_for(settings)
    plan = inspect_log(read_log([path], settings, registry), settings, registry).plan
    assert plan is not None
    fit, unfit = map(int, re.findall(r"(\d+)\s+would\s+fit,\s+(\d+)\s+would\s+not", text)[0])
    left_out = [each for each in plan.discovery.excluded if "close to one" not in each.reason]
    assert (fit, unfit) == (len(plan.discovery.eligible), len(left_out))


@pytest.mark.parametrize(
    ("span", "words"), [(6.25, "6.2 days"), (0.5, "12.0 hours"), (1 / 1440, "1 minute"), (0.0, "under a minute")]
)
def test_spans_of_time_in_words(span: float, words: str) -> None:
    assert days(span) == words
