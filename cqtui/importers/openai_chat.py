"""OpenAI chat completions, logged as a request and its response."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Skipped
from cqtui.importers.messages import completion_of, is_replayable, messages_of, params_of
from cqtui.models import LoggedCall, Origin, Usage

PAIRS = (
    ("request", "response"),
    ("input", "output"),
    ("req", "res"),
    ("body", "response"),
    ("prompt", "response"),
    ("kwargs", "response"),
)
# Personal data of a request never stays in the parameters.
NOT_PARAMS = ("model", "messages", "user", "safety_identifier", "metadata")


class OpenAIChatImporter:
    """Reads request and response pairs under any of the usual keys."""

    name = "openai_chat"

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with request messages and response choices."""
        if record.get("object") == "chat.completion" and "choices" in record and "messages" not in record:
            return 0.8
        pair = pair_of(record)
        if pair is None:
            return 0.0
        return 0.95 if "choices" in pair[1] else 0.5 if "error" in pair[1] or "error" in record else 0.0

    def read(self, record: Mapping[str, Any], origin: Origin) -> LoggedCall | Skipped:
        """The call in the record."""
        pair = pair_of(record)
        if pair is None:
            return Skipped("completion without prompt", origin)
        failure = record.get("error") or pair[1].get("error")
        if failure:
            return Skipped(f"the call failed: {brief(failure)}", origin)
        return read_pair(pair[0], pair[1], origin, record)


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


def usage_of(value: Any, notes: list[str]) -> Usage:
    """Usage in OpenAI's words; its input is the total, cached tokens inside."""
    logged = base.mapping(value)
    asked, answered = (base.mapping(logged.get(f"{side}_tokens_details")) for side in ("prompt", "completion"))
    usage = Usage(
        input_tokens=base.count(logged.get("prompt_tokens"), "prompt_tokens", notes),
        output_tokens=base.count(logged.get("completion_tokens"), "completion_tokens", notes),
        cached_tokens=base.count(asked.get("cached_tokens"), "cached_tokens", notes),
        cache_write_tokens=base.count(asked.get("cache_write_tokens"), "cache_write_tokens", notes),
        reasoning_tokens=base.count(answered.get("reasoning_tokens"), "reasoning_tokens", notes),
    )
    return base.checked_usage(usage, notes)


def read_pair(
    request: dict[str, Any],
    response: dict[str, Any] | None,
    origin: Origin,
    record: Mapping[str, Any],
    record_id: str | None = None,
) -> LoggedCall | Skipped:
    """A call from a request and its response (None: a prompt without a baseline); ``record`` holds both."""
    notes: list[str] = []
    messages = messages_of(request.get("messages"), notes)
    if not is_replayable(messages):
        return Skipped("no message has content", origin)
    completion, reason = None, None
    answer = response or {}
    if response is not None:
        choices = response.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return Skipped("the response has no choices", origin)
        if len(choices) > 1:
            base.note(notes, f"{len(choices)} choices, the first was kept")
        completion = completion_of(base.mapping(choices[0].get("message")), notes)
        reason = base.finish(choices[0].get("finish_reason"))
    metadata = dict(base.mapping(record.get("metadata"))) or dict(base.mapping(request.get("metadata")))
    tier = base.text_or_none(answer.get("service_tier"))
    if tier not in (None, "default"):
        metadata["service_tier"] = tier
    model = base.text_or_none(answer.get("model")) or base.text_or_none(request.get("model"))
    logged_id = record_id or base.text_or_none(answer.get("id"))
    user = request.get("user") or request.get("safety_identifier") or record.get("user")
    return LoggedCall(
        id=logged_id or base.content_id(origin.format, model, messages, completion),
        time=base.instant(answer.get("created") or record.get("timestamp") or record.get("created_at"), notes),
        model=model,
        provider=(base.text_or_none(record.get("provider")) or "openai").lower(),
        messages=messages,
        params=params_of(request, NOT_PARAMS),
        completion=completion,
        finish_reason=reason,
        usage=usage_of(answer.get("usage"), notes),
        latency_ms=base.count(record.get("latency_ms"), "latency_ms", notes),
        cost_usd=base.money(record.get("cost_usd"), notes),
        user=base.text_or_none(user),
        session=base.text_or_none(record.get("session")),
        metadata=metadata,
        origin=base.with_notes(origin, notes),
    )


def brief(failure: Any) -> str:
    """An error of a log in a few words."""
    found = base.mapping(failure)
    text = found.get("code") or found.get("message") or failure
    return " ".join((text if isinstance(text, str) else json.dumps(text)).split())[:120]
