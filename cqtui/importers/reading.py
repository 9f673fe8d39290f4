"""Reading of log files: detection per record, joining, repeats and identities."""

from __future__ import annotations

import hashlib
import json
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from cqtui.errors import BadInputError
from cqtui.importers.base import Join, Place, Row, Skipped, digest
from cqtui.importers.container import UNREADABLE, Found, Rejected, members
from cqtui.importers.formats import JOINS, Detection, enveloped, nearest, printable, unknown_shape
from cqtui.importers.found import Tail
from cqtui.importers.paths import Paths, log_files
from cqtui.importers.progress import Position, Progress
from cqtui.importers.raw import NoCall, RawCall, normalised
from cqtui.models import LoggedCall

REPEAT = "repeat of an identical record"
# Repeats are found within so many records: what is remembered of a log stays small whatever its size.
REMEMBERED = 200_000
MAX_ENVELOPES = 20
# A file whose first records, so many, are all of unknown shapes is no log.
MOST_UNKNOWN = 20_000
MOST_FIELDS = 100


@dataclass(frozen=True)
class LogRead:
    """All that was found in the logs.

    Attributes:
        calls: Every call that can be replayed; ``call.is_baseline`` where it has an answer.
        skipped: Records that were recognised and give no call, with the reason.
        rejected: Records and lines that could not be used, with the reason.
        files: The files that were read.
        counts: The number of calls by format.
        joined: Records that are part of another record's call, such as a batch's answers.
        tails: Last lines that are still being written: they count for nothing yet.
        positions: How far each file was read, by its full path; a later read can go on there.
    """

    calls: tuple[LoggedCall, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    files: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    joined: int = 0
    tails: tuple[Tail, ...] = ()
    positions: Mapping[str, Position] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """The records seen: each is a call, part of another's call, skipped or rejected."""
        return len(self.calls) + self.joined + len(self.skipped) + len(self.rejected)


def read_logs(path: Paths, *, hash_identities: bool = True, since: Mapping[str, Position] | None = None) -> LogRead:
    """Read logs whole, or what is new in them.

    Args:
        path: A file, a folder, or several of them.
        hash_identities: Replace user and session by a hash.
        since: The positions of an earlier read: files of JSON lines are read on from there, other files that have not
            changed are not read again. A file that was cut or replaced is read from its start. A call whose records
            are in both reads, such as a batch's question and its answer, is not joined.

    Raises:
        BadInputError: A file is missing, empty or not a log.
    """
    progress = Progress()
    found = list(iter_logs(path, hash_identities=hash_identities, progress=progress, since=since))
    calls = tuple(item for item in found if isinstance(item, LoggedCall))
    return LogRead(
        calls=calls,
        skipped=tuple(item for item in found if isinstance(item, Skipped)),
        rejected=tuple(item for item in found if isinstance(item, Rejected)),
        files=tuple(str(file) for file, _ in log_files(path)),
        counts=dict(Counter(call.origin.format for call in calls)),
        joined=progress.joined,
        tails=tuple(progress.tails),
        positions=dict(progress.positions),
    )


def iter_logs(
    path: Paths,
    *,
    hash_identities: bool = True,
    progress: Progress | None = None,
    since: Mapping[str, Position] | None = None,
) -> Iterator[LoggedCall | Skipped | Rejected]:
    """Read logs one record at a time; batch lines come last, when both sides are known.

    Raises:
        BadInputError: A file is missing, empty or not a log.
    """
    identified = Identified(hash_identities)
    for item in iter_raw(path, progress, since):
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


def iter_raw(
    path: Paths, progress: Progress | None = None, since: Mapping[str, Position] | None = None
) -> Iterator[RawCall | Skipped | Rejected]:
    """Read logs one record at a time, each call as its record states it.

    Raises:
        BadInputError: A file is missing, empty or not a log.
    """
    files = log_files(path)
    progress = progress or Progress()
    progress.bytes_total = _size(file for file, _ in files)
    reading = _Reading(progress, since or {})
    recognised, last = False, BadInputError("No log was given.")
    for file, named in files:
        try:
            yield from reading.of_file(file)
            recognised = True
        except BadInputError as error:
            # In a folder, other files than logs are expected; a file that was named must be one.
            if named:
                raise
            last = error
            yield Rejected(error.title, str(file))
    if not recognised:
        raise last
    yield from reading.of_joins()


class _Reading:
    """One read of several files: what was seen is remembered from file to file."""

    def __init__(self, progress: Progress, since: Mapping[str, Position]) -> None:
        self._progress = progress
        self._since = since
        self._detection = Detection()
        self._seen: dict[bytes, None] = {}
        self._joins: dict[str, Join] = {}

    def of_file(self, file: Path) -> Iterator[RawCall | Skipped | Rejected]:
        """The records of a file, or BadInputError where it is no log."""
        recognised, problem = False, f"{file}: the file is empty."
        since = self._since.get(str(file.resolve()))
        for member in members(file, self._progress, self._count, since):
            name = f"{file}:{member.name}" if member.name else str(file)
            try:
                yield from self._of_items(member.items, name, known=since is not None)
                recognised = True
            except BadInputError as error:
                # As in a folder, other files than logs are expected in a zip file.
                if not member.name:
                    raise
                problem = problem if recognised else error.title
                yield Rejected(error.title, name)
        if not recognised and since is None:
            raise BadInputError(problem, "Name a file with logged calls.")

    def _of_items(
        self, items: Iterator[Found | Rejected], name: str, known: bool
    ) -> Iterator[RawCall | Skipped | Rejected]:
        """The records of a file, or BadInputError where it is no log; one that was read before is known to be one."""
        recognised, empty = known, not known
        fields: list[str] = []
        # Rejections wait until the file is known to be a log; afterwards they are handed on at once.
        waiting: list[Rejected] = []
        for item in items:
            empty = False
            for result in (item,) if isinstance(item, Rejected) else self._of_value(item, name, fields):
                if not recognised and isinstance(result, Rejected):
                    waiting.append(result)
                    continue
                if not recognised:
                    recognised = True
                    yield from waiting
                    waiting = []
                if result is not None:
                    yield result
            if len(waiting) > MOST_UNKNOWN:
                break
        if empty:
            if self._progress.tails and (tail := self._progress.tails[-1]).file == name:
                said = f"line {tail.line}: {tail.reason} (incomplete last line)"
                raise BadInputError(f"{name}: not a log ({said}).", "It has no complete line.")
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
            for call, place, parts in join.results():
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
            try:
                importer = self._detection.importer_of(record)
                if importer is None:
                    if not isinstance(record, Row) and len(fields) < MOST_FIELDS:
                        fields.extend(name for name in record if name not in fields)
                    yield Rejected(unknown_shape(record), file, item.line)
                    continue
                mark = _mark(record)
                place = Place(file, item.line, importer.name, mark, item.warnings)
                if mark in self._seen:
                    yield Skipped(REPEAT, place.origin)
                    continue
                self._remember(mark)
                if importer.name in JOINS:
                    self._joins.setdefault(importer.name, JOINS[importer.name]()).add(record, place)
                    yield None
                else:
                    yield _placed(importer.read(record), place)
            except UNREADABLE as error:
                yield Rejected(f"unusable record ({type(error).__name__})", file, item.line)

    def _remember(self, mark: bytes) -> None:
        self._seen[mark] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]

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


def _size(files: Iterable[Path]) -> int | None:
    """The size of files altogether, or None where one is a pipe."""
    try:
        found = [file.stat() for file in files]
    except OSError:  # reading it says so
        return None
    return sum(one.st_size for one in found) if all(stat.S_ISREG(one.st_mode) for one in found) else None


def _mark(record: dict[str, Any]) -> bytes:
    """What a record is known by: the hash of its content."""
    try:
        content = orjson.dumps(record)
    except TypeError:  # integers beyond 64 bits, or deeper nesting than it writes
        content = json.dumps(record).encode()
    return hashlib.blake2b(content, digest_size=16).digest()


def _placed(call: RawCall | NoCall, place: Place) -> RawCall | Skipped:
    if isinstance(call, NoCall):
        return Skipped(call.reason, place.origin)
    call.place = place
    return call


def _hashed(value: str | None) -> str | None:
    return None if value is None else hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:16]
