"""Reading of log files: containers, detection per record, joining, repeats and identities."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cqtui.errors import BadInputError
from cqtui.importers.base import Importer, Skipped, clean, digest, with_notes
from cqtui.importers.container import UNREADABLE, Found, Rejected, records
from cqtui.importers.native import NativeImporter
from cqtui.importers.openai_batch import BatchJoin, OpenAIBatchImporter
from cqtui.importers.openai_chat import OpenAIChatImporter
from cqtui.models import LoggedCall, Origin

IMPORTERS: tuple[Importer, ...] = (OpenAIBatchImporter(), OpenAIChatImporter(), NativeImporter())
SUFFIXES = (".jsonl", ".ndjson", ".json", ".gz")
ENVELOPES = ("data", "runs", "items", "results", "records", "logs", "rows")

Paths = str | Path | Sequence[str | Path]


@dataclass(frozen=True)
class LogRead:
    """All that was found in the logs; ``counts`` holds the number of calls by format."""

    calls: tuple[LoggedCall, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    files: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)


def read_logs(path: Paths, *, hash_identities: bool = True) -> LogRead:
    """Read logs whole.

    Args:
        path: A file, a folder, or several of them.
        hash_identities: Replace user and session by a hash.

    Raises:
        BadInputError: A file is missing, empty or not a log.
    """
    found = list(iter_logs(path, hash_identities=hash_identities))
    calls = tuple(item for item in found if isinstance(item, LoggedCall))
    return LogRead(
        calls=calls,
        skipped=tuple(item for item in found if isinstance(item, Skipped)),
        rejected=tuple(item for item in found if isinstance(item, Rejected)),
        files=tuple(str(file) for file, _ in _files(path)),
        counts=dict(Counter(call.origin.format for call in calls)),
    )


def iter_logs(path: Paths, *, hash_identities: bool = True) -> Iterator[LoggedCall | Skipped | Rejected]:
    """Read logs one record at a time; batch lines come last, when both sides are known.

    Raises:
        BadInputError: A file is missing, empty or not a log.
    """
    ids: set[str] = set()
    seen: set[str] = set()
    join = BatchJoin()
    files = _files(path)
    recognised, last = False, BadInputError("No log was given.")
    for file, named in files:
        try:
            for item in _read_file(file, seen, join):
                yield _finished(item, ids, hash_identities)
            recognised = True
        except BadInputError as error:
            # In a folder, other files than logs are expected; a file that was named must be one.
            if named:
                raise
            last = error
            yield Rejected(error.title, str(file))
    if not recognised:
        raise last
    for item in join.results():
        yield _finished(item, ids, hash_identities)


def _files(path: Paths) -> list[tuple[Path, bool]]:
    found: dict[Path, bool] = {}
    for given in [path] if isinstance(path, str | Path) else path:
        entry = Path(given)
        try:
            if entry.is_dir():
                inside = [file for file in sorted(entry.rglob("*")) if file.suffix in SUFFIXES and file.is_file()]
                if not inside:
                    raise BadInputError(f"{entry}: the folder holds no logs.", f"Expected {', '.join(SUFFIXES)} files.")
                for file in inside:
                    found.setdefault(file, False)
            elif entry.exists():
                found[entry] = True
            else:
                raise BadInputError(f"{entry}: no such file.", "Check the path.")
        except (OSError, ValueError) as error:
            raise BadInputError(f"{str(entry)!r}: cannot be read ({error}).") from error
    if not found:
        raise BadInputError("No log was given.", "Name a file or a folder.")
    return list(found.items())


def _read_file(file: Path, seen: set[str], join: BatchJoin) -> Iterator[LoggedCall | Skipped | Rejected]:
    recognised, empty = False, True
    keys: list[str] = []
    # Rejections wait until the file is known to be a log; afterwards they are handed on at once.
    waiting: list[Rejected] = []
    for item in records(file):
        empty = False
        results = [item] if isinstance(item, Rejected) else _read_record(item, str(file), seen, join, keys)
        for result in results:
            if isinstance(result, Rejected) and not recognised:
                waiting.append(result)
                continue
            recognised = True
            yield from waiting
            waiting.clear()
            if result is not None:
                yield result
    if empty:
        raise BadInputError(f"{file}: the file is empty.", "Name a file with logged calls.")
    if not recognised:
        said = f"line {waiting[0].line}: {waiting[0].reason}" if waiting else "no records"
        said = f"keys seen: {', '.join(keys[:12])}" if keys else said
        raise BadInputError(f"{file}: not a log ({said}).", "No record has a known format.")


def _read_record(
    item: Found, file: str, seen: set[str], join: BatchJoin, keys: list[str]
) -> Iterator[LoggedCall | Skipped | Rejected | None]:
    """What became of each record in a value; None for a batch line, which waits for its other side."""
    try:
        notes = list(item.warnings)
        values = _flat(clean(item.value, notes))
    except UNREADABLE:
        yield Rejected("nested too deeply", file, item.line)
        return
    for record in values:
        if not isinstance(record, dict):
            yield Rejected("not an object", file, item.line)
            continue
        try:
            score, best = max(((entry.sniff(record), entry) for entry in IMPORTERS), key=lambda pair: pair[0])
            if score <= 0:
                keys.extend(printable for key in record if (printable := ascii(key)[1:-1][:40]) not in keys)
                names = ", ".join(ascii(key)[1:-1][:40] for key in list(record)[:12])
                yield Rejected(f"no known format (keys: {names})", file, item.line)
                continue
            origin = with_notes(Origin(file=file, format=best.name, line=item.line), notes)
            mark = digest(record)
            if mark in seen:
                yield Skipped("repeat of an identical record", origin)
                continue
            seen.add(mark)
            if best.name == OpenAIBatchImporter.name:
                join.add(record, origin)
                yield None
            else:
                yield best.read(record, origin)
        except UNREADABLE as error:
            yield Rejected(f"unusable record ({type(error).__name__})", file, item.line)


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
        return
    if isinstance(value, dict) and not any(entry.sniff(value) > 0 for entry in IMPORTERS):
        for name in ENVELOPES:
            if isinstance(value.get(name), list) and value[name]:
                yield from _flat(value[name])
                return
    yield value


def _finished(
    item: LoggedCall | Skipped | Rejected, ids: set[str], hash_identities: bool
) -> LoggedCall | Skipped | Rejected:
    if not isinstance(item, LoggedCall):
        return item
    changes: dict[str, Any] = {}
    if hash_identities:
        changes = {"user": _hashed(item.user), "session": _hashed(item.session)}
    if item.id in ids:
        content = item.model_dump(mode="python", exclude={"origin"})
        derived = f"{item.id}-{digest(content)[:8]}"
        while derived in ids:
            derived += "+"
        changes["id"] = derived
        changes["origin"] = with_notes(item.origin, ["id seen before with other content: a derived id was given"])
    ids.add(changes.get("id", item.id))
    return item.model_copy(update=changes)


def _hashed(value: str | None) -> str | None:
    return None if value is None else hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:16]
