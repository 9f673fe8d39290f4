"""Takes answers apart for editing and for scoring: sentences, JSON values, tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SHORT_WORDS = 4
_SENTENCE = re.compile(r"\S.*?(?:[.!?](?=\s|\Z)|(?=\n)|\Z)\s*", re.S)
_LETTER = re.compile(r"[^\W\d_]")
_FENCE = re.compile(r"\A(\s*```(?:json)?[ \t]*\n)(.*?)(\n?```\s*)\Z", re.S | re.I)
_TOKEN = re.compile(r"\w{1,6}|[^\w\s]")

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class JsonBody:
    """A JSON object or array, with the code fence that stood around it."""

    value: Any
    before: str = ""
    after: str = ""
    indented: bool = False

    def render(self, value: Any) -> str:
        """Another value in the same dress."""
        return self.before + json.dumps(value, ensure_ascii=False, indent=2 if self.indented else None) + self.after


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def json_body(text: str) -> JsonBody | None:
    """Read an answer as a JSON object or array, fenced or bare; None where it is neither."""
    fenced = _FENCE.match(text)
    before, body, after = fenced.groups() if fenced else ("", text, "")
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return JsonBody(value, before, after, "\n" in body.strip()) if isinstance(value, dict | list) else None


def leaves(value: Any, path: Path = ()) -> dict[Path, Any]:
    """The values at the ends of a JSON value, by path; an empty object or array is such an end."""
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, Mapping):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    if not items:
        return {path: value}
    return {found: leaf for key, item in items for found, leaf in leaves(item, (*path, key)).items()}


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text with the white space after them; a bare "1." belongs to what follows."""
    found: list[str] = []
    for piece in _SENTENCE.findall(text):
        if found and not _LETTER.search(found[-1]) and "\n" not in found[-1]:
            found[-1] += piece
        else:
            found.append(piece)
    return found


def is_short(text: str) -> bool:
    """Whether an answer is a label: a few words on one line."""
    return 0 < len(text.split()) <= SHORT_WORDS and len(text) < 60 and "\n" not in text.strip()


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text by pieces of words and punctuation; at least 1."""
    return max(1, len(_TOKEN.findall(text)))
