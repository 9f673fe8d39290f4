from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cqtui.errors import BadInputError
from cqtui.importers import LogRead, llm_database, read_logs
from cqtui.importers.formats.llm_sqlite import LlmSqliteImporter, usage_of
from cqtui.models import LoggedCall

SAMPLE = Path(__file__).parents[1] / "data" / "logs" / "llm_logs.db"
PNG = b"\x89PNG\r\n\x1a\n"

# The columns of three versions, from the first that had responses to the last that wrote them.
FIRST = """
CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT, prompt_json TEXT, options_json TEXT,
    response TEXT, response_json TEXT, conversation_id TEXT, duration_ms INTEGER, datetime_utc TEXT);
"""
LAST = f"""{FIRST}
ALTER TABLE responses ADD COLUMN input_tokens INTEGER;
ALTER TABLE responses ADD COLUMN output_tokens INTEGER;
ALTER TABLE responses ADD COLUMN token_details TEXT;
ALTER TABLE responses ADD COLUMN schema_id TEXT;
ALTER TABLE responses ADD COLUMN resolved_model TEXT;
CREATE TABLE schemas (id TEXT PRIMARY KEY, content TEXT);
CREATE TABLE attachments (id TEXT PRIMARY KEY, type TEXT, path TEXT, url TEXT, content BLOB);
CREATE TABLE prompt_attachments (response_id TEXT, attachment_id TEXT, "order" INTEGER);
CREATE TABLE fragments (id INTEGER PRIMARY KEY, hash TEXT, content TEXT);
CREATE TABLE prompt_fragments (response_id TEXT, fragment_id INTEGER, "order" INTEGER);
CREATE TABLE system_fragments (response_id TEXT, fragment_id INTEGER, "order" INTEGER);
CREATE TABLE tools (id INTEGER PRIMARY KEY, hash TEXT, name TEXT, description TEXT, input_schema TEXT);
CREATE TABLE tool_responses (tool_id INTEGER, response_id TEXT);
CREATE TABLE tool_calls (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER, name TEXT, arguments TEXT,
    tool_call_id TEXT);
CREATE TABLE tool_results (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER, name TEXT, output TEXT,
    tool_call_id TEXT);
"""
TURNS = """
CREATE TABLE messages (hash TEXT PRIMARY KEY, parent_hash TEXT, role TEXT);
CREATE TABLE parts (id INTEGER PRIMARY KEY, message_hash TEXT, position INTEGER, type TEXT, tool_name TEXT, text TEXT,
    payload TEXT);
CREATE TABLE threads (id TEXT PRIMARY KEY, name TEXT, tip_message_hash TEXT);
CREATE TABLE turns (id TEXT PRIMARY KEY, thread_id TEXT, parent_message_hash TEXT, tip_message_hash TEXT, model TEXT,
    resolved_model TEXT, options_json TEXT, schema_id TEXT, input_tokens INTEGER, output_tokens INTEGER,
    token_details TEXT, duration_ms INTEGER, datetime_utc TEXT);
CREATE TABLE turn_tools (turn_id TEXT, tool_id INTEGER);
"""


Row = tuple[str, dict[str, Any]]


def insert(connection: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))


def database(folder: Path, script: str, *rows: Row) -> Path:
    file = folder / "logs.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(script)
        for table, row in rows:
            insert(connection, table, row)
        connection.commit()
    return file


def response(key: str, **changes: Any) -> Row:
    row = {"id": key, "model": "4o-mini", "prompt": f"ask {key}", "response": f"say {key}", "conversation_id": "c"}
    return "responses", {**row, "datetime_utc": f"2025-01-01T00:00:0{key[-1]}", **changes}


def chain(*messages: tuple[str, Sequence[dict[str, Any]]]) -> list[Row]:
    """Messages that follow each other, with hashes 0, 1, 2 ...; each with its parts."""
    rows: list[Row] = []
    for number, (role, parts) in enumerate(messages):
        parent = str(number - 1) if number else None
        rows.append(("messages", {"hash": str(number), "parent_hash": parent, "role": role}))
        for position, part in enumerate(parts):
            rows.append(("parts", {"message_hash": str(number), "position": position, **part}))
    return rows


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def turn(parent: str | None, tip: str | None, **changes: Any) -> Row:
    row = {"id": "t1", "thread_id": "th", "parent_message_hash": parent, "tip_message_hash": tip, "model": "4o-mini"}
    return "turns", {**row, "datetime_utc": "2026-09-10T08:00:01+00:00", **changes}


def said(call: LoggedCall) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in call.messages]


def test_the_first_version_of_responses_has_fewer_columns(tmp_path: Path) -> None:
    file = database(tmp_path, FIRST, response("r1", options_json='{"temperature": 0.5}', duration_ms=70))
    (call,) = read_logs(file, hash_identities=False).calls
    assert call.model == "4o-mini"
    assert (call.session, call.latency_ms, call.params) == ("c", 70, {"temperature": 0.5})
    assert call.time is not None
    assert call.time.isoformat() == "2025-01-01T00:00:01+00:00"
    assert call.usage.input_tokens is None


def test_a_later_response_follows_those_of_its_conversation_and_its_first_system_prompt(tmp_path: Path) -> None:
    rows = (
        response("r2", system="S"),
        response("r1", system="S"),
        response("r3", system=None),
        response("x1", conversation_id="d"),
        response("y2", conversation_id=None),
        response("z3", conversation_id=None),
    )
    read = read_logs(database(tmp_path, FIRST, *rows))
    calls = {call.id: said(call) for call in read.calls}
    turns = [("user", "ask r1"), ("assistant", "say r1"), ("user", "ask r2"), ("assistant", "say r2")]
    assert calls["r1"] == [("system", "S"), *turns[:1]]
    assert calls["r2"] == [("system", "S"), *turns[:3]]
    assert calls["r3"] == [("system", "S"), *turns, ("user", "ask r3")]
    assert [calls[key] for key in ("x1", "y2", "z3")] == [[("user", f"ask {key}")] for key in ("x1", "y2", "z3")]
    assert {call.id: call.session for call in read.calls}["z3"] is None


def test_fragments_schema_tools_and_resolved_model_of_a_response(tmp_path: Path) -> None:
    read = read_logs(
        database(
            tmp_path,
            LAST,
            response("r1", system="own", resolved_model="gpt-4o-mini-2024-07-18", schema_id="s"),
            ("schemas", {"id": "s", "content": '{"type": "object"}'}),
            ("fragments", {"id": 1, "content": "first"}),
            ("fragments", {"id": 2, "content": "second"}),
            ("prompt_fragments", {"response_id": "r1", "fragment_id": 2, "order": 1}),
            ("prompt_fragments", {"response_id": "r1", "fragment_id": 1, "order": 0}),
            ("system_fragments", {"response_id": "r1", "fragment_id": 2, "order": 0}),
            ("tools", {"id": 1, "name": "clock", "description": None, "input_schema": '{"type": "object"}'}),
            ("tool_responses", {"tool_id": 1, "response_id": "r1"}),
            ("tool_calls", {"response_id": "r1", "name": "clock", "arguments": '{"zone": "U', "tool_call_id": "k"}),
            response("r2", prompt=""),
            ("tool_results", {"response_id": "r2", "name": "clock", "output": "[12]", "tool_call_id": "k"}),
        )
    )
    first, second = read.calls
    assert first.model == "gpt-4o-mini-2024-07-18"
    assert said(first) == [("system", "second\n\nown"), ("user", "first\nsecond\nask r1")]
    assert first.params["response_format"]["json_schema"]["schema"] == {"type": "object"}
    function = {"name": "clock", "parameters": {"type": "object"}}
    assert first.params["tools"] == [{"type": "function", "function": function}]
    assert first.completion is not None
    assert [(made.name, made.arguments, made.id) for made in first.completion.tool_calls] == [
        ("clock", '{"zone": "U', "k")
    ]
    assert second.messages[-2].tool_calls == first.completion.tool_calls
    assert (second.messages[-1].role, second.messages[-1].text, second.messages[-1].tool_call_id) == (
        "tool",
        "[12]",
        "k",
    )


@pytest.mark.parametrize(
    ("attachment", "kind", "raw"),
    [
        ({"type": "image/png", "content": PNG}, "image", {"url": "data:image/png;base64,iVBORw0KGgo="}),
        ({"type": "image/png", "url": "https://x/y.png"}, "image", {"url": "https://x/y.png"}),
        ({"type": "audio/mpeg", "content": b"a"}, "audio", {"data": "YQ==", "format": "mp3"}),
        ({"type": "application/pdf", "content": b"a"}, "file", {"file_data": "data:application/pdf;base64,YQ=="}),
        ({"type": "image/png", "path": "/etc/hostname"}, "other", {}),
        ({"type": "video/mp4", "content": b"a"}, "other", {}),
    ],
)
def test_attachments_are_parts_that_can_be_sent(
    tmp_path: Path, attachment: dict[str, Any], kind: str, raw: dict[str, str]
) -> None:
    file = database(
        tmp_path,
        LAST + TURNS,
        ("attachments", {"id": "a", **attachment}),
        response("r1"),
        ("prompt_attachments", {"response_id": "r1", "attachment_id": "a", "order": 0}),
        *chain(("user", [text("look"), {"type": "attachment", "payload": '{"attachment": {"id": "a"}}'}])),
        turn("0", "0"),
    )
    calls = read_logs(file).calls
    assert len(calls) == 2
    for call in calls:
        words, part = call.messages[0].parts
        assert (words.kind, part.kind) == ("text", kind)
        assert part.raw is not None
        content = part.raw.get(str(part.raw["type"]), {})
        assert raw.items() <= content.items()
        assert bool(call.origin.warnings) == (kind == "other")
        assert "hostname" not in json.dumps(part.raw)


def test_a_turn_is_rebuilt_from_its_chain(tmp_path: Path) -> None:
    call_payload = json.dumps({"name": "clock", "arguments": {"zone": "UTC"}, "tool_call_id": "k"})
    result_payload = json.dumps({"name": "clock", "output": "12:00", "tool_call_id": "k"})
    served = json.dumps({"name": "web_search", "arguments": {}, "server_executed": True})
    pieces = json.dumps({"text_ref": [{"literal": "read "}, {"fragment": 1}, {"literal": "!"}]})
    rows = chain(
        ("system", [text("S")]),
        ("user", [{"type": "text", "payload": pieces}]),
        ("assistant", [text("a"), {"type": "tool_call", "tool_name": "clock", "payload": call_payload}]),
        ("tool", [{"type": "tool_result", "tool_name": "clock", "payload": result_payload}]),
        (
            "assistant",
            [{"type": "reasoning", "text": "hm"}, {"type": "tool_call", "payload": served}, text('{"x": 1}')],
        ),
        ("assistant", [text(" b")]),
    )
    file = database(
        tmp_path,
        LAST + TURNS,
        ("fragments", {"id": 1, "content": "the fragment"}),
        ("tools", {"id": 1, "name": "clock", "description": "d", "input_schema": "{}"}),
        ("turn_tools", {"turn_id": "t1", "tool_id": 1}),
        *rows,
        turn("3", "5", resolved_model="gpt-4o", options_json='{"json_object": true, "user_id": "ann", "top_p": 1}'),
    )
    (call,) = read_logs(file, hash_identities=False).calls
    assert said(call) == [("system", "S"), ("user", "read the fragment!"), ("assistant", "a"), ("tool", "12:00")]
    assert call.messages[2].tool_calls[0].arguments == '{"zone": "UTC"}'
    assert call.messages[3].tool_call_id == "k"
    assert call.completion is not None
    assert call.completion.text == '{"x": 1} b'
    assert not call.completion.tool_calls
    assert (call.model, call.session, call.user) == ("gpt-4o", "th", "ann")
    assert call.params["response_format"] == {"type": "json_object"}
    assert {"json_object", "user_id"}.isdisjoint(call.params)
    assert call.params["tools"][0]["function"]["name"] == "clock"
    assert call.origin.warnings == ("a tool that the provider ran was left out",)


def test_parts_stand_in_the_order_of_their_position(tmp_path: Path) -> None:
    parts = [{**text("b"), "position": 1}, {**text("a"), "position": 0}]
    file = database(tmp_path, TURNS, *chain(("user", parts)), turn("0", "0"))
    (call,) = read_logs(file).calls
    assert said(call) == [("user", "ab")]
    assert call.completion is None


@pytest.mark.parametrize(
    ("changes", "parent", "tip"),
    [
        ("DELETE FROM messages WHERE hash = '0'", "1", "2"),
        ("UPDATE messages SET parent_hash = '2' WHERE hash = '0'", "1", "2"),
        ("UPDATE messages SET parent_hash = NULL WHERE hash = '2'", "1", "2"),
        ("SELECT 1", "1", "gone"),
    ],
    ids=["missing", "circle", "apart", "no answer"],
)
def test_a_broken_chain_is_no_call(tmp_path: Path, changes: str, parent: str, tip: str) -> None:
    rows = chain(("user", [text("a")]), ("user", [text("b")]), ("assistant", [text("c")]), ("user", [text("d")]))
    file = database(tmp_path, TURNS, *rows, turn("3", "3", id="t0"), turn(parent, tip))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(changes)
        connection.commit()
    read = read_logs(file)
    assert llm_database.BROKEN_CHAIN in {item.reason for item in read.skipped}
    assert read.records == 2
    assert "t1" not in {call.id for call in read.calls}


def test_an_empty_text_beside_tool_calls_is_none(tmp_path: Path) -> None:
    rows = (
        response("r1", response=""),
        ("tool_calls", {"response_id": "r1", "name": "f", "arguments": "{}", "tool_call_id": "k"}),
        response("r2", prompt=""),
        ("tool_results", {"response_id": "r2", "name": "f", "output": "9", "tool_call_id": "k"}),
        response("x1", conversation_id="d", response=""),
    )
    first, second, silent = read_logs(database(tmp_path, LAST, *rows)).calls
    assert first.completion is not None
    assert (first.completion.text, len(first.completion.tool_calls)) == (None, 1)
    assert [(message.role, message.parts == ()) for message in second.messages][1:] == [
        ("assistant", True),
        ("tool", False),
    ]
    assert silent.completion is not None
    assert silent.completion.text == ""


def test_a_call_in_both_generations_counts_once(tmp_path: Path) -> None:
    rows = (response("r1"), response("r2"), *chain(("user", [text("ask r1")]), ("assistant", [text("say r1")])))
    read = read_logs(database(tmp_path, LAST + TURNS, *rows, turn("0", "1", id="r1", thread_id="c")))
    assert [(call.id, call.origin.line) for call in read.calls] == [("r1", 1), ("r2", 3)]
    assert [item.reason for item in read.skipped] == ["the same call stands in the newer tables"]
    assert said(read.calls[1])[:2] == [("user", "ask r1"), ("assistant", "say r1")]


def test_the_table_before_responses_is_read_too(tmp_path: Path) -> None:
    script = """CREATE TABLE logs (id INTEGER PRIMARY KEY, model TEXT, prompt TEXT, system TEXT, prompt_json TEXT,
        options_json TEXT, response TEXT, response_json TEXT, reply_to_id INTEGER, chat_id INTEGER,
        duration_ms INTEGER, datetime_utc TEXT);"""
    rows = [
        ("logs", {"id": key, "model": "m", "prompt": f"p{key}", "response": f"a{key}", "chat_id": chat})
        for key, chat in ((1, None), (2, 1), (3, None))
    ]
    calls = read_logs(database(tmp_path, script, *rows)).calls
    assert [[words for _, words in said(call)] for call in calls] == [["p1"], ["p1", "a1", "p2"], ["p3"]]


@pytest.mark.parametrize(
    ("asked", "details", "expected"),
    [
        (10, {}, (10, None, None, None)),
        (10, {"prompt_tokens_details": {"cached_tokens": 4}}, (10, 4, None, None)),
        (10, {"input_tokens_details": {"cached_tokens": 0}}, (10, 0, None, None)),
        (10, {"completion_tokens_details": {"reasoning_tokens": 3}}, (10, None, None, 3)),
        (10, {"cache_read_input_tokens": 90, "cache_creation_input_tokens": 5}, (105, 90, 5, None)),
        (10, {"cachedContentTokenCount": 2, "thoughtsTokenCount": 7}, (10, 2, None, 7)),
        (None, {"cache_read_input_tokens": "x"}, (None, "x", None, None)),
    ],
)
def test_usage_in_the_words_of_each_vendor(asked: Any, details: dict[str, Any], expected: tuple[Any, ...]) -> None:
    usage = usage_of(asked, 8, details)
    names = ("input_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
    assert tuple(usage[name] for name in names) == expected
    assert usage["output_tokens"] == 8


def test_another_sqlite_file_is_told_by_its_tables(tmp_path: Path) -> None:
    script = 'CREATE TABLE "or\x1bders" (id); CREATE TABLE responses (id, survey);'
    with pytest.raises(BadInputError, match=r"not a log of llm \(tables: or\\x1bders, responses\)"):
        read_logs(database(tmp_path, script))


def test_a_view_is_not_run(tmp_path: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id, i AS model FROM n"
    script = f"CREATE VIEW responses AS SELECT *, id AS prompt, id AS response FROM ({endless});"
    with pytest.raises(BadInputError, match="not a log of llm"):
        read_logs(database(tmp_path, script))


def test_reading_changes_nothing_in_the_folder(tmp_path: Path) -> None:
    file = database(tmp_path, "PRAGMA journal_mode = WAL;" + FIRST, response("r1"))
    before = file.read_bytes()
    assert len(read_logs(file).calls) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["logs.db"]
    assert file.read_bytes() == before


def test_what_only_the_write_ahead_log_holds_is_read(tmp_path: Path) -> None:
    file = database(tmp_path, "PRAGMA journal_mode = WAL;" + FIRST)
    with closing(sqlite3.connect(file)) as writer:
        insert(writer, *response("r1"))
        writer.commit()
        assert [call.id for call in read_logs(file).calls] == ["r1"]


def test_a_folder_that_may_not_be_written_is_read(tmp_path: Path) -> None:
    file = database(tmp_path, "PRAGMA journal_mode = WAL;" + FIRST)
    closed = tmp_path / "closed"
    closed.mkdir()
    with closing(sqlite3.connect(file)) as writer:
        insert(writer, *response("r1"))
        writer.commit()
        for name in ("logs.db", "logs.db-wal"):
            (closed / name).write_bytes((tmp_path / name).read_bytes())
    closed.chmod(0o500)
    try:
        assert [call.id for call in read_logs(closed / "logs.db").calls] == ["r1"]
    finally:
        closed.chmod(0o700)


def test_a_journal_that_must_be_played_back_is_played_back_in_a_copy(tmp_path: Path) -> None:
    file = database(tmp_path, FIRST, response("r1"))
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("PRAGMA cache_spill = 1")
        for number in range(200):
            insert(writer, *response(f"n{number}", prompt="p" * 5000))
        crashed = tmp_path / "crashed"
        crashed.mkdir()
        for name in ("logs.db", "logs.db-journal"):
            (crashed / name).write_bytes((tmp_path / name).read_bytes())
    before = {entry.name: entry.read_bytes() for entry in crashed.iterdir()}
    assert [call.id for call in read_logs(crashed / "logs.db").calls] == ["r1"]
    assert {entry.name: entry.read_bytes() for entry in crashed.iterdir()} == before


def test_values_of_any_type_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    odd = response("r1", prompt=b"caf\xe9", response=7, input_tokens="many", token_details="[", datetime_utc=5.5)
    file = database(tmp_path, LAST, odd, response("r2", options_json="[1]", system=2.5, conversation_id="d"))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE responses SET model = CAST(x'6dff' AS TEXT)")
        connection.commit()
    first, second = read_logs(file).calls
    assert first.model == "m\ufffd"
    assert first.messages[0].text == "caf\ufffd"
    assert first.completion is not None
    assert first.completion.text == "7"
    assert first.usage.input_tokens is None
    assert said(second)[0] == ("system", "2.5")


def test_a_database_that_breaks_off_keeps_what_was_read(tmp_path: Path) -> None:
    rows = [response(f"r{number:04}", conversation_id=None, prompt="p" * 900) for number in range(3000)]
    script = LAST.replace("id TEXT PRIMARY KEY, model", "id INTEGER PRIMARY KEY, model")
    file = database(tmp_path, script, *((name, {**row, "id": int(row["id"][1:]) + 1}) for name, row in rows))
    content = file.read_bytes()
    file.write_bytes(content[:4096])
    with pytest.raises(BadInputError, match="cannot be read"):
        read_logs(file)
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(BadInputError, match="cannot be read"):
        read_logs(file)


def test_damage_further_on_is_one_rejected_record(tmp_path: Path) -> None:
    rows = chain(*(("user", [text(f"m{number}" * 400)]) for number in range(60)))
    script = f"{TURNS} CREATE UNIQUE INDEX parts_of ON parts (message_hash, position);"
    file = database(tmp_path, script, *rows, *(turn(None, str(number), id=f"t{number:02}") for number in range(60)))
    content = bytearray(file.read_bytes())
    page = content.rindex(b"m59m59") // 4096 * 4096
    content[page : page + 4096] = b"\xff" * 4096
    file.write_bytes(content)
    read = read_logs(file)
    assert len(read.skipped) > 50
    assert "cannot be read from here on" in read.rejected[-1].reason


def ends_well(act: Callable[[], LogRead]) -> None:
    complaint = ""
    try:
        assert isinstance(act(), LogRead)
    except BadInputError as error:
        complaint = str(error)
    assert "\n" not in complaint


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(100, SAMPLE.stat().st_size - 1), st.binary(min_size=1, max_size=8)), max_size=20))
def test_any_damage_ends_well(damage: list[tuple[int, bytes]]) -> None:
    content = bytearray(SAMPLE.read_bytes())
    for at, data in damage:
        content[at : at + len(data)] = data
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "logs.db"
        file.write_bytes(content)
        ends_well(lambda: read_logs(file))


cells = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=5) | st.binary(max_size=5)
documents = st.sampled_from(
    ['{"text_ref": 1}', '{"text_ref": [1, {"fragment": []}]}', '{"attachment": [1]}', '{"output": {}}', "[" * 500, "{}"]
)
kinds = st.sampled_from(["text", "tool_call", "tool_result", "attachment", "reasoning", "odd"])


@settings(max_examples=60, deadline=None)
@given(cells | documents, cells | documents, kinds | cells, cells | kinds)
def test_any_cells_end_well(payload: Any, words: Any, kind: Any, other: Any) -> None:
    rows = chain((str(other), [{"type": kind, "text": words, "payload": payload}]))
    changes = {"options_json": payload, "token_details": payload, "duration_ms": other, "input_tokens": other}
    with tempfile.TemporaryDirectory() as folder:
        old = response("r1", system=words, prompt=other, response=payload, **changes)
        file = database(Path(folder), LAST + TURNS, old, *rows, turn("0", "0", model=other, **changes))
        ends_well(lambda: read_logs(file))


@pytest.mark.parametrize("value", [None, 1, "x", [1], [{"role": 1, "parts": "x"}], [{"parts": [1, {"type": []}]}]])
def test_a_record_with_odd_values_is_read(value: Any) -> None:
    importer = LlmSqliteImporter()
    names = ("asked", "answered", "options_json", "token_details", "tools", "schema", "resolved_model")
    record = {"llm_table": "turns", **dict.fromkeys(names, value)}
    assert importer.sniff(record) == 1.0
    importer.read(record)
    assert importer.sniff({"llm_table": value}) == 0.0
