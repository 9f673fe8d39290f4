"""Takes a TOML text apart into its statements, without losing a byte."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

KeyPath = tuple[str | int, ...]

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}=\n]",
    re.DOTALL,
)
_PART = re.compile(r"""[ \t]*("(?:\\.|[^"\\\n])*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*""")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Statement:
    """A table's header, a key with its value, or a line of neither.

    Attributes:
        text: As it stands in the file, its newline included; a value over several lines is one statement.
        line: The number of its first line, from 1.
        kind: ``table`` and ``array`` are the headers ``[x]`` and ``[[x]]``; ``other`` is a comment or a blank line.
        path: The full name of the table or key; an entry of an array of tables is named by its position. Of ``other``
            the table that it stands in.
    """

    text: str
    line: int
    kind: Literal["table", "array", "entry", "other"]
    path: KeyPath = ()


def statements(text: str) -> list[Statement]:
    """Take apart the text of a valid TOML document whose newlines are line feeds; joined, the texts are that text."""
    found: list[Statement] = []
    section: KeyPath = ()
    arrays: dict[KeyPath, int] = {}
    line = 1
    for piece in _pieces(text):
        stripped = piece.lstrip(" \t")
        if stripped.startswith("["):
            is_array = stripped.startswith("[[")
            *parents, last = split_key(stripped.lstrip("["))
            parent = _resolved(parents, arrays)
            if is_array:
                arrays[(*parent, last)] = arrays.get((*parent, last), -1) + 1
            section = _resolved([last], arrays, parent)
            found.append(Statement(piece, line, "array" if is_array else "table", section))
        elif stripped.strip() and not stripped.startswith("#"):
            found.append(Statement(piece, line, "entry", (*section, *split_key(stripped))))
        else:
            found.append(Statement(piece, line, "other", section))
        line += piece.count("\n")
    return found


def _pieces(text: str) -> Iterable[str]:
    start = depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in ("[", "{"):
            depth += 1
        elif token[0] in ("]", "}"):
            depth -= 1
        elif token[0] == "\n" and depth == 0:
            yield text[start : token.end()]
            start = token.end()
    if start < len(text):
        yield text[start:]


def _resolved(names: Iterable[str], arrays: dict[KeyPath, int], parent: KeyPath = ()) -> KeyPath:
    """The full name, with the position of the entry that is open in each array on the way."""
    path = parent
    for name in names:
        path = (*path, name)
        if path in arrays:
            path = (*path, arrays[path])
    return path


def split_key(text: str) -> tuple[str, ...]:
    """The parts of the dotted key at the beginning of a text: ``a."b.c" = 1`` -> ``("a", "b.c")``."""
    parts: list[str] = []
    at = 0
    while (part := _PART.match(text, at)) is not None:
        name = part[1]
        parts.append(tomllib.loads(f"k = {name}")["k"] if name[0] in "\"'" else name)
        at = part.end()
        if text[at : at + 1] != ".":
            break
        at += 1
    return tuple(parts)


def value_span(entry: str) -> tuple[int, int]:
    """Where the value of an entry's text begins and ends, without spaces and the comment behind it."""
    depth, begin, end = 0, None, len(entry)
    for token in _TOKEN.finditer(entry):
        if begin is None:
            begin = token.end() if token[0] == "=" else None
        elif token[0] in ("[", "{"):
            depth += 1
        elif token[0] in ("]", "}"):
            depth -= 1
        elif depth == 0 and token[0][0] in "#\n":
            end = token.start()
            break
    assert begin is not None, "an entry has a value"
    value = entry[begin:end]
    return end - len(value.lstrip()), begin + len(value.rstrip())


def comments(text: str) -> list[str]:
    """The comments of a TOML text, each with its ``#``, without the spaces behind it."""
    return [token[0].rstrip() for token in _TOKEN.finditer(text) if token[0].startswith("#")]


def is_bare(name: str) -> bool:
    """Whether a key may be written without quotes."""
    return _BARE.fullmatch(name) is not None
