"""Bytes to text, and text to values, as leniently as logs need it."""

from __future__ import annotations

import codecs
import json
import re
from typing import Any

from cqtui.importers.found import NOT_UTF8, TOO_DEEP, UNREADABLE

BLANK = b"\0 \t\r\n"
DECODER = json.JSONDecoder(strict=False)
# Between two values: arrays are flattened, so their brackets are as good as a comma.
GAP = re.compile(r"[\s,\[\]\0\ufeff]*")
# The longest piece of JSON before which an error points where the text ends in its middle: -Infinity, \uXXXX.
LONGEST_TOKEN = 16
MIXED = "cqtui.cp1252"


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(MIXED, _as_cp1252)


def text_of(data: bytes) -> tuple[str, tuple[str, ...]]:
    """A line as text, and a warning where it was not UTF-8."""
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), (NOT_UTF8,)


class TextDecoder:
    """Decodes a stream of UTF-8 piece by piece; bytes that are not UTF-8 are read as cp1252.

    Attributes:
        warnings: Says so, as soon as it happened.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self.warnings: tuple[str, ...] = ()

    def decode(self, data: bytes) -> str:
        """The text of the next bytes; of no bytes, what was left of the last."""
        try:
            return self._decoder.decode(data, not data)
        except UnicodeDecodeError:
            held, _ = self._decoder.getstate()
            self._decoder = codecs.getincrementaldecoder("utf-8")(MIXED)
            self.warnings = (NOT_UTF8,)
            return self._decoder.decode(held + data, not data)


def why(error: Exception) -> str:
    """Why text is not JSON, in a few words."""
    return TOO_DEEP if isinstance(error, RecursionError) else f"not JSON: {getattr(error, 'msg', str(error)[:80])}"


def ends_early(error: ValueError, length: int) -> bool:
    """Whether text of this length may only be the beginning of a value, by the error that it gave."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.msg.startswith("Unterminated string") or error.pos >= length - LONGEST_TOKEN


def parsed(data: bytes) -> Any:
    """The value of a line, or None where it holds none by itself."""
    try:
        return DECODER.decode(text_of(data.strip(BLANK))[0])
    except UNREADABLE:
        return None


def begins_value(data: bytes) -> bool:
    """Whether a line is only the beginning of a value."""
    text = text_of(data.strip(BLANK))[0]
    try:
        DECODER.decode(text)
    except ValueError as error:
        return ends_early(error, len(text))
    except RecursionError:
        pass
    return False
