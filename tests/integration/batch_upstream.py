"""The upstream with OpenAI's files and batch jobs: a job is done a stated time after it was submitted.

python -m tests.integration.batch_upstream --job-s 1.0 --expire-first
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.integration.upstream import Upstream, serve

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Job:
    """A batch job: the calls that came, and those that will be served."""

    id: str
    lines: list[dict[str, Any]]
    served: list[dict[str, Any]]
    ready_at: float


class BatchUpstream(Upstream):
    """Serves jobs ``job_s`` seconds after their submission; with ``expire_first`` only half of the first one."""

    def __init__(self, *, job_s: float, expire_first: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._job_s = job_s
        self._expire_first = expire_first
        self._files: dict[str, bytes] = {}
        self._jobs: dict[str, Job] = {}
        router = self._runner.app.router
        router.add_post("/v1/files", self._upload)
        router.add_get("/v1/files/{id}/content", self._content)
        router.add_post("/v1/batches", self._submit)
        router.add_get("/v1/batches/{id}", self._state)
        router.add_get("/_jobs", self._submitted)

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        upload = form["file"]
        assert isinstance(upload, web.FileField)
        file_id = f"file-{len(self._files) + 1}"
        self._files[file_id] = upload.file.read()
        size = len(self._files[file_id])
        described = {"id": file_id, "object": "file", "bytes": size, "created_at": 1, "filename": "in.jsonl"}
        return web.json_response({**described, "purpose": form["purpose"], "status": "processed"})

    async def _content(self, request: web.Request) -> web.Response:
        return web.Response(body=self._files[request.match_info["id"]], content_type="application/octet-stream")

    async def _submit(self, request: web.Request) -> web.Response:
        body = await request.json()
        lines = [json.loads(line) for line in self._files[body["input_file_id"]].decode().splitlines()]
        models = {line["body"]["model"] for line in lines}
        if len(models) != 1 or body["endpoint"] != "/v1/chat/completions":
            return self._error(400, "All requests of a batch must be to one model")
        served = lines[: len(lines) // 2] if self._expire_first and not self._jobs else lines
        job = Job(f"batch_{len(self._jobs) + 1}", lines, served, time.monotonic() + self._job_s)
        self._jobs[job.id] = job
        return web.json_response(self._describe(job))

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response(self._describe(self._jobs[request.match_info["id"]]))

    def _describe(self, job: Job) -> dict[str, Any]:
        done = time.monotonic() >= job.ready_at
        status = "in_progress" if not done else "completed" if len(job.served) == len(job.lines) else "expired"
        output = None
        if done:
            output = f"{job.id}-output"
            rows = [self._row(line) for line in job.served]
            self._files[output] = "".join(json.dumps(row) + "\n" for row in rows).encode()
        return {
            "id": job.id,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "input_file_id": "file-1",
            "completion_window": "24h",
            "created_at": 1,
            "status": status,
            "output_file_id": output,
        }

    def _row(self, line: dict[str, Any]) -> dict[str, Any]:
        response = {"status_code": 200, "request_id": "r", "body": self._completion(line["body"])}
        return {"id": "row", "custom_id": line["custom_id"], "response": response, "error": None}

    async def _submitted(self, request: web.Request) -> web.Response:
        jobs = [
            {"id": job.id, "model": job.lines[0]["body"]["model"], "keys": [line["custom_id"] for line in job.lines]}
            for job in self._jobs.values()
        ]
        return web.json_response(jobs)


@contextlib.contextmanager
def running_batch_upstream(*flags: str) -> Iterator[str]:
    """Run it as a process of its own; gives its base URL."""
    command = [sys.executable, "-m", "tests.integration.batch_upstream", *flags]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield str(json.loads(process.stdout.readline())["base_url"])
        finally:
            process.terminate()


def jobs_of(base_url: str) -> list[dict[str, Any]]:
    """The jobs that were submitted, in order, with their model and the keys of their calls."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(base_url.removesuffix("/v1") + "/_jobs", timeout=10) as response:
        jobs: list[dict[str, Any]] = json.load(response)
    return jobs


def main() -> None:
    """Read the command line and serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m tests.integration.batch_upstream")
    parser.add_argument("--job-s", type=float, default=0.5)
    parser.add_argument("--expire-first", action="store_true")
    asyncio.run(serve(BatchUpstream(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
