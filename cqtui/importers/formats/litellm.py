"""LiteLLM's logs: the payload that its callbacks get, and the rows of its proxy's spend logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.apis import chat
from cqtui.importers.base import Importer
from cqtui.importers.proxies import Surroundings, flag, is_absent, read_proxied, texts_in
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.reasons import cut_off, failed, not_captured, other_model, redacted
from cqtui.importers.times import milliseconds_between

RESPONSES = ("responses", "aresponses")
CHAT = ("completion", "acompletion", "anthropic_messages", *RESPONSES)
REDACTED = "redacted-by-litellm"
CUT = "litellm_truncated"
NO_PROMPTS = not_captured("set store_prompts_in_spend_logs to true")
NO_MESSAGES = not_captured("set turn_off_message_logging to false")
REDACTED_PROMPT = redacted("set turn_off_message_logging to false")
CUT_PROMPT = cut_off("prompt", "raise MAX_STRING_LENGTH_PROMPT_IN_DB")
# What the proxy puts into a request beside the caller's own parameters; it names the caller and holds its headers.
INJECTED = ("metadata", "proxy_server_request", "secret_fields", "model_info", "user_api_key", "litellm_")
PROMPTS = ("messages", "input", "prompt", "contents")


class LiteLLMImporter(Importer):
    """Reads one call of either kind."""

    name = "litellm"
    fields = frozenset(
        {"call_type", "startTime", "endTime", "custom_llm_provider", "model_group", "response_cost", "spend"}
    )

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with a call type and a start beside fields that only LiteLLM has."""
        if "call_type" not in record or "startTime" not in record:
            return 0.0
        payload = any(name in record for name in ("model_map_information", "response_cost", "hidden_params"))
        return 0.97 if payload or ("request_id" in record and "spend" in record) else 0.0

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The call in the record."""
        get = record.get
        kind = base.text_or_none(get("call_type"))
        if kind is not None and kind not in CHAT:
            return NoCall(other_model(kind))
        details = base.mapping(get("metadata"))
        if failure := failure_of(record, details):
            return failure
        response = base.structured(get("response"))
        received = base.mapping(get("proxy_server_request"))
        if CUT in received:
            return NoCall(CUT_PROMPT)
        request = request_of(record, received, response)
        if is_absent(request) or not any(request.get(name) for name in PROMPTS):
            return NoCall(NO_PROMPTS if "spend" in record else NO_MESSAGES)
        if reason := withheld({name: request.get(name) for name in (*PROMPTS, "system", "instructions")}):
            return NoCall(reason)
        hidden = None if is_absent(response) else withheld(response)
        provider = base.text_or_none(get("custom_llm_provider"))
        latency = milliseconds_between(get("startTime"), get("endTime"))
        first = milliseconds_between(get("startTime"), get("completionStartTime"))
        call = read_proxied(
            request,
            None if hidden or is_absent(response) else response,
            Surroundings(
                id=get("request_id") or get("id"),
                time=get("startTime"),
                model=without_prefix(get("model"), provider),
                provider=provider,
                usage=usage_of(record, details),
                latency_ms=base.text_or_none(get("request_duration_ms")) or latency,
                # The first token of an answer that did not stream comes with its last.
                ttft_ms=None if first is None or latency is None or first >= latency else first,
                cost_usd=get("spend") if "spend" in record else get("response_cost"),
                user=base.text_or_none(get("end_user")) or get("user"),
                session=get("session_id"),
                tags=base.structured(get("request_tags")),
                metadata=noted(details),
                is_cache_hit=flag(get("cache_hit")) is True,
            ),
        )
        if isinstance(call, RawCall):
            call.model = without_prefix(call.model, provider)
            if hidden is None:
                call.usage = {**call.usage, **cache_counts(base.mapping(response).get("usage"), call.usage)}
            else:
                call.warnings.append("the answer was redacted or cut off in the log: no baseline")
        return call


def failure_of(record: Mapping[str, Any], details: Mapping[str, Any]) -> NoCall | None:
    """Why the call failed, or None where it did not."""
    if "failure" not in (record.get("status"), details.get("status")) and not record.get("error_str"):
        return None
    known = base.mapping(details.get("error_information")) or base.mapping(record.get("error_information"))
    said = record.get("error_str") or known.get("error_message") or known.get("error_class")
    return NoCall(failed(said))


def request_of(record: Mapping[str, Any], received: Mapping[str, Any], response: Any) -> dict[str, Any]:
    """The request's body: as the proxy received it, or put together from the payload's fields."""
    body = base.mapping(received.get("body")) or received
    prompt = base.structured(record.get("messages"))
    request = {**body, **base.mapping(record.get("model_parameters"))}
    request = {name: value for name, value in request.items() if not name.startswith(INJECTED)}
    alias = base.text_or_none(record.get("model_group")) or base.text_or_none(record.get("model"))
    if alias is not None:
        request.setdefault("model", alias)
    if isinstance(prompt, dict) and any(name in prompt for name in PROMPTS):
        return {**request, **prompt}
    is_chat = record.get("call_type") not in RESPONSES or (isinstance(response, dict) and "choices" in response)
    if prompt and not is_chat:
        return {**request, "input": prompt}
    if isinstance(prompt, str) and prompt.strip():
        prompt = [{"role": "user", "content": prompt}]
    elif isinstance(prompt, dict) and prompt:
        prompt = [prompt]
    return {**request, "messages": prompt} if isinstance(prompt, list) and prompt else request


def withheld(logged: Any) -> str | None:
    """Why what was logged is not what was said; None where it is."""
    for text in texts_in(logged):
        if text.strip() == REDACTED:
            return REDACTED_PROMPT
        if text == CUT or f"({CUT}" in text:
            return CUT_PROMPT
    return None


def usage_of(record: Mapping[str, Any], details: Mapping[str, Any]) -> dict[str, Any]:
    """The counts beside the response."""
    logged = base.mapping(details.get("usage_object")) or record
    counts = chat.usage_of(logged)
    return {**counts, **cache_counts(logged, counts)}


def cache_counts(logged: Any, counts: Mapping[str, Any]) -> dict[str, Any]:
    """The cached tokens that a usage in OpenAI's shape has under Anthropic's names; its total holds them already."""
    usage = base.mapping(logged)
    if "prompt_tokens" not in usage:
        return {}
    found = {
        "cached_tokens": usage.get("cache_read_input_tokens"),
        "cache_write_tokens": usage.get("cache_creation_input_tokens"),
    }
    return {name: value for name, value in found.items() if counts.get(name) is None and value is not None}


def without_prefix(model: Any, provider: str | None) -> str | None:
    """A model's name without its provider before it."""
    name = base.text_or_none(model)
    return name.removeprefix(f"{provider}/") if name and provider else name


def noted(details: Mapping[str, Any]) -> dict[str, Any]:
    """What the caller noted of the call; the rest of the metadata names keys, teams and people."""
    return {**base.mapping(details.get("requester_metadata")), **base.mapping(details.get("spend_logs_metadata"))}
