"""The columns that a table of calls may have, and under which names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

# The canonical field, and the names it is known by; the first that is there is taken.
ALIASES: dict[str, tuple[str, ...]] = {
    "messages": ("messages",),
    "prompt": ("prompt", "input", "question", "instruction", "query", "user"),
    "completion": ("completion", "response", "output", "answer", "generation"),
    "system": ("system", "system prompt"),
    "model": ("model",),
    "provider": ("provider",),
    "id": ("id",),
    "time": ("timestamp", "created_at", "time"),
    "input_tokens": ("prompt_tokens", "input_tokens"),
    "output_tokens": ("completion_tokens", "output_tokens"),
    "cached_tokens": ("cached_tokens",),
    "reasoning_tokens": ("reasoning_tokens",),
    "latency": ("latency_ms", "latency", "duration_ms", "duration"),
    "cost": ("cost_usd", "cost"),
    "score": ("score", "rating", "feedback"),
    "finish_reason": ("finish_reason",),
    "user": ("user", "user_id"),
    "session": ("session", "session_id"),
}
SEPARATORS = re.compile(r"[\s_.-]+")


def plain_name(name: str) -> str:
    """A column's name without case, spaces and underscores."""
    return SEPARATORS.sub("", name).casefold()


FIELDS = {field: tuple(map(plain_name, aliases)) for field, aliases in ALIASES.items()}
KNOWN = frozenset(name for names in FIELDS.values() for name in names)
PROMPTS = frozenset((*FIELDS["prompt"], *FIELDS["messages"]))


def known_columns(names: Iterable[str]) -> int:
    """How many of the names are those of a known column."""
    return sum(plain_name(name) in KNOWN for name in names)


@lru_cache(maxsize=256)
def has_prompt(names: tuple[str, ...]) -> bool:
    """Whether one of the columns holds prompts."""
    return any(plain_name(name) in PROMPTS for name in names)


@lru_cache(maxsize=256)
def columns_of(names: tuple[str, ...]) -> Mapping[str, str]:
    """The name of the column of each field that is there; a column serves one field."""
    there: dict[str, str] = {}
    for name in names:
        there.setdefault(plain_name(name), name)
    found: dict[str, str] = {}
    for field, aliases in FIELDS.items():
        free = [there[alias] for alias in aliases if alias in there and there[alias] not in found.values()]
        if free:
            found[field] = free[0]
    return found
