"""Batch files: the lines of the input and of the output, joined on ``custom_id``."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from cqtui.importers.base import Importer, Join, Joined, Place
from cqtui.importers.exchange import read_exchange
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.reasons import NO_PROMPT

Row = tuple[Mapping[str, Any], Place]


class BatchImporter(Importer):
    """Reads one line alone: an input line is a prompt without a baseline, an output line is no call."""

    @abstractmethod
    def is_input(self, record: Mapping[str, Any]) -> bool:
        """Whether the record is a line of a batch input file."""

    @abstractmethod
    def is_output(self, record: Mapping[str, Any]) -> bool:
        """Whether the record is a line of a batch output or error file."""

    @abstractmethod
    def failure_of(self, record: Mapping[str, Any]) -> str | None:
        """Why an output line holds no answer; None where it holds one."""

    @abstractmethod
    def request_of(self, record: Mapping[str, Any]) -> Mapping[str, Any] | NoCall:
        """The request in an input line, or why it is no call of a language model."""

    @abstractmethod
    def response_of(self, record: Mapping[str, Any]) -> Any:
        """The response in an output line that did not fail."""

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with the keys of an input or an output line."""
        return 1.0 if self.is_input(record) or self.is_output(record) else 0.0

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The prompt of an input line, or why there is no call."""
        if self.is_input(record):
            return self.read_rows(record, None)
        return NoCall(self.failure_of(record) or f"{NO_PROMPT}: a batch output without its input line")

    def read_rows(self, asked: Mapping[str, Any], answered: Mapping[str, Any] | None) -> RawCall | NoCall:
        """The call of an input line and its output line."""
        request = self.request_of(asked)
        if isinstance(request, NoCall):
            return request
        # An answer that is empty must not pass for one that is still to come.
        response = None if answered is None else self.response_of(answered) or {"choices": []}
        call = read_exchange(request, response)
        if isinstance(call, RawCall):
            # A batch answers within a day: its latency says nothing, so none is handed on.
            call.id = asked.get("custom_id")
        return call


class BatchJoin(Join):
    """Holds the batch lines of all files of one read until both sides are known.

    Attributes:
        importer: Reads the lines.
    """

    importer: ClassVar[BatchImporter]

    def __init__(self) -> None:
        self._inputs: dict[str, list[Row]] = defaultdict(list)
        self._outputs: dict[str, list[Row]] = defaultdict(list)

    def add(self, record: Mapping[str, Any], place: Place) -> Iterable[Joined]:
        """Keep a line."""
        side = self._inputs if self.importer.is_input(record) else self._outputs
        side[str(record.get("custom_id"))].append((record, place))
        return ()

    def results(self) -> Iterator[Joined]:
        """The joined calls in input order; an answer is preferred to a failure of the same custom_id."""
        read, failure_of = self.importer.read, self.importer.failure_of
        for key, inputs in self._inputs.items():
            outputs = sorted(self._outputs.pop(key, []), key=lambda row: failure_of(row[0]) is not None)
            for position, (asked, place) in enumerate(inputs):
                if position >= len(outputs):
                    yield Joined(read(asked), place)
                    continue
                answered, where = outputs[position]
                if failure := failure_of(answered):
                    yield Joined(NoCall(failure), where, 2)
                else:
                    yield Joined(self.importer.read_rows(asked, answered), place, 2)
            for answered, where in outputs[len(inputs) :]:
                yield Joined(read(answered), where)
        for rows in self._outputs.values():
            for answered, where in rows:
                yield Joined(read(answered), where)
