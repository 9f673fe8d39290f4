"""Does the terminal app stay out of the way? A storm of events through the real app in a real (pseudo) terminal.

    python benchmarks/tui.py                  # 30 s of 1,000 events a second, then 10 first paints; under a minute
    python benchmarks/tui.py --seconds 120 --rate 2000

A process of its own runs the app at 120x40 with a run of 6 candidates and 5,000 calls each; a thread hands it that
many events a second. Meanwhile this process types: it moves over the candidates, and opens, scrolls and leaves the
browser of 5,000 kept samples. Measured are

- frames: a task on the app's own loop asks to be woken every 5 ms; its latest wake bounds how late any frame was;
- key to paint: from writing a key to the terminal until the line that it changes has come back from it;
- memory: the app's own resident memory (RSS) after a third of the time against the end;
- first paint: from starting ``cqtui --example`` until its first words are on the terminal.

Each limit is printed with "holds" or "misses"; the exit code is 1 where one misses.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CANDIDATES, CALLS, KEPT_SAMPLES = 6, 5_000, 5_000
COLUMNS, ROWS = 120, 40
FRAME_MS, KEY_MS, FIRST_PAINT_S, GROWTH = 100.0, 50.0, 0.5, 1.05
WAKE_S = 0.005
RUN_ID = "be9c4a11d003"


# The app's process


@dataclass
class Storm:
    """A run whose events come at a steady rate from a thread."""

    rate: int
    seconds: float
    events: deque[object] = field(default_factory=deque)
    outcome: Future[object] = field(default_factory=Future)

    def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC)

    def pause(self) -> None:
        """Nothing is under way that could pause."""

    resume = stop = abandon = pause

    def set_concurrency(self, calls: int) -> None:
        """Nothing to change."""

    def blow(self, made: list[object]) -> None:
        """Hand the events on, a hundredth of a second's worth at a time."""
        begun, given = time.monotonic(), 0
        while given < len(made):
            due = min(len(made), int((time.monotonic() - begun) * self.rate))
            self.events.extend(made[given:due])
            given = due
            time.sleep(0.01)


def made_events(count: int) -> list[object]:
    """The events of a run: a beginning, then answers and judged pairs of all candidates in turn."""
    from cqtui.events import CandidateChosen, CandidatesDiscovered, PairJudged, ReplayFinished, RunStarted, StageStarted
    from cqtui.models import Candidate, ModelEntry, Price

    start = datetime.now(UTC)
    names = [f"bench/model-{number}" for number in range(CANDIDATES)]
    candidates = [
        Candidate(
            entry=ModelEntry(
                id=name,
                display_name=name,
                provider="bench",
                family="bench",
                portkey_slug="bench",
                model=name.split("/")[1],
                is_active=True,
                price=Price(input=Decimal(1), output=Decimal(2)),
            ),
            cost_per_call_usd=Decimal("0.001"),
            expected_saving_percent=50.0,
        )
        for name in names
    ]
    head = {"run_id": RUN_ID, "at": start}
    made: list[object] = [
        RunStarted(
            **head,
            seq=1,
            current_model="bench/large",
            provider="portkey",
            calls=CALLS,
            budget_usd=Decimal(9),
            resumed=False,
        ),
        CandidatesDiscovered(**head, seq=2, candidates=tuple(candidates), excluded=()),
        StageStarted(**head, seq=3, stage="verify"),
        *(
            CandidateChosen(**head, seq=4 + n, candidate=each, samples=CALLS, evidence_needed=120.0)
            for n, each in enumerate(candidates)
        ),
    ]
    for number in range(count):
        at = start + timedelta(seconds=number / 1000)
        name, record = names[number // 2 % CANDIDATES], f"call-{number // (2 * CANDIDATES) % CALLS:05d}"
        spent = Decimal(number) / 10_000
        if number % 2:
            made.append(
                PairJudged(
                    run_id=RUN_ID,
                    seq=number,
                    at=at,
                    model_id=name,
                    record_id=record,
                    baseline_score=90.0,
                    candidate_score=40.0 if number % 997 == 0 else 86.0 + number % 7,
                    baseline_cost_usd=Decimal("0.01"),
                    candidate_cost_usd=Decimal("0.004"),
                    quality_log_evidence=number / 30_000,
                    refusals_log_evidence=number / 40_000,
                )
            )
        else:
            made.append(
                ReplayFinished(
                    run_id=RUN_ID,
                    seq=number,
                    at=at,
                    purpose="replay",
                    model_id=name,
                    record_id=record,
                    cost_usd=Decimal("0.004"),
                    spent_usd=spent,
                    latency_ms=200.0 + number % 90,
                    from_cache=False,
                )
            )
    return made


def keep_samples() -> None:
    """A store with a run's samples in the working directory."""
    from cqtui.environment import database_path
    from cqtui.models import Completion
    from cqtui.results import Pair
    from cqtui.samples import Sample
    from cqtui.store import runs
    from cqtui.store.database import Database
    from cqtui.store.samples import keep_sample

    with Database(database_path()) as store:
        store.run(lambda c: runs.start_run(c, RUN_ID, "bench", "portkey"))
        for number in range(KEPT_SAMPLES):
            pair = Pair(record_id=f"call-{number:05d}", baseline_score=90.0, candidate_score=60.0 + number % 40)
            answer = Completion(text=f"The answer to call {number}. " * 8)
            sample = Sample(pair=pair, model_id="bench/model-0", position=number, logged=answer, answer=answer)
            store.submit(lambda c, sample=sample: keep_sample(c, RUN_ID, sample))
        store.run(lambda c: None)


def run_child(folder: Path, rate: int, seconds: float) -> None:
    """Be the app: under the storm, until the parent quits it; write down how late the loop ever woke."""
    os.chdir(folder)
    keep_samples()
    from cqtui.settings import Thresholds
    from cqtui.tui.app import CqtuiApp
    from cqtui.tui.screens.run import RunScreen

    made = made_events(int(rate * seconds))
    storm = Storm(rate, seconds)
    late: list[float] = []

    class Benchmarked(CqtuiApp):
        def _open(self) -> None:
            screen = RunScreen(storm, Thresholds(), concurrency=16, subject="benchmark", right="storm")  # type: ignore[arg-type]
            self.push_screen(screen)
            self.call_after_refresh(self._begin)

        def _begin(self) -> None:
            threading.Thread(target=storm.blow, args=(made,), daemon=True).start()
            self._watch = asyncio.create_task(self._wake_often())

        async def action_quit(self) -> None:
            self._watch.cancel()  # nobody waits for a frame any more
            self.exit()

        async def _wake_often(self) -> None:
            while True:
                due = time.perf_counter() + WAKE_S
                await asyncio.sleep(WAKE_S)
                late.append(1000 * (time.perf_counter() - due))

    Benchmarked().run()
    late.sort()
    figures = {"worst_ms": late[-1], "p999_ms": late[int(0.999 * len(late))], "wakes": len(late)}
    (folder / "frames.json").write_text(json.dumps(figures), encoding="utf-8")


# The terminal


class Terminal:
    """A pseudo terminal with a process in it."""

    def __init__(self, command: list[str], folder: Path) -> None:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        surroundings = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=slave, stdout=slave, stderr=slave, env=surroundings, start_new_session=True
        )
        os.close(slave)
        self._master = master

    def type(self, keys: str) -> None:
        """Write keys."""
        os.write(self._master, keys.encode())

    def until(self, pattern: str, timeout_s: float = 20.0) -> float:
        """Read until a pattern has come; gives the seconds that it took. Raises RuntimeError where it does not come."""
        begun, seen, wanted = time.perf_counter(), b"", re.compile(pattern.encode())
        while time.perf_counter() - begun < timeout_s:
            ready, _, _ = select.select([self._master], [], [], 0.5)
            if not ready:
                continue
            try:
                seen += os.read(self._master, 65536)
            except OSError:
                break
            if wanted.search(seen):
                return time.perf_counter() - begun
            seen = seen[-200_000:]
        raise RuntimeError(f"{pattern!r} did not come: {seen[-2000:]!r}")

    def drain(self, seconds: float) -> None:
        """Read what comes for a while."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            ready, _, _ = select.select([self._master], [], [], left)
            if ready:
                with contextlib.suppress(OSError):
                    os.read(self._master, 65536)

    def memory_mb(self) -> float:
        """Its resident memory now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024  # type: ignore[union-attr]

    def close(self) -> None:
        """End the process where it has not ended, and the terminal."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        self.process.kill()
        self.process.wait()
        os.close(self._master)


@contextlib.contextmanager
def terminal(command: list[str], folder: Path) -> Iterator[Terminal]:
    opened = Terminal(command, folder)
    try:
        yield opened
    finally:
        opened.close()


def storm_figures(rate: int, seconds: float) -> tuple[dict[str, float], list[float], float, float]:
    """The loop's lateness, each key's milliseconds, and memory (MB) after a third of the time and at the end."""
    keys: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, __file__, "--child", name, "--rate", str(rate), "--seconds", str(seconds)]
        with terminal(command, folder) as app:
            app.until("Evidence on")
            begun = time.perf_counter()
            place, early = 0, 0.0
            while (spent := time.perf_counter() - begun) < seconds - 1:
                step = -1 if place == CANDIDATES - 1 else 1
                place += step
                app.type("k" if step < 0 else "j")
                keys.append(1000 * app.until(f"Evidence on {'ABCDEF'[place]} "))
                app.drain(0.15)
                if not early and spent > seconds / 3:
                    early = app.memory_mb()
                if len(keys) % 20 == 10:
                    app.type("s")
                    keys.append(1000 * app.until("Reading the pairs|pairs ·"))
                    app.drain(0.4)
                    app.type("\x1b[6~" * 3)
                    app.drain(0.1)
                    app.type("\x1b")
                    app.until("Evidence on")
                    app.drain(0.1)
            late = app.memory_mb()
            app.type("q")
            app.drain(2)
        return _frames(folder), keys, early, late


def _frames(folder: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads((folder / "frames.json").read_text(encoding="utf-8"))
    return found


def first_paints(count: int) -> list[float]:
    """Seconds from starting the app until its first words are there."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        for _ in range(count):
            with terminal([sys.executable, "-m", "cqtui", "--example"], Path(name)) as app:
                app.until("Find a cheaper model")
                found.append(time.perf_counter() - app.started)
                app.until("Before you start")
                app.type("q")
                app.drain(0.5)
    return found


def _verdict(name: str, value: float, limit: float, unit: str) -> str:
    word = "holds" if value <= limit else "MISSES"
    return f"{name:34}{value:10.2f}{unit}   limit {limit:g}{unit}   {value / limit:5.2f} of it   {word}"


def main() -> int:
    """Measure and print; 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=int, default=1000, help="events a second")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        run_child(Path(options.child), options.rate, options.seconds)
        return 0
    frames, keys, early, late = storm_figures(options.rate, options.seconds)
    paints = first_paints(10)
    keys.sort()
    p95 = keys[int(0.95 * len(keys))]
    print(f"{options.rate:,} events a second for {options.seconds:g} s, {CANDIDATES} candidates, {CALLS:,} calls each")
    print(f"{frames['wakes']:,.0f} wakes of the loop, {len(keys)} keys (median {statistics.median(keys):.1f} ms)")
    rows = [
        ("latest frame", frames["worst_ms"], FRAME_MS, " ms"),
        ("key to paint, p95", p95, KEY_MS, " ms"),
        ("memory, end to a third", late / early, GROWTH, " x"),
        ("first paint, median of 10", statistics.median(paints), FIRST_PAINT_S, " s"),
    ]
    for row in rows:
        print(_verdict(*row))
    print(f"memory {early:.0f} MB then {late:.0f} MB; first paints {min(paints):.2f} to {max(paints):.2f} s")
    return 0 if all(value <= limit for _, value, limit, _ in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
