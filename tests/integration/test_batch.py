"""Batch mode through the SDK, the gateway and an upstream with files and jobs."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cqtui.models import Usage
from cqtui.registry.loader import load_registry
from cqtui.registry.pricing import cost_of
from tests.fakes import write_log
from tests.integration.batch_upstream import jobs_of, running_batch_upstream
from tests.integration.test_optimize import environment

pytestmark = pytest.mark.gateway
CALLS = 12
AS_OF = date(2026, 11, 25)
MODELS = ["gpt-5.4-mini", "gpt-5.4-nano"]


def command(log: Path, gateway_url: str, *more: str) -> list[str]:
    options = ["--base-url", gateway_url, "--candidates", ",".join(MODELS), "--judge", "gpt-6.1-terra", "--batch"]
    return [
        sys.executable,
        "-m",
        "cqtui",
        "optimize",
        str(log),
        *options,
        "--yes",
        "--json",
        "--as-of",
        "2026-11-25",
        *more,
    ]


def configure(folder: Path, base_url: str) -> None:
    text = f'current_model = "gpt-5.6-terra"\n[gateway]\ncustom_host = "{base_url}"\nbatch_poll_s = 0.2\n'
    (folder / "cqtui.toml").write_text(text, encoding="utf-8")


def run(folder: Path, log: Path, gateway_url: str, *more: str) -> dict[str, Any]:
    done = subprocess.run(
        command(log, gateway_url, *more), cwd=folder, env=environment(), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_a_run_in_jobs_costs_the_batch_price_and_is_not_repeated(gateway_url: str, tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.jsonl", CALLS)
    with running_batch_upstream("--job-s=0.3") as upstream:
        configure(tmp_path, upstream)
        result = run(tmp_path, log, gateway_url)
        jobs = jobs_of(upstream)
        again = run(tmp_path, log, gateway_url)
        assert jobs_of(upstream) == jobs
    assert [c["samples_evaluated"] for c in result["candidates"]] == [CALLS, CALLS]
    assert all(c["latency_p95_ms"] is None for c in result["candidates"])
    assert again["candidates"] == result["candidates"]
    sizes = {model: [len(job["keys"]) for job in jobs if job["model"] == model] for model in MODELS}
    assert sizes == {model: [CALLS] for model in MODELS}  # one job a model: the calls travelled together
    keys = [key for job in jobs for key in job["keys"]]
    assert len(keys) == len(set(keys))
    with sqlite3.connect(tmp_path / ".cqtui/cqtui.db") as database:
        model = "openai/gpt-5.4-mini"
        of_model = "FROM attempts WHERE model_id = ? AND purpose = 'replay'"
        spent = sum(Decimal(cost) for (cost,) in database.execute(f"SELECT cost_usd {of_model}", (model,)))
        answers = database.execute("SELECT completion_json FROM completions WHERE model_name = ?", (model,)).fetchall()
    entry = load_registry(today=AS_OF).get(model)
    usages = [Usage.model_validate(json.loads(text)["usage"]) for (text,) in answers]
    batch = sum(cost_of(entry, usage, AS_OF, batch=True) or Decimal(0) for usage in usages)
    assert len(usages) == CALLS
    assert spent == batch < sum(cost_of(entry, usage, AS_OF) or Decimal(0) for usage in usages)


def test_a_run_that_ended_finds_its_jobs_again(gateway_url: str, tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.jsonl", CALLS)
    with running_batch_upstream("--job-s=4") as upstream:
        configure(tmp_path, upstream)
        process = subprocess.Popen(
            command(log, gateway_url), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        deadline = time.monotonic() + 30
        while len(jobs_of(upstream)) < len(MODELS) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.5)  # the jobs are noted
        process.send_signal(signal.SIGKILL)
        process.communicate()
        first = jobs_of(upstream)
        assert [len(job["keys"]) for job in first] == [CALLS, CALLS]
        result = run(tmp_path, log, gateway_url)
        replays = [job for job in jobs_of(upstream) if job["model"] in MODELS]
    assert replays == first  # nothing was submitted twice
    assert [c["samples_evaluated"] for c in result["candidates"]] == [CALLS, CALLS]
    with sqlite3.connect(tmp_path / ".cqtui/cqtui.db") as database:
        taken_up = database.execute(
            "SELECT count(*), sum(cost_usd) FROM attempts WHERE failure_kind = 'taken_up_again'"
        ).fetchone()
        open_attempts = database.execute("SELECT count(*) FROM attempts WHERE state = 'sent'").fetchone()[0]
    assert taken_up == (2 * CALLS, 0)
    assert open_attempts == 0


def test_ctrl_c_leaves_the_jobs_and_says_so(gateway_url: str, tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.jsonl", CALLS)
    with running_batch_upstream("--job-s=60") as upstream:
        configure(tmp_path, upstream)
        process = subprocess.Popen(
            command(log, gateway_url),
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 30
        while len(jobs_of(upstream)) < len(MODELS) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert json.loads(out)["evaluation_stage"] == "interrupted"
    assert "the same command collects them" in err
    assert "Traceback" not in err


def test_what_a_job_left_unserved_travels_in_another(gateway_url: str, tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.jsonl", CALLS)
    with running_batch_upstream("--job-s=0.2", "--expire-first") as upstream:
        configure(tmp_path, upstream)
        result = run(tmp_path, log, gateway_url)
        jobs = jobs_of(upstream)
    assert [c["samples_evaluated"] for c in result["candidates"]] == [CALLS, CALLS]
    model = jobs[0]["model"]
    mine = [job for job in jobs if job["model"] == model]
    assert sum(len(job["keys"]) for job in mine) == CALLS + CALLS // 2
    served = set(jobs[0]["keys"][: CALLS // 2])
    assert not served & {key for job in mine[1:] for key in job["keys"]}
