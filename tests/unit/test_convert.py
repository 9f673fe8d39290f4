"""What is written in the native format reads back as it was."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from cqtui.cli.logs import command
from cqtui.errors import BadInputError
from cqtui.importers import read_logs
from cqtui.importers.base import FINISH_REASONS, MAX_COUNT
from cqtui.importers.messages import KINDS
from cqtui.importers.native_writer import native_line, native_record
from cqtui.models import Completion, LoggedCall, Message, Origin, Part, ToolCall, Usage
from tests.fakes import logged_call, write_log
from tests.unit.test_log_samples import ENTRIES, paths

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["", " ", ".", "?", "[", "{}", '{"a": 1}', "null", "\u2028\r\n", "\x1b[31m", "\U0001f600", "data: [DONE]"]
)
NAME = TEXT.map(str.strip).filter(bool)  # importers give names and ids without spaces around them, or None
COUNT = st.integers(0, MAX_COUNT)
INTEGER = st.integers(-(2**63), 2**64 - 1)  # beyond, JSON Lines are read as floating-point numbers
JSON = st.recursive(
    st.none() | st.booleans() | INTEGER | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
PARAMS = st.dictionaries(TEXT.filter(lambda name: name not in ("functions", "function_call")), JSON, max_size=3)
TOOL_CALLS = st.lists(
    st.builds(ToolCall, name=st.just("") | NAME, arguments=TEXT, id=st.none() | NAME), max_size=2
).map(tuple)
TYPED = st.tuples(st.sampled_from([*KINDS, "refusal", "text", "tool_result", "cqtui.part", ""]), OBJECT).map(
    lambda pair: {**pair[1], "type": pair[0]}
)
OTHER_PART = st.builds(Part, kind=st.sampled_from(["image", "audio", "file", "other"]), raw=TYPED | OBJECT)
PARTS = st.lists(st.builds(Part, text=TEXT) | OTHER_PART, max_size=3).map(tuple)
MESSAGE = st.builds(
    Message,
    role=st.sampled_from(["system", "developer", "user", "assistant", "tool"]),
    parts=PARTS,
    tool_calls=TOOL_CALLS,
    tool_call_id=st.none() | NAME,
    name=st.none() | NAME,
)
COMPLETION = st.builds(Completion, text=st.none() | TEXT, tool_calls=TOOL_CALLS, refusal=st.none() | TEXT.filter(bool))


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Counts that agree: what was read from and written to a cache is part of the input."""
    tokens_in = draw(st.none() | COUNT)
    most = MAX_COUNT if tokens_in is None else tokens_in
    cached = draw(st.none() | st.integers(0, most))
    written = draw(st.none() | st.integers(0, most - (cached or 0)))
    return Usage(
        input_tokens=tokens_in,
        output_tokens=draw(st.none() | COUNT),
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=draw(st.none() | COUNT),
    )


CALL = st.builds(
    LoggedCall,
    id=NAME,
    time=st.none() | st.datetimes(timezones=st.just(UTC)),
    model=st.none() | NAME,
    provider=st.none() | NAME.map(str.lower),
    messages=st.lists(MESSAGE, min_size=1, max_size=3)
    .map(tuple)
    .filter(lambda messages: any(part.kind != "text" or part.text for m in messages for part in m.parts)),
    params=PARAMS,
    completion=st.none() | COMPLETION,
    finish_reason=st.none() | NAME.map(str.lower).filter(lambda reason: reason not in FINISH_REASONS),
    usage=usages(),
    latency_ms=st.none() | COUNT,
    ttft_ms=st.none() | COUNT,
    cost_usd=st.none() | st.decimals(0, 10**9, allow_nan=False, allow_infinity=False),
    user=st.none() | NAME,
    session=st.none() | NAME,
    tags=st.lists(TEXT, max_size=3).map(tuple),
    metadata=OBJECT,
    score=st.none() | st.floats(0, 1),
    origin=st.just(Origin(file="x", format="native")),
)


def read_back(*calls: LoggedCall) -> list[LoggedCall]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.jsonl"
        path.write_bytes(b"".join(map(native_line, calls)))
        read = read_logs(path, hash_identities=False)
    assert not read.rejected
    assert not read.skipped
    return [call.model_copy(update={"origin": calls[0].origin}) for call in read.calls]


@given(CALL)
def test_a_call_reads_back_as_it_was_written(call: LoggedCall) -> None:
    assert read_back(call) == [call]


def test_a_plain_call_is_written_as_people_would_write_it() -> None:
    call = logged_call(3)
    assert native_record(call) == {
        "id": "call-0003",
        "timestamp": "2026-10-01T03:00:00+00:00",
        "model": "gpt-5.6-terra",
        "messages": [
            {"role": "system", "content": "You are the support desk."},
            {"role": "user", "content": "How much are 5 crates at 6 dollars in order 3?"},
        ],
        "completion": {
            "content": "Order 3 has 5 crates. Each costs 6 dollars. The total is 30 dollars.",
            "finish_reason": "stop",
        },
        "usage": {"input_tokens": 303, "output_tokens": 103},
    }


@pytest.mark.parametrize(
    ("changes", "field", "written"),
    [
        ({"cost_usd": Decimal("0.0001225")}, "cost_usd", 0.0001225),
        ({"cost_usd": Decimal("0.12345678901234567890123")}, "cost_usd", "0.12345678901234567890123"),
        ({"time": datetime(2026, 10, 1, 6, 36, 48, 63001, UTC)}, "timestamp", "2026-10-01T06:36:48.063001+00:00"),
        ({"completion": None}, "completion", None),
        ({"completion": Completion(text=None), "finish_reason": None}, "completion", {"content": None}),
        ({"completion": Completion(text=""), "finish_reason": None}, "completion", {"content": ""}),
        ({"completion": None, "finish_reason": "error"}, "finish_reason", "error"),
        ({"score": 0.0}, "feedback", {"score": 0.0}),
    ],
)
def test_values_that_are_easily_lost(changes: dict[str, Any], field: str, written: object) -> None:
    call = logged_call(1).model_copy(update=changes)
    assert native_record(call)[field] == written
    assert read_back(call) == [call]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write_log(tmp_path / "log.jsonl", 4)


def convert(*arguments: object) -> Result:
    """Run the command; its errors as a user meets them are in ``exception``."""
    return CliRunner().invoke(command, ["convert", *map(str, arguments)])


def refused(done: Result, *words: str) -> None:
    assert isinstance(done.exception, BadInputError)
    for word in words:
        assert word in str(done.exception)
    assert done.stdout == ""


def without_origin(calls: Sequence[LoggedCall]) -> list[LoggedCall]:
    return [call.model_copy(update={"origin": Origin(file="", format="")}) for call in calls]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: str(entry["format"]))
def test_any_format_becomes_native(tmp_path: Path, entry: dict[str, Any]) -> None:
    files = paths(entry)
    out = tmp_path / "deep" / "out.jsonl"
    done = convert(*files, out, "--no-redact")
    assert done.exit_code == 0, done.output
    assert done.stderr.splitlines()[-1] == f"Next: cqtui logs inspect {out}"
    assert done.stdout == ""
    after = read_logs(out, hash_identities=False).calls
    assert {call.origin.format for call in after} == {"native"}
    assert without_origin(after) == without_origin(read_logs(files).calls)


def test_texts_are_redacted_and_identities_hashed_unless_told_otherwise(tmp_path: Path, log: Path) -> None:
    record = json.loads(log.read_text(encoding="utf-8").splitlines()[0])
    record |= {"user": "ann", "messages": [{"role": "user", "content": "I am anna@example.com"}]}
    log.write_text(json.dumps(record), encoding="utf-8")
    done = convert(log, tmp_path / "a.jsonl")
    text = (tmp_path / "a.jsonl").read_text(encoding="utf-8")
    assert "<EMAIL_1>" in text
    assert "anna@" not in text
    assert '"ann"' not in text
    assert "Replaced by placeholders: 1 e-mail address in 1 call." in done.stderr
    as_logged = convert(log, tmp_path / "b.jsonl", "--no-redact")
    text = (tmp_path / "b.jsonl").read_text(encoding="utf-8")
    assert "anna@example.com" in text
    assert '"ann"' not in text
    assert "redaction is off" in as_logged.stderr


def test_the_settings_say_what_is_redacted(tmp_path: Path, log: Path) -> None:
    config = tmp_path / "cqtui.toml"
    config.write_text("[privacy.patterns]\norder = 'order \\d+'\n", encoding="utf-8")
    convert(log, tmp_path / "a.jsonl", "--config", config)
    assert "<ORDER_1>" in (tmp_path / "a.jsonl").read_text(encoding="utf-8")


def test_gz_is_compressed_and_the_same_each_time(tmp_path: Path, log: Path) -> None:
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        convert(log, tmp_path / name)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).count(b"\n") == 4


def test_stdout_holds_the_log_alone(log: Path) -> None:
    done = convert(log, "-")
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [f"call-000{n}" for n in range(4)]
    assert "Converted 4 calls to stdout (native 4); 4 with an answer." in done.stderr
    refused(convert(log, "-", "--json"), "--json")


def test_what_is_there_is_replaced_only_when_told(tmp_path: Path, log: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("mine", encoding="utf-8")
    refused(convert(log, out), "is there already", "--force")
    assert out.read_text(encoding="utf-8") == "mine"
    assert convert(log, out, "--force").exit_code == 0
    assert len(read_logs(out).calls) == 4


@pytest.mark.parametrize(
    ("out", "words"), [("", "a folder"), ("/dev/null", "not a regular file"), ("log.jsonl/x", "log.jsonl")]
)
def test_names_that_no_file_can_have(tmp_path: Path, log: Path, out: str, words: str) -> None:
    refused(convert(log, tmp_path / out, "--force"), words)


def test_a_failure_leaves_no_file_behind(tmp_path: Path, log: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("hello\n", encoding="utf-8")
    refused(convert(log, tmp_path / "bad.jsonl", tmp_path / "out.jsonl"), "not a log")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bad.jsonl", "log.jsonl"]


def test_the_log_itself_is_never_the_output(tmp_path: Path, log: Path) -> None:
    before = log.read_bytes()
    refused(convert(tmp_path, log, "--force"), "would be read with")
    assert log.read_bytes() == before


def test_records_without_prompt_are_counted_with_their_reason(tmp_path: Path, log: Path) -> None:
    empty = json.dumps({"messages": [{"role": "user", "content": ""}], "completion": "x"})
    log.write_text(log.read_text(encoding="utf-8") + empty + "\nbroken\n", encoding="utf-8")
    done = convert(log, tmp_path / "out.jsonl", "--json")
    counts = json.loads(done.stdout)
    assert (counts["records"], counts["converted"], counts["rejected"]) == (6, 4, 1)
    assert counts["not_replayable"] == {"no message has content": 1}
    assert f"{log}:6: not JSON" in done.stderr
    log.write_text(empty, encoding="utf-8")
    refused(convert(log, tmp_path / "none.jsonl"), "no message has content (1)")
    assert not (tmp_path / "none.jsonl").exists()


def test_the_format_s_page_names_every_field_and_its_example_is_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "log-formats.md").read_text(encoding="utf-8")
    whole = logged_call(1).model_copy(
        update={
            **{"provider": "openai", "params": {"n": 1}, "latency_ms": 1, "ttft_ms": 1, "cost_usd": Decimal(1)},
            **{"user": "u", "session": "s", "tags": ("t",), "metadata": {"a": 1}, "score": 1.0, "completion": None},
        }
    )
    assert not [name for name in native_record(whole) if f"`{name}" not in page]
    assert not [name for name in Usage.model_fields if f"{name}`" not in page]
    example = page[page.index('    {"id": "a1"') : page.index("\n\n| field |")]
    (tmp_path / "log.jsonl").write_text(" ".join(example.split()), encoding="utf-8")
    (call,) = read_logs(tmp_path / "log.jsonl").calls
    assert (call.origin.format, call.is_baseline, call.usage.input_tokens) == ("native", True, 8)


@pytest.mark.parametrize("read", [".", "*.jsonl"])
def test_a_copy_is_not_written_where_it_would_be_read_with_its_original(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("log.jsonl").write_text('{"messages": [{"role": "user", "content": "hi"}], "completion": "yo"}\n')
    refused = CliRunner().invoke(command, ["convert", read, "copy.jsonl"])
    assert refused.exit_code != 0
    assert not Path("copy.jsonl").exists()
    Path("out").mkdir()
    elsewhere = CliRunner().invoke(command, ["convert", "log.jsonl", "out/copy.jsonl"])
    assert elsewhere.exit_code == 0, elsewhere.output
