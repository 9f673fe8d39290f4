"""Runs the real open-source Portkey gateway: installed from npm once into a cache folder, on loopback only."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.integration.npm import CACHE, installed

VERSION = "1.15.2"
# npm would take newer ones, with which the gateway answers 500 in place of 246 (Portkey-AI/gateway issue 1389).
OVERRIDES = {"hono": "4.9.7", "@hono/node-server": "1.13.5"}
PRELOAD = Path(__file__).with_name("loopback.cjs")
START_TIMEOUT_S = 60.0
_ENTRY = Path("node_modules", "@portkey-ai", "gateway", "build", "start-server.js")


class GatewayError(RuntimeError):
    """The gateway could not be started."""


def installed_entry(cache: Path = CACHE) -> Path:
    """The gateway's start script, installed on first use."""
    return installed("portkey-gateway", {"@portkey-ai/gateway": VERSION}, OVERRIDES, cache) / _ENTRY


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _healthy(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{url}/", timeout=2) as response:
            return b"Gateway" in response.read()
    except OSError:
        return False


def _wait_until_healthy(process: subprocess.Popen[bytes], url: str, output: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if _healthy(url):
            return
        time.sleep(0.05)
    state = "did not answer" if process.poll() is None else f"ended with code {process.returncode}"
    raise GatewayError(f"the gateway {state}: {output.read_text(errors='replace')[-2000:]}")


class Gateway:
    """A gateway process on a loopback port of its own, which it keeps when it is started again."""

    def __init__(self, folder: Path) -> None:
        """Choose a port; ``folder`` takes what the process prints."""
        self._port = _free_port()
        self._root = f"http://127.0.0.1:{self._port}"
        self.url = f"{self._root}/v1"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process and wait until it answers."""
        command = ["node", "--require", str(PRELOAD), str(installed_entry()), f"--port={self._port}", "--headless"]
        # Nothing else is inherited: proxies, TRUSTED_CUSTOM_HOSTS and cloud variables change what the gateway does.
        surroundings = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        output = self._folder / "output.txt"
        with output.open("wb") as sink:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                env=surroundings,
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        _wait_until_healthy(self._process, self._root, output)

    def stop(self) -> None:
        """End the process in order."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            self.kill()

    def kill(self) -> None:
        """End the process at once, with all its connections."""
        if self._process is not None:
            self._process.kill()
            with self._process:
                self._process = None


@contextlib.contextmanager
def restartable_gateway() -> Iterator[Gateway]:
    """Start a gateway that the test may kill and start again."""
    with tempfile.TemporaryDirectory(prefix="cqtui-gateway-") as folder:
        gateway = Gateway(Path(folder))
        try:
            gateway.start()
            yield gateway
        finally:
            gateway.stop()


@contextlib.contextmanager
def running_gateway() -> Iterator[str]:
    """Start the gateway on a free loopback port, give its base URL (with ``/v1``), and stop it again."""
    with restartable_gateway() as gateway:
        yield gateway.url
