"""Says in one line what is wrong with a TOML file, and on which line of it."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from cqtui.errors import BadInputError
from cqtui.toml.lines import KeyPath, statements


def parse_toml(text: str, file: str) -> dict[str, Any]:
    """Read a TOML text, fractions as Decimal.

    Raises:
        BadInputError: It is not TOML, or it holds numbers or nesting beyond all measure.
    """
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        what = error if isinstance(error, ValueError) else "a number or the nesting is too large to read"
        raise BadInputError(f"{file}: not TOML: {one_line(str(what))}.") from None


def one_line(text: str) -> str:
    """A name from a file as it can stand in a sentence: what cannot be printed is escaped."""
    return text if text.isprintable() else repr(text)[1:-1]


def place(file: str, text: str, path: Sequence[str | int]) -> str:
    """``file:line`` of a key or table, or of the nearest that holds it; ``file`` where nothing of it is written."""
    wanted = _names(path)
    best, line = 0, None
    for statement in statements(text.replace("\r\n", "\n")):
        shared = _shared(wanted, _names(statement.path)) if statement.kind != "other" else 0
        if shared > best:
            best, line = shared, statement.line
    return f"{file}:{line}" if line else file


def _names(path: Sequence[str | int]) -> KeyPath:
    return tuple(part for part in path if isinstance(part, str))


def _shared(wanted: KeyPath, found: KeyPath) -> int:
    """How many parts two names share, 0 where the one found does not hold the one wanted nor stands in it."""
    pairs = list(zip(wanted, found, strict=False))
    return len(pairs) if all(one == other for one, other in pairs) else 0


def nearest(name: str, known: Sequence[str]) -> str:
    """A hint for a name that is not known: the nearest one, else all of them."""
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f'Did you mean "{one_line(near[0])}"?'
    return f"Known here: {', '.join(map(one_line, known))}." if known else ""


def unknown_key(where: str, key: str, known: Sequence[str]) -> BadInputError:
    """The error for a key that does not belong where it stands."""
    return BadInputError(f'{where}: unknown key "{one_line(key)}".', nearest(key, known))


def wrong_value(where: str, path: Sequence[str | int], error: ValidationError) -> BadInputError:
    """The error for the first value that a check of pydantic refused; ``path`` is its name in the file."""
    first = error.errors()[0]
    found = first.get("input")
    shown = str(found) if isinstance(found, Decimal) else repr(found)
    name = one_line(".".join(map(str, path)))
    return BadInputError(f"{where}: {name}: {first['msg'].lower().removeprefix('value error, ')} (found {shown}).")
