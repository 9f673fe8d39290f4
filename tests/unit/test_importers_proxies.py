"""What holds for the logs of all proxies: Portkey, Helicone and LiteLLM."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cqtui.importers.base import Importer
from cqtui.importers.formats import IMPORTERS, Detection
from cqtui.importers.raw import NoCall, RawCall, normalised
from cqtui.importers.reasons import CACHED
from cqtui.models import LoggedCall
from tests.proxy_logs import (
    ALL,
    ANSWERED,
    ASKED,
    HELICONE,
    LISTED,
    LITELLM,
    PORTKEY,
    WITHOUT_USAGE,
    as_cells,
    call_of,
    helicone,
    payload,
    portkey,
    reason_of,
    spend,
)


@pytest.mark.parametrize(("importer", "record"), ALL)
def test_each_is_told_from_all_others(importer: Importer, record: Any) -> None:
    for form in (record(), as_cells(record())):
        assert Detection().importer_of(form) is next(entry for entry in IMPORTERS if entry.name == importer.name)
        assert importer.sniff(form) >= 0.9


@pytest.mark.parametrize(("importer", "record"), ALL)
def test_rows_of_texts_read_as_the_record_does(importer: Importer, record: Any) -> None:
    call = call_of(importer, record())
    assert call == call_of(importer, as_cells(record()))
    assert (call.model, call.provider) == ("gpt-4o-mini-2024-07-18", "openai")
    assert call.completion is not None
    assert call.completion.text == "yo"
    assert call.params == {"temperature": 0}
    assert (call.usage.input_tokens, call.usage.output_tokens) == (1000, 100)
    assert call.cost_usd == LISTED
    assert call.origin.warnings == ()


@pytest.mark.parametrize(
    ("importer", "record"),
    [
        (PORTKEY, portkey(cache_status="SEMANTIC HIT")),
        (PORTKEY, portkey(response={"status": 200, "headers": {"X-Portkey-Cache-Status": "HIT"}, "body": ANSWERED})),
        (HELICONE, helicone(cache_reference_id="7b6dd6f4-0000-0000-0000-000000000000")),
        (LITELLM, payload(cache_hit=True, response_cost=0.0)),
        (LITELLM, spend(cache_hit="True")),
    ],
)
def test_cache_hits_keep_text_but_not_latency_or_cost(importer: Importer, record: dict[str, Any]) -> None:
    call = call_of(importer, record)
    assert call.is_baseline
    assert (call.latency_ms, call.ttft_ms, call.cost_usd) == (None, None, None)
    assert CACHED in call.origin.warnings


@pytest.mark.parametrize("status", ["MISS", "DISABLED", None, 1])
def test_other_cache_states_are_calls(status: Any) -> None:
    assert call_of(PORTKEY, portkey(cache_status=status)).latency_ms == 640


@pytest.mark.parametrize(
    ("importer", "record"),
    [
        (PORTKEY, portkey(response=WITHOUT_USAGE)),
        (HELICONE, helicone(response_body=WITHOUT_USAGE)),
        (LITELLM, payload(response=WITHOUT_USAGE)),
    ],
)
def test_counts_of_the_proxy_stand_in_for_missing_ones_and_0_is_unknown(
    importer: Importer, record: dict[str, Any]
) -> None:
    usage = call_of(importer, record).usage
    assert (usage.input_tokens, usage.output_tokens) == (1000, 100)
    nothing = dict.fromkeys(("req_units", "res_units", "prompt_tokens", "completion_tokens"), 0)
    nothing |= {"prompt_cache_read_tokens": 0, "cost": 0, "costUSD": 0, "response_cost": 0}
    call = call_of(importer, record | nothing)
    assert set(call.usage.model_dump().values()) == {None}
    assert call.cost_usd is None


@pytest.mark.parametrize(
    ("importer", "record", "said"),
    [
        (PORTKEY, portkey(response_status_code=429), "status 429"),
        (PORTKEY, portkey(response_status_code=..., status_code="500"), "status 500"),
        (PORTKEY, portkey(is_success="false"), "no reason was logged"),
        (PORTKEY, portkey(response_status_code=400, response={"error": {"message": "bad"}}, request=None), "bad"),
        (HELICONE, helicone(response_status=-3, response_body={}), "status -3"),
        (HELICONE, helicone(response_status="500", request_body=None), "status 500"),
        (HELICONE, helicone(response_body={"error": "HTML response detected:"}), "HTML"),
        (LITELLM, payload(status="failure", response=None, error_str="Timeout"), "Timeout"),
        (LITELLM, payload(status="failure", response={}, error_str=None), "no reason was logged"),
        (
            LITELLM,
            spend(metadata='{"status": "failure", "error_information": {"error_message": "boom"}}', response="{}"),
            "boom",
        ),
    ],
)
def test_failed_calls_say_so(importer: Importer, record: dict[str, Any], said: str) -> None:
    reason = reason_of(importer, record)
    assert reason.startswith("the call failed: ")
    assert said in reason


@pytest.mark.parametrize(
    ("importer", "record", "said"),
    [
        (PORTKEY, portkey(request=..., response=..., metadata=...), "fields request and response"),
        (PORTKEY, portkey(request="", response=""), "fields request and response"),
        (PORTKEY, portkey(request={"url": "u", "headers": {}, "body": None}), "fields request and response"),
        (HELICONE, helicone(request_body=..., response_body=...), "--include-body"),
        (HELICONE, helicone(request_body={"helicone_message": "see url"}, signed_body_url="https://x"), "a link"),
        (HELICONE, helicone(request_body={"model": "gpt-4o"}), "--include-body"),
        (LITELLM, spend(proxy_server_request="{}", response="{}"), "store_prompts_in_spend_logs"),
        (LITELLM, payload(messages=None), "turn_off_message_logging"),
        (LITELLM, payload(messages=[{"role": "user", "content": "redacted-by-litellm"}]), "redacted"),
        (LITELLM, payload(messages="redacted-by-litellm"), "redacted"),
        (LITELLM, spend(proxy_server_request='{"litellm_truncated": true}'), "MAX_STRING_LENGTH_PROMPT_IN_DB"),
    ],
)
def test_without_prompts_it_says_how_to_export_them(importer: Importer, record: dict[str, Any], said: str) -> None:
    assert said in reason_of(importer, record)


@pytest.mark.parametrize(
    ("importer", "record"),
    [
        (PORTKEY, portkey(request_url="https://api.openai.com/v1/embeddings?x=1")),
        (PORTKEY, portkey(request={"url": "https://h/v1/images/generations", "body": {"prompt": "a"}})),
        (HELICONE, helicone(request_path="/v1/moderations")),
        (HELICONE, helicone(request_body={"_type": "vector_db", "operation": "search"})),
        (LITELLM, payload(call_type="aembedding")),
        (LITELLM, spend(call_type="pass_through_endpoint")),
    ],
)
def test_other_kinds_of_calls_are_told_apart(importer: Importer, record: dict[str, Any]) -> None:
    assert "not" in reason_of(importer, record)


@pytest.mark.parametrize(
    ("importer", "record"),
    [
        (PORTKEY, portkey(response=...)),
        (HELICONE, helicone(response_body=...)),
        (HELICONE, helicone(response_body={"model": "gpt-4o-mini-2024-07-18"})),
        (HELICONE, helicone(response_body={"helicone_error": "error parsing response"})),
        (LITELLM, spend(response="{}")),
    ],
)
def test_a_prompt_without_its_answer_is_no_baseline(importer: Importer, record: dict[str, Any]) -> None:
    call = call_of(importer, record)
    assert not call.is_baseline
    assert call.usage.input_tokens == 1000
    assert call.model is not None
    assert call.model.startswith("gpt-4o-mini")


def test_headers_and_keys_are_never_kept() -> None:
    secret = {"Authorization": "Bearer sk-secret", "x-api-key": "sk-secret"}
    asked = ASKED | {"extra_headers": secret, "api_key": "sk-secret", "metadata": {"headers": secret, "job": "x"}}
    sent = {"url": "https://h/v1/chat/completions", "headers": secret, "portkeyHeaders": secret, "body": asked}
    for importer, record in (
        (PORTKEY, portkey(request=sent, response={"status": 200, "headers": secret, "body": ANSWERED})),
        (HELICONE, helicone(request_body=asked)),
        (LITELLM, payload(model_parameters={"extra_headers": secret}, metadata={"headers": secret})),
        (LITELLM, spend(proxy_server_request=json.dumps({"headers": secret, "body": asked}))),
    ):
        assert "secret" not in call_of(importer, record).model_dump_json()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["{", '[{"a":1}]']),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["messages", "model", "body", "usage", "error", "status"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ALL), st.data())
def test_values_of_any_type_end_well(entry: tuple[Importer, Any], data: st.DataObject) -> None:
    importer, record = entry
    odd = record()
    for name in data.draw(st.lists(st.sampled_from([*sorted(odd), "proxy_server_request", "scores"]), max_size=4)):
        odd[name] = data.draw(json_values)
    assert 0 <= importer.sniff(odd) <= 1
    found = importer.read(odd)
    assert isinstance(found if isinstance(found, NoCall) else normalised(found), LoggedCall | NoCall)
    assert isinstance(found, RawCall | NoCall)
