"""Folds the beginning of an answer into plain lower-case text, and finds the way back to the answer's own characters.

Folding is cheap for ordinary text, because every answer is folded and few are looked at any further.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

HEAD = 700
"""How many of an answer's characters are read."""

_MARKS = "*_#"
# One character for one, so that places stay the same. The ellipsis and the no-break spaces are too common to be left to
# the slow way of NFKC; "\u0130" is the only letter whose lower case is two characters.
_SAME_WIDTH = (
    ("\u2019", "'"),
    ("\u2018", "'"),
    ("\u02bc", "'"),
    ("\u201c", '"'),
    ("\u201d", '"'),
    ("\u201e", '"'),
    ("\u00ab", '"'),
    ("\u00bb", '"'),
    ("\u2026", "."),
    ("\u00a0", " "),
    ("\u202f", " "),
    ("\u2013", " "),
    ("\u2014", " "),
    ("\u00a1", " "),
    ("\u00bf", " "),
    ("\u0130", "i"),
)
# Unicode's format characters (category Cf) that occur in text: joiners, direction marks, soft hyphen, tags.
_FORMAT = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0001-\U000e007f]"
)
_LETTER_WITH_ACCENTS = re.compile(r".[\u0300-\u036f\u3099\u309a]*", re.S)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.S)
_QUOTED = re.compile(r'"(?=[^"\n ]* )[^"\n]{1,400}"')
_QUOTED_CJK = re.compile("\u300c[^\u300d]{0,200}\u300d|\u300e[^\u300f]{0,200}\u300f")
_LINE_APART = re.compile(r"\n[ \t]*(?:>[^\n]*|(?:[-*+\u2022]|\d{1,3}[.)])[ \t][^\n]*)")


class Source(NamedTuple):
    """A part of an answer behind a line feed, with code, quotations and list items blanked.

    Attributes:
        text: Character for character the plain text, but for marks, invisible characters and blank runs.
        begin: Where in the answer the part begins.
        places: The place in the part of each character, where that is not simply one less.
    """

    text: str
    begin: int = 0
    places: tuple[int, ...] | None = None

    def span(self, plain: str, start: int, end: int) -> tuple[int, int]:
        """Find characters of the plain text in the answer as given.

        Args:
            plain: The plain text.
            start: Where in it they start; blanks there are left out.
            end: Where in it they end.
        """
        start += len(plain[start:end]) - len(plain[start:end].lstrip())
        first, last = start, end - 1
        if plain[1:end] != self.text[1:end].lower():
            kept = _kept(self.text, end)
            first, last = kept[start], kept[end - 1]
        if self.places is not None:
            return self.begin + self.places[first], self.begin + self.places[last] + 1
        return self.begin + first - 1, self.begin + last


def read(text: str, begin: int = 0) -> Source:
    """Take the part of an answer that decides.

    Args:
        text: The answer.
        begin: Where the model's words to the user begin.
    """
    head = "\n" + text[begin : begin + HEAD]
    if head.isascii():
        return Source(_without_asides(head), begin)
    head = _same_width(head)
    if unicodedata.is_normalized("NFKC", head):
        return Source(_without_asides(head), begin)
    composed, places = _compose(head)
    return Source(_without_asides(composed), begin, places)


def fold(source: Source) -> str:
    """Plain text: a blank, then lower-case text without marks, invisible characters and blank runs.

    Args:
        source: The part of the answer.
    """
    text = source.text[1:].lower()
    for mark in _MARKS:
        if mark in text:
            text = text.replace(mark, "")
    if not text.isprintable():
        text = text if text.isascii() else _FORMAT.sub("", text)
        return " " + " ".join(text.split())
    if "  " in text or text.startswith(" "):
        return " " + " ".join(text.split())
    return " " + text


def _kept(text: str, count: int) -> list[int]:
    """The places of the first characters that ``fold`` keeps."""
    kept = [0]
    after_blank = True
    for index, char in enumerate(text[1:], start=1):
        if char in _MARKS or _FORMAT.match(char):
            continue
        if not (char.isspace() and after_blank):
            kept.append(index)
            if len(kept) == count:
                break
        after_blank = char.isspace()
    return kept


def _blanked(found: re.Match[str]) -> str:
    return " " * len(found.group())


def _without_asides(text: str) -> str:
    """Blank what is not the model's own running prose."""
    if "`" in text:
        text = _CODE.sub(_blanked, text)
    if '"' in text:
        text = text.replace('"', " ") if _is_one_quotation(text) else _QUOTED.sub(_blanked, text)
    if "\u300c" in text or "\u300e" in text:
        text = _QUOTED_CJK.sub(_blanked, text)
    return _LINE_APART.sub(_blanked, text)


def _is_one_quotation(text: str) -> bool:
    """Whether the whole answer stands in quotation marks: then it is the answer, not a quotation."""
    stripped = text.strip()
    return stripped[0] == '"' and stripped.find('"', 1) == len(stripped) - 1


def _same_width(text: str) -> str:
    for char, plain in _SAME_WIDTH:
        text = text.replace(char, plain)
    return text


def _compose(text: str) -> tuple[str, tuple[int, ...]]:
    """NFKC of each letter with its accents, and the place in the part where each character came from."""
    pieces: list[str] = []
    places: list[int] = []
    for unit in _LETTER_WITH_ACCENTS.finditer(text):
        piece = unicodedata.normalize("NFKC", unit.group())
        pieces.append(piece)
        places.extend([max(unit.start() - 1, 0)] * len(piece))
        if len(places) > HEAD:  # one character may become eighteen
            break
    return _same_width("".join(pieces)), tuple(places)
