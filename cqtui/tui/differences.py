"""Which words of two texts the other does not have. Pure."""

from __future__ import annotations

import difflib
import re

from textual.content import Content, Span

LONGEST = 4000  # words of one side; beyond that the comparison itself would take seconds
_WORD = re.compile(r"\s+|\w+|[^\w\s]")


def marked(left: str, right: str, style: str = "bold underline $text-accent") -> tuple[Content, Content]:
    """Both texts, each with the words marked that the other lacks; unmarked where they are too long or equal."""
    if left == right:
        return Content(left), Content(right)
    one, other = _WORD.findall(left), _WORD.findall(right)
    if len(one) > LONGEST or len(other) > LONGEST:
        return Content(left), Content(right)
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=len(one) > 1000)
    if matcher.quick_ratio() < 0.1:  # nothing in common: marking everything says nothing
        return Content(left), Content(right)
    spans: tuple[list[Span], list[Span]] = ([], [])
    starts = (_starts(one), _starts(other))
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            continue
        for side, (begin, end) in enumerate(((i1, i2), (j1, j2))):
            if end > begin:
                spans[side].append(Span(starts[side][begin], starts[side][end], style))
    return Content(left, spans[0]), Content(right, spans[1])


def _starts(words: list[str]) -> list[int]:
    places = [0]
    for word in words:
        places.append(places[-1] + len(word))
    return places
