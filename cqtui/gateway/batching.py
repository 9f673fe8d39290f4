"""Calls models by provider batch jobs: half the price at many providers, answers within a day instead of at once.

A ``ChatClient`` like the others: calls that come together travel in one job, and each waits for its line of the result.
What is under way is kept by a ``JobLedger``, so that a run which ended meanwhile finds its jobs again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from cqtui.errors import AccessRefusedError, CqtuiError
from cqtui.gateway.protocol import ChatClient, ChatRequest, EvidenceKind
from cqtui.models import Failure, Frozen, Replay

QUIET_S = 0.5  # calls that follow each other within this time travel together
FIRST_POLL_S = 5.0
LONGEST_POLL_S = 60.0
MOST_LINES = 20_000  # providers take 50,000 lines, but also a limited number of bytes
_ENDED = ("completed", "failed", "expired", "cancelled", "output_ready")


class BatchJob(Frozen):
    """A job as its provider describes it; ``results`` is read when the job has ended."""

    id: str
    status: str
    output_file: str | None = None
    error_file: str | None = None
    error: str | None = None

    @property
    def has_ended(self) -> bool:
        """Whether no more results will come."""
        return self.status in _ENDED


class BatchJobs(Protocol):
    """Where jobs are submitted and read."""

    async def submit(self, requests: Sequence[ChatRequest]) -> str:
        """Start a job of calls to one model; returns its id.

        Raises:
            BatchError: The provider did not take it.
        """
        ...

    async def state(self, job_id: str, request: ChatRequest) -> BatchJob:
        """The job as it stands; ``request`` is one of its calls. Raises BatchError."""
        ...

    async def results(self, job: BatchJob, request: ChatRequest) -> Mapping[str, Replay]:
        """The outcome of each call by its content hash. Raises BatchError."""
        ...


class JobLedger(Protocol):
    """Remembers which call travels in which job, across processes."""

    async def job_of(self, request: ChatRequest) -> str | None:
        """The job that a call travels in, or None."""
        ...

    async def keep(self, job_id: str, requests: Sequence[ChatRequest]) -> None:
        """Note a job that was submitted."""
        ...

    async def forget(self, request: ChatRequest) -> None:
        """A call's job gave no answer: the next attempt travels in another."""
        ...


class BatchError(Exception):
    """A job could not be submitted or read; ``gone`` where its provider no longer knows it."""

    def __init__(self, failure: Failure, *, gone: bool = False) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.gone = gone


class StillWaitingError(CqtuiError):
    """The run was told to stop while its jobs go on; the same command finds them again."""


def travels_in_job(request: ChatRequest) -> bool:
    """Whether a call can wait in a job: pings tell who is there now, and a job has no config for each call."""
    return request.purpose != "ping" and request.config is None


class BatchClient:
    """Collects calls into jobs, one for each model, and hands out their results."""

    def __init__(
        self,
        jobs: BatchJobs,
        direct: ChatClient,
        ledger: JobLedger,
        stop: asyncio.Event,
        *,
        quiet_s: float = QUIET_S,
        first_poll_s: float = FIRST_POLL_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Submit through ``jobs`` until ``stop`` is set; what cannot wait goes through ``direct``, which stays open."""
        self.provider = direct.provider
        self.endpoint = direct.endpoint
        self.evidence: EvidenceKind = direct.evidence
        self._jobs = jobs
        self._direct = direct
        self._ledger = ledger
        self._stop = stop
        self._watch: asyncio.Task[None] | None = None
        self._quiet_s = quiet_s
        self._first_poll_s = first_poll_s
        self._sleep = sleep
        self._queues: dict[str, dict[str, ChatRequest]] = {}
        self._flushes: dict[str, asyncio.Task[None]] = {}
        self._waiting: dict[str, asyncio.Future[Replay]] = {}
        self._polls: dict[str, asyncio.Task[None]] = {}
        self._submitting: set[asyncio.Task[None]] = set()
        self._aboard: dict[str, dict[str, ChatRequest]] = {}

    async def complete(self, request: ChatRequest) -> Replay:
        """Wait for the call's line of a job's results; see ``ChatClient.complete``.

        Raises:
            StillWaitingError: The run was told to stop.
        """
        if not travels_in_job(request):
            return await self._direct.complete(request)
        if self._stop.is_set():
            raise _still_waiting()
        if self._watch is None:
            self._watch = asyncio.create_task(self._let_go())
        key = request.content_hash
        future: asyncio.Future[Replay] = asyncio.get_running_loop().create_future()
        self._waiting[key] = future
        try:
            job_id = await self._ledger.job_of(request)
            if job_id is not None:
                self._board(job_id, {key: request})
            else:
                self._queue(key, request)
            return await future
        finally:
            self._waiting.pop(key, None)

    async def _let_go(self) -> None:
        await self._stop.wait()
        self._fail(list(self._waiting), _still_waiting())

    def _queue(self, key: str, request: ChatRequest) -> None:
        self._queues.setdefault(request.candidate_id, {})[key] = request
        pending = self._flushes.get(request.candidate_id)
        if pending is not None:
            pending.cancel()
        self._flushes[request.candidate_id] = asyncio.create_task(self._flush_when_quiet(request.candidate_id))

    async def _flush_when_quiet(self, candidate_id: str) -> None:
        await self._sleep(self._quiet_s)
        # From here on the flush is not to be cancelled by calls that come later: they start another.
        self._submitting.add(self._flushes.pop(candidate_id))
        queue = self._queues.pop(candidate_id)
        keys = list(queue)
        for start in range(0, len(keys), MOST_LINES):
            await self._submit({key: queue[key] for key in keys[start : start + MOST_LINES]})

    async def _submit(self, batch: Mapping[str, ChatRequest]) -> None:
        requests = list(batch.values())
        try:
            job_id = await self._jobs.submit(requests)
            await self._ledger.keep(job_id, requests)
        except BatchError as error:
            for key, request in batch.items():
                self._resolve(key, Replay(model=request.model, failure=error.failure))
        except Exception as error:
            self._fail(batch, error)
        else:
            self._board(job_id, batch)

    def _board(self, job_id: str, batch: Mapping[str, ChatRequest]) -> None:
        self._aboard.setdefault(job_id, {}).update(batch)
        if job_id not in self._polls:
            self._polls[job_id] = asyncio.create_task(self._follow(job_id))

    async def _follow(self, job_id: str) -> None:
        try:
            job, results = await self._outcome(job_id)
        except Exception as error:
            self._fail(self._aboard.pop(job_id), error)
            return
        finally:
            self._polls.pop(job_id, None)
        await self._hand_out(job, self._aboard.pop(job_id), results)

    async def _outcome(self, job_id: str) -> tuple[BatchJob, Mapping[str, Replay]]:
        wait = self._first_poll_s
        while True:
            await self._sleep(wait)
            wait = min(LONGEST_POLL_S, 1.5 * wait)
            some = next(iter(self._aboard[job_id].values()))
            try:
                job = await self._jobs.state(job_id, some)
                if job.has_ended:
                    return job, await self._jobs.results(job, some)
            except BatchError as error:
                if error.gone:
                    return BatchJob(id=job_id, status="cancelled"), {}
                if error.failure.is_access:
                    raise AccessRefusedError(
                        f"Batch job {job_id}: {error.failure.message}.", "Check the key."
                    ) from None
                # Any other failure: the job goes on whether we can see it or not.

    async def _hand_out(self, job: BatchJob, batch: Mapping[str, ChatRequest], results: Mapping[str, Replay]) -> None:
        for key, request in batch.items():
            replay = results.get(key)
            if replay is None:
                replay = Replay(model=request.model, failure=_missing(job))
            if not replay.is_result:
                await self._ledger.forget(request)
            self._resolve(key, replay)

    def _fail(self, batch: Iterable[str], error: Exception) -> None:
        for key in batch:
            future = self._waiting.get(key)
            if future is not None and not future.done():
                future.set_exception(error)

    def _resolve(self, key: str, replay: Replay) -> None:
        future = self._waiting.get(key)
        if future is not None and not future.done():
            future.set_result(replay)

    async def aclose(self) -> None:
        """Stop waiting; jobs under way go on at their provider."""
        self._fail(list(self._waiting), _still_waiting())
        watch = () if self._watch is None else (self._watch,)
        tasks = [*self._flushes.values(), *self._submitting, *self._polls.values(), *watch]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _still_waiting() -> StillWaitingError:
    return StillWaitingError("Batch jobs are under way.", "Run the same command again to collect their answers.")


def _missing(job: BatchJob) -> Failure:
    """Why a job has no line for a call: it expired unserved, which costs nothing, or the job failed as a whole."""
    if job.status in ("expired", "cancelled"):
        return Failure(kind="server_error", message=f"batch job {job.id} was {job.status} before this call")
    return Failure(kind="bad_request", message=f"batch job {job.id} {job.status}: {job.error or 'no result'}")


def results_of(requests: Mapping[str, str], lines: Sequence[Mapping[str, Any]], read: Reader) -> dict[str, Replay]:
    """The outcomes in a job's result lines by ``custom_id``; ``requests`` maps it to the wire model."""
    found: dict[str, Replay] = {}
    for line in lines:
        key = str(line.get("custom_id"))
        response = line.get("response")
        if key not in requests:
            continue
        if isinstance(response, Mapping):
            found[key] = read(requests[key], response.get("body"), int(response.get("status_code") or 0))
        elif isinstance(line.get("error"), Mapping):
            message = str(line["error"].get("message") or line["error"].get("code") or "no reason given")
            found[key] = Replay(model=requests[key], failure=Failure(kind="server_error", message=message[:300]))
    return found


Reader = Callable[[str, object, int], Replay]
