"""The main job for real: the command, the portkey-ai SDK, the open-source gateway and an upstream, each a process."""

from __future__ import annotations

import collections
import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import write_log
from tests.integration.upstream import RunningUpstream

pytestmark = pytest.mark.gateway
ROOT = Path(__file__).resolve().parents[2]
CANDIDATES = "gpt-5.4-mini,gpt-5.6-luna,gpt-5.4-nano"


def command(log: Path, gateway_url: str, *more: str) -> list[str]:
    """The command line of one optimisation through the gateway."""
    return [
        *(sys.executable, "-m", "cqtui", "optimize", str(log), "--base-url", gateway_url, "--yes", "--json"),
        *("--candidates", CANDIDATES, "--as-of", "2026-11-25", "--budget-usd", "20", *more),
        *("--judge", "gpt-6.1-terra"),
    ]


def configure(folder: Path, upstream: RunningUpstream, **gateway: int) -> None:
    """A cqtui.toml that sends the gateway's calls to the upstream."""
    extra = "".join(f"{name} = {value}\n" for name, value in gateway.items())
    text = f'current_model = "gpt-5.6-terra"\n[gateway]\ncustom_host = "{upstream.base_url}"\n{extra}'
    (folder / "cqtui.toml").write_text(text, encoding="utf-8")


def environment(**more: str) -> dict[str, str]:
    """The test's surroundings, with a key for the upstream."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OPENAI_API_KEY": "sk-test", **more}


def optimize(folder: Path, log: Path, gateway_url: str, *more: str) -> dict[str, Any]:
    """Run to the end and return the JSON."""
    done = subprocess.run(
        command(log, gateway_url, *more),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def bodies(upstream: RunningUpstream) -> list[str]:
    """A hash of each request that arrived, pings apart, in order."""
    return [request["body_sha256"] for request in upstream.requests() if request["params"].get("max_tokens") != 1
            and request["params"].get("max_completion_tokens") != 1]  # fmt: skip


def test_the_main_job_through_sdk_gateway_and_upstream(
    gateway_url: str, upstream: RunningUpstream, tmp_path: Path
) -> None:
    log = write_log(tmp_path / "log.jsonl", 12)
    configure(tmp_path, upstream)
    result = optimize(tmp_path, log, gateway_url)
    assert result["provider"] == "portkey"
    assert result["evidence_kind"] == "measured"
    assert [c["samples_evaluated"] for c in result["candidates"]] == [12, 12, 12]
    arrived = upstream.requests()
    models = collections.Counter(request["model"] for request in arrived)
    assert {"gpt-5.4-mini", "gpt-5.6-luna", "gpt-5.4-nano"} <= set(models)
    assert sum(request["judge"] for request in arrived) >= 12 * 2
    # Portkey's headers stay at the gateway; the wire shape is the candidate's.
    assert not any(request["portkey_headers"] for request in arrived)
    replays = [request for request in arrived if request["model"] == "gpt-5.6-luna" and not request["judge"]]
    assert all("max_completion_tokens" in request["params"] for request in replays)
    assert result["verification_cost_usd"] > 0

    before = len(arrived)
    again = optimize(tmp_path, log, gateway_url)
    assert len(upstream.requests()) == before
    for key in ("timestamp", "processing_time_seconds", "run_id", "verification_cost_usd"):
        del result[key], again[key]
    assert again == result


@pytest.mark.parametrize("upstream", [{"require_key": "sk-other"}], indirect=True)
def test_a_wrong_key_is_one_line_and_exit_4(gateway_url: str, upstream: RunningUpstream, tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.jsonl", 6)
    configure(tmp_path, upstream)
    done = subprocess.run(
        command(log, gateway_url), cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 4, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("cqtui: ")
    assert "sk-test" not in done.stderr
    assert 1 <= len(upstream.requests()) <= 4  # the pings alone


@pytest.mark.parametrize("upstream", [{"fail_first": 1, "status": 503}], indirect=True)
def test_transient_failures_are_retried_and_counted(
    gateway_url: str, upstream: RunningUpstream, tmp_path: Path
) -> None:
    log = write_log(tmp_path / "log.jsonl", 6)
    configure(tmp_path, upstream, attempts=4)
    result = optimize(tmp_path, log, gateway_url)
    assert [c["samples_evaluated"] for c in result["candidates"]] == [6, 6, 6]
    with sqlite3.connect(tmp_path / ".cqtui/cqtui.db") as database:
        failed = database.execute("SELECT count(*) FROM attempts WHERE failure_kind = 'server_error'").fetchone()[0]
    assert failed >= 6 * 3


@pytest.mark.parametrize("upstream", [{"latency_ms": 120}], indirect=True)
def test_a_killed_run_repeats_no_call_whose_answer_it_has(
    gateway_url: str, upstream: RunningUpstream, tmp_path: Path
) -> None:
    log = write_log(tmp_path / "log.jsonl", 40)
    configure(tmp_path, upstream, concurrency=8)
    process = subprocess.Popen(
        command(log, gateway_url),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while len(upstream.requests()) < 70 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with sqlite3.connect(tmp_path / ".cqtui/cqtui.db") as database:
        received = database.execute("SELECT count(*) FROM attempts WHERE state = 'received'").fetchone()[0]
        unknown = database.execute("SELECT count(*) FROM attempts WHERE state = 'sent'").fetchone()[0]
        kept = database.execute("SELECT count(*) FROM cache WHERE cache_key NOT LIKE 'pair:%'").fetchone()[0]
    assert received > 30
    assert kept > 30
    time.sleep(0.5)  # what was in flight arrives at the upstream
    first = bodies(upstream)
    result = optimize(tmp_path, log, gateway_url)
    repeated = [body for body, count in collections.Counter(bodies(upstream)).items() if count > 1]
    # Only calls whose outcome was unknown at the kill may be sent again.
    assert len(repeated) <= unknown <= 8
    resumed = len(bodies(upstream)) - len(first)
    assert [c["samples_evaluated"] for c in result["candidates"]] == [40, 40, 40]
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    configure(undisturbed, upstream, concurrency=8)
    optimize(undisturbed, log, gateway_url)
    whole = len(bodies(upstream)) - len(first) - resumed
    assert resumed < whole - kept + unknown + 1


@pytest.mark.parametrize("upstream", [{"latency_ms": 250}], indirect=True)
def test_three_hundred_calls_finish_with_signs_of_life(
    gateway_url: str, upstream: RunningUpstream, tmp_path: Path
) -> None:
    log = write_log(tmp_path / "log.jsonl", 300)
    configure(tmp_path, upstream, concurrency=16)
    process = subprocess.Popen(
        command(log, gateway_url), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stderr is not None
    times = [time.monotonic()]
    lines = []
    for line in process.stderr:
        lines.append(line)
        times.append(time.monotonic())
    assert process.stdout is not None
    result = json.loads(process.stdout.read())
    assert process.wait() == 0, lines
    process.stdout.close()
    process.stderr.close()
    assert max(b - a for a, b in itertools.pairwise(times)) < 11
    assert any(line.startswith("verify ") for line in lines)
    assert all(c["ledger"]["replayed"] > 100 for c in result["candidates"] if c["stopped"] in (None, "enough evidence"))
    assert len(upstream.requests()) >= 600


def test_analyze_prints_the_documented_keys(gateway_url: str, upstream: RunningUpstream, tmp_path: Path) -> None:
    configure(tmp_path, upstream)
    prompt = "Write a Python function to sort a list"
    asked = [sys.executable, "-m", "cqtui", "analyze", prompt, "--base-url", gateway_url, "--judge", "gpt-6.1-terra"]
    done = subprocess.run(
        [*asked, "--candidates", CANDIDATES, "--use-case", "coding", "--yes", "--json"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert list(result) == [
        "use_case",
        "recommended_model",
        "reasoning",
        "cost_savings_percent",
        "quality_impact_percent",
        "models",
    ]
    assert len(result["models"]) == 4
    for model in result["models"]:
        assert list(model) == ["model_name", "quality_score", "cost", "latency_ms", "response", "success"]
        assert model["success"]
        assert model["cost"] > 0
        assert 0 <= model["quality_score"] <= 100
    assert result["recommended_model"] in {model["model_name"] for model in result["models"]}
    assert result["cost_savings_percent"] > 0
    replays = [request for request in upstream.requests() if not request["judge"]]
    assert {request["model"] for request in replays} >= {"gpt-5.6-terra", *CANDIDATES.split(",")}


def interrupted(
    folder: Path, log: Path, gateway_url: str, upstream: RunningUpstream, presses: int
) -> tuple[int, str, str]:
    """Press Ctrl+C ``presses`` times in mid-run; exit code, stdout and stderr."""
    process = subprocess.Popen(
        command(log, gateway_url),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while len(upstream.requests()) < 40 and time.monotonic() < deadline:
        time.sleep(0.05)
    for _ in range(presses):
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@pytest.mark.parametrize("upstream", [{"latency_ms": 300}], indirect=True)
def test_ctrl_c_once_finishes_what_is_under_way_and_tells_what_is_known(
    gateway_url: str, upstream: RunningUpstream, tmp_path: Path
) -> None:
    log = write_log(tmp_path / "log.jsonl", 40)
    configure(tmp_path, upstream, concurrency=8)
    code, out, err = interrupted(tmp_path, log, gateway_url, upstream, presses=1)
    assert code == 130, err
    partial = json.loads(out)
    assert partial["evaluation_stage"] == "interrupted"
    assert partial["grade"] == "inconclusive"
    assert any(candidate["samples_evaluated"] for candidate in partial["candidates"])
    with sqlite3.connect(tmp_path / ".cqtui/cqtui.db") as database:
        assert database.execute("SELECT count(*) FROM attempts WHERE state = 'sent'").fetchone() == (0,)
    first = bodies(upstream)
    result = optimize(tmp_path, log, gateway_url)
    assert [c["samples_evaluated"] for c in result["candidates"]] == [40, 40, 40]
    assert collections.Counter(bodies(upstream)).most_common(1)[0][1] == 1  # nothing was sent twice
    assert len(bodies(upstream)) > len(first)


@pytest.mark.parametrize("upstream", [{"latency_ms": 20_000}], indirect=True)
def test_ctrl_c_twice_stops_at_once(gateway_url: str, upstream: RunningUpstream, tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.jsonl", 12)
    configure(tmp_path, upstream)
    process = subprocess.Popen(
        command(log, gateway_url), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not upstream.requests() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert out == b""
    assert b"Traceback" not in err
