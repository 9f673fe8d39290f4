"""Portkey's log exports, and the log files of its self-hosted gateway."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Importer
from cqtui.importers.proxies import (
    Surroundings,
    failure_of,
    flag,
    is_absent,
    other_endpoint,
    read_proxied,
)
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.reasons import not_captured

NO_PROMPTS = not_captured("export the fields request and response, which an administrator may deny")
MARKS = ("ai_org", "ai_model", "req_units", "res_units", "response_status_code")
# The names that the documentation's examples have for some of the fields.
OTHER_MARKS = ("ai_provider", "request_tokens", "response_tokens", "status_code", "prompt_slug", "cost_currency")
# How far a logged cost may lie from the list price: discounts and cached tokens, but never cents against dollars.
TOLERANCE = 10
LONGEST_NAME = 200


class PortkeyImporter(Importer):
    """Reads rows of a log export and records of a gateway's log store."""

    name = "portkey"
    fields = frozenset({"trace_id", "request", "response", "cost", "request_url", *MARKS})

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with two of Portkey's own fields, or with a log store's headers beside a request."""
        own = sum(name in record for name in (*MARKS, *OTHER_MARKS))
        if any(name in record for name in (*MARKS, "ai_provider")) and (own >= 2 or "trace_id" in record):
            return 0.97
        return 0.97 if "_id" in record and is_stored(record) else 0.0

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The call in the record."""
        get = record.get
        request, response = base.structured(get("request")), base.structured(get("response"))
        sent = request if isinstance(request, dict) else {}
        received = response if isinstance(response, dict) else {}
        asked = sent["body"] if is_wrapped(sent) else request
        answered = received["body"] if is_wrapped(received) else response
        if reason := why_none(record, sent, received, answered):
            return reason
        if is_absent(asked):
            return NoCall(NO_PROMPTS)
        headers = headers_of(sent.get("portkeyHeaders")) or headers_of(sent.get("headers"))
        noted = base.mapping(get("metadata")) or base.mapping(headers.get("x-portkey-metadata"))
        named = base.text_or_none(headers.get("x-portkey-provider"))
        status = get("cache_status", headers_of(received.get("headers")).get("x-portkey-cache-status"))
        around = Surroundings(
            id=get("id", get("_id")),
            time=get("created_at"),
            model=get("ai_model"),
            # A provider that starts with @ is the team's own name for its keys.
            provider=get("ai_org") or get("ai_provider") or (None if (named or "@").startswith("@") else named),
            usage={
                "input_tokens": get("req_units", get("request_tokens")),
                "output_tokens": get("res_units", get("response_tokens")),
            },
            latency_ms=get("response_time", received.get("responseTime")),
            user=noted.get("_user"),
            metadata={name: value for name, value in noted.items() if name != "_user"},
            is_cache_hit=isinstance(status, str) and status.strip().upper().endswith("HIT"),
        )
        call = read_proxied(asked, None if is_absent(answered) else answered, around)
        if isinstance(call, RawCall):
            slug = base.text_or_none(get("prompt_slug"))
            call.metadata = {**call.metadata, **({"prompt_slug": slug} if slug else {})}
            if not around.is_cache_hit:
                call.cost_usd = dollars(get("cost"), get("cost_currency"), call)
        return call


def is_stored(record: Mapping[str, Any]) -> bool:
    """Whether the record's request and response are those of a self-hosted gateway's log store."""
    request, response = base.mapping(record.get("request")), base.mapping(record.get("response"))
    return "portkeyHeaders" in request or ("url" in request and is_wrapped(request) and "responseTime" in response)


def is_wrapped(side: Mapping[str, Any]) -> bool:
    """Whether a request or response is the HTTP message around its body."""
    return "body" in side and not {"messages", "choices"} & side.keys()


def headers_of(value: Any) -> dict[str, Any]:
    """Headers by their names in lower case."""
    return {name.lower(): header for name, header in base.mapping(value).items()}


def why_none(
    record: Mapping[str, Any], sent: Mapping[str, Any], received: Mapping[str, Any], answered: Any
) -> NoCall | None:
    """Why the record gives no call: it failed, or was of another kind; None where it may give one."""
    status = record.get("response_status_code", record.get("status_code", received.get("status")))
    failure = failure_of(status, answered, flag(record.get("is_success")))
    return failure or other_endpoint(record.get("request_url") or sent.get("url"))


def dollars(cost: Any, currency: Any, call: RawCall) -> Decimal | None:
    """A logged cost in USD. The unit is cents, except where only dollars come near the list price of the tokens."""
    unit = (base.text_or_none(currency) or "usd").lower()
    amount = base.money(base.nonzero(cost), call.warnings)
    if amount is None:
        return None
    if unit not in ("usd", "cents", "us cents", "usd cents"):
        base.note(call.warnings, f"cost in {unit[:10]!r} is not in USD, read as unknown")
        return None
    listed = list_price(call)
    if not listed or is_near(amount / 100, listed):
        return amount / 100
    if is_near(amount, listed):
        base.note(call.warnings, "cost read as dollars, not cents: so it fits the list price")
        return amount
    base.note(call.warnings, "cost is far from the list price; read as cents")
    return amount / 100


def is_near(amount: Decimal, listed: Decimal) -> bool:
    """Whether an amount may be the price of what is listed so."""
    return listed <= amount * TOLERANCE and amount <= listed * TOLERANCE


def list_price(call: RawCall) -> Decimal | None:
    """About what the call's tokens cost by the list, in USD; None where the model or the tokens are unknown."""
    rates = rates_of(base.text_or_none(call.model) or "", base.text_or_none(call.provider))
    if rates is None:
        return None
    tokens = (base.count(call.usage.get(side), side, []) or 0 for side in ("input_tokens", "output_tokens"))
    return sum((rate * count for rate, count in zip(rates, tokens, strict=True)), Decimal(0))


@lru_cache(maxsize=1024)
def rates_of(model: str, provider: str | None) -> tuple[Decimal, Decimal] | None:
    """The list price of one input and one output token in USD; None where it is not listed."""
    if len(model) > LONGEST_NAME:
        return None
    # Imported here: it takes a third of a second, and only logs of this format need it.
    from genai_prices import Usage, calc_price

    for host in dict.fromkeys((provider, None)):
        try:
            return (
                calc_price(Usage(input_tokens=1000), model, provider_id=host).total_price / 1000,
                calc_price(Usage(output_tokens=1000), model, provider_id=host).total_price / 1000,
            )
        except (LookupError, ValueError):
            continue
    return None
