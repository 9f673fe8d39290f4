"""Replaces what is found by placeholders that are the same for the same value everywhere in a record."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cqtui.redaction.emails import EMAIL, find_emails
from cqtui.redaction.keys import KEY, PRIVATE_KEY, find_keys
from cqtui.redaction.numbers import CARD, IBAN, IP, PHONE, find_numbers, is_card
from cqtui.redaction.patterns import compiled, find_own
from cqtui.redaction.spans import Span, merged

PLACEHOLDER = re.compile(r"<([A-Z][A-Z0-9_]{0,31})_([0-9]{1,9})>")
_PASSES = 8  # a replacement can bare something new beside it; each pass finds less
_DEEPEST_JSON = 3  # JSON in strings of JSON
_MOST_KNOWN = 100
_SHORTEST_KNOWN = 6
_LONGEST_LABEL = 60
_JSON_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|(?<![\w.+-])\d{13,19}(?![\w.])', re.DOTALL)
_WHITE_ESCAPE = re.compile(r"\\[nrtbf]")
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|[nrtbf])")
_BARE_IN_JSON = re.compile(r'"\s{0,4}:\s{0,4}\Z')
_WORDS = {
    EMAIL: ("e-mail address", "e-mail addresses"),
    PHONE: ("phone number", "phone numbers"),
    CARD: ("card number", "card numbers"),
    IBAN: ("IBAN", "IBANs"),
    IP: ("IP address", "IP addresses"),
    KEY: ("key or token", "keys and tokens"),
    PRIVATE_KEY: ("private key", "private keys"),
}


@dataclass(frozen=True)
class Redacted:
    """A text without what was found in it; ``counts`` has the number of replacements by kind."""

    text: str
    counts: Mapping[str, int]


class Redactor:
    """Finds e-mail addresses, phone numbers, cards, IBANs, IP addresses, keys, and what the user's patterns match."""

    def __init__(self, patterns: Mapping[str, str] | None = None, *, keys_only: bool = False) -> None:
        """Make a redactor.

        Args:
            patterns: Names to regular expressions, in RE2's syntax.
            keys_only: Find keys and tokens alone.

        Raises:
            ValueError: A pattern is of no use.
        """
        self._patterns = compiled(patterns or {})
        self._keys_only = keys_only

    def redact(self, text: str) -> Redacted:
        """One text as a record of its own. Redacting again changes nothing."""
        record = self.record([text])
        found = record.redact(text)
        return Redacted(found, dict(record.counts))

    def record(self, texts: Iterable[str] = ()) -> Record:
        """Begin a record, whose texts share placeholders; those that stand in ``texts`` are not given again."""
        return Record(self, texts)

    def find(self, text: str, *, keys_only: bool = False) -> list[Span]:
        """The places of a text without placeholders, in order, none overlapping another."""
        own = text
        if "\\" in text:  # in an escaped text, the n of \\n is not a letter of what follows
            text = _WHITE_ESCAPE.sub("  ", text)
        found = find_keys(text)
        if not self._keys_only and not keys_only:
            if "@" in text:
                logins = {span.end for span in found}  # of a URL: what follows the @ is its host, not a domain of mail
                found += [span for span in find_emails(text) if text.find("@", span.start) not in logins]
            found += find_numbers(text)
            if self._patterns:
                found += find_own(own, self._patterns)
        return merged(found) if found else found


class Record:
    """The texts of one call: the same value has the same placeholder in all of them, numbered as they appear.

    ``counts`` has the number of replacements by kind.
    """

    def __init__(self, redactor: Redactor, texts: Iterable[str]) -> None:
        self._redactor = redactor
        self._given: dict[tuple[str, str], str] = {}
        self._last: Counter[str] = Counter()
        self._known: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        for text in texts:
            if "<" in text or "u003c" in text or "u003C" in text:
                for kind, number in PLACEHOLDER.findall(_unescaped(text)):
                    self._last[kind] = max(self._last[kind], int(number))

    def redact(self, text: str, *, label: str = "", keys_only: bool = False, depth: int = 0) -> str:
        """A text with its placeholders; JSON stays JSON.

        Args:
            text: The text.
            label: The name that it stands under, such as "password" in a JSON object: it may say what it is.
            keys_only: Replace keys and tokens alone.
            depth: In how many JSON texts it stands.
        """
        if len(text) < _SHORTEST_KNOWN:
            return text
        if depth < _DEEPEST_JSON and text.lstrip()[:1] in ("{", "["):
            try:
                json.loads(text, strict=False)
            except (ValueError, RecursionError):
                pass
            else:
                return self._redact_json(text, keys_only, depth)
        return self._redact_plain(text, label[:_LONGEST_LABEL], keys_only)

    def _redact_json(self, text: str, keys_only: bool, depth: int) -> str:
        """Each string on its own, everything between them as it is."""
        label = ""

        def replaced(token: re.Match[str]) -> str:
            nonlocal label
            written = token[0]
            if written[0] != '"':
                return written if keys_only or not is_card(written) else json.dumps(self._placeholder(CARD, written))
            value = json.loads(written, strict=False)
            is_name = text[token.end() : token.end() + 20].lstrip()[:1] == ":"
            found = self.redact(value, label="" if is_name else label, keys_only=keys_only, depth=depth + 1)
            label = value if is_name else ""
            if found == value:
                return written
            return json.dumps(found, ensure_ascii=written.isascii())

        return _JSON_TOKEN.sub(replaced, text)

    def _redact_plain(self, text: str, label: str, keys_only: bool) -> str:
        for _ in range(_PASSES):
            pieces: list[str] = []
            position, changed = 0, False
            for placeholder in PLACEHOLDER.finditer(text) if "<" in text else ():
                changed |= self._add(pieces, text[position : placeholder.start()], label, keys_only)
                pieces.append(placeholder[0])
                position = placeholder.end()
            changed |= self._add(pieces, text[position:] if position else text, label, keys_only)
            if not changed:
                break
            text = "".join(pieces)
        return text

    def _add(self, pieces: list[str], text: str, label: str, keys_only: bool) -> bool:
        """Add a text without placeholders to the pieces, redacted; whether anything was replaced."""
        before = f"{label}: " if label else ""
        spans = self._redactor.find(before + text, keys_only=keys_only)
        if self._known:
            spans = merged([*spans, *self._known_in(before + text)])
        if not spans:
            pieces.append(text)
            return False
        position = 0
        changed = False
        for span in spans:
            start, end = max(0, span.start - len(before)), span.end - len(before)
            start = _past_escape(text, start, end)
            if start >= end:
                continue
            placeholder = self._placeholder(span.kind, text[start:end])
            if _is_bare_in_json(text, start, end):
                placeholder = f'"{placeholder}"'
            pieces += (text[position:start], placeholder)
            position = end
            changed = True
        pieces.append(text[position:])
        return changed

    def _placeholder(self, kind: str, value: str) -> str:
        self.counts[kind] += 1
        key = (kind, _same_for_all(kind, value))
        if key not in self._given:
            self._last[kind] += 1
            self._given[key] = f"<{kind}_{self._last[kind]}>"
            if kind in (KEY, PHONE, IP) and len(value) >= _SHORTEST_KNOWN and len(self._known) < _MOST_KNOWN:
                self._known[value] = kind
        return self._given[key]

    def _known_in(self, text: str) -> list[Span]:
        """Where values stand that were recognised elsewhere in the record, by what was said before them."""
        found = []
        for value, kind in self._known.items():
            start = text.find(value)
            while start >= 0:
                end = start + len(value)
                if not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()):
                    found.append(Span(start, end, kind))
                start = text.find(value, end)
        return found


def counted_words(counts: Mapping[str, int]) -> str:
    """What was replaced, in words, most frequent first: ``12 e-mail addresses, 1 IBAN``."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {_word(kind, count)}" for kind, count in ordered if count)


def _word(kind: str, count: int) -> str:
    one, many = _WORDS.get(kind, (kind.lower(), kind.lower()))
    return one if count == 1 else many


_KEYS = Redactor(keys_only=True)


def without_keys(text: str) -> str:
    """A text without keys, tokens and passwords: for messages of others, which may echo what they were sent."""
    return _KEYS.redact(text).text


def _unescaped(text: str) -> str:
    return text.replace("\\u003c", "<").replace("\\u003C", "<").replace("\\u003e", ">").replace("\\u003E", ">")


def _alphanumeric(value: str) -> str:
    return "".join(char for char in value if char.isalnum()).upper()


def _phone_digits(value: str) -> str:
    return ("+" if "+" in value else "") + "".join(char for char in value if char.isdigit())


_COMPARED_AS: dict[str, Callable[[str], str]] = {
    EMAIL: str.casefold,
    CARD: _alphanumeric,
    IBAN: _alphanumeric,
    PHONE: _phone_digits,
    IP: str.lower,
}


def _same_for_all(kind: str, value: str) -> str:
    """A value in one spelling, so that the same card with and without spaces is one."""
    normal: Any = _COMPARED_AS.get(kind)
    return value if normal is None else str(normal(value))


def _past_escape(text: str, start: int, end: int) -> int:
    """The start past an escape sequence of which a backslash stands before: its letter is not part of the value."""
    backslashes = start
    while backslashes > 0 and text[backslashes - 1] == "\\":
        backslashes -= 1
    if (start - backslashes) % 2 == 0:
        return start
    escape = _ESCAPE.match(text, start - 1, end)
    return escape.end() if escape is not None else start


def _is_bare_in_json(text: str, start: int, end: int) -> bool:
    """Whether it stands as a number in a JSON object within prose: there a placeholder needs quotes."""
    if not text[start].isdigit() or text[end : end + 1] not in ("", ",", "}", "]", "\n", " ", "\r", "\t"):
        return False
    return _BARE_IN_JSON.search(text, max(0, start - 10), start) is not None
