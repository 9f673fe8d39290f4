from __future__ import annotations

import gzip
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cqtui.engine.log import read_log
from cqtui.errors import BadInputError
from cqtui.importers import LogRead, Skipped, iter_logs, read_logs
from cqtui.importers.base import instant
from cqtui.registry.loader import load_registry
from cqtui.settings import Settings

DATA = Path(__file__).parents[1] / "data" / "logs"


def native(**changes: Any) -> dict[str, Any]:
    return {"id": "a", "model": "m", "messages": [{"role": "user", "content": "hi"}], "completion": "yo", **changes}


def written(folder: Path, *records: Any, name: str = "log.jsonl") -> Path:
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder / name


def test_batch_alone_and_failed_rows() -> None:
    alone = read_logs(DATA / "openai_batch_input.jsonl")
    assert [call.is_baseline for call in alone.calls] == [False] * 4
    both = read_logs([DATA / "openai_batch_output.jsonl", DATA / "openai_batch_input.jsonl"])
    assert [call.id for call in both.calls] == ["ticket-31", "ticket-32", "ticket-33"]
    assert "batch_expired" in both.skipped[0].reason
    assert len(read_logs(DATA / "openai_batch_output.jsonl").skipped) == 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b'{"colour": 1}\n', "colour"),
        (b"hello\n", "not a log"),
        (b"[]\n", "not a log"),
        (b"PK\3\4", "zip"),
    ],
)
def test_a_file_that_is_no_log(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.jsonl").write_bytes(content)
    for path in (tmp_path / "x.jsonl", tmp_path):
        with pytest.raises(BadInputError, match=said) as caught:
            read_logs(path)
        assert "\n" not in str(caught.value)
        assert caught.value.exit_code == 2


def test_missing_file_and_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such file"):
        read_logs(tmp_path / "none")
    with pytest.raises(BadInputError, match="no logs"):
        read_logs(tmp_path)
    with pytest.raises(BadInputError, match="No log"):
        read_logs([])


def test_mixed_file_with_broken_lines(tmp_path: Path) -> None:
    pair = (DATA / "openai_chat_pairs.jsonl").read_text().splitlines()[0]
    deep = "[" * 100_000
    path = written(tmp_path, native(), '{"id": ', pair, "", deep, {"colour": 1}, '{"mess')
    read = read_logs(path)
    assert read.counts == {"native": 1, "openai_chat": 1}
    assert [(item.file, item.line) for item in read.rejected] == [(str(path), line) for line in (2, 5, 6, 7)]


@pytest.mark.parametrize("where", ["metadata", "params", "messages"])
@pytest.mark.parametrize("depth", [50, 120, 300, 900])
def test_a_record_that_is_nested_too_deeply_is_refused_by_either_read(tmp_path: Path, where: str, depth: int) -> None:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    content = [{"type": "custom", "x": value}]
    change = {where: [{"role": "user", "content": content}] if where == "messages" else {"x": value}}
    path = written(tmp_path, native(), native(id="b", **change))
    read, log = read_logs(path), read_log([path], Settings(), load_registry())
    assert len(read.calls) == len(log.calls) == log.tally.calls == (2 if depth < 100 else 1)
    assert read == log.read
    assert [item.reason for item in read.rejected] == ([] if depth < 100 else ["nested too deeply"])
    assert all(call.model_dump_json() for call in read.calls)


def test_broken_first_line(tmp_path: Path) -> None:
    read = read_logs(written(tmp_path, '{"id": ', native(), native(id="b")))
    assert [call.id for call in read.calls] == ["a", "b"]
    assert [item.line for item in read.rejected] == [1]


@pytest.mark.parametrize("form", ["lines", "array", "indented", "objects", "envelope", "crlf", "bom", "utf-16", "gzip"])
def test_containers(tmp_path: Path, form: str) -> None:
    records = [native(), native(id="b")]
    lines = "\n".join(json.dumps(record) for record in records)
    content = {
        "array": json.dumps(records).encode(),
        "indented": json.dumps(records, indent=2).encode(),
        "objects": "\n".join(json.dumps(record, indent=2) for record in records).encode(),
        "envelope": json.dumps({"data": records}).encode(),
        "crlf": lines.replace("\n", "\r\n\r\n").encode(),
        "bom": lines.encode("utf-8-sig"),
        "utf-16": lines.encode("utf-16"),
        "gzip": gzip.compress(lines.encode()),
    }.get(form, lines.encode())
    (tmp_path / "log.jsonl").write_bytes(content)
    read = read_logs(tmp_path / "log.jsonl")
    assert [call.id for call in read.calls] == ["a", "b"]
    assert not read.rejected


def test_cut_gzip_keeps_what_was_read(tmp_path: Path) -> None:
    lines = "".join(json.dumps(native(id=str(number))) + "\n" for number in range(5000))
    (tmp_path / "log.gz").write_bytes(gzip.compress(lines.encode())[:-200])
    read = read_logs(tmp_path)
    assert read.calls
    assert "gzip" in read.rejected[-1].reason


def test_repeats_and_ids(tmp_path: Path) -> None:
    other = native(completion="other")
    anonymous = {key: value for key, value in native().items() if key != "id"}
    path = written(tmp_path, native(), native(), other, anonymous)
    read = read_logs(path)
    assert read.calls[0].id == "a"
    assert read.calls[1].id.startswith("a-")
    assert len(read.calls[2].id) == 16
    assert [item.reason for item in read.skipped] == ["repeat of an identical record"]
    assert read == read_logs(path)


def test_identities_are_hashed(tmp_path: Path) -> None:
    path = written(tmp_path, native(user="ann", session="s"))
    (call,) = read_logs(path).calls
    assert call.user is not None
    assert len(call.user) == 16
    assert call.user != "ann"
    (plain,) = read_logs(path, hash_identities=False).calls
    assert (plain.user, plain.session) == ("ann", "s")


def test_a_system_prompt_and_parameters_beside_the_messages(tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    beside = {"system": "be", "temperature": 0, "tools": [tool], "stop_sequences": ["x"], "team": "a"}
    path = written(tmp_path, native(**beside), native(id="b", **beside, params={"seed": 1}))
    first, second = read_logs(path).calls
    assert [(message.role, message.text) for message in first.messages] == [("system", "be"), ("user", "hi")]
    assert first.params == {"temperature": 0, "tools": [tool], "stop": ["x"]}
    assert second.params == {"seed": 1}
    told = [{"role": "system", "content": "own"}, *native()["messages"]]
    (call,) = read_logs(written(tmp_path, native(messages=told, system="be"))).calls
    assert [message.text for message in call.messages] == ["own", "hi"]
    (call,) = read_logs(written(tmp_path, {"prompt": "hi", "system": "be", "completion": "yo"})).calls
    assert [message.text for message in call.messages] == ["be", "hi"]


def test_odd_numbers_and_surrogates(tmp_path: Path) -> None:
    usage = {"input_tokens": float("nan"), "output_tokens": -1, "cached_tokens": float("inf")}
    (call,) = read_logs(written(tmp_path, native(usage=usage, completion="\ud83d"))).calls
    assert (call.usage.input_tokens, call.usage.output_tokens, call.usage.cached_tokens) == (None, None, None)
    assert call.completion is not None
    assert call.completion.text == "\ufffd"
    assert len(call.origin.warnings) == 3


def test_message_shapes(tmp_path: Path) -> None:
    messages = [
        {"role": "human", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"x": '}},
        {"role": "function", "name": "f"},
        {"role": "user", "content": ""},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]},
    ]
    (call,) = read_logs(written(tmp_path, native(messages=messages))).calls
    assert [message.role for message in call.messages] == ["user", "assistant", "tool", "user", "user"]
    assert call.messages[0].text == "ab"
    assert call.messages[1].tool_calls[0].arguments == '{"x": '
    assert call.messages[4].parts[0].kind == "image"


def test_pairs_without_answer_are_skipped(tmp_path: Path) -> None:
    request = {"messages": [{"role": "user", "content": "hi"}]}
    path = written(
        tmp_path,
        {"object": "chat.completion", "choices": []},
        {"request": request, "response": {"choices": []}},
        {"request": request, "response": {"error": {"message": "boom"}}},
    )
    found = list(iter_logs(path))
    assert all(isinstance(item, Skipped) for item in found)
    assert len(found) == 3


def test_streamed_response_is_joined(tmp_path: Path) -> None:
    chunks = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in ("he", "y")]
    sse = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n"
    request = {"messages": [{"role": "user", "content": "hi"}]}
    (call,) = read_logs(written(tmp_path, {"request": request, "response": sse})).calls
    assert call.completion is not None
    assert call.completion.text == "hey"


@pytest.mark.parametrize("value", [1789001000, 1789001000000, "1789001000000000", 1789001000 * 10**9])
def test_time_by_size(value: int | str) -> None:
    assert instant(value, []) == datetime(2026, 9, 10, 0, 43, 20, tzinfo=UTC)


def test_time_texts() -> None:
    assert instant("2026-09-10T02:00:00+02:00", []) == instant("2026-09-10 00:00:00", [])
    notes: list[str] = []
    assert instant("soon", notes) is None
    assert notes


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = ["id", "model", "messages", "completion", "usage", "request", "response", "choices"]
KEYS += ["custom_id", "method", "url", "body", "error", "prompt", "data"]
odd_records = st.dictionaries(st.sampled_from(KEYS), json_values, max_size=7)


def ends_well(content: bytes) -> None:
    said = ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.jsonl"
        path.write_bytes(content)
        try:
            assert isinstance(read_logs(path), LogRead)
        except BadInputError as error:
            said = str(error)
    assert "\n" not in said


@hypothesis_settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"\x1f\x8b", b"{", b"[", b"\xff\xfe", b'{"a":1}\n']))
def test_any_bytes_end_well(content: bytes, start: bytes) -> None:
    ends_well(start + content)


@hypothesis_settings(max_examples=300, deadline=None)
@given(st.lists(odd_records | st.builds(lambda odd: native(**odd), odd_records), min_size=1, max_size=3))
def test_any_records_end_well(records: list[dict[str, Any]]) -> None:
    ends_well("\n".join(json.dumps(record) for record in records).encode())
