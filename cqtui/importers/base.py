"""What an importer is, and the rules that all importers share for single values."""

from __future__ import annotations

import hashlib
import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from cqtui.models import Completion, Message, Origin, Usage

if TYPE_CHECKING:
    from cqtui.importers.raw import NoCall, RawCall

MAX_DEPTH = 100
MAX_COUNT = 2**53
MOST_SECONDS = 10**11  # a greater number is of milliseconds, and so on
MOST_NOTES = 40

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

# In the words of every vendor, in lower case.
FINISH_REASONS = (
    dict.fromkeys(("end_turn", "stop_sequence", "pause_turn", "completed", "complete", "eos"), "stop")
    | dict.fromkeys(("max_tokens", "max_output_tokens", "model_context_window_exceeded"), "length")
    | dict.fromkeys(("tool_use", "tool-calls", "tool_call", "function_call"), "tool_calls")
    | dict.fromkeys(("content-filter", "content_filtered", "guardrail_intervened", "safety"), "content_filter")
    | dict.fromkeys(("recitation", "blocklist", "prohibited_content", "spii", "image_safety"), "content_filter")
)


@dataclass(frozen=True)
class Skipped:
    """A record that was recognised but gives no call, and why."""

    reason: str
    origin: Origin


class Row(dict[str, Any]):
    """A record that is a row of a table: a value or text for each column's name."""


class Importer(ABC):
    """Reads the records of one format. Detection is per record: mixed files exist.

    Attributes:
        name: The format's name, as it stands in ``Origin.format``.
        fields: The fields that the format is known by, so that an unknown record can be told what it is near to.
    """

    name: ClassVar[str]
    fields: ClassVar[frozenset[str]]

    @abstractmethod
    def sniff(self, record: Mapping[str, Any]) -> float:
        """How surely the record is of this format, 0 (not) to 1.

        A request and its response are sure at 0.95; a format that keeps such a pair among fields of its own is surer,
        so that none of these fields is lost. What may also be of another format is below 0.9.
        """

    @abstractmethod
    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The call in the record, as it stands there, or why there is none."""

    def unfold(self, record: Mapping[str, Any]) -> Iterable[Any] | None:
        """The records inside, where the record is a whole file or batch of them; None where it is one call's own."""
        return None


class Place(NamedTuple):
    """Where a record was read.

    Attributes:
        file, line: Of the file, from 1.
        format: The importer's name.
        size: The bytes of the record as JSON.
        warnings: What was odd about it.
    """

    file: str
    line: int | None
    format: str
    size: int
    warnings: tuple[str, ...]

    @property
    def origin(self) -> Origin:
        """The same as it is kept with a call."""
        return Origin(file=self.file, format=self.format, line=self.line, warnings=self.warnings)


NOWHERE = Place("", None, "", 0, ())


class Joined(NamedTuple):
    """A call, or why there is none; where it was read; and of how many records it was made."""

    call: RawCall | NoCall
    place: Place
    parts: int = 1


class Join(ABC):
    """Holds the records of a format whose calls stand in several records, until their other sides were read."""

    @abstractmethod
    def add(self, record: Mapping[str, Any], place: Place) -> Iterable[Joined]:
        """Keep a record; what is known to be whole by now is handed on, so that not all has to be held."""

    @abstractmethod
    def results(self) -> Iterable[Joined]:
        """What is still held, now that all records were read."""


def clean(value: Any, notes: list[str], depth: int = 0) -> Any:
    """The value without lone surrogates and without NaN or infinity, each named in ``notes``.

    Raises:
        RecursionError: The value is nested more than ``MAX_DEPTH`` deep.
    """
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, str):
        if value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value):
            return value
        note(notes, "lone surrogate replaced")
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        note(notes, "not a finite number, read as unknown")
        return None
    if isinstance(value, dict):
        return {clean(key, notes, depth + 1): clean(item, notes, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item, notes, depth + 1) for item in value]
    return value


def refuse_depth(value: Any, depth: int = 0) -> None:
    """Raise RecursionError where a value is nested more than ``MAX_DEPTH`` deep."""
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return
    for item in value:
        if isinstance(item, Mapping | list | tuple):
            refuse_depth(item, depth + 1)


def note(notes: list[str], text: str) -> None:
    """Add a warning once; a record that is odd in hundreds of ways keeps the first ``MOST_NOTES`` of them."""
    if len(notes) < MOST_NOTES and text not in notes:
        notes.append(text)


def structured(value: Any) -> Any:
    """The value, parsed again (at most three times) where it is JSON text of an object or array."""
    if not isinstance(value, str):
        return value
    for _ in range(3):
        if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
            break
        try:
            value = clean(json.loads(value, strict=False), [])
        except (ValueError, RecursionError):
            break
    return value


def mapping(value: Any) -> dict[str, Any]:
    """The value as a dictionary, empty where it is none."""
    if type(value) is dict:
        return value
    value = structured(value)
    return value if isinstance(value, dict) else {}


def objects_in(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; none where it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def type_of(item: Any) -> str | None:
    """The ``type`` that an object states; None where it states none."""
    kind = item.get("type") if isinstance(item, dict) else None
    return kind if isinstance(kind, str) else None


def first_of(record: Mapping[str, Any], *names: str) -> Any:
    """The first of several fields that is set, neither null nor an empty text; else None."""
    for name in names:
        value = record.get(name)
        if value is not None and value != "":
            return value
    return None


@lru_cache(maxsize=4096)
def snake_case(name: str) -> str:
    """A field's name in snake case, whichever of the two ways a tool writes it."""
    return _WORD.sub("_", name).lower()


def text_or_none(value: Any) -> str | None:
    """A non-empty text, or the text of a number; else None."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).strip() or None


def number(value: Any, what: str, notes: list[str]) -> float | None:
    """A finite number of 0 or more, else None with a warning (none for an absent value)."""
    if value is None or value == "":
        return None
    try:
        found = None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None or not math.isfinite(found) or found < 0:
        note(notes, f"{what} is not a usable number, read as unknown")
        return None
    return found


def nonzero(value: Any) -> Any:
    """The value as it is; None for 0, which many tools write where they do not know."""
    return None if number(value, "", []) == 0 else value


def count(value: Any, what: str, notes: list[str]) -> int | None:
    """A count as an integer, else None with a warning."""
    found = number(value, what, notes)
    if found is not None and found > MAX_COUNT:
        note(notes, f"{what} is not a usable number, read as unknown")
        return None
    return None if found is None else round(found)


def money(value: Any, notes: list[str]) -> Decimal | None:
    """An amount in USD as an exact decimal, else None with a warning."""
    if number(value, "cost", notes) is None:
        return None
    try:
        return Decimal(str(value).strip())
    except InvalidOperation:
        note(notes, "cost is not a usable number, read as unknown")
        return None


def instant(value: Any, notes: list[str]) -> datetime | None:
    """An instant in UTC from epoch seconds, ms, us or ns (by size), digit text or ISO text."""
    if value is None or value == "":
        return None
    try:
        if type(value) is int and 0 <= value < MOST_SECONDS:
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            if value[4:5] == "-":  # no number: the usual case, and the quick one
                parsed = datetime.fromisoformat(value)
                if parsed.tzinfo is UTC:
                    return parsed
                return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
            text = value.strip()
            if not text.lstrip("-").replace(".", "", 1).isdigit():
                parsed = datetime.fromisoformat(text)
                return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
            value = float(text) if "." in text else int(text)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        size = abs(value)
        scale = 1 if size < 1e11 else 10**3 if size < 1e14 else 10**6 if size < 1e17 else 10**9
        micros = value * 10**6 // scale if isinstance(value, int) else round(value * (10**6 / scale))
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    except (ValueError, OverflowError):
        note(notes, "time is not readable, read as unknown")
        return None


def checked_usage(usage: Usage, notes: list[str]) -> Usage:
    """The usage with cached tokens inside the input: a source that left them out gets them added."""
    # A source that leaves out what was read from the cache leaves out what was written to it as well.
    cached = (usage.cached_tokens or 0) + (usage.cache_write_tokens or 0)
    if usage.input_tokens is None or cached <= usage.input_tokens:
        return usage
    note(notes, "more cached than input tokens: cached tokens added to the input")
    total = usage.input_tokens + cached
    return usage.model_copy(update={"input_tokens": total if total <= MAX_COUNT else None})


def finish(value: Any) -> str | None:
    """The finish reason in OpenAI's words."""
    reason = text_or_none(value)
    return None if reason is None else FINISH_REASONS.get(reason.lower(), reason.lower())


def content_id(kind: str, model: str | None, messages: tuple[Message, ...], completion: Completion | None) -> str:
    """A stable id for a record that has none."""
    content = [
        kind,
        model,
        [message.model_dump(mode="json") for message in messages],
        None if completion is None else completion.model_dump(mode="json"),
    ]
    return digest(content)[:16]


def digest(value: Any) -> str:
    """The sha256 of a value's canonical JSON, in hex."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
