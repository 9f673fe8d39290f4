"""Records of vendors' formats: which importer has them, and what becomes of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cqtui.importers.exchange import read_exchange
from cqtui.importers.formats import IMPORTERS
from cqtui.importers.formats.azure_openai import CUT_ANSWER, CUT_PROMPT, NO_BODIES, SPLIT
from cqtui.importers.raw import NoCall, RawCall, normalised
from cqtui.models import LoggedCall
from tests.vendor_bodies import SAID, USER, answer, claude, completion, logged

TEXT = [{"type": "text", "text": "yo"}]
CHAT = {"model": "gpt-4o", "messages": USER}
URL = "https://x.openai.azure.com/openai/deployments/prod-4o/chat/completions?api-version=1"


@pytest.mark.parametrize(
    ("record", "format_"),
    [
        ({"request": CHAT, "response": completion()}, "openai_chat"),
        ({"req": json.dumps(CHAT), "res": json.dumps(completion())}, "openai_chat"),
        ({"completion": completion(), "messages": USER}, "openai_chat"),
        ({"completion": completion(), "messages": {"object": "list", "data": USER}}, "openai_chat"),
        ({"request": {"input": "hi"}, "response": answer(SAID)}, "openai_responses"),
        ({"input": "hi", "response": answer(SAID)}, "openai_responses"),
        ({"prompt": "hi", "response": answer(SAID)}, "openai_responses"),
        ({"input": USER, "output": answer(SAID)}, "openai_responses"),
        ({**answer(SAID), "input": "hi"}, "openai_responses"),
        ({"request": CHAT, "response": claude(TEXT)}, "anthropic_messages"),
        ({"input": USER, "output": claude(TEXT)}, "anthropic_messages"),
        (
            {"request": {"contents": ["hi"]}, "response": {"candidates": [{"content": {"parts": [{"text": "yo"}]}}]}},
            "gemini",
        ),
        ({"request": CHAT, "response": completion(prompt_filter_results=[])}, "azure_openai"),
        ({"request": {"messages": USER}, "response": completion(), "url": URL}, "azure_openai"),
        (
            {"request": {"url": URL, "body": {"messages": USER}}, "response": {"status": 200, "body": completion()}},
            "azure_openai",
        ),
        ({"custom_id": "1", "params": {"messages": USER, "max_tokens": 5}}, "anthropic_batch"),
        ({"messages": [*USER, {"role": "assistant", "content": "yo"}]}, "openai_finetune"),
        ({"messages": [*USER, {"role": "assistant", "content": "yo"}], "id": "a", "model": "m"}, "native"),
        ({"messages": USER}, "native"),
        ({"prompt": "hi", "completion": "yo"}, "native"),
        ({"id": "a", "messages": USER, "completion": '{"choices": [{}]}'}, "native"),
    ],
)
def test_the_format_of_a_record(tmp_path: Path, record: dict[str, Any], format_: str) -> None:
    (call,) = logged(tmp_path, record).calls
    assert call.origin.format == format_
    assert call.messages[0].text == "hi"
    assert call.is_baseline == (
        format_ != "anthropic_batch" and not (format_ == "native" and "completion" not in record)
    )


@pytest.mark.parametrize("response", [completion(), answer(SAID), claude(TEXT), {"candidates": [{"content": {}}]}])
def test_an_answer_alone_is_no_call(tmp_path: Path, response: dict[str, Any]) -> None:
    (skipped,) = logged(tmp_path, response).skipped
    assert skipped.reason == "completion without prompt"


def test_id_and_time_of_a_response_that_has_none(tmp_path: Path) -> None:
    record = {"id": "r", "time": 1789001000, "request": CHAT, "response": claude(TEXT, id=None)}
    (call,) = logged(tmp_path, record).calls
    assert call.id == "r"
    assert call.time is not None


def test_what_stands_around_a_pair(tmp_path: Path) -> None:
    about = {"timestamp": 1789001000, "latency_ms": 9, "provider": "Bedrock", "user": "u", "metadata": {"team": "t"}}
    about |= {"tags": ["a"], "ttft_ms": 4, "feedback": {"score": 0.5}}
    request = {"anthropic_version": "bedrock-2023-05-31", "messages": USER, "max_tokens": 5}
    response = claude(TEXT, model=None, usage={"input_tokens": 1, "output_tokens": 1, "service_tier": "batch"})
    record = {"request": request, "response": response, "modelId": "anthropic.claude-haiku-4-5-20251001-v1:0", **about}
    (call,) = logged(tmp_path, record).calls
    assert call.time is not None
    assert (call.model, call.provider, call.latency_ms) == ("claude-haiku-4-5-20251001", "bedrock", 9)
    assert (call.user, call.metadata, call.params) == ("u", {"team": "t", "service_tier": "batch"}, {"max_tokens": 5})
    assert (call.tags, call.ttft_ms, call.score) == (("a",), 4, 0.5)


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (
            {"status": 400, "body": {"error": {"code": "content_filter", "message": "m"}}},
            "the call failed: content_filter",
        ),
        ({"status": 503, "body": "upstream"}, "the call failed: status 503"),
        ({"error": {"message": "boom"}}, "the call failed: boom"),
    ],
)
def test_failed_pairs(tmp_path: Path, response: dict[str, Any], said: str) -> None:
    (skipped,) = logged(tmp_path, {"request": CHAT, "response": response}).skipped
    assert skipped.reason == said


def test_mixed_vendors_under_the_same_keys(tmp_path: Path) -> None:
    responses = [completion(), completion(prompt_filter_results=[]), claude(TEXT), answer(SAID)] * 2
    records = [{"request": {**CHAT, "seed": number}, "response": body} for number, body in enumerate(responses)]
    found = [call.origin.format for call in logged(tmp_path, *records).calls]
    assert found == ["openai_chat", "azure_openai", "anthropic_messages", "openai_responses"] * 2


class TestAzure:
    def test_model_of_the_response_else_the_deployment(self, tmp_path: Path) -> None:
        for response, model in (
            (completion(model="gpt-35-turbo"), "gpt-3.5-turbo"),
            (completion(model=None), "prod-4o"),
        ):
            (call,) = logged(tmp_path, {"request": {"messages": USER}, "response": response, "url": URL}).calls
            assert (call.model, call.provider) == (model, "azure")

    @pytest.mark.parametrize("form", ["text", "object", "columns"])
    def test_gateway_rows(self, tmp_path: Path, form: str) -> None:
        row = {
            "backendUrl": URL,
            "backendRequestBody": json.dumps({"messages": USER}),
            "backendResponseBody": json.dumps(completion(model=None, created=None)),
            "backendResponseCode": 200,
            "backendTime": 812,
            "requestHeaders": {"api-key": "secret"},
        }
        time = "2026-09-10T00:00:00Z"
        record = {
            "text": {"time": time, "category": "GatewayLogs", "properties": json.dumps(row)},
            "object": {"time": time, "properties": row},
            "columns": {"TimeGenerated": time, **{name[0].upper() + name[1:]: value for name, value in row.items()}},
        }[form]
        (call,) = logged(tmp_path, record).calls
        assert (call.origin.format, call.model, call.provider) == ("azure_openai", "prod-4o", "azure")
        assert (call.latency_ms, call.messages[0].text) == (812, "hi")
        assert call.time is not None
        assert "secret" not in call.model_dump_json()

    @pytest.mark.parametrize(
        ("row", "said"),
        [
            ({"backendRequestBody": '{"messages": [{"role": "us'}, CUT_PROMPT),
            (
                {"backendRequestBody": json.dumps(CHAT), "backendResponseBody": '{"choices": [{"mess'},
                CUT_ANSWER,
            ),
            ({"backendRequestBody": "", "backendResponseBody": ""}, NO_BODIES),
            ({"requestMessages": "[...]", "sequenceNumber": 1}, SPLIT),
            (
                {
                    "backendRequestBody": json.dumps(CHAT),
                    "backendResponseBody": '{"error": {"code": "content_filter"}}',
                    "backendResponseCode": 400,
                },
                "the call failed: content_filter",
            ),
            ({"backendRequestBody": json.dumps(CHAT), "backendResponseCode": 429}, "the call failed: status 429"),
        ],
    )
    def test_rows_without_a_call(self, tmp_path: Path, row: dict[str, Any], said: str) -> None:
        (skipped,) = logged(tmp_path, {"category": "GatewayLogs", "properties": row}).skipped
        assert skipped.reason == said


class TestFineTuning:
    def test_the_last_answer_is_the_completion(self, tmp_path: Path) -> None:
        turns = [
            *USER,
            {"role": "assistant", "content": "a", "weight": 0},
            *USER,
            {"role": "assistant", "content": "b"},
        ]
        tool = {"type": "function", "function": {"name": "f"}}
        (call,) = logged(tmp_path, {"messages": turns, "tools": [tool], "parallel_tool_calls": False}).calls
        assert [message.text for message in call.messages] == ["hi", "a", "hi"]
        assert call.completion is not None
        assert call.completion.text == "b"
        assert call.params == {"tools": [tool], "parallel_tool_calls": False}
        assert (call.model, call.time, len(call.id)) == (None, None, 16)
        assert call.id == logged(tmp_path, {"messages": turns}).calls[0].id

    def test_of_a_preference_the_preferred_answer_is_taken(self, tmp_path: Path) -> None:
        record = {
            "input": {"messages": USER, "tools": [], "parallel_tool_calls": True},
            "preferred_output": [{"role": "assistant", "content": "yes"}],
            "non_preferred_output": [{"role": "assistant", "content": "no"}],
        }
        (call,) = logged(tmp_path, record).calls
        assert call.origin.format == "openai_finetune"
        assert call.completion is not None
        # APIs refuse an empty list of tools, and settings of tools where there are none.
        assert (call.completion.text, call.params) == ("yes", {})

    def test_an_answer_without_a_prompt(self, tmp_path: Path) -> None:
        assert logged(tmp_path, {"messages": [{"role": "assistant", "content": "yo"}]}).skipped

    def test_a_stored_completion_keeps_its_settings(self, tmp_path: Path) -> None:
        stored = completion(metadata={"app": "a"}, temperature=0.2, seed=1, tools=None)
        (call,) = logged(tmp_path, {"completion": stored, "messages": USER}).calls
        assert (call.id, call.model) == ("c1", "g")
        assert (call.metadata, call.params) == ({"app": "a"}, {"temperature": 0.2, "seed": 1})


class TestBatches:
    def test_responses_bodies(self, tmp_path: Path) -> None:
        asked = {"custom_id": "1", "method": "POST", "url": "/v1/responses", "body": {"model": "g", "input": "hi"}}
        body = {"status_code": 200, "body": answer(SAID)}
        read = logged(tmp_path, {"custom_id": "1", "response": body, "error": None}, asked)
        (call,) = read.calls
        assert (call.id, call.is_baseline, call.messages[0].text, read.joined) == ("1", True, "hi", 1)

    def test_embeddings_are_no_calls(self, tmp_path: Path) -> None:
        asked = {"custom_id": "1", "method": "POST", "url": "/v1/embeddings", "body": {"model": "e", "input": "hi"}}
        assert "/v1/embeddings" in logged(tmp_path, asked).skipped[0].reason

    def test_an_output_without_a_body(self, tmp_path: Path) -> None:
        asked = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": CHAT}
        out = {"custom_id": "1", "response": {"status_code": 200}, "error": None}
        assert logged(tmp_path, asked, out).skipped[0].reason == "the response holds no answer: no choices"

    @pytest.mark.parametrize(
        ("body", "said"), [({"error": {"code": "content_filter"}}, "content_filter"), (None, "status 400")]
    )
    def test_a_bad_status_says_what_went_wrong(self, tmp_path: Path, body: Any, said: str) -> None:
        out = {"custom_id": "1", "response": {"status_code": 400, "body": body}, "error": None}
        assert logged(tmp_path, out).skipped[0].reason == f"the call failed: {said}"

    def test_anthropic_results(self, tmp_path: Path) -> None:
        asked = [{"custom_id": name, "params": {"messages": USER, "max_tokens": 5}} for name in "abcde"]
        expired = {"error": {"type": "error", "error": {"type": "invalid_request_error", "message": "bad"}}}
        results: dict[str, dict[str, Any]] = {
            "c": {"type": "expired"},
            "b": {"type": "errored", **expired},
            "a": {"type": "succeeded", "message": claude(TEXT)},
            "d": {"type": "canceled"},
        }
        rows = [{"custom_id": name, "result": result} for name, result in results.items()]
        read = logged(tmp_path, *rows, *asked)
        assert [(call.id, call.is_baseline) for call in read.calls] == [("a", True), ("e", False)]
        assert {call.origin.format for call in read.calls} == {"anthropic_batch"}
        failed = [f"the call failed: {said}" for said in ("bad", "expired", "canceled")]
        assert [item.reason for item in read.skipped] == failed
        assert read.records == 9
        alone = logged(tmp_path, *rows)
        assert len(alone.skipped) == 4

    def test_a_whole_batch_is_unfolded(self, tmp_path: Path) -> None:
        asked = [{"custom_id": name, "params": {"messages": USER}} for name in "ab"]
        assert [call.id for call in logged(tmp_path, {"requests": asked}).calls] == ["a", "b"]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "x", "{", "[1]", "user"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "role", "content"]), inner),
    max_leaves=6,
)
BODIES: list[dict[str, Any]] = [
    {**CHAT, "system": 1, "tools": 1, "tool_choice": 1, "stop_sequences": 1, "thinking": 1, "output_config": 1},
    {"input": 1, "instructions": 1, "text": 1, "reasoning": 1, "previous_response_id": None, "metadata": 1},
    {"contents": 1, "systemInstruction": 1, "generationConfig": 1, "toolConfig": 1, "tools": 1},
    completion(usage=1, service_tier=1),
    answer(SAID, usage=1, incomplete_details=1, reasoning=1, status="incomplete"),
    claude(TEXT, usage=1, stop_details=1, stop_reason="refusal"),
    {"candidates": [{"content": 1, "finishReason": 1}], "usageMetadata": 1, "promptFeedback": 1, "modelVersion": 1},
    {"type": "message_start", "message": 1, "delta": 1, "usage": 1, "index": 0, "content_block": 1},
    {"type": "response.completed", "response": 1},
    {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": 1}], "content": 1}}]},
]
OWN_BLOCKS = ["image", "document", "tool_use", "tool_result", "function_call", "function_call_output", "input_image"]
blocks = st.fixed_dictionaries(
    {"type": st.sampled_from(OWN_BLOCKS)},
    optional=dict.fromkeys(("source", "content", "input", "output", "name", "id", "image_url", "role"), values),
)
parts = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("functionCall", "functionResponse", "inlineData", "text"), values)
)


@st.composite
def odd_bodies(draw: st.DrawFn) -> Any:
    body = dict(draw(st.sampled_from(BODIES)))
    for name in draw(st.sets(st.sampled_from(sorted(body)))):
        body[name] = draw(values | st.lists(blocks, max_size=2))
    if draw(st.booleans()):
        content = draw(st.lists(blocks | values, max_size=2))
        body[draw(st.sampled_from(["messages", "input", "output", "content"]))] = [
            {"role": "user", "content": content},
            {"role": "model", "parts": draw(st.lists(parts, max_size=2))},
            *draw(st.lists(blocks, max_size=2)),
        ]
    return draw(st.sampled_from([body, [body], json.dumps(body), f"data: {json.dumps(body)}\n"]))


@settings(max_examples=400, deadline=None)
@given(odd_bodies(), odd_bodies())
def test_hostile_bodies_end_well(request_: Any, response: Any) -> None:
    found = read_exchange(request_, response)
    assert isinstance(normalised(found) if isinstance(found, RawCall) else found, LoggedCall | NoCall)
    for record in (
        request_,
        {"request": request_, "response": response},
        {"properties": request_, "category": response},
    ):
        for importer in IMPORTERS:
            if isinstance(record, dict) and importer.sniff(record) > 0:
                read = importer.read(record)
                assert isinstance(normalised(read) if isinstance(read, RawCall) else read, LoggedCall | NoCall)
