"""Token counts of vendors' responses: where each vendor states them, and what its counts leave out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base

UNREADABLE = "usage is not readable, read as unknown"

_NAMES = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cached_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "output_reasoning_tokens": "reasoning_tokens",
}
# What genai-prices insists on, though a log may not state it.
_SIDES = ("input_tokens", "output_tokens")
_REQUIRED = {"anthropic": _SIDES, "openai": _SIDES}


def vendor_usage(usage: Any, provider: str, flavor: str, root: str = "usage") -> tuple[dict[str, Any], tuple[str, ...]]:
    """The counts under the names of ``Usage``, and what was odd about them.

    Args:
        usage: The usage object of a response.
        provider: The vendor, as genai-prices calls it.
        flavor: The vendor's API, likewise.
        root: The name under which the response holds the usage.
    """
    given = {name: value for name, value in usage.items() if value is not None} if isinstance(usage, Mapping) else {}
    if not given:
        return {}, ()
    unknown = [side for side in _REQUIRED.get(provider, ()) if side not in given]
    from genai_prices import extract_usage  # slow to import, and of no use to most logs

    try:
        holder = {root: dict.fromkeys(unknown, 0) | given}
        found = extract_usage(holder, provider_id=provider, api_flavor=flavor).usage
    except (ValueError, LookupError):
        return {}, (UNREADABLE,)
    # Its attributes say 0 for what the response did not state; what it did state is what the object holds.
    stated = vars(found)
    return {name: stated[theirs] for theirs, name in _NAMES.items() if theirs in stated and name not in unknown}, ()


def known_usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """The counts, or none of them where all are zeros: no call has an empty prompt, so nobody counted."""
    zeros = all(value in (None, "") or base.number(value, "", []) == 0 for value in usage.values())
    return {} if zeros else dict(usage)


def whole_output(asked: Any, answered: Any, reasoning: Any, total: Any) -> Any:
    """The output tokens with reasoning tokens inside: some services count those apart, which only the total tells."""
    counts = (asked, answered, reasoning, total)
    if all(type(count) is int for count in counts) and reasoning and total == asked + answered + reasoning:
        return answered + reasoning
    return answered
