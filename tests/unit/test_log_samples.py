"""Every sample of every format reads to exactly the values of its manifest, in whatever container."""

from __future__ import annotations

import codecs
import gzip
import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from cqtui.engine.log import read_log
from cqtui.importers import LogRead, read_logs
from cqtui.models import LoggedCall
from cqtui.registry.loader import load_registry
from cqtui.settings import Settings

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


TEXTS = [entry for entry in ENTRIES if entry["format"] != "llm_sqlite"]
LINES = [entry for entry in TEXTS if entry["file"].endswith(".jsonl")]
AS_OF = date(2026, 11, 26)


def carriage_returns(content: bytes) -> bytes:
    return content.replace(b"\n", b"\r\n")


WRAPPED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "BOM": lambda content: codecs.BOM_UTF8 + content,
    "CRLF": carriage_returns,
    "all three": lambda content: gzip.compress(codecs.BOM_UTF8 + carriage_returns(content)),
    "UTF-16": lambda content: content.decode().encode("utf-16"),
    "no last line break": lambda content: content.rstrip(b"\n"),
}


@pytest.mark.parametrize("how", WRAPPED)
@pytest.mark.parametrize("entry", TEXTS, ids=lambda entry: str(entry["format"]))
def test_samples_are_the_same_in_other_wrappings(entry: dict[str, Any], how: str, tmp_path: Path) -> None:
    for path in paths(entry):
        (tmp_path / path.name).write_bytes(WRAPPED[how](path.read_bytes()))
    check(entry, read_logs(paths(entry, tmp_path), hash_identities=False))


def plain(call: LoggedCall) -> dict[str, Any]:
    return call.model_dump(exclude={"origin"})


def test_line_formats_are_read_from_one_mixed_file(tmp_path: Path) -> None:
    # The nth lines of all the files, so that no two neighbours are of one format.
    files = [path.read_text().splitlines() for entry in LINES for path in paths(entry)]
    longest = max(map(len, files))
    mixed = [lines[number] for number in range(longest) for lines in files if number < len(lines)]
    (tmp_path / "mixed.log").write_text("\n".join(mixed) + "\n")
    read = read_logs(tmp_path / "mixed.log", hash_identities=False)
    assert read.counts == {entry["format"]: entry["records"] for entry in LINES}
    assert not read.rejected
    assert read.records == len(mixed)
    alone = [call for entry in LINES for call in read_logs(paths(entry), hash_identities=False).calls]
    by_id = {call.id: plain(call) for call in read.calls}
    assert by_id == {call.id: plain(call) for call in alone}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: str(entry["format"]))
def test_a_run_s_pass_finds_the_same(entry: dict[str, Any]) -> None:
    whole = read_logs(paths(entry))
    log = read_log(paths(entry), Settings(as_of=AS_OF), load_registry(today=AS_OF))
    assert log.read == whole
    assert log.tally.calls == len(whole.calls) == entry["records"]
    assert log.tally.baseline_calls == entry["records"]
