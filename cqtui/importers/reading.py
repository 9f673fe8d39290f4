"""Reading of log files: detection per record, joining, repeats and identities."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from cqtui.errors import BadInputError
from cqtui.importers.base import Importer, Join, Joined, Place, Row, Skipped
from cqtui.importers.container import UNREADABLE, Found, Rejected, members
from cqtui.importers.formats import JOINS, Detection, enveloped, nearest, printable, unknown_shape
from cqtui.importers.found import unusable
from cqtui.importers.identities import Identified
from cqtui.importers.outcome import Finds, LogRead
from cqtui.importers.paths import LogFile, Paths, log_files, on_disk
from cqtui.importers.progress import Position, Progress
from cqtui.importers.raw import NoCall, RawCall
from cqtui.models import LoggedCall

REPEAT = "repeat of an identical record"
# Repeats are found within at least so many records: what is remembered of a log is small, whatever its size.
REMEMBERED = 100_000
MAX_ENVELOPES = 20
# A file whose first records, so many, are all of unknown shapes is no log.
MOST_UNKNOWN = 20_000
MOST_FIELDS = 100


def read_logs(path: Paths, *, hash_identities: bool = True, since: Mapping[str, Position] | None = None) -> LogRead:
    """Read logs whole, or what is new in them.

    Args:
        path: A file, a folder, a pattern such as ``logs/*.jsonl``, ``-`` for stdin, or several of them.
        hash_identities: Replace user and session by a hash.
        since: The positions of an earlier read: files of JSON lines are read on from there, other files that have not
            changed are not read again. A file that was cut or replaced is read from its start. A call whose records
            are in both reads, such as a batch's question and its answer, is not joined.

    Raises:
        BadInputError: A file is missing, empty or not a log.
    """
    found = Finds()
    identified = Identified(hash_identities)
    progress = Progress()
    calls = []
    for item in iter_raw(path, progress, since):
        result = identified.call_of(item) if isinstance(item, RawCall) else item
        found.add(result)
        if isinstance(result, LoggedCall):
            calls.append(result)
    return found.as_read(tuple(calls), progress)


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


def iter_raw(
    path: Paths, progress: Progress | None = None, since: Mapping[str, Position] | None = None
) -> Iterator[RawCall | Skipped | Rejected]:
    """Read logs one record at a time, each call as its record states it.

    Raises:
        BadInputError: A file is missing, empty or not a log.
    """
    files = log_files(path)
    progress = progress or Progress()
    progress.files = tuple(file.name for file in files)
    progress.bytes_total = _size(files)
    reading = _Reading(progress, since or {})
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

    def __init__(self, progress: Progress, since: Mapping[str, Position]) -> None:
        self._progress = progress
        self._since = since
        self._detection = Detection()
        self._seen: set[int] = set()
        self._seen_before: set[int] = set()
        self._joins: dict[str, Join] = {}

    def of_file(self, file: LogFile) -> Iterator[RawCall | Skipped | Rejected]:
        """The records of a file, or BadInputError where it is no log."""
        with on_disk(file) as path:
            yield from self._of_path(path, file.name)

    def _of_path(self, path: Path, file: str) -> Iterator[RawCall | Skipped | Rejected]:
        recognised, problem = False, f"{file}: the file is empty."
        since = self._since.get(str(path.resolve()))
        for member in members(path, self._progress, self._count, since):
            name = f"{file}:{member.name}" if member.name else file
            items = (replace(item, file=name) if isinstance(item, Rejected) else item for item in member.items)
            try:
                yield from self._of_items(items if str(path) != file else member.items, name, known=since is not None)
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
            if self._progress.tails and (tail := self._progress.tails[-1]).file == name:
                said = f"line {tail.line}: {tail.reason} (incomplete last line)"
                raise BadInputError(f"{name}: not a log ({said}).", "It has no complete line.")
            raise BadInputError(f"{name}: the file is empty.", "Name a file with logged calls.")
        if not recognised:
            said = "no records"
            if waiting:
                said = f"line {waiting[0].line}: {waiting[0].reason}" if waiting[0].line else waiting[0].reason
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
                yield Rejected(unusable(error), file, item.line)
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
                fields.extend(name for name in islice(record, MOST_FIELDS) if name not in fields)
            yield Rejected(unknown_shape(record), file, item.line)

    def _of_record(
        self, importer: Importer, record: dict[str, Any], item: Found, file: str
    ) -> tuple[RawCall | Skipped | Rejected | None, ...]:
        """What became of a record; None and what it made whole where it may wait for its other side."""
        try:
            content, is_exact = orjson.dumps(record), type(record) is dict
        except TypeError:  # integers beyond 64 bits, or deeper nesting than it writes
            content, is_exact = json.dumps(record).encode(), False
        mark = hash(content)
        place = Place(file, item.line, importer.name, len(content), item.warnings)
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
            return (Rejected(unusable(error), file, item.line),)

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


def _size(files: Iterable[LogFile]) -> int | None:
    """The size of files altogether, or None where one is a pipe."""
    try:
        found = [None if file.is_stdin else file.path.stat() for file in files]
    except OSError:  # reading it says so
        return None
    sizes = [one.st_size for one in found if one is not None and stat.S_ISREG(one.st_mode)]
    return sum(sizes) if len(sizes) == len(found) else None


def _placed(call: RawCall | NoCall, place: Place) -> RawCall | Skipped:
    if isinstance(call, NoCall):
        return Skipped(call.reason, place.origin)
    call.place = place
    return call
