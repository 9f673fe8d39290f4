"""Rows of Langfuse, LangSmith and Braintrust as small as they can be, and what they are read to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cqtui.importers import LogRead
from cqtui.importers.formats import Detection
from cqtui.importers.raw import NoCall, RawCall, normalised
from cqtui.models import LoggedCall

HI = [{"role": "user", "content": "hi"}]
YO = {"role": "assistant", "content": "yo"}
COMPLETION: dict[str, Any] = {"object": "chat.completion", "id": "c", "model": "gpt-4o-2024-08-06"}
COMPLETION |= {"choices": [{"index": 0, "message": YO, "finish_reason": "stop"}]}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def blob(**changes: Any) -> dict[str, Any]:
    row = {"id": "o", "trace_id": "t", "type": "GENERATION", "provided_model_name": "gpt-4o", "usage_details": {}}
    times = {"start_time": "2026-09-10 01:50:00.000000", "end_time": "2026-09-10 01:50:00.910000"}
    return {**row, **times, "input": json.dumps(HI), "output": "yo", **changes}


def page(**changes: Any) -> dict[str, Any]:
    row = {"id": "o", "traceId": "t", "type": "GENERATION", "model": "gpt-4o", "modelParameters": {}}
    return {**row, "startTime": "2026-09-10T01:50:00.000Z", "input": HI, "output": YO, **changes}


def run(**changes: Any) -> dict[str, Any]:
    row = {"id": "r", "run_type": "llm", "session_id": "project", "trace_id": "t", "inputs": {"messages": HI}}
    return {**row, "outputs": COMPLETION, **changes}


def span(**changes: Any) -> dict[str, Any]:
    row = {"id": "b", "root_span_id": "s", "span_attributes": {"type": "llm"}, "metrics": {}}
    return {**row, "metadata": {"model": "gpt-4o"}, "input": HI, "output": YO, **changes}


def read(record: dict[str, Any]) -> LoggedCall:
    importer = Detection().importer_of(record)
    assert importer is not None
    raw = importer.read(record)
    assert isinstance(raw, RawCall), raw
    call = normalised(raw)
    assert isinstance(call, LoggedCall), call
    return call


def refused(record: dict[str, Any]) -> str:
    importer = Detection().importer_of(record)
    assert importer is not None
    raw = importer.read(record)
    assert isinstance(raw, NoCall)
    return raw.reason


def log(folder: Path, *records: Any, name: str = "log.jsonl") -> Path:
    (folder / name).write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder / name


def reasons(found: LogRead) -> list[str]:
    return [item.reason for item in found.skipped]


def said(call: LoggedCall) -> str | None:
    return call.completion.text if call.completion else None


def as_cells(record: Mapping[str, Any]) -> dict[str, str]:
    """The record as a row of a CSV file."""
    return {
        name: "" if value is None else value if isinstance(value, str) else json.dumps(value)
        for name, value in record.items()
    }


def score(target: str, value: Any = 0.5, **changes: Any) -> dict[str, Any]:
    row = {"id": f"s-{target}", "trace_id": "t", "observation_id": target, "name": "helpful", "value": value}
    return {**row, "data_type": "NUMERIC", **changes}


def constructor(kind: str, **kwargs: Any) -> dict[str, Any]:
    return {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", kind], "kwargs": kwargs}
