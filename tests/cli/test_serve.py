"""``cqtui serve`` before a browser comes in: what it refuses, and how the app's process starts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cqtui.cli.serve import app_command
from tests.cli.test_commands import ROOT, cqtui, refused

TOKEN = "a-token-of-the-users"


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_other_machines_are_refused_unless_they_are_asked_for() -> None:
    refused(cqtui("serve", "--host", "0.0.0.0", "--port", 0), 2, "--allow-remote", "token")


def test_a_port_in_use_is_one_line(taken_port: int) -> None:
    refused(cqtui("serve", "--port", taken_port), 2, f"Port {taken_port}", "--port")


def test_a_weak_token_is_one_line() -> None:
    done = cqtui("serve", "--port", 0, CQTUI_SERVE_TOKEN="weak-and-mine")
    refused(done, 2, "CQTUI_SERVE_TOKEN")
    assert "weak-and-mine" not in done.stderr


def test_without_the_extra_one_line_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['textual_serve'] = None; sys.argv = ['cqtui', 'serve', '--port', '0']\n"
        "from cqtui.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    refused(done, 2, 'pip install "cqtui[web]"')


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("given", [None, TOKEN])
def test_the_token_is_printed_once_where_it_is_fresh_and_a_signal_ends_it(
    given: str | None, end: signal.Signals
) -> None:
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT), **({"CQTUI_SERVE_TOKEN": given} if given else {})}
    with subprocess.Popen(
        [sys.executable, "-m", "cqtui", "serve", "--port", "0", "--allow-remote"],
        env=surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        said = server.stdout.readline() + server.stdout.readline()
        server.send_signal(end)
        rest, errors = server.communicate(timeout=60)
    assert server.returncode == 0
    assert (rest, errors) == ("", "")
    _, _, token = said.split()[3].partition("?token=")
    assert (token == "$CQTUI_SERVE_TOKEN") if given else (len(token) >= 40)


def test_the_command_of_the_app_keeps_odd_names_in_one_word() -> None:
    assert app_command(config=None, profile=None, example=False)[1:] == ["-P", "-m", "cqtui"]
    words = app_command(config=Path("my $(logs); x/cqtui.toml"), profile="--help", example=True)
    assert words[4:] == ["--config=my $(logs); x/cqtui.toml", "--profile=--help", "--example"]


def test_with_pipes_the_app_starts_only_where_its_screen_is_elsewhere() -> None:
    assert "Usage:" in cqtui("--example").stdout
    # No input: the driver finds its pipe closed, and the app leaves when it is told to.
    with subprocess.Popen(
        [sys.executable, "-m", "cqtui", "--example"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as app:
        assert app.stdout is not None
        assert app.stdout.readline() == b"__GANGLION__\n"
        app.terminate()
        app.communicate(timeout=60)
    assert app.returncode == 0
