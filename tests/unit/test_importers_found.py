"""What fuzzing found in the importers, each as small as it gets."""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cqtui.engine.facts import facts_of_call, facts_of_raw
from cqtui.errors import BadInputError
from cqtui.importers import LogRead, NoCall, RawCall, iter_raw, normalised, read_logs
from cqtui.importers.base import MAX_COUNT, MOST_NOTES
from cqtui.settings import Traffic
from tests.fuzz.invariants import UNPRINTABLE

USER = [{"role": "user", "content": "hi"}]
SYSTEM = {"role": "system", "content": "be kind"}
IMAGE = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}
LONGEST_S = 2.0  # of a record that takes hundredths of a second, and took many seconds or minutes


def native(**changes: Any) -> dict[str, Any]:
    usage = {"input_tokens": 9, "output_tokens": 2}
    return {"id": "a", "model": "m", "messages": USER, "completion": "yo", "usage": usage, **changes}


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def logged(folder: Path, *records: Any) -> Path:
    file = folder / "log.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    return file


@contextmanager
def quick() -> Iterator[None]:
    began = time.process_time()
    yield
    assert time.process_time() - began < LONGEST_S


@pytest.mark.parametrize(
    "record",
    [
        native(messages=[SYSTEM, {"role": "user", "parts": [IMAGE]}]),
        native(messages=[*USER, {"role": [], "content": "hi"}]),
        native(messages=[*USER, {"role": {}, "content": "hi"}]),
        native(messages=[*USER, {"role": "user", "content": "hi", "lc": 1, "kwargs": {"type": "ai", "content": "x"}}]),
        native(completion={"content": "yo", "parts": []}),
        native(completion={"content": "yo", "messages": []}),
        native(completion={"content": "yo", "lc": 1, "kwargs": {"type": "human", "content": []}}),
    ],
)
def test_the_quick_look_at_a_record_says_what_its_call_says(record: dict[str, Any], tmp_path: Path) -> None:
    (raw,) = iter_raw(logged(tmp_path, record))
    assert isinstance(raw, RawCall)
    whole = normalised(raw)
    expected = whole if isinstance(whole, NoCall) else facts_of_call(whole, Traffic())
    assert facts_of_raw(raw, Traffic()) == expected


@pytest.mark.parametrize("holder", ["messages", "completion"])
def test_the_quick_look_refuses_what_is_nested_too_deeply_for_a_call(holder: str) -> None:
    # Nested so deeply by JSON within JSON, of which each text is within the bound.
    given: dict[str, Any] = {"messages": USER, "completion": {"content": "yo"}}
    given |= {"messages": [{**USER[0], "other": nested(150)}]} if holder == "messages" else {}
    given |= {"completion": {"content": "yo", "other": nested(150)}} if holder == "completion" else {}
    raw = RawCall(**given, model="m", usage={"input_tokens": 9, "output_tokens": 2})
    with pytest.raises(RecursionError):
        normalised(raw)
    with pytest.raises(RecursionError):
        facts_of_raw(raw, Traffic())


def test_counts_that_add_up_beyond_the_bound_are_unknown(tmp_path: Path) -> None:
    usage = {"input_tokens": MAX_COUNT - 1, "cached_tokens": MAX_COUNT, "output_tokens": 1}
    (call,) = read_logs(logged(tmp_path, native(usage=usage))).calls
    assert (call.usage.input_tokens, call.usage.cached_tokens) == (None, MAX_COUNT)


def test_a_record_that_is_odd_in_many_ways_has_few_warnings(tmp_path: Path) -> None:
    content = [{"type": f"kind {number}"} for number in range(20_000)]
    file = logged(tmp_path, native(messages=[{"role": "user", "content": content}]))
    with quick():
        (call,) = read_logs(file).calls
    assert len(call.origin.warnings) == MOST_NOTES
    assert len(call.messages[0].parts) == 20_000


def test_a_delimiter_that_is_no_text_is_not_printed(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text('sep=\x1b\nprompt\x1bcompletion\n"a"b\x1bc\n')
    with pytest.raises(BadInputError, match="not a row of the table") as caught:
        read_logs(tmp_path / "log.csv")
    assert not UNPRINTABLE.search(str(caught.value))


def test_a_table_with_very_many_columns(tmp_path: Path) -> None:
    names = [f"column {number}" for number in range(40_000)]
    (tmp_path / "log.csv").write_text(",".join(["prompt", *names]) + "\nhi\n")
    with quick():
        (call,) = read_logs(tmp_path / "log.csv").calls
    assert call.messages[0].text == "hi"


def test_columns_of_one_name_keep_apart_whatever_they_are_numbered(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("prompt,a,a (4),a,a\nhi,1,2,3,4\n")
    (call,) = read_logs(tmp_path / "log.csv").calls
    assert list(call.metadata.values()) == ["1", "2", "3", "4"]


def test_an_unknown_record_with_very_many_fields(tmp_path: Path) -> None:
    unknown = {f"field {number}": 1 for number in range(20_000)}
    file = logged(tmp_path, unknown, native())
    with quick():
        read = read_logs(file)
    assert len(read.rejected) == len(read.calls) == 1
    with quick(), pytest.raises(BadInputError, match="not a log"):
        read_logs(logged(tmp_path, unknown))


def test_a_prompt_in_yaml_that_is_long_or_nested(tmp_path: Path) -> None:
    result = {"promptIdx": 0, "testIdx": 0, "provider": {"id": "openai:chat:m"}, "success": True}
    result |= {"response": {"output": "yo"}}
    for raw in ("- role: user\n  content: hi\n" * 4_000, "- role: " + "[" * 20_000):
        file = logged(tmp_path, {**result, "prompt": {"raw": raw}})
        with quick():
            read = read_logs(file)
        assert len(read.calls) == 1


def observation(name: str) -> dict[str, Any]:
    return {"id": name, "type": "GENERATION", "model": "m", "modelParameters": {}, "input": "hi", "output": name}


def score(about: dict[str, str], value: float, name: str = "ok") -> dict[str, Any]:
    return {"id": "s", "traceId": "t", **about, "name": name, "value": value, "dataType": "NUMERIC"}


def traced(folder: Path, observations: list[dict[str, Any]], scores: list[dict[str, Any]]) -> LogRead:
    return read_logs(logged(folder, {"id": "t", "observations": observations, "scores": scores}))


def test_a_trace_with_very_many_scores(tmp_path: Path) -> None:
    names = [str(number) for number in range(3_000)]
    scores = [score({"observationId": name}, 0.5) for name in names]
    with quick():
        read = traced(tmp_path, [observation(name) for name in names], scores)
    assert {call.score for call in read.calls} == {0.5}
    assert len(read.calls) == len(names)


def test_scores_of_a_trace_and_of_an_observation_come_in_their_order(tmp_path: Path) -> None:
    both = [score({}, 0.25, "first"), score({"observationId": "o"}, 0.75, "second")]
    for scores in (both, both[::-1]):
        (call,) = traced(tmp_path, [observation("o")], scores).calls
        assert list(call.metadata["scores"]) == [each["name"] for each in scores]


def test_a_zip_file_with_a_member_that_has_no_name(tmp_path: Path) -> None:
    file = tmp_path / "log.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("n", json.dumps(native()))
    # Its name stands in its own header and in the list of members at the end; the lengths are cut to 0 there.
    data = bytearray(file.read_bytes())
    listed = data.index(b"PK\x01\x02")
    data[listed + 28] = 0
    del data[listed + 46]
    end = data.index(b"PK\x05\x06")
    data[end + 12] -= 1
    data[26] = 0
    data[30:31] = b""
    listed -= 1
    end = data.index(b"PK\x05\x06")
    data[end + 16 : end + 20] = listed.to_bytes(4, "little")
    file.write_bytes(data)
    read = read_logs(file)
    assert len(read.calls) == 1
    assert read.calls[0].origin.file.endswith("log.zip:?")
