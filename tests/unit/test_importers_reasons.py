"""The same cause is said in the same words, whatever the format: a user sees the reasons counted in one table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cqtui.importers import reasons
from cqtui.importers.formats import IMPORTERS, Detection
from cqtui.importers.raw import NoCall
from tests.proxy_logs import ASKED, helicone, payload, portkey, spend
from tests.spans import CURRENT, span
from tests.vendor_bodies import SAID, USER, answer, claude, completion

ROW = {"id": "o", "traceId": "t", "type": "GENERATION", "modelParameters": {}, "input": USER, "output": "yo"}
RUN = {"id": "r", "run_type": "llm", "trace_id": "t", "inputs": {"messages": USER}, "outputs": completion()}
SPAN = {"id": "b", "root_span_id": "s", "span_attributes": {"type": "llm"}, "metrics": {}, "input": USER}
RESULT = {"promptIdx": 0, "provider": "openai:gpt-4o", "prompt": {"raw": "hi"}, "response": {"output": "yo"}}
AI_SDK = {"ai.operationId": "ai.generateText.doGenerate", "ai.prompt.messages": json.dumps(USER)}
GATEWAY = {"category": "GatewayLogs"}
BATCH_OUTPUT = {"custom_id": "1", "response": None, "error": {"code": "batch_expired"}}
HOSTED = [{"type": "web_search"}]

BY_CAUSE: dict[str, list[dict[str, Any]]] = {
    "the call failed": [
        {"request": ASKED, "response": {"error": "boom"}},
        {**ROW, "level": "ERROR"},
        {**RUN, "status": "error"},
        {**SPAN, "error": "boom"},
        {**RESULT, "response": {"error": "boom"}},
        payload(status="failure", response=None),
        portkey(response_status_code=500),
        helicone(response_status=500),
        span({**CURRENT, "error.type": "timeout"}),
        span(AI_SDK, status={"code": 2}),
        BATCH_OUTPUT,
        {"custom_id": "1", "result": {"type": "expired"}},
        {**GATEWAY, "properties": {"backendRequestBody": json.dumps(ASKED), "backendResponseCode": 500}},
        {"request": {"contents": ["hi"]}, "response": {"promptFeedback": {"blockReason": "SAFETY"}}},
        {"request": {"input": "hi"}, "response": answer([], status="failed")},
    ],
    "not a model call": [
        {**ROW, "type": "SPAN"},
        {"id": "t", "bookmarked": False, "public": False},
        {**RUN, "run_type": "chain"},
        {**SPAN, "span_attributes": {"type": "task"}},
        span({**CURRENT, "gen_ai.operation.name": "execute_tool"}),
        span({"http.method": "GET"}),
        span({**AI_SDK, "ai.operationId": "ai.generateText"}),
        helicone(request_body={"_type": "tool"}),
        {"id": "m", "role": "user", "parts": [{"type": "text", "text": "hi"}]},
    ],
    "not a call of a language model": [
        payload(call_type="aembedding"),
        portkey(request_url="https://h/v1/embeddings"),
        helicone(request_path="/v1/moderations"),
        {"custom_id": "1", "method": "POST", "url": "/v1/embeddings", "body": {"input": "hi"}},
    ],
    "no prompt in the log": [
        {**ROW, "input": None},
        {**ROW, "input": {"city": "Oslo"}},
        {**RUN, "inputs": {}},
        {**SPAN, "input": None},
        payload(messages=None),
        spend(proxy_server_request="{}"),
        portkey(request=None),
        helicone(request_body=None),
        span({"gen_ai.operation.name": "chat"}),
        span({"ai.operationId": "ai.generateText.doGenerate"}),
        {**GATEWAY, "properties": {}},
    ],
    "the prompt was cut off in the log": [
        spend(proxy_server_request='{"litellm_truncated": true}'),
        portkey(request='{"messages": [{"ro'),
        span({**CURRENT, "gen_ai.input.messages": '[{"ro'}),
        span({**AI_SDK, "ai.prompt.messages": '[{"ro'}),
        {**GATEWAY, "properties": {"backendRequestBody": '{"messages": [{"ro'}},
    ],
    "part of the prompt is not in the log": [
        {**ROW, "input": "see @@@langfuseMedia:type=image/png|id=x|source=bytes@@@"},
        {**SPAN, "input": [{"role": "user", "content": [{"type": "braintrust_attachment"}]}]},
        span({"gen_ai.request.model": "m", "gen_ai.input.messages_ref": "gs://b/x"}),
        helicone(request_body={"helicone_message": "see url"}, signed_body_url="https://x"),
        {**GATEWAY, "properties": {"requestMessages": "[]", "sequenceNumber": 1}},
    ],
    "completion without prompt": [
        completion(),
        claude([{"type": "text", "text": "yo"}]),
        answer(SAID),
        {"candidates": [{"content": {}}]},
        span({"gen_ai.output.messages": '[{"role": "assistant", "parts": [{"type": "text", "content": "yo"}]}]'}),
        {"custom_id": "1", "response": {"status_code": 200, "body": completion()}, "error": None},
    ],
    "the response holds no answer": [
        {"request": ASKED, "response": completion(choices=[])},
        {"request": {"contents": ["hi"]}, "response": {"candidates": []}},
        {"request": {"input": "hi"}, "response": answer([], status="in_progress")},
    ],
    "not replayable as is": [
        {"request": {"input": "hi", "previous_response_id": "r"}, "response": answer(SAID)},
        {"request": {**ASKED, "tools": HOSTED}, "response": completion()},
        {**ROW, "modelParameters": {"tools": HOSTED}},
        span({**CURRENT, "gen_ai.tool.definitions": json.dumps(HOSTED)}),
        {**RESULT, "prompt": {"raw": "hi", "config": {"tools": HOSTED}}, "vars": {}},
    ],
}


@pytest.mark.parametrize(
    ("cause", "record"),
    [
        pytest.param(cause, record, id=f"{cause}-{number}")
        for cause, listed in BY_CAUSE.items()
        for number, record in enumerate(listed)
    ],
)
def test_one_cause_has_the_same_words_in_every_format(cause: str, record: dict[str, Any]) -> None:
    importer = Detection().importer_of(record)
    assert importer is not None
    found = importer.read(record)
    assert isinstance(found, NoCall)
    assert found.reason.partition(": ")[0] == cause
    assert "\n" not in found.reason


def test_a_reason_of_a_log_is_short() -> None:
    long = "x\n" + "x" * 500
    for said in (reasons.failed({"message": long}), reasons.no_model_call(long), reasons.other_model(long)):
        assert len(said) < 200
        assert "\n" not in said
    assert reasons.failed({"code": "rate_limit", "message": "m"}) == "the call failed: rate_limit"
    assert reasons.failed({"odd": ["a", 1]}) == 'the call failed: {"odd": ["a", 1]}'
    assert reasons.failed() == reasons.failed("") == "the call failed: no reason was logged"


def test_records_of_most_formats_were_tried() -> None:
    detected = (Detection().importer_of(record) for listed in BY_CAUSE.values() for record in listed)
    tried = {importer.name for importer in detected if importer is not None}
    # These always give a call, or say only that no message has content.
    silent = {"native", "openai_finetune", "sharegpt", "wildchat", "csv", "llm_sqlite"}
    assert tried == {importer.name for importer in IMPORTERS} - silent
