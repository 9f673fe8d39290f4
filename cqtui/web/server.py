"""textual-serve behind checks. Alone imports it, and only when a server starts (extra ``cqtui[web]``)."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from aiohttp import WSCloseCode, web
from aiohttp.typedefs import Handler
from textual_serve.app_service import AppService
from textual_serve.server import Server

from cqtui.web.access import Access

PAGE = Path(__file__).with_name("page")
STOP_S = 10.0
HEADERS = {
    # The terminal makes style sheets while it runs; scripts, and all that is fetched, are this server's own.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_UNKNOWN_NAME = "This server does not answer under that name: open the address that `cqtui serve` printed.\n"
_OTHER_PAGE = "Only this server's own page may connect; a reverse proxy must pass the Host header on.\n"
_NO_TOKEN = "The token is missing or wrong: open the whole address that `cqtui serve` printed.\n"


class AppServer(Server):
    """Starts one process of the app for each visitor that is let in.

    Args:
        command: The words of the command that starts the app.
        access: Who is let in.
        cookie: The name of the cookie that holds the token; browsers share cookies among the ports of a host.
        stop_s: For how long a process may take to end after its visitor has left; then it is killed.
    """

    def __init__(self, command: Sequence[str], access: Access, *, cookie: str, stop_s: float = STOP_S) -> None:
        super().__init__(f"exec {shlex.join(command)}")  # exec: the process to end is the app, not the shell
        self._access = access
        self._cookie = cookie
        self._stop_s = stop_s
        self._connected: set[web.WebSocketResponse] = set()
        self._endings: set[asyncio.Task[None]] = set()

    async def application(self) -> web.Application:
        """The web application with its checks."""
        app = await self._make_app()
        app.middlewares.append(self._checked)
        app.router.add_static("/page", PAGE)
        app.on_response_prepare.append(_add_headers)
        app.on_cleanup.append(self._processes_ended)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Print nothing: whoever starts the server says where it is."""

    async def on_shutdown(self, app: web.Application) -> None:
        """Send all visitors away, which ends their processes."""
        await asyncio.gather(*(each.close(code=WSCloseCode.GOING_AWAY) for each in list(self._connected)))

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """The page, whose addresses are all relative: it works under any name and behind a proxy that speaks TLS."""
        return web.FileResponse(PAGE / "index.html")

    @web.middleware
    async def _checked(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host")
        if not self._access.serves(host):
            raise web.HTTPForbidden(text=_UNKNOWN_NAME)
        at_websocket = request.match_info.route.name == "websocket"
        if at_websocket and not self._access.is_own_page(request.headers.get("Origin"), host):
            raise web.HTTPForbidden(text=_OTHER_PAGE)
        if self._access.token is not None and request.path == "/" and "token" in request.query:
            return self._admit(request)
        if not self._access.accepts(request.cookies.get(self._cookie)):
            raise web.HTTPForbidden(text=_NO_TOKEN)
        return await handler(request)

    def _admit(self, request: web.Request) -> web.Response:
        """Keep the token in a cookie, and have the browser go on without it in the address."""
        token = request.query["token"]
        if not self._access.accepts(token):
            raise web.HTTPForbidden(text=_NO_TOKEN)
        rest = request.rel_url.without_query_params("token").raw_query_string
        response = web.Response(status=303, headers={"Location": f"./?{rest}" if rest else "./"})
        response.set_cookie(self._cookie, token, httponly=True, samesite="Strict")
        return response

    async def _process_messages(self, websocket: web.WebSocketResponse, app_service: AppService) -> None:
        """As in textual-serve; besides, page and process end with each other, also when either breaks."""
        self._connected.add(websocket)
        closing = asyncio.create_task(_close_after(app_service, websocket))
        try:
            await super()._process_messages(websocket, app_service)
        except (ValueError, TypeError, LookupError, AttributeError, AssertionError):  # not what its page sends
            await websocket.close(code=WSCloseCode.INVALID_TEXT)
        finally:
            closing.cancel()
            self._connected.discard(websocket)
            ending = asyncio.create_task(_end(app_service, self._stop_s))
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)
            await asyncio.shield(ending)  # a handler that is cancelled must not leave its process behind

    async def _processes_ended(self, app: web.Application) -> None:
        await asyncio.gather(*self._endings)


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


async def _close_after(app_service: AppService, websocket: web.WebSocketResponse) -> None:
    assert app_service._task is not None
    await asyncio.wait({app_service._task})
    await websocket.close()


async def _end(app_service: AppService, stop_s: float) -> None:
    """Ask a process to end, and kill it where it does not: a run under way keeps what was paid for either way."""
    process = app_service._process
    assert process is not None

    async def ended() -> None:
        await app_service.stop()
        await process.communicate()  # what nobody reads any more would keep it from ending
        if process.stdin is not None:
            process.stdin.close()
            with contextlib.suppress(OSError):  # it had ended before it was told to: its pipe broke
                await process.stdin.wait_closed()

    ending = asyncio.create_task(ended())
    _, late = await asyncio.wait({ending}, timeout=stop_s)
    if late:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await ending


def serve(listening: socket.socket, command: Sequence[str], access: Access, *, on_start: Callable[[], None]) -> None:
    """Serve until Ctrl+C or SIGTERM; the visitors' processes have ended then.

    Args:
        listening: The socket to take visitors on; is closed.
        command: The words of the command that starts the app.
        access: Who is let in.
        on_start: Is called when visitors are taken, and a signal ends it cleanly.
    """
    server = AppServer(command, access, cookie=f"cqtui_{listening.getsockname()[1]}")
    web.run_app(
        server.application(),
        sock=listening,
        access_log=None,  # its lines would hold the token
        print=lambda _: on_start(),
        shutdown_timeout=STOP_S,
    )
