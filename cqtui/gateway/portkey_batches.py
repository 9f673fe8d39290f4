"""Batch jobs through the Portkey SDK: upload the calls, start a job, look at it, read its results."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from cqtui.gateway.batching import BatchError, BatchJob, results_of
from cqtui.gateway.portkey import PortkeyClient
from cqtui.gateway.protocol import ChatRequest
from cqtui.gateway.responses import read_error, read_success
from cqtui.models import Failure, Replay

URL = "/v1/chat/completions"
UPLOAD_TIMEOUT_S = 600.0
WINDOW = "24h"


def batch_line(request: ChatRequest) -> str:
    """A call as a line of the input file; the model's name is bare, since the provider itself reads it."""
    line = {"custom_id": request.content_hash, "method": "POST", "url": URL, "body": request.body()}
    return json.dumps(line, ensure_ascii=False)


def read_line(model: str, body: object, status: int) -> Replay:
    """A result line's answer; it has no latency, since it waited in a job."""
    if 200 <= status < 300:
        return read_success(model, body, {}, 0.0, status).model_copy(update={"latency_ms": None})
    return read_error(model, status, json.dumps(body), {}, None)


class PortkeyBatchJobs:
    """Jobs at the providers that a PortkeyClient reaches."""

    def __init__(self, client: PortkeyClient) -> None:
        """Use the client's connection and keys."""
        self._client = client

    async def _attempt(self, request: ChatRequest, action: Callable[[Mapping[str, str]], Awaitable[Any]]) -> Any:
        headers = self._client.headers(request)
        if self._client.hosted:
            headers["x-portkey-provider"] = self._client.slug(request)
        outcome = await self._client.attempt(request, UPLOAD_TIMEOUT_S, lambda: action(headers))
        if isinstance(outcome, Replay):
            failure = outcome.failure or Failure(kind="connection", message="no answer")
            raise BatchError(failure, gone=failure.status == 404)
        return outcome

    async def submit(self, requests: Sequence[ChatRequest]) -> str:
        """Upload the calls and start a job; see ``BatchJobs``."""
        sdk = self._client.openai_client
        content = "".join(batch_line(request) + "\n" for request in requests).encode()
        first = requests[0]
        upload = ("cqtui.jsonl", content, "application/jsonl")
        file = await self._attempt(
            first,
            lambda headers: sdk.files.create(
                file=upload, purpose="batch", extra_headers=headers, timeout=UPLOAD_TIMEOUT_S
            ),
        )
        job = await self._attempt(
            first,
            lambda headers: sdk.batches.create(
                input_file_id=file.id,
                endpoint=URL,
                completion_window=WINDOW,
                extra_headers=headers,
                timeout=UPLOAD_TIMEOUT_S,
            ),
        )
        return str(job.id)

    async def state(self, job_id: str, request: ChatRequest) -> BatchJob:
        """The job as its provider describes it; see ``BatchJobs``."""
        sdk = self._client.openai_client
        job = await self._attempt(
            request, lambda headers: sdk.batches.retrieve(job_id, extra_headers=headers, timeout=UPLOAD_TIMEOUT_S)
        )
        errors = getattr(job.errors, "data", None) or []
        return BatchJob(
            id=job_id,
            status=str(job.status),
            output_file=job.output_file_id,
            error_file=job.error_file_id,
            error=str(errors[0].message) if errors else None,
        )

    async def results(self, job: BatchJob, request: ChatRequest) -> Mapping[str, Replay]:
        """The outcomes in the job's output and error files; see ``BatchJobs``."""
        lines: list[Mapping[str, Any]] = []
        for file_id in (job.output_file, job.error_file):
            if file_id is not None:
                lines += await self._lines(file_id, request)
        return results_of({str(line.get("custom_id")): request.model for line in lines}, lines, read_line)

    async def _lines(self, file_id: str, request: ChatRequest) -> list[Mapping[str, Any]]:
        sdk = self._client.openai_client
        content = await self._attempt(
            request, lambda headers: sdk.files.content(file_id, extra_headers=headers, timeout=UPLOAD_TIMEOUT_S)
        )
        try:
            return [json.loads(line) for line in content.text.splitlines() if line.strip()]
        except ValueError:
            raise BatchError(Failure(kind="not_json", message=f"result file {file_id} is not JSON Lines")) from None
