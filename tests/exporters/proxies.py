"""Exports of the proxies: Portkey, Helicone and LiteLLM."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cqtui.models import LoggedCall
from tests.exporters import bodies
from tests.exporters.files import Files, Record, dollars, ended, iso, lines, spaced, started, table, total

CHAT_URL = "https://api.openai.com/v1/chat/completions"
NO_CACHE = "00000000-0000-0000-0000-000000000000"


def _cents(call: LoggedCall) -> float | None:
    return None if call.cost_usd is None else float(call.cost_usd * 100)


def _portkey(call: LoggedCall) -> Record:
    return {
        "id": call.id,
        "trace_id": call.session,
        "created_at": iso(started(call)),
        "ai_org": call.provider,
        "ai_model": call.model,
        "req_units": float(call.usage.input_tokens or 0),
        "res_units": float(call.usage.output_tokens or 0),
        "total_units": float(total(call)),
        "request_url": CHAT_URL,
        "cost": _cents(call),
        "cost_currency": "USD",
        "response_time": call.latency_ms,
        "response_status_code": 200,
        "is_success": True,
        "mode": "single",
        "config": "",
        "prompt_slug": "",
        "metadata": call.metadata,
    }


def portkey(calls: Sequence[LoggedCall]) -> Files:
    """Rows of a log export, with the HTTP messages around the bodies."""
    rows = (
        {
            **_portkey(call),
            "request": {
                "url": CHAT_URL,
                "method": "POST",
                "headers": {"content-type": "application/json", "authorization": "Bearer sk-sample"},
                "body": bodies.chat_request(call),
            },
            "response": {
                "status": 200,
                "headers": {"x-portkey-cache-status": "DISABLED"},
                "body": bodies.chat_response(call),
                "responseTime": call.latency_ms,
            },
        }
        for call in calls
    )
    return {"portkey.jsonl": lines(rows)}


def portkey_bodies(calls: Sequence[LoggedCall]) -> Files:
    """The same with the bodies alone, in JSON text, and the names that the documentation's examples have."""
    renamed = {
        "ai_org": "ai_provider",
        "req_units": "request_tokens",
        "res_units": "response_tokens",
        "response_status_code": "status_code",
    }
    rows = (
        {renamed.get(name, name): value for name, value in _portkey(call).items()}
        | {"request": json.dumps(bodies.chat_request(call)), "response": json.dumps(bodies.chat_response(call))}
        for call in calls
    )
    return {"portkey.jsonl": lines(rows)}


def portkey_store(calls: Sequence[LoggedCall]) -> Files:
    """Records of the log store of a self-hosted gateway."""
    records = (
        {
            "_id": call.id,
            "created_at": iso(started(call)),
            "request": {
                "url": CHAT_URL,
                "headers": {"content-type": "application/json"},
                "portkeyHeaders": {
                    "x-portkey-provider": call.provider,
                    "x-portkey-metadata": json.dumps(call.metadata),
                },
                "body": bodies.chat_request(call),
            },
            "response": {
                "status": 200,
                "headers": {},
                "body": bodies.chat_response(call),
                "responseTime": call.latency_ms,
            },
        }
        for call in calls
    )
    return {"store.jsonl": lines(records)}


def _helicone(call: LoggedCall) -> Record:
    properties = {**call.metadata, "Helicone-Session-Id": call.session}
    return {
        "response_id": f"r-{call.id}",
        "response_created_at": iso(ended(call)),
        "response_status": 200,
        "response_model": call.model,
        "request_id": call.id,
        "request_created_at": iso(started(call)),
        "request_body": bodies.chat_request(call),
        "request_path": CHAT_URL,
        "request_user_id": None,
        "request_properties": properties,
        "request_model": call.model,
        "provider": (call.provider or "").upper(),
        "time_to_first_token": None,
        "total_tokens": total(call),
        "prompt_tokens": call.usage.input_tokens,
        "prompt_cache_write_tokens": 0,
        "prompt_cache_read_tokens": call.usage.cached_tokens,
        "completion_tokens": call.usage.output_tokens,
        "feedback_rating": None,
        "signed_body_url": None,
        "scores": None,
        "properties": properties,
        "model": call.model,
        "cache_reference_id": NO_CACHE,
        "cache_enabled": False,
    }


def helicone(calls: Sequence[LoggedCall]) -> Files:
    rows = (
        {
            **_helicone(call),
            "response_body": bodies.chat_response(call),
            "delay_ms": call.latency_ms,
            "costUSD": dollars(call),
        }
        for call in calls
    )
    return {"helicone.jsonl": lines(rows)}


def helicone_table(calls: Sequence[LoggedCall]) -> Files:
    """The CSV: no column for the response, columns of latency and cost that stay empty, and quotes doubled twice."""
    rows = []
    for call in calls:
        row = _helicone(call)
        for name in ("request_body", "request_properties", "properties"):
            row[name] = json.dumps(row[name]).replace('"', '""')
        rows.append({**row, "latency": "", "cost": ""})
    return {"helicone.csv": table(rows)}


def litellm(calls: Sequence[LoggedCall]) -> Files:
    """Payloads of the callbacks."""
    return {"payloads.jsonl": lines(_payload(call) for call in calls)}


def _payload(call: LoggedCall) -> Record:
    return {
        "id": call.id,
        "trace_id": f"t-{call.id}",
        "call_type": "acompletion",
        "stream": False,
        "response_cost": dollars(call),
        "status": "success",
        "custom_llm_provider": call.provider,
        "total_tokens": total(call),
        "prompt_tokens": call.usage.input_tokens,
        "completion_tokens": call.usage.output_tokens,
        "startTime": started(call).timestamp(),
        "endTime": ended(call).timestamp(),
        "completionStartTime": ended(call).timestamp(),
        "response_time": (call.latency_ms or 0) / 1000,
        "model": call.model,
        "model_id": "m1",
        "model_group": "support-model",
        "api_base": "https://api.openai.com",
        "metadata": {"user_api_key_hash": "h", "user_api_key_alias": "desk", "requester_metadata": call.metadata},
        "cache_hit": False,
        "cache_key": None,
        "saved_cache_cost": 0.0,
        "request_tags": list(call.tags),
        "end_user": "",
        "messages": bodies.messages(call),
        "response": bodies.chat_response(call),
        "error_str": None,
        "model_parameters": call.params,
        "hidden_params": {"model_id": "m1"},
        "model_map_information": {"model_map_key": call.model},
    }


def _spend(call: LoggedCall) -> Record:
    """A row of the table of spend logs, as the database gives it."""
    received = {**bodies.chat_request(call), "model": "support-model", "metadata": call.metadata}
    return {
        "request_id": call.id,
        "call_type": "acompletion",
        "api_key": "hash",
        "spend": dollars(call),
        "total_tokens": total(call),
        "prompt_tokens": call.usage.input_tokens,
        "completion_tokens": call.usage.output_tokens,
        "startTime": spaced(started(call)),
        "endTime": spaced(ended(call)),
        "completionStartTime": spaced(ended(call)),
        "model": f"{call.provider}/{call.model}",
        "model_group": "support-model",
        "custom_llm_provider": call.provider,
        "user": "",
        "end_user": "",
        "session_id": call.session,
        "cache_hit": "False",
        "status": "success",
        "metadata": {"user_api_key_alias": "desk", "spend_logs_metadata": call.metadata},
        "request_tags": list(call.tags),
        "messages": {},
        "response": bodies.chat_response(call),
        "proxy_server_request": received,
    }


def spend_logs(calls: Sequence[LoggedCall]) -> Files:
    return {"spend.json": json.dumps([_spend(call) for call in calls])}


def spend_table(calls: Sequence[LoggedCall]) -> Files:
    return {"spend.csv": table([_spend(call) for call in calls])}
