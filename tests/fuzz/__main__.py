"""Runs the fuzz targets, or a finding again: ``python -m tests.fuzz [TARGET ...]``, ``python -m tests.fuzz FILE``."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.invariants import check_file
from tests.fuzz.seeds import TARGETS

EXECUTIONS = re.compile(r"number_of_executed_units:\s*(\d+)")
# libFuzzer names what it stops at by the kind of end.
ENDS = ("crash-", "timeout-", "oom-", "leak-")


class Outcome(NamedTuple):
    """What became of one target: how often it read a file, in how many seconds, and the files that broke something."""

    target: str
    executions: int
    seconds: float
    findings: tuple[Path, ...]
    failure: str = ""


def fuzz(target: str, seconds: int, seed: int, folder: Path) -> Outcome:
    """Run one target in a process of its own."""
    began = time.monotonic()
    command = [sys.executable, "-m", "tests.fuzz.target", target, str(seconds), str(seed), str(folder)]
    with tempfile.TemporaryFile() as said:
        code = subprocess.run(command, stderr=said, stdout=subprocess.DEVNULL, check=False).returncode
        said.seek(0)
        text = said.read().decode("utf-8", "replace")
    counted = EXECUTIONS.search(text)
    findings = tuple(
        sorted(file for file in folder.glob(f"{target}-*") if file.suffix != ".txt" and _is_of(file, target))
    )
    failed = (code or counted is None) and not findings
    failure = ""
    if failed:
        said_by = folder / f"{target}-failed.txt"
        said_by.write_text(text, encoding="utf-8")
        failure = f"exit code {code}, see {said_by}"
    return Outcome(target, int(counted[1]) if counted else 0, time.monotonic() - began, findings, failure)


def _is_of(file: Path, target: str) -> bool:
    """Whether a finding is that of a target, not of one whose name begins alike."""
    rest = file.stem.removeprefix(f"{target}-")
    return rest.startswith(ENDS) or re.fullmatch(r"[0-9a-f]{10}", rest) is not None


def line_of(outcome: Outcome) -> str:
    """What became of a target, in a line."""
    said = outcome.failure or ", ".join(map(str, outcome.findings)) or "none"
    return f"{outcome.target:<20} {outcome.executions:>8,} executions  {outcome.seconds:>4.0f} s  findings: {said}"


def again(file: Path) -> int:
    """Read a finding again; 1 where it still breaks something."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "log.jsonl"
        copy.write_bytes(file.read_bytes())
        try:
            print(f"Ends well: {check_file(copy)!r}"[:500])
        except Exception:
            traceback.print_exc(limit=-40)
            return 1
    return 0


def main() -> int:
    """Run what the command line names; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("what", nargs="*", help=f"findings to read again, or targets: {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--jobs", type=int, default=2, help="targets at a time")
    parser.add_argument("--seed", type=int, default=0, help="another one goes other ways; 0 is a new one each time")
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"), help="the folder where they are kept")
    options = parser.parse_args()
    chosen = options.what or TARGETS
    if files := [Path(name) for name in chosen if name not in TARGETS]:
        if missing := [str(file) for file in files if not file.is_file()]:
            parser.error(f"neither a target nor a file: {', '.join(missing)}")
        return max(map(again, files))
    found = False
    with ThreadPoolExecutor(options.jobs) as pool:
        runs = [pool.submit(fuzz, target, options.seconds, options.seed, options.findings) for target in chosen]
        for run in runs:
            outcome = run.result()
            print(line_of(outcome), flush=True)
            found = found or bool(outcome.findings or outcome.failure)
    if found:
        print("Beside each finding stands what was said; python -m tests.fuzz FILE reads one again.")
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
