"""Whatever the bytes: a read ends in records that add up or in one error of one line, and shows nothing but text."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cqtui.cli import main as cli
from cqtui.errors import BadInputError
from cqtui.importers import LogRead, read_logs
from tests.fuzz.files import mutated
from tests.fuzz.invariants import UNPRINTABLE, check_file
from tests.fuzz.seeds import CONTAINERS, TARGETS, seeds_of

property_of = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def file() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "log.jsonl"


def checked(file: Path, content: bytes) -> LogRead | BadInputError:
    file.write_bytes(content)
    return check_file(file)


@pytest.mark.parametrize("target", [target for target in TARGETS if target != CONTAINERS])
def test_every_format_has_seeds_that_its_importer_reads(target: str, file: Path) -> None:
    counts: dict[str, int] = {}
    for seed in seeds_of(target):
        read = checked(file, seed)
        assert isinstance(read, LogRead), read
        counts |= read.counts
    assert counts.get(target), f"no seed is read as {target}"


def test_every_container_has_a_seed_that_is_read(file: Path) -> None:
    for seed in seeds_of(CONTAINERS):
        read = checked(file, seed)
        assert isinstance(read, LogRead), read
        assert len(read.calls) >= 2


STARTS = [
    b"",
    b"\x1f\x8b\x08\0",
    b"\x28\xb5\x2f\xfd",
    b"PK\x03\x04",
    b"PAR1",
    b"SQLite format 3\0",
    b"\xff\xfe",
    b"\xfe\xff",
]
STARTS += [
    b"{",
    b"[",
    b'[{"',
    b"data: {",
    b"sep=;\n",
    b"prompt,completion\n",
    b'{"messages": [',
    b'{"data": [\n{"id": 1}\n',
]


@settings(property_of, max_examples=150)
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=300))
def test_any_bytes_end_well(file: Path, start: bytes, rest: bytes) -> None:
    checked(file, start + rest)


@pytest.mark.parametrize("target", TARGETS)
@property_of
@given(random=st.randoms(use_true_random=False))
def test_any_mutated_sample_ends_well(target: str, file: Path, random: Random) -> None:
    checked(file, mutated(random.choice(seeds_of(target)), random, longest=20_000))


# --- text that tries to be more than text, and shapes that try to exhaust the reader

ESCAPES = "\x1b[31m\x1b]0;title\x07\x1b]8;;http://x\x1b\\\x9b2J"
MARKUP = "[bold red]shout[/] [link=http://x]here[/link] [@click=app.quit]quit[/] [/]"
HOSTILE = {
    "escapes": ESCAPES,
    "bidi": "\u202egnp.exe\u2066\u2069",
    "markup": MARKUP,
    "surrogates": "\ud83d \udc00",
    "nul": "a\0b",
    "lines": "one\r\ntwo\u2028three\x85",
}
# What Rich would print for its markup, were it taken for that.
STYLED = re.compile(r"\x1b\[")


def inspected(file: Path, *options: str) -> Result:
    return CliRunner().invoke(cli.cqtui, ["logs", "inspect", str(file), *options])


def shown(file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """The exit code, stdout and stderr of the command as a user runs it."""
    monkeypatch.setattr(sys, "argv", ["cqtui", "logs", "inspect", str(file)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out, err


def everywhere(text: str) -> list[dict[str, Any]]:
    """Records that hold a text wherever something of a log is shown: models, fields, reasons, segments."""
    call = {"messages": [{"role": "user", "content": text}], "completion": text, "model": f"model {text}"}
    noted = {
        "id": text,
        "provider": text,
        "tags": [text],
        "metadata": {"route": text, text: text},
        "finish_reason": text,
    }
    return [
        {**call, **noted},
        {"id": "a", "type": text, "traceId": "t", "modelParameters": text},
        {"id": "r", "run_type": text, "inputs": {}, "trace_id": "t"},
        {"request": {"messages": call["messages"]}, "response": {"error": {"message": text, "code": text}}},
        {"custom_id": text, "method": "POST", "url": f"/v1/{text}", "body": {"model": text}},
        {text: 1, f"{text} 2": 2},
    ]


def written(file: Path, records: list[dict[str, Any]], *, escaped: bool) -> None:
    lines = "".join(json.dumps(record, ensure_ascii=escaped) + "\n" for record in records)
    file.write_bytes(lines.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("escaped", [True, False], ids=["escaped", "as it is"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_is_shown_as_text(kind: str, escaped: bool, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    written(file, everywhere(HOSTILE[kind]), escaped=escaped)
    read = check_file(file)
    assert isinstance(read, LogRead)
    assert read.calls
    done = inspected(file)
    assert (done.exit_code, done.exception) == (0, None)
    for line in done.output.splitlines():
        assert not UNPRINTABLE.search(line)
    if kind == "markup":
        assert "[bold red]shout[/]" in done.output
    said = json.loads(inspected(file, "--json").stdout)
    assert said
    assert not STYLED.search(done.output)


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_error_about_hostile_text_is_one_line(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in (
        json.dumps({HOSTILE[kind]: 1}),
        f'sep={HOSTILE[kind][0]}\nprompt\n"a"b\n',
        f"{HOSTILE[kind]},b\n1,2\n",
    ):
        file = tmp_path / "log.jsonl"
        file.write_bytes(content.encode("utf-8", "surrogatepass"))
        code, out, err = shown(file, monkeypatch, capsys)
        assert (code, out) == (2, "")
        assert err.startswith("cqtui: ")
        assert not UNPRINTABLE.search(err.removesuffix("\n"))


MESSAGE = '{"role": "user", "content": "hi"}'
CALL = f'{{"id": "a", "messages": [{MESSAGE}], "completion": "yo"}}\n'
DEEP = 100_000
NESTED: dict[str, Callable[[], str]] = {
    "a list": lambda: "[" * DEEP + "]" * DEEP,
    "an object": lambda: '{"a": ' * DEEP + "1" + "}" * DEEP,
    "messages": lambda: f'{{"messages": {"[" * DEEP}{MESSAGE}{"]" * DEEP}}}',
    "metadata": lambda: f'{{"messages": [{MESSAGE}], "metadata": {{"a": {"[" * DEEP}{"]" * DEEP}}}}}',
    "never closed": lambda: '{"messages": ' + "[" * DEEP,
    "lines": lambda: "[\n" * DEEP,
}


@pytest.mark.parametrize("where", NESTED)
def test_nesting_is_refused(where: str, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text(CALL + NESTED[where]() + "\n" + CALL.replace("yo", "ya"))
    read = check_file(file)
    assert isinstance(read, LogRead)
    assert next(call.completion.text for call in read.calls if call.completion) == "yo"
    assert read.rejected or len(read.calls) == 2
    assert inspected(file).exit_code == 0


def test_json_text_that_nests_deeply_is_text(tmp_path: Path) -> None:
    deep = "[" * DEEP + "]" * DEEP
    file = tmp_path / "log.jsonl"
    file.write_text(json.dumps({"request": deep, "response": {"choices": []}}) + "\n" + CALL.replace("hi", deep))
    read = check_file(file)
    assert isinstance(read, LogRead)
    assert [call.messages[0].text for call in read.calls] == [deep]
    assert inspected(file).exit_code == 0


@pytest.mark.parametrize("filling", ["\0", "é", "\ud83d", "\x1b[31m"])
def test_lines_of_megabytes(filling: str, tmp_path: Path) -> None:
    text = filling * (2_000_000 // len(filling))
    file = tmp_path / "log.jsonl"
    written(file, [{"messages": [{"role": "user", "content": text}], "completion": "yo", "model": "m"}], escaped=True)
    read = read_logs(file)
    (call,) = read.calls
    assert len(call.messages[0].text) == len(text)
    done = inspected(file)
    assert done.exit_code == 0
    assert len(done.output) < 5_000


def test_nul_bytes_around_and_in_lines(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"\0" * 1_000_000 + CALL.encode() + b"\0\0\n" + CALL.replace("yo", "y\0").encode() + b"\0" * 5_000)
    read = check_file(file)
    assert isinstance(read, LogRead)
    assert [call.completion.text for call in read.calls if call.completion] == ["yo", "y\0"]
    assert not read.rejected
