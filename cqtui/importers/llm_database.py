"""The SQLite databases of the command-line tool ``llm``, opened read-only and turned into one record a call.

Two generations of tables live side by side in them: ``responses``, one row a call with its text, and the
content-addressed ``turns``, ``messages`` and ``parts``. Both come out as records with the messages of the prompt and
those of the answer, in llm's own shape: a role and typed parts.
"""

from __future__ import annotations

import base64
import shutil
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from cqtui.errors import BadInputError
from cqtui.importers.base import mapping, structured
from cqtui.importers.reasons import elsewhere

Record = dict[str, Any]
Row = dict[str, Any]

MAGIC = b"SQLite format 3\0"
SIDE_FILES = ("-wal", "-journal")
MOST_BYTES = 64 * 2**20
MOST_ATTACHED = MOST_BYTES // 2
LONGEST_CHAIN = 10_000
BATCH = 200
NAMED_TABLES = 12
TIMEOUT_S = 5.0
# SQLite quotes a damaged schema in its complaint, which Python then takes for text.
UNUSABLE = (sqlite3.Error, UnicodeError)

OWN = (
    *("id", "model", "resolved_model", "options_json", "schema_id", "duration_ms", "datetime_utc"),
    *("input_tokens", "output_tokens", "token_details"),
)
TURN = (*OWN, "thread_id", "parent_message_hash", "tip_message_hash")
RESPONSE = (*OWN, "prompt", "system", "response")
# The table of responses, and before it of logs, with the column that names a call's conversation.
RESPONSES = {"responses": "conversation_id", "logs": "chat_id"}
# UNION, not UNION ALL: a chain that runs in a circle ends.
CHAIN = f"""WITH RECURSIVE chain(hash, parent_hash, role) AS (
    SELECT hash, parent_hash, role FROM messages WHERE hash = ?
    UNION SELECT m.hash, m.parent_hash, m.role FROM chain JOIN messages AS m ON m.hash = chain.parent_hash
    LIMIT {LONGEST_CHAIN}) """
BROKEN_CHAIN = elsewhere("a message of its conversation is missing")
IN_BOTH = "the same call stands in the newer tables"


def records(file: Path) -> Iterator[Record]:
    """One record a call of the database, the newer tables first, each in the order of time.

    A record holds the call's own columns, ``llm_table`` (where it stood), ``session``, ``asked`` and ``answered``
    (messages), ``schema`` and ``tools``; or ``problem``, why there is no call in it.

    Raises:
        BadInputError: It is no database of llm.
        sqlite3.Error, UnicodeError: It cannot be opened, or is damaged.
    """
    with opened(file) as connection:
        database = _Database(connection)
        if not database.is_llm:
            names = ", ".join(ascii(name)[1:-1][:40] for name in list(database.columns)[:NAMED_TABLES]) or "none"
            raise BadInputError(
                f"{file}: a SQLite file, but not a log of llm (tables: {names}).", "Export its calls as JSONL."
            )
        if database.has_turns:
            yield from database.turns()
        for table in RESPONSES:
            if database.has(table, "id", "model", "prompt", "response"):
                yield from database.responses(table)


@contextmanager
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection that changes neither the database nor its folder.

    Where the database cannot be read in place, as with a journal to be played back in a folder that may not be
    written, it is read from a copy.

    Raises:
        sqlite3.Error, UnicodeError: It cannot be opened.
    """
    with ExitStack() as stack:
        try:
            connection = _connection(file, _mode(file))
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cqtui-")))
            copy = folder / "copy.db"
            for suffix in ("", *SIDE_FILES):
                source = Path(f"{file}{suffix}")
                if source.is_file():
                    shutil.copyfile(source, f"{copy}{suffix}")
            connection = _connection(copy, "mode=rw")
        stack.enter_context(closing(connection))
        yield connection


def _mode(file: Path) -> str:
    """How the database is opened: one whose write-ahead log is empty would else get side files in its folder."""
    with file.open("rb") as raw:
        ahead = raw.read(20)[18:20] == b"\2\2"
    log = Path(f"{file}-wal")
    return "immutable=1" if ahead and not (log.exists() and log.stat().st_size) else "mode=ro"


def _connection(file: Path, mode: str) -> sqlite3.Connection:
    uri = f"{file.absolute().as_uri()}?{mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=TIMEOUT_S, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_BYTES)
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        # A file is data from anywhere: nothing that its schema defines is run.
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except UNUSABLE:
        connection.close()
        raise
    return connection


class _Database:
    """The tables of a database, whatever columns this version of llm gave them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        # Views and virtual tables may hold any query: neither is read.
        tables = self._rows("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY rowid")
        self.columns: dict[str, frozenset[str]] = {
            str(row["name"]): self._columns(str(row["name"]))
            for row in tables
            if not str(row["sql"]).lstrip().upper().startswith("CREATE VIRTUAL")
        }
        self.has_turns = (
            self.has("turns", "id", "parent_message_hash", "tip_message_hash")
            and self.has("messages", "hash", "parent_hash", "role")
            and self.has("parts", "message_hash", "position", "type")
        )
        self.is_llm = self.has_turns or any(self.has(name, "id", "model", "prompt", "response") for name in RESPONSES)

    def _columns(self, table: str) -> frozenset[str]:
        rows = self._connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
        return frozenset(str(row["name"]) for row in rows)

    def has(self, table: str, *columns: str) -> bool:
        """Whether the table exists with these columns."""
        return self.columns.get(table, frozenset()).issuperset(columns) and table in self.columns

    def _rows(self, sql: str, values: Iterable[Any] = ()) -> list[Row]:
        return [_plain(row) for row in self._connection.execute(sql, tuple(values))]

    def _named(self, table: str, columns: Iterable[str], prefix: str = "") -> str:
        """The columns for a SELECT, NULL for those that this version of the table lacks."""
        own = self.columns.get(table, frozenset())
        return ", ".join(f'{prefix}"{name}"' if name in own else f'NULL AS "{name}"' for name in columns)

    # The newer tables

    def turns(self) -> Iterator[Record]:
        """The calls of the newer tables."""
        order = "datetime_utc, id" if "datetime_utc" in self.columns["turns"] else "id"
        cursor = self._connection.execute(f"SELECT {self._named('turns', TURN)} FROM turns ORDER BY {order}")
        for found in cursor:
            row = _plain(found)
            record = self._record("turns", row, row.pop("thread_id"))
            parent, tip = row.pop("parent_message_hash"), row.pop("tip_message_hash")
            chain = self._chain(tip)
            at = next((number for number, message in enumerate(chain or ()) if message["hash"] == parent), None)
            if chain is None or (parent is not None and at is None):
                yield {**record, "problem": BROKEN_CHAIN}
                continue
            cut = 0 if at is None else at + 1
            messages = [{"role": message["role"], "parts": message["parts"]} for message in chain]
            record |= {"asked": messages[:cut], "answered": messages[cut:], "tools": self._tools_of_turn(row["id"])}
            yield record

    def _chain(self, tip: Any) -> list[Row] | None:
        """The messages from the first of the conversation to ``tip``; None where one is missing."""
        rows = {row["hash"]: row for row in self._rows(f"{CHAIN} SELECT hash, parent_hash, role FROM chain", (tip,))}
        found: list[Row] = []
        at = tip
        while at is not None:
            row = rows.pop(at, None)
            if row is None:
                return None
            row["parts"] = []
            found.append(row)
            at = row["parent_hash"]
        by_hash = {row["hash"]: row for row in found}
        columns = self._named("parts", ("message_hash", "type", "text", "payload"), "parts.")
        sql = f"{CHAIN} SELECT {columns} FROM chain JOIN parts ON parts.message_hash = chain.hash"
        for row in self._rows(f"{sql} ORDER BY parts.position", (tip,)):
            if (message := by_hash.get(row["message_hash"])) is not None:
                message["parts"].append(self._part(row))
        return found[::-1]

    def _part(self, row: Row) -> Record:
        """A part with what stands of it in other tables."""
        part = {**mapping(row["payload"]), "type": row["type"]}
        if row["text"] is not None:
            part["text"] = row["text"]
        elif isinstance(pieces := part.pop("text_ref", None), list):
            part["text"] = "".join(self._piece(piece) for piece in pieces)
        if row["type"] == "attachment":
            part["attachment"] = self.attachment(mapping(part.get("attachment")).get("id"))
        return part

    def _piece(self, piece: Any) -> str:
        literal, fragment = mapping(piece).get("literal"), mapping(piece).get("fragment")
        if isinstance(literal, str) or not isinstance(fragment, int) or not self.has("fragments", "id", "content"):
            return literal if isinstance(literal, str) else ""
        rows = self._rows("SELECT content FROM fragments WHERE id = ?", (fragment,))
        return str(rows[0]["content"]) if rows else ""

    def _tools_of_turn(self, turn: Any) -> list[Record]:
        if not self.has("turn_tools", "turn_id", "tool_id") or not self.has("tools", "id"):
            return []
        columns = self._named("tools", ("name", "description", "input_schema"), "tools.")
        sql = f"SELECT {columns} FROM turn_tools JOIN tools ON tools.id = turn_tools.tool_id WHERE turn_id = ?"
        return self._rows(sql, (turn,))

    # The older table

    def responses(self, table: str) -> Iterator[Record]:
        """The calls of an older table, each after those of its conversation that came before it."""
        conversation = RESPONSES[table] if RESPONSES[table] in self.columns[table] else "NULL"
        order = "datetime_utc, id" if "datetime_utc" in self.columns[table] else "id"
        newer = f"EXISTS (SELECT 1 FROM turns WHERE turns.id = {table}.id)" if self.has("turns", "id") else "0"
        cursor = self._connection.execute(
            f"SELECT {self._named(table, RESPONSE)}, {conversation} AS session, {newer} AS newer,"
            f" coalesce({conversation}, id) AS one FROM {table} ORDER BY one, {order}"
        )
        current, history, system = None, list[Record](), None
        while batch := [_plain(row) for row in cursor.fetchmany(BATCH)]:
            beside = _Beside(self, [row["id"] for row in batch]) if table == "responses" else _Beside(self, [])
            for row in batch:
                if row.pop("one") != current or row["session"] is None:
                    current, history, system = row["session"] or row["id"], [], None
                stated, asked, answered = beside.messages(row)
                # A system prompt that is repeated with each call was sent once.
                if stated and stated != system:
                    history.append({"role": "system", "parts": [{"type": "text", "text": stated}]})
                    system = stated
                history += asked
                record = self._record(table, row, row.pop("session"))
                if row.pop("newer"):
                    yield {**record, "problem": IN_BOTH}
                else:
                    yield record | {"asked": list(history), "answered": answered, "tools": beside.tools[row["id"]]}
                history += answered

    # Both

    def _record(self, table: str, row: Row, session: Any) -> Record:
        """The record of a call, still without its messages."""
        own = {name: row[name] for name in OWN if name != "schema_id"}
        record = {"llm_table": table, **own, "session": session, "schema": None, "tools": []}
        if row["schema_id"] is not None and self.has("schemas", "id", "content"):
            schemas = self._rows("SELECT content FROM schemas WHERE id = ?", (row["schema_id"],))
            record["schema"] = structured(schemas[0]["content"]) if schemas else None
        return record

    def attachment(self, key: Any) -> Record:
        """An attachment with its content in base64, as far as it stands in the database and is not too large."""
        if not self.has("attachments", "id") or not isinstance(key, str | int):
            return {}
        content = "content" if "content" in self.columns["attachments"] else "NULL"
        found = self._connection.execute(
            f"SELECT {self._named('attachments', ('type', 'url'))},"
            f" CASE WHEN length({content}) <= {MOST_ATTACHED} THEN {content} END FROM attachments WHERE id = ?",
            (key,),
        ).fetchone()
        if found is None:
            return {}
        kind, url, data = found
        encoded = base64.b64encode(data).decode("ascii") if isinstance(data, bytes) and data else None
        return {"type": str(kind or ""), "url": str(url or ""), "content": encoded}

    def beside(self, table: str, other: str, columns: tuple[str, ...], ids: list[Any]) -> dict[Any, list[Row]]:
        """Rows of a table that belong to responses, each list by the response's id.

        Args:
            table: The table with ``response_id``.
            other: The table that it names a row of by ``..._id``; empty where the columns are its own.
            columns: What is wanted of the latter.
            ids: The responses.
        """
        found: dict[Any, list[Row]] = defaultdict(list)
        key = {"fragments": "fragment_id", "attachments": "attachment_id", "tools": "tool_id"}.get(other, "response_id")
        if not ids or not self.has(table, "response_id", key) or (other and not self.has(other, "id")):
            return found
        join = f"JOIN {other} ON {other}.id = {table}.{key}" if other else ""
        order = f'{table}."order"' if "order" in self.columns[table] else f"{table}.rowid"
        named = self._named(other or table, columns, f"{other or table}.")
        places = ", ".join("?" * len(ids))
        sql = f"SELECT {table}.response_id AS response, {named} FROM {table} {join}"
        for row in self._rows(f"{sql} WHERE {table}.response_id IN ({places}) ORDER BY {order}", ids):
            found[row.pop("response")].append(row)
        return found


class _Beside:
    """What other tables hold of some responses: fragments, attachments, tools, their calls and their results."""

    def __init__(self, database: _Database, ids: list[Any]) -> None:
        self._attachment = database.attachment
        self._prompts = database.beside("prompt_fragments", "fragments", ("content",), ids)
        self._systems = database.beside("system_fragments", "fragments", ("content",), ids)
        self._attached = database.beside("prompt_attachments", "attachments", ("id",), ids)
        self._calls = database.beside("tool_calls", "", ("name", "arguments", "tool_call_id"), ids)
        self._results = database.beside("tool_results", "", ("name", "output", "tool_call_id"), ids)
        self.tools = database.beside("tool_responses", "tools", ("name", "description", "input_schema"), ids)

    def messages(self, row: Row) -> tuple[str, list[Record], list[Record]]:
        """The system prompt of a response, what it was asked besides, and what it answered."""
        key = row["id"]
        system = "\n\n".join(text for text in map(str.strip, _texts(self._systems[key], row.pop("system"))) if text)
        prompt = "\n".join(text for text in _texts(self._prompts[key], row.pop("prompt")) if text)
        parts: list[Record] = [{"type": "text", "text": prompt}] if prompt else []
        parts += [{"type": "attachment", "attachment": self._attachment(item["id"])} for item in self._attached[key]]
        results = [{**result, "type": "tool_result"} for result in self._results[key]]
        asked = [{"role": "tool", "parts": results}] if results else []
        asked += [{"role": "user", "parts": parts}] if parts else []
        text = row.pop("response")
        said: list[Record] = [] if text is None else [{"type": "text", "text": str(text)}]
        said += [{**call, "type": "tool_call"} for call in self._calls[key]]
        return system, asked, [{"role": "assistant", "parts": said}] if said else []


def _texts(fragments: list[Row], own: Any) -> list[str]:
    return [*(str(row["content"] or "") for row in fragments), "" if own is None else str(own)]


def _plain(row: sqlite3.Row) -> Row:
    """A row as JSON could hold it: SQLite lets any column have any type."""
    return {
        name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        for name, value in zip(row.keys(), tuple(row), strict=True)
    }
