"""Measures the replay of 2 x 1,000 calls beside its peers, in one run, against one local stub upstream.

    python benchmarks/replay.py                          # bare aiohttp, the bare portkey SDK and cqtui
    python benchmarks/replay.py --promptfoo --rounds 3   # promptfoo too (installed by npm into the cache folder, once)
    python benchmarks/replay.py --scale                  # cqtui alone: 2 x 1,000 calls beside 2 x 5,000

The stub (``stub.py``) is a process of its own that answers every call after 50 ms. Each contender is a fresh process,
so that its imports, CPU and memory are its own, and makes its calls 64 at a time. cqtui runs as its users run it: the
SDK, the SQLite store with full durability, an event file, checks and the decision. Of several rounds the quickest of
each contender is shown. Nothing is asserted about time: each limit is printed with "holds" or "misses". That all calls
were made, answered and accounted for is checked, and a run where they were not ends with an error.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from importlib import _bootstrap
from pathlib import Path
from typing import Any

from traffic import CURRENT_MODEL, LATENCY_S, MAX_TOKENS, MODELS, answer_to, body, prompt, tokens

# No import above may be a large one: at its start a child's peak of memory counts that of the process it came from.

HERE = Path(__file__).resolve().parent
CONCURRENCY = 64
CALLS = 1_000
SCALE_CALLS = 5_000
PROMPTFOO = "0.123.1"
NODE = "22.23.3"  # promptfoo refuses to start on an older one; the package of this name carries the program

BARE, SDK, SDK_RAW, CQTUI, OTHER = "bare aiohttp", "portkey SDK", "portkey SDK, raw", "cqtui", "promptfoo"


class BenchmarkError(Exception):
    """A contender did not do its work, or cannot be run here."""


@dataclass(frozen=True)
class Measured:
    """What one contender took. Seconds and MB; ``cpu_ms_per_call`` leaves its imports out, None where unknown."""

    name: str
    calls: int
    requests: int
    first_to_last: float
    whole: float
    cpu: float
    cpu_ms_per_call: float | None
    peak_mb: float
    most_at_once: int
    stub_load: float
    note: str = ""


class Clock:
    """CPU seconds of this process from ``start`` on, without those that loading modules takes, however late it is.

    The hook is what an import statement calls for a module that is not loaded yet: statements that find theirs loaded
    cost nothing more (the SDK executes dozens of those for every call).
    """

    def __init__(self) -> None:
        self._begun = 0.0
        self._loading = 0.0
        self._state = threading.local()
        self._find_and_load: Callable[..., Any] = vars(_bootstrap)["_find_and_load"]

    def start(self) -> None:
        """Start; to be called right before the work."""
        vars(_bootstrap)["_find_and_load"] = self._timed
        self._begun = time.process_time()

    def seconds(self) -> float:
        """What the work has taken so far."""
        return time.process_time() - self._begun - self._loading

    def _timed(self, *args: Any) -> Any:
        if getattr(self._state, "inside", False):
            return self._find_and_load(*args)
        self._state.inside = True
        begun = time.thread_time()
        try:
            return self._find_and_load(*args)
        finally:
            self._loading += time.thread_time() - begun
            self._state.inside = False


# The contenders; each runs in a process of its own, starts the clock and returns what is to be noted about its work.

Finished = dict[str, Any]


async def _at_once(calls: int, ask: Callable[[str, int], Awaitable[str | None]]) -> int:
    """Make every call, so many at a time; returns how many answers were right."""
    work = iter([(model, number) for number in range(calls) for model in MODELS])
    right = 0

    async def worker() -> None:
        nonlocal right
        for model, number in work:
            answer = await ask(model, number)
            right += answer == answer_to(prompt(number))

    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
    return right


def bare_aiohttp(base_url: str, calls: int, folder: Path, clock: Clock) -> Finished:
    """The least that Python can do it with: aiohttp and nothing else."""
    import aiohttp

    async def run() -> int:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENCY)) as session:

            async def ask(model: str, number: int) -> str | None:
                async with session.post(f"{base_url}/chat/completions", json=body(model, number)) as response:
                    answer = await response.json()
                    text: str | None = answer["choices"][0]["message"]["content"]
                    return text

            return await _at_once(calls, ask)

    clock.start()
    return {"right": asyncio.run(run())}


def bare_sdk(base_url: str, calls: int, folder: Path, clock: Clock, *, raw: bool = False) -> Finished:
    """The portkey SDK over the transport that cqtui gives it; ``raw`` leaves out the SDK's models of the answer."""
    import httpx
    from httpx_aiohttp import AiohttpTransport
    from portkey_ai import AsyncPortkey

    async def run() -> int:
        async with httpx.AsyncClient(transport=AiohttpTransport()) as http:
            client = AsyncPortkey(
                api_key="none",
                base_url=base_url,
                http_client=http,
                strict_open_ai_compliance=True,
                Authorization="none",
            )
            client.openai_client.max_retries = 0
            raw_create = client.openai_client.with_raw_response.chat.completions.create

            async def ask(model: str, number: int) -> str | None:
                answer: Any = await client.chat.completions.create(**body(model, number))
                text: str | None = answer.choices[0].message.content
                return text

            async def ask_raw(model: str, number: int) -> str | None:
                answer: Any = await raw_create(**body(model, number))
                text: str | None = json.loads(answer.content)["choices"][0]["message"]["content"]
                return text

            return await _at_once(calls, ask_raw if raw else ask)

    clock.start()
    return {"right": asyncio.run(run())}


def bare_sdk_raw(base_url: str, calls: int, folder: Path, clock: Clock) -> Finished:
    """The part of the SDK that cqtui calls."""
    return bare_sdk(base_url, calls, folder, clock, raw=True)


def cqtui_replay(base_url: str, calls: int, folder: Path, clock: Clock) -> Finished:
    """The main job from the log in memory to the decision: real store, event file, checks for a judge."""
    from datetime import UTC, date, datetime, timedelta

    from cqtui.cli.progress import EventFile
    from cqtui.engine.optimize import optimize_async
    from cqtui.models import Completion, LoggedCall, Message, Origin, Part, Usage
    from cqtui.settings import Settings

    def logged(number: int) -> LoggedCall:
        question = prompt(number)
        answer = answer_to(question)
        return LoggedCall(
            id=f"call-{number}",
            time=datetime(2026, 10, 1, tzinfo=UTC) + timedelta(minutes=number),
            model=CURRENT_MODEL,
            messages=(Message(role="user", parts=(Part(text=question),)),),
            params={"max_tokens": MAX_TOKENS},
            completion=Completion(text=answer),
            finish_reason="stop",
            usage=Usage(input_tokens=tokens(question), output_tokens=tokens(answer)),
            origin=Origin(file="log.jsonl", format="native", line=number + 1),
        )

    log = [logged(number) for number in range(calls)]
    prices = {CURRENT_MODEL: (10, 40), MODELS[0]: (0.5, 2), MODELS[1]: (2, 8)}
    settings = Settings.model_validate(
        {
            "provider": "portkey",
            "current_model": f"stub/{CURRENT_MODEL}",
            "candidates": [f"stub/{model}" for model in MODELS],
            "models": [
                {"id": f"stub/{model}", "price": {"input": read, "output": write}}
                for model, (read, write) in prices.items()
            ],
            "gateway": {"base_url": base_url, "concurrency": CONCURRENCY},
            "judge": {"mode": "checks"},
            # Equal answers are soon enough evidence; with no alpha to spend nothing is, and every call is made. The
            # current model is not asked again: its 20 calls would be cqtui's alone.
            "thresholds": {"max_samples": calls, "alpha": 1e-300, "noise_floor_samples": 0},
            "budget": {"usd": 1_000_000},
            "as_of": date(2026, 11, 25),
        }
    )
    events = EventFile(folder / "events.jsonl")
    clock.start()
    result = asyncio.run(optimize_async(settings, calls=log, database=folder / "cqtui.db", sink=events))
    events.close()
    seconds = clock.seconds()
    with (folder / "events.jsonl").open(encoding="utf-8") as lines:
        kinds = [json.loads(line)["kind"] for line in lines]
    samples = {evidence.candidate.entry.model: evidence.ledger.replayed for evidence in result.evidence}
    comparable = {evidence.candidate.entry.model: evidence.ledger.comparable for evidence in result.evidence}
    if result.stage != "completed" or kinds.count("pair_judged") != len(MODELS) * calls:
        raise BenchmarkError(f"cqtui: the run is {result.stage}, with {kinds.count('pair_judged')} pairs in its events")
    if samples != dict.fromkeys(MODELS, calls) or comparable != samples:
        raise BenchmarkError(f"cqtui: samples {samples}, comparable {comparable}; {calls} of each were asked for")
    seen = ", ".join(f"{evidence.latency_p50_ms:.0f}" for evidence in result.evidence if evidence.latency_p50_ms)
    note = f"samples evaluated: {', '.join(f'{model} {n:,}' for model, n in samples.items())}; {result.grade}; "
    note += f"median latencies it measured: {seen} ms (the stub's: {LATENCY_S * 1000:g} ms)"
    return {"right": sum(comparable.values()), "note": note, "cpu_after_imports": seconds}


CONTENDERS: dict[str, Callable[[str, int, Path, Clock], Finished]] = {
    BARE: bare_aiohttp,
    SDK: bare_sdk,
    SDK_RAW: bare_sdk_raw,
    CQTUI: cqtui_replay,
}


def be_contender(name: str, base_url: str, calls: int, folder: Path) -> None:
    """Do one contender's work in this process and print what it took as JSON."""
    clock = Clock()
    finished = CONTENDERS[name](base_url, calls, folder, clock)
    finished.setdefault("cpu_after_imports", clock.seconds())
    finished["peak_kib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps(finished))


# promptfoo


def installed_promptfoo() -> Path:
    """The folder of promptfoo's programs, installed by npm on first use.

    Raises:
        BenchmarkError: npm is missing or could not install it.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise BenchmarkError("promptfoo is left out: npm is not installed")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "cqtui-benchmarks" / f"promptfoo-{PROMPTFOO}"
    programs = folder / "node_modules" / ".bin"
    if not ((programs / "promptfoo").exists() and (programs / "node").exists()):
        print(f"installing promptfoo {PROMPTFOO} with npm (about 1.5 GB, some minutes) ...", file=sys.stderr)
        folder.mkdir(parents=True, exist_ok=True)
        packages = [f"promptfoo@{PROMPTFOO}", f"node@{NODE}"]
        command = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--loglevel=error", *packages]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise BenchmarkError(f"promptfoo is left out: npm could not install it ({last})")
    return programs


def promptfoo_command(programs: Path, base_url: str, calls: int, folder: Path) -> tuple[list[str], dict[str, str]]:
    """The command line and environment of the same calls with promptfoo, each answer checked against the logged one."""
    options = {"apiBaseUrl": base_url, "apiKey": "none", "max_tokens": MAX_TOKENS}
    configuration = {
        "prompts": ["{{question}}"],
        "providers": [{"id": f"openai:chat:{model}", "config": options} for model in MODELS],
        "defaultTest": {"assert": [{"type": "equals", "value": "{{answer}}"}]},
        "tests": [{"vars": {"question": prompt(n), "answer": answer_to(prompt(n))}} for n in range(calls)],
    }
    path = folder / "promptfooconfig.json"
    path.write_text(json.dumps(configuration), encoding="utf-8")
    flags = ["--no-cache", "--no-table", "--no-progress-bar", "--no-share", "-j", str(CONCURRENCY)]
    offline = ("PROMPTFOO_DISABLE_TELEMETRY", "PROMPTFOO_DISABLE_UPDATE", "PROMPTFOO_DISABLE_REMOTE_GENERATION")
    environment = {
        **dict.fromkeys(offline, "1"),
        "PROMPTFOO_CONFIG_DIR": str(folder / "promptfoo"),
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    return [str(programs / "promptfoo"), "eval", "-c", str(path), *flags], environment


# Measuring


@contextlib.contextmanager
def running_stub() -> Iterator[str]:
    """Run the stub as a process of its own; gives its base URL."""
    command = [sys.executable, str(HERE / "stub.py"), f"--latency-ms={LATENCY_S * 1000:g}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            if not ready:
                raise BenchmarkError(f"the stub did not start: exit code {process.wait(10)}")
            yield json.loads(ready)["base_url"]
        finally:
            process.terminate()


def seen_by_stub(base_url: str) -> dict[str, Any]:
    """What the stub saw since it was asked last."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(base_url.removesuffix("/v1") + "/measured", timeout=10) as response:
        seen: dict[str, Any] = json.load(response)
    return seen


def measure(name: str, base_url: str, calls: int, programs: Path | None = None) -> Measured:
    """Run one contender in a fresh process.

    Args:
        name: Which one.
        base_url: The stub.
        calls: How many calls of each model.
        programs: The folder of promptfoo's programs, for that contender.

    Raises:
        BenchmarkError: It failed, or did not make or account for all calls.
    """
    with tempfile.TemporaryDirectory(prefix="cqtui-benchmark-") as temporary:
        folder = Path(temporary)
        more: dict[str, str] = {}
        if programs is not None:
            command, more = promptfoo_command(programs, base_url, calls, folder)
        else:
            command = [sys.executable, str(Path(__file__).resolve()), "--contender", name]
            command += ["--base-url", base_url, "--calls", str(calls), "--folder", str(folder)]
        environment = {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **more}
        seen_by_stub(base_url)
        with (folder / "output").open("w+", encoding="utf-8") as output:
            started = time.perf_counter()
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=None if programs is None else subprocess.STDOUT,
            )
            _, status, usage = os.wait4(process.pid, 0)
            whole = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            printed = output.read()
    seen = seen_by_stub(base_url)
    total = len(MODELS) * calls
    if process.returncode != 0:
        raise BenchmarkError(f"{name} ended with exit code {process.returncode}: {printed[-500:].strip()}")
    finished = json.loads(printed) if programs is None else {}
    pings = 1 if name == CQTUI else 0
    if seen["requests"] != dict.fromkeys(MODELS, calls + pings):
        raise BenchmarkError(f"{name}: the stub saw {seen['requests']}, not {calls} calls of each model")
    if finished.get("right", total) != total:
        raise BenchmarkError(f"{name}: {finished['right']} of {total} answers were right")
    after = finished.get("cpu_after_imports")
    return Measured(
        name=name,
        calls=total,
        requests=sum(seen["requests"].values()),
        first_to_last=seen["seconds"],
        whole=whole,
        cpu=usage.ru_utime + usage.ru_stime,
        cpu_ms_per_call=None if after is None else 1000 * after / total,
        peak_mb=finished.get("peak_kib", usage.ru_maxrss) * 1024 / 1e6,
        most_at_once=seen["most_at_once"],
        stub_load=seen["stub_cpu_seconds"] / seen["seconds"],
        note=finished.get("note", ""),
    )


def quickest(
    names: list[str], base_url: str, rounds: int, *, calls: int = CALLS, programs: Path | None = None
) -> dict[str, Measured]:
    """Run all contenders in turn, several times, and keep each one's quickest."""
    best: dict[str, Measured] = {}
    for number in range(rounds):
        for name in names:
            load = f"load average {os.getloadavg()[0]:.1f}"
            print(f"round {number + 1} of {rounds}: {name}, 2 x {calls:,} calls ({load}) ...", file=sys.stderr)
            found = measure(name, base_url, calls, programs if name == OTHER else None)
            if name not in best or found.whole < best[name].whole:
                best[name] = found
    return best


# Printing


def _table(rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _verdict(name: str, found: float, limit: float, unit: str, *, least: bool = False) -> str:
    holds = found >= limit if least else found <= limit
    asked = f"{'at least' if least else 'at most'} {limit:g}{unit}"
    return f"{'holds ' if holds else 'misses'}  {name}: {found:.2f}{unit} ({asked})"


def show_peers(best: dict[str, Measured]) -> None:
    """Print the table of all contenders and the limits."""
    bare = best[BARE]
    head = ["contender", "requests", "first to last s", "ratio", "whole s", "ratio"]
    rows = [[*head, "CPU s", "CPU ms/call", "ratio", "peak MB", "at once", "stub load"]]
    for row in best.values():
        per_call = ["–", "–"]
        if row.cpu_ms_per_call is not None and bare.cpu_ms_per_call is not None:
            per_call = [f"{row.cpu_ms_per_call:.2f}", f"{row.cpu_ms_per_call / bare.cpu_ms_per_call:.2f}"]
        times = [f"{row.first_to_last:.2f}", f"{row.first_to_last / bare.first_to_last:.2f}"]
        times += [f"{row.whole:.2f}", f"{row.whole / bare.whole:.2f}", f"{row.cpu:.2f}"]
        counts = [f"{row.peak_mb:.0f}", str(row.most_at_once), f"{100 * row.stub_load:.0f}%"]
        rows.append([row.name, f"{row.requests:,}", *times, *per_call, *counts])
    least = bare.calls / CONCURRENCY * LATENCY_S
    print(f"2 x {CALLS:,} calls, {CONCURRENCY} at a time, {LATENCY_S * 1000:g} ms each: {least:.2f} s at the least")
    print(_table(rows))
    print(
        "Ratios are to bare aiohttp. CPU s is of the whole process, CPU ms/call without imports. Stub load is the share"
    )
    print(
        "of a core that the stub took: near 100% it sets the pace. cqtui's two requests more are a ping for each model."
    )
    print()
    cqtui = best[CQTUI]
    print(f"cqtui accounts for all calls: {cqtui.note}")
    print(_verdict("first to last, to bare aiohttp's", cqtui.first_to_last / bare.first_to_last, 1.6, " x"))
    print(_verdict("whole process, to bare aiohttp's", cqtui.whole / bare.whole, 2.5, " x"))
    print(_verdict("CPU a call, imports apart", cqtui.cpu_ms_per_call or 0.0, 1.6, " ms"))
    print(_verdict("peak memory", cqtui.peak_mb, 250, " MB"))
    other = best.get(OTHER)
    if other is not None:
        faster = other.first_to_last / cqtui.first_to_last
        print(_verdict("quicker than promptfoo, first to last", faster, 2.5, " x", least=True))
        print(_verdict("quicker than promptfoo, whole process", other.whole / cqtui.whole, 2.5, " x", least=True))


def show_scale(small: Measured, large: Measured) -> None:
    """Print how cqtui's cost of a call grows with their number."""
    more = large.calls - small.calls
    rows = [["calls", "first to last s", "ms/call", "whole s", "CPU s", "CPU ms/call", "peak MB"]]
    for row in (small, large):
        times = [f"{row.first_to_last:.2f}", f"{1000 * row.first_to_last / row.calls:.2f}", f"{row.whole:.2f}"]
        rows.append([f"{row.calls:,}", *times, f"{row.cpu:.2f}", f"{row.cpu_ms_per_call:.2f}", f"{row.peak_mb:.0f}"])
    wall = (large.first_to_last / large.calls) / (small.first_to_last / small.calls)
    cpu = (large.cpu_ms_per_call or 0.0) / (small.cpu_ms_per_call or 1.0)
    memory = large.peak_mb / small.peak_mb
    rows.append(["ratio", "", f"{wall:.2f}", "", "", f"{cpu:.2f}", f"{memory:.2f}"])
    extra = f"{1000 * (large.first_to_last - small.first_to_last) / more:.2f}"
    rows.append(["each further call", "", extra, "", "", f"{1000 * (large.cpu - small.cpu) / more:.2f}", ""])
    print(f"cqtui alone, {CONCURRENCY} at a time, {LATENCY_S * 1000:g} ms each")
    print(_table(rows))
    kib = 1e3 * (large.peak_mb - small.peak_mb) / more
    print(f"cqtui accounts for all calls: {large.note}; memory grows by {kib:.1f} kB a call")
    print(_verdict("wall a call, to 2 x 1,000", wall, 1.1, " x"))
    print(_verdict("CPU a call, to 2 x 1,000", cpu, 1.1, " x"))
    print(_verdict("peak memory, to 2 x 1,000", memory, 1.25, " x"))


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--promptfoo", action="store_true", help="measure promptfoo too (needs npm)")
    parser.add_argument("--scale", action="store_true", help="measure cqtui alone, with five times the calls")
    parser.add_argument("--rounds", type=int, default=1, help="how often each runs; its quickest is shown")
    for name in ("--contender", "--base-url", "--folder"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument("--calls", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender is not None:
        be_contender(options.contender, options.base_url, options.calls, Path(options.folder))
        return
    rounds = max(1, options.rounds)
    try:
        with running_stub() as base_url:
            if options.scale:
                small = quickest([CQTUI], base_url, rounds)[CQTUI]
                show_scale(small, quickest([CQTUI], base_url, rounds, calls=SCALE_CALLS)[CQTUI])
                return
            names, programs = list(CONTENDERS), None
            if options.promptfoo:
                try:
                    programs = installed_promptfoo()
                    names.append(OTHER)
                except BenchmarkError as error:
                    print(error, file=sys.stderr)
            show_peers(quickest(names, base_url, rounds, programs=programs))
            if programs is None:
                print("promptfoo was not measured" + ("" if options.promptfoo else " (add --promptfoo)"))
    except BenchmarkError as error:
        sys.exit(f"{parser.prog}: {error}")


if __name__ == "__main__":
    main()
