"""Guardrail sets through the real gateway; every figure is checked against what the upstream saw and answered."""

from __future__ import annotations

import collections
import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import write_log
from tests.integration.test_optimize import configure, optimize
from tests.integration.upstream import RunningUpstream

pytestmark = pytest.mark.gateway
CALLS = 24
NUMBER = re.compile(r"\d{3}-\d{2}-\d{4}")
MOST_WORDS = 45
PHRASE = "In short"
SETS: dict[str, dict[str, Any]] = {
    "number_denied": {
        "before_request_hooks": [
            {
                "id": "in1",
                "type": "guardrail",
                "deny": True,
                "checks": [{"id": "default.regexMatch", "parameters": {"rule": NUMBER.pattern, "not": True}}],
            }
        ]
    },
    "number_warned": {"input_guardrails": [{"default.regexMatch": {"rule": NUMBER.pattern, "not": True}}]},
    "phrase_denied": {
        "output_guardrails": [{"default.contains": {"words": [PHRASE], "operator": "none"}, "deny": True}]
    },
    "length_denied": {
        "output_guardrails": [{"default.wordCount": {"minWords": 0, "maxWords": MOST_WORDS}, "deny": True}]
    },
    "schema_warned": {"output_guardrails": [{"default.jsonSchema": {"schema": {"type": "object"}}, "deny": False}]},
    "unknown_check": {"input_guardrails": [{"default.noSuchCheck": {"rule": "x"}, "deny": True}]},
}


def write_calls(folder: Path) -> Path:
    """A log in which every third prompt holds a number that must not leave, and one of them is flagged."""
    path = write_log(folder / "log.jsonl", CALLS)
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for number, record in enumerate(records):
        if number % 3 == 0:
            record["messages"][-1]["content"] += f" My number is 123-45-{6000 + number}."
        record["metadata"] = {"flagged": number == 3}
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def write_sets(folder: Path) -> None:
    """Add the sets to cqtui.toml, as inline JSON-like tables."""
    import tomli_w

    sets = {name: {"config": config} for name, config in SETS.items()}
    with (folder / "cqtui.toml").open("a", encoding="utf-8") as file:
        file.write("\n" + tomli_w.dumps({"guardrails": sets}))


def test_the_table_is_what_the_upstream_saw(gateway_url: str, upstream: RunningUpstream, tmp_path: Path) -> None:
    log = write_calls(tmp_path)
    configure(tmp_path, upstream)
    write_sets(tmp_path)
    more = ("--candidates", "gpt-5.6-luna", "--quality-margin", "60", "--markdown", "report.md")
    result = optimize(tmp_path, log, gateway_url, *more)
    table = {row["name"]: row for row in result["guardrails"]}
    assert list(table) == list(SETS)
    assert all(row["calls"] == CALLS and row["failed"] == 0 for row in table.values())

    with sqlite3.connect(tmp_path / ".cqtui/cqtui.db") as database:
        rows = database.execute("SELECT completion_json FROM completions").fetchall()
    answers = [json.loads(text)["completion"]["text"] for (text,) in rows][
        :CALLS
    ]  # those without guardrails come first
    with_number = CALLS // 3
    with_phrase = sum(PHRASE in answer for answer in answers)
    too_long = sum(len(answer.split()) > MOST_WORDS for answer in answers)
    assert 0 < with_phrase < CALLS  # else this shows nothing
    assert 0 < too_long < CALLS

    def figures(name: str) -> tuple[int, ...]:
        row = table[name]
        keys = ("evaluated", "not_evaluated", "blocked_input", "blocked_output", "flagged", "wrongly_blocked")
        return tuple(row[key] for key in keys)

    assert figures("number_denied") == (CALLS, 0, with_number, 0, 0, with_number - 1)
    assert figures("number_warned") == (CALLS, 0, 0, 0, with_number, 0)
    assert figures("schema_warned") == (CALLS, 0, 0, 0, CALLS, 0)
    assert figures("unknown_check") == (0, CALLS, 0, 0, 0, 0)
    assert figures("phrase_denied")[:3] == (CALLS, 0, 0)
    assert table["phrase_denied"]["blocked_output"] == with_phrase
    assert table["length_denied"]["blocked_output"] == too_long
    assert table["number_denied"]["deciding"] == {"default.regexMatch": with_number}
    assert (table["number_denied"]["labelled"], table["number_denied"]["missed"]) == (1, 0)
    assert (table["phrase_denied"]["labelled"], table["number_warned"]["missed"]) == (1, 0)
    (error,) = table["unknown_check"]["errors"]
    assert "noSuchCheck" in error
    assert table["number_denied"]["refused_by"]["guardrail"] == with_number
    assert table["number_denied"]["blocked_percent"]["value"] == pytest.approx(100 * with_number / CALLS, abs=0.001)

    # Input blocks never reach the model and cost nothing; all others do, once for each set and once without.
    asked = [
        r for r in upstream.requests() if r["model"] == "gpt-5.6-luna" and r["params"] != {"max_completion_tokens": 1}
    ]
    per_body = collections.Counter(request["body_sha256"] for request in asked)
    assert sorted(per_body.values()) == [len(SETS)] * with_number + [len(SETS) + 1] * (CALLS - with_number)
    with sqlite3.connect(tmp_path / ".cqtui/cqtui.db") as database:
        blocked = database.execute(
            "SELECT cost_usd, count(*) FROM attempts WHERE failure_kind = 'blocked_by_guardrail' GROUP BY cost_usd"
        ).fetchall()
    assert dict(blocked) == {"0": with_number, None: with_phrase + too_long}

    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "## Guardrails" in report
    assert "**Not evaluated: 24**" in report

    before = len(upstream.requests())
    again = optimize(tmp_path, log, gateway_url, *more)
    assert len(upstream.requests()) == before
    assert again["guardrails"] == result["guardrails"]
