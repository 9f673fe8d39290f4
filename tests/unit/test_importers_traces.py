"""What applications hand to tracing tools, whichever of Langfuse, LangSmith and Braintrust noted it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cqtui.importers.base import Importer, clean
from cqtui.importers.formats.braintrust import BraintrustImporter
from cqtui.importers.formats.langfuse import LangfuseImporter
from cqtui.importers.formats.langsmith import LangSmithImporter
from cqtui.importers.raw import RawCall, normalised
from tests.trace_rows import (
    COMPLETION,
    HI,
    TOOL,
    YO,
    blob,
    constructor,
    page,
    read,
    refused,
    run,
    said,
    score,
    span,
)

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
