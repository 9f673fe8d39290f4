"""Where spans hold what was asked and answered, by the conventions of the instrumentations that write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import first_of
from cqtui.importers.dialects.wire import image_part
from cqtui.importers.reasons import NO_PROMPT, cut_off, elsewhere, not_captured
from cqtui.importers.spans.otlp import Span, grouped

NOT_CAPTURED = not_captured("turn on the capture of messages in the instrumentation")
UPLOADED = elsewhere("its messages were uploaded; have them written into the span")
CUT_OFF = cut_off("prompt", "raise the limit for the length of span attributes")
REDACTED = ("__REDACTED__", "[REDACTED]")


@dataclass(frozen=True, slots=True)
class Content:
    """What was asked and answered.

    Attributes:
        prompt: The messages, in any dialect.
        choices: The answers, of which the first is the one that counts.
        finish_reason: Why the first ended, where its message says so.
        is_cut_off: Whether a part of it was cut off and so could not be read.
    """

    prompt: list[Any]
    choices: list[Any]
    finish_reason: Any = None
    is_cut_off: bool = False


def content_of(span: Span) -> Content:
    """What the span holds, by the first convention that has all of it, else a prompt, else anything."""
    found: list[Content] = []
    for convention in (_current, _of_events, _indexed, _openinference, _values):
        item = convention(span)
        if item.prompt and item.choices:
            return item
        found.append(item)
    best = next((item for item in found if item.prompt), next((item for item in found if item.choices), found[0]))
    return Content(best.prompt, best.choices, best.finish_reason, any(item.is_cut_off for item in found))


def why_missing(span: Span, content: Content) -> str:
    """Why a span holds no prompt that can be used, and what to do."""
    if content.is_cut_off:
        return CUT_OFF
    if any(name.endswith(("messages_ref", "messages.ref")) for name in span.attributes):
        return UPLOADED
    return NO_PROMPT if content.choices else NOT_CAPTURED


def has_content(messages: Iterable[Any]) -> bool:
    """Whether any message says something: events and messages without content are written where capture is off."""
    return any(
        isinstance(item, dict) and (item.get("content") or item.get("parts") or item.get("tool_calls"))
        for item in messages
    )


def _current(span: Span) -> Content:
    """Messages in three attributes, structured or as JSON text."""
    attributes = span.attributes
    asked, answered, told = (
        base.structured(attributes.get(f"gen_ai.{name}"))
        for name in ("input.messages", "output.messages", "system_instructions")
    )
    # A request without its instructions is another request.
    prompt = [] if is_cut_off(asked) or is_cut_off(told) else _messages(asked, "user")
    if prompt and told:
        prompt = [*_instructions(told), *prompt]
    choices = [] if is_cut_off(answered) else _messages(answered, "assistant")
    return Content(prompt, choices, _reason(choices), any(map(is_cut_off, (asked, answered, told))))


def is_cut_off(value: Any) -> bool:
    """Whether a value that was to be parsed is text that begins as JSON but is none."""
    return isinstance(value, str) and value.lstrip()[:1] in ("[", "{")


def _messages(value: Any, role: str) -> list[Any]:
    if isinstance(value, str):
        return [] if not value or value in REDACTED else [{"role": role, "content": value}]
    if isinstance(value, dict):
        inner = base.structured(value.get("messages"))
        return inner if isinstance(inner, list) else [value]
    return value if isinstance(value, list) else []


def _instructions(told: Any) -> list[dict[str, Any]]:
    """System instructions as one message: a text, parts, or messages."""
    if isinstance(told, str):
        return [{"role": "system", "content": told}]
    parts = [part for part in (told if isinstance(told, list) else [told]) if isinstance(part, dict)]
    if parts and all("role" in part for part in parts):
        return parts
    return [{"role": "system", "parts": parts}] if parts else []


def _of_events(span: Span) -> Content:
    """Messages in events: one for each, or the whole prompt in one."""
    prompt: list[Any] = []
    choices: list[tuple[Any, Any, Any]] = []
    for event in span.events:
        values = event.values
        role = event.name.removeprefix("gen_ai.").removesuffix(".message")
        if event.name == "gen_ai.content.prompt":
            prompt += _messages(base.structured(values.get("gen_ai.prompt")), "user")
        elif event.name == "gen_ai.content.completion":
            answers = _messages(base.structured(values.get("gen_ai.completion")), "assistant")
            choices += [(number, answer, None) for number, answer in enumerate(answers)]
        elif event.name == "gen_ai.choice":
            held = base.structured(values.get("message"))
            message = {"content": held} if isinstance(held, str) else held if isinstance(held, dict) else values
            choices.append((values.get("index"), _message(message, "assistant"), values.get("finish_reason")))
        elif event.name.startswith("gen_ai.") and event.name.endswith(".message"):
            prompt.append(_message(values, role))
    choices.sort(key=lambda choice: choice[0] if isinstance(choice[0], int) else 0)
    said = [choice[1] for choice in choices]
    return Content(
        prompt if has_content(prompt) else [],
        said if has_content(said) else [],
        choices[0][2] if choices else None,
    )


def _message(values: Mapping[str, Any], role: str) -> dict[str, Any]:
    """The message of an event, without the attributes beside it; a tool's has the call's id under ``id``."""
    message = {name: values[name] for name in ("content", "parts", "tool_calls", "name") if name in values}
    message["role"] = base.text_or_none(values.get("role")) or role
    if role == "tool":
        message["tool_call_id"] = first_of(values, "tool_call_id", "id")
    return message


def _indexed(span: Span) -> Content:
    """OpenLLMetry: ``gen_ai.prompt.0.role``, in older versions ``llm.prompts.0.role``."""
    attributes = span.attributes
    asked = grouped(attributes, "gen_ai.prompt") or grouped(attributes, "llm.prompts")
    answered = grouped(attributes, "gen_ai.completion") or grouped(attributes, "llm.completions")
    prompt = [
        {"role": "user", **item, "content": _parts(item.get("content"))} for item in asked if isinstance(item, dict)
    ]
    choices = [{"role": "assistant", **item} for item in answered if isinstance(item, dict)]
    if not asked and isinstance(whole := attributes.get("gen_ai.prompt"), str):
        prompt = _messages(base.structured(whole), "user")
    if not answered and isinstance(whole := attributes.get("gen_ai.completion"), str):
        choices = _messages(whole, "assistant")
    return Content(prompt if has_content(prompt) else [], choices if has_content(choices) else [], _reason(choices))


def _parts(content: Any) -> Any:
    """Content, parsed where it is the JSON text of typed parts: attributes hold texts only."""
    parts = base.structured(content)
    if isinstance(parts, list) and parts and all(isinstance(part, dict) and "type" in part for part in parts):
        return parts
    return content


def _openinference(span: Span) -> Content:
    """OpenInference: ``llm.input_messages.0.message.content``, or the prompts of a completion."""
    attributes = span.attributes
    prompt, choices = (
        [_of_openinference(base.mapping(item)) for item in grouped(attributes, f"llm.{side}_messages")]
        for side in ("input", "output")
    )
    if not prompt:
        texts = (
            base.mapping(base.mapping(item).get("prompt")).get("text") for item in grouped(attributes, "llm.prompts")
        )
        prompt = [{"role": "user", "content": text} for text in texts if isinstance(text, str)]
    if not choices:
        held = (base.mapping(base.mapping(item).get("completion")) for item in grouped(attributes, "llm.choices"))
        choices = [{"role": "assistant", "content": item["text"]} for item in held if isinstance(item.get("text"), str)]
    if not choices and prompt:
        choices = _values(span).choices
    prompt, choices = (listed if has_content(listed) else [] for listed in (prompt, choices))
    return Content(prompt, choices, _reason(_choices(attributes.get("output.value"))))


def _of_openinference(item: Mapping[str, Any]) -> dict[str, Any]:
    message = base.mapping(item.get("message")) or item
    parts = []
    contents = message.get("contents")
    for entry in contents if isinstance(contents, list) else []:
        part = base.mapping(entry)
        part = base.mapping(part.get("message_content")) or part
        image = base.mapping(base.mapping(part.get("image")).get("image"))
        if part.get("type") == "image" and "url" in image:
            part = image_part(image["url"])
        parts.append(part)
    calls = []
    called = message.get("tool_calls")
    for entry in called if isinstance(called, list) else []:
        call = base.mapping(entry)
        calls.append(base.mapping(call.get("tool_call")) or call)
    if name := message.get("function_call_name"):
        calls.append({"function": {"name": name, "arguments": message.get("function_call_arguments_json")}})
    content = message.get("content")
    return {
        "role": message.get("role"),
        "content": parts or (None if content in REDACTED else content),
        "tool_calls": calls,
        "tool_call_id": message.get("tool_call_id"),
        "name": message.get("name"),
    }


def _values(span: Span) -> Content:
    """OpenInference's ``input.value`` and ``output.value``: the request and response as such, or texts."""
    attributes = span.attributes
    if attributes.get("openinference.span.kind") != "LLM":
        return Content([], [])
    asked, answered = attributes.get("input.value"), attributes.get("output.value")
    request, choices = base.structured(asked), _choices(answered)
    prompt = _messages(request if isinstance(request, dict) and "messages" in request else asked, "user")
    said = (
        [item.get("message") for item in choices if isinstance(item, dict)]
        if choices
        else _messages(answered, "assistant")
    )
    return Content(prompt if has_content(prompt) else [], said if has_content(said) else [], _reason(choices))


def _choices(response: Any) -> list[Any]:
    """The choices of a response, where it was logged whole."""
    listed = base.mapping(response).get("choices")
    return listed if isinstance(listed, list) else []


def _reason(choices: list[Any]) -> Any:
    """Why the first of several answers ended, where it says so."""
    return choices[0].get("finish_reason") if choices and isinstance(choices[0], dict) else None
