"""Finds API keys, tokens, passwords and private keys: by well-known shapes, and by the names that stand before them.

Each shape is tried only where its fixed letters occur, so that ordinary text costs little. No pattern holds a repeat
within a repeat: time grows with the text's length alone.
"""

from __future__ import annotations

import math
import re
from collections import Counter

from cqtui.redaction.spans import Span

KEY = "KEY"
PRIVATE_KEY = "PRIVATE_KEY"

# The fixed letters that a key begins with, and its whole shape. Vendors' documentation and published lists, 2026-11.
_SHAPES = tuple(
    (letters, re.compile(shape))
    for letters, shape in (
        ("sk-", r"sk-(?=[a-z-]*[A-Z0-9])[A-Za-z0-9_-]{20,}"),  # OpenAI, Anthropic, OpenRouter, Langfuse
        ("pk-lf-", r"pk-lf-[0-9a-f-]{30,}"),
        ("ghp_", r"ghp_[A-Za-z0-9]{30,}"),
        ("gho_", r"gho_[A-Za-z0-9]{30,}"),
        ("ghu_", r"ghu_[A-Za-z0-9]{30,}"),
        ("ghs_", r"ghs_[A-Za-z0-9]{30,}"),
        ("ghr_", r"ghr_[A-Za-z0-9]{30,}"),
        ("github_pat_", r"github_pat_[A-Za-z0-9_]{40,}"),
        ("glpat-", r"glpat-[A-Za-z0-9_.-]{20,}"),
        ("glptt-", r"glptt-[A-Za-z0-9_-]{20,}"),
        ("gldt-", r"gldt-[A-Za-z0-9_-]{20,}"),
        ("glrt-", r"glrt-[A-Za-z0-9_-]{20,}"),
        ("xox", r"xox[abeoprs]-[A-Za-z0-9-]{10,}"),
        ("xapp-", r"xapp-[0-9]-[A-Za-z0-9-]{10,}"),
        ("whsec_", r"whsec_[A-Za-z0-9+/=]{24,}"),
        ("AIza", r"AIza[A-Za-z0-9_-]{35}"),
        ("GOCSPX-", r"GOCSPX-[A-Za-z0-9_-]{20,}"),
        ("ya29.", r"ya29\.[A-Za-z0-9_-]{20,}"),
        ("hf_", r"hf_[A-Za-z0-9]{30,}"),
        ("gsk_", r"gsk_[A-Za-z0-9]{30,}"),
        ("xai-", r"xai-[A-Za-z0-9]{40,}"),
        ("pplx-", r"pplx-[A-Za-z0-9]{30,}"),
        ("r8_", r"r8_[A-Za-z0-9]{30,}"),
        ("npm_", r"npm_[A-Za-z0-9]{36}"),
        ("pypi-", r"pypi-[A-Za-z0-9_-]{50,}"),
        ("lsv2_", r"lsv2_(?:pt|sk)_[A-Za-z0-9_]{30,}"),
        ("SG.", r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
        ("dop_v1_", r"dop_v1_[0-9a-f]{40,}"),
        ("shp", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
        ("AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
        ("eyJ", r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]{0,8192}){0,3}"),  # JWT, JWE
    )
)
# The same where the fixed letters stand within.
_SHAPES_AROUND = tuple(
    (letters, re.compile(r"(?<![A-Za-z0-9_-])" + shape))
    for letters, shape in (
        ("k_live_", r"[prs]k_live_[A-Za-z0-9]{16,}"),
        ("k_test_", r"[prs]k_test_[A-Za-z0-9]{16,}"),
        ("hooks.slack.com/services/", r"hooks\.slack\.com/services/[A-Za-z0-9/]{20,}"),
        ("JQQJ99", r"[A-Za-z0-9]{40,60}JQQJ99[A-Za-z0-9]{16,40}"),  # Azure OpenAI
        ("Q~", r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{30,36}"),  # Azure app secret
    )
)
_AWS_ID = re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16}(?![A-Za-z0-9])")
_AWS_LETTERS = ("AKIA", "ASIA", "ABIA", "ACCA", "AROA", "AIDA")
_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=])")
_AZURE_STORAGE = re.compile(r"(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{40,100}={0,2})")
_AZURE_SIGNATURE = re.compile(r"[?&]sig=([A-Za-z0-9%+/=_-]{30,200})")
_URL_LOGIN = re.compile(r"://([^\s/:@\"'<>\\`]{0,200}:[^\s/@\"'<>\\`]{1,200})@")
_URL_TOKEN = re.compile(r"://([A-Za-z0-9_-]{20,200})@")

# What stands before a secret: in code, configuration, headers, JSON, query strings and plain words. Lower case.
_LIKELY = ("key", "token", "secret", "passw", "passphrase", "pwd", "authorization", "credential", "bearer", "kennwort")
_NAMED = re.compile(
    r"(?:(?P<password>password|passwd|passwort|kennwort|passphrase|pwd|passcode)"
    r"|(?:api|access|secret|private|auth|encryption|signing|account|subscription|master|shared|portkey|virtual)"
    r"[ _-]?key|apikey|token|secret|credentials?|authorization)"
    r"[\"'`]?(?:\s{0,3}(?::=|=>|[:=])\s{0,3}|\s(?:is|ist|lautet|was|to)\s{0,2}:?\s{1,2})[\"'`]?"
    r"(?:(?:bearer|basic|token|apikey)\s{1,3})?"
    r"(?P<value>[^\s\"'`,;<>\\(){}\[\]&]{6,400})"
)
_BEARER = re.compile(r"(?<![a-z0-9])bearer\s{1,3}(?P<value>[a-z0-9._~+/=-]{16,4000})")
_PART_OF_A_NAME = re.compile(r"[A-Za-z]*\d{0,2}")
_LONGEST_NAME = 24
_BEGIN = re.compile(r"-----BEGIN ((?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?)-----")
_KEY_LINE = re.compile(r"\s{0,8}(?:[A-Za-z0-9+/=]{16,}|[A-Z][A-Za-z-]{3,16}: [^\n\\]{1,80})")
_LAST_LINE = re.compile(r"\s{0,8}[A-Za-z0-9+/=]{4,15}(?=[\"'`]|\Z)")
_ASCII_LOWER = {ordinal: ordinal + 32 for ordinal in range(ord("A"), ord("Z") + 1)}


def find_keys(text: str) -> list[Span]:
    """The keys, tokens and passwords in a text, in no order; they may overlap."""
    found = _private_keys(text) if "-----BEGIN " in text else []
    for letters, shape in _SHAPES:
        if letters in text:
            found += _beginning_with(letters, shape, text)
    for letters, shape in _SHAPES_AROUND:
        if letters in text:
            found += [Span(*match.span(), KEY) for match in shape.finditer(text)]
    if any(letters in text for letters in _AWS_LETTERS) and (ids := list(_AWS_ID.finditer(text))):
        found += [Span(*match.span(), KEY) for match in ids]
        found += [Span(*match.span(), KEY) for match in _AWS_SECRET.finditer(text) if _mixed(match[0])]
    if "AccessKey=" in text or "AccountKey=" in text:
        found += [Span(*match.span(1), KEY) for match in _AZURE_STORAGE.finditer(text)]
    if "sig=" in text:
        found += [Span(*match.span(1), KEY) for match in _AZURE_SIGNATURE.finditer(text)]
    if "://" in text and "@" in text:
        found += [Span(*match.span(1), KEY) for match in _URL_LOGIN.finditer(text)]
        found += [Span(*match.span(1), KEY) for match in _URL_TOKEN.finditer(text) if _has_digit(match[1])]
    return found + _named(text)


def _beginning_with(letters: str, shape: re.Pattern[str], text: str) -> list[Span]:
    """What has the shape; to look for the letters first is ten times faster than to let the pattern do it."""
    found = []
    position = text.find(letters)
    while position >= 0:
        before = text[position - 1 : position]
        match = None if before.isalnum() or before in ("_", "-") else shape.match(text, position)
        if match is not None:
            found.append(Span(position, match.end(), KEY))
        position = text.find(letters, position + 1 if match is None else match.end())
    return found


def _lower(text: str) -> str:
    """ASCII letters in lower case; every character keeps its place, which ``str.lower`` does not promise."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text.translate(_ASCII_LOWER)


def _named(text: str) -> list[Span]:
    lowered = _lower(text)
    if not any(word in lowered for word in _LIKELY):
        return []
    found = []
    for match in _NAMED.finditer(lowered):
        start, end = match.span("value")
        value = text[start:end]
        if text[end : end + 1] not in ('"', "'", "`"):
            value = value.rstrip(".:?")  # the end of a sentence
        if _looks_secret(value, is_password=match["password"] is not None):
            found.append(Span(start, start + len(value), KEY))
    if "bearer" in lowered:
        for match in _BEARER.finditer(lowered):
            start, end = match.span("value")
            if _has_digit(match["value"]):
                found.append(Span(start, end, KEY))
    return found


def _looks_secret(value: str, *, is_password: bool) -> bool:
    """Whether what a name like ``api_key`` is set to is a secret, and not a word, a number or a piece of code."""
    if not _has_digit(value) or not any(char.isalpha() for char in value) or _is_code(value):
        return False
    if is_password:
        return True
    return len(value) >= 12 and entropy(value) >= 2.8


def _is_code(value: str) -> bool:
    """Whether it is an attribute or a variable and not a value: ``settings.key_2``, ``api_key_v2``."""
    if "." in value:
        return all(part.isidentifier() and len(part) <= _LONGEST_NAME for part in value.split("."))
    return "_" in value and all(_PART_OF_A_NAME.fullmatch(part) for part in value.split("_"))


def entropy(text: str) -> float:
    """Shannon's entropy in bits a character."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())


def _has_digit(text: str) -> bool:
    return any(char.isdigit() for char in text)


def _mixed(text: str) -> bool:
    return any(c.islower() for c in text) and any(c.isupper() for c in text) and _has_digit(text)


def _private_keys(text: str) -> list[Span]:
    """PEM, OpenSSH and PGP blocks; one that is cut off ends where its letters end."""
    found: list[Span] = []
    position, end_mark = 0, -2
    while (begin := _BEGIN.search(text, position)) is not None:
        if end_mark == -2 or -1 < end_mark < begin.end():
            end_mark = text.find("-----END ", begin.end())
        closing = f"-----END {begin[1]}-----"
        if end_mark >= 0 and text.startswith(closing, end_mark):
            position = end_mark + len(closing)
        else:
            position = begin.end()
            while (line := _KEY_LINE.match(text, position) or _LAST_LINE.match(text, position)) is not None:
                position = line.end()
        found.append(Span(begin.start(), position, PRIVATE_KEY))
    return found
