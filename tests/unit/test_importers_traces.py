"""Langfuse, LangSmith and Braintrust: what their rows mean, beyond what the samples show."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cqtui.importers import LogRead, read_logs
from cqtui.importers.base import Importer, clean
from cqtui.importers.formats import Detection, braintrust, langfuse_scores
from cqtui.importers.formats.braintrust import BraintrustImporter
from cqtui.importers.formats.langfuse import LangfuseImporter
from cqtui.importers.formats.langsmith import LangSmithImporter
from cqtui.importers.raw import NoCall, RawCall, normalised
from cqtui.models import LoggedCall

HI = [{"role": "user", "content": "hi"}]
YO = {"role": "assistant", "content": "yo"}
COMPLETION: dict[str, Any] = {"object": "chat.completion", "id": "c", "model": "gpt-4o-2024-08-06"}
COMPLETION |= {"choices": [{"index": 0, "message": YO, "finish_reason": "stop"}]}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def blob(**changes: Any) -> dict[str, Any]:
    row = {"id": "o", "trace_id": "t", "type": "GENERATION", "provided_model_name": "gpt-4o", "usage_details": {}}
    times = {"start_time": "2026-09-10 01:50:00.000000", "end_time": "2026-09-10 01:50:00.910000"}
    return {**row, **times, "input": json.dumps(HI), "output": "yo", **changes}


def page(**changes: Any) -> dict[str, Any]:
    row = {"id": "o", "traceId": "t", "type": "GENERATION", "model": "gpt-4o", "modelParameters": {}}
    return {**row, "startTime": "2026-09-10T01:50:00.000Z", "input": HI, "output": YO, **changes}


def run(**changes: Any) -> dict[str, Any]:
    row = {"id": "r", "run_type": "llm", "session_id": "project", "trace_id": "t", "inputs": {"messages": HI}}
    return {**row, "outputs": COMPLETION, **changes}


def span(**changes: Any) -> dict[str, Any]:
    row = {"id": "b", "root_span_id": "s", "span_attributes": {"type": "llm"}, "metrics": {}}
    return {**row, "metadata": {"model": "gpt-4o"}, "input": HI, "output": YO, **changes}


def read(record: dict[str, Any]) -> LoggedCall:
    importer = Detection().importer_of(record)
    assert importer is not None
    raw = importer.read(record)
    assert isinstance(raw, RawCall), raw
    call = normalised(raw)
    assert isinstance(call, LoggedCall), call
    return call


def refused(record: dict[str, Any]) -> str:
    importer = Detection().importer_of(record)
    assert importer is not None
    raw = importer.read(record)
    assert isinstance(raw, NoCall)
    return raw.reason


def log(folder: Path, *records: Any, name: str = "log.jsonl") -> Path:
    (folder / name).write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder / name


def reasons(found: LogRead) -> list[str]:
    return [item.reason for item in found.skipped]


def said(call: LoggedCall) -> str | None:
    return call.completion.text if call.completion else None


def as_cells(record: Mapping[str, Any]) -> dict[str, str]:
    """The record as a row of a CSV file."""
    return {
        name: "" if value is None else value if isinstance(value, str) else json.dumps(value)
        for name, value in record.items()
    }


# --- what an application has in hand, whichever tool noted it


@pytest.mark.parametrize(
    ("given_input", "roles"),
    [
        (HI, ["user"]),
        ({"messages": HI}, ["user"]),
        ({"messages": [HI]}, ["user"]),
        ({"prompt": "hi"}, ["user"]),
        ({"prompts": ["hi"]}, ["user"]),
        ("hi", ["user"]),
        (HI[0], ["user"]),
        ([["system", "be kind"], ["human", "hi"]], ["system", "user"]),
        ({"system": "be kind", "messages": HI}, ["system", "user"]),
        ({"system_prompt": "be kind", "prompt": "hi"}, ["system", "user"]),
        ({"input": "hi", "instructions": "be kind", "model": "m"}, ["system", "user"]),
        ({"input": "hi"}, ["user"]),
        ({"args": ["hi"], "kwargs": {}}, ["user"]),
        ({"args": [], "kwargs": {"messages": HI}}, ["user"]),
        ([{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "https://x"}}], ["user"]),
        ({"lc": 1, "id": ["ChatPromptValue"], "kwargs": {"messages": HI}}, ["user"]),
    ],
)
@pytest.mark.parametrize("form", [blob, page, span], ids=["blob", "page", "span"])
def test_any_shape_of_input(form: Any, given_input: Any, roles: list[str]) -> None:
    for value in (given_input, given_input if isinstance(given_input, str) else json.dumps(given_input)):
        call = read(form(input=value))
        assert [message.role for message in call.messages] == roles
        assert call.messages[-1].text == "hi"


@pytest.mark.parametrize(
    "variables",
    [{"city": "Oslo"}, {"input": "hi", "chat_history": []}, [{"city": "Oslo"}], {"args": [7], "kwargs": {}}],
)
def test_prompt_variables_are_no_prompt(variables: Any) -> None:
    for record in (blob(input=json.dumps(variables)), page(input=variables), run(inputs=variables)):
        assert "variables" in refused(record)


@pytest.mark.parametrize("record", [blob(input=""), page(input=None), run(inputs={}), span(input=None)])
def test_an_input_that_was_not_captured(record: dict[str, Any]) -> None:
    assert "no prompt in the log" in refused(record)


@pytest.mark.parametrize("prompts", [["hi", "ho"], [HI, HI]])
def test_several_prompts_are_not_one_conversation(prompts: Any) -> None:
    call = read(run(inputs={"messages": prompts}))
    assert [message.text for message in call.messages] == ["hi"]
    assert "2 prompts, the first was kept" in call.origin.warnings


@pytest.mark.parametrize(
    "output",
    [
        "yo",
        YO,
        {"content": "yo"},
        COMPLETION,
        COMPLETION["choices"],
        {"choices": [{"text": "yo", "finish_reason": "stop"}]},
        [{"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": part}}]} for part in "yo"],
        'data: {"choices": [{"index": 0, "delta": {"content": "yo"}}]}\n\ndata: [DONE]\n',
        {"message": YO},
        [*HI, YO],
        {"messages": [*HI, YO]},
        {"messages": [{"type": "human", "content": "hi"}, {"type": "ai", "content": "yo"}]},
        [{"type": "text", "text": "yo"}],
        {"generations": [[{"text": "yo", "message": {"type": "ai", "data": {"content": "yo"}}}]]},
        {"generations": [{"text": "yo"}]},
    ],
)
def test_any_shape_of_output(output: Any) -> None:
    for record in (page(output=output), run(outputs={"output": output}), span(output=output)):
        assert said(read(record)) == "yo"


def test_outputs_with_no_answer_leave_a_prompt_without_a_baseline() -> None:
    for record in (blob(output=""), page(output=None), run(outputs=None), run(outputs={"messages": HI})):
        assert read(record).completion is None
    assert said(read(run(outputs={"output": ""}))) == ""


@pytest.mark.parametrize(
    "text", ['{"city": "Oslo"}', '{"content": "yo"}', '["a"]', '{"role": "admin", "content": "x"}']
)
def test_an_answer_in_json_stays_text(text: str) -> None:
    assert said(read(blob(output=text))) == text
    assert said(read(span(output=text))) == text


def test_an_answer_that_the_tool_parsed_is_written_out_again() -> None:
    call = read(page(output={"city": "Ås"}))
    assert said(call) == '{"city": "Ås"}'
    assert "structured answer written out as JSON" in call.origin.warnings


def test_an_empty_response_is_no_call() -> None:
    assert (
        refused(run(outputs={"object": "chat.completion", "choices": []})) == "the response holds no answer: no choices"
    )


ITEMS = [{"type": "reasoning", "summary": []}, {"type": "message", "role": "assistant", "content": "yo"}]
CALL = {"type": "function_call", "call_id": "1", "name": "look", "arguments": "{}"}


def test_items_of_the_responses_api() -> None:
    asked = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}]
    noted = {"model": "gpt-4o", "instructions": "be kind", "text": {"format": {"type": "json_object"}}}
    call = read(span(input=asked, output=ITEMS, metadata=noted))
    assert [message.text for message in call.messages] == ["be kind", "hi"]
    assert (said(call), call.finish_reason) == ("yo", "stop")
    assert call.params == {"response_format": {"type": "json_object"}}
    assert "instructions" not in call.metadata
    assert read(span(input=asked, output=[CALL])).finish_reason == "tool_calls"
    response: dict[str, Any] = {
        "object": "response",
        "status": "completed",
        "output": ITEMS,
        "model": "gpt-4o-2024-08-06",
    }
    response["usage"] = {"input_tokens": 9, "output_tokens": 1, "input_tokens_details": {"cached_tokens": 4}}
    for sent in (
        {"model": "gpt-4o", "input": "hi", "store": True},
        {"messages": [constructor("HumanMessage", content="hi")]},
    ):
        call = read(run(inputs=sent, outputs=response))
        assert ([message.text for message in call.messages], said(call)) == (["hi"], "yo")
        assert (call.usage.input_tokens, call.usage.cached_tokens) == (9, 4)
    earlier = {"model": "gpt-4o", "input": "hi", "previous_response_id": "x"}
    assert "continues an earlier response" in refused(run(inputs=earlier, outputs=response))


def test_messages_of_other_apis() -> None:
    message: dict[str, Any] = {
        "type": "message",
        "role": "assistant",
        "stop_reason": "max_tokens",
        "model": "claude-sonnet-4-5",
    }
    message |= {"content": [{"type": "text", "text": "yo"}]}
    message["usage"] = {"input_tokens": 2, "cache_read_input_tokens": 8, "output_tokens": 1}
    call = read(run(inputs={"messages": HI, "system": "be kind", "max_tokens": 1}, outputs=message))
    assert [one.role for one in call.messages] == ["system", "user"]
    assert (call.provider, call.finish_reason, call.usage.input_tokens) == ("anthropic", "length", 10)
    gemini = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    candidate = {"content": {"role": "model", "parts": [{"text": "yo"}]}, "finishReason": "STOP"}
    call = read(page(model="gemini-2.0-flash", input=gemini, output={"candidates": [candidate]}))
    assert ([one.text for one in call.messages], said(call), call.provider) == (["hi"], "yo", "google")


@pytest.mark.parametrize("record", [run, page, span])
def test_calls_with_tools_that_the_vendor_runs_cannot_be_replayed(record: Any) -> None:
    tools = [{"type": "web_search"}]
    sent: dict[str, Any] = {"modelParameters": {"tools": tools}, "metadata": {"tools": tools}}
    assert "web_search" in refused(record(**sent, extra={"invocation_params": {"tools": tools}}))


def test_finish_reason_follows_from_tool_calls_where_it_is_not_noted() -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]
    assert read(blob(output=json.dumps({**YO, "tool_calls": calls}))).finish_reason == "tool_calls"
    assert read(blob()).finish_reason is None


def test_parameters_are_told_from_notes() -> None:
    noted = {"temperature": "0.3", "maxTokens": "Infinity", "top_p": 1, "_type": "openai-chat", "customer": "x"}
    noted |= {
        "stop": None,
        "stopSequences": ["END"],
        "max_completion_tokens": -1,
        "seed": "7",
        "reasoning": {"effort": "low"},
    }
    wanted = {"temperature": 0.3, "top_p": 1, "stop": ["END"], "seed": 7, "reasoning_effort": "low"}
    assert read(blob(model_parameters=json.dumps(noted))).params == wanted
    call = read(span(metadata={"model": "gpt-4o", **noted}))
    assert call.params == wanted
    assert call.metadata == {
        "_type": "openai-chat",
        "customer": "x",
        "maxTokens": "Infinity",
        "stopSequences": ["END"],
    } | {"reasoning": {"effort": "low"}}


@pytest.mark.parametrize(
    "tool",
    [
        TOOL,
        {"name": "look", "input_schema": {"type": "object"}},
        {"type": "function", "name": "look", "parameters": {"type": "object"}},
    ],
)
def test_tools_of_any_vendor(tool: dict[str, Any]) -> None:
    sent = {"tools": [tool], "tool_choice": {"type": "any"}}
    for record in (run(extra={"invocation_params": sent}), page(input={"messages": HI, **sent}), span(metadata=sent)):
        assert read(record).params == {"tools": [TOOL], "tool_choice": "required"}


def test_user_and_session_do_not_stay_in_the_metadata() -> None:
    noted = {"user_id": "ann", "thread_id": "s", "prompt_name": "triage"}
    for record in (blob(metadata=noted), run(extra={"metadata": noted}), span(metadata=noted)):
        call = read(record)
        assert (call.user, call.session, call.metadata) == ("ann", "s", {"prompt_name": "triage"})


# --- LangChain's messages


def constructor(kind: str, **kwargs: Any) -> dict[str, Any]:
    return {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", kind], "kwargs": kwargs}


ASKED = [{"name": "look", "args": {"at": "å"}, "id": "1", "type": "tool_call"}]


@pytest.mark.parametrize(
    "message",
    [
        constructor("AIMessage", content="", tool_calls=ASKED),
        constructor("AIMessageChunk", content="", tool_calls=ASKED),
        {"type": "ai", "content": "", "tool_calls": ASKED},
        {"type": "AIMessageChunk", "content": "", "tool_calls": ASKED},
        {"type": "ai", "data": {"content": "", "tool_calls": ASKED}},
        {"role": "assistant", "content": "", "tool_calls": ASKED},
        {"role": "assistant", "content": "", "additional_kwargs": {"tool_calls": ASKED}},
        {"type": "ai", "content": [{"type": "tool_use", "id": "1", "name": "look", "input": {"at": "å"}}]},
        {"type": "ai", "content": [{"type": "tool_use", "id": "1", "name": "look"}], "tool_calls": ASKED},
    ],
)
def test_tool_calls_of_langchain(message: dict[str, Any]) -> None:
    answer = {"type": "tool", "content": "found", "tool_call_id": "1", "name": "look"}
    call = read(run(inputs={"messages": [[*HI, message, answer]]}, outputs=message))
    assert [item.role for item in call.messages] == ["user", "assistant", "tool"]
    assert call.messages[2].tool_call_id == "1"
    assert call.completion is not None
    for calls in (call.messages[1].tool_calls, call.completion.tool_calls):
        assert [(one.name, one.arguments, one.id) for one in calls] == [("look", '{"at": "å"}', "1")]
    # LangChain writes an empty text where there is none.
    assert (call.messages[1].parts, call.completion.text) == ((), None)
    assert call.finish_reason == "tool_calls"


def test_arguments_that_were_no_json_are_kept_as_they_were() -> None:
    broken = [{"name": "look", "args": '{"at": ', "id": "1", "type": "invalid_tool_call"}]
    answer = read(run(outputs=constructor("AIMessage", content="", invalid_tool_calls=broken))).completion
    assert answer is not None
    assert answer.tool_calls[0].arguments == '{"at": '


@pytest.mark.parametrize(
    ("message", "role"),
    [
        ({"type": "human", "content": "hi"}, "user"),
        ({"type": "chat", "role": "developer", "content": "hi"}, "developer"),
        (constructor("SystemMessage", content="hi", additional_kwargs={"__openai_role__": "developer"}), "developer"),
        (constructor("FunctionMessage", content="hi", name="look"), "tool"),
    ],
)
def test_roles_of_langchain(message: dict[str, Any], role: str) -> None:
    removed = {"type": "remove", "content": "", "id": "x"}
    assert [one.role for one in read(run(inputs={"messages": [removed, message]})).messages] == [role]


@pytest.mark.parametrize(
    ("block", "kind", "wire"),
    [
        ({"type": "image_url", "image_url": "https://x"}, "image", {"image_url": {"url": "https://x"}}),
        ({"type": "image", "url": "https://x"}, "image", {"image_url": {"url": "https://x"}}),
        (
            {"type": "image", "source_type": "base64", "data": "AA==", "mime_type": "image/jpeg"},
            "image",
            {"image_url": {"url": "data:image/jpeg;base64,AA=="}},
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": "AA=="}},
            "image",
            {"image_url": {"url": "data:image/webp;base64,AA=="}},
        ),
        (
            {"type": "audio", "base64": "AA==", "mime_type": "audio/mpeg"},
            "audio",
            {"input_audio": {"data": "AA==", "format": "mp3"}},
        ),
        (
            {"type": "file", "base64": "AA==", "mime_type": "application/pdf", "filename": "a.pdf"},
            "file",
            {"file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}},
        ),
        ({"type": "file", "file_id": "f"}, "file", {"file": {"file_id": "f"}}),
    ],
)
def test_media_of_langchain_can_be_sent_again(block: dict[str, Any], kind: str, wire: dict[str, Any]) -> None:
    (message,) = read(run(inputs={"messages": [{"type": "human", "content": [block]}]})).messages
    (part,) = message.parts
    assert part.kind == kind
    assert part.raw is not None
    assert {name: part.raw[name] for name in wire} == wire


def test_tool_results_of_anthropic_inside_a_message_of_langchain() -> None:
    content = [{"type": "tool_result", "tool_use_id": "1", "content": "found"}, {"type": "text", "text": "go on"}]
    call = read(run(inputs={"messages": [*HI, {"type": "human", "content": content}]}))
    assert [(one.role, one.text) for one in call.messages] == [("user", "hi"), ("tool", "found"), ("user", "go on")]


def test_reasoning_of_langchain_is_no_text() -> None:
    content = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "yo"}]
    assert said(read(run(outputs={"type": "ai", "content": content}))) == "yo"


# --- Langfuse


def test_a_row_of_each_langfuse_shape_reads_the_same() -> None:
    shared = {"input": HI, "output": YO, "latency": 0.91}
    usage, cost = {"input": 20, "output": 7, "total": 27}, 0.00013
    times = {"startTime": "2026-09-10T01:50:00.000Z", "endTime": "2026-09-10T01:50:00.910Z"}
    exported = page(**shared, **times, usageDetails=usage, totalCost=cost, traceTags=["ci"], userId="u", sessionId="s")
    api = page(
        **shared, **times, usage={**usage, "unit": "TOKENS"}, calculatedTotalCost=cost, traceTags=["ci"], userId="u"
    )
    stored = blob(
        output=json.dumps(YO),
        usage_details=usage,
        total_cost=cost,
        tags=["ci"],
        user_id="u",
        session_id="s",
        prompt_name="",
    )
    for record in (stored, exported, as_cells(stored), as_cells(exported), {**api, "sessionId": "s"}):
        call = read(record)
        assert call.time == datetime(2026, 9, 10, 1, 50, tzinfo=UTC)
        assert (call.model, call.provider, said(call)) == ("gpt-4o", "openai", "yo")
        assert (call.usage.input_tokens, call.usage.output_tokens) == (20, 7)
        assert (call.latency_ms, call.cost_usd is not None and float(call.cost_usd)) == (910, cost)
        assert (call.user, call.session, call.tags, call.metadata) == ("u", "s", ("ci",), {})


@pytest.mark.parametrize(
    ("details", "wanted"),
    [
        # cached tokens apart, by the total and without one
        ({"input": 20, "input_cached_tokens": 80, "output": 5, "total": 105}, (100, 5, 80, None)),
        ({"input": 20, "input_cached_tokens": 80, "output": 5}, (100, 5, 80, None)),
        # cached tokens inside, as the total says
        ({"input": 100, "input_cached_tokens": 80, "output": 5, "total": 105}, (100, 5, 80, None)),
        ({"input": 100, "cache_read_input_tokens": 10, "output": 5, "total": 105}, (100, 5, 10, None)),
        # Anthropic's names
        ({"input": 2, "cache_read_input_tokens": 80, "cache_creation_input_tokens": 8, "output": 5}, (90, 5, 80, None)),
        # a total that fits neither
        ({"input": 20, "input_cached_tokens": 80, "output": 5, "total": 7}, (100, 5, 80, None)),
        # reasoning apart, and inside
        ({"input": 20, "output": 5, "output_reasoning_tokens": 30, "total": 55}, (20, 35, None, 30)),
        ({"input": 20, "output": 35, "reasoning_tokens": 30, "total": 55}, (20, 35, None, 30)),
        ({"input": 20, "output": 35, "reasoning_tokens": 30}, (20, 35, None, 30)),
        ({"input": 20, "output": 5, "output_reasoning": 30}, (20, 35, None, 30)),
        # other modalities belong to their side
        (
            {"input": 20, "input_audio_tokens": 10, "output": 5, "output_audio_tokens": 2, "total": 37},
            (30, 7, None, None),
        ),
        ({"input": 0, "output": 0, "total": 0}, (None, None, None, None)),
        ({}, (None, None, None, None)),
    ],
)
def test_langfuse_usage_is_made_whole(details: dict[str, int], wanted: tuple[int | None, ...]) -> None:
    for record in (blob(usage_details=details), page(usageDetails=details), page(usageDetails=json.dumps(details))):
        usage = read(record).usage
        assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens) == wanted


def test_langfuse_usage_that_does_not_add_up_is_said() -> None:
    odd = {"input": 20, "input_cached_tokens": 80, "output": 5, "total": 7}
    assert any("do not add up" in text for text in read(blob(usage_details=odd)).origin.warnings)
    assert not read(blob(usage_details={"input": 20, "output": 5, "total": 25})).origin.warnings


def test_langfuse_cache_writes_by_lifetime_count_once() -> None:
    details = {"input": 2, "output": 5, "input_cache_creation": 8, "input_ephemeral_5m_input_tokens": 8, "total": 15}
    usage = read(blob(usage_details=details)).usage
    assert (usage.input_tokens, usage.cache_write_tokens) == (10, 8)
    details = {"input": 2, "output": 5, "input_cache_creation": 0, "input_ephemeral_1h_input_tokens": 8}
    usage = read(blob(usage_details=details)).usage
    assert (usage.input_tokens, usage.cache_write_tokens) == (10, 8)


def test_langfuse_usage_in_characters_is_no_usage() -> None:
    call = read(page(usage={"input": 900, "output": 50, "unit": "CHARACTERS"}))
    assert call.usage.input_tokens is None
    assert "usage in characters left out" in call.origin.warnings


def test_langfuse_latency_whatever_its_unit() -> None:
    assert read(blob(latency=910)).latency_ms == 910
    assert read(blob(latency=0.91)).latency_ms == 910
    in_doubt = read(blob(end_time="", latency=910))
    assert in_doubt.latency_ms is None
    assert "latency of unknown unit left out" in in_doubt.origin.warnings
    assert read(page(latency=0.91, timeToFirstToken=0.2)).latency_ms == 910
    assert read(page(latency=0.91, timeToFirstToken=0.2)).ttft_ms == 200
    assert read(blob(completion_start_time="2026-09-10 01:50:00.250000")).ttft_ms == 250


def test_langfuse_cost_of_zero_without_details_is_unknown() -> None:
    assert read(blob(total_cost=0, cost_details={})).cost_usd is None
    assert read(blob(total_cost=0, cost_details={"total": 0})).cost_usd == 0
    assert read(blob(cost_details={"total": 0.5})).cost_usd is not None


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (blob(type="SPAN"), "not a model call: span"),
        (page(type="EMBEDDING"), "not a model call: embedding"),
        (blob(level="ERROR", status_message="429: slow down"), "the call failed: 429: slow down"),
        (page(level="ERROR"), "the call failed: no reason was logged"),
        (
            page(input=[{"role": "user", "content": "see @@@langfuseMedia:type=image/png|id=x|source=bytes@@@"}]),
            "part of the prompt is not in the log: an image or file is stored at Langfuse",
        ),
        (
            {"id": "t", "name": "job", "bookmarked": False, "public": False, "input": "x"},
            "not a model call: a trace, whose observations hold the calls",
        ),
    ],
)
def test_langfuse_rows_that_are_no_call(record: dict[str, Any], reason: str) -> None:
    assert refused(record) == reason


def test_langfuse_tools_stand_in_three_places() -> None:
    as_message = {"role": "tool", "content": TOOL}
    definitions = {"look": json.dumps({"parameters": {"type": "object"}})}
    for record in (
        page(input=[*HI, as_message]),
        page(input={"messages": HI, "tools": [TOOL]}),
        blob(tool_definitions=definitions),
    ):
        call = read(record)
        assert [message.role for message in call.messages] == ["user"]
        assert call.params == {"tools": [TOOL]}


def test_langfuse_score_columns() -> None:
    assert read(page(helpful=[0.5])).score == 0.5
    assert read(as_cells(page(helpful=[0.5]))).score == 0.5
    assert read(page(helpful=[0.5, 1])).score == 0.75
    assert read(page(stars=[4])).metadata == {"raw_score": {"stars": 4}}
    assert read(page(helpful=[])).score is None
    several = read(page(helpful=[1], tone=["rude"]))
    assert (several.score, several.metadata) == (None, {"scores": {"helpful": 1, "tone": "rude"}})
    assert "several scores kept as metadata" in several.origin.warnings


def score(target: str, value: Any = 0.5, **changes: Any) -> dict[str, Any]:
    row = {"id": f"s-{target}", "trace_id": "t", "observation_id": target, "name": "helpful", "value": value}
    return {**row, "data_type": "NUMERIC", **changes}


def test_langfuse_scores_of_a_file_before_join_their_calls(tmp_path: Path) -> None:
    scores = log(tmp_path, score("o"), score("gone"), score("", 1, name="tone", trace_id="t2"), name="scores.jsonl")
    calls = log(tmp_path, blob(), blob(id="p", trace_id="t2"), name="observations.jsonl")
    found = read_logs([scores, calls])
    assert [call.score for call in found.calls] == [0.5, 1]
    assert (found.joined, found.records) == (2, 5)
    assert reasons(found) == [langfuse_scores.NOT_USED]
    late = read_logs([calls, scores])
    assert [call.score for call in late.calls] == [None, None]
    assert reasons(late) == [langfuse_scores.NOT_USED] * 3
    assert late.records == 5


def test_langfuse_scores_beyond_the_bound_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(langfuse_scores, "MAX_SCORES", 1)
    found = read_logs(log(tmp_path, score("o"), score("p"), blob(), blob(id="p")))
    assert [call.score for call in found.calls] == [0.5, None]
    assert reasons(found) == [langfuse_scores.TOO_MANY]


def test_a_langfuse_trace_holds_its_observations_and_their_scores(tmp_path: Path) -> None:
    trace = {"id": "t", "userId": "u", "sessionId": "s", "tags": ["ci"], "scores": [score("o"), score("x")]}
    inner = [page(), page(id="p", type="SPAN")]
    found = read_logs(log(tmp_path, {**trace, "observations": inner}), hash_identities=False)
    (call,) = found.calls
    assert (call.user, call.session, call.tags, call.score) == ("u", "s", ("ci",), 0.5)
    assert reasons(found) == ["not a model call: span"]


@pytest.mark.parametrize("record", [page(helpful=[0.5]), run(), span(), blob()], ids=["page", "run", "span", "blob"])
def test_files_of_tables(tmp_path: Path, record: dict[str, Any]) -> None:
    cells = as_cells(record)
    with (tmp_path / "log.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(cells))
        writer.writeheader()
        writer.writerow(cells)
    found = read_logs(tmp_path / "log.csv")
    assert [said(call) for call in found.calls] == ["yo"]
    assert found.calls[0].score == (0.5 if "helpful" in record else None)


def test_a_page_of_the_langfuse_api(tmp_path: Path) -> None:
    found = read_logs(log(tmp_path, {"data": [page(), page(id="p")], "meta": {"page": 1}}))
    assert found.counts == {"langfuse": 2}


# --- LangSmith


def test_langsmith_session_is_the_project_and_a_time_without_zone_is_utc() -> None:
    noted = {"metadata": {"conversation_id": "conv"}}
    call = read(run(start_time="2026-09-10T02:06:40", end_time="2026-09-10T02:06:40.530000", extra=noted))
    assert call.session == "conv"
    assert call.time == datetime(2026, 9, 10, 2, 6, 40, tzinfo=UTC)
    assert read(run()).session is None
    in_ms = read(run(start_time=1789006000000, end_time=1789006000530, first_token_time=1789006000100))
    assert (in_ms.time, in_ms.latency_ms, in_ms.ttft_ms) == (call.time, 530, 100)


def test_langsmith_model_provider_and_cost() -> None:
    extra = {"metadata": {"ls_provider": "Azure", "ls_model_name": "gpt-4o", "ls_temperature": 0.5, "team": "a"}}
    extra["invocation_params"] = {"model": "other", "temperature": 0.1, "_type": "x", "max_tokens": None}
    call = read(run(extra=extra, total_cost="0.0000072"))
    assert (call.model, call.provider, str(call.cost_usd)) == ("gpt-4o-2024-08-06", "azure", "0.0000072")
    assert (call.params, call.metadata) == ({"temperature": 0.1}, {"team": "a"})
    plain = run(extra=extra, outputs={"output": "yo"})
    assert read(plain).model == "gpt-4o"
    plain["extra"] = {"invocation_params": {"model": "claude-sonnet-4-5"}}
    assert (read(plain).model, read(plain).provider) == ("claude-sonnet-4-5", "anthropic")


def test_langsmith_usage_is_the_total_and_zeros_are_unknown() -> None:
    counted = {"prompt_tokens": 100, "completion_tokens": 9, "prompt_token_details": {"cache_read": 80}}
    counted["completion_token_details"] = {"reasoning": 4}
    usage = read(run(**counted)).usage
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens) == (100, 80, 9, 4)
    uncounted = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    assert read(run(**uncounted)).usage.input_tokens is None
    meta = {"input_tokens": 50, "output_tokens": 3, "input_token_details": {"cache_read": 40}}
    message = constructor(
        "AIMessage", content="yo", usage_metadata=meta, response_metadata={"stop_reason": "max_tokens"}
    )
    call = read(run(**uncounted, outputs={"generations": [[{"message": message}]]}))
    assert (call.usage.input_tokens, call.usage.cached_tokens, call.finish_reason) == (50, 40, "length")
    told = {"generations": [[{"text": "yo"}]], "llmOutput": {"tokenUsage": {"promptTokens": 5, "completionTokens": 2}}}
    assert read(run(**uncounted, outputs=told)).usage.input_tokens == 5


@pytest.mark.parametrize(("counted", "cached"), [(50, 40), (90, None)])
def test_details_that_only_the_answer_has_complete_what_the_tool_counted(counted: int, cached: int | None) -> None:
    meta = {"input_tokens": 50, "output_tokens": 3, "input_token_details": {"cache_read": 40}}
    message = constructor("AIMessage", content="yo", usage_metadata=meta)
    answered = {"generations": [[{"message": message}]]}
    usage = read(run(outputs=answered, prompt_tokens=counted, completion_tokens=3)).usage
    assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens) == (counted, 3, cached)


def test_langsmith_feedback() -> None:
    assert read(run(feedback_stats={"helpful": {"n": 2, "avg": 0.5}})).score == 0.5
    assert read(run(feedback_stats={"note": {"n": 1, "avg": None}})).score is None
    two = {"helpful": {"n": 1, "avg": 1}, "tone": {"n": 1, "avg": 0}}
    assert read(run(feedback_stats=two)).metadata == {"scores": {"helpful": 1, "tone": 0}}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (run(run_type="chain"), "not a model call: chain"),
        (run(run_type="embedding"), "not a model call: embedding"),
        (run(error="RateLimitError()\nTraceback"), "the call failed: RateLimitError() Traceback"),
        (run(status="error"), "the call failed: no reason was logged"),
    ],
)
def test_langsmith_runs_that_are_no_call(record: dict[str, Any], reason: str) -> None:
    assert refused(record) == reason


def test_langsmith_bulk_export_has_json_in_text_columns() -> None:
    extra = {"metadata": {"thread_id": "s"}, "invocation_params": {"temperature": 0}}
    row = as_cells(run(extra=extra, tags=["a"], feedback_stats={"helpful": {"avg": 1}}, prompt_tokens=4, error=None))
    call = read(row)
    assert (said(call), call.session, call.params, call.tags) == ("yo", "s", {"temperature": 0}, ("a",))
    assert (call.score, call.usage.input_tokens) == (1, 4)


def test_langsmith_runs_inside_a_run_are_read_too(tmp_path: Path) -> None:
    deep = run(
        id="top", run_type="chain", child_runs=[run(id="mid", run_type="chain", child_runs=[run()]), run(id="q")]
    )
    found = read_logs(log(tmp_path, deep))
    assert [call.id for call in found.calls] == ["r", "q"]
    assert reasons(found) == ["not a model call: chain"] * 2


# --- Braintrust


def test_braintrust_metrics() -> None:
    metrics = {"start": 1789011000.0, "end": 1789011000.48, "time_to_first_token": 0.2, "estimated_cost": 0.25}
    metrics |= {"prompt_tokens": 100, "completion_tokens": 9, "prompt_cached_tokens": 80}
    metrics |= {"prompt_cache_creation_tokens": 5, "completion_reasoning_tokens": 4, "tokens": 109}
    row = span(metrics=metrics, created="2026-09-10T03:30:00.000Z", scores={"correct": 1.0, "unset": None}, tags=None)
    for record in (row, as_cells(row)):
        call = read(record)
        assert call.time == datetime(2026, 9, 10, 3, 30, tzinfo=UTC)
        assert (call.latency_ms, call.ttft_ms, call.score, call.provider) == (480, 200, 1, "openai")
        assert call.usage.model_dump() == {
            "input_tokens": 100,
            "output_tokens": 9,
            "cached_tokens": 80,
            "cache_write_tokens": 5,
            "reasoning_tokens": 4,
        }
        assert call.cost_usd is not None


def test_braintrust_cached_tokens_that_stand_apart_by_the_sum_are_added() -> None:
    metrics = {"prompt_tokens": 100, "completion_tokens": 9, "prompt_cached_tokens": 80, "tokens": 189}
    assert read(span(metrics=metrics)).usage.input_tokens == 180


def test_braintrust_answers_from_a_cache_have_no_latency() -> None:
    call = read(span(metrics={"start": 1.0, "end": 1.1, "cached": 1, "estimated_cost": 0}))
    assert (call.latency_ms, call.cost_usd) == (None, None)
    assert any("cache" in text for text in call.origin.warnings)


def test_braintrust_experiments_are_said_to_be_no_traffic() -> None:
    assert any("evaluation" in text for text in read(span(experiment_id="e")).origin.warnings)


STORED = {"type": "braintrust_attachment", "key": "k", "content_type": "image/png", "filename": "a.png"}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (span(span_attributes={"type": "task"}), "not a model call: task"),
        (span(span_attributes={}), "not a model call: a span of no type"),
        (span(error={"message": "boom"}), "the call failed: boom"),
        (
            span(input=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": STORED}}]}]),
            "part of the prompt is not in the log: an attachment is stored at Braintrust",
        ),
    ],
)
def test_braintrust_rows_that_are_no_call(record: dict[str, Any], reason: str) -> None:
    assert refused(record) == reason


def version(number: int, row: str = "b") -> dict[str, Any]:
    return span(id=row, output=f"answer {number}", _xact_id=str(1000 + number))


@pytest.mark.parametrize("order", [[1, 2, 3], [3, 2, 1], [2, 3, 1]])
@pytest.mark.parametrize("key", ["events", "data"])
def test_the_newest_version_of_a_braintrust_row_is_kept(tmp_path: Path, order: list[int], key: str) -> None:
    found = read_logs(log(tmp_path, {key: [*(version(number) for number in order), version(1, "c")], "cursor": None}))
    assert [(call.id, said(call)) for call in found.calls] == [("b", "answer 3"), ("c", "answer 1")]
    assert reasons(found) == [braintrust.OLDER] * 2
    assert found.records == 4


def test_versions_far_apart_are_never_two_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(braintrust, "HELD", 1)
    between = [version(1, "c"), version(1, "d")]
    found = read_logs(log(tmp_path, version(1), *between, version(2)))
    assert [call.id for call in found.calls] == ["b", "c", "d"]
    assert reasons(found) == [braintrust.TOO_LATE]
    monkeypatch.setattr(braintrust, "HELD", 1000)
    monkeypatch.setattr(braintrust, "HELD_BYTES", 10)
    assert reasons(read_logs(log(tmp_path, version(1), *between, version(2)))) == [braintrust.TOO_LATE]
    found = read_logs(log(tmp_path, version(2), *between, version(1)))
    assert said(found.calls[0]) == "answer 2"
    assert reasons(found) == [braintrust.OLDER]


# --- odd input

KEYS = [
    "messages",
    "role",
    "content",
    "type",
    "kwargs",
    "lc",
    "id",
    "data",
    "args",
    "input",
    "prompt",
    "choices",
    "text",
]
KEYS += ["message", "generations", "tool_calls", "additional_kwargs", "object", "name", "tools", "total", "unit", "avg"]
KEYS += ["input_cached_tokens", "metadata", "response_metadata", "generation_info", "function", "url", "source"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "x", "[", '{"a":1}', "ai", "llm"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
FIELDS = sorted({*blob(), *page(), *run(), *span(), *score("o"), "extra", "feedback_stats", "scores", "observations"})
FIELDS += ["child_runs", "modelParameters", "tool_definitions", "level", "stars", "latency", "_xact_id", "total_cost"]


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from([blob(), page(), run(), span(), score("o")]),
    st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=6),
)
def test_odd_values_never_break_an_importer(record: dict[str, Any], odd: dict[str, Any]) -> None:
    value = clean({**record, **odd}, [])
    importers: tuple[Importer, ...] = (LangfuseImporter(), LangSmithImporter(), BraintrustImporter())
    for importer in importers:
        if importer.sniff(value) <= 0:
            continue
        try:
            for item in importer.unfold(value) or ():
                assert item is not value
            raw = importer.read(value)
            if isinstance(raw, RawCall):
                normalised(raw)
        except (ValueError, RecursionError):
            pass
