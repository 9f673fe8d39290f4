"""One fuzz target: mutates the seeds of a format, guided by what of the importers they reach, for so many seconds."""

from __future__ import annotations

import hashlib
import sys
import tempfile
import traceback
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["cqtui.importers", "cqtui.engine.facts"]):
    from tests.fuzz.files import LONGEST, mutated
    from tests.fuzz.invariants import check_file

from tests.fuzz.seeds import seeds_of

HANG_SECONDS = 20
MEGABYTES = 3000


class Findings:
    """The files that broke something, one (the smallest) for each way in which something broke."""

    def __init__(self, folder: Path, target: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._target = target

    def add(self, data: bytes, error: BaseException) -> None:
        """Keep a file, and beside it what was said."""
        name = f"{self._target}-{hashlib.sha256(way_of(error).encode()).hexdigest()[:10]}"
        kept = self._folder / f"{name}.log"
        if kept.exists() and kept.stat().st_size <= len(data):
            return
        kept.write_bytes(data)
        said = "".join(traceback.format_exception(error, limit=-40))
        kept.with_suffix(".txt").write_text(said, encoding="utf-8", errors="backslashreplace")

    def drop_fixed(self, file: Path) -> list[bytes]:
        """Forget the findings of earlier runs that end well by now, read as ``file``; the content of all of them."""
        contents = []
        for kept in self._folder.glob(f"{self._target}-*.log"):
            contents.append(kept.read_bytes())
            file.write_bytes(contents[-1])
            try:
                check_file(file)
            except Exception:
                continue
            kept.unlink()
            kept.with_suffix(".txt").unlink(missing_ok=True)
        return contents


def way_of(error: BaseException) -> str:
    """What findings of one cause share: the error, and the innermost line of the project that it passed."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/cqtui/" in frame.filename]
    where = f"{frames[-1].filename}:{frames[-1].name}:{frames[-1].line}" if frames else ""
    return f"{type(error).__name__}:{where or str(error)[:80]}"


def main(target: str, seconds: int, seed: int, findings: Path) -> None:
    """Fuzz until the time is over; libFuzzer then ends the process, with its statistics on stderr."""
    found = Findings(findings, target)
    folder = Path(tempfile.mkdtemp(prefix=f"cqtui-fuzz-{target}-"))
    corpus, file = folder / "corpus", folder / "log.jsonl"
    corpus.mkdir()
    seeds = [*seeds_of(target), *found.drop_fixed(file)]
    for number, content in enumerate(seeds):
        (corpus / str(number)).write_bytes(content)

    def one(data: bytes) -> None:
        file.write_bytes(data)
        try:
            check_file(file)
        except Exception as error:
            found.add(data, error)

    def mutator(data: bytes, longest: int, number: int) -> bytes:
        random = Random(number)
        kind = random.random()
        if kind < 0.05:
            return bytes(atheris.Mutate(data, longest))
        # What was changed over and over is seldom a log any more: half the files begin afresh.
        return mutated(random.choice(seeds) if kind < 0.5 else data, random, longest)

    options = [
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-max_len={LONGEST}",
        "-len_control=0",
        f"-timeout={HANG_SECONDS}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-artifact_prefix={findings}/{target}-",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], str(corpus), *options], one, custom_mutator=mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
