"""Documents of JSON: objects over many lines, one array of everything, an envelope around a list.

Only a bounded window of the text is ever held, whatever the size of the document.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

from cqtui.importers.base import MAX_DEPTH, clean
from cqtui.importers.decoding import why
from cqtui.importers.found import MAX_RECORD, TOO_LONG, UNREADABLE, Found, Rejected
from cqtui.importers.progress import FileProgress
from cqtui.importers.window import LargeValue, Source, TooLongValue, Window

# How many records there are in a value.
Counting = Callable[[Any], int]
Wrap = Callable[[Any], Any]
Walk = Generator[Found | Rejected, None, Any]

STREAMED = object()
# An envelope has fewer members; of a longer object, or a list of something else, the rest is read at once.
MOST_WALKED = 1000


def document(
    source: Source, file: str, progress: FileProgress, records_in: Counting, line: int = 1
) -> Iterator[Found | Rejected]:
    """The values of a document, one after another, whether in arrays or not.

    After a broken value it goes on with the next object that begins a line at the same indentation. An object that is
    larger than the window and only wraps a long list comes in pieces: as many such objects, each with one element.

    Args:
        source: The bytes, in UTF-8.
        file: The file's name.
        progress: Kept current as the document is read.
        records_in: Says whether a list in an object is one of records: then its elements count one by one.
        line: The line where the document begins.
    """
    text = Window(source, progress, line)
    walker = _Walker(text, file, records_in)
    while text.skip_gap():
        number, indent, start = text.line, text.indent, text.consumed
        try:
            yield from walker.value(number)
        except TooLongValue:
            yield Rejected(TOO_LONG, file, number)
            text.skip_value(walker.depth)
        except UNREADABLE as error:
            was_read = not walker.depth and text.consumed > start
            unread = "" if was_read or text.skip_to_line(indent) else "; nothing was read after it"
            yield Rejected(why(error) + unread, file, number)


class _Walker:
    """Reads the values of a document: whole, or member by member where they are large.

    Attributes:
        depth: How many large objects and arrays are open at the text's position.
    """

    def __init__(self, text: Window, file: str, records_in: Counting) -> None:
        self._text = text
        self._file = file
        self._records_in = records_in
        self._size = 0
        self.depth = 0

    def value(self, line: int) -> Iterator[Found | Rejected]:
        """The next value, or the pieces of a large one."""
        self._size = self.depth = 0
        notes: list[str] = []
        value = yield from self._next(lambda inner: inner, notes)
        if value is not STREAMED:
            yield self._found(value, line, notes)

    def _found(self, value: Any, line: int, notes: list[str]) -> Found:
        return Found(value, line, tuple(dict.fromkeys((*self._text.warnings, *notes))))

    def _decoded(self, notes: list[str], large: bool = False) -> Any:
        """The next value, cleaned, which counts for the size of the record."""
        before = self._text.consumed
        value = self._text.decode(MAX_RECORD - self._size, large)
        self._size += self._text.consumed - before + 1
        plain = self._text.is_plain and self.depth < MAX_DEPTH // 2
        return value if plain else clean(value, notes, self.depth)

    def _next(self, wrap: Wrap, notes: list[str]) -> Walk:
        """The next value; STREAMED where it was given in pieces, as ``wrap`` puts them into what is around."""
        try:
            return self._decoded(notes)
        except LargeValue:
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise RecursionError from None
            value = yield from (self._elements if self._text.take() == "[" else self._members)(wrap, notes)
            self.depth -= 1
            return value

    def _rest(self, bracket: str, notes: list[str]) -> Any:
        """What is left of an open object or array, read at once."""
        self._text.after_space()
        self._text.reopen(bracket)
        self.depth -= 1
        rest = self._decoded(notes, large=True)
        self.depth += 1
        return rest

    def _members(self, wrap: Wrap, notes: list[str]) -> Walk:
        members: dict[str, Any] = {}
        streamed = False
        while (char := self._text.after_space()) != "}":
            if len(members) > MOST_WALKED:
                return {**members, **self._rest("{", notes)}
            key = self._decoded(notes) if char == '"' else None
            if not isinstance(key, str) or self._text.after_space() != ":":
                raise ValueError("an object that is cut or broken")
            self._text.take()
            self._text.after_space()
            value = yield from self._next(_within(wrap, members, key), notes)
            if value is STREAMED:
                streamed = True
            elif not streamed:
                members[key] = value
        self._text.take()
        return STREAMED if streamed else members

    def _elements(self, wrap: Wrap, notes: list[str]) -> Walk:
        """The elements of an array: a list, or each given at once where they turn out to be records."""
        kept: list[Found] = []
        streams: bool | None = None
        while (char := self._text.after_space()) != "]":
            if not char:
                raise ValueError("an array that is cut")
            line, size, depth = self._text.line, self._size, self.depth
            own: list[str] = []
            try:
                item = yield from self._next(lambda inner: wrap([inner]), own)
            except TooLongValue:
                if not streams:
                    raise
                self._text.skip_value(self.depth - depth)
                self.depth, self._size = depth, size
                yield Rejected(TOO_LONG, self._file, line)
                continue
            if item is STREAMED:
                streams = True
            else:
                kept.append(self._found(item, line, own))
                if streams is None:
                    streams = self._are_records(item, wrap)
            if streams:
                for found in kept:
                    yield found._replace(value=wrap([found.value]))
                kept.clear()
                self._size = size
            elif streams is False or len(kept) > MOST_WALKED:
                notes.extend(note for found in kept for note in found.warnings)
                return [found.value for found in kept] + self._rest("[", notes)
        self._text.take()
        return STREAMED if streams else [found.value for found in kept]

    def _are_records(self, item: Any, wrap: Wrap) -> bool | None:
        """Whether another such element would be another record; None where this one holds no record at all."""
        one, two = (self._records_in(wrap([item] * times)) for times in (1, 2))
        return True if two > one else None if not one else False


def _within(wrap: Wrap, members: dict[str, Any], key: str) -> Wrap:
    return lambda inner: wrap({**members, key: inner})
