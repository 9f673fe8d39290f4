"""The parameters of a request among all that a tracing tool notes beside a call."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any

from cqtui.importers import base
from cqtui.importers.params import params_of

LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
SAMPLING = ("temperature", "top_p", "top_k", "min_p", "seed", "n", "top_logprobs")
NUMBERS = frozenset((*LIMITS, *SAMPLING, "frequency_penalty", "presence_penalty", "repetition_penalty"))
TOOLS = ("tools", "tool_choice", "parallel_tool_calls")
FORMS = ("stop", "response_format", "reasoning_effort", "verbosity", "modalities", "logprobs", "logit_bias")
KNOWN = NUMBERS.union(TOOLS, FORMS, ("service_tier", "stream", "web_search_options"))
RENAMED = {"max_tokens_to_sample": "max_tokens", "max_new_tokens": "max_tokens"}
UNSET: tuple[Any, ...] = (None, "", [], {})
WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@lru_cache(maxsize=4096)
def snake_case(name: str) -> str:
    """A field's name in snake case, whichever of the two ways a tool writes it."""
    return WORD.sub("_", name).lower()


def parameters_of(noted: Any) -> dict[str, Any]:
    """What of the notes is a parameter of the request, under OpenAI's names and with usable values.

    Tools note unset parameters as "Infinity" or -1, numbers as text, and their own settings beside all of these.
    """
    given = {snake_case(name): value for name, value in base.mapping(noted).items() if value not in UNSET}
    for name, ours in RENAMED.items():
        if name in given:
            given.setdefault(ours, given[name])
    params: dict[str, Any] = {}
    for name, value in params_of(given, ()).items():
        if name in NUMBERS:
            found = number_of(value)
            if found is not None and (name not in LIMITS or found > 0):
                params[name] = found
        elif name in KNOWN:
            params[name] = base.structured(value)
    if params.get("tool_choice") == "any":
        params["tool_choice"] = "required"
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
