import json
from pathlib import Path

import pytest

from cqtui.errors import AccessRefusedError, BadInputError
from cqtui.gateway.portkey import PortkeyClient
from cqtui.gateway.protocol import ChatRequest, EvidenceKind
from cqtui.gateway.recorded import RecordedClient, RecordingClient
from cqtui.gateway.responses import is_same_model, read_error, read_success, read_usage, retry_after_s
from cqtui.gateway.translate import adjusted, adjustment_for, translate, wire_message
from cqtui.models import Failure, LoggedCall, Message, ModelEntry, Part, ToolCall
from tests.fakes import ScriptedClient, answered, logged_call, model_entry

GPT = model_entry("openai/gpt-5.4-mini", "1", "2")
CLAUDE = model_entry("anthropic/claude-haiku-5-5", "1", "2", max_output_tokens=500)
REQUEST = ChatRequest(model="m", provider="openai", messages=({"role": "user", "content": "hi"},))


def body(**changes: object) -> dict[str, object]:
    found: dict[str, object] = {
        "model": "m",
        "choices": [{"message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14},
    }
    return {**found, **changes}


def with_params(**params: object) -> LoggedCall:
    return logged_call(0).model_copy(update={"params": params})


def test_openai_reasoning_models_get_their_own_length_parameter() -> None:
    wire = translate(with_params(max_tokens=50, temperature=0.2, stream=True), GPT)
    assert wire.params == {"max_completion_tokens": 50}
    assert wire.translated == ("max_tokens → max_completion_tokens",)
    assert wire.dropped == ("temperature",)
    assert wire.max_output_tokens == 50


def test_others_keep_max_tokens_and_lose_vendor_parameters() -> None:
    wire = translate(with_params(max_completion_tokens=50, reasoning_effort="low", temperature=0.2), CLAUDE)
    assert wire.params == {"max_tokens": 50, "temperature": 0.2}
    assert wire.dropped == ("reasoning_effort",)


def test_without_a_logged_limit_the_worst_case_is_bounded() -> None:
    wire = translate(logged_call(0), GPT)
    assert wire.params == {"max_completion_tokens": 1024}
    assert wire.translated == ()
    assert translate(logged_call(0), CLAUDE).params == {"max_tokens": 500}
    long = logged_call(0)
    long = long.model_copy(update={"usage": long.usage.model_copy(update={"output_tokens": 700})})
    assert translate(long, GPT).max_output_tokens == 2800


def test_values_that_a_maker_does_not_take_are_changed_and_said() -> None:
    wire = translate(with_params(temperature=1.5), CLAUDE)
    assert wire.params["temperature"] == 1.0
    assert wire.translated == ("temperature 1.5 → 1",)
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}
    deepseek = model_entry("deepseek/v4", "1", "2")
    wire = translate(with_params(response_format=schema), deepseek)
    assert wire.params["response_format"] == {"type": "json_object"}
    assert wire.translated == ("response_format: json_schema → json_object",)
    assert translate(with_params(response_format=schema), CLAUDE).params["response_format"] == schema


def rejected(param: str, message: str) -> Failure:
    return Failure(kind="bad_request", message=message, param=param)


def test_a_400_that_names_a_parameter_teaches_an_adjustment() -> None:
    wire = translate(with_params(temperature=0.5, max_tokens=9), CLAUDE)
    lesson = adjustment_for(wire.params, rejected("temperature", "temperature is not supported"))
    assert lesson is not None
    without = adjusted(wire, [lesson])
    assert without.params == {"max_tokens": 9}
    assert without.dropped == ("temperature",)
    renaming = adjustment_for(wire.params, rejected("max_tokens", "Use 'max_completion_tokens' instead."))
    assert renaming is not None
    renamed = adjusted(wire, [renaming])
    assert renamed.params == {"temperature": 0.5, "max_completion_tokens": 9}
    assert renamed.translated == ("max_tokens → max_completion_tokens",)
    assert adjusted(renamed, [renaming]) == renamed  # what is not there needs no adjustment


@pytest.mark.parametrize(
    ("param", "message"),
    [("tools", "tools are not supported"), ("max_tokens", "max_tokens is too large"), ("seed", "seed is not sent")],
)
def test_what_carries_meaning_is_never_dropped(param: str, message: str) -> None:
    assert adjustment_for({"tools": [{}], "max_tokens": 9}, rejected(param, message)) is None


@pytest.mark.parametrize(
    ("text", "param"),
    [
        ('{"error": {"message": "Unsupported", "param": "temperature"}}', "temperature"),
        ('{"error": {"message": "bad", "param": "response_format.json_schema"}}', "response_format"),
        ('{"error": {"message": "openai error: Unknown parameter: \'top_k\'.", "param": null}}', "top_k"),
        ("`seed` is not permitted", "seed"),
        ('{"error": "nothing named"}', None),
        ("[1]", None),
    ],
)
def test_the_parameter_that_a_400_names(text: str, param: str | None) -> None:
    failure = read_error("m", 400, text, {}, 1.0).failure
    assert failure is not None
    assert failure.param == param


def test_images_are_not_left_out_for_a_model_without_vision() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    call = logged_call(0).model_copy(
        update={"messages": (Message(role="user", parts=(Part(kind="image", raw=image),)),)}
    )
    blind = CLAUDE.model_copy(update={"supports_vision": False})
    assert translate(call, blind).unsupported == "images"
    assert translate(call, CLAUDE).unsupported is None  # unknown is not false: the provider decides


def test_messages_are_replayed_as_logged() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    mixed = Message(role="user", parts=(Part(text="what is"), Part(kind="image", raw=image)))
    assert wire_message(mixed)["content"] == [{"type": "text", "text": "what is"}, image]
    call = Message(role="assistant", tool_calls=(ToolCall(id="c1", name="find", arguments='{"a":'),))
    assert wire_message(call) == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"a":'}}],
    }
    result = Message(role="tool", parts=(Part(text="42"),), tool_call_id="c1")
    assert wire_message(result) == {"role": "tool", "content": "42", "tool_call_id": "c1"}
    developer = Message(role="developer", parts=(Part(text="be brief"),))
    assert wire_message(developer, developer_role=False)["role"] == "system"


def test_a_good_answer_is_read() -> None:
    replay = read_success("m", body(), {}, 5.0, 200)
    assert replay.failure is None
    assert replay.completion is not None
    assert (replay.completion.text, replay.finish_reason, replay.usage.input_tokens) == ("hello", "stop", 10)


@pytest.mark.parametrize(
    ("found", "headers", "kind"),
    [
        (None, {}, "not_json"),
        ({"html-message": "<html>"}, {}, "no_choices"),
        (body(choices=[]), {}, "no_choices"),
        (body(choices=[{"message": {"content": "cut"}}]), {}, "no_finish_reason"),
        (body(), {"x-portkey-cache-status": "HIT"}, "cached_by_gateway"),
        (body(), {"x-portkey-retry-attempt-count": "1"}, "answered_by_fallback"),
        (body(model="other"), {}, "served_by_other"),
        (body(usage=None), {}, "no_usage"),
    ],
)
def test_what_only_looks_like_success_is_a_failure_with_a_name(
    found: object, headers: dict[str, str], kind: str
) -> None:
    replay = read_success("m", found, headers, 5.0, 200)
    assert replay.failure is not None
    assert replay.failure.kind == kind


@pytest.mark.parametrize(
    ("status", "text", "kind", "transient"),
    [
        (401, "no", "refused_credentials", False),
        (429, "slow down", "rate_limited", True),
        (429, '{"error": {"code": "insufficient_quota"}}', "quota_exhausted", False),
        (412, "budget", "quota_exhausted", False),
        (408, "late", "timeout", True),
        (503, "", "server_error", True),
        (400, "unsupported parameter", "bad_request", False),
    ],
)
def test_statuses_have_names(status: int, text: str, kind: str, transient: bool) -> None:
    replay = read_error("m", status, text, {"retry-after": "7"}, 1.0)
    assert replay.failure is not None
    assert (replay.failure.kind, replay.failure.is_transient) == (kind, transient)
    assert replay.failure.retry_after_s == 7.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Wed, 25 Nov 2026 10:00:30 GMT", "date": "Wed, 25 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Wed, 25 Nov 2026 10:00:00 GMT", "date": "Wed, 25 Nov 2026 10:00:30 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_in_all_its_spellings(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


@pytest.mark.parametrize(
    ("asked", "served", "same"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06", True),
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-08-06", False),
        ("openai/gpt-oss-20b", "gpt-oss-20b", True),
    ],
)
def test_a_dated_snapshot_is_the_same_model(asked: str, served: str, same: bool) -> None:
    assert is_same_model(asked, served) is same


def test_cached_tokens_left_out_of_the_prompt_are_put_back() -> None:
    usage = read_usage(
        {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 115,
            "prompt_tokens_details": {"cached_tokens": 100},
        }
    )
    assert (usage.input_tokens, usage.cached_tokens) == (110, 100)
    assert read_usage(None).input_tokens is None


def test_the_request_hash_sees_everything_but_traces() -> None:
    same = REQUEST.model_copy(update={"run_id": "r", "record_id": "x", "timeout_s": 1.0})
    assert same.content_hash == REQUEST.content_hash
    changes: list[dict[str, object]] = [
        {"model": "n"},
        {"params": {"a": 1}},
        {"repeat": 1},
        {"config": {}},
        {"provider": "groq"},
    ]
    for change in changes:
        assert REQUEST.model_copy(update=change).content_hash != REQUEST.content_hash


async def test_a_recording_gives_back_what_was_recorded_and_invents_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ä recording.jsonl"
    client = RecordingClient(ScriptedClient(lambda request: answered(request, "grüß")), path)
    live = await client.complete(REQUEST)
    await client.aclose()
    recorded = RecordedClient(path)
    assert await recorded.complete(REQUEST) == live
    other = await recorded.complete(REQUEST.model_copy(update={"repeat": 1}))
    assert other.failure is not None
    assert other.failure.kind == "not_recorded"


@pytest.mark.parametrize(("evidence", "provider"), [("simulated", "rehearsal"), ("measured", "recorded")])
async def test_a_recording_of_simulated_answers_stays_a_rehearsal(
    tmp_path: Path, evidence: EvidenceKind, provider: str
) -> None:
    inner = ScriptedClient(lambda request: answered(request, "x"))
    inner.evidence = evidence
    client = RecordingClient(inner, tmp_path / "r.jsonl")
    await client.complete(REQUEST)
    await client.aclose()
    recorded = RecordedClient(tmp_path / "r.jsonl")
    assert recorded.provider == provider
    assert recorded.evidence == ("simulated" if evidence == "simulated" else "recorded")


def test_a_broken_recording_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('\n{"request": "a"}\n')
    with pytest.raises(BadInputError, match=r"r\.jsonl:2: not a recorded answer"):
        RecordedClient(path)
    with pytest.raises(BadInputError, match="No such file"):
        RecordedClient(tmp_path / "none.jsonl")


def test_hosted_portkey_needs_a_key_and_names_the_ways_without() -> None:
    with pytest.raises(AccessRefusedError, match=r"No Portkey key\..*--provider rehearsal.*--provider local"):
        PortkeyClient(api_key=None)


async def test_hosted_models_are_addressed_by_the_teams_slug() -> None:
    client = PortkeyClient(api_key="k", slugs={"openai": "openai-prod", "acme/special": "@mine"})
    assert client.wire_model(REQUEST) == "@openai-prod/m"
    assert client.wire_model(REQUEST.model_copy(update={"model_id": "acme/special"})) == "@mine/m"
    assert client.wire_model(REQUEST.model_copy(update={"provider": "groq"})) == "@groq/m"
    await client.aclose()
    plain = PortkeyClient(api_key=None, base_url="http://127.0.0.1:9/v1")
    assert plain.wire_model(REQUEST) == "m"
    await plain.aclose()


async def test_an_unreachable_gateway_is_a_connection_failure_not_an_exception() -> None:
    client = PortkeyClient(api_key=None, base_url="http://127.0.0.1:9/v1")
    replay = await client.complete(REQUEST)
    await client.aclose()
    assert replay.failure is not None
    assert replay.failure.kind == "connection"
    assert "http://127.0.0.1:9/v1" in replay.failure.message


def test_translate_table_rules_are_all_reachable() -> None:
    families: list[ModelEntry] = [GPT, CLAUDE, model_entry("openai/gpt-4o", "1", "2"), model_entry("groq/x", "1", "2")]
    for entry in families:
        wire = translate(with_params(max_tokens=9, seed=1, logit_bias={}, n=1), entry)
        assert json.dumps(wire.params)
        assert "n" not in wire.params
