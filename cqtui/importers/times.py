"""Lengths of time, in milliseconds whatever the log measures them in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cqtui.importers import base

BACKWARDS = "the call ends before it starts: latency unknown"


def milliseconds_between(start: Any, end: Any, notes: list[str] | None = None) -> float | None:
    """The milliseconds from one instant to another, each in any form that is read; None where that cannot be told.

    Args:
        start: The earlier instant.
        end: The later one.
        notes: Takes what was odd about the end.
    """
    notes = [] if notes is None else notes
    begun, ended = base.instant(start, []), base.instant(end, notes)
    if begun is None or ended is None:
        return None
    if ended < begun:
        base.note(notes, BACKWARDS)
        return None
    return (ended - begun) / timedelta(milliseconds=1)


def in_milliseconds(seconds: Any) -> float | None:
    """Seconds in milliseconds; None for what is no number of 0 or more."""
    found = base.number(seconds, "", [])
    return None if found is None else found * 1000
