"""OpenAI's chat completions and legacy completions, which most other vendors and all gateways speak as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.apis import PERSONAL, Answered, Asked
from cqtui.importers.apis.usage import whole_output
from cqtui.importers.params import params_of
from cqtui.importers.raw import NoCall
from cqtui.importers.reasons import SEVERAL_PROMPTS, no_answer

_NOT_PARAMS = ("model", "messages", "prompt", *PERSONAL)
_FILTERS = frozenset({"prompt_filter_results", "prompt_annotations", "content_filter_results"})


def asked(request: Mapping[str, Any]) -> Asked | NoCall:
    """The messages of a chat, or the prompt of a legacy completion."""
    warnings: list[str] = []
    messages = request.get("messages", request.get("prompt"))
    if isinstance(messages, list) and messages and all(isinstance(item, str) for item in messages):
        if len(messages) > 1:
            return NoCall(SEVERAL_PROMPTS)
        messages = messages[0]
    params = params_of(request, _NOT_PARAMS, warnings)
    return Asked(
        messages=messages,
        model=request.get("model"),
        params=params,
        user=request.get("user") or request.get("safety_identifier"),
        metadata=base.mapping(request.get("metadata")),
        warnings=tuple(warnings),
    )


def answered(response: Mapping[str, Any]) -> Answered | NoCall:
    """The first choice of a response."""
    choices = response.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return NoCall(no_answer("no choices"))
    first = choices[0]
    tier = base.text_or_none(response.get("service_tier"))
    return Answered(
        completion=base.mapping(first.get("message")) or {"content": first.get("text")},
        id=response.get("id"),
        time=response.get("created"),
        model=response.get("model"),
        finish_reason=first.get("finish_reason"),
        usage=usage_of(response.get("usage")),
        metadata={} if tier in (None, "default") else {"service_tier": tier},
        provider="azure" if is_azure(response) else "openai",
        warnings=(f"{len(choices)} choices, the first was kept",) if len(choices) > 1 else (),
    )


def is_azure(response: Mapping[str, Any]) -> bool:
    """Whether the response carries the findings of Azure's content filter."""
    choices = response.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return not (_FILTERS.isdisjoint(response) and (not isinstance(first, dict) or _FILTERS.isdisjoint(first)))


def usage_of(value: Any) -> dict[str, Any]:
    """Usage in OpenAI's words; its input is the total, cached tokens inside, as reasoning tokens are in its output."""
    logged = base.mapping(value)
    prompt, completion = (base.mapping(logged.get(f"{side}_tokens_details")) for side in ("prompt", "completion"))
    asked, answered = logged.get("prompt_tokens"), logged.get("completion_tokens")
    reasoning = completion.get("reasoning_tokens")
    if not asked and not answered:
        return {}  # zeros stand for what was not counted
    if reasoning:
        answered = whole_output(asked, answered, reasoning, logged.get("total_tokens"))
    return {
        "input_tokens": asked,
        "output_tokens": answered,
        "cached_tokens": prompt.get("cached_tokens"),
        "cache_write_tokens": prompt.get("cache_write_tokens"),
        "reasoning_tokens": reasoning,
    }
