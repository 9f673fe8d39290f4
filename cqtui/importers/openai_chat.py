"""OpenAI chat completions, logged as a request and its response."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Importer
from cqtui.importers.messages import params_of
from cqtui.importers.raw import NoCall, RawCall

PAIRS = (
    ("request", "response"),
    ("input", "output"),
    ("req", "res"),
    ("body", "response"),
    ("prompt", "response"),
    ("kwargs", "response"),
)
# Personal data of a request never stays in the parameters.
NOT_PARAMS = ("model", "messages", "prompt", "user", "safety_identifier", "metadata")


class OpenAIChatImporter(Importer):
    """Reads request and response pairs under any of the usual keys."""

    name = "openai_chat"
    fields = frozenset({"request", "response", "choices", "messages", "object"})

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with request messages and response choices."""
        if record.get("object") == "chat.completion" and "choices" in record and "messages" not in record:
            return 0.8
        pair = pair_of(record)
        if pair is None:
            return 0.0
        return 0.95 if "choices" in pair[1] else 0.5 if "error" in pair[1] or "error" in record else 0.0

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The call in the record."""
        pair = pair_of(record)
        if pair is None:
            return NoCall("completion without prompt")
        failure = record.get("error") or pair[1].get("error")
        if failure:
            return NoCall(f"the call failed: {brief(failure)}")
        call = read_pair(*pair)
        return with_wrapper(call, record) if isinstance(call, RawCall) else call


def with_wrapper(call: RawCall, record: Mapping[str, Any]) -> RawCall:
    """The call of a pair, with what the record around the pair says of it."""
    get = record.get
    call.time = call.time or get("timestamp") or get("created_at")
    call.provider = get("provider") or call.provider
    call.latency_ms = get("latency_ms")
    call.cost_usd = get("cost_usd")
    call.user = call.user or get("user")
    call.session = get("session")
    if outer := base.mapping(get("metadata")):
        # The price follows from the tier: it stays, whatever the application noted beside it.
        tier = {key: value for key, value in call.metadata.items() if key == "service_tier"}
        call.metadata = {**outer, **tier}
    return call


def pair_of(record: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The request and the response of a record, or None where it holds no such pair."""
    for asked, answered in PAIRS:
        if asked not in record or answered not in record:
            continue
        request = base.structured(record[asked])
        if isinstance(request, list):
            request = {"messages": request}
        if not isinstance(request, dict) or not isinstance(base.structured(request.get("messages")), list):
            continue
        return request, response_of(record[answered])
    return None


def response_of(value: Any) -> dict[str, Any]:
    """A response as one object; the chunks of a stream (a list or SSE text) are joined."""
    value = base.structured(value)
    if isinstance(value, str) and value.lstrip().startswith("data:"):
        lines = [line[5:].strip() for line in value.splitlines() if line.startswith("data:")]
        value = [base.structured(line) for line in lines if line != "[DONE]"]
    if not isinstance(value, list):
        return value if isinstance(value, dict) else {}
    chunks = [chunk for chunk in value if isinstance(chunk, dict)]
    if not any("choices" in chunk for chunk in chunks):
        return {}
    joined: dict[str, Any] = {}
    text: list[str] = []
    tools: dict[int, dict[str, Any]] = {}
    reason: Any = None
    for chunk in chunks:
        joined.update({key: item for key, item in chunk.items() if key != "choices" and item is not None})
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            if not isinstance(choice, dict) or choice.get("index", 0) != 0:
                continue
            reason = choice.get("finish_reason") or reason
            delta = base.mapping(choice.get("delta"))
            if isinstance(delta.get("content"), str):
                text.append(delta["content"])
            calls = delta.get("tool_calls")
            for call in calls if isinstance(calls, list) else []:
                if not isinstance(call, dict) or not isinstance(call.get("index", 0), int):
                    continue
                held = tools.setdefault(call.get("index", 0), {"id": None, "function": {"name": "", "arguments": ""}})
                held["id"] = call.get("id") or held["id"]
                function = base.mapping(call.get("function"))
                held["function"]["name"] = held["function"]["name"] or function.get("name") or ""
                held["function"]["arguments"] += str(function.get("arguments") or "")
    message = {"content": "".join(text) if text else None, "tool_calls": [tools[key] for key in sorted(tools)]}
    return {**joined, "choices": [{"index": 0, "message": message, "finish_reason": reason}]}


def usage_of(value: Any) -> dict[str, Any]:
    """Usage in OpenAI's words; its input is the total, cached tokens inside."""
    logged = base.mapping(value)
    asked, answered = (base.mapping(logged.get(f"{side}_tokens_details")) for side in ("prompt", "completion"))
    return {
        "input_tokens": logged.get("prompt_tokens"),
        "output_tokens": logged.get("completion_tokens"),
        "cached_tokens": asked.get("cached_tokens"),
        "cache_write_tokens": asked.get("cache_write_tokens"),
        "reasoning_tokens": answered.get("reasoning_tokens"),
    }


def read_pair(request: Mapping[str, Any], response: Mapping[str, Any] | None) -> RawCall | NoCall:
    """The call of a request and its response; without a response it is a prompt without a baseline."""
    warnings: list[str] = []
    answer = response or {}
    message, reason = None, None
    if response is not None:
        choices = response.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return NoCall("the response has no choices")
        if len(choices) > 1:
            warnings.append(f"{len(choices)} choices, the first was kept")
        message = base.mapping(choices[0].get("message")) or {"content": choices[0].get("text")}
        reason = choices[0].get("finish_reason")
    metadata = dict(base.mapping(request.get("metadata")))
    tier = base.text_or_none(answer.get("service_tier"))
    if tier not in (None, "default"):
        metadata["service_tier"] = tier
    return RawCall(
        messages=request.get("messages", request.get("prompt")),
        completion=message,
        id=answer.get("id"),
        time=answer.get("created"),
        model=answer.get("model") or request.get("model"),
        provider="openai",
        params=params_of(request, NOT_PARAMS),
        finish_reason=reason,
        usage=usage_of(answer.get("usage")),
        user=request.get("user") or request.get("safety_identifier"),
        metadata=metadata,
        warnings=warnings,
    )


def brief(failure: Any) -> str:
    """An error of a log in a few words."""
    found = base.mapping(failure)
    text = found.get("code") or found.get("message") or failure
    return " ".join((text if isinstance(text, str) else json.dumps(text)).split())[:120]
