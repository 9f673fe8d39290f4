"""The database of the command-line tool llm, in both generations of its tables."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from hashlib import sha256
from typing import Any

from cqtui.models import LoggedCall, Message, ToolCall
from tests.exporters import bodies
from tests.exporters.files import Files, Record, started

SCHEMA = """
CREATE TABLE tools (id INTEGER PRIMARY KEY, hash TEXT, name TEXT, description TEXT, input_schema TEXT, plugin TEXT);
"""
OLDER = """
CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT, prompt_json TEXT, options_json TEXT,
    response TEXT, response_json TEXT, conversation_id TEXT, duration_ms INTEGER, datetime_utc TEXT,
    input_tokens INTEGER, output_tokens INTEGER, token_details TEXT, schema_id TEXT, resolved_model TEXT);
CREATE TABLE tool_responses (tool_id INTEGER, response_id TEXT);
CREATE TABLE tool_calls (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER, name TEXT, arguments TEXT,
    tool_call_id TEXT);
CREATE TABLE tool_results (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER, name TEXT, output TEXT,
    tool_call_id TEXT, instance_id INTEGER, exception TEXT);
"""
NEWER = """
CREATE TABLE messages (hash TEXT PRIMARY KEY, parent_hash TEXT, role TEXT, provider_metadata TEXT);
CREATE TABLE parts (id INTEGER PRIMARY KEY, message_hash TEXT, position INTEGER, type TEXT, tool_name TEXT, text TEXT,
    payload TEXT);
CREATE TABLE threads (id TEXT PRIMARY KEY, name TEXT, tip_message_hash TEXT, forked_from TEXT, datetime_utc TEXT);
CREATE TABLE turns (id TEXT PRIMARY KEY, thread_id TEXT, parent_message_hash TEXT, tip_message_hash TEXT, model TEXT,
    resolved_model TEXT, options_json TEXT, schema_id TEXT, input_tokens INTEGER, output_tokens INTEGER,
    token_details TEXT, duration_ms INTEGER, datetime_utc TEXT, response_json TEXT);
CREATE TABLE turn_tools (turn_id TEXT, tool_id INTEGER, instance_id INTEGER);
"""


class _Writer:
    """Rows for a database, with the tools that calls share."""

    def __init__(self, script: str) -> None:
        self._connection = sqlite3.connect(":memory:")
        self._connection.executescript(SCHEMA + script)
        self._tools: dict[str, int] = {}

    def add(self, table: str, **row: Any) -> bool:
        """Insert a row; False where one of the same key is there already."""
        names = ", ".join(f'"{name}"' for name in row)
        places = ", ".join("?" * len(row))
        sql = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({places})"
        return self._connection.execute(sql, tuple(row.values())).rowcount > 0

    def tools(self, call: LoggedCall) -> Iterable[int]:
        """The keys of the tools that the call offers."""
        for tool in call.params.get("tools", ()):
            function = tool["function"]
            name = function["name"]
            if name not in self._tools:
                self._tools[name] = len(self._tools) + 1
                schema = json.dumps(function["parameters"])
                told = {"description": function["description"], "input_schema": schema}
                self.add("tools", id=self._tools[name], hash=name, name=name, **told)
            yield self._tools[name]

    def file(self) -> bytes:
        with closing(self._connection):
            self._connection.commit()
            return self._connection.serialize()


def _own(call: LoggedCall) -> Record:
    """The columns that both generations have."""
    options = {name: value for name, value in call.params.items() if name in ("temperature", "max_tokens")}
    if "response_format" in call.params:
        options["json_object"] = True
    return {
        "model": "support-alias",
        "resolved_model": call.model,
        "options_json": json.dumps(options),
        "duration_ms": call.latency_ms,
        "datetime_utc": started(call).isoformat(),
        "input_tokens": call.usage.input_tokens,
        "output_tokens": call.usage.output_tokens,
        "token_details": json.dumps({"prompt_tokens_details": {"cached_tokens": call.usage.cached_tokens}}),
    }


def responses(calls: Sequence[LoggedCall]) -> Files:
    """The older generation: a row a call, which takes its history from the rows of its conversation before it.

    So a call that follows the answer of a tool comes with a row for the call of that tool.
    """
    writer = _Writer(OLDER)
    for call in calls:
        system, rest = bodies.system_and_rest(call)
        last, found = rest[-1], bodies.answer_of(call)
        row: Record = {**_own(call), "system": system, "conversation_id": call.session}
        if last.role == "tool":
            asked, called, result = rest
            before = f"{call.id}-before"
            earlier = {**row, "datetime_utc": "2026-01-01T00:00:00+00:00", "input_tokens": None, "output_tokens": None}
            writer.add("responses", id=before, prompt=asked.text, response="", **earlier)
            _add_calls(writer, before, called.tool_calls)
            output = {"name": called.tool_calls[0].name, "output": result.text, "tool_call_id": result.tool_call_id}
            writer.add("tool_results", response_id=call.id, **output)
        prompt = "" if last.role == "tool" else last.text
        writer.add("responses", id=call.id, prompt=prompt, response=found.text or "", **row)
        _add_calls(writer, call.id, found.tool_calls)
        for tool in writer.tools(call):
            writer.add("tool_responses", tool_id=tool, response_id=call.id)
    return {"logs.db": writer.file()}


def _add_calls(writer: _Writer, response: str, calls: Sequence[ToolCall]) -> None:
    for each in calls:
        given = {"name": each.name, "arguments": each.arguments, "tool_call_id": each.id}
        writer.add("tool_calls", response_id=response, **given)


def turns(calls: Sequence[LoggedCall]) -> Files:
    """The newer generation: messages are kept once, by a hash of what they say and of what came before."""
    writer = _Writer(NEWER)
    for call in calls:
        found = bodies.answer_of(call)
        parent: str | None = None
        for said in call.messages:
            parent = _add_message(writer, parent, said.role, _parts(said))
        said_parts = [*_texts(found.text), *map(_tool_call, found.tool_calls)]
        tip = _add_message(writer, parent, "assistant", said_parts)
        writer.add("threads", id=call.session, name="desk", tip_message_hash=tip)
        place = {"thread_id": call.session, "parent_message_hash": parent, "tip_message_hash": tip}
        writer.add("turns", id=call.id, **place, **_own(call))
        for tool in writer.tools(call):
            writer.add("turn_tools", turn_id=call.id, tool_id=tool)
    return {"logs.db": writer.file()}


def _add_message(writer: _Writer, parent: str | None, role: str, parts: Sequence[Record]) -> str:
    key = sha256(json.dumps([parent, role, parts]).encode()).hexdigest()
    if writer.add("messages", hash=key, parent_hash=parent, role=role):
        for position, part in enumerate(parts):
            writer.add("parts", message_hash=key, position=position, **part)
    return key


def _texts(text: str | None) -> list[Record]:
    return [] if text is None else [{"type": "text", "text": text}]


def _parts(said: Message) -> list[Record]:
    if said.role == "tool":
        payload = {"tool_call_id": said.tool_call_id, "output": said.text}
        return [{"type": "tool_result", "payload": json.dumps(payload)}]
    return [*_texts(said.text if said.parts else None), *map(_tool_call, said.tool_calls)]


def _tool_call(call: ToolCall) -> Record:
    payload = {"name": call.name, "arguments": json.loads(call.arguments), "tool_call_id": call.id}
    return {"type": "tool_call", "tool_name": call.name, "payload": json.dumps(payload)}
