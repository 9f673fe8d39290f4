"""Records of LLM proxies as tests build and read them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from cqtui.importers.base import Importer, Place
from cqtui.importers.formats.helicone import HeliconeImporter
from cqtui.importers.formats.litellm import LiteLLMImporter
from cqtui.importers.formats.portkey import PortkeyImporter
from cqtui.importers.raw import NoCall, normalised
from cqtui.models import LoggedCall

ASKED: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}], "temperature": 0}
USAGE = {"prompt_tokens": 1000, "completion_tokens": 100}
ANSWERED: dict[str, Any] = {
    "id": "chatcmpl-1",
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "yo"}, "finish_reason": "stop"}],
    "usage": USAGE,
}
WITHOUT_USAGE = {key: value for key, value in ANSWERED.items() if key != "usage"}
# 1000 input and 100 output tokens of gpt-4o-mini.
LISTED = Decimal("0.00021")


def portkey(**changes: Any) -> dict[str, Any]:
    """A row of a Portkey export; a change of ``...`` takes the field out."""
    record = {
        "id": "p-1",
        "trace_id": "t-1",
        "created_at": "2026-09-10T01:33:20Z",
        "request": ASKED,
        "response": ANSWERED,
        "ai_org": "openai",
        "ai_model": "gpt-4o-mini",
        "req_units": 1000.0,
        "res_units": 100.0,
        "cost": 0.021,
        "cost_currency": "USD",
        "response_time": 640,
        "response_status_code": 200,
        "metadata": {"_user": "ann", "env": "prod"},
    }
    return {key: value for key, value in (record | changes).items() if value is not ...}


def helicone(**changes: Any) -> dict[str, Any]:
    """A row of a Helicone export."""
    record = {
        "request_id": "h-1",
        "response_id": "r-1",
        "request_created_at": "2026-09-10T02:23:20Z",
        "request_body": ASKED,
        "response_body": ANSWERED,
        "response_status": 200,
        "provider": "OPENAI",
        "model": "gpt-4o-mini",
        "delay_ms": 380,
        "time_to_first_token": 90,
        "costUSD": 0.00021,
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "request_user_id": "ann",
        "properties": {"Environment": "prod", "Helicone-Session-Id": "s-1"},
        "cache_reference_id": "00000000-0000-0000-0000-000000000000",
    }
    return {key: value for key, value in (record | changes).items() if value is not ...}


def payload(**changes: Any) -> dict[str, Any]:
    """A payload of LiteLLM's callbacks."""
    record = {
        "id": "l-1",
        "call_type": "acompletion",
        "status": "success",
        "startTime": 1789008000.25,
        "completionStartTime": 1789008000.35,
        "endTime": 1789008000.66,
        "response_time": 0.1,
        "model": "openai/gpt-4o-mini",
        "model_group": "cheap",
        "custom_llm_provider": "openai",
        "response_cost": 0.00021,
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "messages": ASKED["messages"],
        "model_parameters": {"temperature": 0},
        "response": ANSWERED,
        "hidden_params": {},
        "metadata": {},
        "cache_hit": False,
        "request_tags": ["quiz"],
        "end_user": "ann",
    }
    return {key: value for key, value in (record | changes).items() if value is not ...}


def spend(**changes: Any) -> dict[str, Any]:
    """A row of the spend logs as CSV has it: every cell a text."""
    record = {
        "request_id": "s-1",
        "call_type": "acompletion",
        "status": "success",
        "spend": "0.00021",
        "startTime": "2026-09-10 02:40:00.25",
        "completionStartTime": "2026-09-10 02:40:00.66",
        "endTime": "2026-09-10 02:40:00.66",
        "model": "openai/gpt-4o-mini",
        "model_group": "cheap",
        "custom_llm_provider": "openai",
        "prompt_tokens": "1000",
        "completion_tokens": "100",
        "user": "staff",
        "end_user": "",
        "session_id": "c-1",
        "cache_hit": "False",
        "metadata": json.dumps({"user_api_key_alias": "ann's key", "requester_metadata": {"job": "x"}}),
        "request_tags": '["quiz"]',
        "messages": "{}",
        "response": json.dumps(ANSWERED),
        "proxy_server_request": json.dumps(ASKED | {"model": "cheap"}),
    }
    return {key: value for key, value in (record | changes).items() if value is not ...}


def read(importer: Importer, record: dict[str, Any]) -> LoggedCall | NoCall:
    """What the importer makes of a record, in one shape."""
    found = importer.read(record)
    if isinstance(found, NoCall):
        return found
    found.place = Place("log", 1, importer.name, 0, ())
    return normalised(found)


def call_of(importer: Importer, record: dict[str, Any]) -> LoggedCall:
    """The call in a record."""
    found = read(importer, record)
    assert isinstance(found, LoggedCall), found
    return found


def reason_of(importer: Importer, record: dict[str, Any]) -> str:
    """Why a record gives no call."""
    found = read(importer, record)
    assert isinstance(found, NoCall)
    return found.reason


def as_cells(record: dict[str, Any]) -> dict[str, str]:
    """The record as a row of a table, each value as text, JSON where it is structured."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in record.items()}


PORTKEY, HELICONE, LITELLM = PortkeyImporter(), HeliconeImporter(), LiteLLMImporter()
ALL = [(PORTKEY, portkey), (HELICONE, helicone), (LITELLM, payload), (LITELLM, spend)]
