"""Mutations of JSON values: wrong types, odd numbers and texts, moved, missing and repeated fields, JSON in JSON."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, -0.0, 0.5, 1e308, 5e-324, 1e15, 1789001000, 1789001000123),
    *(float("nan"), float("inf"), float("-inf"), 2**53 + 1, 2**63, 2**64, -(2**64), 10**400, -(10**30)),
    *("", " ", "\0", "0", "-1", "1e999", "nan", "Infinity", "１２", "1_000", "12,5", "0x10", "null", "true"),
    *("\ud83d", "\udc00 \ud83d", "\x1b[31mred\x1b[0m", "\u202eabc\u202c", "[red]bold[/red]", "[link=http://x]x[/]"),
    *("{", "[", "[[[[", "{}", "[]", '{"a": 1}', '"x"', '[{"role": "user", "content": "hi"}]', "[1, 2", "{'a': 1}"),
    *('data: {"choices": []}\n\n', "data: [DONE]", "event: message_stop\ndata: {}\n\n", "- role: user\n  content: hi"),
    *("2026-13-45T99:99:99Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-09-10", "-" * 30),
    *("data:image/png;base64,AAAA", "http://[", "%00", "a/b", "../..", "=1+1", "a\r\nb", "user", "assistant", "tool"),
    *([], {}, [None], [[]], [{}], [[[{}]]], {"": None}, {"type": "text"}, {"type": None}, {"type": []}, [""]),
    *({"role": "user", "content": None}, {"role": [], "content": {}}, {"type": "text", "text": {}}, [1, "a", None]),
    *({"error": {"message": None}}, {"messages": "hi"}, {"choices": [{}]}, {"choices": {}}, {"content": [[]]}),
)
DEPTHS = (60, 99, 101, 500, 1200, 100_000)
LENGTHS = (300, 5_000, 40_000)
WIDTHS = (60, 1_200, 12_000)
# What JSON's own writer does not write is put in afterwards: numbers as text, and nesting however deep.
_NUMBERS = ("1e400", "-1e400", "1E5", "9" * 5000, "1.0000000000000000000001", "-0")
_NESTED = re.compile(r'(\\*)"@nested (\d+) ([\[{])@\1"')
_NUMBER = re.compile(r'(\\*)"@number (\d)@\1"')


class Again(str):
    """A field's name that may stand in an object although an equal one does."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def dumped(value: Any, random: Random) -> str:
    """The value as JSON, with the marks of ``mutate`` in place; lone surrogates may stand in it as they are."""
    separators = random.choice((None, None, (",", ":")))
    text = json.dumps(value, ensure_ascii=random.random() < 0.7, separators=separators)
    return _NUMBER.sub(lambda found: _NUMBERS[int(found[2])], _NESTED.sub(_nested, text))


def _nested(found: re.Match[str]) -> str:
    depth, name = int(found[2]), f'{found[1]}"a{found[1]}"'
    if found[3] == "[":
        return "[" * depth + "]" * depth
    return f"{{{name}:" * depth + "1" + "}" * depth


def mutate(value: Any, random: Random, names: tuple[str, ...]) -> Any:
    """The value with one thing changed somewhere in it.

    Args:
        value: Any JSON value; it is changed in place where it can be.
        random: Decides.
        names: Fields that formats are known by.
    """
    places = list(_places(value))
    if not places:
        return _changed(value, random, names)
    # Outer places are few, and decide of what format a record is: they get a share of their own.
    limit = len(places) if random.random() < 0.8 else max(1, len(places) // 8)
    holder, key = places[random.randrange(limit)]
    kind = random.random()
    if kind < 0.15:
        del holder[key]
    elif kind < 0.3 and isinstance(holder, dict):
        name: str = random.choice((random.choice(names), random.choice(list(holder)), str(random.choice(ODD))))
        if random.random() < 0.5:
            holder[Again(name)] = _changed(holder[key], random, names)
        else:
            holder[name] = holder.pop(key)
    elif kind < 0.4:
        other, at = random.choice(places)
        # A copy: what holds itself could not be written.
        holder[key] = _copied(other[at])
    elif kind < 0.45 and isinstance(holder, list):
        holder[key:key] = [_copied(holder[key])] * random.choice((1, 2, 50))
    else:
        holder[key] = _changed(holder[key], random, names)
    return value


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _places(value: Any) -> Any:
    """Every place in the value, the outer ones first: what holds it, and the name or number there."""
    level = [value] if isinstance(value, dict | list) else []
    while level:
        inner: list[Any] = []
        for holder in level:
            entries = list(holder.items()) if isinstance(holder, dict) else list(enumerate(holder))
            for key, item in entries:
                yield holder, key
                if isinstance(item, dict | list):
                    inner.append(item)
        level = inner


def _changed(value: Any, random: Random, names: tuple[str, ...]) -> Any:
    kind = random.random()
    if kind < 0.04:
        return f"@nested {random.choice(DEPTHS)} {random.choice('[{')}@"
    if kind < 0.08:
        return f"@number {random.randrange(len(_NUMBERS))}@"
    if kind < 0.1:
        return _wide(value, random)
    if kind < 0.2:
        return random.choice(([value], {random.choice(names): value}, {"content": value}, [[value]], {"type": value}))
    if kind < 0.28:
        return json.dumps(value)
    if isinstance(value, str) and kind < 0.7:
        return _changed_text(value, random, names)
    if isinstance(value, int | float) and not isinstance(value, bool) and kind < 0.6:
        text = repr(value)[:400]  # integers of thousands of digits have no text
        return random.choice((-value, int(value > 0) * 10**6, 2**62 + 1, text, [value], f"{text} ms"))
    return _copied(random.choice(ODD))


def _wide(value: Any, random: Random) -> Any:
    """Very many small values: time must grow with their number only."""
    width, kind = random.choice(WIDTHS), random.randrange(3)
    if kind == 0:
        return {f"field {number}": number for number in range(width)}
    if kind == 1:
        return [{"type": f"kind {number}", "role": f"role {number}", "text": "x"} for number in range(width // 4)]
    small = value if len(repr(value)) < 100 else {"role": "user", "content": "hi"}
    return [_copied(small) for _ in range(width // 4)]


def _changed_text(text: str, random: Random, names: tuple[str, ...]) -> Any:
    if text[:1] in ("{", "[") and random.random() < 0.7:
        try:
            inner = json.loads(text)
        except (ValueError, RecursionError):
            pass
        else:
            inner = mutate(inner, random, names)
            return inner if random.random() < 0.2 else json.dumps(inner)
    at = random.randint(0, len(text))
    kind = random.random()
    if kind < 0.4:
        return text[:at] + str(random.choice(ODD)) + text[at:]
    if kind < 0.6:
        return text[:at]
    if kind < 0.7:
        return text + (text or "x") * (random.choice(LENGTHS) // max(1, len(text)))
    if kind < 0.85:
        return random.choice((text.upper(), f" {text}\n", text[::-1], f"{text}\0", f'"{text}"'))
    return random.choice(names)
