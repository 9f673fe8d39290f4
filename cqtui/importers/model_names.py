"""The name that a model's maker gives it, where a cloud serves it under another; and who the maker is."""

from __future__ import annotations

import re
from functools import lru_cache

# An inference profile's region, the maker, the model, and the version of Bedrock's packaging.
_BEDROCK = re.compile(
    r"(?:arn:[^/]*/)?(?:[a-z][a-z-]{1,9}\.)?anthropic\.(claude-[a-z0-9.-]+?)(?:-v\d+(?::\w+)*)?", re.I
)
_VERTEX = re.compile(r"(?:.*publishers/anthropic/models/)?(claude-[a-z0-9.-]+)(?:@(\d{8}|default|latest))?", re.I)
_AZURE = re.compile(r"gpt-35-(.+)", re.I)


@lru_cache(maxsize=4096)
def maker_name(model: str) -> str:
    """The maker's own name of a model that is named as Bedrock, Vertex or Azure do; any other stays as it is."""
    if found := _BEDROCK.fullmatch(model):
        return found[1]
    if found := _VERTEX.fullmatch(model):
        dated = found[2] or ""
        return f"{found[1]}-{dated}" if dated.isdigit() else found[1]
    if found := _AZURE.fullmatch(model):
        return f"gpt-3.5-{found[1]}"
    return model


@lru_cache(maxsize=4096)
def maker_of(model: str) -> str | None:
    """The provider that a model's name stands for where a tool does not note one; None where it is not known."""
    from genai_prices.data_snapshot import get_snapshot  # slow to import, and not every log needs it

    try:
        return get_snapshot().find_provider(model, None, None).id
    except LookupError:
        return None
