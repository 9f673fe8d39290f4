"""Braintrust's log rows, of which one row may stand in a log in several versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Importer, Join, Joined, Place
from cqtui.importers.exchange import failure_of
from cqtui.importers.metadata import noted_in
from cqtui.importers.params import KNOWN
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.reasons import CACHED, EVALUATION, elsewhere, no_model_call
from cqtui.importers.times import in_milliseconds, milliseconds_between
from cqtui.importers.traced import holds, provider_of, rate, read_traced, tier_of, whole_usage

ATTACHMENTS = ("braintrust_attachment", "external_attachment")
OLDER = "an older version of a row (_xact_id)"
TOO_LATE = "a newer version of a row that was read long before: sort the log by _xact_id, newest first"
# So many rows, of so many bytes, wait for a newer version, and so many ids are remembered: memory stays bounded.
HELD = 1000
HELD_BYTES = 16 * 2**20
REMEMBERED = 200_000


class BraintrustImporter(Importer):
    """Reads spans of type llm."""

    name = "braintrust"
    fields = frozenset({"span_attributes", "root_span_id", "span_id", "metrics", "input", "output", "scores"})

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with a span's attributes, its trace and its metrics."""
        return 0.97 if all(name in record for name in ("span_attributes", "root_span_id", "metrics")) else 0.0

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The call in a row."""
        get = record.get
        kind = base.text_or_none(base.mapping(get("span_attributes")).get("type"))
        if kind != "llm":
            return NoCall(no_model_call(kind or "a span of no type"))
        if failure := failure_of(record):
            return NoCall(failure)
        asked = base.structured(get("input"))
        if holds(asked, is_attachment):
            return NoCall(elsewhere("an attachment is stored at Braintrust"))
        noted, metrics = base.mapping(get("metadata")), base.mapping(get("metrics"))
        if isinstance(noted.get("instructions"), str):  # of the Responses API, whose input is noted without them
            asked = {"messages": asked, "instructions": noted["instructions"]}
        call = read_traced(asked, get("output"), noted)
        if isinstance(call, NoCall):
            return call
        user, call.session, metadata = noted_in({**call.metadata, **noted})
        call.id, call.time = get("id"), get("created") or metrics.get("start")
        call.model = call.model or noted.get("model")
        call.provider = provider_of(noted.get("provider") or call.provider, call.model)
        call.usage = whole_usage(usage_of(metrics), call.usage)
        call.cost_usd = base.nonzero(metrics.get("estimated_cost"))
        call.latency_ms = milliseconds_between(metrics.get("start"), metrics.get("end"))
        call.ttft_ms = in_milliseconds(metrics.get("time_to_first_token"))
        if base.number(metrics.get("cached"), "cached", []):
            call.latency_ms = call.ttft_ms = call.cost_usd = None
            call.warnings.append(CACHED)
        call.user = user or call.user
        call.tags = base.structured(get("tags"))
        own = KNOWN.union(("model", "provider", "instructions"))
        call.metadata = {key: value for key, value in metadata.items() if key not in own} | tier_of(call)
        if get("experiment_id"):
            call.warnings.append(EVALUATION)
        rate(call, base.mapping(get("scores")).items())
        return call


class VersionJoin(Join):
    """Keeps the newest version of each row, in one pass: a row waits a little for a newer one before it is read."""

    def __init__(self) -> None:
        self._importer = BraintrustImporter()
        self._held: dict[str, tuple[Mapping[str, Any], Place]] = {}
        self._versions: dict[str, int] = {}
        self._bytes = 0

    def add(self, record: Mapping[str, Any], place: Place) -> Iterator[Joined]:
        """Hold a row; the row that it replaces, or that waited longest, is handed on."""
        row, version = record.get("id"), version_of(record)
        if not isinstance(row, str) or version is None:
            yield Joined(self._importer.read(record), place)
            return
        known = self._versions.get(row)
        if known is not None and version <= known:
            yield Joined(NoCall(OLDER), place)
            return
        if known is not None and row not in self._held:
            yield Joined(NoCall(TOO_LATE), place)
            return
        self._versions.pop(row, None)  # the ids that were seen last are remembered longest
        self._versions[row] = version
        if row in self._held:
            replaced = self._held[row][1]
            self._bytes -= replaced.size
            yield Joined(NoCall(OLDER), replaced)
        self._held[row] = record, place
        self._bytes += place.size
        while len(self._held) > HELD or (self._bytes > HELD_BYTES and len(self._held) > 1):
            yield self._released(next(iter(self._held)))
        if len(self._versions) > REMEMBERED:
            del self._versions[next(iter(self._versions))]

    def results(self) -> Iterator[Joined]:
        """The rows that still wait."""
        while self._held:
            yield self._released(next(iter(self._held)))

    def _released(self, row: str) -> Joined:
        record, place = self._held.pop(row)
        self._bytes -= place.size
        try:
            return Joined(self._importer.read(record), place)
        except (ValueError, RecursionError) as error:
            return Joined(NoCall(f"unusable record ({type(error).__name__})"), place)


def version_of(row: Mapping[str, Any]) -> int | None:
    """The version of a row, larger where it is newer; None where it states none."""
    version = row.get("_xact_id")
    if isinstance(version, str) and version.isascii() and version.isdigit() and len(version) < 30:
        return int(version)
    return version if isinstance(version, int) and not isinstance(version, bool) else None


def is_attachment(value: Any) -> bool:
    """Whether a value stands for a file that Braintrust keeps elsewhere."""
    kind = value.get("type") if isinstance(value, dict) else None
    return isinstance(kind, str) and kind in ATTACHMENTS


def usage_of(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The usage in a row's metrics: the input is the total, unless their sum says that cached tokens stand apart."""
    asked, answered, cached, written, total = (
        base.count(metrics.get(name), name, [])
        for name in (
            "prompt_tokens",
            "completion_tokens",
            "prompt_cached_tokens",
            "prompt_cache_creation_tokens",
            "tokens",
        )
    )
    apart = (cached or 0) + (written or 0)
    if asked is not None and apart and total == asked + (answered or 0) + apart:
        asked += apart
    return {
        "input_tokens": asked if asked is not None else metrics.get("prompt_tokens"),
        "output_tokens": metrics.get("completion_tokens"),
        "cached_tokens": metrics.get("prompt_cached_tokens"),
        "cache_write_tokens": metrics.get("prompt_cache_creation_tokens"),
        "reasoning_tokens": metrics.get("completion_reasoning_tokens"),
    }
