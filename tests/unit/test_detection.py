"""Which format a record is in: its own and no other, whatever the order of its fields; what is said of the rest."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cqtui.importers.base import Row
from cqtui.importers.container import Found, records
from cqtui.importers.formats import IMPORTERS, NEAREST, SURE, Detection, enveloped, nearest, unknown_shape
from tests.proxy_logs import ASKED, as_cells, helicone, payload, portkey, spend
from tests.spans import CURRENT, document, span
from tests.vendor_bodies import SAID, USER, answer, claude, completion

DATA = Path(__file__).parents[1] / "data" / "logs"
TEXT = [{"type": "text", "text": "yo"}]
TURN = {"role": "assistant", "content": "yo"}
CANDIDATE = {"candidates": [{"content": {"role": "model", "parts": [{"text": "yo"}]}}]}
URL = "https://x.openai.azure.com/openai/deployments/prod/chat/completions"
OBSERVATION = {"id": "o", "traceId": "t", "type": "GENERATION", "model": "m", "input": USER, "output": completion()}
RUN = {"id": "r", "run_type": "llm", "trace_id": "t", "inputs": {"messages": USER}, "outputs": completion()}
SPAN = {"id": "b", "root_span_id": "s", "span_attributes": {"type": "llm"}, "metrics": {}, "input": USER}
SPAN |= {"output": completion(), "metadata": {"model": "m"}}
RESULT = {"promptIdx": 0, "testIdx": 0, "provider": {"id": "openai:gpt-4o"}, "prompt": {"raw": "hi", "label": "a"}}
RESULT |= {"vars": {}, "response": {"output": "yo"}, "success": True, "score": 1, "latencyMs": 9}
UI = {"id": "m", "role": "user", "parts": [{"type": "text", "text": "hi"}]}
AI_SDK = {"ai.operationId": "ai.generateText.doGenerate", "ai.prompt.messages": json.dumps(USER)}

SEEDS: list[tuple[str, dict[str, Any]]] = [
    ("native", {"messages": USER, "completion": "yo"}),
    ("native", {"id": "a", "model": "m", "messages": USER}),
    ("native", {"id": "a", "model": "m", "messages": [*USER, TURN]}),
    ("native", {"messages": USER}),
    ("native", {"prompt": "hi", "completion": "yo"}),
    ("native", {"messages": USER, "completion": TURN, "tools": [], "metadata": {}, "input": "x", "conversation": "c"}),
    ("openai_finetune", {"messages": [*USER, TURN]}),
    ("openai_finetune", {"messages": [*USER, TURN], "tools": [], "parallel_tool_calls": False, "metadata": {}}),
    ("openai_finetune", {"input": {"messages": USER}, "preferred_output": [TURN], "non_preferred_output": [TURN]}),
    ("sharegpt", {"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "yo"}]}),
    ("sharegpt", {"id": "a", "items": [*USER, TURN], "system": "be", "tools": "[]"}),
    ("wildchat", {"conversation_hash": "h", "model": "m", "conversation": [*USER, TURN]}),
    ("openai_chat", {"request": ASKED, "response": completion()}),
    ("openai_chat", {"input": {"messages": USER}, "output": completion()}),
    ("openai_chat", {"input": USER, "output": completion(), "id": "a", "trace_id": "t", "type": "x", "metadata": {}}),
    ("openai_chat", {"request": ASKED, "response": {"error": {"message": "boom"}}}),
    ("openai_chat", {"completion": completion(), "messages": USER, "metadata": {}}),
    ("openai_chat", completion(usage={})),
    ("azure_openai", {"request": ASKED, "response": completion(prompt_filter_results=[])}),
    ("azure_openai", {"request": ASKED, "response": completion(), "url": URL}),
    ("azure_openai", {"category": "GatewayLogs", "properties": json.dumps({"backendRequestBody": "{}"})}),
    ("azure_openai", completion(prompt_filter_results=[])),
    ("anthropic_messages", {"request": {"messages": USER, "max_tokens": 5}, "response": claude(TEXT)}),
    ("anthropic_messages", {"input": USER, "output": claude(TEXT)}),
    ("anthropic_messages", claude(TEXT)),
    ("openai_responses", {"request": {"input": "hi"}, "response": answer(SAID)}),
    ("openai_responses", {**answer(SAID), "input": "hi"}),
    ("openai_responses", answer(SAID, instructions="be", tools=[], metadata={})),
    ("gemini", {"request": {"contents": ["hi"]}, "response": CANDIDATE}),
    ("gemini", CANDIDATE),
    ("openai_batch", {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": ASKED}),
    ("openai_batch", {"id": "x", "custom_id": "1", "response": None, "error": {"code": "batch_expired"}}),
    ("anthropic_batch", {"custom_id": "1", "params": {"messages": USER, "max_tokens": 5}}),
    ("anthropic_batch", {"custom_id": "1", "result": {"type": "succeeded", "message": claude(TEXT)}}),
    ("langfuse", {**OBSERVATION, "modelParameters": {}}),
    ("langfuse", OBSERVATION),
    ("langfuse", {**OBSERVATION, "output": claude(TEXT), "usageDetails": {}}),
    ("langfuse", {"id": "s", "trace_id": "t", "name": "helpful", "value": 1, "data_type": "NUMERIC"}),
    ("langfuse", {"id": "t", "bookmarked": False, "public": False, "input": USER, "output": completion()}),
    ("langsmith", RUN),
    ("langsmith", {**RUN, "input": USER, "output": completion()}),
    ("braintrust", SPAN),
    ("braintrust", {**SPAN, "output": [completion()["choices"][0]], "error": None}),
    ("litellm", payload()),
    ("litellm", spend()),
    ("portkey", portkey()),
    (
        "portkey",
        {"_id": "g", "request": {"url": URL, "body": ASKED, "portkeyHeaders": {}}, "response": {"status": 200}},
    ),
    ("helicone", helicone()),
    ("helicone", {"response_id": "r", "request_body": ASKED, "response": completion(), "request": ASKED}),
    ("promptfoo", RESULT),
    ("promptfoo", {"evalId": "e", "results": {"version": 3, "results": [RESULT]}}),
    ("promptfoo", {"version": 3, "results": [RESULT], "stats": {}}),
    ("otel_genai", span(CURRENT)),
    ("otel_genai", span({"http.method": "GET"})),
    ("otel_genai", document(span(CURRENT), span(AI_SDK))),
    ("vercel_ai", span(AI_SDK)),
    ("vercel_ai", {"id": "c", "messages": [UI, {**UI, "role": "assistant"}], "model": "m"}),
    ("vercel_ai_ui", {**UI, "chatId": "c", "createdAt": "2026-09-10T00:00:00Z"}),
    ("llm_sqlite", {"llm_table": "turns", "id": "a", "asked": [], "answered": [], "model": "m"}),
    ("csv", Row(prompt="hi", completion="yo", model="m", user="u")),
    ("csv", Row(input="hi", output="yo", type="GENERATION")),
    ("csv", Row(messages=json.dumps(USER), completion="yo")),
    # tables of vendors, whose columns a plain table may have as well
    ("langfuse", Row(as_cells(OBSERVATION))),
    ("langfuse", Row(as_cells({**OBSERVATION, "input": "hi", "output": "yo", "usageDetails": {}}))),
    ("braintrust", Row(as_cells(SPAN))),
    ("langsmith", Row(as_cells(RUN))),
    ("helicone", Row(as_cells(helicone()))),
    ("litellm", Row(spend())),
    ("portkey", Row(as_cells(portkey()))),
    ("openai_chat", Row(as_cells({"prompt": USER, "response": completion()}))),
]


def opened(value: Any) -> Iterator[dict[str, Any]]:
    """The records in a value of a file, as the reader comes upon them."""
    if isinstance(value, list):
        for item in value:
            yield from opened(item)
        return
    importer = Detection().importer_of(value)
    inside = enveloped(value) if importer is None else importer.unfold(value)
    if inside is None:
        yield value
    else:
        yield from opened(list(inside))


def samples() -> Iterator[Any]:
    for entry in json.loads((DATA / "manifest.json").read_text())["files"]:
        for name in (entry["file"], *([entry["companion"]] if "companion" in entry else [])):
            for found in records(DATA / name):
                assert isinstance(found, Found)
                for number, record in enumerate(opened(found.value), 1):
                    yield pytest.param(entry["format"], record, id=f"{name}:{found.line}:{number}")


def scores(record: dict[str, Any]) -> dict[str, float]:
    return {importer.name: importer.sniff(record) for importer in IMPORTERS}


def shuffled(record: dict[str, Any], seed: int) -> dict[str, Any]:
    fields = list(record.items())
    random.Random(seed).shuffle(fields)
    return type(record)(fields)


@pytest.mark.parametrize(
    ("format_", "record"),
    [*samples(), *(pytest.param(*seed, id=f"{seed[0]}-{number}") for number, seed in enumerate(SEEDS))],
)
def test_a_record_is_of_its_own_format_alone(format_: str, record: dict[str, Any]) -> None:
    for form in (record, *(shuffled(record, seed) for seed in range(3))):
        found = scores(form)
        own = found.pop(format_)
        assert 0 < own <= 1
        assert max(found.values()) < own, found
        importer = Detection().importer_of(form)
        assert importer is not None
        assert importer.name == format_


def test_every_format_was_tried() -> None:
    assert {format_ for format_, _ in SEEDS} == {importer.name for importer in IMPORTERS}


def test_a_record_of_the_same_fields_as_another_formats_is_told_apart() -> None:
    """What is remembered of a shape of record must not decide for another record of that shape."""
    filtered = completion(prompt_annotations=[])
    pairs: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"request": ASKED, "response": completion()}, {"request": ASKED, "response": claude(TEXT)}),
        ({"messages": [*USER, TURN]}, {"messages": USER}),
        (span(CURRENT), span(AI_SDK)),
        ({"request": ASKED, "response": completion()}, {"request": ASKED, "response": filtered}),
        ({**OBSERVATION, "modelParameters": {}}, {**OBSERVATION, "type": "SPAN", "modelParameters": {}}),
    ]
    for first, second in (*pairs, *(pair[::-1] for pair in pairs)):
        detection = Detection()
        for _ in range(2):
            for record in (first, second):
                assert detection.importer_of(record) is Detection().importer_of(record)


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"colour": 1},
        {"input": USER, "output": "yo"},
        {"input": {"city": "Oslo"}, "output": {"answer": "yo"}},
        {"request": {"city": "Oslo"}, "response": {"data": 1}},
        {"data": [completion()]},
        {"results": [{"messages": USER, "completion": "yo"}]},
        {"items": [{"messages": USER, "completion": "yo"}]},
        {"events": [SPAN], "cursor": None},
        {"runs": [RUN]},
        {"type": "GENERATION", "input": USER},
        {"run_type": "llm", "outputs": completion()},
        Row(name="x", colour="red"),
        Row(as_cells(completion())) | {"choices": "2"},
    ],
)
def test_what_has_no_format_of_its_own(record: dict[str, Any]) -> None:
    importer = Detection().importer_of(record)
    assert importer is None or importer.sniff(record) < SURE


@pytest.mark.parametrize(
    ("record", "first"),
    [
        ({"mesages": USER, "completion": "yo"}, "native"),
        ({"Message": USER, "Completion": "yo", "model": "m"}, "native"),
        ({"request": {"q": 1}, "response": {"a": 1}}, "openai_chat"),
        ({"ai_org": "openai", "request": {}, "response": {}}, "portkey"),
        ({"run_type": "llm", "outputs": {}}, "langsmith"),
        ({"call_type": "completion", "response_cost": 1, "model": "m"}, "litellm"),
        ({"span_attributes": {}, "root_span_id": "s", "input": 1}, "braintrust"),
        ({"request_id": "1", "response_body": {}}, "helicone"),
        ({"trace_id": "t", "type": "GENERATON", "usage_details": {}}, "langfuse"),
        ({"conversatons": [{"from": "human", "value": "hi"}]}, "sharegpt"),
        ({"prompt": {"raw": "hi"}, "response": {}, "vars": {}}, "promptfoo"),
        ({"custom_id": "1", "body": {}}, "openai_batch"),
        ({"contents": [], "candidate": []}, "gemini"),
        ({"traceId": "t", "spanId": "s", "name": "chat"}, "otel_genai"),
    ],
)
def test_an_unknown_record_is_told_what_it_is_near_to(record: dict[str, Any], first: str) -> None:
    assert Detection().importer_of(record) is None
    near = nearest(record)
    assert near[0] == first
    assert len(near) <= NEAREST
    said = unknown_shape(record)
    assert all(name in said for name in record)
    assert f"nearest: {first}" in said


@pytest.mark.parametrize(
    ("inner", "format_"),
    [({"messages": USER, "completion": "yo"}, "native"), ({"request": ASKED, "response": completion()}, "openai_chat")],
)
@pytest.mark.parametrize("encoded", [False, True])
def test_a_record_inside_a_field_is_pointed_at(inner: dict[str, Any], format_: str, encoded: bool) -> None:
    record = {"ts": 1, "payload": json.dumps(inner) if encoded else inner}
    assert Detection().importer_of(record) is None
    assert f"the field payload holds a record of {format_}" in unknown_shape(record)


def test_unknown_records_are_described_safely_and_in_short() -> None:
    odd = {"\x1b[31m": 1, "é" * 99: 2, **{f"field{number}": number for number in range(30)}}
    said = unknown_shape(odd)
    assert said.isascii()
    assert "\x1b" not in said
    assert "and 20 more" in said
    assert len(said) < 400
    assert unknown_shape({}) == "no known format: fields none"


def test_a_table_without_prompts_is_told_its_columns() -> None:
    said = unknown_shape(Row(question_text="hi", reply="yo"))
    assert "columns question_text, reply" in said
    assert "prompt, input, question" in said
