"""Spans of the Vercel AI SDK under its own names, and chats that it stored as messages of the surface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.apis.usage import known_usage, whole_output
from cqtui.importers.base import Importer, first_of
from cqtui.importers.conversations import split
from cqtui.importers.dialects import openai_messages
from cqtui.importers.dialects.vercel import tool_call_of
from cqtui.importers.metadata import noted_in
from cqtui.importers.params import known_params
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.reasons import failed, no_model_call, not_captured
from cqtui.importers.spans import otlp
from cqtui.importers.spans.calls import (
    WITHOUT_SCHEMA,
    first_item,
    request_params,
    usage_of,
    with_prefix,
)
from cqtui.importers.spans.content import CUT_OFF, is_cut_off
from cqtui.importers.spans.otlp import Span
from cqtui.importers.tools import hosted_tool, tool_choice_of, tools_of

INNER = (".doGenerate", ".doStream")
OUTER = ("ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject")
NOT_CAPTURED = not_captured("turn on recordInputs in the telemetry settings")
CACHED_APART = "input tokens were logged without cached ones: cached tokens added to the input"


class VercelAIImporter(Importer):
    """Reads the spans of single model calls, and records that hold a chat whole."""

    name = "vercel_ai"
    fields = frozenset({"spanId", "traceId", "attributes", "startTimeUnixNano", "messages", "parts"})

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure of spans with the AI SDK's attributes; of chats whose messages have typed parts."""
        if "attributes" in record:
            return 1.0 if otlp.is_ai_sdk(record, otlp.attribute_names(record)) else 0.0
        listed = record.get("messages")
        if isinstance(listed, list) and "completion" not in record and listed and all(map(is_ui_message, listed)):
            return 0.95
        return 0.0

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The call of an inner span, or the last answer of a chat; outer spans repeat the inner ones' usage."""
        if "attributes" not in record:
            return read_chat(record, record["messages"])
        span = otlp.span_of(record)
        name = str(span.attributes.get("ai.operationId") or span.name).split(" ")[0][:60]
        if not name.endswith(INNER):
            if name in OUTER:
                return NoCall(no_model_call(f"{name}, which only repeats the calls inside it"))
            return NoCall(no_model_call(name))
        if span.failure is not None:
            return NoCall(failed(span.failure))
        return _call(span, with_object="Object" in name)


def is_ui_message(item: Any) -> bool:
    """Whether a value is a message of the chat's surface: a role and typed parts."""
    if not isinstance(item, dict) or not isinstance(item.get("role"), str):
        return False
    parts = item.get("parts")
    return isinstance(parts, list) and all(isinstance(part, dict) and "type" in part for part in parts)


def read_chat(record: Mapping[str, Any], listed: list[Any]) -> RawCall:
    """The last answer of a chat and what came before it.

    Args:
        record: What is known of the chat: its id, model, user and time.
        listed: Its messages in order.
    """
    turns = [
        message
        for item in listed
        if isinstance(item, dict)
        # Older ones repeat their text in ``content``; the parts have more.
        for message in openai_messages({key: item[key] for key in ("role", "parts") if key in item})
    ]
    warnings: list[str] = []
    prompt, answer = split(turns, warnings)
    answers = [item for item in listed if isinstance(item, dict) and item.get("role") == "assistant"]
    last = answers[-1] if answers else {}
    noted = base.mapping(last.get("metadata"))
    session = first_of(record, "chatId", "chat_id", "id")
    return RawCall(
        messages=prompt,
        completion=answer,
        id=first_of(record, "id") or last.get("id"),
        time=first_of(last, "createdAt", "created_at")
        or first_of(noted, "createdAt")
        or first_of(record, "createdAt", "created_at"),
        model=first_of(record, "model") or noted.get("model"),
        user=first_of(record, "userId", "user_id"),
        session=session,
        warnings=warnings,
    )


def _call(span: Span, with_object: bool) -> RawCall | NoCall:
    attributes = span.attributes
    messages = base.structured(attributes.get("ai.prompt.messages"))
    if is_cut_off(messages):
        return NoCall(CUT_OFF)
    if not messages:
        return NoCall(NOT_CAPTURED)
    reason = first_of(attributes, "ai.response.finishReason", "ai.finishReason", "ai.result.finishReason")
    reason = reason or first_item(attributes.get("gen_ai.response.finish_reasons"))
    if reason == "error":
        return NoCall(failed("finish reason error"))
    warnings = [*span.warnings]
    user, session, metadata = noted_in(with_prefix(attributes, "ai.telemetry.metadata."))
    if (function := attributes.get("ai.telemetry.functionId")) is not None:
        metadata["feature"] = function
    if span.service:
        metadata["service"] = span.service
    provider = str(first_of(attributes, "ai.model.provider", "gen_ai.system") or "")
    params = _params(attributes, warnings)
    if (hosted := hosted_tool(params)) is not None:
        return NoCall(hosted)
    if with_object and "response_format" not in params:
        base.note(warnings, WITHOUT_SCHEMA)
    return RawCall(
        messages=messages,
        completion=_answer(attributes),
        id=span.id,
        time=span.start,
        model=first_of(attributes, "ai.response.model", "gen_ai.response.model", "ai.model.id", "gen_ai.request.model"),
        provider=provider.split(".")[0],
        params=params,
        finish_reason=None if reason == "unknown" else reason,
        usage=_usage(attributes, provider, warnings),
        latency_ms=span.latency_ms,
        ttft_ms=first_of(attributes, "ai.response.msToFirstChunk", "ai.stream.msToFirstChunk"),
        user=user,
        session=session,
        metadata=metadata,
        warnings=warnings,
    )


def _answer(attributes: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answer: its text, its object's JSON, its tool calls; None where outputs were not captured."""
    names = ("ai.response.text", "ai.result.text", "ai.response.object", "ai.result.object")
    text = first_of(attributes, *names)
    listed = base.structured(first_of(attributes, "ai.response.toolCalls", "ai.result.toolCalls"))
    calls = [tool_call_of(base.mapping(item)) for item in listed] if isinstance(listed, list) else []
    if text is None and not calls:
        text = next((attributes[name] for name in names if isinstance(attributes.get(name), str)), None)
        if text is None:
            return None
    return {"role": "assistant", "content": text, "tool_calls": [call for call in calls if call is not None]}


def _params(attributes: Mapping[str, Any], warnings: list[str]) -> dict[str, Any]:
    params = known_params(with_prefix(attributes, "ai.settings.")) | request_params(attributes, warnings)
    if "max_tokens" in params:  # stated under both names
        params.pop("max_completion_tokens", None)
    if tools := tools_of(attributes.get("ai.prompt.tools")):
        params["tools"] = tools
        if (choice := tool_choice_of(attributes.get("ai.prompt.toolChoice"))) is not None:
            params["tool_choice"] = choice
    return params


def _usage(attributes: Mapping[str, Any], provider: str, warnings: list[str]) -> dict[str, Any]:
    """Token counts, under the names of any generation; what only the vendor's own metadata says is added."""
    get = with_prefix(attributes, "ai.usage.")
    fallback = usage_of(attributes)
    own = base.mapping(attributes.get("ai.response.providerMetadata"))
    openai, anthropic = base.mapping(own.get("openai")), base.mapping(own.get("anthropic"))
    bedrock = base.mapping(base.mapping(own.get("bedrock")).get("usage"))
    usage = {
        "input_tokens": first_of(get, "inputTokens", "promptTokens"),
        "output_tokens": first_of(get, "outputTokens", "completionTokens"),
        "cached_tokens": first_of(get, "inputTokenDetails.cacheReadTokens", "cachedInputTokens"),
        "cache_write_tokens": first_of(get, "inputTokenDetails.cacheWriteTokens"),
        "reasoning_tokens": first_of(get, "outputTokenDetails.reasoningTokens", "reasoningTokens"),
    }
    vendors = {
        "cached_tokens": first_of(anthropic, "cacheReadInputTokens")
        or first_of(openai, "cachedPromptTokens")
        or first_of(bedrock, "cacheReadInputTokens"),
        "cache_write_tokens": first_of(anthropic, "cacheCreationInputTokens")
        or first_of(bedrock, "cacheWriteInputTokens"),
        "reasoning_tokens": first_of(openai, "reasoningTokens"),
    }
    for name, value in usage.items():
        usage[name] = next((item for item in (value, vendors.get(name), fallback.get(name)) if item is not None), None)
    sides = ("input_tokens", "output_tokens", "reasoning_tokens")
    asked, answered, reasoning = (base.count(usage[side], side, []) for side in sides)
    if answered is not None:
        usage["output_tokens"] = whole_output(asked, answered, reasoning, base.count(get.get("totalTokens"), "", []))
    is_total = any(name.startswith("inputTokenDetails.") for name in get)
    if not is_total and any(name in provider for name in ("anthropic", "bedrock")):
        # Before version 6 the input of these vendors came as they count it: without what was cached.
        counts = [base.count(usage[name], name, []) for name in ("input_tokens", "cached_tokens", "cache_write_tokens")]
        if counts[0] is not None and any(counts[1:]):
            usage["input_tokens"] = sum(item or 0 for item in counts)
            base.note(warnings, CACHED_APART)
    return known_usage(usage)
