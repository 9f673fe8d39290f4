"""Every sample of every format reads to exactly the values of its manifest, in whatever container."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cqtui.importers import LogRead, read_logs
from cqtui.models import LoggedCall

DATA = Path(__file__).parents[1] / "data" / "logs"
ENTRIES: list[dict[str, Any]] = json.loads((DATA / "manifest.json").read_text())["files"]


def of_call(call: LoggedCall) -> dict[str, Any]:
    text = call.completion.text if call.completion else None
    return {
        "id": call.id,
        "model": call.model,
        "message_count": len(call.messages),
        "input_tokens": call.usage.input_tokens,
        "output_tokens": call.usage.output_tokens,
        "completion_prefix": (text or "")[:40] or None,
        "finish_reason": call.finish_reason,
    }


def of_first(call: LoggedCall) -> dict[str, Any]:
    return {
        **of_call(call),
        "time": call.time,
        "provider": call.provider,
        "roles": [message.role for message in call.messages],
        # The manifest writes 0 where a format does not carry them; unknown is None here, never 0.
        "cached_tokens": call.usage.cached_tokens or 0,
        "reasoning_tokens": call.usage.reasoning_tokens or 0,
        "latency_ms": call.latency_ms,
        "cost_usd": None if call.cost_usd is None else float(call.cost_usd),
        "user": call.user,
        "session": call.session,
        "tags": list(call.tags),
        "score": call.score,
    }


def expected(values: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """The manifest's values, in the types of the record; an id that the format lacks is made up."""
    wanted = {**values, "completion_prefix": (values["completion_prefix"] or "")[:40] or None}
    wanted.pop("tool_call_names", None)
    if wanted["id"] is None:
        wanted["id"] = found["id"]
    if wanted.get("time") is not None:
        wanted["time"] = datetime.fromisoformat(wanted["time"])
    return wanted


def paths(entry: dict[str, Any], folder: Path = DATA) -> list[Path]:
    return [folder / name for name in (entry["file"], *([entry["companion"]] if "companion" in entry else []))]


def check(entry: dict[str, Any], read: LogRead) -> None:
    assert read.counts == {entry["format"]: entry["records"]}
    assert not read.rejected
    assert len(read.skipped) == entry.get("skipped", entry.get("incomplete", 0))
    for call, values in zip(read.calls, entry["all"], strict=True):
        found = of_call(call)
        assert found == expected(values, found)
        assert call.is_baseline
    first = of_first(read.calls[0])
    if entry["format"] == "llm_sqlite":  # its file has the times and threads that the manifest leaves out
        first |= {"time": None, "session": None}
    assert first == expected(entry["first"], first)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: str(entry["format"]))
def test_samples_equal_the_manifest(entry: dict[str, Any]) -> None:
    check(entry, read_logs(paths(entry), hash_identities=False))
