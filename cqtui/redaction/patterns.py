"""The user's own patterns. RE2 runs them: its time grows with the text's length alone, whatever the pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from cqtui.redaction.spans import Span

MOST_PATTERNS = 50
LONGEST_PATTERN = 1000
BUILT_IN = ("EMAIL", "PHONE", "CARD", "IBAN", "IP", "KEY", "PRIVATE_KEY")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,30}")
_MEMORY = 8 << 20  # bytes, of a compiled pattern and its automaton


def compiled(patterns: Mapping[str, str]) -> tuple[tuple[str, Any], ...]:
    """The patterns ready for use, each with the kind that its placeholders show.

    Args:
        patterns: Names to regular expressions in RE2's syntax, which has neither lookarounds nor back references.

    Raises:
        ValueError: A name or a pattern is of no use; one line that says which, and why.
    """
    check_names(patterns)
    return tuple((name.upper(), compiled_pattern(pattern)) for name, pattern in patterns.items())


def check_names(names: Iterable[str]) -> None:
    """Raise ValueError where a name cannot stand in a placeholder, is taken, or is one too many."""
    kinds: dict[str, str] = {}
    for name in names:
        kind = name.upper()
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"the name {name[:40]!r} is not letters, digits and underscores, a letter first")
        if kind in BUILT_IN:
            raise ValueError(f"the name {name} is taken by what is always found; choose another")
        if kind in kinds:
            raise ValueError(f"the names {kinds[kind]} and {name} differ in case alone")
        kinds[kind] = name
    if len(kinds) > MOST_PATTERNS:
        raise ValueError(f"{len(kinds)} patterns, at most {MOST_PATTERNS} are allowed")


def compiled_pattern(pattern: str) -> Any:
    """One pattern ready for use; raises ValueError, in one line that says why, where it is of no use."""
    import re2

    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"{len(pattern)} characters, at most {LONGEST_PATTERN} are allowed")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        regex = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"not a pattern of RE2, which has no lookarounds and no back references: {reason}") from None
    except UnicodeError:
        raise ValueError("not valid Unicode") from None
    if regex.search("") is not None:
        raise ValueError("it matches the empty text, so it would match everywhere")
    return regex


def find_own(text: str, patterns: Iterable[tuple[str, Any]]) -> list[Span]:
    """What the user's patterns match in a text."""
    # RE2 takes UTF-8 only; a lone surrogate becomes one other character, so that places stay what they are.
    safe = text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
    return [
        Span(match.start(), match.end(), kind)
        for kind, regex in patterns
        for match in regex.finditer(safe)
        if match.end() > match.start()
    ]
