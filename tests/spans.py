"""Spans and log records as OTLP writes them, for tests of their import."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cqtui.importers import LogRead, read_logs
from cqtui.models import LoggedCall

START, END = "1789009000000000000", "1789009000770000000"
ASKED = [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]
ANSWERED = [{"role": "assistant", "parts": [{"type": "text", "content": "yo"}], "finish_reason": "stop"}]
CURRENT: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "OpenAI",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.input.messages": json.dumps(ASKED),
    "gen_ai.output.messages": json.dumps(ANSWERED),
}


def value(plain: Any) -> dict[str, Any]:
    """A value as OTLP writes it."""
    if isinstance(plain, bool):
        return {"boolValue": plain}
    if isinstance(plain, int):
        return {"intValue": str(plain)}
    if isinstance(plain, float):
        return {"doubleValue": plain}
    if isinstance(plain, list):
        return {"arrayValue": {"values": [value(item) for item in plain]}}
    if isinstance(plain, dict):
        return {"kvlistValue": {"values": [{"key": key, "value": value(item)} for key, item in plain.items()]}}
    return {"stringValue": plain}


def span(own: dict[str, Any], **changes: Any) -> dict[str, Any]:
    listed = [{"key": key, "value": value(item)} for key, item in own.items()]
    times = {"startTimeUnixNano": START, "endTimeUnixNano": END}
    return {"traceId": "t", "spanId": "s1", "name": "chat", **times, "attributes": listed, "status": {}, **changes}


def document(*spans: Any, logs: tuple[Any, ...] = (), scope: str = "x") -> dict[str, Any]:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "menu"}}]}
    held: dict[str, Any] = {}
    if spans:
        held["resourceSpans"] = [
            {"resource": resource, "scopeSpans": [{"scope": {"name": scope}, "spans": list(spans)}]}
        ]
    if logs:
        held["resourceLogs"] = [{"resource": resource, "scopeLogs": [{"logRecords": list(logs)}]}]
    return held


def log(name: str, body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    own = [{"key": "gen_ai.system", "value": {"stringValue": "openai"}}]
    return {
        "timeUnixNano": START,
        "observedTimeUnixNano": START,
        "eventName": name,
        "body": value(body),
        "attributes": own,
        "traceId": "t",
        "spanId": "s1",
        **changes,
    }


def read(folder: Path, *records: Any) -> LogRead:
    path = folder / "log.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    found = read_logs(path, hash_identities=False)
    assert not found.rejected
    assert set(found.counts) <= {"otel_genai"}
    return found


def call_of(folder: Path, record: Any) -> LoggedCall:
    (call,) = read(folder, record).calls
    return call


def said(call: LoggedCall) -> list[tuple[str, str]]:
    answer = call.completion.text if call.completion else None
    return [*((message.role, message.text) for message in call.messages), ("answer", answer or "")]
