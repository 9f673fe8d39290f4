"""Tables of calls with a prompt, an answer and whatever else is known in columns of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Importer, Row
from cqtui.importers.columns import ALIASES, columns_of, has_prompt, plain_name
from cqtui.importers.raw import RawCall

# No model answers sooner, in milliseconds: a latency below, in a column that names no unit, is in seconds.
SHORTEST_MS = 100


class CsvImporter(Importer):
    """Reads a row of a table by the names of its columns; tables of vendors have importers of their own."""

    name = "csv"
    fields = frozenset(alias for aliases in ALIASES.values() for alias in aliases)

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Rather sure of a table's row with a column of prompts."""
        return 0.85 if isinstance(record, Row) and has_prompt(tuple(record)) else 0.0

    def read(self, record: Mapping[str, Any]) -> RawCall:
        """The call in the row; columns of other names are its metadata."""
        columns = columns_of(tuple(record))
        values = {field: record[name] for field, name in columns.items() if record[name] not in (None, "")}
        warnings: list[str] = []
        used = set(columns.values())
        return RawCall(
            messages=_messages(values),
            completion=values.get("completion"),
            id=values.get("id"),
            time=values.get("time"),
            model=values.get("model"),
            provider=values.get("provider"),
            finish_reason=values.get("finish_reason"),
            usage={name: values.get(name) for name in values if name.endswith("_tokens")},
            latency_ms=_latency(values.get("latency"), columns.get("latency", ""), warnings),
            cost_usd=_amount(values.get("cost")),
            user=values.get("user"),
            session=values.get("session"),
            metadata={name: value for name, value in record.items() if name not in used and value not in (None, "")},
            score=values.get("score"),
            score_name=columns.get("score"),
            warnings=warnings,
        )


def _messages(values: Mapping[str, Any]) -> list[Any]:
    messages = base.structured(values.get("messages", values.get("prompt")))
    if not (isinstance(messages, list) and messages and all(isinstance(item, dict) for item in messages)):
        messages = [{"role": "user", "content": values.get("prompt", values.get("messages"))}]
    system = values.get("system")
    return messages if system is None else [{"role": "system", "content": system}, *messages]


def _latency(value: Any, column: str, warnings: list[str]) -> Any:
    """The latency in milliseconds; where the column names no unit, it follows from the size."""
    if value is None or plain_name(column).endswith("ms"):
        return value
    found = base.number(value, "latency", [])
    if found is None:
        return value
    seconds = found < SHORTEST_MS
    base.note(warnings, f"the latency has no unit, read as {'seconds' if seconds else 'milliseconds'}")
    return found * 1000 if seconds else found


def _amount(value: Any) -> Any:
    return value.strip().removeprefix("$") if isinstance(value, str) else value
