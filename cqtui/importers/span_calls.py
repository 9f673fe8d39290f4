"""What the span of a call says beside its messages: usage, parameters, identities and times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.otlp import first, grouped
from cqtui.importers.tools import tool_choice_of, tools_of

USAGE = {
    "input_tokens": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.usage.prompt_tokens",
        "llm.token_count.prompt",
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.usage.completion_tokens",
        "llm.token_count.completion",
    ),
    "cached_tokens": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
    ),
    "cache_write_tokens": (
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
    ),
    "reasoning_tokens": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
    ),
}
PARAMS = {
    "temperature": ("gen_ai.request.temperature",),
    "top_p": ("gen_ai.request.top_p",),
    "top_k": ("gen_ai.request.top_k",),
    "max_tokens": ("gen_ai.request.max_tokens",),
    "frequency_penalty": ("gen_ai.request.frequency_penalty",),
    "presence_penalty": ("gen_ai.request.presence_penalty",),
    "seed": ("gen_ai.request.seed", "gen_ai.openai.request.seed"),
    "stop": ("gen_ai.request.stop_sequences",),
    "reasoning_effort": ("gen_ai.request.reasoning_effort",),
}
# Of a request that was logged whole only these are parameters of the model: it may hold headers and keys.
INVOCATION = frozenset(PARAMS) | {
    "max_completion_tokens",
    "max_output_tokens",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "logit_bias",
    "verbosity",
}
RESPONSE_FORMATS = ("gen_ai.output.type", "gen_ai.openai.request.response_format")
SCHEMAS = ("ai.schema", "gen_ai.request.structured_output_schema")
SERVICE_TIERS = ("openai.response.service_tier", "gen_ai.openai.response.service_tier")
FIRST_CHUNK_SECONDS = ("gen_ai.response.time_to_first_chunk", "gen_ai.client.operation.time_to_first_chunk")
USERS = ("userId", "user_id", "user")
SESSIONS = ("sessionId", "session_id", "threadId", "thread_id", "conversationId", "conversation_id", "chatId")
WITHOUT_SCHEMA = "JSON was asked for, and its schema is not in the span: the replay asks without it"


def usage_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Token counts under the canonical names; the input is the total."""
    return {name: first(attributes, *names) for name, names in USAGE.items()}


def params_of(attributes: Mapping[str, Any], warnings: list[str]) -> dict[str, Any]:
    """The parameters of the request in OpenAI's names."""
    logged = base.mapping(attributes.get("llm.invocation_parameters"))
    params = {name: value for name, value in logged.items() if name in INVOCATION and value is not None}
    if "stop_sequences" in logged and "stop" not in params:
        params["stop"] = logged["stop_sequences"]
    for name, names in PARAMS.items():
        value = first(attributes, *names)
        if value is not None:
            params[name] = base.structured(value) if name == "stop" else value
    tools = tools_of(attributes.get("gen_ai.tool.definitions")) or tools_of(params.get("tools"))
    if tools := tools or tools_of(listed_tools(attributes)):
        params["tools"] = tools
    if "tool_choice" in params:
        params["tool_choice"] = tool_choice_of(params["tool_choice"])
    if "response_format" not in params and (form := response_format_of(attributes, warnings)):
        params["response_format"] = form
    return params


def listed_tools(attributes: Mapping[str, Any]) -> list[Any]:
    """Tool definitions in numbered attributes, as OpenLLMetry and OpenInference write them."""
    schemas = (base.mapping(item) for item in grouped(attributes, "llm.tools"))
    tools = [base.mapping(item.get("tool")).get("json_schema", item.get("tool.json_schema")) for item in schemas]
    return [tool for tool in tools if tool] or grouped(attributes, "llm.request.functions")


def response_format_of(attributes: Mapping[str, Any], warnings: list[str]) -> dict[str, Any] | None:
    """The schema that the answer had to follow, as OpenAI's response format."""
    schema = base.mapping(first(attributes, *SCHEMAS))
    if schema:
        name = base.text_or_none(attributes.get("ai.schema.name")) or "response"
        return {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}
    if attributes.get("gen_ai.openai.request.response_format") == "json_object":
        return {"type": "json_object"}
    if str(first(attributes, *RESPONSE_FORMATS)).startswith("json"):
        base.note(warnings, WITHOUT_SCHEMA)
    return None


def with_prefix(attributes: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The attributes under a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in attributes.items() if str(name).startswith(prefix)}


def identities_of(metadata: Mapping[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """The user, the session and the rest of an application's metadata: what names a person is kept hashed only."""
    rest = {name: value for name, value in metadata.items() if name not in (*USERS, *SESSIONS)}
    return first(metadata, *USERS), first(metadata, *SESSIONS), rest


def first_chunk_ms(attributes: Mapping[str, Any]) -> float | None:
    """The time to the first chunk in ms, from an attribute in seconds."""
    seconds = base.number(first(attributes, *FIRST_CHUNK_SECONDS), "ttft", [])
    return None if seconds is None else seconds * 1000


def first_of(value: Any) -> Any:
    """The first of a list, or of a list in JSON text; a plain value as it stands."""
    found = base.structured(value)
    return (found[0] if found else None) if isinstance(found, list) else found
