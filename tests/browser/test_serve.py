"""``cqtui serve`` as its user meets it: a process, opened in Chromium."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.browser.devtools import Page, opened_page

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60.0
# xterm.js paints on a canvas, so that no element holds the text, and textual.js keeps the terminal to itself. This
# catches it while it is made; `shown` then resolves once the terminal holds some words, and tells its whole text.
CATCH_TERMINAL = """
const caught = new Promise(resolve => Object.defineProperty(Object.prototype, "_addonManager", {
  configurable: true,
  set(value) {
    Object.defineProperty(this, "_addonManager", {value, writable: true, configurable: true});
    resolve(this);
  },
}));
window.shown = async words => {
  const terminal = await caught;
  const text = () => Array.from({length: terminal.rows},
    (_, row) => terminal.buffer.active.getLine(row)?.translateToString(true) ?? "").join("\\n");
  return new Promise(resolve => {
    const look = () => text().includes(words) && resolve(text());
    terminal.onRender(look);
    look();
  });
};
"""


@asynccontextmanager
async def serving(*options: str, **environment: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """``cqtui serve --example`` on a free port, and the address that it prints."""
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cqtui", "serve", "--example", "--port", "0", *options),
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert server.stdout is not None
    try:
        line = (await server.stdout.readline()).decode()
        assert line.startswith("cqtui is at http://"), (line, await server.communicate())
        yield line.split()[-1], server
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.kill()
        await server.communicate()


async def shown(page: Page, words: str) -> str:
    """The terminal's text, as soon as it has these words."""
    text = await page.evaluate(f"shown({words!r})")
    assert isinstance(text, str)
    return text


def keep(path: Path, picture: bytes) -> bytes:
    """Keep a picture for a person to look at."""
    path.write_bytes(picture)
    return picture


def children(process: int) -> list[int]:
    """Processes that a process has started."""
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("access", ["loopback", "token"])
async def test_the_app_is_shown_takes_keys_and_asks_nobody_else(chromium: str, tmp_path: Path, access: str) -> None:
    remote = () if access == "loopback" else ("--allow-remote",)
    async with asyncio.timeout(LIMIT_S), serving(*remote) as (url, server), opened_page(chromium, tmp_path) as page:
        assert ("?token=" in url) == bool(remote)
        await page.call("Page.addScriptToEvaluateOnNewDocument", source=CATCH_TERMINAL)
        await page.call("Page.navigate", url=url)
        start = await shown(page, "Before you start")
        assert "support" in start
        assert await page.evaluate("document.fonts.check('16px \"Roboto Mono\"')")
        before = keep(tmp_path / "start.png", await page.screenshot())
        await page.press("?", text="?")
        await shown(page, "Left: what the run will do")
        assert keep(tmp_path / "help.png", await page.screenshot()) != before
        assert await page.evaluate("location.search") == ""  # no token stays in the address
        assert not await page.evaluate("document.cookie")

        own = urlsplit(url).netloc
        assert f"ws://{own}/ws" in {request.partition("?")[0] for request in page.requests}
        assert {urlsplit(request).netloc for request in page.requests if not request.startswith("data:")} == {own}
        assert page.problems == []

        visitors = children(server.pid)
        assert len(visitors) == 1
        server.send_signal(signal.SIGINT)
        assert await server.communicate() == (b"Ctrl+C ends it.\n", b"")
        assert server.returncode == 0
        assert gone(visitors[0])
        assert await page.evaluate("getComputedStyle(document.querySelector('.ended')).display") == "block"


async def test_leaving_the_app_ends_the_page_and_it_can_be_opened_again(chromium: str, tmp_path: Path) -> None:
    async with asyncio.timeout(LIMIT_S), serving() as (url, _), opened_page(chromium, tmp_path) as page:
        await page.call("Page.addScriptToEvaluateOnNewDocument", source=CATCH_TERMINAL)
        await page.call("Page.navigate", url=url)
        await shown(page, "Before you start")
        await page.evaluate(
            """globalThis.ended = new Promise(resolve => new MutationObserver(
                 () => document.activeElement.tagName === "BUTTON" && resolve("ended")).observe(
                 document.body, {attributeFilter: ["class"]})); 0"""
        )
        await page.press("q", text="q")
        assert await page.evaluate("ended") == "ended"
        keep(tmp_path / "ended.png", await page.screenshot())
        await page.press("Enter", text="\r")
        await shown(page, "Before you start")
