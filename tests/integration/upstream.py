"""A model provider for tests: speaks OpenAI's chat completions and answers from (model, messages) alone.

Three ways to run it::

    python -m tests.integration.upstream --port 9101 --log requests.jsonl --latency-ms 50
    with running_upstream(status=503) as upstream: ...      # a process of its own
    async with Upstream(fail_first=1) as upstream: ...      # inside the test's event loop

The process prints one JSON line with its ``base_url`` once it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from tests.integration.faults import BILLED, Fault, error_response, go_wrong, html_response, parse_faults

ROOT = Path(__file__).resolve().parents[2]
MODELS = ("upstream-small", "upstream-large")
SCORES = ("accuracy", "helpfulness", "clarity", "completeness")
LOWEST, HIGHEST = 70, 95
_ANSWER_FENCE = re.compile(r"\[\[(\w+) answer(?: [12])?\]\]\n(.*?)\n\[\[/\1\]\]", re.DOTALL)
_OPENINGS = ("In short", "Put simply", "The main point is this", "As a first step")
_CLAIMS = (
    "start with the part that matters most and leave the rest for later",
    "keep the steps small, so that each can be checked by itself",
    "compare the two options by cost, then by the time they take",
    "write the result down together with the date and the source",
    "the usual choice works well unless the volume is very large",
    "a short list with one line per item is easiest to read",
    "test it on a few examples before it is used everywhere",
    "the second option is cheaper, the first one is quicker",
)


@dataclass(frozen=True)
class Options:
    """How the upstream behaves; the defaults are a provider that works."""

    latency_ms: int = 0  # waited before every answer
    status: int = 200  # other than 200: every request gets this error
    fail_first: int = 0  # only the first N attempts of each prompt fail (with `status`, or 500), later ones succeed
    retry_after: str = ""  # sent as Retry-After with every error
    reject_params: str = ""  # comma list of parameters answered with OpenAI's 400
    require_key: str = ""  # the bearer token without which a request gets 401
    html: bool = False  # 200 with an HTML page
    no_choices: bool = False  # 200 with an empty list of choices
    serve_model: str = ""  # answer as this model, whatever was asked for
    omit_usage: bool = False  # leave the token counts out
    faults: str = ""  # what else goes wrong, for which requests: see tests/integration/faults.py


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _text(messages: list[dict[str, Any]]) -> str:
    texts: list[str] = []
    for message in messages:
        content = message.get("content") or ""
        parts = [{"text": content}] if isinstance(content, str) else content
        texts += [part.get("text", "") for part in parts]
    return "\n".join(texts)


def _tokens(text: str) -> int:
    return -(-len(text) // 4)


def quoted_answers(body: Mapping[str, Any]) -> list[str]:
    """The answer or both answers that a judge request asks to score, none where the request is not a judge's."""
    return [text for _, text in _ANSWER_FENCE.findall(_text(body["messages"]))]


def scores_of(answer: str) -> dict[str, int]:
    """The verdict on an answer: depends on its text alone."""
    draw = hashlib.sha256(answer.encode()).digest()
    return {name: LOWEST + draw[i] % (HIGHEST - LOWEST + 1) for i, name in enumerate(SCORES)}


def judgement(answers: Sequence[str]) -> dict[str, Any]:
    """A judge's reply on one answer, or on two side by side."""
    reasoning = {"reasoning": f"The answers have {[len(answer.split()) for answer in answers]} words."}
    if len(answers) == 1:
        return {**reasoning, **scores_of(answers[0])}
    both = {f"answer_{n}": {**scores_of(answer), "refusal": "none"} for n, answer in enumerate(answers, 1)}
    return {**reasoning, **both}


def purpose_of(body: Mapping[str, Any]) -> str:
    """What cqtui sends a request for: "replay", "judge" or "ping" (which asks for one token)."""
    if quoted_answers(body):
        return "judge"
    return "ping" if 1 in (body.get("max_completion_tokens"), body.get("max_tokens")) else "replay"


def reply(body: Mapping[str, Any]) -> str:
    """The text that answers a request."""
    answers = quoted_answers(body)
    if answers:
        return json.dumps(judgement(answers))
    draw = bytes.fromhex(_digest([body.get("model"), body["messages"]]))
    claims = [_CLAIMS[byte % len(_CLAIMS)] for byte in draw[1 : 3 + draw[0] % 3]]
    sentences = [f"{_OPENINGS[draw[8] % len(_OPENINGS)]}: {claims[0]}."]
    sentences += [f"{claim.capitalize()}." for claim in claims[1:]]
    text = " ".join(sentences)
    wants_json = (body.get("response_format") or {}).get("type") in ("json_object", "json_schema")
    return json.dumps({"answer": text}) if wants_json else text


class Upstream:
    """The server, run in the current event loop by ``async with``."""

    def __init__(self, *, port: int = 0, log: Path | None = None, **options: Any) -> None:
        self.options = Options(**options)
        self._faults = parse_faults(self.options.faults)
        self.requests: list[dict[str, Any]] = []
        self.max_in_flight = 0
        self.base_url = ""
        self._port = port
        self._log = log
        self._attempts: Counter[str] = Counter()
        self._in_flight = 0
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/_requests", self._received)
        self._runner = web.AppRunner(app, shutdown_timeout=1.0)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, backlog=1024).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._runner.cleanup()

    async def _received(self, request: web.Request) -> web.Response:
        return web.json_response({"requests": self.requests, "max_in_flight": self.max_in_flight})

    async def _models(self, request: web.Request) -> web.Response:
        if not self._authorised(request):
            return self._error(401, "Incorrect API key provided", code="invalid_api_key")
        data = [{"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "tests"} for name in MODELS]
        return web.json_response({"object": "list", "data": data})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await request.json()
            attempt, fault = self._record(request, body)
        except (ValueError, KeyError, TypeError, AttributeError):
            return self._error(400, "The body must be a JSON object with messages")
        self._in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self._in_flight)
        try:
            await asyncio.sleep(self.options.latency_ms / 1000)
            if fault is not None:
                return await go_wrong(fault, request, self._completion(body))
            return self._answer(request, body, attempt)
        finally:
            self._in_flight -= 1

    def _record(self, request: web.Request, body: dict[str, Any]) -> tuple[int, Fault | None]:
        """Note that a request came in, before anything else happens to it; returns its attempt number and fault."""
        model, purpose, body_sha256 = str(body.get("model")), purpose_of(body), _digest(body)
        key = _digest([body.get("model"), body["messages"]])
        self._attempts[key] += 1
        attempt, now = self._attempts[key], time.time()
        fault = next((fault for fault in self._faults if fault.hits(purpose, model, body_sha256, attempt)), None)
        entry = {
            "n": len(self.requests) + 1,
            "attempt": attempt,
            "model": body.get("model"),
            "body_sha256": body_sha256,
            "judge": purpose == "judge",
            "purpose": purpose,
            "params": {name: value for name, value in body.items() if name not in ("model", "messages")},
            "portkey_headers": sorted(name.lower() for name in request.headers if name.lower().startswith("x-portkey")),
            "at": now,
            "fault": fault.kind if fault is not None else None,
            "wait_until": fault.wait_until(now) if fault is not None else None,
        }
        self.requests.append(entry)
        if self._log is not None:  # the file has the messages and the bill as well
            billed = self._completion(body).get("usage") if fault is None or fault.kind in BILLED else None
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps({**entry, "messages": body["messages"], "billed": billed}) + "\n")
        return attempt, fault

    def _authorised(self, request: web.Request) -> bool:
        key = self.options.require_key
        return not key or request.headers.get("Authorization") == f"Bearer {key}"

    def _error(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> web.Response:
        headers = {"Retry-After": self.options.retry_after} if self.options.retry_after else {}
        return error_response(status, message, param=param, code=code, headers=headers)

    def _answer(self, request: web.Request, body: dict[str, Any], attempt: int) -> web.Response:
        options = self.options
        if not self._authorised(request):
            return self._error(401, "Incorrect API key provided", code="invalid_api_key")
        for name in filter(None, options.reject_params.split(",")):
            if name in body:
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                return self._error(400, message, param=name, code="unsupported_parameter")
        if options.fail_first:
            status = (options.status if options.status != 200 else 500) if attempt <= options.fail_first else 200
        else:
            status = options.status
        if status != 200:
            return self._error(status, f"The upstream answers {status}")
        if options.html:
            return html_response()
        if body.get("stream"):
            return self._error(400, "This upstream does not stream", param="stream")
        return web.json_response(self._completion(body))

    def _completion(self, body: dict[str, Any]) -> dict[str, Any]:
        text, finish = reply(body), "stop"
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        if limit and _tokens(text) > limit:
            text, finish = text[: 4 * limit], "length"
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        completion: dict[str, Any] = {
            "id": f"chatcmpl-{_digest([body.get('model'), body['messages']])[:24]}",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": self.options.serve_model or body.get("model"),
            "choices": [] if self.options.no_choices else [choice],
        }
        if not self.options.omit_usage:
            asked, said = _tokens(_text(body["messages"])), _tokens(text)
            completion["usage"] = {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
        return completion


@dataclass(frozen=True)
class RunningUpstream:
    """An upstream in another process."""

    base_url: str
    log: Path

    def requests(self) -> list[dict[str, Any]]:
        """Every chat completion request that came in so far, oldest first."""
        entries: list[dict[str, Any]] = self._received()["requests"]
        return entries

    def logged(self) -> list[dict[str, Any]]:
        """The same from the log file, with each request's messages and the tokens to charge for (null: none)."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def wait_for(self, count: int, process: subprocess.Popen[Any], timeout_s: float = 60.0) -> None:
        """Wait until ``count`` requests came in; raises RuntimeError where ``process``, which sends them, ends."""
        deadline = time.monotonic() + timeout_s
        seen = 0
        self.log.touch()
        with self.log.open("rb") as file:
            while seen < count:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{seen} requests came in, not {count}")
                time.sleep(0.005)
                seen += file.read().count(b"\n")

    def max_in_flight(self) -> int:
        """The most requests that were open at once."""
        return int(self._received()["max_in_flight"])

    def _received(self) -> dict[str, Any]:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(self.base_url.removesuffix("/v1") + "/_requests", timeout=10) as response:
            received: dict[str, Any] = json.load(response)
        return received


@contextlib.contextmanager
def running_upstream(log: Path | None = None, **options: Any) -> Iterator[RunningUpstream]:
    """Run the upstream as a process of its own on a free port; its log is kept only where ``log`` names a file."""
    flags: list[str] = []
    for name, value in vars(Options(**options)).items():
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            flags += [flag] if value else []
        else:
            flags += [f"{flag}={value}"]
    with tempfile.TemporaryDirectory(prefix="cqtui-upstream-") as folder:
        path = (log or Path(folder) / "requests.jsonl").resolve()
        command = [sys.executable, "-m", "tests.integration.upstream", "--port=0", f"--log={path}", *flags]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                ready = process.stdout.readline()
                if not ready:
                    raise RuntimeError(f"the upstream did not start: exit code {process.wait(10)}")
                yield RunningUpstream(json.loads(ready)["base_url"], path)
            finally:
                process.terminate()


async def serve(upstream: Upstream) -> None:
    """Run until SIGTERM or Ctrl-C; prints one JSON line with the base URL first."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with upstream:
        print(json.dumps({"base_url": upstream.base_url}), flush=True)
        await stopped.wait()


def main() -> None:
    """Read the command line and serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.integration.upstream")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--log", type=Path, help="append one JSON line per chat completion request")
    for field in fields(Options):
        flag = f"--{field.name.replace('_', '-')}"
        if isinstance(field.default, bool):
            parser.add_argument(flag, action="store_true")
        else:
            parser.add_argument(flag, type=type(field.default), default=field.default)
    asyncio.run(serve(Upstream(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
