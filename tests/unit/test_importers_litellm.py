"""LiteLLM's payloads and spend logs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cqtui.importers.raw import NoCall
from tests.proxy_logs import ANSWERED, ASKED, LITELLM, USAGE, WITHOUT_USAGE, call_of, payload, reason_of, spend


def test_litellm_payload_fields() -> None:
    call = call_of(LITELLM, payload())
    assert (call.id, call.user, call.session, call.tags) == ("l-1", "ann", None, ("quiz",))
    # The payload's response_time of a stream is the time to its first token.
    assert (call.latency_ms, call.ttft_ms) == (410, 100)
    assert call.time is not None
    assert call.time.isoformat() == "2026-09-10T02:40:00.250000+00:00"


def test_litellm_spend_row_fields() -> None:
    call = call_of(LITELLM, spend())
    assert (call.id, call.user, call.session, call.tags) == ("s-1", "staff", "c-1", ("quiz",))
    assert (call.latency_ms, call.ttft_ms) == (410, None)
    assert call.metadata == {"job": "x"}
    assert call.time is not None
    assert call.time.isoformat() == "2026-09-10T02:40:00.250000+00:00"


@pytest.mark.parametrize(
    "messages",
    [ASKED["messages"], "hi", ASKED["messages"][0], {"messages": ASKED["messages"]}, json.dumps(ASKED["messages"])],
)
def test_litellm_messages_may_be_a_list_a_text_or_an_object(messages: Any) -> None:
    call = call_of(LITELLM, payload(messages=messages))
    assert [(message.role, message.text) for message in call.messages] == [("user", "hi")]


@pytest.mark.parametrize(
    ("answered", "model"),
    [
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini-2024-07-18"),
        ("openai/gpt-4o-mini", "gpt-4o-mini"),
        ("cheap", "gpt-4o-mini"),
        (None, "gpt-4o-mini"),
    ],
)
def test_litellm_model_is_no_alias_and_has_no_prefix(answered: str | None, model: str) -> None:
    response = ANSWERED | {"model": answered}
    assert call_of(LITELLM, payload(response=response)).model == model
    assert call_of(LITELLM, spend(response=json.dumps(response))).model == model


def test_litellm_model_of_another_maker_keeps_its_name() -> None:
    names = {"model": "openrouter/meta-llama/llama-4", "custom_llm_provider": "openrouter"}
    assert call_of(LITELLM, payload(response=ANSWERED | {"model": None}, **names)).model == "meta-llama/llama-4"


def test_litellm_prompt_that_was_cut_off_is_not_replayed() -> None:
    long = "begin... (litellm_truncated skipped 900 chars) ...end"
    asked = ASKED | {"messages": [{"role": "user", "content": [{"type": "text", "text": long}]}]}
    assert "MAX_STRING_LENGTH_PROMPT_IN_DB" in reason_of(LITELLM, spend(proxy_server_request=json.dumps(asked)))


@pytest.mark.parametrize("said", ["redacted-by-litellm", "begin... (litellm_truncated skipped 900 chars) ...end"])
def test_litellm_answer_that_was_withheld_is_no_baseline(said: str) -> None:
    response = ANSWERED | {"choices": [{"message": {"role": "assistant", "content": said}}]}
    call = call_of(LITELLM, payload(response=response))
    assert not call.is_baseline
    assert call.usage.input_tokens == 1000
    assert any("no baseline" in warning for warning in call.origin.warnings)


def test_litellm_cached_tokens_under_either_name() -> None:
    counts = {**USAGE, "cache_read_input_tokens": 600, "cache_creation_input_tokens": 50}
    for record in (
        payload(response=ANSWERED | {"usage": counts}),
        payload(response=WITHOUT_USAGE, metadata={"usage_object": counts}),
    ):
        usage = call_of(LITELLM, record).usage
        assert (usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens) == (1000, 600, 50)


def test_litellm_responses_are_handed_on_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[Any] = []

    def note(request: Any, response: Any) -> NoCall:
        handed.append(request)
        return NoCall("noted")

    monkeypatch.setattr("cqtui.importers.proxies.read_exchange", note)
    response = {"object": "response", "output": []}
    LITELLM.read(payload(call_type="aresponses", messages="hi", response=response))
    LITELLM.read(payload(call_type="aresponses", messages="hi"))
    assert handed[0]["input"] == "hi"
    assert "messages" not in handed[0]
    assert handed[1]["messages"] == [{"role": "user", "content": "hi"}]


def test_litellm_keeps_only_what_the_caller_noted() -> None:
    details = {
        "user_api_key_user_email": "ann@example.com",
        "requester_metadata": {"job": "x"},
        "spend_logs_metadata": {"run": 1},
    }
    call = call_of(LITELLM, payload(metadata=details))
    assert call.metadata == {"job": "x", "run": 1}
    injected = {"metadata": details, "litellm_call_id": "1", "secret_fields": {}, "user_api_key_hash": "h"}
    call = call_of(LITELLM, spend(proxy_server_request=json.dumps(ASKED | injected)))
    assert call.params == {"temperature": 0}
    assert "ann@" not in call.model_dump_json()
