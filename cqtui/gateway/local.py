"""Real inference without a provider: llama.cpp in this process behind an OpenAI-compatible server on loopback.

The only module that imports xllamacpp, and only when a server starts (the extra ``cqtui[local]``).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cqtui.errors import BadInputError, CqtuiError

SERVED_NAME = "smollm2-135m-instruct"
CONTEXT_TOKENS = 8192
# Threads of llama.cpp wait for each other at every layer: beside any other work, two are slower than one.
DEFAULT_THREADS = 1
_HEALTH_TIMEOUT_S = 60.0
_HEALTH_INTERVAL_S = 0.05
# One thread is held by each open connection, idle ones included: more than the connections that cqtui keeps open.
_HTTP_THREADS = 64
_CLOSE_TIMEOUT_S = 10.0
_SILENT = -1


def _shut_down_sockets(port: int) -> bool:
    """Shut down this process's sockets bound to a loopback port; whether there were any but the listening one."""
    connected = False
    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        return False
    for number in numbers:
        with contextlib.suppress(OSError):
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            with socket.socket(fileno=os.dup(number)) as held:
                if held.family != socket.AF_INET or held.getsockname()[1] != port:
                    continue
                connected = connected or not held.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
                held.shutdown(socket.SHUT_RDWR)
    return connected


class LocalServer:
    """Serves one GGUF file on a free port of 127.0.0.1 while its context is open.

    One slot: calls wait for each other, and each has the whole context. Loading runs in a thread, but llama.cpp's
    binding keeps the interpreter lock meanwhile (about a second for the embedded model).
    """

    def __init__(self, path: Path, *, model: str = SERVED_NAME, threads: int | None = None) -> None:
        """Prepare a server; nothing is loaded yet.

        Args:
            path: The GGUF file.
            model: The model's name in answers and in ``/v1/models``.
            threads: Threads that compute; None is one.
        """
        self._path = path
        self._model = model
        self._threads = threads or DEFAULT_THREADS
        self._server: Any = None
        self._address = ""

    @property
    def base_url(self) -> str:
        """The URL for OpenAI clients, ending in ``/v1``; only while the server runs."""
        if self._server is None:
            raise RuntimeError("the local server is not running")
        return f"{self._address}/v1"

    async def __aenter__(self) -> Self:
        """Load the model and wait until the server answers.

        Raises:
            BadInputError: The extra is missing, or the file is not a model that llama.cpp can load.
            CqtuiError: The server does not come up.
        """
        starting = asyncio.ensure_future(asyncio.to_thread(self._start))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # A thread cannot be cancelled: wait for it, so that no server outlives the caller.
            await asyncio.wait([starting])
            if not starting.cancelled():
                starting.exception()
            await asyncio.to_thread(self._stop)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server and release the model."""
        await asyncio.to_thread(self._stop)

    def _start(self) -> None:
        try:
            import xllamacpp
        except ModuleNotFoundError:
            raise BadInputError("Local inference needs the extra.", "pip install 'cqtui[local]'") from None
        except ImportError as error:
            raise BadInputError(f"xllamacpp is installed but does not load: {error}.") from error
        if not self._path.is_file():
            raise BadInputError(f"{self._path}: no such model file.", "Run: cqtui local install smollm2")
        try:
            self._server = xllamacpp.Server(self._params(xllamacpp))
        except RuntimeError as error:
            raise BadInputError(
                f"{self._path}: llama.cpp cannot load this file.", "It must be a complete GGUF chat model."
            ) from error
        self._address = str(self._server.listening_address).rstrip("/")
        try:
            self._wait_until_healthy()
        except BaseException:
            self._stop()
            raise

    def _params(self, xllamacpp: Any) -> Any:
        params = xllamacpp.CommonParams()
        params.model.path = str(self._path)
        params.model_alias = {self._model}
        params.hostnames = ["127.0.0.1"]
        params.port = 0
        params.n_ctx = CONTEXT_TOKENS
        params.n_parallel = 1
        params.fit_params = False
        params.cpuparams.n_threads = self._threads
        params.cpuparams_batch.n_threads = self._threads
        params.n_threads_http = _HTTP_THREADS
        params.cache_ram_mib = 0
        params.verbosity = _SILENT
        params.ui = False
        params.endpoint_slots = False
        return params

    def _wait_until_healthy(self) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + _HEALTH_TIMEOUT_S
        while True:
            try:
                with opener.open(f"{self._address}/health", timeout=5):
                    return
            except (urllib.error.URLError, OSError) as error:
                if time.monotonic() > deadline:
                    raise CqtuiError(f"The local server did not come up in {_HEALTH_TIMEOUT_S:.0f} s.") from error
            time.sleep(_HEALTH_INTERVAL_S)

    def _stop(self) -> None:
        # The binding has no method for it: the server stops when its last reference goes. It then waits, holding the
        # interpreter lock, for calls that will never be answered: end their connections first.
        if self._server is None:
            return
        port = int(self._address.rsplit(":", 1)[-1]) if self._address else 0
        deadline = time.monotonic() + _CLOSE_TIMEOUT_S
        while port and _shut_down_sockets(port) and time.monotonic() < deadline:
            time.sleep(_HEALTH_INTERVAL_S)
        self._server = None
