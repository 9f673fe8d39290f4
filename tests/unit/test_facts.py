"""The quick look at a raw record says what the whole call says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cqtui.engine import facts
from cqtui.engine.facts import CallFacts, facts_of_call, facts_of_raw
from cqtui.importers import NoCall, RawCall, normalised
from cqtui.settings import Traffic

COUNTS = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
TRAFFICS = (Traffic(), Traffic(avg_input_tokens=70, avg_output_tokens=7))


def whole(raw: RawCall, traffic: Traffic) -> CallFacts | NoCall:
    call = normalised(raw)
    return call if isinstance(call, NoCall) else facts_of_call(call, traffic)


def raw(**changes: Any) -> RawCall:
    plain: dict[str, Any] = {
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        "completion": {"content": "yo"},
        "model": "m",
        "time": "2026-09-10T02:00:00+02:00",
        "usage": {"input_tokens": 12, "output_tokens": 3},
        "content": b"{}",
    }
    return RawCall(**{**plain, **changes})


texts = st.sampled_from(["", "hi", " m ", "[1]", "é", "5"])
odd = st.none() | st.booleans() | st.integers(-2, 40) | st.floats() | texts | st.lists(texts, max_size=2)
contents = odd | st.lists(
    st.fixed_dictionaries({"type": st.sampled_from(["text", "image_url", "refusal", "other"])}, optional={"text": odd}),
    max_size=2,
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["system", "developer", "user", "assistant", "tool", "human", "?"]) | odd,
        "content": contents,
        "tool_calls": st.none()
        | st.lists(st.just({"id": "t", "function": {"name": "f", "arguments": "{}"}}), max_size=1),
        "function_call": st.just({"name": "f", "arguments": ""}),
        "refusal": odd,
        "type": st.sampled_from(["message", "text"]),
    },
)
times = st.sampled_from(["2026-09-10T02:00:00+02:00", "2026-09-10 00:00:00", 1789001000, "soon", None, ""])
formats = [[], [{"type": "function"}], {"type": "json_object"}, {"type": "text"}, "json_object", None]
params = st.dictionaries(
    st.sampled_from(["tools", "response_format", "temperature"]), st.sampled_from(formats), max_size=2
)
metadata = st.dictionaries(st.sampled_from(["route", "segment", "x"]), odd, max_size=2)
odd_raws = st.builds(
    raw,
    messages=st.lists(messages, max_size=4) | odd | messages,
    completion=messages | odd,
    model=odd,
    time=times | odd,
    usage=st.dictionaries(st.sampled_from(COUNTS), odd, max_size=5),
    params=params,
    metadata=metadata,
)
# Records that are nearly always plain: here the two ways must agree in every detail.
plain_raws = st.builds(
    raw,
    model=st.sampled_from(["m", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "gpt-35-turbo"]),
    messages=st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["system", "user", "user", "assistant", "tool"]), "content": st.none() | texts},
            optional={"tool_calls": st.sampled_from([None, [], [{"function": {"name": "f", "arguments": ""}}]])},
        ),
        max_size=4,
    ),
    completion=st.sampled_from([None, "", "yo", {"content": "yo"}, {"content": ""}]),
    time=times,
    usage=st.fixed_dictionaries(
        {"input_tokens": st.integers(0, 20), "output_tokens": st.integers(0, 9)},
        optional={"cached_tokens": st.integers(0, 25), "cache_write_tokens": st.none() | st.integers(0, 9)},
    ),
    params=params,
    metadata=metadata,
)


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from([plain_raws, odd_raws]).flatmap(lambda chosen: chosen), st.sampled_from(TRAFFICS))
def test_a_raw_record_and_its_call_say_the_same(record: RawCall, traffic: Traffic) -> None:
    assert facts_of_raw(record, traffic) == whole(record, traffic)


@pytest.mark.parametrize(
    "changes",
    [{}, {"completion": "yo"}, {"completion": None}, {"metadata": {"route": "triage"}}, {"params": {"tools": [{}]}}],
    ids=str,
)
def test_the_usual_record_is_not_built(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = whole(raw(**changes), Traffic())
    monkeypatch.setattr(facts, "normalised", None)
    assert facts_of_raw(raw(**changes), Traffic()) == wanted


@pytest.mark.parametrize("where", ["params", "metadata"])
def test_what_is_nested_too_deeply_is_refused_either_way(where: str) -> None:
    value: Any = 1
    for _ in range(101):
        value = [value]
    deep = raw(**{where: {"x": value}, "content": b"[" * 101})
    for read in (facts_of_raw, whole):
        with pytest.raises(RecursionError):
            read(deep, Traffic())
