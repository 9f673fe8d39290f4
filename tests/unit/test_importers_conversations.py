"""Results of promptfoo, and conversations of ShareGPT and WildChat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cqtui.importers import LogRead, read_logs
from cqtui.importers.formats.promptfoo import model_of
from tests.spans import said


def read(folder: Path, *records: Any) -> LogRead:
    path = folder / "log.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in records) + "\n")
    found = read_logs(path, hash_identities=False)
    assert not found.rejected
    return found


def result(response: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    usage = {"total": 15, "prompt": 14, "completion": 1, "cached": 0}
    return {
        "id": "r1",
        "promptIdx": 0,
        "testIdx": 0,
        "promptId": "h1",
        "provider": {"id": "openai:chat:gpt-4o", "label": ""},
        "prompt": {"raw": "Say cheese", "label": "cheese"},
        "vars": {"word": "cheese"},
        "response": {"output": "ost", "tokenUsage": usage, "finishReason": "stop", **(response or {})},
        "success": True,
        "failureReason": 0,
        "score": 1.0,
        "latencyMs": 350,
        "cost": 0.1,
        **changes,
    }


@pytest.mark.parametrize(
    "record",
    [
        {"evalId": "e", "results": {"version": 3, "results": [result()]}, "config": {}},
        {"results": {"version": 2, "results": [result()], "table": {"head": {}, "body": []}}},
        {"version": 3, "results": [result()], "stats": {}},
        result(),
    ],
)
def test_promptfoo_files_and_lines(tmp_path: Path, record: dict[str, Any]) -> None:
    found = read(tmp_path, record)
    assert found.counts == {"promptfoo": 1}
    (call,) = found.calls
    assert said(call) == [("user", "Say cheese"), ("answer", "ost")]
    assert (call.model, call.provider, call.latency_ms, call.score) == ("gpt-4o", "openai", 350, 1.0)
    assert (call.usage.input_tokens, call.usage.output_tokens, call.usage.cached_tokens) == (14, 1, None)
    assert call.metadata == {"vars": {"word": "cheese"}, "prompt_name": "cheese"}
    assert any("evaluation" in warning for warning in call.origin.warnings)


def test_promptfoo_table_of_version_2(tmp_path: Path) -> None:
    output = {"text": "ost", "prompt": "Say cheese", "pass": False, "score": 0, "latencyMs": 9, "cost": 0.1}
    head = {"prompts": [{"raw": "Say {{w}}", "provider": "openai:gpt-4o"}, {"provider": "openai:gpt-5"}], "vars": ["w"]}
    table = {"head": head, "body": [{"vars": ["cheese"], "outputs": [output, {**output, "text": "Ost"}]}]}
    found = read(tmp_path, {"results": {"version": 2, "results": [], "table": table}})
    assert [call.model for call in found.calls] == ["gpt-4o", "gpt-5"]
    assert [call.metadata["vars"] for call in found.calls] == [{"w": "cheese"}] * 2
    assert said(found.calls[1]) == [("user", "Say cheese"), ("answer", "Ost")]


@pytest.mark.parametrize(
    ("provider", "names"),
    [
        ("openai:gpt-4o", ("openai", "gpt-4o")),
        ({"id": "anthropic:messages:claude-haiku-4-5"}, ("anthropic", "claude-haiku-4-5")),
        ("bedrock:anthropic.claude-3-5-sonnet-20241022-v2:0", ("bedrock", "anthropic.claude-3-5-sonnet-20241022-v2:0")),
        ("ollama:chat:llama3:8b", ("ollama", "llama3:8b")),
        ("openrouter:meta/llama:free", ("openrouter", "meta/llama:free")),
        ("openai:chat:ft:gpt-4o-mini:org::x", ("openai", "ft:gpt-4o-mini:org::x")),
        ("openai:chat", ("openai", "chat")),
        ("echo", (None, "echo")),
        ("file://provider.js", (None, "file://provider.js")),
        (None, (None, None)),
    ],
)
def test_promptfoo_models_with_colons(provider: Any, names: tuple[str | None, str | None]) -> None:
    assert model_of(provider) == names


@pytest.mark.parametrize(
    ("raw", "messages"),
    [
        (
            '[{"role": "system", "content": "be"}, {"role": "user", "content": "yes"}]',
            [("system", "be"), ("user", "yes")],
        ),
        ("- role: system\n  content: be\n- role: user\n  content: yes\n", [("system", "be"), ("user", "yes")]),
        ('{"messages": [{"role": "user", "content": "hi"}]}', [("user", "hi")]),
        ('["a", "b"]', [("user", '["a", "b"]')]),
        ("- role: [broken", [("user", "- role: [broken")]),
        ("- role: user\n  content: &a [*a]", [("user", "- role: user\n  content: &a [*a]")]),
        ("- role: a list of roles\n- content", [("user", "- role: a list of roles\n- content")]),
    ],
)
def test_promptfoo_prompts(tmp_path: Path, raw: str, messages: list[tuple[str, str]]) -> None:
    (call,) = read(tmp_path, result(prompt={"raw": raw, "label": "x"})).calls
    assert said(call)[:-1] == messages


def test_promptfoo_parameters(tmp_path: Path) -> None:
    tool = {"name": "f", "input_schema": {"type": "object"}}
    config = {
        "temperature": 0,
        "max_completion_tokens": 9,
        "reasoning": {"effort": "low"},
        "tools": [tool],
        "apiKey": "k",
    }
    (call,) = read(tmp_path, result(prompt={"raw": "Say cheese", "label": "x", "config": config})).calls
    function = {"name": "f", "parameters": {"type": "object"}}
    assert call.params == {
        "temperature": 0,
        "max_completion_tokens": 9,
        "reasoning_effort": "low",
        "tools": [{"type": "function", "function": function}],
    }
    config["tools"] = [{"type": "web_search"}]
    (skipped,) = read(tmp_path, result(prompt={"raw": "Say cheese", "config": config})).skipped
    assert "run by the vendor" in skipped.reason


def test_promptfoo_answers(tmp_path: Path) -> None:
    called = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    records = [
        result({"output": {"a": 1}}),
        result({"output": called}, id="r2"),
        result({"output": "I cannot", "isRefusal": True}, id="r3"),
        result({"output": '["a"]'}, id="r4"),
        result({"output": {"content": "so", "tool_calls": called}}, id="r5"),
    ]
    answers = [call.completion for call in read(tmp_path, *records).calls]
    assert [answer and answer.text for answer in answers] == ['{"a": 1}', None, None, '["a"]', "so"]
    assert [len(answer.tool_calls) for answer in answers if answer] == [0, 1, 0, 0, 1]
    assert answers[2] is not None
    assert answers[2].refusal == "I cannot"


def test_promptfoo_cached_answers_say_nothing_of_latency_and_cost(tmp_path: Path) -> None:
    (call,) = read(tmp_path, result({"cached": True, "tokenUsage": {"cached": 15, "total": 15}})).calls
    assert (call.latency_ms, call.cost_usd) == (None, None)
    assert set(call.usage.model_dump().values()) == {None}
    assert any("cache" in warning for warning in call.origin.warnings)


def test_promptfoo_cost_of_zero_is_unknown(tmp_path: Path) -> None:
    assert read(tmp_path, result(cost=0)).calls[0].cost_usd is None
    assert read(tmp_path, result({"cost": 0.2}, cost=0)).calls[0].cost_usd is not None


def test_promptfoo_failed_assertions_are_calls_and_failed_requests_are_not(tmp_path: Path) -> None:
    failed = result(error="Expected ost", failureReason=1, success=False, score=0)
    broken = result({"output": None, "error": "429"}, id="r2", failureReason=2)
    silent = result({"output": None}, id="r3", failureReason=2, error="timeout")
    bare = {**result(id="r4", error="refused"), "response": None}
    bare.pop("failureReason")
    found = read(tmp_path, failed, broken, silent, bare)
    assert [call.score for call in found.calls] == [0]
    assert [item.reason for item in found.skipped] == [
        f"the call failed: {why}" for why in ("429", "timeout", "refused")
    ]


def turns(*said_by: str) -> list[dict[str, str]]:
    return [{"from": name, "value": f"{name}{number}"} for number, name in enumerate(said_by)]


@pytest.mark.parametrize("name", ["conversations", "conversation", "items"])
@pytest.mark.parametrize("keys", [("from", "value", "human", "gpt"), ("role", "content", "user", "assistant")])
def test_sharegpt_names(tmp_path: Path, name: str, keys: tuple[str, ...]) -> None:
    who, what, user, assistant = keys
    listed = [{who: user, what: "hi"}, {who: assistant, what: "yo"}]
    found = read(tmp_path, {"id": "a", name: listed})
    assert found.counts == {"sharegpt": 1}
    assert said(found.calls[0]) == [("user", "hi"), ("answer", "yo")]


@pytest.mark.parametrize(
    ("listed", "prompt", "answer", "is_warned"),
    [
        (turns("human", "gpt", "human", "gpt"), ["human0", "gpt1", "human2"], "gpt3", False),
        (turns("human", "gpt", "human"), ["human0"], "gpt1", True),
        (turns("human", "gpt", "gpt"), ["human0"], "gpt1gpt2", False),
        (turns("human", "human"), ["human0", "human1"], None, False),
        (turns("gpt", "human"), ["gpt0", "human1"], None, False),
        (turns("gpt", "human", "bing"), ["gpt0", "human1"], "bing2", False),
        (turns("system", "human", "chatgpt"), ["system0", "human1"], "chatgpt2", False),
    ],
)
def test_sharegpt_orders_of_turns(
    tmp_path: Path, listed: list[dict[str, str]], prompt: list[str], answer: str | None, is_warned: bool
) -> None:
    (call,) = read(tmp_path, {"conversations": listed}).calls
    assert [message.text for message in call.messages] == prompt
    assert (call.completion.text if call.completion else None) == answer
    assert any("left out" in warning for warning in call.origin.warnings) == is_warned
    assert set(call.usage.model_dump().values()) == {None}


def test_sharegpt_with_tools_and_system(tmp_path: Path) -> None:
    listed = [
        {"from": "human", "value": "hi"},
        {"from": "function_call", "value": '{"name": "f", "arguments": {"x": 1}}'},
        {"from": "observation", "value": "9"},
        {"from": "gpt", "value": '{"a": 1}'},
    ]
    tools = json.dumps([{"name": "f", "description": "d", "parameters": {}}])
    (call,) = read(tmp_path, {"conversations": listed, "system": "be", "tools": tools}).calls
    assert said(call) == [("system", "be"), ("user", "hi"), ("assistant", ""), ("tool", "9"), ("answer", '{"a": 1}')]
    assert call.messages[2].tool_calls[0].arguments == '{"x": 1}'
    assert call.params["tools"][0]["function"]["name"] == "f"


def test_sharegpt_gives_calls_and_results_the_ids_that_a_replay_needs(tmp_path: Path) -> None:
    listed = [
        {"from": "human", "value": "hi"},
        {"from": "function_call", "value": '{"name": "f", "arguments": {}}'},
        {"from": "function_call", "value": '{"name": "g", "arguments": {}}'},
        {"from": "tool", "value": "of f"},
        {"from": "tool", "value": "of g"},
        {"from": "tool", "value": "of none"},
        {"from": "function_call", "value": '{"name": "f", "arguments": {}}'},
    ]
    (call,) = read(tmp_path, {"conversations": listed}).calls
    called = {one.name: one.id for message in call.messages for one in message.tool_calls}
    results = {message.text: message.tool_call_id for message in call.messages if message.role == "tool"}
    assert results == {"of f": called["f"], "of g": called["g"], "of none": None}
    assert call.completion is not None
    assert len({*called.values(), call.completion.tool_calls[0].id, None}) == 4


def test_sharegpt_without_any_question(tmp_path: Path) -> None:
    found = read(tmp_path, {"conversations": turns("gpt")})
    assert [item.reason for item in found.skipped] == ["no message has content"]


def test_wildchat(tmp_path: Path) -> None:
    listed = [
        {
            "role": "user",
            "content": "hi",
            "language": "English",
            "toxic": False,
            "turn_identifier": 1,
            "timestamp": None,
        },
        {"role": "assistant", "content": "yo", "turn_identifier": 1, "timestamp": "2026-09-10T00:00:09+00:00"},
        {"role": "user", "content": "ho", "turn_identifier": 2},
    ]
    record = {
        "conversation_hash": "h",
        "model": "gpt-4-0314",
        "timestamp": "2026-09-10T00:00:10+00:00",
        "conversation": listed,
        "turn": 2,
        "language": "English",
        "toxic": False,
        "redacted": True,
        "hashed_ip": "ip",
        "header": {"user-agent": "x"},
    }
    found = read(tmp_path, record)
    assert found.counts == {"wildchat": 1}
    (call,) = found.calls
    assert said(call) == [("user", "hi"), ("answer", "yo")]
    assert (call.id, call.model, call.user) == ("h", "gpt-4-0314", "ip")
    assert call.time is not None
    assert call.time.second == 9
    assert call.metadata == {"language": "English", "toxic": False, "redacted": True}
    assert len(call.origin.warnings) == 2
