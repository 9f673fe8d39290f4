"""The rules of refusals.toml, compiled when a language is first met."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, NamedTuple

ANY_LENGTH = ("opener", "objection", "denial")
"""The layers that decide in an answer of any length."""
SHORT_ONLY = ("moralising", "asks", "weak")
"""The layers that are read in short answers only."""
_NO_RULES = ("words", "spaced", "courtesy", "sermon")
_LINE_BREAK = re.compile(r"\n\s*")
_ROLE = r"(?:assistant|ai|answer|response|the answer is) ?:|\[/?\w+\]|<\|?\w+\|?>"


class Rule(NamedTuple):
    """One pattern of one layer; the head of refusals.toml says what each field means.

    ``has`` holds cues of the gate, which may be shorter than in the table, and is empty where every text is searched.
    """

    pattern: re.Pattern[str]
    has: frozenset[str]
    start: bool = False
    also: str = ""
    unless: str = ""
    opinion: bool = False
    borderline: bool = False


@dataclass(frozen=True, slots=True)
class Language:
    """The rules of a language by layer, and the words of its long-winded refusals."""

    layers: Mapping[str, tuple[Rule, ...]]
    sermon: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gate:
    """Finds the cues without one of which no rule holds: one quick pass that ends the matter for most answers.

    Attributes:
        words: Finds cues behind a blank, where words of languages with blanks begin.
        unspaced: The cues of languages without blanks, which may stand anywhere. None is of ASCII characters alone.
    """

    words: re.Pattern[str]
    unspaced: tuple[str, ...]

    def cues(self, plain: str) -> set[str]:
        """The cues in a text.

        Args:
            plain: Plain text.
        """
        found = set(self.words.findall(plain))
        if not plain.isascii():
            found.update(cue for cue in self.unspaced if cue in plain)
        return found


@functools.cache
def table() -> Mapping[str, Mapping[str, Any]]:
    """The rules as written, by language."""
    return tomllib.loads(resources.files("cqtui.checks").joinpath("refusals.toml").read_text(encoding="utf-8"))


def _items(section: Mapping[str, Any], layers: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    return (item for layer in layers for item in section.get(layer, ()))


def _is_spaced(section: Mapping[str, Any]) -> bool:
    return bool(section.get("spaced", True))


def _literals(spaced: bool, layers: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each literal of the gated layers, with its language."""
    for code, section in table().items():
        if _is_spaced(section) == spaced:
            yield from ((literal, code) for item in _items(section, layers) for literal in item["has"])


@functools.cache
def _every_literal(spaced: bool) -> frozenset[str]:
    return frozenset(literal for literal, _ in _literals(spaced, (*ANY_LENGTH, *SHORT_ONLY)))


@functools.cache
def _cue_of(literal: str, spaced: bool) -> str:
    """The shortest literal that is found wherever this one is."""
    return min((o for o in _every_literal(spaced) if (literal.startswith(o) if spaced else o in literal)), key=len)


@functools.cache
def gate(short: bool) -> Gate:
    """What is looked for in every answer.

    Args:
        short: Whether the answer is short, so that more layers are read.
    """
    layers = (*ANY_LENGTH, *SHORT_ONLY) if short else ANY_LENGTH
    by_letter: dict[str, list[str]] = {}
    for cue in sorted({_cue_of(literal, True) for literal, _ in _literals(True, layers)}):
        by_letter.setdefault(cue[0], []).append(re.escape(cue[1:]))
    words = "|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in by_letter.items())
    unspaced = sorted({_cue_of(literal, False) for literal, _ in _literals(False, layers)})
    return Gate(re.compile(f" (?=({words}))"), tuple(unspaced))


@functools.cache
def languages() -> Mapping[str, tuple[str, ...]]:
    """The languages that each cue belongs to."""
    found: dict[str, dict[str, None]] = {}
    for spaced in (True, False):
        for literal, code in _literals(spaced, (*ANY_LENGTH, *SHORT_ONLY)):
            found.setdefault(_cue_of(literal, spaced), {})[code] = None
    return {cue: tuple(codes) for cue, codes in found.items()}


def expand(item: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """A pattern as it is compiled.

    Args:
        item: The rule as written.
        words: The named alternatives of its language.
    """
    pattern = _LINE_BREAK.sub("", item["pattern"])
    for name, alternatives in reversed(list(words.items())):  # so that later words may name earlier ones
        pattern = pattern.replace(f"<{name}>", f"(?:{_LINE_BREAK.sub('', alternatives)})")
    return str(pattern)


def _rule(item: Mapping[str, Any], section: Mapping[str, Any]) -> Rule:
    has = frozenset(_cue_of(literal, _is_spaced(section)) for literal in item.get("has", ()))
    rest = {key: value for key, value in item.items() if key not in ("pattern", "has")}
    return Rule(re.compile(expand(item, section["words"])), has, **rest)


@functools.cache
def language(code: str) -> Language:
    """The rules of a language, compiled.

    Args:
        code: Its two letters.
    """
    section = table()[code]
    layers = {
        layer: tuple(_rule(item, section) for item in items)
        for layer, items in section.items()
        if layer not in _NO_RULES
    }
    return Language(layers, tuple(section["sermon"]))


@functools.cache
def courtesy() -> re.Pattern[str]:
    """What may stand before the first sentence that counts, in any language, role tags included."""
    phrases = [phrase for section in table().values() for phrase in section["courtesy"]]
    return re.compile(f" ?(?:{'|'.join([_ROLE, *phrases])})")
