"""Finds e-mail addresses, from each @ outwards."""

from __future__ import annotations

import re

from cqtui.redaction.spans import Span

EMAIL = "EMAIL"
_LONGEST_LOCAL_PART = 64
_LOCAL_MARKS = "._%+-'"
_EDGE_MARKS = "._%-'"
_DOMAIN = re.compile(r"@(?:[\w-]{1,63}\.){1,8}([^\W\d_]{2,24}|xn--[A-Za-z0-9-]{2,59})(?![\w@])")
_SHARP_PICTURE = re.compile(r"@[1-9]x\.")  # icon@2x.png


def find_emails(text: str) -> list[Span]:
    """The e-mail addresses in a text, in order."""
    found = []
    position = text.find("@")
    while position >= 0:
        domain = _DOMAIN.match(text, position)
        if domain is not None:
            start = _start_of_local_part(text, position)
            if start < position and not _is_something_else(text, start, domain):
                found.append(Span(start, domain.end(), EMAIL))
        position = text.find("@", position + 1)
    return found


def _start_of_local_part(text: str, at: int) -> int:
    start = at
    while (
        start > 0
        and at - start < _LONGEST_LOCAL_PART
        and (text[start - 1].isalnum() or text[start - 1] in _LOCAL_MARKS)
    ):
        start -= 1
    while start < at and text[start] in _EDGE_MARKS:
        start += 1
    return start


def _is_something_else(text: str, start: int, domain: re.Match[str]) -> bool:
    """A file of a set for sharp screens, or the address of a repository: git@host:path."""
    if _SHARP_PICTURE.match(domain[0]):
        return True
    return text[start : domain.start()] == "git" and text[domain.end() : domain.end() + 1] in (":", "/")
