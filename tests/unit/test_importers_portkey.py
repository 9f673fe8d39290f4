"""Portkey's log exports and log stores."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from cqtui.importers.formats import IMPORTERS, Detection
from tests.proxy_logs import ANSWERED, ASKED, PORTKEY, WITHOUT_USAGE, call_of, portkey, reason_of


@pytest.mark.parametrize(
    "request_",
    [
        ASKED,
        json.dumps(ASKED),
        {"url": "u", "method": "POST", "headers": {}, "body": ASKED},
        {"body": json.dumps(ASKED)},
    ],
)
@pytest.mark.parametrize("response", [ANSWERED, json.dumps(ANSWERED), {"status": 200, "body": json.dumps(ANSWERED)}])
def test_portkey_bodies_in_any_wrapping(request_: Any, response: Any) -> None:
    call = call_of(PORTKEY, portkey(request=request_, response=response))
    assert call == call_of(PORTKEY, portkey())
    assert (call.id, call.user, call.metadata) == ("p-1", "ann", {"env": "prod"})


@pytest.mark.parametrize(
    ("cost", "usd", "warned"),
    [
        (0.021, "0.00021", False),  # cents, as documented
        (0.0042, "0.000042", False),  # cents with a discount
        ("0.021", "0.00021", False),
        (0.00021, "0.00021", True),  # dollars
        (0.000105, "0.000105", True),  # dollars with a discount
        (5, "0.05", True),  # near neither
    ],
)
def test_portkey_cost_unit_follows_the_list_price(cost: Any, usd: str, warned: bool) -> None:
    call = call_of(PORTKEY, portkey(cost=cost))
    assert call.cost_usd == Decimal(usd)
    assert bool(call.origin.warnings) is warned


def test_portkey_cost_is_in_cents_where_the_price_is_unknown() -> None:
    answered = ANSWERED | {"model": "in-house"}
    assert call_of(PORTKEY, portkey(response=answered, cost=0.5)).cost_usd == Decimal("0.005")


def test_portkey_cost_in_another_currency_is_unknown() -> None:
    call = call_of(PORTKEY, portkey(cost_currency="EUR"))
    assert call.cost_usd is None
    assert any("eur" in warning for warning in call.origin.warnings)


def test_portkey_names_of_the_documentation() -> None:
    names = {"ai_provider": "azure-openai", "request_tokens": 12.0, "response_tokens": 3.0, "status_code": 200}
    gone = dict.fromkeys(("ai_org", "ai_model", "req_units", "res_units", "response_status_code", "trace_id"), ...)
    record = portkey(response=WITHOUT_USAGE, **names, **gone)
    assert PORTKEY.sniff(record) >= 0.9
    call = call_of(PORTKEY, record)
    assert (call.provider, call.usage.input_tokens, call.usage.output_tokens) == ("azure-openai", 12, 3)


def test_portkey_log_store_of_a_gateway() -> None:
    headers = {"X-Portkey-Provider": "openai", "x-portkey-metadata": '{"_user": "ann", "env": "prod"}'}
    record = {
        "_id": "g-1",
        "created_at": "2026-09-10T01:33:20Z",
        "request": {"url": "https://h/v1/chat/completions", "headers": {}, "body": ASKED, "portkeyHeaders": headers},
        "response": {"status": 200, "headers": {}, "body": ANSWERED, "responseTime": 640},
    }
    assert Detection().importer_of(record) in [entry for entry in IMPORTERS if entry.name == "portkey"]
    call = call_of(PORTKEY, record)
    assert (call.id, call.provider, call.user, call.latency_ms) == ("g-1", "openai", "ann", 640)
    assert call.metadata == {"env": "prod"}


def test_portkey_prompt_that_was_cut_off() -> None:
    assert "cut off" in reason_of(PORTKEY, portkey(request='{"messages": [{"role": "us'))
