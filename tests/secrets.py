"""Invented people and keys. Keys are put together when the tests run, so that none stands in the repository."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable

ALPHANUMERIC = string.ascii_letters + string.digits


def letters(source: random.Random, count: int, of: str = ALPHANUMERIC) -> str:
    """Random characters, a digit and letters of both cases among them where the alphabet has them."""
    first = "".join(source.choice(of) for _ in range(count - 3))
    return "aZ7" + first if of == ALPHANUMERIC else first + "".join(source.choice(of) for _ in range(3))


def with_luhn(digits: str) -> str:
    """The digits with their check digit."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if position % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return digits + str(-total % 10)


def german_iban(source: random.Random) -> str:
    """An IBAN that keeps mod 97."""
    account = letters(source, 18, string.digits)
    return f"DE{98 - int(account + '131400') % 97:02d}{account}"


KEY_SHAPES: dict[str, Callable[[random.Random], str]] = {
    "openai": lambda r: "sk" + "-" + letters(r, 48),
    "openai project": lambda r: "sk" + "-proj-" + letters(r, 60),
    "anthropic": lambda r: "sk" + "-ant-api03-" + letters(r, 90),
    "openrouter": lambda r: "sk" + "-or-v1-" + letters(r, 64, "0123456789abcdef"),
    "aws id": lambda r: "AK" + "IA" + letters(r, 16, string.ascii_uppercase + "234567"),
    "github": lambda r: "gh" + "p_" + letters(r, 36),
    "github fine-grained": lambda r: "github" + "_pat_" + letters(r, 22) + "_" + letters(r, 59),
    "gitlab": lambda r: "gl" + "pat-" + letters(r, 20),
    "slack": lambda r: "xo" + "xb-123456789012-" + letters(r, 24),
    "stripe": lambda r: "sk" + "_live_" + letters(r, 24),
    "google": lambda r: "AI" + "za" + letters(r, 35),
    "google oauth": lambda r: "ya" + "29." + letters(r, 40),
    "azure openai": lambda r: letters(r, 52) + "JQQ" + "J99" + letters(r, 26),
    "azure app": lambda r: letters(r, 3) + "8" + "Q~" + letters(r, 34),
    "hugging face": lambda r: "h" + "f_" + letters(r, 34),
    "groq": lambda r: "gs" + "k_" + letters(r, 52),
    "sendgrid": lambda r: "S" + "G." + letters(r, 22) + "." + letters(r, 43),
    "jwt": lambda r: "ey" + "J" + letters(r, 20) + ".ey" + "J" + letters(r, 40) + "." + letters(r, 43),
}


def private_key(source: random.Random, kind: str = "RSA ") -> str:
    """A PEM block; only its letters are random."""
    body = "\n".join(letters(source, 64) for _ in range(4))
    return f"-----BEGIN {kind}PRIVATE" + f" KEY-----\n{body}\n-----END {kind}PRIVATE" + " KEY-----"


def personal_details(source: random.Random, number: int) -> dict[str, str]:
    """One invented person: each detail in a text, and the very value that must not be seen."""
    name = f"{source.choice(('anna', 'bert', 'carla', 'dirk'))}.{source.choice(('wald', 'see', 'berg'))}{number}"
    return {
        "email": f"{name}@mail{number}.example.com",
        "phone": f"+49 30 {source.randrange(1_000_000, 9_999_999)}",
        "card": with_luhn("4" + letters(source, 14, string.digits)),
        "iban": german_iban(source),
        "ip": f"203.0.{source.randrange(100, 255)}.{source.randrange(100, 255)}",
    }


def two_hundred(seed: int = 7) -> list[tuple[str, str]]:
    """200 texts with something to hide, and the very characters that must not be seen."""
    source = random.Random(seed)
    found = [(value, value) for number in range(20) for value in personal_details(source, number).values()]
    found += [(key, key) for make in KEY_SHAPES.values() for key in (make(source) for _ in range(5))]
    passwords = [f"Sommer{source.randrange(1000, 9999)}!" for _ in range(4)]
    found += [(f"password: {word}", word) for word in passwords[:2]]
    found += [(f"https://bert:{word}@host.example.com/x", word) for word in passwords[2:]]
    blocks = [private_key(source, kind) for kind in ("RSA ", "OPENSSH ", "", "PGP ")]
    found += [(block, block.splitlines()[2]) for block in blocks]
    found += [(f"api_key = '{key}'", key) for key in (letters(source, 32, "0123456789abcdef") for _ in range(2))]
    assert len(found) == len({value for _, value in found}) == 200
    return found


def record_with(number: int, hidden: list[str]) -> dict[str, object]:
    """A native log record with texts hidden in ever other places of it."""
    record = {
        "id": f"call-{number}",
        "timestamp": f"2026-10-01T{number // 60:02d}:{number % 60:02d}:00Z",
        "model": "gpt-5.6-terra",
        "usage": {"input_tokens": 300, "output_tokens": 100},
    }
    places: list[str] = [""] * 12
    for offset, text in enumerate(hidden):
        places[(number + 5 * offset) % 12] += f" {text} "
    system, user, argument, nested, result, answer, quoted, metadata, tag, description, name, default = places
    schema = {"type": "object", "properties": {"x": {"type": "string", "description": default}}}
    lookup = {
        "id": "t1",
        "type": "function",
        "function": {"name": "look", "arguments": json.dumps({"q": argument, "more": json.dumps([nested])})},
    }
    return {
        **record,
        "messages": [
            {"role": "system", "content": f"You are the support desk. {system}"},
            {"role": "user", "content": [{"type": "text", "text": f"How much is order {number}? {user}"}]},
            {"role": "assistant", "content": None, "tool_calls": [lookup]},
            {"role": "tool", "tool_call_id": "t1", "content": f"found:\n{result}"},
        ],
        "params": {
            "tools": [
                {"type": "function", "function": {"name": "look", "description": description, "parameters": schema}}
            ],
            "metadata": {"note": name},
        },
        "completion": {"content": f"Order {number} costs {3 * number} dollars.{answer}\n> {quoted}"},
        "metadata": {"route": f"desk{metadata}"},
        "tags": [f"t{tag}"],
    }
