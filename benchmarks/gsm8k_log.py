"""Turn labelled GSM8K answers of a real model into a native log, with a configuration for the local model.

The data (prompts of GSM8K, MIT; answers collected by lm-sys/RouteLLM, Apache-2.0) are not part of this project;
pass the file in. Token counts are not in it, so the log has none and cqtui estimates them from the text.

    python benchmarks/gsm8k_log.py replay_gsm8k_dev.jsonl --output /tmp/gsm8k
    cqtui local install smollm2
    cqtui optimize --config /tmp/gsm8k/cqtui.toml --provider local --as-of 2026-09-01 --markdown /tmp/gsm8k/report.md
"""

from __future__ import annotations

import argparse
import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import tomli_w

ANSWERED_BY = "gpt-4-1106-preview"
LOGGED_AS = "gpt-4-turbo"  # the registry's name of the model family that this preview belongs to
FIRST_CALL = datetime(2026, 8, 1, tzinfo=UTC)
LOCAL_CONFIG = Path(__file__).parent.parent / "examples" / "support-desk" / "local.toml"


def native_record(labelled: dict[str, Any], number: int) -> dict[str, Any]:
    """One line of the native format; calls are spread evenly over August 2026, since the data hold no times."""
    return {
        "id": labelled["id"],
        "timestamp": (FIRST_CALL + timedelta(hours=number)).isoformat(),
        "model": LOGGED_AS,
        "messages": [{"role": "user", "content": labelled["prompt"]}],
        "completion": {"content": labelled["answers"][ANSWERED_BY]["text"], "finish_reason": "stop"},
        "metadata": {"answered_by": ANSWERED_BY},
    }


def configuration(log: Path, samples: int) -> dict[str, Any]:
    """Settings for the local model, whose entry and assumed price are those of the bundled example."""
    local = tomllib.loads(LOCAL_CONFIG.read_text(encoding="utf-8"))
    return {
        "current_model": LOGGED_AS,
        "use_case": "math",
        "logs": [log.name],
        "judge": {"mode": "checks"},
        "thresholds": {"max_samples": samples},
        "models": local["models"],
    }


def main() -> None:
    """Read the arguments and write ``log.jsonl`` and ``cqtui.toml``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labelled", type=Path, help="replay_gsm8k_dev.jsonl")
    parser.add_argument("--output", type=Path, default=Path("build/gsm8k"), help="the folder to write to")
    parser.add_argument("--samples", type=int, default=30, help="how many calls are replayed")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    log = options.output / "log.jsonl"
    with options.labelled.open(encoding="utf-8") as lines, log.open("w", encoding="utf-8") as out:
        for number, line in enumerate(lines):
            out.write(json.dumps(native_record(json.loads(line), number), ensure_ascii=False) + "\n")
    config = options.output / "cqtui.toml"
    config.write_text(tomli_w.dumps(configuration(log, options.samples)), encoding="utf-8")
    print(f"{log}\n{config}")


if __name__ == "__main__":
    main()
