"""Tables: their delimiters, quoting and lines, the columns that are known, and what is said of those that are not."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cqtui.errors import BadInputError
from cqtui.importers import formats, read_logs
from cqtui.importers.base import Importer, Row
from cqtui.importers.container import Found, Rejected, records
from cqtui.importers.raw import RawCall
from cqtui.models import LoggedCall


def written(folder: Path, text: str | bytes, name: str = "log.csv") -> Path:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / name


def calls(folder: Path, text: str | bytes) -> tuple[LoggedCall, ...]:
    read = read_logs(written(folder, text), hash_identities=False)
    assert not read.rejected
    return read.calls


def one(folder: Path, **cells: str) -> LoggedCall:
    (call,) = calls(folder, ",".join(cells) + "\n" + ",".join(f'"{cell}"' for cell in cells.values()) + "\n")
    return call


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_that_of_the_header(tmp_path: Path, delimiter: str) -> None:
    text = delimiter.join(["prompt", "completion"]) + "\n" + delimiter.join(['"a,b;c\td|e"', "yes"]) + "\n"
    (call,) = calls(tmp_path, text)
    assert call.messages[0].text == "a,b;c\td|e"
    assert call.completion is not None
    assert call.completion.text == "yes"


def test_a_delimiter_that_is_named_before_the_header(tmp_path: Path) -> None:
    (call,) = calls(tmp_path, "sep=;\nprompt;completion\nhi, you;yes\n")
    assert (call.messages[0].text, call.origin.line) == ("hi, you", 3)


def test_quoted_newlines_and_quotes_and_the_lines_of_the_file(tmp_path: Path) -> None:
    text = 'prompt,completion\r\n"say ""a,\nb""",yes\r\n\r\nhi,"no\n\n"\r\nlast,one'
    found = calls(tmp_path, text)
    assert [call.messages[0].text for call in found] == ['say "a,\nb"', "hi", "last"]
    assert [call.origin.line for call in found] == [2, 5, 8]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_spreadsheets_encodings(tmp_path: Path, encoding: str) -> None:
    (call,) = calls(tmp_path, "prompt\tcompletion\r\ncafé\t☕\r\n".encode(encoding))
    assert call.messages[0].text == "café"
    assert call.completion is not None
    assert call.completion.text == "☕"


def test_cp1252_has_a_warning_on_its_row_alone(tmp_path: Path) -> None:
    first, second = calls(tmp_path, b"prompt,completion\ncaf\xe9,x\ntea,y\n")
    assert first.messages[0].text == "café"
    assert first.origin.warnings == ("not UTF-8, read as cp1252",)
    assert not second.origin.warnings


def test_a_cell_above_the_parsers_own_limit(tmp_path: Path) -> None:
    (call,) = calls(tmp_path, f'prompt,completion\n"{"x" * 300_000}",yes\n')
    assert len(call.messages[0].text or "") == 300_000


@pytest.mark.parametrize("name", ["prompt", "Input", "QUESTION", "instruction", " query ", "user"])
def test_names_of_the_prompt(tmp_path: Path, name: str) -> None:
    (call,) = calls(tmp_path, f"{name},answer\nhi,yes\n")
    assert call.messages[0].text == "hi"
    assert call.origin.format == "csv"


@pytest.mark.parametrize("name", ["completion", "Response", "output", "answer", "generation"])
def test_names_of_the_answer(tmp_path: Path, name: str) -> None:
    (call,) = calls(tmp_path, f"prompt,{name}\nhi,yes\n")
    assert call.completion is not None
    assert call.completion.text == "yes"


def test_a_column_of_prompts_alone(tmp_path: Path) -> None:
    first, second = calls(tmp_path, "prompt\nhi\nyou\n")
    assert not first.is_baseline
    assert second.messages[0].text == "you"


def test_every_known_column(tmp_path: Path) -> None:
    call = one(
        tmp_path,
        **{
            "Prompt": "hi",
            "Response": "yes",
            "System": "be brief",
            "Model": "m",
            "ID": "7",
            "Created At": "1789001000",
        },
        **{"Prompt Tokens": "12", "completion_tokens": "3", "latency_ms": "850", "cost": "$0.0012", "score": "0.5"},
        user="ann",
        colour="red",
    )
    assert [(message.role, message.text) for message in call.messages] == [("system", "be brief"), ("user", "hi")]
    assert (call.id, call.model, call.user, call.score, call.latency_ms) == ("7", "m", "ann", 0.5, 850)
    assert call.time == datetime(2026, 9, 10, 0, 43, 20, tzinfo=UTC)
    assert (call.usage.input_tokens, call.usage.output_tokens) == (12, 3)
    assert call.cost_usd == Decimal("0.0012")
    assert call.metadata == {"colour": "red"}
    assert not call.origin.warnings


def test_empty_cells_are_unknown(tmp_path: Path) -> None:
    call = one(tmp_path, prompt="hi", completion="", model="", prompt_tokens="", cost="", rating="", colour="")
    assert (call.completion, call.model, call.usage.input_tokens, call.cost_usd, call.score) == (None,) * 5
    assert call.metadata == {}
    assert not call.origin.warnings


def test_a_row_without_a_prompt_is_skipped(tmp_path: Path) -> None:
    read = read_logs(written(tmp_path, "prompt,completion\nhi,yes\n,no\n"))
    assert [item.reason for item in read.skipped] == ["no message has content"]


@pytest.mark.parametrize(
    ("column", "cell", "latency", "warned"),
    [
        ("latency_ms", "3", 3, False),
        ("Latency (ms)", "3", None, False),
        ("latency", "1.32", 1320, True),
        ("latency", "850", 850, True),
        ("duration", "2", 2000, True),
    ],
)
def test_the_unit_of_a_latency(tmp_path: Path, column: str, cell: str, latency: int | None, warned: bool) -> None:
    call = one(tmp_path, **{"prompt": "hi", column: cell})
    assert call.latency_ms == latency
    assert bool(call.origin.warnings) == warned


@pytest.mark.parametrize("cell", ["4", "good"])
def test_a_rating_of_another_scale_is_kept(tmp_path: Path, cell: str) -> None:
    call = one(tmp_path, prompt="hi", rating=cell)
    assert call.score is None
    assert call.metadata == {"raw_score": {"rating": cell}}


def test_messages_in_a_cell(tmp_path: Path) -> None:
    cell = '[{""role"": ""system"", ""content"": ""s""}, {""role"": ""user"", ""content"": ""hi""}]'
    call = one(tmp_path, messages=cell, completion="{a: 1}", prompt="x")
    assert [message.role for message in call.messages] == ["system", "user"]


@pytest.mark.parametrize("cell", ['{""a"": 1}', "[1, 2]", "[]"])
def test_a_prompt_that_is_json_stays_a_text(tmp_path: Path, cell: str) -> None:
    call = one(tmp_path, prompt=cell, completion=cell)
    assert call.messages[0].text == cell.replace('""', '"')
    assert call.completion is not None
    assert call.completion.text == call.messages[0].text


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a,b,c", "3 cells under 2"),
        ('"a"b,c', "not a row"),
        ('"open,x', "quote that is not closed"),
    ],
)
def test_a_broken_row_is_rejected_with_its_line_and_no_other_is_lost(tmp_path: Path, row: str, said: str) -> None:
    read = read_logs(written(tmp_path, f"prompt,completion\none,1\n{row}\ntwo,2\nthree,3\n"))
    assert [call.messages[0].text for call in read.calls] == ["one", "two", "three"]
    assert [call.origin.line for call in read.calls] == [2, 4, 5]
    assert [item.line for item in read.rejected] == [3]
    assert said in read.rejected[0].reason


def test_trailing_delimiters_and_short_rows(tmp_path: Path) -> None:
    first, second = calls(tmp_path, "prompt,completion,model\nhi,yes,m,,\nyou,no\n,,\n")
    assert (first.model, second.model) == ("m", None)


def test_columns_without_a_name_and_with_the_same(tmp_path: Path) -> None:
    (call,) = calls(tmp_path, ",prompt,note,note\n0,hi,a,b\n")
    assert call.metadata == {"column 1": "0", "note": "a", "note (4)": "b"}


def test_an_unknown_header_names_the_columns_and_what_is_accepted(tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as caught:
        read_logs(written(tmp_path, "colour,size\nred,1\n"))
    for said in ("colour, size", "prompt, input, question", "messages", "completion, response"):
        assert said in str(caught.value)


def test_a_header_alone(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="table without rows"):
        read_logs(written(tmp_path, "prompt,completion\n"))


def test_text_and_json_are_no_tables(tmp_path: Path) -> None:
    for text in ("hello\nworld\n", 'a note, before\n{"a": 1}\n', '{"a,b": 1}\n'):
        found = list(records(written(tmp_path, text)))
        assert not any(isinstance(item, Found) and isinstance(item.value, Row) for item in found)


class Vendor(Importer):
    name = "vendor"
    fields = frozenset({"observation"})

    def sniff(self, record: Any) -> float:
        return 0.9 if "observation" in record else 0.0

    def read(self, record: Any) -> RawCall:
        return RawCall(messages=record["input"], completion=record["output"])


def test_a_vendors_table_goes_to_its_importer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "IMPORTERS", (Vendor(), *formats.IMPORTERS))
    read = read_logs(written(tmp_path, "observation,input,output\n1,hi,yes\n"))
    assert read.counts == {"vendor": 1}


def test_a_row_beyond_the_cap_is_one_rejected_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("tables", "lines"):
        monkeypatch.setattr(f"cqtui.importers.{module}.MAX_RECORD", 1000)
    path = written(tmp_path, f"prompt,completion\n{'x' * 5000},1\nhi,2\n")
    found = list(records(path))
    assert found[0] == Rejected("record above 64 MB", str(path), 2)
    assert found[1:] == [Found(Row(prompt="hi", completion="2"), 3)]
