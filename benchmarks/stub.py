"""A small and quick upstream for ``replay.py``: OpenAI's chat completions over HTTP, after a fixed latency.

    python benchmarks/stub.py --latency-ms 50

It prints one JSON line with its ``base_url`` once it listens, and serves until SIGTERM or Ctrl-C. ``GET /measured``
tells how many requests came since the last time it was asked and how long they took, and starts afresh.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from collections import Counter
from typing import Any

from aiohttp import web
from traffic import LATENCY_S, answer_to, tokens


class Stub:
    """Answers every request and keeps the time of the first arrival and of the last answer."""

    def __init__(self, latency_s: float) -> None:
        self._latency_s = latency_s
        self._running = 0
        self._reset()

    def _reset(self) -> None:
        self._requests: Counter[str] = Counter()
        self._most_at_once = 0
        self._first: float | None = None
        self._last = 0.0
        self._cpu = time.process_time()

    def measured(self) -> dict[str, Any]:
        """What came in since the last call of this method."""
        found = {
            "requests": dict(self._requests),
            "seconds": 0.0 if self._first is None else self._last - self._first,
            "most_at_once": self._most_at_once,
            "stub_cpu_seconds": time.process_time() - self._cpu,
        }
        self._reset()
        return found

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        if request.path == "/measured":
            return web.json_response(self.measured())
        arrived = time.perf_counter()
        if self._first is None:
            self._first = arrived
        self._running += 1
        self._most_at_once = max(self._most_at_once, self._running)
        asked = json.loads(await request.read())
        self._requests[asked["model"]] += 1
        response = web.Response(body=json.dumps(completion(asked)).encode(), content_type="application/json")
        await asyncio.sleep(self._latency_s - (time.perf_counter() - arrived))
        self._running -= 1
        self._last = time.perf_counter()
        return response


def completion(asked: dict[str, Any]) -> dict[str, Any]:
    """The body of an answer, with usage, a finish reason and the model that was asked for."""
    question = asked["messages"][-1]["content"]
    text = answer_to(question)
    read, written = tokens(question), tokens(text)
    return {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": asked["model"],
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
    }


async def serve(latency_s: float) -> None:
    """Listen on a free port of the loopback address until a signal comes."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runner = web.ServerRunner(web.Server(Stub(latency_s).handle, access_log=None), shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    print(json.dumps({"base_url": f"http://127.0.0.1:{runner.addresses[0][1]}/v1"}), flush=True)
    await stopped.wait()
    await runner.cleanup()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency-ms", type=float, default=LATENCY_S * 1000, help="waited before every answer")
    asyncio.run(serve(parser.parse_args().latency_ms / 1000))


if __name__ == "__main__":
    main()
