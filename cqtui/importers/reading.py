"""Reading of log files: detection per record, joining, repeats and identities."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from cqtui.errors import BadInputError
from cqtui.importers.base import Importer, Join, Joined, Place, Row, Skipped, digest
from cqtui.importers.container import UNREADABLE, Found, Rejected, members
from cqtui.importers.formats import JOINS, Detection, enveloped, nearest, printable, unknown_shape
from cqtui.importers.paths import LogFile, Paths, log_files, on_disk
from cqtui.importers.progress import Progress
from cqtui.importers.raw import NoCall, RawCall, normalised
from cqtui.models import LoggedCall

REPEAT = "repeat of an identical record"
# Repeats are found within at least so many records: what is remembered of a log is small, whatever its size.
REMEMBERED = 100_000
MAX_ENVELOPES = 20
# A file whose first records, so many, are all of unknown shapes is no log.
MOST_UNKNOWN = 20_000
MOST_FIELDS = 100


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

    @property
    def records(self) -> int:
        """The records seen: each is a call, part of another's call, skipped or rejected."""
        return self.total_calls + self.joined + sum(self.skipped_for.values()) + self.rejected_count


def read_logs(path: Paths, *, hash_identities: bool = True) -> LogRead:
    """Read logs whole.

    Args:
        path: A file, a folder, a pattern such as ``logs/*.jsonl``, ``-`` for stdin, or several of them.
        hash_identities: Replace user and session by a hash.

    Raises:
        BadInputError: A file is missing, empty or not a log.
    """
    found = Finds()
    identified = Identified(hash_identities)
    progress = Progress()
    calls = []
    for item in iter_raw(path, progress):
        result = identified.call_of(item) if isinstance(item, RawCall) else item
        found.add(result)
        if isinstance(result, LoggedCall):
            calls.append(result)
    return found.as_read(tuple(calls), progress.files, progress.joined)


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
            reason = item.reason if item.reason in self._skipped_for or len(self._skipped_for) < 1000 else "other"
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

    def as_read(self, calls: tuple[LoggedCall, ...], files: tuple[str, ...], joined: int) -> LogRead:
        """The read with these calls kept of all that were entered."""
        return LogRead(
            calls=calls,
            skipped=tuple(self._skipped),
            rejected=tuple(self._rejected),
            files=files,
            counts=dict(Counter(self._formats).most_common()),
            joined=joined,
            skipped_for=dict(self._skipped_for.most_common()),
            rejected_count=self._rejected_count,
            left_out=sum(self._formats.values()) - len(calls),
        )


def iter_logs(
    path: Paths, *, hash_identities: bool = True, progress: Progress | None = None
) -> Iterator[LoggedCall | Skipped | Rejected]:
    """Read logs one record at a time; batch lines come last, when both sides are known.

    Raises:
        BadInputError: A file is missing, empty or not a log.
    """
    identified = Identified(hash_identities)
    for item in iter_raw(path, progress):
        yield identified.call_of(item) if isinstance(item, RawCall) else item


class Identified:
    """Makes the calls of one read: each with an id of its own, user and session hashed where asked."""

    def __init__(self, hash_identities: bool = True) -> None:
        self._hash_identities = hash_identities
        self._ids: set[str] = set()

    def call_of(self, raw: RawCall) -> LoggedCall | Skipped | Rejected:
        """The call in one shape, or why there is none."""
        place = raw.place
        try:
            call = normalised(raw)
        except UNREADABLE as error:
            return Rejected(f"unusable record ({type(error).__name__})", place.file, place.line)
        if isinstance(call, NoCall):
            return Skipped(call.reason, place.origin)
        changes: dict[str, Any] = {}
        if self._hash_identities:
            changes = {"user": _hashed(call.user), "session": _hashed(call.session)}
        if call.id in self._ids:
            content = call.model_dump(mode="python", exclude={"origin"})
            derived = f"{call.id}-{digest(content)[:8]}"
            while derived in self._ids:
                derived += "+"
            changes["id"] = derived
            warnings = (*call.origin.warnings, "id seen before with other content: a derived id was given")
            changes["origin"] = call.origin.model_copy(update={"warnings": warnings})
        self._ids.add(changes.get("id", call.id))
        return call.model_copy(update=changes) if changes else call


def iter_raw(path: Paths, progress: Progress | None = None) -> Iterator[RawCall | Skipped | Rejected]:
    """Read logs one record at a time, each call as its record states it.

    Raises:
        BadInputError: A file is missing, empty or not a log.
    """
    files = log_files(path)
    progress = progress or Progress()
    progress.files = tuple(file.name for file in files)
    progress.bytes_total = sum(file.path.stat().st_size for file in files) if all(map(_has_size, files)) else None
    reading = _Reading(progress)
    recognised, last = False, BadInputError("No log was given.")
    for file in files:
        try:
            yield from reading.of_file(file)
            recognised = True
        except BadInputError as error:
            # In a folder, other files than logs are expected; a file that was named must be one.
            if file.named:
                raise
            last = error
            yield Rejected(error.title, file.name)
    if not recognised:
        raise last
    yield from reading.of_joins()


class _Reading:
    """One read of several files: what was seen is remembered from file to file."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._detection = Detection()
        self._seen: set[bytes] = set()
        self._seen_before: set[bytes] = set()
        self._joins: dict[str, Join] = {}

    def of_file(self, file: LogFile) -> Iterator[RawCall | Skipped | Rejected]:
        """The records of a file, or BadInputError where it is no log."""
        with on_disk(file) as path:
            yield from self._of_path(path, file.name)

    def _of_path(self, path: Path, file: str) -> Iterator[RawCall | Skipped | Rejected]:
        recognised, problem = False, f"{file}: the file is empty."
        for member in members(path, self._progress, self._count):
            name = f"{file}:{member.name}" if member.name else file
            items = (replace(item, file=name) if isinstance(item, Rejected) else item for item in member.items)
            try:
                yield from self._of_items(items if str(path) != file else member.items, name)
                recognised = True
            except BadInputError as error:
                # As in a folder, other files than logs are expected in a zip file.
                if not member.name:
                    raise
                problem = problem if recognised else error.title
                yield Rejected(error.title, name)
        if not recognised:
            raise BadInputError(problem, "Name a file with logged calls.")

    def _of_items(self, items: Iterator[Found | Rejected], name: str) -> Iterator[RawCall | Skipped | Rejected]:
        recognised, empty = False, True
        fields: list[str] = []
        # Rejections wait until the file is known to be a log; afterwards they are handed on at once.
        waiting: list[Rejected] = []
        importer_of, of_record = self._detection.importer_of, self._of_record
        for item in items:
            empty = False
            results: Iterable[RawCall | Skipped | Rejected | None]
            if isinstance(item, Rejected):
                results = (item,)
            elif (
                type(item.value) is dict
                and (importer := importer_of(item.value)) is not None
                and importer.unfold(item.value) is None
            ):
                results = of_record(importer, item.value, item, name)
            else:
                results = self._of_value(item, name, fields)
            for result in results:
                if not recognised:
                    if isinstance(result, Rejected):
                        waiting.append(result)
                        continue
                    recognised = True
                    yield from waiting
                    waiting = []
                if result is not None:
                    yield result
            if len(waiting) > MOST_UNKNOWN:
                break
        if empty:
            raise BadInputError(f"{name}: the file is empty.", "Name a file with logged calls.")
        if not recognised:
            said = f"line {waiting[0].line}: {waiting[0].reason}" if waiting else "no records"
            near = nearest(fields)
            if fields:
                said = f"fields seen: {', '.join(printable(field) for field in fields[:12])}"
                said += f"; nearest formats: {', '.join(near)}" if near else ""
            raise BadInputError(f"{name}: not a log ({said}).", "No record has a known format.")

    def of_joins(self) -> Iterator[RawCall | Skipped | Rejected]:
        """The calls whose records stand apart, now that all were read."""
        for join in self._joins.values():
            yield from self._of_joined(join.results())

    def _of_joined(self, found: Iterable[Joined]) -> Iterator[RawCall | Skipped]:
        for call, place, parts in found:
            self._progress.joined += parts - 1
            yield _placed(call, place)

    def _of_value(self, item: Found, file: str, fields: list[str]) -> Iterator[RawCall | Skipped | Rejected | None]:
        """What became of each record in a value; None for one that waits for its other side."""
        values = self._flat(item.value)
        while True:
            try:
                record = next(values, values)
            except UNREADABLE as error:
                yield Rejected(f"unusable record ({type(error).__name__})", file, item.line)
                return
            if record is values:
                return
            if not isinstance(record, dict):
                yield Rejected("not an object", file, item.line)
                continue
            importer = self._detection.importer_of(record)
            if importer is not None:
                yield from self._of_record(importer, record, item, file)
                continue
            if not isinstance(record, Row) and len(fields) < MOST_FIELDS:
                fields.extend(name for name in record if name not in fields)
            yield Rejected(unknown_shape(record), file, item.line)

    def _of_record(
        self, importer: Importer, record: dict[str, Any], item: Found, file: str
    ) -> tuple[RawCall | Skipped | Rejected | None, ...]:
        """What became of a record; None and what it made whole where it may wait for its other side."""
        try:
            content, is_exact = orjson.dumps(record), type(record) is dict
        except TypeError:  # integers beyond 64 bits, or deeper nesting than it writes
            content, is_exact = json.dumps(record).encode(), False
        mark = hashlib.sha256(content).digest()
        place = Place(file, item.line, importer.name, mark, len(content), item.warnings)
        if mark in self._seen or mark in self._seen_before:
            return (Skipped(REPEAT, place.origin),)
        self._seen.add(mark)
        if len(self._seen) >= REMEMBERED:
            self._seen, self._seen_before = set(), self._seen
        try:
            if importer.name in JOINS:
                join = self._joins.setdefault(importer.name, JOINS[importer.name]())
                return (None, *self._of_joined(join.add(record, place)))
            call = importer.read(record)
            if isinstance(call, RawCall) and is_exact:
                call.content = content
            return (_placed(call, place),)
        except UNREADABLE as error:
            return (Rejected(f"unusable record ({type(error).__name__})", file, item.line),)

    def _count(self, value: Any) -> int:
        """How many records there are in a value."""
        try:
            return sum(1 for _ in self._flat(value))
        except UNREADABLE:
            return 0

    def _flat(self, value: Any, depth: int = 0) -> Iterator[Any]:
        """The records in a value: lists are flattened, envelopes opened."""
        if isinstance(value, list):
            for item in value:
                yield from self._flat(item, depth)
            return
        if isinstance(value, dict) and depth < MAX_ENVELOPES:
            importer = self._detection.importer_of(value)
            inside = enveloped(value) if importer is None else importer.unfold(value)
            if inside is not None:
                for item in inside:
                    yield from self._flat(item, depth + 1)
                return
        yield value


def _has_size(file: LogFile) -> bool:
    return not file.is_stdin and file.path.is_file()


def _placed(call: RawCall | NoCall, place: Place) -> RawCall | Skipped:
    if isinstance(call, NoCall):
        return Skipped(call.reason, place.origin)
    call.place = place
    return call


def _hashed(value: str | None) -> str | None:
    return None if value is None else hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:16]
