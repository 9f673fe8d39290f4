"""Every container gives the same records, and whatever the bytes are, reading them ends well."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from cqtui.errors import BadInputError
from cqtui.importers import LogRead, iter_logs, read_logs
from cqtui.importers.container import Found, Rejected, records
from cqtui.importers.progress import Progress


def written(folder: Path, content: bytes, name: str = "log.jsonl") -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def only(path: Path) -> Found | Rejected:
    (item,) = records(path)
    return item


@pytest.mark.parametrize(
    ("line", "value", "warned"),
    [
        (b'{"a": 1}', {"a": 1}, ()),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}, ()),
        (b'\0\0\0{"a": 1}\0', {"a": 1}, ()),
        (b'{"a": NaN}', {"a": None}, ("not a finite number, read as unknown",)),
        (b'{"a": 1e400}', {"a": None}, ("not a finite number, read as unknown",)),
        (b'{"a": "\\ud83d"}', {"a": "\ufffd"}, ("lone surrogate replaced",)),
        (b'{"a": "x\x01y"}', {"a": "x\x01y"}, ()),
        (b'{"a": "caf\xe9"}', {"a": "caf\u00e9"}, ("not UTF-8, read as cp1252",)),
        (b'{"a": "\\u0000"}', {"a": "\0"}, ()),
    ],
)
def test_what_a_line_may_hold(tmp_path: Path, line: bytes, value: Any, warned: tuple[str, ...]) -> None:
    assert only(written(tmp_path, line)) == Found(value, 1, warned)


@pytest.mark.parametrize("depth", [99, 100_000])
@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")])
def test_depth_is_bounded(tmp_path: Path, depth: int, brackets: tuple[str, str]) -> None:
    line = brackets[0] * depth + "1" + brackets[1] * depth + "\n"
    found = only(written(tmp_path, line.encode()))
    assert isinstance(found, Found if depth < 100 else Rejected)


def test_many_brackets_are_not_much_depth(tmp_path: Path) -> None:
    value = [{"a": [number]} for number in range(200)]
    assert only(written(tmp_path, json.dumps(value).encode())) == Found(value, 1)


def test_progress_is_in_bytes_on_disk_and_adds_up_over_files(tmp_path: Path) -> None:
    lines = b"".join(b'{"a": %d}\n' % number for number in range(100_000))
    first, second = written(tmp_path, lines, "a"), written(tmp_path, lines, "b")
    progress = Progress()
    seen = set()
    for count, _ in enumerate(records(first, progress)):
        if not count % 1000:
            seen.add(progress.bytes_read)
    assert len(seen) > 4
    assert progress.bytes_read == len(lines)
    assert list(records(second, progress))[-1].line == 100_000
    assert progress.bytes_read == 2 * len(lines)


@pytest.fixture
def small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything above 100 characters is large, so that what takes gigabytes otherwise takes a test."""
    monkeypatch.setattr("cqtui.importers.window.CHUNK", 16)
    monkeypatch.setattr("cqtui.importers.window.WINDOW", 100)
    monkeypatch.setattr("cqtui.importers.lines.LONG_LINE", 100)
    monkeypatch.setattr("cqtui.importers.documents.MAX_RECORD", 4000)


def native(**changes: Any) -> dict[str, Any]:
    return {"id": "a", "model": "m", "messages": [{"role": "user", "content": "hi"}], "completion": "yo", **changes}


RECORDS = [native(id=f"r{number}", completion="é☕ " * number) for number in range(9)]
LINES = "".join(json.dumps(record) + "\n" for record in RECORDS)
FORMS = {
    "lines": LINES,
    "crlf and blanks": LINES.replace("\n", "\r\n\r\n \r\n"),
    "no last newline": LINES.rstrip(),
    "one line": LINES.replace("\n", " "),
    "one line with commas": LINES.replace("\n", ","),
    "nul runs": LINES.replace("\n", "\n\0\0\0\0\n"),
    "nul at the end": LINES + "\0" * 5000,
    "nul at the start": "\0" * 5000 + LINES,
    "array": json.dumps(RECORDS, ensure_ascii=False),
    "array of arrays": json.dumps([RECORDS[:2], [RECORDS[2:5]], RECORDS[5:]]),
    "array on many lines": "[\n" + ",\n".join(json.dumps(record) for record in RECORDS) + "\n]\n",
    "array on many lines, brackets beside": "[" + ",\n".join(json.dumps(record) for record in RECORDS) + "]",
    "indented array": json.dumps(RECORDS, indent=2),
    "indented objects": "\n".join(json.dumps(record, indent=2) for record in RECORDS),
    "tabs, objects in a row": "".join(json.dumps(record, indent="\t") for record in RECORDS),
    "envelope": json.dumps({"page": {"next": 2}, "data": RECORDS, "total": 9}),
    "indented envelope": json.dumps({"total": 9, "rows": RECORDS}, indent=1),
    "envelope in an envelope": json.dumps({"data": [{"items": RECORDS[:4]}, {"items": RECORDS[4:]}]}),
    "envelopes on lines": "".join(json.dumps({"data": RECORDS[at : at + 3]}) + "\n" for at in (0, 3, 6)),
    "events": "".join(f"event: log\nid: 1\ndata: {json.dumps(record)}\n\n" for record in RECORDS) + "data: [DONE]\n\n",
    "events close together": "".join(f"data: {json.dumps(record)}\n" for record in RECORDS),
    "events on many lines": "".join(
        "".join(f"data: {line}\n" for line in json.dumps(record, indent=1).split("\n")) + "\n" for record in RECORDS
    ),
}


def contents(read: LogRead) -> list[dict[str, Any]]:
    return [call.model_dump(exclude={"origin"}) for call in read.calls]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return contents(read_logs(written(tmp_path_factory.mktemp("lines"), LINES.encode())))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("form", FORMS)
def test_the_same_records_in_every_form(
    tmp_path: Path, form: str, encoding: str, expected: list[dict[str, Any]]
) -> None:
    if form.startswith("nul at the start") and encoding in ("utf-16-le", "utf-16-be"):
        pytest.skip("nothing tells the encoding")
    read = read_logs(written(tmp_path, FORMS[form].encode(encoding)))
    assert contents(read) == expected
    assert not read.rejected
    assert not any(call.origin.warnings for call in read.calls)


@pytest.mark.usefixtures("small_window")
@pytest.mark.parametrize("form", FORMS)
def test_the_same_records_where_all_are_large(tmp_path: Path, form: str, expected: list[dict[str, Any]]) -> None:
    read = read_logs(written(tmp_path, FORMS[form].encode()))
    assert contents(read) == expected
    assert not read.rejected


@pytest.mark.usefixtures("small_window")
@pytest.mark.parametrize("form", ["indented array", "indented objects", "array on many lines", "indented envelope"])
def test_lines_are_those_of_the_file(tmp_path: Path, form: str) -> None:
    text = FORMS[form]
    read = read_logs(written(tmp_path, text.encode()))
    rows = text.split("\n")
    for call in read.calls:
        assert call.origin.line is not None
        near = "".join(rows[call.origin.line - 1 : call.origin.line + 1])
        assert f'"id": "{call.id}"' in near


@pytest.mark.parametrize("window", ["small", "usual"])
def test_after_a_broken_object_it_goes_on_at_the_next(
    tmp_path: Path, window: str, request: pytest.FixtureRequest
) -> None:
    if window == "small":
        request.getfixturevalue("small_window")
    parts = [json.dumps(record, indent=1) for record in RECORDS[:4]]
    parts[1] = parts[1].replace('"model": "m"', '"model": m')
    read = read_logs(written(tmp_path, "\n".join(parts).encode()))
    assert [call.id for call in read.calls] == ["r0", "r2", "r3"]
    (rejected,) = read.rejected
    assert rejected.line == parts[0].count("\n") + 2
    assert "not JSON" in rejected.reason


def test_a_cut_array_keeps_what_is_whole(tmp_path: Path) -> None:
    for text in (FORMS["array"], FORMS["indented array"], FORMS["array on many lines"]):
        read = read_logs(written(tmp_path, text.encode()[:-60]))
        assert [call.id for call in read.calls] == [f"r{number}" for number in range(8)]
        assert len(read.rejected) == 1


def test_what_is_unread_after_a_break_in_one_line_is_said(tmp_path: Path) -> None:
    text = FORMS["array"].replace('"id": "r5"', '"id": r5')
    read = read_logs(written(tmp_path, text.encode()))
    assert len(read.calls) == 5
    assert "nothing was read after it" in read.rejected[0].reason


@pytest.mark.usefixtures("small_window")
@pytest.mark.parametrize("form", ["array", "envelope", "indented array", "indented objects", "lines"])
def test_a_record_beyond_the_cap_is_one_rejected_record(tmp_path: Path, form: str) -> None:
    huge = native(id="huge", completion='x"\\[{' * 1000, messages=[{"role": "user", "content": "y" * 50}] * 100)
    records_ = [*RECORDS[:3], huge, *RECORDS[3:]]
    text = {
        "array": json.dumps(records_),
        "envelope": json.dumps({"data": records_}),
        "indented array": json.dumps(records_, indent=2),
        "indented objects": "\n".join(json.dumps(record, indent=2) for record in records_),
        "lines": "\n".join(json.dumps(record) for record in records_),
    }[form]
    read = read_logs(written(tmp_path, text.encode()))
    assert [call.id for call in read.calls] == [record["id"] for record in RECORDS]
    assert [item.reason for item in read.rejected] == ["record above 64 MB"]


@pytest.mark.usefixtures("small_window")
def test_a_large_record_is_no_envelope(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": f"message {number}"} for number in range(20)]
    record = native(messages=messages, metadata={"data": [{"x": "y" * 30}] * 9})
    for text in (json.dumps(record), json.dumps({"data": [record]}), json.dumps([record], indent=2)):
        (call,) = read_logs(written(tmp_path, text.encode())).calls
        assert len(call.messages) == 20
        assert call.metadata == record["metadata"]


@pytest.mark.usefixtures("small_window")
def test_each_piece_of_a_large_envelope_has_what_stands_before_its_list(tmp_path: Path) -> None:
    rows = [{"n": number, "text": "x" * 40} for number in range(5)]
    text = json.dumps({"version": 3, "results": {"time": "t", "rows": rows, "stats": 1}, "end": 1})

    def records_in(value: Any) -> int:
        return len(value.get("results", {}).get("rows", [0]))

    path = written(tmp_path, text.encode())
    found = [item.value for item in records(path, None, records_in) if isinstance(item, Found)]
    assert found == [{"version": 3, "results": {"time": "t", "rows": [row]}} for row in rows]


def chunk(number: int, of: str = "c1") -> str:
    body = {"id": of, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": str(number)}}]}
    return f"data: {json.dumps(body)}\n\n"


def test_a_streamed_answer_alone_has_no_prompt(tmp_path: Path) -> None:
    text = chunk(1) + chunk(2) + "data: [DONE]\n\n" + chunk(1, "c2") + chunk(1, "c3") + chunk(2, "c3")
    path = written(tmp_path, text.encode())
    said = [(item.reason, item.line) for item in records(path) if isinstance(item, Rejected)]
    assert [reason.split(" without")[0] for reason, _ in said] == [
        f"a streamed answer of {count} events" for count in (2, 1, 2)
    ]
    assert [line for _, line in said] == [1, 7, 9]
    with pytest.raises(BadInputError, match="it has no prompt"):
        read_logs(path)


def test_the_events_of_other_apis_are_answers_too(tmp_path: Path) -> None:
    for first, second in (("message_start", "content_block_delta"), ("response.created", "response.completed")):
        events = [f"event: {kind}\ndata: {json.dumps({'type': kind})}\n\n" for kind in (first, second)]
        found = list(records(written(tmp_path, "".join(events * 2).encode())))
        assert [isinstance(item, Rejected) and item.line for item in found] == [2, 8]


def test_records_among_events_and_broken_ones(tmp_path: Path) -> None:
    text = f": comment\ndata: {json.dumps(RECORDS[0])}\n\n{chunk(1)}data: {{oops\n\nwhat\n"
    read = read_logs(written(tmp_path, text.encode()))
    assert [call.id for call in read.calls] == ["r0"]
    assert [item.line for item in read.rejected] == [4, 6, 8]


def test_an_array_of_nothing_says_so(tmp_path: Path) -> None:
    for text in ("[\n]\n", "[\n[[\n"):
        with pytest.raises(BadInputError, match="without records"):
            read_logs(written(tmp_path, text.encode()))


@pytest.mark.parametrize("form", ["array", "envelope", "objects", "csv", "lines"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, form: str) -> None:
    row = json.dumps(native(completion="x" * 5000))
    begin, between, end = {
        "array": ("[", ",", "]"),
        "envelope": ('{"data": [', ",", "]}"),
        "objects": ("", "", ""),
        "csv": ("prompt,completion\n", "", ""),
        "lines": ("", "", ""),
    }[form]
    one = {"csv": f'hi,"{"x" * 5000}"\n', "lines": row + "\n"}.get(form, json.dumps(json.loads(row), indent=1))
    peaks = []
    for count in (2500, 7500):
        path = written(tmp_path, (begin + between.join([one] * count) + end).encode(), "log")
        tracemalloc.start()
        assert sum(1 for _ in iter_logs(path)) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.3


@pytest.mark.parametrize("window", ["small", "usual"])
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NaN", None),
        ("-Infinity", None),
        ("1e400", None),
        ("1E+400", None),
        ("1.5e3", 1500.0),
        ('"\\ud83d"', "\ufffd"),
        ('"\\ud83d\\ude00"', "\U0001f600"),
    ],
)
def test_values_in_documents_are_clean(
    tmp_path: Path, text: str, value: Any, window: str, request: pytest.FixtureRequest
) -> None:
    if window == "small":
        request.getfixturevalue("small_window")
    filler = "x" * 200
    found = only(written(tmp_path, f'{{\n"filler": "{filler}",\n"a": [{text}]\n}}\n'.encode()))
    assert isinstance(found, Found)
    assert found.value == {"filler": filler, "a": [value]}
    assert bool(found.warnings) == (value in (None, "\ufffd"))


@pytest.mark.parametrize("window", ["small", "usual"])
def test_depth_is_bounded_in_documents_too(tmp_path: Path, window: str, request: pytest.FixtureRequest) -> None:
    if window == "small":
        request.getfixturevalue("small_window")
    for depth in (60, 120, 5000):
        text = "{\n" + '"a": {' * depth + "}" * depth + "\n}\n" + json.dumps(RECORDS[0], indent=1)
        first, *rest = records(written(tmp_path, text.encode()))
        assert isinstance(first, Found if depth == 60 else Rejected)
        assert [item.value for item in rest if isinstance(item, Found)] == [RECORDS[0]]


@pytest.mark.usefixtures("small_window")
@pytest.mark.parametrize("padding", range(17))
def test_a_number_is_not_cut_where_the_window_ends(tmp_path: Path, padding: int) -> None:
    value = {"p": "x" * padding, "n": 123456789012, "f": 1.25e-7, "t": True, "long": "y" * 200, "m": -987654321}
    assert only(written(tmp_path, json.dumps(value).encode())) == Found(value, 1)
