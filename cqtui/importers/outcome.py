"""What a read of logs came to: calls, and why there are no others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from cqtui.importers.base import Skipped
from cqtui.importers.found import Rejected, Tail
from cqtui.importers.progress import Position, Progress
from cqtui.importers.raw import RawCall
from cqtui.models import LoggedCall

MOST_REASONS = 1_000
OTHER_REASONS = "other reasons"


@dataclass(frozen=True)
class LogRead:
    """All that was found in the logs.

    Attributes:
        calls: The calls that can be replayed; ``call.is_baseline`` where it has an answer.
        skipped: Records that were recognised and give no call, with the reason.
        rejected: Records and lines that could not be used, with the reason.
        files: The files that were read.
        counts: The number of calls by format.
        joined: Records that are part of another record's call, such as a batch's answers.
        skipped_for: The number of skipped records by reason.
        rejected_count: The number of rejected records and lines.
        left_out: Calls that were read and are not among ``calls``, because those are a sample.
        tails: Last lines that are still being written: they count for nothing yet.
        positions: How far each file was read, by its full path; a later read can go on there.
    """

    calls: tuple[LoggedCall, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    files: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    joined: int = 0
    skipped_for: dict[str, int] = field(default_factory=dict)
    rejected_count: int = 0
    left_out: int = 0

    @property
    def total_calls(self) -> int:
        """The calls in the logs, kept or not."""
        return len(self.calls) + self.left_out

    tails: tuple[Tail, ...] = ()
    positions: Mapping[str, Position] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """The records seen: each is a call, part of another's call, skipped or rejected."""
        return self.total_calls + self.joined + sum(self.skipped_for.values()) + self.rejected_count


class Finds:
    """Counts what a read comes upon; of skipped and rejected records it keeps so many, and counts the others."""

    def __init__(self, most: int | None = None) -> None:
        """Keep at most ``most`` skipped and as many rejected records; None keeps all."""
        self._most = most
        self._skipped: list[Skipped] = []
        self._rejected: list[Rejected] = []
        self._formats: dict[str, int] = {}
        self._skipped_for: Counter[str] = Counter()
        self._rejected_count = 0

    def add(self, item: RawCall | LoggedCall | Skipped | Rejected) -> None:
        """Enter what became of a record."""
        if isinstance(item, RawCall):
            self.add_call(item.place.format)
        elif isinstance(item, LoggedCall):
            self.add_call(item.origin.format)
        elif isinstance(item, Skipped):
            reason = (
                item.reason if item.reason in self._skipped_for or len(self._skipped_for) < MOST_REASONS else "other"
            )
            self._skipped_for[reason] += 1
            if self._most is None or len(self._skipped) < self._most:
                self._skipped.append(item)
        else:
            self._rejected_count += 1
            if self._most is None or len(self._rejected) < self._most:
                self._rejected.append(item)

    def add_call(self, kind: str) -> None:
        """Enter a call of a format."""
        self._formats[kind] = self._formats.get(kind, 0) + 1

    def as_read(self, calls: tuple[LoggedCall, ...], progress: Progress) -> LogRead:
        """The read with these calls kept of all that were entered; ``progress`` is that of the read."""
        return LogRead(
            calls=calls,
            skipped=tuple(self._skipped),
            rejected=tuple(self._rejected),
            files=progress.files,
            counts=dict(Counter(self._formats).most_common()),
            joined=progress.joined,
            skipped_for=dict(self._skipped_for.most_common()),
            rejected_count=self._rejected_count,
            left_out=sum(self._formats.values()) - len(calls),
            tails=tuple(progress.tails),
            positions=dict(progress.positions),
        )
