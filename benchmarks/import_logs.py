"""How fast, and in how little memory, is a large log read? Against a bare loop of ``json.loads`` over the same lines.

    python benchmarks/import_logs.py                         # 1,000,000 records, 1 GB: about two minutes
    python benchmarks/import_logs.py --records 100000 --format openai_chat --rounds 3

The log is written first: conversations of one to three turns with prompts of varying length, three models, three
routes, cached tokens. Then, each in a process of its own and in turns, so that both meet the same machine:

- bare: ``for line in file: json.loads(line)`` with the standard library, nothing kept;
- cqtui: the log as a run reads it (``read_log``): formats recognised, repeats found, the traffic added up, a sample
  of whole conversations drawn and made into calls.

Printed are the times, their ratio (the median of the rounds) against the limit of 3, and the peak resident memory of
the second process against 300 MB; each with "holds" or "misses". The exit code is 1 where one misses. Whether the
figures are right is checked, too: the calls, their tokens and models must be those that were written.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RATIO, MEMORY_MB = 3.0, 300
START = datetime(2026, 9, 1, tzinfo=UTC)
MODELS = ("openai/gpt-5.6-terra", "openai/gpt-5.4-mini", "anthropic/claude-haiku-4-5")
ROUTES = ("triage", "summary", "answer")
WORDS = 3_000
SYSTEM_WORDS, USER_WORDS, ANSWER_WORDS = 30, 40, 20


def write_log(path: Path, records: int, kind: str, seed: int = 1) -> dict[str, int]:
    """Write a log of so many records and say what its figures are."""
    draw = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(draw.choices(letters, k=draw.randint(2, 9))) for _ in range(WORDS)]
    systems = {route: " ".join(draw.choices(words, k=SYSTEM_WORDS)) for route in ROUTES}
    expected = {"calls": records, "input_tokens": 0, **dict.fromkeys(MODELS, 0)}
    shape = native if kind == "native" else openai_chat
    session, turns = 0, 0
    with path.open("w") as file:
        for number in range(records):
            if not turns:
                session, turns = session + 1, draw.randint(1, 3)
            turns -= 1
            route, model = draw.choice(ROUTES), draw.choice(MODELS)
            asked = " ".join(draw.choices(words, k=draw.randint(USER_WORDS // 2, USER_WORDS * 3 // 2)))
            answered = " ".join(draw.choices(words, k=draw.randint(ANSWER_WORDS // 2, ANSWER_WORDS * 3 // 2)))
            tokens = (SYSTEM_WORDS + len(asked.split())) * 2
            expected["input_tokens"] += tokens
            expected[model] += 1
            file.write(json.dumps(shape(number, session, route, model, systems[route], asked, answered, tokens)) + "\n")
    return expected


def native(
    number: int, session: int, route: str, model: str, system: str, asked: str, answered: str, tokens: int
) -> Any:
    """A record of the native format."""
    usage = {"input_tokens": tokens, "output_tokens": 50, "cached_tokens": 32 * (number % 2), "reasoning_tokens": 0}
    return {
        "id": f"call-{number}",
        "timestamp": (START + timedelta(seconds=2 * number)).isoformat(),
        "model": model,
        "provider": model.split("/")[0],
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": asked}],
        "params": {"temperature": 0.2, "max_tokens": 300},
        "completion": {"content": answered, "finish_reason": "stop"},
        "usage": usage,
        "latency_ms": 400 + number % 700,
        "user": f"user-{session % 999}",
        "session": f"session-{session}",
        "tags": ["production"],
        "metadata": {"route": route},
    }


def openai_chat(
    number: int, session: int, route: str, model: str, system: str, asked: str, answered: str, tokens: int
) -> Any:
    """A request and its response in the words of OpenAI's chat completions."""
    messages = [{"role": "system", "content": system}, {"role": "user", "content": asked}]
    usage = {"prompt_tokens": tokens, "completion_tokens": 50, "total_tokens": tokens + 50}
    choice = {"index": 0, "message": {"role": "assistant", "content": answered}, "finish_reason": "stop"}
    return {
        "request": {"model": model, "messages": messages, "temperature": 0.2, "max_tokens": 300},
        "response": {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion",
            "created": int((START + timedelta(seconds=2 * number)).timestamp()),
            "model": model,
            "choices": [choice],
            "usage": {**usage, "prompt_tokens_details": {"cached_tokens": 32 * (number % 2)}},
        },
        "session": f"session-{session}",
        "metadata": {"route": route},
    }


def bare(path: Path) -> dict[str, Any]:
    """The bare loop."""
    started = time.perf_counter()
    records = 0
    with path.open("rb") as file:
        for line in file:
            json.loads(line)
            records += 1
    return {"seconds": time.perf_counter() - started, "records": records}


def read(path: Path) -> dict[str, Any]:
    """The log as a run reads it, with the command's own progress."""
    sys.path.insert(0, str(ROOT))
    from cqtui.cli.reading import log_with_progress
    from cqtui.settings import Settings

    started = time.perf_counter()
    log = log_with_progress(Settings(), [path])
    seconds = time.perf_counter() - started
    tally = log.tally
    return {
        "seconds": seconds,
        "records": log.read.records,
        "sample": len(log.calls),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "figures": {
            "calls": tally.calls,
            "input_tokens": round(tally.mean_input_tokens * tally.calls),
            **{model: tally.models[model] for model in MODELS},
        },
    }


def measured(what: str, path: Path) -> dict[str, Any]:
    """One of the two in a process of its own."""
    command = [sys.executable, __file__, "--only", what, "--log", str(path)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def holds(is_kept: bool) -> str:
    """The word for a limit that is kept, or for one that is not."""
    return "holds" if is_kept else "misses"


def main() -> int:
    """Write the log, measure, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--format", choices=["native", "openai_chat"], default="native")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--log", type=Path, help="An existing log, with --only.")
    parser.add_argument("--only", choices=["bare", "read"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        print(json.dumps({"bare": bare, "read": read}[given.only](given.log)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.jsonl"
        print(f"Writing {given.records:,} records ({given.format}) ...", file=sys.stderr)
        expected = write_log(path, given.records, given.format)
        size = path.stat().st_size
        print(
            f"{given.records:,} records of {given.format}, {size / 1e9:.2f} GB, {size / given.records:,.0f} bytes each"
        )
        ratios, peaks = [], []
        for number in range(given.rounds):
            plain, full = measured("bare", path), measured("read", path)
            if full["figures"] != expected or full["records"] != plain["records"]:
                print(f"WRONG: {full} where {expected} was written")
                return 1
            ratios.append(full["seconds"] / plain["seconds"])
            peaks.append(full["peak_mb"])
            print(
                f"round {number + 1}: json.loads {plain['seconds']:6.2f} s, cqtui {full['seconds']:6.2f} s, "
                f"{ratios[-1]:.2f} x; peak {full['peak_mb']:.0f} MB, sample of {full['sample']:,} calls"
            )
    ratio, peak = statistics.median(ratios), max(peaks)
    print(f"time        {ratio:5.2f} x of bare json.loads  (limit {RATIO:.0f} x)     {holds(ratio <= RATIO)}")
    print(f"peak memory {peak:5.0f} MB                    (limit {MEMORY_MB} MB)  {holds(peak < MEMORY_MB)}")
    return 0 if ratio <= RATIO and peak < MEMORY_MB else 1


if __name__ == "__main__":
    sys.exit(main())
