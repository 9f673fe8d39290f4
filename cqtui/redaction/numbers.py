"""Finds payment cards, IBANs, phone numbers and IP addresses among the many numbers that are none of these.

A number counts only where its check digits or its plan allow it: prices, dates, versions, order numbers and the like
are to survive, since every one replaced costs the candidate a fact.
"""

from __future__ import annotations

import bisect
import functools
import ipaddress
import re

from cqtui.redaction.spans import Span, merged

CARD = "CARD"
IBAN = "IBAN"
IP = "IP"
PHONE = "PHONE"

_SEVEN_DIGITS = re.compile(r"\d(?:[^\d\n]{0,4}\d){3}")
# These begin with a set of characters, which the engine searches for at full speed; what stands before comes second.
_CARD = re.compile(
    r"\d(?<![\w.+-]\d)\d{3}(?:([ -]?)\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|([ -]?)\d{6}\2\d{4,5})(?!\w|[.-]\d)", re.ASCII
)
_CARD_PREFIX = re.compile(
    r"4\d{15}(?:\d{3})?|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}(?:\d{3})?|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-5]|[68]\d|9\d)\d{11}"
    r"|62\d{14}(?:\d{3})?|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{12}(?:\d{3})?|220[0-4]\d{12}"
)
_ABOUT_ORDERS = re.compile(
    r"(?:order|invoice|tracking|shipment|parcel|reference|bestellung|auftrag|rechnung|sendung|commande|pedido)"
    r"(?:s?[ -]?(?:number|nummer|no|nr|id))?[.:#\s]{0,4}$",
    re.IGNORECASE,
)
_IBAN_CHECK_DIGITS = re.compile(r"\d(?<=[A-Za-z]{2}\d)(?<![A-Za-z0-9][A-Za-z]{2}\d)\d[ -]?[A-Za-z0-9]{4}", re.ASCII)
_IBAN = re.compile(r"[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}")

_IPV4 = re.compile(r"\d(?<![\w.]\d)\d{0,2}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?!\w|\.\d|-[A-Za-z])", re.ASCII)
_IPV6_FROM_COLON = re.compile(r":[0-9A-Fa-f:]{2,36}(?![\w:])")
_ABOUT_VERSIONS = re.compile(
    r"(?:\bv|version|release|build|firmware|update|upgrade|driver|chapter|section|kapitel|abschnitt|§|patch|[=~^<>])"
    r"[\s:=\"'a-z]{0,12}$|[A-Za-z]/$|[A-Za-z]-$",
    re.IGNORECASE,
)
_ABOUT_ADDRESSES = re.compile(
    r"(?:\bip|addr|host|server|client|dns|gateway|ping|subnet|router|://|@|login|from|remote|peer)[^\n]{0,30}$",
    re.IGNORECASE,
)
_IPV4_SMALL = 31  # four parts up to this look like a version where nothing says what they are

_PHONE = re.compile(
    r"[(+\d](?<![\w#.,/$€£_+-][(+\d])\+?(?:[ \u00a0().\u2011/-]{0,3}\d){6,17}(?![\w%€$£]|[.,-]\d)", re.ASCII
)
_ABOUT_PHONES = re.compile(
    r"(?:\btel\b|telefon|phone|mobil|\bcell|\bfax\b|handy|rufnummer|whatsapp|\bsms\b|hotline|téléphone|portable"
    r"|móvil|call (?:me|us|him|her|them|back)|(?:reach|contact) (?:me|us|him|her|them)|\bdial\b|電話|电话)[^\n]{0,24}$",
    re.IGNORECASE,
)
_NORTH_AMERICAN = re.compile(r"(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}")
_DATE = re.compile(r"(?<!\d)(?:\d{1,2}([./-])\d{1,2}\1(?:19|20)?\d\d|(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2})(?!\d)")
_ISBN = re.compile(r"isbn(?:-1[03])?[\s:]{0,4}$", re.IGNORECASE)
_REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "CH", "AT", "BE", "AU", "IN", "BR", "JP", "CN", "PL", "SE")
_LEADING_ZERO = ("GB", "DE", "FR", "IT", "NL", "CH", "AT", "BE", "AU", "JP", "IN", "SE")
_BEFORE = 40  # characters before a number that say what it is


def find_numbers(text: str) -> list[Span]:
    """The cards, IBANs, IP addresses and phone numbers in a text, in order within each kind."""
    found: list[Span] = []
    if text.count(":") > 1:
        for match in _IPV6_FROM_COLON.finditer(text):
            start = _start_of_ipv6(text, match.start())
            if _is_ipv6(text[start : match.end()]):
                found.append(Span(start, match.end(), IP))
    if _SEVEN_DIGITS.search(text) is None:
        return found
    found += [Span(*match.span(), CARD) for match in _CARD.finditer(text) if _is_card_at(text, match)]
    for match in _IBAN_CHECK_DIGITS.finditer(text):
        start = match.start() - 2
        end = _iban_end(text, start)
        if end is not None:
            found.append(Span(start, end, IBAN))
    if text.count(".") > 2:
        found += [Span(*match.span(), IP) for match in _IPV4.finditer(text) if _is_ipv4(text, match)]
    taken = merged(found)
    for match in _PHONE.finditer(text):
        next_one = bisect.bisect_right(taken, match.start(), key=lambda span: span.end)
        if next_one == len(taken) or taken[next_one].start >= match.end():
            end = _phone_end(text, match)
            if end is not None:
                found.append(Span(match.start(), end, PHONE))
    return found


def digits_of(text: str) -> str:
    """The digits of a text."""
    return "".join(char for char in text if char.isdigit())


@functools.lru_cache(4096)
def is_card(text: str) -> bool:
    """Whether the digits are those of a payment card: an issuer's prefix, its length, and Luhn's check digit."""
    from stdnum import luhn

    digits = digits_of(text)
    return _CARD_PREFIX.fullmatch(digits) is not None and bool(luhn.is_valid(digits))


def _is_card_at(text: str, match: re.Match[str]) -> bool:
    """Whether a card stands there, and not what the text calls the number of an order."""
    before = text[max(0, match.start() - _BEFORE) : match.start()]
    return is_card(match[0]) and _ABOUT_ORDERS.search(before) is None


def _iban_end(text: str, start: int) -> int | None:
    """Where the IBAN that begins at ``start`` ends; groups that follow it do not belong to it."""
    from stdnum import iban

    match = _IBAN.match(text, start)
    if match is None:
        return None
    candidate = match[0]
    length = len(candidate)
    while length >= 15:
        if (start + length == len(text) or not text[start + length].isalnum()) and iban.is_valid(candidate[:length]):
            return start + length
        length = max(candidate.rfind(" ", 0, length), candidate.rfind("-", 0, length))
    return None


def _is_ipv4(text: str, match: re.Match[str]) -> bool:
    """Whether four numbers are an address and not a version; loopback, netmasks and 0.0.0.0 name nobody."""
    try:
        address = ipaddress.IPv4Address(match[0])
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified or match[0].startswith("255."):
        return False
    before = text[max(0, match.start() - _BEFORE) : match.start()]
    if _ABOUT_VERSIONS.search(before):
        return False
    if _ABOUT_ADDRESSES.search(before) or text[match.end() : match.end() + 1] in (":", "/"):
        return True
    return match[0].startswith("10.") or any(int(part) > _IPV4_SMALL for part in match[0].split("."))


def _start_of_ipv6(text: str, colon: int) -> int:
    start = colon
    while start > 0 and colon - start < 5 and (text[start - 1].isalnum() or text[start - 1] in "_:."):
        start -= 1
    return start


def _is_ipv6(text: str) -> bool:
    """Whether it is an address, and not a time, a hash or a scope like ``ab::cd``; loopback names nobody."""
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified:
        return False
    groups = [group for group in text.split(":") if group]
    return len(groups) >= 2 and any(len(group) >= 3 and any(c.isdigit() for c in group) for group in groups)


def _phone_end(text: str, match: re.Match[str]) -> int | None:
    """Where the phone number that begins there ends; None where it is none. Groups that follow do not belong to it."""
    before = text[max(0, match.start() - _BEFORE) : match.start()]
    if _ISBN.search(before):
        return None
    is_named = _ABOUT_PHONES.search(before) is not None
    candidate = match[0]
    for _ in range(3):
        if len(digits_of(candidate)) < 7:
            return None
        if _is_phone(candidate, is_named):
            return match.start() + len(candidate)
        cut = re.search(r"[^\d]+\d+$", candidate)
        if cut is None:
            return None
        candidate = candidate[: cut.start()]
    return None


@functools.lru_cache(4096)
def _is_phone(candidate: str, is_named: bool) -> bool:
    digits = digits_of(candidate)
    if "+" in candidate[:2]:
        return _is_international(f"+{digits}", has_groups=len(digits) != len(candidate) - 1)
    if _DATE.search(candidate) and not _NORTH_AMERICAN.fullmatch(candidate):
        return False
    if digits.startswith("00") and len(digits) > 9 and (is_named or candidate.count(" ")):
        return _is_international(f"+{digits[2:]}", has_groups=False)
    if is_named:
        return any(_is_national(digits, region) for region in _REGIONS)
    if _NORTH_AMERICAN.fullmatch(candidate):
        return _is_national(digits, "US")
    groups = re.findall(r"\d+", candidate)
    if not digits.startswith("0") or not 9 <= len(digits) <= 12 or len(groups) < 2:
        return False
    if "." in candidate and not all(len(group) == 2 for group in groups):
        return False
    if len(groups) == 4 and len(groups[-1]) == 1:  # an ISBN in its groups
        return False
    return min(map(len, groups)) > 1 and any(_is_national(digits, region) for region in _LEADING_ZERO)


def _is_international(number: str, *, has_groups: bool) -> bool:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return False
    if phonenumbers.is_valid_number(parsed):
        return True
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    return has_groups and reason == phonenumbers.ValidationResult.IS_POSSIBLE


def _is_national(digits: str, region: str) -> bool:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_valid_number_for_region(parsed, region))
