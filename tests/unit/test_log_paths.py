from __future__ import annotations

import gzip
import io
import json
import os
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cqtui.cli.main import cqtui
from cqtui.errors import BadInputError
from cqtui.importers import log_files, log_paths, read_logs
from cqtui.importers.paths import SUFFIXES, is_candidate
from cqtui.settings import Settings
from tests.fakes import write_log

DATABASE = Path(__file__).parents[1] / "data" / "logs" / "llm_logs.db"


def line(key: str = "a") -> str:
    return json.dumps({"id": key, "messages": [{"role": "user", "content": "hi"}], "completion": "yo"}) + "\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(name: str, content: str | bytes = line()) -> Path:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def names(*given: str) -> list[str]:
    return [file.name for file in log_files(list(given))]


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".JSONL"])
def test_a_file_of_a_folder_is_known_by_its_suffix(here: Path, suffix: str) -> None:
    put(f"logs/deep/a{suffix}", "x")
    assert names("logs") == [f"logs/deep/a{suffix}"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (line(), True),
        ("\n [\n {", True),
        ("[[", True),
        ("{}", True),
        (line().encode("utf-8-sig"), True),
        (line().encode("utf-16"), True),
        (gzip.compress(b"x", mtime=0), True),
        (b"\x28\xb5\x2f\xfd", True),
        (b"PAR1", True),
        (b"SQLite format 3\0", True),
        (b"PK\x03\x04", False),
        ("[section]\n", False),
        ("[link](x)", False),
        ("{{ template }}", False),
        ("prose", False),
        ("", False),
        (b"\xff\xfe\0", False),
    ],
)
def test_a_file_of_another_name_is_known_by_its_bytes(here: Path, content: str | bytes, expected: bool) -> None:
    assert is_candidate(put("app.log.1", content)) is expected
    assert is_candidate(put("app.log", content))
    assert is_candidate(put("app.log", content), vague=[".log"]) is expected


def test_hidden_files_and_folders_are_left_out(here: Path) -> None:
    for name in ("a.jsonl", ".b.jsonl", ".git/c.jsonl", "d/.e/f.jsonl", "d/g.jsonl"):
        put(f".logs/{name}")
    assert names(".logs") == [".logs/a.jsonl", ".logs/d/g.jsonl"]
    assert names(".logs/*.jsonl") == [".logs/a.jsonl"]
    assert names(".logs/.b.jsonl") == [".logs/.b.jsonl"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("logs/*.jsonl", ["logs/a.jsonl", "logs/b[1].jsonl"]),
        ("logs/**/*.jsonl", ["logs/a.jsonl", "logs/b[1].jsonl", "logs/deep/c.jsonl"]),
        ("logs/?.jsonl", ["logs/a.jsonl"]),
        ("l*", ["logs/a.jsonl", "logs/b[1].jsonl", "logs/deep/c.jsonl"]),
        ("logs/b[1].jsonl", ["logs/b[1].jsonl"]),
        ("logs/b[[]1].jsonl", ["logs/b[1].jsonl"]),
        ("logs/[ab]*", ["logs/a.jsonl", "logs/b[1].jsonl"]),
        ("./logs/../logs/a.*", ["logs/../logs/a.jsonl"]),
    ],
)
def test_patterns_that_no_shell_wrote_out(here: Path, pattern: str, expected: list[str]) -> None:
    for name in ("a.jsonl", "b[1].jsonl", "deep/c.jsonl", ".hidden.jsonl"):
        put(f"logs/{name}")
    os.mkfifo("logs/p.jsonl")
    assert names(pattern) == expected
    assert names(str(here / pattern)) == [str(here / name) for name in expected]
    assert [str(path) for path in log_paths(Settings(logs=(pattern,)), None)] == [
        *(["logs"] if pattern == "l*" else expected)
    ]


def test_what_a_pattern_finds_need_not_be_a_log(here: Path) -> None:
    put("logs/a.jsonl")
    put("logs/notes.md", "# notes")
    read = read_logs("logs/*")
    assert len(read.calls) == 1
    assert [(item.file, "not a log" in item.reason) for item in read.rejected] == [("logs/notes.md", True)]
    with pytest.raises(BadInputError, match="not a log"):
        read_logs(["logs/a.jsonl", "logs/notes.md"])


@pytest.mark.parametrize("pattern", ["logs/*.csv", "**x", "[", "no/*/x"])
def test_a_pattern_that_matches_nothing(here: Path, pattern: str) -> None:
    with pytest.raises(BadInputError, match="Nothing matches"):
        log_files(pattern)
    with pytest.raises(BadInputError, match=r"logs: nothing matches"):
        log_paths(Settings(logs=(pattern,)), None)


def test_the_patterns_of_the_settings_start_at_their_file(here: Path) -> None:
    put("team/logs/a.jsonl")
    found = log_paths(Settings(logs=("logs/*.jsonl", str(here / "team/logs/*"))), Path("team/cqtui.toml"))
    assert found == [Path("team/logs/a.jsonl"), here / "team/logs/a.jsonl"]
    assert len(log_files(found)) == 1


def test_links_that_run_in_a_circle_or_nowhere(here: Path) -> None:
    put("logs/a.jsonl")
    Path("logs/round").symlink_to("../logs")
    Path("logs/twice").symlink_to("../logs")
    Path("logs/gone.jsonl").symlink_to("nowhere")
    Path("logs/self.jsonl").symlink_to("self.jsonl")
    assert names("logs") == names("logs/**/*.jsonl") == ["logs/a.jsonl"]
    with pytest.raises(BadInputError, match="cannot be read"):
        log_files("logs/self.jsonl")


def test_a_file_of_several_names_is_read_once(here: Path) -> None:
    put("logs/october.jsonl")
    Path("logs/latest.jsonl").symlink_to("october.jsonl")
    os.link("logs/october.jsonl", "logs/same.jsonl")
    read = read_logs(["logs", "logs/october.jsonl", "logs"])
    assert (read.files, read.records) == (("logs/october.jsonl",), 1)


def test_pipes_and_sockets_of_a_folder_are_passed_over(here: Path) -> None:
    put("logs/a.jsonl")
    os.mkfifo("logs/p.jsonl")
    os.mkfifo("logs/without-suffix")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("logs/s.jsonl")
        assert names("logs") == names("logs/*") == ["logs/a.jsonl"]
        with pytest.raises(BadInputError, match="neither a file nor a folder"):
            log_files("logs/s.jsonl")


def test_a_pipe_that_is_named_is_read(here: Path) -> None:
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_text(line() + "broken\n"))
    writer.start()
    read = read_logs("pipe")
    writer.join()
    assert read.files == ("pipe",)
    assert [call.origin.file for call in read.calls] == ["pipe"]
    assert [(item.file, item.line) for item in read.rejected] == [("pipe", 2)]


def test_a_folder_that_cannot_be_opened_is_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("logs/a.jsonl")
    put("logs/closed/b.jsonl")
    opened: Callable[..., Any] = os.scandir

    def refusing(path: Any) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path)

    monkeypatch.setattr(os, "scandir", refusing)
    read = read_logs("logs")
    assert len(read.calls) == 1
    assert [(item.file, item.reason) for item in read.rejected] == [
        ("logs/closed", "logs/closed: the folder cannot be opened.")
    ]
    with pytest.raises(BadInputError, match="Permission denied"):
        read_logs("logs/closed")


def test_a_folder_of_other_files_is_said_to_hold_no_logs(here: Path) -> None:
    put("logs/photo.png", b"\x89PNG")
    with pytest.raises(BadInputError, match="holds no logs"):
        log_files("logs")


class Stdin(io.TextIOWrapper):
    """What a shell pipes in; it can be read once, as a pipe can."""

    def __init__(self, content: bytes, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(content))
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize(
    "content",
    [line().encode(), gzip.compress(line().encode()), DATABASE.read_bytes()],
    ids=["lines", "gzip", "SQLite"],
)
def test_stdin_may_hold_what_a_file_may(scratch: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", Stdin(content))
    read = read_logs(["-", "-"])
    assert read.files == ("stdin",)
    assert {call.origin.file for call in read.calls} == {"stdin"}
    assert not list(scratch.iterdir())


@pytest.mark.parametrize("content", [b"", b"prose\n", b"PAR1", b"SQLite format 3\0 broken"])
def test_stdin_that_is_no_log_is_named_so(scratch: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", Stdin(content))
    with pytest.raises(BadInputError, match=r"^stdin: ") as caught:
        read_logs("-")
    assert str(scratch) not in str(caught.value)
    assert not list(scratch.iterdir())


def test_lines_of_stdin_that_are_no_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Stdin((line() + "broken\n").encode()))
    assert [(item.file, item.line) for item in read_logs("-").rejected] == [("stdin", 2)]


def test_a_terminal_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for stdin in (Stdin(b"", terminal=True), None):
        monkeypatch.setattr("sys.stdin", stdin)
        with pytest.raises(BadInputError, match="nothing is piped in"):
            read_logs("-")


def test_a_file_named_like_stdin_is_reached_by_its_folder(here: Path) -> None:
    put("-")
    assert names(str(here / "-")) == [str(here / "-")]
    assert names("-") == ["stdin"]


@pytest.mark.parametrize("given", ["-", "logs/*.jsonl"])
@pytest.mark.parametrize("command", [["logs", "inspect"], ["optimize", "--dry-run", "--as-of", "2026-11-25"]])
def test_commands_take_stdin_and_patterns(here: Path, command: list[str], given: str) -> None:
    Path("logs").mkdir()
    log = write_log(Path("logs/a.jsonl"), 24)
    done = CliRunner().invoke(cqtui, [*command, given], input=log.read_bytes())
    assert done.exit_code == 0, done.output
    assert "Read 24 calls from 1 file" in done.output


def test_health_takes_stdin(here: Path) -> None:
    log = write_log(Path("a.jsonl"), 24)
    done = CliRunner().invoke(cqtui, ["health", "-", "--provider", "rehearsal"], input=log.read_bytes())
    assert "Read 24 calls from 1 file" in done.output
