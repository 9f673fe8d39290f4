"""The text of a stream, of which no more is held than the value that is being decoded."""

from __future__ import annotations

import re
from typing import Any, Protocol

from cqtui.importers.base import MAX_DEPTH
from cqtui.importers.decoding import DECODER, GAP, TextDecoder, ends_early
from cqtui.importers.progress import FileProgress

CHUNK = 2**18
# A value up to this size (in characters) is decoded whole; a larger one member by member.
WINDOW = 8 * 2**20
LONGEST_INDENT = 200
SHALLOW = MAX_DEPTH // 2

SPACE = re.compile(r"[\s,]*")
STRUCTURE = re.compile(r'["{}\[\]]')
IN_STRING = re.compile(r'\\.|"', re.DOTALL)


# What may stand for a value that has to be cleaned: a surrogate, or a number that is not finite.
# (One class of first characters, so that prose is passed over quickly.)
UNCLEAN = re.compile(r"[\\NI0-9](?:u[dD]|aN|nfinity|[eE]\+?\d{3})")


class Source(Protocol):
    """Where the bytes of a document come from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, about so many; none at the end."""
        ...


class TooLongValue(Exception):
    """A value beyond the cap; the text stands at its beginning or inside it."""


class LargeValue(Exception):
    """An object or array that the window does not hold; the text stands at its beginning."""


class Window:
    """A text and a position in it.

    Attributes:
        is_plain: Whether nothing in the value that was decoded last has to be cleaned or is nested deeply.
    """

    def __init__(self, source: Source, progress: FileProgress, line: int) -> None:
        self._source = source
        self._progress = progress
        self._decoder = TextDecoder()
        self._text = ""
        self._position = 0
        self._dropped = 0
        self._ended = False
        self._line = line
        self._counted = 0
        self._before = ""
        self.is_plain = False

    @property
    def consumed(self) -> int:
        """Characters before the position."""
        return self._dropped + self._position

    @property
    def indent(self) -> str | None:
        """The blanks before the value in its line; None where something else is before it."""
        return self._before if not self._before.strip(" \t") else None

    @property
    def line(self) -> int:
        """The line of the position."""
        self._line += self._text.count("\n", self._counted, self._position)
        self._counted = self._position
        return self._line

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the text so far."""
        return self._decoder.warnings

    def _more(self) -> bool:
        """Read on; False at the end."""
        if self._ended:
            return False
        self._line = self.line
        rest = self._text[self._position :]
        self._dropped += self._position
        data = self._source.read(min(max(CHUNK, len(rest)), WINDOW))
        self._ended = not data
        self._text = rest + self._decoder.decode(data)
        self._position = self._counted = 0
        self._progress.update()
        return True

    def skip_gap(self) -> bool:
        """Go to the next value; False where there is none."""
        if self.consumed:
            self._before = "a value"
        while True:
            gap = GAP.match(self._text, self._position)
            end = gap.end() if gap else self._position
            self._before = (self._before + self._text[self._position : end]).rpartition("\n")[2][-LONGEST_INDENT:]
            self._position = end
            if end < len(self._text):
                return True
            if not self._more():
                return False

    def after_space(self) -> str:
        """The next character that is neither space nor comma, which stays; empty at the end."""
        while True:
            gap = SPACE.match(self._text, self._position)
            self._position = gap.end() if gap else self._position
            if self._position < len(self._text):
                return self._text[self._position]
            if not self._more():
                return ""

    def take(self) -> str:
        """The character at the position, which goes on."""
        self._position += 1
        return self._text[self._position - 1]

    def reopen(self, bracket: str) -> None:
        """Put a bracket before the position, so that the rest of an object or array is one, and go there."""
        self._line = self.line
        self._dropped += self._position - 1
        self._text = bracket + self._text[self._position :]
        self._position = self._counted = 0

    def decode(self, longest: int, large: bool = False) -> Any:
        """The value at the position, which goes on behind it.

        Args:
            longest: The most characters that it may have.
            large: It may be larger than the window.

        Raises:
            ValueError: It is broken.
            RecursionError: It is nested too deeply.
            LargeValue: It is an object or array larger than the window.
            TooLongValue: It has more than ``longest`` characters.
        """
        nested = not large and self._text[self._position : self._position + 1] in ("{", "[")
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._position)
            except ValueError as error:
                if self._ended or not ends_early(error, len(self._text)):
                    raise
            else:
                goes_on = end == len(self._text) and isinstance(value, int | float)
                if not goes_on or self._ended:
                    if end - self._position > longest:
                        raise TooLongValue
                    self.is_plain = self._is_plain(end)
                    self._position = end
                    return value
            held = len(self._text) - self._position
            if nested and held > WINDOW:
                raise LargeValue
            if held > longest:
                raise TooLongValue
            self._more()

    def _is_plain(self, end: int) -> bool:
        brackets = sum(self._text.count(bracket, self._position, end) for bracket in "{[")
        return brackets < SHALLOW and UNCLEAN.search(self._text, self._position, end) is None

    def skip_value(self, depth: int) -> None:
        """Go behind the value at the position, or out of so many objects and arrays around it."""
        in_string = False
        while True:
            found = (IN_STRING if in_string else STRUCTURE).search(self._text, self._position)
            if found is None:
                kept = in_string and self._text.endswith("\\")
                self._position = max(self._position, len(self._text) - kept)
                if not self._more():
                    self._position = len(self._text)
                    return
                continue
            self._position = found.end()
            char = found[0]
            if in_string:
                in_string = char != '"'
            elif char == '"':
                in_string = True
            else:
                depth += 1 if char in "{[" else -1
            if depth <= 0 and not in_string:
                return

    def skip_to_line(self, indent: str | None) -> bool:
        """Go to the next line that begins with an object at this indentation; False where there is none."""
        onward = re.compile(rf"\n{re.escape(indent or '')}(?=\{{)")
        while True:
            found = onward.search(self._text, self._position)
            if found is not None:
                self._position = found.start()
                return True
            self._position = max(self._position, len(self._text) - len(indent or "") - 2)
            if not self._more():
                self._position = len(self._text)
                return False
