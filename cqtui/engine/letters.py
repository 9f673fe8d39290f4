"""The letters that stand for candidates, in tables, plots and logs alike. Pure."""

from __future__ import annotations

import string


def letter(place: int) -> str:
    """The letter of a place counted from 0: A to Z, then AA, AB and so on."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, len(string.ascii_uppercase))
        name = string.ascii_uppercase[rest] + name
    return name
