"""Batch mode: which calls wait in which job, and how many calls are worth a look."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cqtui.engine.calling import call_key
from cqtui.errors import BadInputError
from cqtui.events import BatchJobSubmitted, Emitter
from cqtui.gateway.batching import BatchClient
from cqtui.gateway.protocol import ChatClient, ChatRequest
from cqtui.store import batches
from cqtui.store.database import Database

FIRST_WAVE = 50  # pairs; fewer tell little about the spread that the next wave's size rests on


class StoredJobs:
    """A ``JobLedger`` in the store."""

    def __init__(self, database: Database, endpoint: str, emitter: Emitter) -> None:
        """Keep the jobs of one endpoint."""
        self._database = database
        self._endpoint = endpoint
        self._emitter = emitter

    async def job_of(self, request: ChatRequest) -> str | None:
        """The job that a call travels in, or None."""
        key = call_key(self._endpoint, request)
        return await self._database.run_async(lambda c: batches.job_of(c, key, seals=self._database.seals))

    async def keep(self, job_id: str, requests: Sequence[ChatRequest]) -> None:
        """Note a job that was submitted, and tell of it."""
        keys = [call_key(self._endpoint, request) for request in requests]
        await self._database.run_async(lambda c: batches.keep_job(c, job_id, keys, seals=self._database.seals))
        self._emitter.emit(
            BatchJobSubmitted,
            job_id=job_id,
            purpose=requests[0].purpose,
            model_id=requests[0].candidate_id,
            calls=len(requests),
        )

    async def forget(self, request: ChatRequest) -> None:
        """A call's job gave no answer."""
        key = call_key(self._endpoint, request)
        await self._database.run_async(lambda c: batches.forget_call(c, key))


def in_batches(
    client: ChatClient, database: Database, emitter: Emitter, stop: asyncio.Event, first_poll_s: float
) -> BatchClient:
    """A client that sends its calls in batch jobs and first looks at them after ``first_poll_s`` seconds.

    Raises:
        BadInputError: The client has no batch jobs.
    """
    from cqtui.gateway.portkey import PortkeyClient
    from cqtui.gateway.portkey_batches import PortkeyBatchJobs

    if not isinstance(client, PortkeyClient):
        raise BadInputError("--batch cannot be recorded.", "Leave out --record.")
    ledger = StoredJobs(database, client.endpoint, emitter)
    return BatchClient(PortkeyBatchJobs(client), client, ledger, stop, first_poll_s=first_poll_s)


def next_wave(done: int, missing: Sequence[int | None], total: int) -> int:
    """How many more calls to replay before the next look.

    Args:
        done: Calls replayed so far.
        missing: For each candidate still in the race, about how many more pairs would settle it; None is unknown.
        total: Calls that may be replayed.

    Returns:
        The first wave, then what the candidate that needs least asks for (each wave is one look of the sequential
        test); all the rest where nothing is known.
    """
    left = total - done
    if done == 0:
        return min(left, FIRST_WAVE)
    known = [wanted for wanted in missing if wanted]
    return min(left, max(FIRST_WAVE, min(known))) if known else left
