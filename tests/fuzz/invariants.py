"""What holds of every read, whatever the file: it ends in records that add up, or in one error of one line."""

from __future__ import annotations

import json
import math
import re
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from cqtui.engine.facts import facts_of_call, facts_of_raw
from cqtui.engine.log import read_log
from cqtui.engine.traffic import profile_of
from cqtui.errors import BadInputError
from cqtui.gateway.translate import wire_message
from cqtui.importers import LogRead, NoCall, RawCall, Rejected, Skipped, iter_raw, normalised, read_logs
from cqtui.importers.formats import Detection, enveloped
from cqtui.importers.redaction import redact_calls, redactor_of
from cqtui.models import LoggedCall
from cqtui.redaction.redactor import Redactor
from cqtui.registry.loader import Registry, load_registry
from cqtui.report.plan_words import describe_log
from cqtui.settings import Settings

SECONDS = 2.0
REDACTED = 20
HASH = re.compile(r"[0-9a-f]{16}")
# Escapes, NUL, line and paragraph separators, and what turns the direction of text.
UNPRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def check_file(file: Path) -> LogRead | BadInputError:
    """Read a log in every way and check what comes out.

    Returns:
        What was read, or the error that says why nothing was.

    Raises:
        AssertionError: Something that must hold does not.
        Exception: Whatever the reader let through.
    """
    began = time.process_time()
    try:
        read = read_logs(file)
    except BadInputError as error:
        check_error(error)
        check_is_refused(file)
        return error
    finally:
        seconds = time.process_time() - began
        assert seconds < SECONDS, "reading takes too long"
    check_read(read, file)
    check_facts(file)
    check_summary(read, file)
    check_redaction(read)
    return read


def check_error(error: BadInputError) -> None:
    """An error is one line that a terminal shows as it stands."""
    said = str(error)
    assert said, "an error says nothing"
    assert not UNPRINTABLE.search(said), "an error is not one printable line"
    assert len(said) < 2000, "an error is long"
    assert error.exit_code == 2


def check_is_refused(file: Path) -> None:
    """What one way of reading refuses, the other does."""
    try:
        read_log([file], Settings(), registry())
    except BadInputError:
        return
    raise AssertionError("read_log reads what read_logs refuses")


def check_read(read: LogRead, file: Path) -> None:
    """Every record is accounted for, and every call is sound."""
    assert read.records == len(read.calls) + read.joined + len(read.skipped) + len(read.rejected), (
        "records do not add up"
    )
    assert sum(read.counts.values()) == len(read.calls), "formats do not add up"
    assert sum(read.skipped_for.values()) == len(read.skipped), "reasons do not add up"
    assert read.rejected_count == len(read.rejected)
    assert read.records >= single_records(file), "a record disappeared"
    for call in read.calls:
        check_call(call)
    assert len({call.id for call in read.calls}) == len(read.calls), "an id is given twice"
    for reason in (*(item.reason for item in read.skipped), *(item.reason for item in read.rejected)):
        assert reason.strip(), "a reason says nothing"
        assert len(reason) < 1000, "a reason is long"
        encodable(reason, "a reason")
    for item in read.skipped:
        check_warnings(item.origin.warnings)


def single_records(file: Path) -> int:
    """The lines of which each is one record, in a file of objects of JSON, one a line."""
    lines = [line for line in file.read_bytes().split(b"\n") if line.strip(b" \t\r\0")]
    if not all(line.startswith(b"{") for line in lines):
        return 0
    found = 0
    detection = Detection()
    for line in lines:
        try:
            value = orjson.loads(line)
        except ValueError:
            continue
        if not isinstance(value, dict):
            continue
        try:
            importer = detection.importer_of(value)
            is_single = enveloped(value) is None if importer is None else importer.unfold(value) is None
        except (ValueError, RecursionError):
            is_single = True
        found += is_single
    return found


def check_call(call: LoggedCall) -> None:
    """A call can be written, replayed and counted."""
    written = call.model_dump_json()
    written.encode("utf-8")
    assert LoggedCall.model_validate_json(written).id == call.id
    for field, value in (("id", call.id), ("model", call.model), ("provider", call.provider)):
        assert value is None or (value.strip() == value and value), f"{field} is blank"
    assert call.time is None or (
        call.time.tzinfo is not None and call.time.utcoffset() == datetime.now(UTC).utcoffset()
    )
    counts = (*call.usage.model_dump().values(), call.latency_ms, call.ttft_ms)
    assert all(count is None or (type(count) is int and 0 <= count <= 2**53) for count in counts), "a count is off"
    asked, cached = call.usage.input_tokens, call.usage.cached_tokens
    assert asked is None or cached is None or cached <= asked, "more cached than input tokens"
    assert call.cost_usd is None or (call.cost_usd.is_finite() and call.cost_usd >= 0), "a cost is off"
    assert call.score is None or 0 <= call.score <= 1, "a score is off"
    assert all(value is None or HASH.fullmatch(value) for value in (call.user, call.session)), (
        "an identity is not hashed"
    )
    check_json((call.params, call.metadata, [part.raw for message in call.messages for part in message.parts]))
    check_warnings(call.origin.warnings)
    for message in call.messages:
        json.dumps(wire_message(message), allow_nan=False).encode("utf-8")


def check_json(value: Any) -> None:
    """A value holds nothing but what JSON and UTF-8 can say."""
    if isinstance(value, dict):
        assert all(isinstance(name, str) for name in value), "a field's name is no text"
        check_json(list(value))
        check_json(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            check_json(item)
    elif isinstance(value, str):
        encodable(value, "a text")
    elif isinstance(value, float):
        assert math.isfinite(value), "a number is not finite"
    else:
        assert value is None or isinstance(value, bool | int | Decimal), f"a {type(value).__name__} in a call"


def check_warnings(warnings: Iterable[str]) -> None:
    """Warnings are few, short and each said once."""
    said = tuple(warnings)
    assert len(set(said)) == len(said) <= 50, "warnings are many"
    for warning in said:
        assert len(warning) < 1000, "a warning is long"
        encodable(warning, "a warning")


def encodable(text: str, what: str) -> None:
    """A text can be written as UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise AssertionError(f"{what} holds a lone surrogate") from error


def check_facts(file: Path) -> None:
    """The quick look at a record agrees with its whole call."""
    traffic = Settings().traffic
    for item in iter_raw(file):
        if not isinstance(item, RawCall):
            assert isinstance(item, Skipped | Rejected)
            continue
        try:
            facts = facts_of_raw(item, traffic)
        except (ValueError, RecursionError) as error:
            try:
                normalised(item)
            except type(error):
                continue
            raise
        whole = normalised(item)
        expected = whole if isinstance(whole, NoCall) else facts_of_call(whole, traffic)
        assert facts == expected, "the quick look differs from the call"


def check_summary(read: LogRead, file: Path) -> None:
    """A read in bounded memory counts the same, and its figures can be worked out and shown."""
    log = read_log([file], Settings(), registry())
    assert log.read.records == read.records, "the two ways of reading count differently"
    assert log.read.counts == read.counts
    assert Counter(log.read.skipped_for) == Counter(read.skipped_for)
    assert log.tally.calls == len(read.calls) == len(log.calls)
    entries = registry().entries
    profile = profile_of(log.tally, entries[0] if entries else None, Settings().traffic, date(2026, 9, 10), known_entry)
    profile.model_dump_json().encode("utf-8")
    for line in describe_log(log.read):
        shown = line.replace(str(file), "")
        assert not UNPRINTABLE.search(shown), "a line of the summary holds what a terminal would execute"


def check_redaction(read: LogRead) -> None:
    """Calls can be redacted and written afterwards."""
    calls = read.calls[:REDACTED]
    done = redact_calls(calls, redactor()).calls
    assert [len(call.messages) for call in done] == [len(call.messages) for call in calls]
    for call in done:
        call.model_dump_json().encode("utf-8")


@cache
def redactor() -> Redactor:
    """The redactor of the default settings."""
    return redactor_of(Settings().privacy)


@cache
def registry() -> Registry:
    """The bundled models."""
    return load_registry(Settings().models, today=date(2026, 9, 10))


@cache
def _known() -> Any:
    from cqtui.engine.log import KnownModels

    return KnownModels(registry())


def known_entry(name: str) -> Any:
    """The registry's entry of a model, if any."""
    return _known().entry_of(name)
