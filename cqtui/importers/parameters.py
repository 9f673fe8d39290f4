"""The parameters of a request among all that a tracing tool notes beside a call."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cqtui.importers import base
from cqtui.importers.messages import params_of

LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
SAMPLING = ("temperature", "top_p", "top_k", "min_p", "seed", "n", "top_logprobs")
NUMBERS = frozenset((*LIMITS, *SAMPLING, "frequency_penalty", "presence_penalty", "repetition_penalty"))
TOOLS = ("tools", "tool_choice", "parallel_tool_calls")
FORMS = ("stop", "response_format", "reasoning_effort", "verbosity", "thinking", "modalities", "logprobs", "logit_bias")
KNOWN = NUMBERS.union(TOOLS, FORMS, ("service_tier", "stream"))
RENAMED = {"stop_sequences": "stop", "max_tokens_to_sample": "max_tokens", "max_new_tokens": "max_tokens"}
WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
CHOICES = {"auto": "auto", "any": "required", "none": "none"}


@lru_cache(maxsize=4096)
def snake_case(name: str) -> str:
    """A field's name in snake case, whichever of the two ways a tool writes it."""
    return WORD.sub("_", name).lower()


def parameters_of(noted: Any) -> dict[str, Any]:
    """What of the notes is a parameter of the request, under OpenAI's names and with usable values.

    Tools note unset parameters as "Infinity" or -1, numbers as text, and their own settings beside all of these.
    """
    given = {snake_case(name): value for name, value in base.mapping(noted).items()}
    params: dict[str, Any] = {}
    if effort := base.text_or_none(base.mapping(given.get("reasoning")).get("effort")):
        params["reasoning_effort"] = effort
    if form := base.mapping(base.mapping(given.get("text")).get("format")):
        schema = {key: value for key, value in form.items() if key != "type"}
        params["response_format"] = {"type": form.get("type"), **({"json_schema": schema} if schema else {})}
    for name, value in params_of(given, ()).items():
        name = RENAMED.get(name, name)
        if name not in KNOWN or value in (None, "", [], {}):
            continue
        if name in NUMBERS:
            value = number_of(value)
            if value is None or (name in LIMITS and value <= 0):
                continue
            params.setdefault(name, value)
        elif name == "tools":
            value = base.structured(value)
            params["tools"] = [tool_of(tool) for tool in value] if isinstance(value, list) else value
        elif name == "tool_choice":
            params["tool_choice"] = tool_choice_of(base.structured(value))
        else:
            params.setdefault(name, base.structured(value))
    return params


def number_of(value: Any) -> int | float | None:
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


def tool_of(tool: Any) -> Any:
    """A tool's definition in the shape of OpenAI's chat completions; unchanged where it is none that is known."""
    tool = base.structured(tool)
    if not isinstance(tool, Mapping) or "function" in tool or not isinstance(tool.get("name"), str):
        return tool
    schema = base.mapping(tool.get("input_schema") or tool.get("parameters"))
    if tool.get("type") not in (None, "custom", "function") or not (schema or tool.get("description")):
        return tool
    function = {"name": tool["name"], "parameters": schema or {"type": "object", "properties": {}}}
    if isinstance(tool.get("description"), str):
        function["description"] = tool["description"]
    if isinstance(tool.get("strict"), bool):
        function["strict"] = tool["strict"]
    return {"type": "function", "function": function}


def tool_choice_of(choice: Any) -> Any:
    """A tool choice in OpenAI's shape, also where it was Anthropic's."""
    if not isinstance(choice, Mapping):
        return "required" if choice == "any" else choice
    kind = choice.get("type")
    if kind == "tool" and isinstance(choice.get("name"), str):
        return {"type": "function", "function": {"name": choice["name"]}}
    return CHOICES.get(kind, dict(choice)) if isinstance(kind, str) else dict(choice)
