"""The parameters of a request, whichever vendor's words they are in, in OpenAI's: what a replay sends."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cqtui.importers.base import mapping, note, snake_case, structured
from cqtui.importers.tools import tool_choice_of, tools_of

LIMITS = ("max_tokens", "max_completion_tokens")
SAMPLING = ("temperature", "top_p", "top_k", "min_p", "seed", "n", "top_logprobs")
NUMBERS = frozenset((*LIMITS, *SAMPLING, "frequency_penalty", "presence_penalty", "repetition_penalty"))
TOOLS = ("tools", "tool_choice", "parallel_tool_calls")
FORMS = ("stop", "response_format", "reasoning_effort", "verbosity", "modalities", "logprobs", "logit_bias")
KNOWN = NUMBERS.union(TOOLS, FORMS, ("service_tier", "stream", "web_search_options"))

_RENAMED = {"max_tokens_to_sample": "max_tokens", "max_new_tokens": "max_tokens"}
_UNSET: tuple[Any, ...] = (None, "", [], {})
_BESIDE_TOOLS = frozenset(TOOLS)
# The names under which something may stand that is not in OpenAI's shape.
_OTHER_SHAPES = frozenset(
    {"functions", "function_call", "tools", "tool_choice", "stop_sequences", "text", "output_config", "output_format"}
    | {"reasoning", "thinking", "max_output_tokens"}
)


def params_of(request: Mapping[str, Any], leave_out: tuple[str, ...], notes: list[str] | None = None) -> dict[str, Any]:
    """The parameters of a request in OpenAI's names and shapes; other vendors' and legacy ones are brought into them.

    Args:
        request: The request, or its parameters alone.
        leave_out: Names of the request that are no parameters.
        notes: Takes what had to be left out.
    """
    params = {key: value for key, value in request.items() if key not in leave_out} if leave_out else dict(request)
    if _OTHER_SHAPES.isdisjoint(params):
        return params
    _tools(params)
    if "stop_sequences" in params:
        params.setdefault("stop", params.pop("stop_sequences"))
    if "max_output_tokens" in params:
        params.setdefault("max_completion_tokens", params.pop("max_output_tokens"))
    _formats(params)
    _reasoning(params, [] if notes is None else notes)
    return params


def known_params(noted: Any) -> dict[str, Any]:
    """What of all that a tool notes beside a call is a parameter of the request, with usable values.

    Tools note unset parameters as "Infinity" or -1, numbers as text, and headers and settings of their own.

    Args:
        noted: An object or JSON text of one, its names in snake case or camel case, of any vendor.
    """
    given = {snake_case(name): value for name, value in mapping(noted).items() if value not in _UNSET}
    for name, ours in _RENAMED.items():
        if name in given:
            given.setdefault(ours, given[name])
    params: dict[str, Any] = {}
    for name, value in params_of(given, ()).items():
        if name in NUMBERS:
            found = _number(value)
            if found is not None and (name not in LIMITS or found > 0):
                params[name] = found
        elif name in KNOWN:
            params[name] = structured(value)
    return params


def without_idle_tool_settings(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters without what APIs take beside tools alone, where there are none: an empty list is refused, too."""
    if params.get("tools") or _BESIDE_TOOLS.isdisjoint(params):
        return dict(params)
    return {name: value for name, value in params.items() if name not in _BESIDE_TOOLS}


def json_schema_format(form: Mapping[str, Any]) -> dict[str, Any]:
    """A response format that has its schema beside its type, with the schema inside as OpenAI's chat takes it."""
    if form.get("type") != "json_schema" or "json_schema" in form:
        return dict(form)
    inner = {key: form[key] for key in ("name", "description", "schema", "strict") if form.get(key) is not None}
    return {"type": "json_schema", "json_schema": {"name": "answer", **inner}}


def _tools(params: dict[str, Any]) -> None:
    functions = params.pop("functions", None)
    if isinstance(functions, list) and "tools" not in params:
        params["tools"] = [{"type": "function", "function": function} for function in functions]
    choice = params.pop("function_call", None)
    if choice is not None and "tool_choice" not in params:
        params["tool_choice"] = choice if isinstance(choice, str) else {"type": "function", "function": choice}
    if isinstance(tools := structured(params.get("tools")), list):
        params["tools"] = tools_of(tools)
    if isinstance(choice := structured(params.get("tool_choice")), str | dict):
        if isinstance(choice, dict) and choice.get("disable_parallel_tool_use") is True:
            params["parallel_tool_calls"] = False
        params["tool_choice"] = tool_choice_of(choice)


def _formats(params: dict[str, Any]) -> None:
    """The form that the answer must have, from where Responses and Anthropic state it."""
    text, config, old = params.get("text"), params.get("output_config"), params.get("output_format")
    stated: list[Any] = [old]
    if isinstance(text, dict):
        del params["text"]
        stated.append(text.get("format"))
        if text.get("verbosity") is not None:
            params.setdefault("verbosity", text["verbosity"])
    if isinstance(config, dict):
        del params["output_config"]
        stated.append(config.get("format"))
        if isinstance(config.get("effort"), str):
            params.setdefault("reasoning_effort", config["effort"])
    for form in stated:
        if isinstance(form, dict):
            params.pop("output_format", None)
            if form.get("type") != "text":
                params.setdefault("response_format", json_schema_format(form))


def _reasoning(params: dict[str, Any], notes: list[str]) -> None:
    """The effort of reasoning, where the request states one; a budget of tokens is none."""
    reasoning = params.get("reasoning")
    if isinstance(reasoning, dict):
        effort = reasoning.get("effort")
        if isinstance(effort, str):
            params.setdefault("reasoning_effort", effort)
        if isinstance(effort, str) or not any(value for key, value in reasoning.items() if "summary" not in key):
            del params["reasoning"]
    thinking = params.pop("thinking", None)
    if isinstance(thinking, dict) and thinking.get("type") != "disabled" and "reasoning_effort" not in params:
        note(notes, "thinking without an effort left out of the parameters")


def _number(value: Any) -> int | float | None:
    """A number, also from its text; None for anything else, and for infinity."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, int):
        return value
    try:
        found = float(value)
    except ValueError:
        return None
    if not math.isfinite(found):
        return None
    return int(found) if isinstance(value, str) and found.is_integer() else found
