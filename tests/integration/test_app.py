"""A run started from the screen, for real: the SDK, the open-source gateway and an upstream of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from cqtui.tui.app import CqtuiApp
from cqtui.tui.screens.dialogs import QuestionDialog
from cqtui.tui.screens.result import ResultScreen
from cqtui.tui.screens.run import RunScreen
from cqtui.tui.screens.start import StartScreen
from tests.fakes import write_log
from tests.integration.upstream import RunningUpstream
from tests.tui.stage import settle, until

pytestmark = pytest.mark.gateway


def prepare(gateway_url: str, upstream: RunningUpstream) -> None:
    """A log and a cqtui.toml in the working directory."""
    write_log(Path("log.jsonl"), 12)
    Path("cqtui.toml").write_text(
        'current_model = "gpt-5.6-terra"\nlogs = ["log.jsonl"]\n'
        'candidates = ["gpt-5.4-mini", "gpt-5.6-luna"]\n[judge]\nmodels = ["gpt-6.1-terra"]\n'
        f'[gateway]\nbase_url = "{gateway_url}"\ncustom_host = "{upstream.base_url}"\n[budget]\nusd = 20\n',
        encoding="utf-8",
    )


def stored_bytes() -> bytes:
    """The store as it lies on the disk."""
    return b"".join(path.read_bytes() for path in Path(".cqtui").iterdir() if path.is_file())


def painted_runs(monkeypatch: pytest.MonkeyPatch) -> list[RunScreen]:
    """The run screens as they are painted: a short run may be over before a test looks."""
    painted: list[RunScreen] = []
    catch_up = RunScreen.catch_up

    def noted(screen: RunScreen) -> None:
        painted.append(screen)
        catch_up(screen)

    monkeypatch.setattr(RunScreen, "catch_up", noted)
    return painted


async def test_a_run_from_the_start_screen_to_its_result(
    gateway_url: str, upstream: RunningUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    prepare(gateway_url, upstream)
    painted = painted_runs(monkeypatch)
    app = CqtuiApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, StartScreen)
        await pilot.press("s")
        question = await until(pilot, QuestionDialog)
        assert "openai" in question._text
        assert upstream.requests() == []  # nothing was sent before the answer
        await pilot.press("s")
        while not painted:
            await pilot.pause()
        while not painted[0].source.outcome.done():
            await settle(pilot)
        screen = await until(pilot, ResultScreen)
        result = screen.result
    assert result.provider == "portkey"
    assert {e.candidate.entry.model for e in result.evidence} == {"gpt-5.4-mini", "gpt-5.6-luna"}
    assert all(evidence.pairs == 12 for evidence in result.evidence)
    assert {request["model"] for request in upstream.requests()} >= {"gpt-5.4-mini", "gpt-5.6-luna", "gpt-6.1-terra"}
    assert app.summary is not None
    assert result.sentence in app.summary
    assert b"sk-test" not in stored_bytes()
