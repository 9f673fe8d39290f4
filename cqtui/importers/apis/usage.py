"""Token counts of vendors' responses, as the tables of genai-prices say where each vendor states them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNREADABLE = "usage is not readable, read as unknown"

_NAMES = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cached_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "output_reasoning_tokens": "reasoning_tokens",
}


def vendor_usage(usage: Any, provider: str, flavor: str, root: str = "usage") -> tuple[dict[str, Any], tuple[str, ...]]:
    """The counts under the names of ``Usage``, and what was odd about them.

    Args:
        usage: The usage object of a response.
        provider: The vendor, as genai-prices calls it.
        flavor: The vendor's API, likewise.
        root: The name under which the response holds the usage.
    """
    if not isinstance(usage, Mapping) or not usage:
        return {}, ()
    from genai_prices import extract_usage  # slow to import, and of no use to most logs

    try:
        found = extract_usage({root: dict(usage)}, provider_id=provider, api_flavor=flavor).usage
    except (ValueError, LookupError):
        return {}, (UNREADABLE,)
    # Its attributes say 0 for what the response did not state; what it did state is what the object holds.
    stated = vars(found)
    return {name: stated[theirs] for theirs, name in _NAMES.items() if theirs in stated}, ()
