"""``health``, ``cache`` and ``purge`` as a user meets them."""

from __future__ import annotations

import json
import os
import pty
import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cqtui.store import cache
from cqtui.store.database import Database
from tests.cli.test_commands import AS_OF, ROOT, cqtui, refused
from tests.fakes import write_log
from tests.integration.upstream import RunningUpstream, running_upstream

MARK = "Harrowfenmark"
KEY = "sk-very-secret"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a log whose prompts and answers hold a mark, and with a finished rehearsal of it."""
    log = write_log(tmp_path / "log.jsonl", 12)
    text = log.read_text(encoding="utf-8").replace("How much are", f"{MARK} asks: how much are")
    log.write_text(text.replace("Each costs", f"{MARK}: each costs"), encoding="utf-8")
    done = cqtui("optimize", log, "--provider", "rehearsal", *AS_OF, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path


def mark_in_files(project: Path) -> bool:
    return any(MARK.encode() in file.read_bytes() for file in (project / ".cqtui").iterdir())


def on_a_terminal(*arguments: str, cwd: Path, typed: str) -> tuple[int, str]:
    """Run the command with a terminal as stdin; gives its exit code and what it wrote."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "wb", buffering=0) as keyboard:
        with os.fdopen(theirs, "rb", buffering=0) as stdin:
            process = subprocess.Popen(
                [sys.executable, "-m", "cqtui", *arguments],
                cwd=cwd,
                env={**os.environ, "PYTHONPATH": str(ROOT), "OPENAI_API_KEY": KEY},
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        keyboard.write(typed.encode())
        output, _ = process.communicate(timeout=60)
    return process.returncode, output


def test_purge_takes_every_byte_of_text_and_leaves_the_report(project: Path) -> None:
    assert mark_in_files(project)
    shown = cqtui("report", cwd=project).stdout
    done = cqtui("purge", "--yes", "--json", cwd=project)
    assert done.returncode == 0, done.stderr
    deleted = json.loads(done.stdout)
    assert deleted["before"] is None
    assert deleted["prompts"] == 12
    assert deleted["answers"] > 0
    assert deleted["total"] == sum(value for key, value in deleted.items() if key not in ("before", "total"))
    assert not mark_in_files(project)
    assert cqtui("report", cwd=project).stdout == shown
    again = cqtui("purge", "--yes", cwd=project)
    assert again.stdout == f"Deleted no text from {Path('.cqtui/cqtui.db')}.\n"


def test_purge_needs_consent(project: Path) -> None:
    refused(cqtui("purge", cwd=project), 2, "--yes")
    code, output = on_a_terminal("purge", cwd=project, typed="n\n")
    assert code == 1
    assert "Delete 12 prompts, " in output
    assert "Nothing was deleted." in output
    assert mark_in_files(project)
    code, output = on_a_terminal("purge", cwd=project, typed="y\n")
    assert code == 0, output
    assert "Deleted 12 prompts, " in output
    assert not mark_in_files(project)


def test_purge_before_a_day_leaves_later_text(project: Path) -> None:
    done = cqtui("purge", "--before", "2020-01-01", "--yes", "--json", cwd=project)
    assert (json.loads(done.stdout)["before"], json.loads(done.stdout)["total"]) == ("2020-01-01", 0)
    assert mark_in_files(project)
    assert cqtui("purge", "--before", "yesterday", "--yes", cwd=project).returncode == 2


@pytest.mark.parametrize("command", [("purge", "--yes"), ("cache", "stats"), ("cache", "invalidate", "--all")])
def test_without_a_store_there_is_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    refused(cqtui(*command, cwd=tmp_path), 2, "no store here yet")
    assert not (tmp_path / ".cqtui").exists()


def test_cache_stats_count_and_hits_grow(project: Path) -> None:
    first = json.loads(cqtui("cache", "stats", "--json", cwd=project).stdout)
    assert list(first) == ["entries", "hits", "bytes", "expired", "kinds"]
    assert first["kinds"]["model_output"]["entries"] > 0
    assert first["entries"] == sum(kind["entries"] for kind in first["kinds"].values())
    assert first["bytes"] == sum(kind["bytes"] for kind in first["kinds"].values()) > 1000
    assert first["expired"] == 0
    assert cqtui("optimize", project / "log.jsonl", "--provider", "rehearsal", *AS_OF, cwd=project).returncode == 0
    second = json.loads(cqtui("cache", "stats", "--json", cwd=project).stdout)
    assert second["hits"] > first["hits"]
    assert second["entries"] == first["entries"]
    lines = cqtui("cache", "stats", cwd=project).stdout.splitlines()
    assert lines[0].split() == ["kind", "entries", "hits", "expired", "size"]
    assert lines[-1].split()[:3] == ["total", f"{second['entries']:,}", f"{second['hits']:,}"]


def forgotten(project: Path, *options: str) -> dict[str, Any]:
    done = cqtui("cache", "invalidate", *options, "--json", cwd=project)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["forgotten"] == sum(found["kinds"].values())
    return found


def test_cache_invalidate_forgets_what_was_chosen(project: Path) -> None:
    before = json.loads(cqtui("cache", "stats", "--json", cwd=project).stdout)
    with sqlite3.connect(project / ".cqtui/cqtui.db") as database:
        rows = database.execute("SELECT DISTINCT model_id FROM attempts WHERE purpose = 'replay'").fetchall()
    models = sorted(model for (model,) in rows)
    assert forgotten(project, "--expired")["forgotten"] == 0
    assert forgotten(project, "--kind", "recommendation")["forgotten"] == 0
    one = forgotten(project, "--kind", "model_output", "--model", models[0].upper())
    assert 0 < one["kinds"]["model_output"] < before["kinds"]["model_output"]["entries"]
    two = forgotten(project, "--kind", "model_output", "--model", models[1].rsplit("/", 1)[-1])
    rest = forgotten(project, "--kind", "model_output")
    counts = [found["kinds"]["model_output"] for found in (one, two, rest)]
    assert all(counts)
    assert sum(counts) == before["kinds"]["model_output"]["entries"]
    assert "evaluation" in json.loads(cqtui("cache", "stats", "--json", cwd=project).stdout)["kinds"]
    done = cqtui("cache", "invalidate", "--all", cwd=project)
    assert done.stdout.startswith("Forgot ")
    assert json.loads(cqtui("cache", "stats", "--json", cwd=project).stdout)["entries"] == 0
    assert cqtui("cache", "invalidate", "--all", cwd=project).stdout == "Forgot 0 entries.\n"


@pytest.mark.parametrize(
    ("kind", "left"),
    [("model_output", {"evaluation:x"}), ("evaluation", {"model_output:x", "trial:x"})],
)
def test_what_was_measured_of_an_answer_goes_with_it(tmp_path: Path, kind: str, left: set[str]) -> None:
    path = tmp_path / ".cqtui/cqtui.db"
    keys = ["model_output:x", "evaluation:x", "pair:x", "trial:x"]
    with Database(path) as store:
        for key in keys:
            store.run(partial(cache.set_value, key=key, value=1))
    assert forgotten(tmp_path, "--kind", kind)["forgotten"] == len(keys) - len(left)
    with Database(path) as store:
        assert store.run(lambda c: {key for (key,) in c.execute("SELECT cache_key FROM cache")}) == left


def test_cache_invalidate_wants_a_choice(project: Path) -> None:
    refused(cqtui("cache", "invalidate", cwd=project), 2, "Nothing was chosen.", "--kind", "--all")
    refused(cqtui("cache", "invalidate", "--all", "--expired", cwd=project), 2, "--all")
    refused(cqtui("cache", "invalidate", "--model", "gpt-5.4-minni", cwd=project), 2, "gpt-5.4-mini")


def health(upstream: RunningUpstream, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    candidates = ("--candidates", "gpt-5.4-mini,gpt-5.6-luna", "--judge", "gpt-6.1-terra")
    arguments = ("health", "--base-url", upstream.base_url, *candidates, *more)
    return cqtui(*arguments, cwd=folder, OPENAI_API_KEY=KEY)


def test_health_asks_candidates_and_judge_for_one_token(tmp_path: Path) -> None:
    with running_upstream() as upstream:
        log = write_log(tmp_path / "log.jsonl", 6)
        done = health(upstream, tmp_path, str(log), "--yes", "--json")
        asked = upstream.requests()
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["status"] == "healthy"
    assert list(found)[:4] == ["status", "uptime_seconds", "components", "last_successful_optimization"]
    assert {model["model_id"]: model["role"] for model in found["models"]} == {
        "openai/gpt-5.4-mini": "candidate",
        "openai/gpt-5.6-luna": "candidate",
        "openai/gpt-6.1-terra": "judge",
    }
    assert sorted(request["model"] for request in asked) == ["gpt-5.4-mini", "gpt-5.6-luna", "gpt-6.1-terra"]
    assert {request["purpose"] for request in asked} == {"ping"}
    assert found["spent_usd"] > 0
    assert KEY not in done.stdout + done.stderr
    assert not (tmp_path / ".cqtui").exists()


def test_health_spends_nothing_without_consent(tmp_path: Path) -> None:
    with running_upstream() as upstream:
        done = health(upstream, tmp_path)
        assert done.returncode == 0, done.stderr
        assert "Not asked, since that costs money. Add --yes" in done.stdout
        options = ("health", "--base-url", upstream.base_url, "--candidates", "gpt-5.4-mini", "--judge", "checks")
        code, output = on_a_terminal(*options, cwd=tmp_path, typed="n\n")
        assert "Ask openai/gpt-5.4-mini for one token each, for at most under $0.0" in output
        assert (code, upstream.requests()) == (0, [])
        code, output = on_a_terminal(*options, cwd=tmp_path, typed="y\n")
        assert code == 0, output
        assert [request["model"] for request in upstream.requests()] == ["gpt-5.4-mini"]


def test_health_says_in_words_what_a_refused_key_means(tmp_path: Path) -> None:
    with running_upstream(require_key="sk-other") as upstream:
        done = health(upstream, tmp_path, "--yes")
    assert done.returncode == 4
    assert done.stdout.startswith("unhealthy\n")
    assert "candidate refused the key (status 401)" in done.stdout
    assert "Check OPENAI_API_KEY." in done.stdout
    assert KEY not in done.stdout + done.stderr


def test_health_without_a_key_or_a_gateway_exits_with_4(tmp_path: Path) -> None:
    done = cqtui("health", "--yes", "--base-url", "http://127.0.0.1:9/v1", cwd=tmp_path)
    assert done.returncode == 4
    assert "http://127.0.0.1:9/v1 cannot be reached" in done.stdout
    assert "Not asked: the gateway cannot be reached." in done.stdout
    (tmp_path / "cqtui.toml").write_text("[gateway]\nhosted = true\n", encoding="utf-8")
    with running_upstream() as upstream:
        done = cqtui("health", "--yes", "--base-url", upstream.base_url, cwd=tmp_path)
        assert upstream.requests() == []
    assert done.returncode == 4
    assert "PORTKEY_API_KEY is not set." in done.stdout


def test_health_does_not_ask_for_consent_that_it_cannot_use(tmp_path: Path) -> None:
    with running_upstream() as upstream:
        (tmp_path / "cqtui.toml").write_text("[gateway]\nhosted = true\n", encoding="utf-8")
        code, output = on_a_terminal("health", "--base-url", upstream.base_url, cwd=tmp_path, typed="y\n")
    assert code == 4
    assert "one token each" not in output
    assert "Not asked: there is no usable key." in output


def test_health_of_a_broken_database_exits_with_1(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_text("no database " * 500)
    done = cqtui("health", "--provider", "rehearsal", cwd=tmp_path, CQTUI_DATABASE="broken.db")
    assert done.returncode == 1
    assert "broken.db: not a cqtui database." in done.stdout
    assert "CQTUI_DATABASE" in done.stdout


def test_health_of_a_log_that_is_none_is_bad_input(tmp_path: Path) -> None:
    refused(cqtui("health", tmp_path / "none.jsonl", cwd=tmp_path), 2, "none.jsonl", "no such file")


@pytest.mark.parametrize("path", [("cache", "stats"), ("cache", "invalidate")])
def test_subcommands_have_an_example(path: tuple[str, ...]) -> None:
    assert "Example" in cqtui(*path, "--help").stdout
