"""Requests and responses of vendors' APIs, and the calls that they amount to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cqtui.gateway.translate import wire_message
from cqtui.importers import LogRead, read_logs
from cqtui.importers.exchange import read_exchange
from cqtui.importers.raw import NoCall, RawCall, normalised
from cqtui.models import LoggedCall

USER = [{"role": "user", "content": "hi"}]


def call_of(request: Any, response: Any) -> LoggedCall:
    raw = read_exchange(request, response)
    assert isinstance(raw, RawCall), raw
    call = normalised(raw)
    assert isinstance(call, LoggedCall), call
    return call


def reason_of(request: Any, response: Any) -> str:
    found = read_exchange(request, response)
    assert isinstance(found, NoCall)
    return found.reason


def wire(call: LoggedCall) -> list[dict[str, Any]]:
    return [wire_message(message) for message in call.messages]


def logged(folder: Path, *records: Any) -> LogRead:
    (folder / "log.jsonl").write_text("\n".join(json.dumps(record) for record in records) + "\n")
    return read_logs(folder / "log.jsonl", hash_identities=False)


def claude(content: Any, **changes: Any) -> dict[str, Any]:
    return {"id": "msg_1", "type": "message", "model": "c", "content": content, "stop_reason": "end_turn", **changes}


def answer(output: Any, **changes: Any) -> dict[str, Any]:
    return {"id": "resp_1", "object": "response", "status": "completed", "model": "g", "output": output, **changes}


def completion(text: str | None = "yo", **changes: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": "g", "choices": [choice], **changes}


SAID = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "yo"}]}]
