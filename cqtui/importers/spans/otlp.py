"""Spans and log records of OpenTelemetry: as OTLP writes them in JSON, and as tools dump them one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import first_of
from cqtui.importers.times import milliseconds_between

SPAN_LEVELS = (
    ("resourceSpans", "resource_spans"),
    ("scopeSpans", "scope_spans", "instrumentationLibrarySpans"),
    ("spans",),
)
LOG_LEVELS = (("resourceLogs", "resource_logs"), ("scopeLogs", "scope_logs"), ("logRecords", "log_records"))
DOCUMENTS = (*SPAN_LEVELS[0], *LOG_LEVELS[0])
PLAIN_VALUES = frozenset({"stringvalue", "doublevalue", "boolvalue", "bytesvalue"})
# Attributes under these names may be nested objects instead of one name with dots.
NAMESPACES = frozenset({"gen_ai", "llm", "ai", "openinference", "input", "output", "session", "user", "traceloop"})
# The whole call in one event or log record.
DETAILS = "gen_ai.client.inference.operation.details"
# The AI SDK writes these on the span around a call only.
INHERITED = ("gen_ai.system_instructions", "ai.schema", "ai.schema.name")
INHERITING_SCOPES = ("ai", "gen_ai")
ORPHAN = "isWithoutParent"
MAX_ANCESTORS = 10
MAX_NESTING = 12
MAX_SEGMENTS = 12


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a span, or a log record: its name, and its attributes and body in one."""

    name: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """One span, whichever tool wrote it.

    Attributes:
        start: The start time as it stood in the record.
        latency_ms: From start to end; None where either is unknown.
        failure: What went wrong, or None.
        service: The name of the service that made it.
        scope: The name of the instrumentation.
        is_orphan: Whether spans around it, which hold a part of the request, are missing.
        warnings: What was odd about its times.
    """

    name: str
    id: str | None
    attributes: Mapping[str, Any]
    events: tuple[Event, ...]
    start: Any
    latency_ms: float | None
    failure: str | None
    service: str | None
    scope: str | None
    is_orphan: bool = False
    warnings: tuple[str, ...] = ()


def plain(value: Any) -> Any:
    """A value of OTLP (``{"intValue": "3"}``) as Python has it; a value that is written plainly as it stands."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((kind, item),) = value.items()
    kind = str(kind).replace("_", "").lower()
    if kind in PLAIN_VALUES:
        return item
    if kind == "intvalue":
        return int(item) if isinstance(item, str) and item.lstrip("-").isdecimal() else item
    inner = item.get("values", []) if isinstance(item, dict) else item
    if kind == "arrayvalue" and isinstance(inner, list):
        return [plain(each) for each in inner]
    if kind == "kvlistvalue" and isinstance(inner, list):
        return attributes_of(inner)
    return value


def attributes_of(value: Any) -> dict[str, Any]:
    """Attributes as one flat mapping: from OTLP's list of keys and values, or from a map, nested or not."""
    value = base.structured(value)
    if isinstance(value, list):
        named = (item for item in value if isinstance(item, dict) and isinstance(item.get("key"), str))
        return {item["key"]: plain(item.get("value")) for item in named}
    if not isinstance(value, dict):
        return {}
    found: dict[str, Any] = {}
    for name, item in value.items():
        if name in NAMESPACES and isinstance(item, dict):
            found.update(_flat(item, name, 1))
        else:
            found[name] = plain(item)
    return found


def _flat(value: dict[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        name = f"{prefix}.{key}"
        if isinstance(item, dict) and depth < MAX_NESTING and name != "llm.invocation_parameters":
            yield from _flat(item, name, depth + 1)
        else:
            yield name, item


def grouped(attributes: Mapping[str, Any], prefix: str) -> list[Any]:
    """The list that attributes with numbered names (``prefix.0.role``) spell, or that stands there itself."""
    whole = base.structured(attributes.get(prefix))
    if isinstance(whole, list):
        return whole
    tree: dict[str, Any] = {}
    for name, value in attributes.items():
        segments = name.removeprefix(f"{prefix}.").split(".") if name.startswith(f"{prefix}.") else []
        if not segments or len(segments) > MAX_SEGMENTS:
            continue
        node: Any = tree
        for segment in segments[:-1]:
            node = node.setdefault(segment, {}) if isinstance(node, dict) else None
        if isinstance(node, dict):
            node.setdefault(segments[-1], value)
    found = _untangled(tree)
    return found if isinstance(found, list) else []


def _untangled(node: Any) -> Any:
    """A tree of names with its numbered branches as lists."""
    if not isinstance(node, dict):
        return node
    inner = {key: _untangled(item) for key, item in node.items()}
    if inner and all(key.isdecimal() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def attribute_names(record: Mapping[str, Any]) -> list[str]:
    """The names of a record's attributes, without reading their values."""
    attributes = base.structured(record.get("attributes"))
    if isinstance(attributes, list):
        return [str(item.get("key")) for item in attributes if isinstance(item, dict)]
    return list(attributes) if isinstance(attributes, dict) else []


def span_id(record: Mapping[str, Any]) -> str | None:
    """The id of the span that a record is or belongs to."""
    context = base.mapping(first_of(record, "context", "spanContext", "span_context"))
    found = base.text_or_none(first_of(record, "spanId", "span_id") or first_of(context, "spanId", "span_id"))
    return found.removeprefix("0x") if found else None


def is_document(record: Mapping[str, Any]) -> bool:
    """Whether the record is a file or batch of spans or log records."""
    return any(isinstance(base.structured(record.get(name)), list) for name in DOCUMENTS)


def is_span(record: Mapping[str, Any]) -> bool:
    """Whether the record is a single span or log record, of a model call or of anything else."""
    if "timeUnixNano" in record or "observedTimeUnixNano" in record:
        return True
    if "startTimeUnixNano" in record or "start_time_unix_nano" in record:
        return True
    traced = first_of(record, "traceId", "trace_id", "context", "spanContext", "span_context")
    return traced is not None and "attributes" in record and span_id(record) is not None


def is_log_record(record: Mapping[str, Any]) -> bool:
    """Whether the record is a log record and no span."""
    return any(
        name in record for name in ("observedTimeUnixNano", "severityNumber", "severity_number", "eventName")
    ) or ("body" in record and "startTimeUnixNano" not in record)


def event_of(record: Mapping[str, Any]) -> Event:
    """An event of a span, or a log record; its content may stand in its body or in its attributes."""
    attributes = attributes_of(record.get("attributes"))
    name = first_of(record, "name", "eventName", "event_name", "event.name") or attributes.get("event.name")
    body = base.structured(plain(record.get("body")))
    held = body if isinstance(body, dict) else {} if body is None else {"content": body}
    return Event(str(name or ""), {**attributes, **held, **base.mapping(attributes.get("gen_ai.event.content"))})


def span_of(record: Mapping[str, Any]) -> Span:
    """A span, or a log record that holds a whole call."""
    attributes = attributes_of(record.get("attributes"))
    events = [event_of(item) for item in base.objects_in(base.structured(record.get("events")))]
    written = base.objects_in(base.structured(attributes.get("events")))
    events += [Event(str(item.get("event.name") or ""), item) for item in written]
    for event in events:
        if event.name == DETAILS:
            attributes = {**event.values, **attributes}
    notes: list[str] = []
    start, end = _times(record)
    around = attributes_of(base.mapping(record.get("resource")).get("attributes"))
    scope = base.mapping(first_of(record, "scope", "instrumentationScope", "instrumentationLibrary"))
    return Span(
        name=str(record.get("name") or ""),
        id=span_id(record) or base.text_or_none(record.get("id")),
        attributes=attributes,
        events=tuple(events),
        start=start,
        latency_ms=milliseconds_between(start, end, notes),
        failure=_failure(record, attributes, events),
        service=base.text_or_none(around.get("service.name")),
        scope=base.text_or_none(scope.get("name")),
        is_orphan=record.get(ORPHAN) is True,
        warnings=tuple(notes),
    )


def _times(record: Mapping[str, Any]) -> tuple[Any, Any]:
    """Start and end as they stand; a pair of seconds and nanoseconds in one number."""
    start = _instant(first_of(record, "startTimeUnixNano", "start_time_unix_nano", "startTime", "start_time"))
    end = _instant(first_of(record, "endTimeUnixNano", "end_time_unix_nano", "endTime", "end_time"))
    if start is None:
        start = first_of(record, "timeUnixNano", "observedTimeUnixNano", "timestamp")
        length = record.get("duration")
        if end is None and isinstance(start, int | float) and isinstance(length, int | float):
            end = start + length
    return start, end


def _instant(value: Any) -> Any:
    if isinstance(value, list) and len(value) == 2 and all(isinstance(item, int) for item in value):
        return value[0] * 10**9 + value[1]
    return value


def _failure(record: Mapping[str, Any], attributes: Mapping[str, Any], events: list[Event]) -> str | None:
    """What went wrong: the kind of error, the status' message or the exception's; None where all went well."""
    status = base.structured(record.get("status"))
    held = status if isinstance(status, dict) else {}
    code = first_of(held, "code", "status_code") or first_of(record, "status_code", "statusCode") or status
    kind = base.text_or_none(attributes.get("error.type"))
    if kind is None and code not in (2, "2") and not str(code).upper().endswith("ERROR"):
        return None
    message = first_of(held, "message", "description") or first_of(record, "status_message", "statusMessage")
    thrown = (event.values.get("exception.message") for event in events if event.name == "exception")
    said = message or next((text for text in thrown if text), None) or kind or "no reason was logged"
    return f"{kind}: {said}" if kind and said != kind else str(said)


def records_in(document: Mapping[str, Any]) -> Iterator[Any]:
    """The spans and log records of a document, each with its service and instrumentation.

    Log records that hold the messages of a call are put into their span; without it, those of one span are one record.
    """
    messages: dict[str, list[Any]] = defaultdict(list)
    for log in _leaves(document, LOG_LEVELS):
        owner = span_id(log) if isinstance(log, dict) else None
        if owner is not None and event_of(log).name.startswith("gen_ai."):
            messages[owner].append(log)
        else:
            yield log
    spans = list(_leaves(document, SPAN_LEVELS))
    known = {span_id(span): span for span in spans if isinstance(span, dict)}
    for span in spans:
        if not isinstance(span, dict):
            yield span
            continue
        own = span.get("events")
        if (more := messages.pop(span_id(span) or "", None)) is not None:
            span = {**span, "events": [*(own if isinstance(own, list) else []), *more]}
        yield _with_inherited(span, known)
    for left in messages.values():
        events = []
        for log in left:
            if event_of(log).name == DETAILS:
                yield log
            else:
                events.append(log)
        if events:
            named = ("traceId", "trace_id", "spanId", "span_id", "timeUnixNano", "resource", "scope")
            yield {**{name: events[0][name] for name in named if name in events[0]}, "attributes": [], "events": events}


def _leaves(value: Any, levels: tuple[tuple[str, ...], ...], around: Mapping[str, Any] | None = None) -> Iterator[Any]:
    """What stands at the end of the levels, with what was said around it; what breaks the shape as it stands."""
    around = around or {}
    if not isinstance(value, dict):
        yield value
        return
    if not levels:
        yield {**value, **around}
        return
    around = dict(around)
    if isinstance(resource := value.get("resource"), dict):
        service = attributes_of(resource.get("attributes")).get("service.name")
        around |= {"resource": {"attributes": {"service.name": service}}} if service else {}
    scope = base.mapping(first_of(value, "scope", "instrumentationLibrary")).get("name")
    around |= {"scope": {"name": scope}} if scope else {}
    inner = base.structured(first_of(value, *levels[0]))
    for item in inner if isinstance(inner, list) else [] if inner is None else [inner]:
        yield from _leaves(item, levels[1:], around)


def _with_inherited(span: dict[str, Any], known: Mapping[str | None, dict[str, Any]]) -> dict[str, Any]:
    """The span with what its instrumentation writes only on the spans around it, from the nearest one."""
    if base.mapping(span.get("scope")).get("name") not in INHERITING_SCOPES:
        return span
    own = attributes_of(span.get("attributes"))
    around = span
    for _ in range(MAX_ANCESTORS):
        parent = base.text_or_none(first_of(around, "parentSpanId", "parent_span_id", "parentId", "parent_id"))
        if parent is None:
            break
        if parent not in known:
            return {**span, "attributes": own, ORPHAN: True}
        around = known[parent]
        held = attributes_of(around.get("attributes"))
        own = {**{name: held[name] for name in INHERITED if name in held}, **own}
        # What an agent was told does not hold for the agents that its tools call.
        if "ai.operationId" in held or held.get("gen_ai.operation.name") == "invoke_agent":
            break
    return {**span, "attributes": own}


def is_ai_sdk(record: Mapping[str, Any], names: list[str]) -> bool:
    """Whether a span is one that the Vercel AI SDK writes under its own names, next to some of GenAI's."""
    if "ai.operationId" in names:
        return True
    return str(record.get("name")).startswith("ai.") and any(str(name).startswith("ai.") for name in names)
