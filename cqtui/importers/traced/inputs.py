"""The input that a tracing tool noted of a call, as a request: an application's messages, prompt or arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import snake_case
from cqtui.importers.dialects.langchain import fields_of, langchain
from cqtui.importers.messages import ROLES, TEXTS
from cqtui.importers.params import KNOWN
from cqtui.importers.raw import NoCall
from cqtui.importers.reasons import not_captured

NO_INPUT = not_captured("have the tool log inputs, and export them")
VARIABLES = not_captured("only its variables; log the messages that were sent")
SPEECH = ("content", "tool_calls", "function_call", "parts", "refusal", "additional_kwargs")
CALLS = ("function", "custom_tool", "computer", "local_shell", "shell", "apply_patch")
HOSTED = ("web_search", "file_search", "code_interpreter", "image_generation", "mcp")
ITEMS = frozenset(
    ["message", "reasoning", "item_reference"]
    + [f"{name}_call" for name in CALLS + HOSTED]
    + [f"{name}_call_output" for name in CALLS]
)
SYSTEM = ("system_prompt", "instructions")
PROMPTS = ("messages", "input", "prompt", "prompts")
# Beside an "input" of these alone it is the prompt; anything else says that it is one of several variables.
OF_REQUESTS = KNOWN.union(SYSTEM, ("system", "model", "input", "user", "metadata", "reasoning", "text", "kwargs"))


def request_of(asked: Any, warnings: list[str]) -> dict[str, Any] | NoCall:
    """The input as a request with its messages, or why there is none."""
    value = base.structured(asked)
    if value is None or value in ("", [], {}):
        return NoCall(NO_INPUT)
    if isinstance(value, str):
        return {"messages": [{"role": "user", "content": value}]}
    if isinstance(value, list):
        return listed_request(value, warnings)
    if not isinstance(value, Mapping):
        return NoCall(VARIABLES)
    if is_message(value):
        return with_tools([value])
    if isinstance(value.get("kwargs"), Mapping) and ("args" in value or "lc" in value):
        return request_in_arguments(value["kwargs"], value.get("args"), warnings)
    rest = {**base.mapping(value.get("kwargs")), **{key: item for key, item in value.items() if key != "kwargs"}}
    if isinstance(value.get("contents"), list):
        return rest
    for name in PROMPTS:
        if name not in value or (name == "input" and not is_prompt_in(value)):
            continue
        inner = request_of(value[name], warnings)
        if isinstance(inner, NoCall):
            return inner
        if name == "input" and "model" in value and not isinstance(value[name], dict):
            return rest  # a request to the Responses API stays one: its items are not messages
        return with_system({**{key: item for key, item in rest.items() if key not in PROMPTS}, **inner})
    return NoCall(VARIABLES)


def is_prompt_in(value: Mapping[str, Any]) -> bool:
    """Whether the ``input`` among several fields is the prompt, not one of its variables."""
    return isinstance(value["input"], dict) or "model" in value or {snake_case(name) for name in value} <= OF_REQUESTS


def request_in_arguments(named: Mapping[str, Any], listed: Any, warnings: list[str]) -> dict[str, Any] | NoCall:
    """The request in the arguments of a function: in the named ones, else in the first that is one."""
    found = request_of(named, warnings) if named else NoCall(NO_INPUT)
    for argument in listed if isinstance(listed, list) else ():
        if not isinstance(found, NoCall):
            break
        found = request_of(argument, warnings)
    return found


def listed_request(value: list[Any], warnings: list[str]) -> dict[str, Any] | NoCall:
    """The request of a list: of messages, of content blocks, or of several prompts, of which the first is kept."""
    if is_pair(value):
        return {"messages": [{"role": value[0], "content": value[1]}]}
    items = [{"role": item[0], "content": item[1]} if is_pair(item) else item for item in value]
    if isinstance(items[0], str | list):
        if len(items) > 1:
            base.note(warnings, f"{len(items)} prompts, the first was kept")
        return request_of(items[0], warnings)
    if any(is_message(item) or is_item(item) for item in items):
        return with_tools(items)
    if any(isinstance(item, Mapping) and item.get("type") in TEXTS for item in items):
        return {"messages": [{"role": "user", "content": items}]}
    return NoCall(VARIABLES)


def with_tools(messages: list[Any]) -> dict[str, Any]:
    """Messages as a request; definitions of tools that stand among them as if they were messages become its tools."""
    kept: list[Any] = []
    tools: list[Any] = []
    for message in messages:
        content = message.get("content") if isinstance(message, Mapping) and message.get("role") == "tool" else None
        if isinstance(content, Mapping) and ("function" in content or "input_schema" in content):
            tools.append(content)
        elif isinstance(message, Mapping) and (own := langchain(message)) is not None:
            kept += own  # APIs are told by their messages, and none has LangChain's
        else:
            kept.append(message)
    return {"messages": kept, "tools": tools} if tools else {"messages": kept}


def with_system(request: dict[str, Any]) -> dict[str, Any]:
    """The request with its system prompt among its messages, where it stands beside them under no API's name."""
    system = next((request[name] for name in SYSTEM if isinstance(request.get(name), str)), None)
    messages = request.get("messages")
    if not system or not isinstance(messages, list):
        return request
    rest = {name: value for name, value in request.items() if name not in SYSTEM}
    return {**rest, "messages": [{"role": "system", "content": system}, *messages]}


def is_pair(value: Any) -> bool:
    """Whether a value is a role and what was said."""
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[0], str):
        return False
    return value[0].lower() in ROLES and isinstance(value[1], str | list)


def is_message(value: Any) -> bool:
    """Whether a value is a message in any shape that says so itself."""
    if not isinstance(value, Mapping):
        return False
    spoken = isinstance(value.get("role"), str) and not value.keys().isdisjoint(SPEECH)
    return spoken or fields_of(value) is not None


def is_item(value: Any) -> bool:
    """Whether a value is an item of the Responses API."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    return isinstance(kind, str) and kind in ITEMS
