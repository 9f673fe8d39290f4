"""A random sample of a log, drawn in the one pass that reads it."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson

from cqtui.importers.base import Place
from cqtui.importers.formats import importer_named
from cqtui.importers.raw import RawCall

MOST_BYTES = 64 * 2**20
NUMBER_BYTES = 8


@dataclass(slots=True)
class _Conversation:
    """What is kept of a conversation: its calls, each with its position in the order of reading.

    A call is kept as the JSON of its record where it can be read from that again: a tenth of the memory, and nothing
    for the garbage collector to look through time and again.
    """

    calls: list[tuple[int, RawCall | tuple[Place, bytes]]] = field(default_factory=list)
    size: int = 0


class Sample:
    """Keeps conversations drawn at random, each with all its calls; a call without a session is one of its own.

    Each conversation gets a number, a hash of its name and the seed, and those with the least are kept (bottom-k
    sampling: Cohen and Kaplan, "Summarizing data using bottom-k sketches", 2007). So every conversation has the same
    chance, which makes the sample proportional to traffic; the same seed draws the same conversations whatever order
    the files come in; and a conversation is never kept in part, wherever in the log its calls stand.

    Attributes:
        count: The calls that are kept.
        bytes: The JSON of their records.
    """

    def __init__(self, size: int, seed: int, most_bytes: int = MOST_BYTES) -> None:
        """Keep at most ``size`` calls, and of them no more than ``most_bytes`` of JSON; but one conversation always."""
        self._size = size
        self._most_bytes = most_bytes
        self._key = hashlib.sha256(f"cqtui sample {seed}".encode()).digest()
        self._kept: dict[bytes, _Conversation] = {}
        self._largest: list[int] = []  # a heap of the numbers of those kept, negated
        self._limit = b"\xff" * (NUMBER_BYTES + 1)
        self.count = 0
        self.bytes = 0

    def offer(self, call: RawCall, position: int) -> None:
        """Let a call take part in the draw; ``position`` is its place in the order of reading."""
        session = call.session
        # Equal records were found out before, so that a record's content is its own.
        name = b"s" + str(session).encode("utf-8", "replace") if session else b"r" + (call.content or _place(call))
        number = hashlib.sha256(self._key + name).digest()[:NUMBER_BYTES]
        if number >= self._limit:
            return
        kept = self._kept.get(number)
        if kept is None:
            kept = self._kept[number] = _Conversation()
            heapq.heappush(self._largest, -int.from_bytes(number, "big"))
        kept.calls.append((position, (call.place, call.content) if call.content else call))
        kept.size += call.place.size
        self.count += 1
        self.bytes += call.place.size
        while (self.count > self._size or self.bytes > self._most_bytes) and len(self._kept) > 1:
            self._limit = (-heapq.heappop(self._largest)).to_bytes(NUMBER_BYTES, "big")
            gone = self._kept.pop(self._limit)
            self.count -= len(gone.calls)
            self.bytes -= gone.size

    def drawn(self) -> Iterator[tuple[int, RawCall]]:
        """Those that were drawn, in the order in which they were read, each with its position."""
        kept = ((position, call) for each in self._kept.values() for position, call in each.calls)
        for position, call in sorted(kept, key=lambda each: each[0]):
            yield position, call if isinstance(call, RawCall) else _read_again(*call)


def _place(call: RawCall) -> bytes:
    return f"{call.id} {call.place.file} {call.place.line}".encode("utf-8", "replace")


def _read_again(place: Place, content: bytes) -> RawCall:
    call = importer_named(place.format).read(orjson.loads(content))
    if not isinstance(call, RawCall):
        raise ValueError(f"{place.file}:{place.line}: the record reads differently the second time")
    call.place = place
    return call
