"""Langfuse's token counts, whose input and output often leave out what stands beside them under names of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import first_of, snake_case

INPUT = ("input", "input_tokens", "prompt_tokens")
OUTPUT = ("output", "output_tokens", "completion_tokens")
TOTAL = ("total", "total_tokens")
CACHED = (
    "input_cached_tokens",
    "cache_read_input_tokens",
    "input_cache_read",
    "input_cache_read_input_tokens",
    "cached_input_tokens",
    "cached_tokens",
    "input_cached",
)
WRITTEN = (
    "input_cache_creation",
    "cache_creation_input_tokens",
    "input_cache_creation_input_tokens",
    "input_cache_write",
    "input_cache_write_tokens",
    "cache_write_input_tokens",
)
REASONING = ("output_reasoning_tokens", "reasoning_tokens", "output_reasoning")
# The row's own columns, where it has no details.
COLUMNS = {
    "input": ("input_usage", "prompt_tokens", "input_tokens"),
    "output": ("output_usage", "completion_tokens", "output_tokens"),
    "total": ("total_usage", "total_tokens"),
}


def usage_of(row: Mapping[str, Any], warnings: list[str]) -> dict[str, int | None]:
    """The usage with cached tokens inside the input and reasoning tokens inside the output.

    Args:
        row: An observation, its fields in snake case.
        warnings: Is told where the counts do not add up to their total.
    """
    logged = base.mapping(row.get("usage_details")) or base.mapping(row.get("usage"))
    unit = base.text_or_none(logged.get("unit"))
    if unit is not None and unit.upper() != "TOKENS":
        base.note(warnings, f"usage in {unit[:20].lower()} left out")
        return {}
    if not logged:
        logged = {name: next((row[one] for one in names if one in row), None) for name, names in COLUMNS.items()}
    counts: dict[str, int] = {}
    for name, value in logged.items():
        if name != "unit" and not name.lower().endswith("cost"):
            found = base.count(value, name, warnings if name in INPUT + OUTPUT else [])
            if found is not None:
                counts[snake_case(name)] = found
    return whole(counts, warnings)


def whole(counts: dict[str, int], warnings: list[str]) -> dict[str, int | None]:
    """The usage in counts of which some may stand apart from the input and output that they belong to.

    What stands apart is found by the total; without a total that fits, by Langfuse's own rule: counts named after a
    side were taken out of it, and cached tokens always.
    """
    asked, answered, total = (first_of(counts, *names) for names in (INPUT, OUTPUT, TOTAL))
    cached, written, reasoning = (first_of(counts, *names) for names in (CACHED, WRITTEN, REASONING))
    if not written:  # by lifetime; where the sum is there too, these are its parts
        lifetimes = [value for name, value in counts.items() if "ephemeral" in name]
        written = sum(lifetimes) if lifetimes else written
    named = {name: value for name, value in counts.items() if name not in INPUT + OUTPUT and "ephemeral" not in name}
    beside = (cached or 0) + (written or 0)
    beside += sum(value for name, value in named.items() if name.startswith("input_") and name not in CACHED + WRITTEN)
    after = sum(value for name, value in named.items() if name.startswith("output_") and name not in REASONING)
    after += reasoning or 0
    is_inside = "reasoning_tokens" in counts and not any(name.startswith("output_") for name in named)
    ways = [(beside, after), (0, 0), (beside, 0), (0, after)]
    fits = [way for way in ways if total == (asked or 0) + (answered or 0) + sum(way)]
    added = fits[0] if fits else (beside, 0 if is_inside else after)
    if not fits and total is not None and beside + after:
        base.note(warnings, "token counts do not add up to their total: cached tokens were added to the input")
    return {
        "input_tokens": None if asked is None else asked + added[0],
        "output_tokens": None if answered is None else answered + added[1],
        "cached_tokens": cached,
        "cache_write_tokens": written,
        "reasoning_tokens": reasoning,
    }
