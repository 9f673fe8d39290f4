"""Runs of 300 replays, killed at random points and started again, end as the run that nobody killed."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness import Rig, figures
from tests.integration.upstream import RunningUpstream, running_upstream

pytestmark = pytest.mark.faults

CALLS = 100
CANDIDATES = "gpt-5.4-mini,gpt-5.6-luna,gpt-5.4-nano"
KILLS = 5
LATEST_S = 0.05  # a kill comes up to so long after the request that it waits for
LATENCY_MS = 20


def rig_of(folder: Path, gateway_url: str, upstream: RunningUpstream) -> Rig:
    rig = Rig(folder, gateway_url, upstream, calls=CALLS, candidates=CANDIDATES)
    rig.configure(concurrency=16)
    return rig


@pytest.fixture(scope="module")
def undisturbed(gateway_url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    """The result of a run that nobody kills, and how many requests it took."""
    with running_upstream(latency_ms=LATENCY_MS) as upstream:
        rig = rig_of(tmp_path_factory.mktemp("undisturbed"), gateway_url, upstream)
        ended = rig.run()
        assert ended.code == 0, ended.stderr
        rig.check_ledger(ended.result)
        return ended.result, len(upstream.logged())


@pytest.mark.parametrize("upstream", [{"latency_ms": LATENCY_MS}], indirect=True, ids=["20 ms"])
@pytest.mark.parametrize("seed", range(4))
def test_a_run_killed_five_times_ends_as_if_nothing_had_been(
    gateway_url: str, upstream: RunningUpstream, tmp_path: Path, undisturbed: tuple[dict[str, Any], int], seed: int
) -> None:
    expected, requests = undisturbed
    rig = rig_of(tmp_path, gateway_url, upstream)
    chance = random.Random(seed)
    for point in sorted(chance.sample(range(1, requests), KILLS)):
        with rig.start() as process:
            upstream.wait_for(point, process)
            time.sleep(chance.uniform(0, LATEST_S))
            process.kill()
            process.communicate()
        rig.check_spend()
        rig.check_paid_once()
    ended = rig.run()
    assert ended.code == 0, ended.stderr
    rig.check_ledger(ended.result)
    assert figures(ended.result) == figures(expected)
    assert len({row["run_id"] for row in rig.rows()}) == 1
    # What is sent twice is what was under way at a kill: at most one request for each place.
    unknown = sum(row["state"] == "sent" for row in rig.rows())
    pings = sum(entry["purpose"] == "ping" for entry in upstream.logged())
    assert len(upstream.logged()) - pings <= requests + unknown
    assert unknown <= KILLS * 16
