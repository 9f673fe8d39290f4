"""OpenAI's Batch files: input lines and output lines, joined on ``custom_id``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Skipped
from cqtui.importers.openai_chat import brief, read_pair, response_of
from cqtui.models import LoggedCall, Origin

Row = tuple[Mapping[str, Any], Origin]


class OpenAIBatchImporter:
    """Reads one line alone: an input line is a prompt without a baseline, an output line is no call."""

    name = "openai_batch"

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with the keys of an input or an output line."""
        return 1.0 if is_input(record) or is_output(record) else 0.0

    def read(self, record: Mapping[str, Any], origin: Origin) -> LoggedCall | Skipped:
        """The prompt of an input line, or why there is no call."""
        if is_input(record):
            return read_rows(record, None, origin)
        return Skipped(failure_of(record) or "batch output without its input line", origin)


class BatchJoin:
    """Holds the batch lines of all files of one read until both sides are known."""

    def __init__(self) -> None:
        self._inputs: dict[str, list[Row]] = defaultdict(list)
        self._outputs: dict[str, list[Row]] = defaultdict(list)

    def add(self, record: Mapping[str, Any], origin: Origin) -> None:
        """Keep a line."""
        side = self._inputs if is_input(record) else self._outputs
        side[str(record.get("custom_id"))].append((record, origin))

    def results(self) -> Iterator[LoggedCall | Skipped]:
        """The joined calls in input order; an answer is preferred to a failure of the same custom_id."""
        importer = OpenAIBatchImporter()
        for key, inputs in self._inputs.items():
            outputs = sorted(self._outputs.pop(key, []), key=lambda row: failure_of(row[0]) is not None)
            for position, (asked, origin) in enumerate(inputs):
                if position >= len(outputs):
                    yield importer.read(asked, origin)
                    continue
                answered, where = outputs[position]
                failure = failure_of(answered)
                yield Skipped(failure, where) if failure else read_rows(asked, answered, origin)
            for answered, where in outputs[len(inputs) :]:
                yield importer.read(answered, where)
        for rows in self._outputs.values():
            for answered, where in rows:
                yield importer.read(answered, where)


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


def read_rows(asked: Mapping[str, Any], answered: Mapping[str, Any] | None, origin: Origin) -> LoggedCall | Skipped:
    """The call of an input line and its output line."""
    body = base.mapping(asked.get("body"))
    if "messages" not in body:
        return Skipped(f"batch request to {str(asked.get('url'))[:80]} is not a chat completion", origin)
    response = None if answered is None else response_of(base.mapping(answered.get("response")).get("body"))
    # A batch answers within a day: its latency says nothing, so the wrapper hands none on.
    return read_pair(body, response, origin, {}, base.text_or_none(asked.get("custom_id")))
