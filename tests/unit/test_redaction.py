"""What is replaced in a text, what survives, and how it is replaced."""

from __future__ import annotations

import importlib
import json
import random
import re
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqtui.errors import BadInputError
from cqtui.models import Failure
from cqtui.redaction import emails, keys, numbers, redactor
from cqtui.redaction.redactor import PLACEHOLDER, Redactor, counted_words, without_keys
from cqtui.settings import parse_settings
from tests.secrets import KEY_SHAPES, german_iban, letters, private_key

CARD = "4111" + "1111" * 3
HEX = letters(random.Random(6), 32, "0123456789abcdef")
MIXED = letters(random.Random(7), 28)

# First what must survive: each of these replaced by mistake takes a fact away from the candidate.
SURVIVES = (
    "Order 20240001234567 and order number 4000 1234 5678 9017 are on their way, INV-0012345678, #0012345678.",
    "Orders ORD-2024-000123 and PO 0800-2024; tracking 1Z999AA10123456784.",
    "The total is $1,234.56, 1 234 567,89 EUR or £20 000 000 000; 10.500.000 people.",
    "From 2026-11-25T12:30:45Z to 25.11.2026, 25/11/2026 08:30, 01.02.2026 - 03.02.2026, 05-11-2026 0800, 12:30:45.",
    "v1.2.3.4, version 10.0.1.7, Chrome/12.0.64.127, upgrade to 1.2.3.4, a-1.2.3.4, a==2.31.0.1, 10.0.19045.3448",
    "See section 4.3.2.1 and 3.2.1.4, OID 1.3.6.1.4.1.311.",
    "127.0.0.1, 0.0.0.0, 255.255.255.0 and ::1 name nobody.",
    "123e4567-e89b-12d3-a456-426614174000 d41d8cd98f00b204e9800998ecf8427e",
    "commit e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 (a1b2c3d4e5f6)",
    "ISBN 0-306-40615-2, 978-3-16-148410-0, 0-306-40615-2, EAN 4006381333931",
    "std::vector<int>, a::b, dead::beef, 00:1A:2B:3C:4D:5E",
    "1700000000 1700000000000 3.14159265358979 0.123456789 52.520008, 13.404954 12345678901234567890",
    "max_tokens: 4096, token_count = 123456789012, 'total_tokens': 1234567890, tokens: a1b2c3d4e5f6g7h8",
    "api_key = os.environ['KEY2'], api_key = settings.key_2.value, password = getpass(), token = response.headers_v2.x",
    "password: required; the secret is out; Your token is valid. The key is under the mat 22.",
    "@types/node@18.0.1 lodash@4.17.21 icon@2x.png git@github.com:a/b.git @dataclass(frozen=True)",
    "sk-fading-circle-something-long, risk-assessment-process-for-2024-q3, task-based",
    "The bearer authentication-mechanism is described in https://example.com:8080/a?b=c@d",
    "1 2 3 4 5 6 7 8 9 10 11, 100 200 3000 4000, lines 1000-2000, +10000000 users, 2020-2024 2021-2025",
    "Lots 4111 1111 1111 1112, 1234 5678 9012 3452 and 4111111111111112; DE88370400440532013000 is no IBAN.",
    "SELECT * FROM t WHERE id = 4155550132 AND n > 0123456789",
)

FOUND = {
    "EMAIL": (
        ("Write to anna.wald@example.com.", "anna.wald@example.com"),
        ("müller@beispiel.de", "müller@beispiel.de"),
        ("<a href='mailto:o+x@sub.example.co.uk'>", "o+x@sub.example.co.uk"),
        ("|anna@example.com|email=bert@example.com", "anna@example.com"),
    ),
    "PHONE": (
        ("call +1 202-555-0143 now", "+1 202-555-0143"),
        ("(202) 555-0144", "(202) 555-0144"),
        ("My phone number is 2025550145", "2025550145"),
        ("Tel: 030 901820, später", "030 901820"),
        ("020 7946 0958", "020 7946 0958"),
        ("06 12 34 56 78", "06 12 34 56 78"),
        ("+4930901820", "+4930901820"),
    ),
    "CARD": (
        (f"card {CARD}.", CARD),
        ("4111 1111 1111 1111 12/27 123", "4111 1111 1111 1111"),
        ("3782" + "-822463-10005", "3782-822463-10005"),
    ),
    "IBAN": (
        ("DE89 3704 0044 0532 0130 00 BIC COBADEFF", "DE89 3704 0044 0532 0130 00"),
        ("gb82west12345698765432", "gb82west12345698765432"),
    ),
    "IP": (
        ("from 203.0.113.77:8080", "203.0.113.77"),
        ("10.0.0.12 answers", "10.0.0.12"),
        ("server 8.8.8.8", "8.8.8.8"),
        ("2001:db8:85a3::8a2e:370:7334", "2001:db8:85a3::8a2e:370:7334"),
        ("fe80::1ff:fe23:4567:890a", "fe80::1ff:fe23:4567:890a"),
    ),
    "KEY": (
        (f'api_key = "{HEX}"', HEX),
        ("PORTKEY_API_KEY=" + MIXED, MIXED),
        ("x-portkey-api-key: " + MIXED, MIXED),
        ("Authorization: Bearer " + "abc4" * 6, "abc4" * 6),
        ("Your password is Sommer2024!", "Sommer2024!"),
        ("postgres://anna:geheim1@db.example.com/x", "anna:geheim1"),
        ("AccountKey=" + "Ab3d" * 21 + "==;", "Ab3d" * 21 + "=="),
    ),
}


@pytest.mark.parametrize("text", SURVIVES)
def test_what_is_no_secret_survives(text: str) -> None:
    assert Redactor().redact(text).text == text


@pytest.mark.parametrize(("kind", "text", "value"), [(k, *pair) for k, pairs in FOUND.items() for pair in pairs])
def test_a_personal_detail_or_key_becomes_a_placeholder_and_nothing_else_does(kind: str, text: str, value: str) -> None:
    found = Redactor().redact(text)
    assert found.text.startswith(text.replace(value, f"<{kind}_1>").split("email=")[0])
    assert value not in found.text
    assert found.counts[kind] >= 1


@pytest.mark.parametrize("name", KEY_SHAPES)
@pytest.mark.parametrize("around", ["{}", "use {}, please", '{{"a": "{}"}}', "x={}&y=1", "`{}`", "key:\\n{}\\n"])
def test_keys_are_known_by_their_shape_alone(name: str, around: str) -> None:
    key = KEY_SHAPES[name](random.Random(name))
    found = Redactor().redact(around.format(key))
    assert found.text == around.format("<KEY_1>").replace("{{", "{").replace("}}", "}")
    assert without_keys(around.format(key)) == found.text


def test_an_aws_secret_is_known_beside_its_id() -> None:
    source = random.Random(1)
    secret, digest = letters(source, 40), "0123456789abcdef" * 2 + "01234567"
    assert secret in Redactor().redact(f"{secret}").text
    found = Redactor().redact(f"{KEY_SHAPES['aws id'](source)} {secret} {digest}").text
    assert found == f"<KEY_1> <KEY_2> {digest}"


@pytest.mark.parametrize("kind", ["RSA ", "OPENSSH ", "EC ", "ENCRYPTED ", ""])
@pytest.mark.parametrize("newline", ["\n", "\\n", "\r\n"])
def test_private_key_blocks_go_whole_and_what_follows_stays(kind: str, newline: str) -> None:
    block = private_key(random.Random(kind), kind).replace("\n", newline)
    assert Redactor().redact(f"a {block} b").text == "a <PRIVATE_KEY_1> b"
    cut = block[: len(block) // 2]
    assert Redactor().redact(cut).text == "<PRIVATE_KEY_1>"
    prose = f"{newline}{newline}Is that the right one? I think so."
    assert Redactor().redact(cut + prose).text.endswith("I think so.")
    assert cut[-30:] not in Redactor().redact(cut + prose).text


def test_pgp_blocks_go_whole() -> None:
    block = private_key(random.Random(2), "PGP ").replace("KEY-----", "KEY BLOCK-----")
    assert Redactor().redact(f"a {block} b").text == "a <PRIVATE_KEY_1> b"


def test_placeholders_are_numbered_as_they_appear_and_the_same_for_the_same_value() -> None:
    found = Redactor().redact("b@x.de a@x.de B@X.de; 4111 1111 1111 1111 is " + CARD)
    assert found.text == "<EMAIL_1> <EMAIL_2> <EMAIL_1>; <CARD_1> is <CARD_1>"
    assert dict(found.counts) == {"EMAIL": 3, "CARD": 2}
    assert counted_words(found.counts) == "3 e-mail addresses, 2 card numbers"


def test_a_placeholder_that_stands_in_the_text_is_not_given_again() -> None:
    found = Redactor().redact("<EMAIL_1> wrote to a@x.de and <EMAIL_7>, then b@x.de")
    assert found.text == "<EMAIL_1> wrote to <EMAIL_8> and <EMAIL_7>, then <EMAIL_9>"


def test_what_is_known_by_its_context_once_is_replaced_where_it_has_none() -> None:
    record = Redactor().record()
    record.redact("password: Sommer2024!x")
    assert record.redact("Take Sommer2024!x and go") == "Take <KEY_1> and go"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"mail": "a@x.de", "n": 3}', '{"mail": "<EMAIL_1>", "n": 3}'),
        (f'{{"card": {CARD}, "all": [{CARD}, 5]}}', '{"card": "<CARD_1>", "all": ["<CARD_1>", 5]}'),
        ('{"a": "x\\na@x.de", "b": "a\\u0040x.de"}', '{"a": "x\\n<EMAIL_1>", "b": "<EMAIL_1>"}'),
        ('{"password": "Sommer2024", "phone": "0301234567"}', '{"password": "<KEY_1>", "phone": "<PHONE_1>"}'),
        ('{"inner": "{\\"mail\\": \\"a@x.de\\"}"}', '{"inner": "{\\"mail\\": \\"<EMAIL_1>\\"}"}'),
        (f'Here: {{"card": {CARD}}} "\\nb@x.de"', 'Here: {"card": "<CARD_1>"} "\\n<EMAIL_1>"'),
    ],
)
def test_json_stays_json(text: str, expected: str) -> None:
    assert Redactor().redact(text).text == expected


def test_own_patterns_have_their_names_and_are_linear() -> None:
    found = Redactor({"ticket": r"KD-\d{6}", "staff": r"(?i)mitarbeiter \w+"}).redact(
        "KD-123456 und Mitarbeiter Müller ß"
    )
    assert found.text == "<TICKET_1> und <STAFF_1>üller ß" or found.text == "<TICKET_1> und <STAFF_1> ß"
    assert Redactor({"slow": r"(a+)+$"}).redact("a" * 50_000 + "!").text.endswith("!")


@pytest.mark.parametrize(
    ("name", "pattern", "words"),
    [
        ("a", "(", "missing )"),
        ("a", "(?<=x)y", "no lookarounds"),
        ("a", r"(x)\1", "no back references"),
        ("a", "x*", "matches the empty text"),
        ("a", "x" * 1001, "1001 characters"),
        ("a", "(?:x{1000}){1000}", "not a pattern of re2"),
        ("email", "x", "is taken"),
        ("a b", "x", "letters, digits and underscores"),
        ("a", "\\C*)", "privacy.patterns.a"),
    ],
)
def test_a_pattern_of_no_use_is_refused_in_one_line_with_its_place(name: str, pattern: str, words: str) -> None:
    text = f"\n[privacy.patterns]\n{json.dumps(name)} = '{pattern}'\n"
    with pytest.raises(BadInputError) as refused:
        parse_settings(text)
    assert refused.value.title.startswith("cqtui.toml:")
    assert words in refused.value.title
    assert "\n" not in refused.value.title


def test_a_provider_s_message_never_holds_a_key() -> None:
    key = KEY_SHAPES["openai"](random.Random(3))
    failure = Failure(kind="refused_credentials", message=f"Incorrect API key provided: {key}. Find yours at ...")
    assert key not in failure.message
    assert "<KEY_1>" in failure.message


PIECES = st.sampled_from(
    [
        *(text for pairs in FOUND.values() for text, _ in pairs),
        *SURVIVES,
        *(make(random.Random(name)) for name, make in KEY_SHAPES.items()),
        private_key(random.Random(4)),
        german_iban(random.Random(5)),
        "<EMAIL_1>", "<KEY_99>", "<EMAIL_", "@", "+", ":", "\\", "\\n", '"', "{", "}", "://", "password: ", "<", " ",
    ]
)  # fmt: skip
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=12).map("".join)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.just(int(CARD)), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=8,
)
ALL_KINDS = Redactor({"ticket": r"KD-\d+", "word": r"[b-d]+"})


@given(TEXTS)
def test_redacting_again_changes_nothing(text: str) -> None:
    once = ALL_KINDS.redact(text).text
    assert ALL_KINDS.redact(once).text == once


@given(JSON, st.booleans(), st.sampled_from([None, 2]))
def test_json_stays_json_with_the_same_shape(value: Any, ascii_only: bool, indent: int | None) -> None:
    def shape(each: Any) -> Any:
        if isinstance(each, dict):
            return [shape(item) for item in each.values()]
        return [shape(item) for item in each] if isinstance(each, list) else type(each) if each != int(CARD) else str

    written = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    if not isinstance(value, dict | list):
        return
    found = json.loads(ALL_KINDS.redact(written).text)
    if not isinstance(value, dict) or len(found) == len(value):
        assert json.dumps(shape(found), default=str) == json.dumps(shape(value), default=str)


@given(st.lists(st.sampled_from(["a@x.de", "b@x.de", "<EMAIL_1>", "<EMAIL_2>", "<EMAIL_12>"]), max_size=10))
def test_no_placeholder_stands_for_two_things(words: list[str]) -> None:
    found = Redactor().redact(" ".join(words)).text.split()
    for word, given_word in zip(words, found, strict=True):
        if word.startswith("<"):
            assert given_word == word
        else:
            assert given_word not in words
    assert len(set(zip(words, found, strict=True))) == len(set(words)) == len(set(found))


@given(st.text(), st.text(alphabet="@.:+-(0123456789aA/ \\\"'{}[]<>_\ud83d"))
def test_no_text_is_too_odd(one: str, other: str) -> None:
    ALL_KINDS.redact(one + other)
    ALL_KINDS.redact(other + one)
    without_keys(other)


def _repeats(parsed: Any, inside: bool, found: list[bool]) -> None:
    """Whether a repeat without an upper end stands within another repeat, anywhere in a parsed expression."""
    for operator, argument in parsed:
        name = str(operator)
        if "REPEAT" in name:
            _, high, inner = argument
            endless = high >= 4_000_000_000
            found.append(endless and inside)
            _repeats(inner, inside or high > 1_000, found)
        elif name == "SUBPATTERN":
            _repeats(argument[3], inside, found)
        elif name == "BRANCH":
            for branch in argument[1]:
                _repeats(branch, inside, found)
        elif name.startswith("ASSERT"):
            _repeats(argument[1], inside, found)


@pytest.mark.parametrize("module", [emails, keys, numbers, redactor])
def test_no_pattern_has_an_endless_repeat_within_a_repeat(module: ModuleType) -> None:
    patterns = [value for value in vars(module).values() if isinstance(value, re.Pattern)]
    if module is keys:
        patterns += [shape for _, shape in (*keys._SHAPES, *keys._SHAPES_AROUND)]
    assert patterns
    parser: Any = importlib.import_module("re._parser")
    for pattern in patterns:
        found: list[bool] = []
        _repeats(parser.parse(pattern.pattern, pattern.flags), False, found)
        allowed = 1 if pattern is redactor._JSON_TOKEN else 0  # its parts share no character
        assert sum(found) <= allowed, pattern.pattern


@pytest.mark.parametrize(
    "piece", ["+49 30 901820 ", "030 901820 12 34 ", "DE89 3704 ", "-----BEGIN " + "PRIVATE KEY-----"]
)
def test_the_costly_checks_grow_with_the_text_alone(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counting(original: Any) -> Any:
        def ask(*arguments: Any) -> Any:
            asked.append(str(arguments[0]))
            return original(*arguments)

        return ask

    monkeypatch.setattr(numbers, "_is_phone", counting(numbers._is_phone))
    monkeypatch.setattr(numbers, "_iban_end", counting(numbers._iban_end))
    monkeypatch.setattr("cqtui.redaction.redactor.find_keys", counting(keys.find_keys))

    def cost(count: int) -> tuple[int, int]:
        asked.clear()
        Redactor().redact(piece * count)
        return len(asked), max(map(len, asked))

    (few, _), (many, longest) = cost(50), cost(500)
    assert many <= 11 * few + 20
    assert longest <= 500 * len(piece)


def test_placeholders_are_what_the_pattern_says() -> None:
    assert PLACEHOLDER.fullmatch("<PRIVATE_KEY_12>")
    assert not PLACEHOLDER.fullmatch("<email_1>")
