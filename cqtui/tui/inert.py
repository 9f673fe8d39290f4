"""Foreign text as the terminal may show it: no escapes, no markup, no width that terminals disagree about. Pure."""

from __future__ import annotations

import re
import unicodedata

from rich.cells import cell_len, set_cell_size

from cqtui.report.filters import inert, plain

LONGEST_TEXT = 20_000
_ODD_WIDTH = re.compile("[\ufe00-\ufe0f\U000e0000-\U000e007f\U0001f3fb-\U0001f3ff\u00ad\u061c\ufeff\u2060-\u2064]")
_MOST_MARKS = 2  # combining marks on one letter; more of them only smear over other lines
ELLIPSIS = "…"


def steady(text: str) -> str:
    """Without variation selectors, tags and skin tones, whose width is the terminal's guess, nor piles of marks."""
    text = _ODD_WIDTH.sub("", text)
    if text.isascii():
        return text
    kept: list[str] = []
    marks = 0
    for letter in text:
        marks = marks + 1 if unicodedata.category(letter) in ("Mn", "Me") else 0
        if marks <= _MOST_MARKS and not 0xD800 <= ord(letter) <= 0xDFFF:
            kept.append(letter)
    return "".join(kept)


def shown(text: str, longest: int = LONGEST_TEXT) -> str:
    """Several lines of foreign text; what is cut off is counted."""
    head = text[:longest]
    cut = f"\n[{len(text) - longest:,} more characters are not shown]" if len(text) > longest else ""
    return steady(inert(head.replace("\t", "    "))) + cut


def one_line(text: str, width: int | None = None) -> str:
    """Foreign text on one line; with ``width`` exactly so many cells, a cut marked with an ellipsis."""
    line = steady(plain(text[: 4 * (width or LONGEST_TEXT)]))
    return line if width is None else fitted(line, width)


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """A line of exactly ``width`` cells: padded, or cut with an ellipsis."""
    if width <= 0:
        return ""
    size = cell_len(text)
    if size > width:
        return set_cell_size(text, width - 1) + ELLIPSIS
    padding = " " * (width - size)
    return padding + text if right else text + padding
