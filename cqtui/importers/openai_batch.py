"""OpenAI's Batch files: input lines and output lines, joined on ``custom_id``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Importer, Join, Joined, Place
from cqtui.importers.exchange import read_exchange
from cqtui.importers.openai_chat import brief
from cqtui.importers.raw import NoCall, RawCall

Row = tuple[Mapping[str, Any], Place]


class OpenAIBatchImporter(Importer):
    """Reads one line alone: an input line is a prompt without a baseline, an output line is no call."""

    name = "openai_batch"
    fields = frozenset({"custom_id", "method", "url", "body", "response", "error"})

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with the keys of an input or an output line."""
        return 1.0 if is_input(record) or is_output(record) else 0.0

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The prompt of an input line, or why there is no call."""
        if is_input(record):
            return read_rows(record, None)
        return NoCall(failure_of(record) or "batch output without its input line")


class BatchJoin(Join):
    """Holds the batch lines of all files of one read until both sides are known."""

    def __init__(self) -> None:
        self._inputs: dict[str, list[Row]] = defaultdict(list)
        self._outputs: dict[str, list[Row]] = defaultdict(list)

    def add(self, record: Mapping[str, Any], place: Place) -> Iterable[Joined]:
        """Keep a line."""
        side = self._inputs if is_input(record) else self._outputs
        side[str(record.get("custom_id"))].append((record, place))
        return ()

    def results(self) -> Iterator[Joined]:
        """The joined calls in input order; an answer is preferred to a failure of the same custom_id."""
        importer = OpenAIBatchImporter()
        for key, inputs in self._inputs.items():
            outputs = sorted(self._outputs.pop(key, []), key=lambda row: failure_of(row[0]) is not None)
            for position, (asked, place) in enumerate(inputs):
                if position >= len(outputs):
                    yield Joined(importer.read(asked), place)
                    continue
                answered, where = outputs[position]
                failure = failure_of(answered)
                call = NoCall(failure) if failure else read_rows(asked, answered)
                yield Joined(call, where if failure else place, 2)
            for answered, where in outputs[len(inputs) :]:
                yield Joined(importer.read(answered), where)
        for rows in self._outputs.values():
            for answered, where in rows:
                yield Joined(importer.read(answered), where)


def is_input(record: Mapping[str, Any]) -> bool:
    """Whether the record is a line of a batch input file."""
    return all(key in record for key in ("custom_id", "method", "url", "body"))


def is_output(record: Mapping[str, Any]) -> bool:
    """Whether the record is a line of a batch output or error file."""
    return all(key in record for key in ("custom_id", "response", "error"))


def failure_of(record: Mapping[str, Any]) -> str | None:
    """Why an output line holds no answer; None where it holds one."""
    if record.get("error"):
        return f"batch request failed: {brief(record['error'])}"
    response = base.mapping(record.get("response"))
    if not response:
        return "batch request failed: no response"
    status = base.number(response.get("status_code"), "status_code", [])
    if status is not None and status >= 400:
        return f"batch request failed: status {status:.0f}"
    return None


def read_rows(asked: Mapping[str, Any], answered: Mapping[str, Any] | None) -> RawCall | NoCall:
    """The call of an input line and its output line."""
    body = base.mapping(asked.get("body"))
    if "messages" not in body:
        return NoCall(f"batch request to {str(asked.get('url'))[:80]} is not a chat completion")
    call = read_exchange(body, None if answered is None else base.mapping(answered.get("response")).get("body") or {})
    if isinstance(call, RawCall):
        # A batch answers within a day: its latency says nothing, so none is handed on.
        call.id = asked.get("custom_id")
    return call
