"""How fast redaction is, on prose, code and JSON: ``python benchmarks/redaction.py [--peers]``.

Each text is cut into records of 2,000 characters. The first peer is what one would write in its place: one regular
expression of ``re`` with all shapes joined, and no checks. With ``--peers`` (which needs ``pip install detect-secrets
scrubadub``) two libraries that were not taken run as well; both find less, or other things.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from cqtui.redaction import keys
from cqtui.redaction.redactor import Redactor

ROOT = Path(__file__).parents[1]
RECORD = 2000
ROUNDS = 5
LOG = ROOT / "examples" / "support-desk" / "logs" / "october.jsonl"


def joined() -> re.Pattern[str]:
    """All shapes in one expression."""
    shapes = [
        r"[\w.+-]+@[\w-]+\.[\w.-]+",
        r"\+?\d[\d ()./-]{7,}\d",
        r"(?:\d[ -]?){13,19}",
        r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}",
        r"(?:\d{1,3}\.){3}\d{1,3}",
        r"(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}",
        r"(?i:api[_-]?key|token|secret|password)\W{1,4}\S{6,}",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
        *(shape.pattern for _, shape in (*keys._SHAPES, *keys._SHAPES_AROUND)),
    ]
    return re.compile("|".join(f"(?:{shape})" for shape in shapes))


def texts() -> dict[str, str]:
    records = [json.loads(line) for line in LOG.read_text(encoding="utf-8").splitlines()]
    said = [m["content"] for record in records for m in record["messages"] if isinstance(m["content"], str)]
    docs = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").rglob("*.md")))
    code = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "cqtui").rglob("*.py")))
    return {
        "prose without personal details": docs,
        "support mail, an address in most": "\n".join(said),
        "code": code,
        "JSON lines": LOG.read_text(encoding="utf-8"),
    }


def speed(redact: Callable[[str], object], text: str) -> float:
    """MB a second of CPU time, the best of some rounds."""
    records = [text[start : start + RECORD] for start in range(0, len(text), RECORD)]
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for record in records:
            redact(record)
        best = min(best, time.process_time() - started)
    return len(text.encode("utf-8", "replace")) / best / 1e6


def libraries() -> dict[str, Callable[[str], object]]:
    import scrubadub
    from detect_secrets.core.scan import scan_line
    from detect_secrets.settings import default_settings

    def with_detect_secrets(text: str) -> object:
        with default_settings():
            return [list(scan_line(line)) for line in text.splitlines()]

    scrubber = scrubadub.Scrubber()
    return {"detect-secrets (keys alone)": with_detect_secrets, "scrubadub": scrubber.clean}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", action="store_true", help="Run libraries that were not taken as well.")
    rivals: dict[str, Callable[[str], object]] = {"cqtui": Redactor().redact}
    all_shapes = joined()
    rivals["one joined re, no checks"] = lambda text: all_shapes.sub("<X>", text)
    if parser.parse_args().peers:
        rivals |= libraries()
    print(f"{'MB/s':36}" + "".join(f"{name:>30}" for name in rivals))
    for name, text in texts().items():
        figures = "".join(f"{speed(redact, text):30.2f}" for redact in rivals.values())
        print(f"{name:36}{figures}")


if __name__ == "__main__":
    main()
