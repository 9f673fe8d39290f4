"""Spans of model calls by OpenTelemetry's GenAI conventions, old and new, by OpenLLMetry and by OpenInference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Importer, first_of
from cqtui.importers.metadata import noted_in
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.reasons import failed, no_model_call
from cqtui.importers.spans import otlp
from cqtui.importers.spans.calls import (
    SERVICE_TIERS,
    first_chunk_ms,
    first_item,
    request_params,
    usage_of,
    with_prefix,
)
from cqtui.importers.spans.content import Content, content_of, has_content, why_missing
from cqtui.importers.spans.otlp import Span
from cqtui.importers.tools import hosted_tool

OWN = ("gen_ai.", "llm.", "openinference.", "traceloop.")
OPERATIONS = ("gen_ai.operation.name", "llm.request.type", "openinference.span.kind", "traceloop.span.kind")
CALLS = frozenset({"chat", "completion", "text_completion", "generate_content", "responses", "llm"})
RESPONSE_MODELS = ("gen_ai.response.model", "llm.response.model")
REQUEST_MODELS = ("gen_ai.request.model", "llm.request.model", "llm.model_name")
PROVIDERS = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "llm.vendor")
USERS = ("enduser.id", "user.id")
SESSIONS = ("gen_ai.conversation.id", "session.id")
COSTS = ("gen_ai.usage.cost", "llm.cost.total")
ORPHANED = "the spans around it are in another batch: a system prompt or schema that only they hold is missing"


class OTelGenAIImporter(Importer):
    """Reads OTLP's documents of spans and log records, and spans one by one."""

    name = "otel_genai"
    fields = frozenset({"resourceSpans", "resourceLogs", "spanId", "traceId", "attributes", "startTimeUnixNano"})

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure of every span, since a trace holds spans of all kinds; not of the AI SDK's own."""
        if otlp.is_document(record):
            return 1.0
        names = otlp.attribute_names(record)
        if otlp.is_ai_sdk(record, names):
            return 0.0
        if any(name.startswith(OWN) or f"{name}." in OWN for name in names if isinstance(name, str)):
            return 0.95
        return 0.9 if otlp.is_span(record) else 0.0

    def unfold(self, record: Mapping[str, Any]) -> Iterator[Any] | None:
        """The spans and log records of a document."""
        return otlp.records_in(record) if otlp.is_document(record) else None

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The call of a span; spans around it repeat its usage and are no calls."""
        if otlp.is_log_record(record) and (event := otlp.event_of(record)).name != otlp.DETAILS:
            if event.name.startswith("gen_ai."):
                return NoCall(no_model_call("an event of a call, without its span's id"))
            return NoCall(no_model_call("a log line"))
        span = otlp.span_of(record)
        content = content_of(span)
        if (reason := why_no_call(span, content)) is not None:
            return NoCall(reason)
        if span.failure is not None:
            return NoCall(failed(span.failure))
        if not has_content(content.prompt):
            return NoCall(why_missing(span, content))
        return _call(span, content)


def why_no_call(span: Span, content: Content) -> str | None:
    """Why a span is no call of a model; None where it is one."""
    operation = base.text_or_none(first_of(span.attributes, *OPERATIONS))
    if operation is not None:
        is_call = operation.lower() in CALLS
        return None if is_call else no_model_call(operation)
    if content.prompt or content.choices or first_of(span.attributes, *RESPONSE_MODELS, *REQUEST_MODELS) is not None:
        return None
    return no_model_call("a span of something else")


def _call(span: Span, content: Content) -> RawCall | NoCall:
    attributes = span.attributes
    warnings = [*span.warnings]
    if len(content.choices) > 1:
        warnings.append(f"{len(content.choices)} choices, the first was kept")
    if content.is_cut_off:
        warnings.append("the answer was cut off at the limit for the length of attributes")
    if span.is_orphan and span.scope == "gen_ai" and "gen_ai.system_instructions" not in attributes:
        warnings.append(ORPHANED)
    reason = first_item(first_of(attributes, "gen_ai.response.finish_reasons", "llm.response.finish_reason"))
    if reason == "error":
        return NoCall(failed("finish reason error"))
    params = request_params(attributes, warnings)
    if (hosted := hosted_tool(params)) is not None:
        return NoCall(hosted)
    properties = with_prefix(attributes, "traceloop.association.properties.")
    user, session, metadata = noted_in({**base.mapping(attributes.get("metadata")), **properties})
    for name, key in (("gen_ai.agent.name", "agent"), ("gen_ai.prompt.name", "prompt_name")):
        if name in attributes:
            metadata[key] = attributes[name]
    tier = base.text_or_none(first_of(attributes, *SERVICE_TIERS))
    if tier not in (None, "default"):
        metadata["service_tier"] = tier
    if span.service:
        metadata["service"] = span.service
    return RawCall(
        messages=content.prompt,
        completion=content.choices[0] if content.choices else None,
        id=span.id,
        time=span.start,
        model=first_of(attributes, *RESPONSE_MODELS, *REQUEST_MODELS),
        provider=first_of(attributes, *PROVIDERS),
        params=params,
        finish_reason=reason or content.finish_reason,
        usage=usage_of(attributes),
        latency_ms=span.latency_ms,
        ttft_ms=first_chunk_ms(attributes),
        cost_usd=base.nonzero(first_of(attributes, *COSTS)),
        user=first_of(attributes, *USERS) or user,
        session=first_of(attributes, *SESSIONS) or session,
        tags=base.structured(attributes.get("tag.tags")),
        metadata=metadata,
        warnings=warnings,
    )
