"""Reads a chat completion's body and refuses as evidence what only looks like success."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from cqtui.gateway.hooks import read_hooks
from cqtui.models import BLOCKED_STATUS, Completion, Failure, GuardrailOutcome, Replay, ToolCall, Usage

_DATE = re.compile(r"[-@](\d{4}-?\d{2}-?\d{2})$")
_QUOTED = re.compile(r"['\"`]([a-z_]{2,40})['\"`]")
_VERSION = re.compile(r"-v\d+(:\d+)?$")
# A provider's filter that answers with an error (Azure): it declined, nothing is billed (methods.md, section 9).
_FILTERED = ("content_filter", "ResponsibleAIPolicyViolation")
_QUOTA = ("insufficient_quota", "billing_hard_limit_reached", "quota_exceeded", "credit balance is too low")
# Native reasons pass unchanged when the gateway is not strict (portkey.md, section 6.18).
_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "safety": "content_filter",
}


def _bare(model: str) -> str:
    name = model.rsplit("/", 1)[-1].lower()
    return _VERSION.sub("", _DATE.sub("", name))


def is_same_model(requested: str, served: str) -> bool:
    """Whether the served model is the requested one; a dated snapshot of the requested alias is."""
    wanted, got = requested.rsplit("/", 1)[-1].lower(), served.rsplit("/", 1)[-1].lower()
    return wanted == got or (_bare(wanted) == wanted and _bare(got) == wanted)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def read_usage(raw: object) -> Usage:
    """Token counts with cached input inside the total.

    Some providers' prompt_tokens leave cached tokens out through the gateway while total_tokens has them (portkey.md,
    section 6.7): where prompt + completion falls short of the total, the total is believed.
    """
    if not isinstance(raw, Mapping):
        return Usage()
    prompt, completion, total = (_count(raw.get(f"{name}_tokens")) for name in ("prompt", "completion", "total"))
    details = raw.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, Mapping) else None
    output_details = raw.get("completion_tokens_details")
    reasoning = _count(output_details.get("reasoning_tokens")) if isinstance(output_details, Mapping) else None
    written = _count(raw.get("cache_creation_input_tokens"))
    if prompt is not None and completion is not None and total is not None and total > prompt + completion:
        prompt = total - completion
    return Usage(
        input_tokens=prompt,
        output_tokens=completion,
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
    )


def _completion(message: Mapping[str, Any]) -> Completion:
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(part.get("text") or "" for part in content if isinstance(part, Mapping))
    calls = message.get("tool_calls")
    tool_calls = tuple(
        ToolCall(
            id=call.get("id"),
            name=str(call["function"].get("name") or ""),
            arguments=str(call["function"].get("arguments") or ""),
        )
        for call in (calls if isinstance(calls, list) else ())
        if isinstance(call, Mapping) and isinstance(call.get("function"), Mapping)
    )
    refusal = message.get("refusal")
    return Completion(
        text=content if isinstance(content, str) else None,
        tool_calls=tool_calls,
        refusal=refusal if isinstance(refusal, str) and refusal else None,
    )


def read_success(model: str, body: object, headers: Mapping[str, str], latency_ms: float, status: int) -> Replay:
    """Turn a 2xx body into a Replay: an answer, or the name of what is wrong with it."""
    base = Replay(model=model, latency_ms=latency_ms, status=status, guardrails=read_hooks(body, status))

    def failed(kind: Any, message: str, **more: Any) -> Replay:
        return base.model_copy(update={"failure": Failure(kind=kind, message=message, status=status), **more})

    if not isinstance(body, Mapping):
        return failed("not_json", "the answer is not a JSON object")
    usage = read_usage(body.get("usage"))
    served = body.get("model") if isinstance(body.get("model"), str) and body.get("model") else None
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        return failed("no_choices", "the answer has no choices", usage=usage)
    finish = choices[0].get("finish_reason")
    if not isinstance(finish, str) or not finish:
        return failed("no_finish_reason", "the answer was cut: it has no finish_reason", usage=usage)
    if "HIT" in headers.get("x-portkey-cache-status", "").upper():
        return failed("cached_by_gateway", "the gateway answered from its cache", usage=usage)
    if headers.get("x-portkey-retry-attempt-count", "0") not in ("0", ""):
        return failed("answered_by_fallback", "the gateway retried: cost and latency are not one call's", usage=usage)
    if served is not None and not is_same_model(model, served):
        return failed("served_by_other", f"asked for {model}, served by {served}", usage=usage, served_model=served)
    if usage.input_tokens is None or usage.output_tokens is None:
        return failed("no_usage", "the answer has no token counts: its cost is unknown", served_model=served)
    message = choices[0].get("message")
    return base.model_copy(
        update={
            "served_model": served,
            "completion": _completion(message if isinstance(message, Mapping) else {}),
            "finish_reason": _FINISH.get(finish.lower(), finish.lower()),
            "usage": usage,
        }
    )


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that an error asks to wait: ``retry-after-ms``, or ``retry-after`` in seconds or as a date (RFC 9110).

    A date counts from the answer's own Date, so that a wrong clock here does not matter.
    """
    milliseconds = headers.get("retry-after-ms", "")
    if re.fullmatch(r"\d+(\.\d+)?", milliseconds):
        return float(milliseconds) / 1000
    asked = headers.get("retry-after", "")
    if re.fullmatch(r"\d+(\.\d+)?", asked):
        return float(asked)
    try:
        until = parsedate_to_datetime(asked)
        now = parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return None


def rejected_param(text: str) -> str | None:
    """The request's parameter that an error names: OpenAI's ``param``, else the first quoted name in its message."""
    message: object = text
    try:
        error = json.loads(text).get("error")
    except (ValueError, AttributeError):
        error = None
    if isinstance(error, Mapping):
        param = error.get("param")
        if isinstance(param, str) and param:
            return param.split(".")[0].split("[")[0]
        message = error.get("message")
    elif error is not None:
        message = error
    found = _QUOTED.search(message) if isinstance(message, str) else None
    return found[1] if found else None


def read_error(model: str, status: int, text: str, headers: Mapping[str, str], latency_ms: float | None) -> Replay:
    """Turn an error status into a Replay whose failure has a name; texts are cut to one line."""
    if status in (400, 422) and any(mark in text for mark in _FILTERED):
        return Replay(
            model=model,
            status=status,
            latency_ms=latency_ms,
            completion=Completion(),
            finish_reason="content_filter",
            usage=Usage(input_tokens=0, output_tokens=0),
        )
    line = " ".join(text.split())[:300] or f"status {status}"
    lowered = line.lower()
    outcome = _hooks_of(text, status)
    if status == BLOCKED_STATUS:
        kind: Any = "blocked_by_guardrail"
        line = _blocking_words(outcome)
    elif status in (401, 403):
        kind = "refused_credentials"
    elif status == 412 or any(word in lowered for word in _QUOTA):
        kind = "quota_exhausted"
    elif status == 429:
        kind = "rate_limited"
    elif status == 408:
        kind = "timeout"
    elif status >= 500:
        kind = "server_error"
    else:
        kind = "bad_request"
    failure = Failure(
        kind=kind,
        message=line,
        status=status,
        retry_after_s=retry_after_s(headers),
        param=rejected_param(text) if kind == "bad_request" else None,
        # The gateway broke, not the provider: an answer may have been cut on its way, and was billed.
        may_be_billed=headers.get("x-portkey-gateway-exception", "").lower() == "true",
    )
    return Replay(model=model, status=status, latency_ms=latency_ms, failure=failure, guardrails=outcome)


def _hooks_of(text: str, status: int) -> GuardrailOutcome | None:
    try:
        return read_hooks(json.loads(text), status)
    except ValueError:
        return None


def _blocking_words(outcome: GuardrailOutcome | None) -> str:
    if outcome is None or not outcome.failed:
        return "a guardrail blocked the call"
    return f"guardrail check {outcome.failed[0].id} blocked the {outcome.blocked_at}"
