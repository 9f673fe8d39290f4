"""Calls that travel together, and the size of a wave."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from cqtui.engine.batch import next_wave
from cqtui.gateway.batching import BatchClient, BatchError, BatchJob, StillWaitingError
from cqtui.gateway.protocol import ChatRequest
from cqtui.models import Failure, Replay
from tests.fakes import ScriptedClient, answered


def request(number: int, model: str = "m", **more: object) -> ChatRequest:
    values: dict[str, object] = {"model": model, "provider": "p", "model_id": f"p/{model}", "record_id": str(number)}
    return ChatRequest.model_validate({**values, "messages": ({"role": "user", "content": str(number)},), **more})


class Jobs:
    """Jobs that are done when they are first looked at."""

    def __init__(self) -> None:
        self.submitted: list[list[ChatRequest]] = []
        self.refuse: BatchError | None = None
        self.lose: set[str] = set()
        self.status = "completed"
        self.ready = asyncio.Event()
        self.ready.set()

    async def submit(self, requests: Sequence[ChatRequest]) -> str:
        if self.refuse is not None:
            raise self.refuse
        self.submitted.append(list(requests))
        return f"job-{len(self.submitted)}"

    async def state(self, job_id: str, request: ChatRequest) -> BatchJob:
        await self.ready.wait()
        return BatchJob(id=job_id, status=self.status)

    async def results(self, job: BatchJob, request: ChatRequest) -> Mapping[str, Replay]:
        calls = self.submitted[int(job.id.removeprefix("job-")) - 1]
        return {c.content_hash: answered(c, f"to {c.record_id}") for c in calls if c.record_id not in self.lose}


class Ledger:
    """A ledger in memory."""

    def __init__(self) -> None:
        self.jobs: dict[str, str] = {}

    async def job_of(self, request: ChatRequest) -> str | None:
        return self.jobs.get(request.content_hash)

    async def keep(self, job_id: str, requests: Sequence[ChatRequest]) -> None:
        self.jobs.update({request.content_hash: job_id for request in requests})

    async def forget(self, request: ChatRequest) -> None:
        self.jobs.pop(request.content_hash, None)


class Rig:
    """A client with its parts."""

    def __init__(self) -> None:
        self.jobs, self.ledger, self.stop = Jobs(), Ledger(), asyncio.Event()
        self.direct = ScriptedClient(lambda request: answered(request, "at once"))
        self.client = BatchClient(self.jobs, self.direct, self.ledger, self.stop, quiet_s=0.01, first_poll_s=0.01)


async def test_calls_to_one_model_travel_together_and_each_gets_its_answer() -> None:
    rig = Rig()
    calls = [request(number, model) for number in range(5) for model in ("m", "n")]
    found = await asyncio.gather(*(rig.client.complete(call) for call in calls))
    assert [replay.completion.text for replay in found if replay.completion] == [f"to {c.record_id}" for c in calls]
    assert sorted(len(job) for job in rig.jobs.submitted) == [5, 5]
    assert all(len({call.model for call in job}) == 1 for job in rig.jobs.submitted)
    await rig.client.aclose()


async def test_pings_and_calls_with_a_config_do_not_wait_in_a_job() -> None:
    rig = Rig()
    for call in (request(1, purpose="ping"), request(2, config={"retry": {"attempts": 0}})):
        replay = await rig.client.complete(call)
        assert replay.completion is not None
        assert replay.completion.text == "at once"
    assert rig.jobs.submitted == []


async def test_a_call_that_travels_already_is_not_submitted_again() -> None:
    rig = Rig()
    await rig.client.complete(request(1))
    assert len(rig.jobs.submitted) == 1
    another = BatchClient(rig.jobs, rig.direct, rig.ledger, rig.stop, quiet_s=0.01, first_poll_s=0.01)
    replay = await another.complete(request(1))
    assert replay.failure is None
    assert len(rig.jobs.submitted) == 1


async def test_what_a_job_did_not_serve_is_forgotten_so_that_another_can() -> None:
    rig = Rig()
    rig.jobs.lose, rig.jobs.status = {"1"}, "expired"
    served, lost = await asyncio.gather(rig.client.complete(request(0)), rig.client.complete(request(1)))
    assert served.failure is None
    assert lost.failure is not None
    assert lost.failure.is_transient
    assert await rig.ledger.job_of(request(0)) == "job-1"
    assert await rig.ledger.job_of(request(1)) is None


async def test_a_refused_job_fails_its_calls_by_name() -> None:
    rig = Rig()
    rig.jobs.refuse = BatchError(Failure(kind="bad_request", message="too large", status=400))
    replay = await rig.client.complete(request(1))
    assert replay.failure is not None
    assert replay.failure.message == "too large"


async def test_stopping_leaves_the_jobs_and_waits_for_nobody() -> None:
    rig = Rig()
    rig.jobs.ready.clear()
    waiting = asyncio.create_task(rig.client.complete(request(1)))
    await asyncio.sleep(0.05)
    rig.stop.set()
    with pytest.raises(StillWaitingError):
        await asyncio.wait_for(waiting, 1)
    with pytest.raises(StillWaitingError):
        await rig.client.complete(request(2))
    assert await rig.ledger.job_of(request(1)) == "job-1"
    await rig.client.aclose()


@pytest.mark.parametrize(
    ("done", "missing", "total", "wave"),
    [
        (0, [None], 400, 50),
        (0, [None], 20, 20),
        (50, [120, 300], 400, 120),  # a look when the first of them may be settled
        (50, [3, 300], 400, 50),
        (50, [None, None], 400, 350),
        (50, [0, 0], 400, 350),
        (390, [120], 400, 10),
    ],
)
def test_a_wave_is_as_large_as_the_next_look_needs(done: int, missing: list[int | None], total: int, wave: int) -> None:
    assert next_wave(done, missing, total) == wave
