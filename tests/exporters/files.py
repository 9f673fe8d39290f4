"""What exporters hand on: files by name; and how times, lines and tables are written into them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cqtui.models import LoggedCall

Files = Mapping[str, str | bytes]
Export = Callable[[Sequence[LoggedCall]], Files]
Record = dict[str, Any]


def lines(records: Iterable[Mapping[str, Any]]) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def table(rows: Sequence[Mapping[str, Any]], delimiter: str = ",") -> str:
    """A table with a header; what is structured becomes JSON in its cell, what is unknown an empty cell."""
    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return written.getvalue()


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def started(call: LoggedCall) -> datetime:
    """When the call was sent."""
    assert call.time is not None
    return call.time


def ended(call: LoggedCall) -> datetime:
    """When its answer was there."""
    return started(call) + timedelta(milliseconds=call.latency_ms or 0)


def iso(time: datetime) -> str:
    """A time as JavaScript writes it."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def spaced(time: datetime) -> str:
    """A time as databases write it: in UTC, which is not said."""
    return time.strftime("%Y-%m-%d %H:%M:%S.%f")


def dollars(call: LoggedCall) -> float | None:
    """The logged cost in USD."""
    return None if call.cost_usd is None else float(call.cost_usd)


def total(call: LoggedCall) -> int:
    """Input and output tokens together."""
    return (call.usage.input_tokens or 0) + (call.usage.output_tokens or 0)
