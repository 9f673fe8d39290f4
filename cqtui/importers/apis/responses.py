"""OpenAI's Responses API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.apis import PERSONAL, Answered, Asked
from cqtui.importers.apis.usage import vendor_usage
from cqtui.importers.params import params_of
from cqtui.importers.raw import NoCall
from cqtui.importers.reasons import failed, no_answer, not_replayable, run_by_vendor

_CALLS = ("function_call", "custom_tool_call")
_OWN_ITEMS = ("message", "reasoning", "function_call_output", "custom_tool_call_output", *_CALLS)
# How the answer is delivered and kept; nothing of it changes what a model is asked.
_DELIVERY = (
    "store",
    "stream_options",
    "include",
    "background",
    "prompt_cache_retention",
    "max_tool_calls",
    "truncation",
)
_EARLIER = ("previous_response_id", "conversation")
_CONTENT = ("model", "input", "messages", "instructions", "prompt", "context_management")
_NOT_PARAMS = (*_CONTENT, *_EARLIER, *_DELIVERY, *PERSONAL)
# What a response repeats of its request; the input is not among it.
_SETTINGS = ("tools", "tool_choice", "text", "reasoning", "max_output_tokens", "temperature", "top_p")
_ECHOED = ("instructions", "model", "parallel_tool_calls", *_SETTINGS)


def asked(request: Mapping[str, Any], response: Mapping[str, Any] | None) -> Asked | NoCall:
    """The instructions and the input; a request without a model, its input alone, is completed from the response.

    Args:
        request: The request.
        response: Its response, in any API's shape, or None.
    """
    answer = response if response is not None and response.get("object") == "response" else {}
    if "model" not in request:
        request = {**{name: answer[name] for name in _ECHOED if answer.get(name) is not None}, **request}
    if request.get("previous_response_id") or answer.get("previous_response_id"):
        return NoCall(not_replayable("it continues an earlier response, whose messages are not in the record"))
    if request.get("conversation") or answer.get("conversation"):
        return NoCall(not_replayable("it continues a stored conversation, whose messages are not in the record"))
    if request.get("prompt"):
        return NoCall(not_replayable("it uses a stored prompt, whose text is not in the record"))
    items = _unwrapped(request.get("input"))
    if (foreign := foreign_item(items)) is not None:
        return NoCall(foreign)
    warnings: list[str] = []
    if any(base.type_of(item) == "reasoning" for item in base.objects_in(items)):
        warnings.append("reasoning left out of the prompt")
    params = params_of(request, _NOT_PARAMS, warnings)
    effort = base.mapping(answer.get("reasoning")).get("effort")
    if isinstance(effort, str):
        # The response says which effort was in force where the request left it to the default.
        params.setdefault("reasoning_effort", effort)
    return Asked(
        messages=_messages(request.get("instructions"), items),
        model=request.get("model"),
        params=params,
        user=request.get("user") or request.get("safety_identifier"),
        metadata=base.mapping(request.get("metadata")),
        provider="openai",
        warnings=tuple(warnings),
    )


def answered(response: Mapping[str, Any]) -> Answered | NoCall:
    """The output, with the status as the reason why it ended."""
    status = base.text_or_none(response.get("status"))
    if status in ("failed", "cancelled"):
        return NoCall(failed(f"status {status}"))
    if status in ("queued", "in_progress"):
        return NoCall(no_answer(f"it was not finished when it was logged (status {status})"))
    output = base.objects_in(base.structured(response.get("output")))
    if (foreign := foreign_item(output)) is not None:
        return NoCall(foreign)
    shown = [item for item in output if base.type_of(item) != "reasoning"]
    called = any(base.type_of(item) in _CALLS for item in shown)
    usage, warnings = vendor_usage(base.structured(response.get("usage")), "openai", "responses")
    tier = base.text_or_none(response.get("service_tier"))
    why = base.text_or_none(base.mapping(response.get("incomplete_details")).get("reason"))
    return Answered(
        completion=shown or {"content": response.get("output_text") or ""},
        id=response.get("id"),
        time=response.get("created_at"),
        model=response.get("model"),
        finish_reason=why if status == "incomplete" else "tool_calls" if called else "stop",
        usage=usage,
        metadata={
            **base.mapping(response.get("metadata")),
            **({} if tier in (None, "default", "auto") else {"service_tier": tier}),
        },
        provider="openai",
        warnings=warnings,
    )


def foreign_item(items: Any) -> str | None:
    """Why items cannot be replayed: one of a tool that the vendor runs, or one that only refers to another; or None."""
    for item in base.objects_in(items):
        kind = base.type_of(item)
        if kind == "item_reference":
            return not_replayable("it refers to an item that is not in the record")
        if kind is not None and kind not in _OWN_ITEMS and "role" not in item:
            return run_by_vendor(kind)
    return None


def _unwrapped(given: Any) -> Any:
    """The input; a text that holds JSON is a text, unless it holds a list of items."""
    found = base.structured(given)
    if (
        isinstance(found, list)
        and found
        and all(isinstance(item, dict) and ("role" in item or "type" in item) for item in found)
    ):
        return found
    return given


def _messages(instructions: Any, items: Any) -> list[Any]:
    messages: list[Any] = [{"role": "user", "content": items}] if isinstance(items, str) else base.objects_in(items)
    if isinstance(instructions, str) and instructions:
        return [{"role": "system", "content": instructions}, *messages]
    return [*base.objects_in(instructions), *messages]
