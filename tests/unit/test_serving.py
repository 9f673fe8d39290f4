"""Who gets to the served app: the checks, asked over HTTP of the real server."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookies import Morsel

import aiohttp
import pytest
from aiohttp import WSMsgType
from aiohttp.test_utils import TestClient, TestServer

from cqtui.errors import BadInputError
from cqtui.web.access import Access, access_for
from cqtui.web.listening import listen
from cqtui.web.server import AppServer

TOKEN = "a-token-of-the-users"
COOKIE = "cqtui_test"
LIMIT_S = 60.0
# What textual-serve takes for an app: it says its process id, echoes one packet, and then ends by itself.
ECHO = """
import os, sys
def packet(text): return b"D" + len(text).to_bytes(4, "big") + text
out = sys.stdout.buffer
out.write(b"__GANGLION__\\n" + packet(str(os.getpid()).encode()))
out.flush()
size = int.from_bytes(sys.stdin.buffer.read(5)[1:], "big")
out.write(packet(sys.stdin.buffer.read(size)))
out.flush()
"""
# It neither reads nor ends.
DEAF = """
import os, signal, sys
text = str(os.getpid()).encode()
sys.stdout.buffer.write(b"__GANGLION__\\nD" + len(text).to_bytes(4, "big") + text)
sys.stdout.buffer.flush()
signal.pause()
"""

Client = TestClient[aiohttp.web.Request, aiohttp.web.Application]


@asynccontextmanager
async def visiting(access: Access | None = None, *, app: str = ECHO, stop_s: float = 30.0) -> AsyncIterator[Client]:
    """A client of a server that is on loopback, unless ``access`` says otherwise."""
    listening = listen("127.0.0.1", 0, allow_remote=False)
    port = listening.getsockname()[1]
    access = access or access_for("127.0.0.1", port, remote=False, token=None)
    server = AppServer([sys.executable, "-c", app], access, cookie=COOKIE, stop_s=stop_s)
    testing = TestServer(await server.application(), socket_factory=lambda *_: listening, host="127.0.0.1", port=port)
    # Cookies of an IP address are dropped otherwise.
    jar = aiohttp.CookieJar(unsafe=True)
    async with asyncio.timeout(LIMIT_S), TestClient(testing, cookie_jar=jar) as client:
        yield client


def remote() -> Access:
    return access_for("0.0.0.0", 1, remote=True, token=TOKEN)


def own_origin(client: Client) -> str:
    return f"http://127.0.0.1:{client.port}"


async def status(client: Client, path: str = "/", **headers: str) -> int:
    async with client.get(path, headers=headers, allow_redirects=False) as response:
        return response.status


async def refused_websocket(client: Client, **headers: str) -> int:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect("/ws", headers=headers)
    return refused.value.status


@pytest.mark.parametrize("path", ["/", "/ws", "/static/js/textual.js", "/page/page.js", "/download/x", "/missing"])
async def test_without_the_token_nothing_is_served(path: str) -> None:
    async with visiting(remote()) as client:
        assert await status(client, path) == 403
        assert await status(client, path, Cookie=f"{COOKIE}=another-token-than-that") == 403
        assert await status(client, path, Cookie=f"{COOKIE}=") == 403


async def test_a_wrong_token_is_refused_also_beside_the_right_cookie() -> None:
    async with visiting(remote()) as client:
        for wrong in ("", "wrong", TOKEN[:-1], TOKEN + "x", "%ED%A0%80", "%C3%BC"):
            assert await status(client, f"/?token={wrong}") == 403, wrong
            assert await status(client, f"/?token={wrong}", Cookie=f"{COOKIE}={TOKEN}") == 403, wrong
        assert not list(client.session.cookie_jar)


async def test_the_right_token_becomes_a_cookie_and_leaves_the_address() -> None:
    async with visiting(remote()) as client:
        async with client.get(f"/?token={TOKEN}&delay=1", allow_redirects=False) as response:
            assert response.status == 303
            assert response.headers["Location"] == "./?delay=1"
            assert response.headers["Referrer-Policy"] == "no-referrer"
            morsel: Morsel[str] = response.cookies[COOKIE]
            assert morsel.value == TOKEN
            assert (morsel["httponly"], morsel["samesite"], morsel["max-age"]) == (True, "Strict", "")
        async with client.get("/") as response:
            assert response.status == 200
            assert "textual-terminal" in await response.text()
        assert await status(client, "/static/js/textual.js") == 200


async def test_the_token_counts_at_the_page_alone() -> None:
    async with visiting(remote()) as client:
        assert await status(client, f"/static/js/textual.js?token={TOKEN}") == 403
        assert await refused_websocket(client, Origin=own_origin(client)) == 403


async def test_the_websocket_asks_for_token_and_page() -> None:
    async with visiting(remote()) as client:
        assert await refused_websocket(client, Origin=own_origin(client)) == 403
        assert await status(client, f"/?token={TOKEN}") == 303
        assert await refused_websocket(client, Origin="https://elsewhere.example") == 403
        assert await refused_websocket(client) == 403
        proxied = {"Host": "cqtui.example", "Origin": "https://cqtui.example", "Cookie": f"{COOKIE}={TOKEN}"}
        async with client.ws_connect("/ws", headers=proxied) as websocket:
            assert (await websocket.receive()).type is WSMsgType.BINARY


@pytest.mark.parametrize(
    "host", ["elsewhere.example", "127.0.0.1", "127.0.0.1:1", "localhost.elsewhere.example:{port}", ""]
)
async def test_on_loopback_another_name_is_refused(host: str) -> None:
    async with visiting() as client:
        asked = host.format(port=client.port)
        for path in ("/", "/ws", "/static/js/textual.js"):
            assert await status(client, path, Host=asked, Origin=own_origin(client)) == 403, path


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LocalHost", "[::1]"])
async def test_on_loopback_its_own_names_are_served_without_a_token(name: str) -> None:
    async with visiting() as client:
        assert await status(client, Host=f"{name}:{client.port}") == 200


@pytest.mark.parametrize(
    "origin",
    [None, "null", "http://elsewhere.example", "http://localhost", "http://localhost:1", "file://127.0.0.1:{port}"],
)
async def test_on_loopback_another_page_gets_no_websocket(origin: str | None) -> None:
    async with visiting() as client:
        headers = {} if origin is None else {"Origin": origin.format(port=client.port)}
        assert await refused_websocket(client, **headers) == 403


async def test_on_loopback_a_token_of_the_users_is_asked_for_too() -> None:
    async with visiting(access_for("localhost", 1, remote=False, token=TOKEN)) as client:
        own = {"Host": "localhost:1"}
        assert await status(client, **own) == 403
        assert await status(client, **own, Cookie=f"{COOKIE}={TOKEN}") == 200


async def test_every_answer_forbids_requests_to_elsewhere() -> None:
    async with visiting() as client:
        for path in ("/", "/missing", "/static/js/textual.js"):
            async with client.get(path) as response:
                policy = response.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "http" not in policy
                assert "frame-ancestors 'none'" in policy
        async with client.get("/", headers={"Host": "elsewhere.example"}) as response:
            assert response.headers["Content-Security-Policy"] == policy


async def process_id(websocket: aiohttp.ClientWebSocketResponse) -> int:
    return int(await websocket.receive_bytes())


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


async def test_a_visitor_talks_to_a_process_of_its_own_and_both_end_together() -> None:
    async with visiting() as client:
        connect = {"Origin": own_origin(client)}
        async with client.ws_connect("/ws", headers=connect) as one, client.ws_connect("/ws", headers=connect) as two:
            processes = [await process_id(one), await process_id(two)]
            assert processes[0] != processes[1]
            await one.send_str(json.dumps(["stdin", "grüße"]))
            assert (await one.receive_bytes()).decode() == "grüße"
            # The process ends there without a word, and its page is told.
            assert (await one.receive()).type is WSMsgType.CLOSE
    assert all(gone(process) for process in processes)


@pytest.mark.parametrize("message", ["{}", "no json", '["stdin"]', '["stdin", 3]', '["resize", []]', "[]"])
async def test_a_message_that_no_page_sends_ends_the_session_quietly(
    message: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with visiting() as client, client.ws_connect("/ws", headers={"Origin": own_origin(client)}) as websocket:
        process = await process_id(websocket)
        await websocket.send_str(message)
        assert (await websocket.receive()).type is WSMsgType.CLOSE
    assert gone(process)
    assert not caplog.records


async def test_a_process_that_does_not_end_is_killed_when_its_visitor_has_left() -> None:
    async with visiting(app=DEAF, stop_s=0.0) as client:
        websocket = await client.ws_connect("/ws", headers={"Origin": own_origin(client)})
        process = await process_id(websocket)
        assert not gone(process)
        await websocket.close()
    assert gone(process)


async def test_the_server_ends_its_visitors_processes() -> None:
    async with visiting(app=DEAF, stop_s=0.0) as client:
        websocket = await client.ws_connect("/ws", headers={"Origin": own_origin(client)})
        process = await process_id(websocket)
        closing, received = asyncio.create_task(client.server.close()), await websocket.receive()
        assert (received.type, received.data) == (WSMsgType.CLOSE, aiohttp.WSCloseCode.GOING_AWAY)
        await closing
        assert gone(process)


def test_remote_never_goes_without_a_token_and_each_start_makes_another() -> None:
    first, second = (access_for("127.0.0.1", 8765, remote=True, token=None) for _ in range(2))
    assert first.token is not None
    assert len(first.token) >= 40
    assert first.token != second.token
    assert first.token not in repr(first)


@pytest.mark.parametrize("token", ["", "short", "sixteen letters!", "ä" * 16, "a" * 15])
def test_a_token_that_is_weak_or_breaks_an_address_is_refused(token: str) -> None:
    with pytest.raises(BadInputError, match="CQTUI_SERVE_TOKEN") as refused:
        access_for("127.0.0.1", 8765, remote=True, token=token)
    assert token == "" or token not in str(refused.value)


def test_at_the_port_that_browsers_leave_out_names_go_without() -> None:
    access = access_for("127.0.0.1", 80, remote=False, token=None)
    assert access.serves("localhost")
    assert access.serves("localhost:80")
    assert access.is_own_page("http://127.0.0.1", "127.0.0.1")
    assert not access_for("127.0.0.1", 8765, remote=False, token=None).serves("localhost")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_an_address_that_other_machines_reach_is_refused(host: str) -> None:
    with pytest.raises(BadInputError, match="--allow-remote"):
        listen(host, 0, allow_remote=False)


@pytest.mark.parametrize("host", ["nowhere.invalid", "x" * 64, "a..b"])
def test_a_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(BadInputError, match="no such address"):
        listen(host, 0, allow_remote=True)


def test_an_address_of_another_machine_is_refused_in_one_line() -> None:
    with pytest.raises(BadInputError, match="Cannot listen on port 0 of 192"):
        listen("192.0.2.1", 0, allow_remote=True)


def test_a_port_in_use_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(BadInputError, match=f"Port {port} of 127.0.0.1 is in use"):
            listen("127.0.0.1", port, allow_remote=False)
