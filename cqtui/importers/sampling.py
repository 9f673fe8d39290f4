"""A random sample of a log, drawn in the one pass that reads it."""

from __future__ import annotations

import hashlib
import heapq
from dataclasses import dataclass, field

from cqtui.importers.raw import RawCall

MOST_BYTES = 64 * 2**20


@dataclass(slots=True)
class _Conversation:
    """What is kept of a conversation: its calls, each with its place in the order of reading."""

    calls: list[tuple[int, RawCall]] = field(default_factory=list)
    size: int = 0


class Sample:
    """Keeps conversations drawn at random, each with all its calls; a call without a session is one of its own.

    Each conversation gets a number from a hash of its name and the seed, and those with the least are kept (bottom-k
    sampling: Cohen and Kaplan, "Summarizing data using bottom-k sketches", 2007). So every conversation has the same
    chance, which makes the sample proportional to traffic; the same seed draws the same conversations whatever order
    the files come in; and a conversation is never kept in part, wherever in the log its calls stand.
    """

    def __init__(self, size: int, seed: int, most_bytes: int = MOST_BYTES) -> None:
        """Keep at most ``size`` calls, and of them no more than ``most_bytes`` of JSON; but one conversation always."""
        self._size = size
        self._most_bytes = most_bytes
        self._key = hashlib.sha256(f"cqtui sample {seed}".encode()).digest()
        self._kept: dict[int, _Conversation] = {}
        self._largest: list[int] = []  # a heap of the numbers of those kept, negated
        self._limit = 1 << 64
        self._count = 0
        self._bytes = 0

    def offer(self, call: RawCall, position: int) -> None:
        """Let a call take part in the draw; ``position`` is its place in the order of reading."""
        session = call.session
        # Equal records were found out before, so that what a record is known by is its own.
        name = b"s" + str(session).encode("utf-8", "replace") if session else b"r" + call.place.digest
        number = int.from_bytes(hashlib.blake2b(name, digest_size=8, key=self._key).digest(), "big")
        if number >= self._limit:
            return
        kept = self._kept.get(number)
        if kept is None:
            kept = self._kept[number] = _Conversation()
            heapq.heappush(self._largest, -number)
        kept.calls.append((position, call))
        kept.size += call.place.size
        self._count += 1
        self._bytes += call.place.size
        while (self._count > self._size or self._bytes > self._most_bytes) and len(self._kept) > 1:
            self._limit = -heapq.heappop(self._largest)
            gone = self._kept.pop(self._limit)
            self._count -= len(gone.calls)
            self._bytes -= gone.size

    @property
    def numbered(self) -> list[tuple[int, RawCall]]:
        """Those that were drawn, in the order in which they were read, each with its position."""
        return sorted((each for kept in self._kept.values() for each in kept.calls), key=lambda each: each[0])
