"""Profiles of a cqtui.toml: their names, and what differs from the base, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from cqtui.settings import Settings, load_settings, profile_names

BASE = "base"
NOT_SET = "not set"
LONGEST_NAME = 40
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_NO_SETTINGS = {"profile", "as_of", "provider", "batch", "k_candidates", "n_top", "seed"}  # the command line's


@dataclass(frozen=True)
class Change:
    """A setting that a profile changes: its dotted key, the base's value and the profile's, in words."""

    key: str
    base: str
    profile: str


@dataclass(frozen=True)
class ProfileRow:
    """The base (no name) or a profile, with what it changes."""

    name: str | None
    changes: tuple[Change, ...] = ()

    @property
    def words(self) -> str:
        """What it is called."""
        return BASE if self.name is None else self.name


def read_profiles(config: Path | None) -> tuple[ProfileRow, ...]:
    """The base and every profile of a file, in its order.

    Raises:
        BadInputError: The file is missing or wrong.
    """
    base = load_settings(config)
    named = (ProfileRow(name, changes_of(base, load_settings(config, profile=name))) for name in profile_names(config))
    return (ProfileRow(None), *named)


def changes_of(base: Settings, profile: Settings) -> tuple[Change, ...]:
    """What a profile's settings change, key by key in the order of the settings."""
    of_base = dict(_leaves(base.model_dump(exclude=_NO_SETTINGS)))
    of_profile = dict(_leaves(profile.model_dump(exclude=_NO_SETTINGS)))
    keys = {**of_base, **of_profile}
    return tuple(
        Change(key, value_words(of_base.get(key)), value_words(of_profile.get(key)))
        for key in keys
        if of_base.get(key) != of_profile.get(key)
    )


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def value_words(value: Any) -> str:
    """A setting's value in words."""
    match value:
        case None:
            return NOT_SET
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case Decimal():
            return f"{value:f}"
        case list() | tuple():
            return ", ".join(value_words(each) for each in value) or "none"
        case Mapping():
            return "{" + ", ".join(f"{name}: {value_words(each)}" for name, each in value.items()) + "}"
        case _:
            return str(value)


def change_lines(row: ProfileRow) -> list[str]:
    """What a profile changes, in lines."""
    if row.name is None:
        return ["What the file says outside of [profiles]. Every profile is laid over it, key by key."]
    if not row.changes:
        return ["Nothing: the same as the base. While it is in use, changes on the start screen go into it."]
    return [f"{change.key}: {change.base} → {change.profile}" for change in row.changes]


def name_complaint(name: str, taken: Iterable[str]) -> str | None:
    """What is wrong with the name of a new profile, in words."""
    if not name:
        return "Type a name, such as strict."
    if _NAME.fullmatch(name) is None:
        return "Letters a to z, digits, - and _ only."
    if len(name) > LONGEST_NAME:
        return f"At most {LONGEST_NAME} letters."
    if name.casefold() in {BASE, *(each.casefold() for each in taken)}:
        return f'"{name}" is there already.'
    return None
