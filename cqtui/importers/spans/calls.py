"""What the span of a call says beside its messages: usage, parameters, identities and times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.apis.usage import known_usage
from cqtui.importers.base import first_of
from cqtui.importers.params import known_params
from cqtui.importers.spans.otlp import grouped
from cqtui.importers.times import in_milliseconds
from cqtui.importers.tools import tools_of

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
SEEDS = ("gen_ai.request.seed", "gen_ai.openai.request.seed")
RESPONSE_FORMATS = ("gen_ai.output.type", "gen_ai.openai.request.response_format")
SCHEMAS = ("ai.schema", "gen_ai.request.structured_output_schema")
SERVICE_TIERS = ("openai.response.service_tier", "gen_ai.openai.response.service_tier")
FIRST_CHUNK_SECONDS = ("gen_ai.response.time_to_first_chunk", "gen_ai.client.operation.time_to_first_chunk")
WITHOUT_SCHEMA = "JSON was asked for, and its schema is not in the span: the replay asks without it"


def usage_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Token counts under the canonical names; the input is the total."""
    return known_usage({name: first_of(attributes, *names) for name, names in USAGE.items()})


def request_params(attributes: Mapping[str, Any], warnings: list[str]) -> dict[str, Any]:
    """The parameters of the request in OpenAI's names; what they cannot say is added to the warnings."""
    params = known_params(attributes.get("llm.invocation_parameters")) | known_params(
        with_prefix(attributes, "gen_ai.request.")
    )
    params.pop("stream", None)  # how the answer was delivered
    if (seed := first_of(attributes, *SEEDS)) is not None:
        params["seed"] = seed
    if tools := tools_in(attributes):
        params["tools"] = tools
    if "response_format" not in params and (form := response_format_of(attributes, warnings)):
        params["response_format"] = form
    return params


def tools_in(attributes: Mapping[str, Any]) -> list[Any]:
    """The tools that a span lists: GenAI's in one attribute, OpenLLMetry's and OpenInference's in numbered ones."""
    if tools := tools_of(attributes.get("gen_ai.tool.definitions")):
        return tools
    listed = [base.mapping(item) for item in grouped(attributes, "llm.tools")]
    inner = [base.mapping(item.get("tool")) or item for item in listed]
    found = tools_of([first_of(item, "json_schema", "tool.json_schema") or item for item in inner])
    return found or tools_of(grouped(attributes, "llm.request.functions"))


def response_format_of(attributes: Mapping[str, Any], warnings: list[str]) -> dict[str, Any] | None:
    """The schema that the answer had to follow, as OpenAI's response format."""
    schema = base.mapping(first_of(attributes, *SCHEMAS))
    if schema:
        name = base.text_or_none(attributes.get("ai.schema.name")) or "response"
        return {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}
    if attributes.get("gen_ai.openai.request.response_format") == "json_object":
        return {"type": "json_object"}
    if str(first_of(attributes, *RESPONSE_FORMATS)).startswith("json"):
        base.note(warnings, WITHOUT_SCHEMA)
    return None


def with_prefix(attributes: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The attributes under a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in attributes.items() if str(name).startswith(prefix)}


def first_chunk_ms(attributes: Mapping[str, Any]) -> float | None:
    """The time to the first chunk in ms, from an attribute in seconds."""
    return in_milliseconds(first_of(attributes, *FIRST_CHUNK_SECONDS))


def first_item(value: Any) -> Any:
    """The first of a list, or of a list in JSON text; a plain value as it stands."""
    found = base.structured(value)
    return (found[0] if found else None) if isinstance(found, list) else found
