"""Bytes to text, and text to values, as leniently as logs need it."""

from __future__ import annotations

import codecs
import json
from typing import Any

from cqtui.importers.found import NOT_UTF8, TOO_DEEP, UNREADABLE

BLANK = b"\0 \t\r\n"
DECODER = json.JSONDecoder(strict=False)


def text_of(data: bytes) -> tuple[str, tuple[str, ...]]:
    """A line as text, and a warning where it was not UTF-8."""
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), (NOT_UTF8,)


def why(error: Exception) -> str:
    """Why text is not JSON, in a few words."""
    return TOO_DEEP if isinstance(error, RecursionError) else f"not JSON: {getattr(error, 'msg', str(error)[:80])}"


def parsed(data: bytes) -> Any:
    """The value of a line, or None where it holds none by itself."""
    try:
        return DECODER.decode(text_of(data.strip(BLANK))[0])
    except UNREADABLE:
        return None
