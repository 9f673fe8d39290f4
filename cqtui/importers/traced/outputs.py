"""The output that a tracing tool noted of a call: a response, a message, LangChain's generations, or a text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cqtui.importers import base
from cqtui.importers.apis.chat import usage_of
from cqtui.importers.base import first_of, snake_case
from cqtui.importers.dialects import openai_messages
from cqtui.importers.dialects.langchain import fields_of
from cqtui.importers.messages import ROLES
from cqtui.importers.traced.inputs import SPEECH, is_item, is_message

ANSWER = frozenset((*SPEECH, "role", "type", "name", "id", "audio", "annotations", "reasoning_content"))
STREAM = re.compile(r"\s*(?:event: ?[a-z_.]+\s+)?data: ?\{")
BLOCKS = ("text", "output_text", "tool_use", "tool_call", "thinking", "redacted_thinking", "reasoning", "refusal")


@dataclass(slots=True)
class Answer:
    """What an output says: the answer as a message or text, and what stood around it."""

    message: Any = None
    finish_reason: Any = None
    model: Any = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def response_in(answered: Any) -> Any:
    """The response of a vendor's API in an output: an object, its choices or items, or a stream; None where none is."""
    value = base.structured(answered)
    if isinstance(value, str):
        return value if STREAM.match(value) else None
    if isinstance(value, Mapping):
        kind = value.get("object") in ("chat.completion", "text_completion", "response")
        anthropic = value.get("type") == "message" and "stop_reason" in value and isinstance(value.get("content"), list)
        gemini = is_list_with(value.get("candidates"), "content")
        return value if kind or anthropic or gemini or is_choices(value.get("choices")) else None
    if not isinstance(value, list) or not value:
        return None
    if all(is_item(item) for item in value):
        return {"object": "response", "output": value}
    if all(is_event(item) for item in value):
        return value
    return {"choices": value} if is_choices(value) else None


def is_list_with(value: Any, field_name: str) -> bool:
    """Whether a value is a list of objects of which the first has a field."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping) and field_name in value[0]


def is_event(value: Any) -> bool:
    """Whether a value is a chunk or event of a stream."""
    if not isinstance(value, Mapping):
        return False
    kind = value.get("type")
    named = isinstance(kind, str) and kind.startswith(("response.", "message_", "content_block_", "ping"))
    return named or value.get("object") == "chat.completion.chunk"


def is_choices(value: Any) -> bool:
    """Whether a value is a list of choices."""
    if not is_list_with(value, "message"):
        return is_list_with(value, "finish_reason") and "text" in value[0]
    return isinstance(value[0]["message"], Mapping)


def answer_of(answered: Any) -> Answer:
    """The answer in an output that is no API's response."""
    value = base.structured(answered)
    found = None
    if isinstance(value, Mapping):
        found = answer_in_object(value, written=isinstance(answered, str))
    elif isinstance(value, list) and value:
        found = answer_in_list(value)
    if found is not None:
        return found
    if answered is None or isinstance(answered, str):
        return Answer(answered)
    # The tool parsed it; the model wrote text.
    return Answer(json.dumps(answered, ensure_ascii=False), warnings=("structured answer written out as JSON",))


def answer_in_object(value: Mapping[str, Any], *, written: bool) -> Answer | None:
    """The answer in an object; what was ``written`` as text has to say that it is a message, else it is text."""
    if isinstance(value.get("generations"), list):
        return generated(value)
    if isinstance(value.get("messages"), list):
        return answer_in_list(value["messages"]) or Answer()
    if is_answer(value) or (not written and value.keys() <= ANSWER and not value.keys().isdisjoint(SPEECH)):
        return answer_in_message(value)
    if isinstance(value.get("message"), Mapping):
        return answer_in_object(value["message"], written=written)
    return None


def answer_in_list(value: list[Any]) -> Answer | None:
    """The answer in a list of messages (what follows the last question), or of content blocks."""
    spoken = [item for item in value if isinstance(item, Mapping)]
    if not spoken or len(spoken) < len(value):
        return None
    if all(item.get("type") in BLOCKS and "role" not in item and "content" not in item for item in spoken):
        return Answer({"role": "assistant", "content": spoken})
    start = len(spoken)
    while start and is_answer(spoken[start - 1]):
        start -= 1
    last = answer_in_message(spoken[-1]) if start < len(spoken) else None
    if last is not None:
        last.message = spoken[start:]
    return last


def answer_in_message(message: Mapping[str, Any]) -> Answer:
    """The answer in one message, with what LangChain and others put beside its content."""
    if fields_of(message) is None and "role" not in message:
        message = {"role": "assistant", **message}
    fields = fields_of(message) or message
    about = base.mapping(fields.get("response_metadata"))
    reason = first_of(fields, "finish_reason", "stop_reason") or first_of(
        about, "finish_reason", "stop_reason", "stopReason", "done_reason"
    )
    usage = usage_metadata(fields.get("usage_metadata"))
    if not any(usage.values()):
        usage = usage_of(about.get("token_usage"))
    model = first_of(about, "model_name", "model", "model_id") or fields.get("model")
    return Answer(message, reason, model, usage)


def generated(result: Mapping[str, Any]) -> Answer | None:
    """The answer in LangChain's generations, the first of them."""
    found = result["generations"]
    warnings = (f"{len(found[0])} generations, the first was kept",) if found and several_in(found[0]) else ()
    while isinstance(found, list):
        found = found[0] if found else None
    if not isinstance(found, Mapping):
        return Answer()
    message, about = found.get("message"), base.mapping(first_of(result, "llm_output", "llmOutput"))
    answer = answer_in_message(message) if isinstance(message, Mapping) else Answer(found.get("text"))
    told = base.mapping(first_of(found, "generation_info", "generationInfo"))
    answer.finish_reason = first_of(told, "finish_reason", "stop_reason", "finishReason") or answer.finish_reason
    answer.model = answer.model or first_of(told, "model_name", "model") or first_of(about, "model_name", "model")
    if not any(answer.usage.values()):
        counted = base.mapping(first_of(about, "token_usage", "tokenUsage", "estimatedTokenUsage", "usage"))
        answer.usage = usage_of({snake_case(name): value for name, value in counted.items()})
    answer.warnings = warnings
    return answer


def several_in(value: Any) -> bool:
    """Whether a value is a list of more than one."""
    return isinstance(value, list) and len(value) > 1


def usage_metadata(value: Any) -> dict[str, Any]:
    """LangChain's usage of a message; its input is the total."""
    logged = base.mapping(value)
    asked, answered = (base.mapping(logged.get(f"{side}_token_details")) for side in ("input", "output"))
    return {
        "input_tokens": logged.get("input_tokens"),
        "output_tokens": logged.get("output_tokens"),
        "cached_tokens": asked.get("cache_read"),
        "cache_write_tokens": asked.get("cache_creation"),
        "reasoning_tokens": answered.get("reasoning"),
    }


def is_answer(value: Any) -> bool:
    """Whether a value is a message of the model's."""
    if not is_message(value):
        return False
    said = openai_messages(value)
    return bool(said) and ROLES.get(str(said[0].get("role")).lower()) == "assistant"


def calls_tools(message: Any) -> bool:
    """Whether an answer holds tool calls."""
    items = message if isinstance(message, list) else [message]
    said = [one for item in items if isinstance(item, Mapping) for one in openai_messages(item)]
    return any(one.get("tool_calls") or one.get("function_call") for one in said)
