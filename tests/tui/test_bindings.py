"""A walk over all screens and dialogs: every action has its key, every key its words, and the footer fits."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from rich.cells import cell_len
from textual.binding import Binding
from textual.dom import DOMNode
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from cqtui.tui import navigation
from cqtui.tui.page import Page
from cqtui.tui.screens.label import LabelScreen
from cqtui.tui.screens.result import ResultScreen
from cqtui.tui.screens.run import RunScreen
from cqtui.tui.screens.samples import SampleScreen, SamplesScreen
from cqtui.tui.screens.setup import SetupScreen
from cqtui.tui.screens.start import StartScreen
from tests.tui.acting import app_of, messages, press, seen, show_result, show_start, staged
from tests.tui.stage import found_example, keep_recorded, recorded_result, settle, show_run, until

pytestmark = pytest.mark.screens

RUN = "3f2a90c1d4e5"
LETTERS = {"openai/gpt-6.1-terra": "C"}
ELSEWHERE = {"HistoryScreen", "CompareScreen", "ModelsScreen", "ProfilesScreen"}  # screens with tests of their own


async def start(pilot: Pilot[None]) -> Screen[Any]:
    return await show_start(pilot, found_example())


async def set_up(pilot: Pilot[None]) -> Screen[Any]:
    navigation.show_setup(app_of(pilot))
    screen: SetupScreen = await until(pilot, SetupScreen)
    return screen


async def run(pilot: Pilot[None]) -> Screen[Any]:
    screen, _ = await show_run(pilot, "verified", 400)
    return screen


async def run_that_ended(pilot: Pilot[None]) -> Screen[Any]:
    screen, played = await show_run(pilot, "verified", None)
    played.outcome.set_result(recorded_result("verified"))
    screen.catch_up()
    await until(pilot, ResultScreen)
    await press(pilot, "escape")
    return screen


async def result(pilot: Pilot[None]) -> Screen[Any]:
    return await show_result(pilot)


async def result_samples(pilot: Pilot[None]) -> Screen[Any]:
    screen = await show_result(pilot)
    await press(pilot, "4")
    return screen


async def samples(pilot: Pilot[None]) -> Screen[Any]:
    keep_recorded("verified")
    navigation.show_samples(app_of(pilot), RUN, LETTERS)
    screen: SamplesScreen = await until(pilot, SamplesScreen)
    return screen


async def sample(pilot: Pilot[None]) -> Screen[Any]:
    await samples(pilot)
    await settle(pilot)
    await press(pilot, "enter")
    screen: SampleScreen = await until(pilot, SampleScreen)
    return screen


async def label(pilot: Pilot[None]) -> Screen[Any]:
    keep_recorded("verified")
    pilot.app.push_screen(LabelScreen(RUN, "openai/gpt-6.1-terra", ()))
    screen: LabelScreen = await until(pilot, LabelScreen)
    return screen


Scene = Callable[[Pilot[None]], Awaitable[Screen[Any]]]
SCENES: list[Scene] = [start, set_up, run, run_that_ended, result, result_samples, samples, sample, label]
every_scene = pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)


def test_every_screen_has_its_scene() -> None:
    known = {StartScreen, SetupScreen, RunScreen, ResultScreen, SamplesScreen, SampleScreen, LabelScreen}
    assert {kind for kind in Page.__subclasses__() if kind.__name__ not in ELSEWHERE} == known


def own_bindings(node: DOMNode) -> list[Binding]:
    """The bindings that a screen or a widget of ours declares, one for each key."""
    return [
        binding
        for _, binding in node._bindings
        if any(kind.__module__.startswith("cqtui.") for kind in type(node).__mro__)
    ]


@every_scene
async def test_keys_and_words(scene: Scene) -> None:
    async with staged((80, 24)) as pilot:
        screen = await scene(pilot)
        await settle(pilot)
        active = screen.active_bindings
        actions = {name.removeprefix("action_") for name in vars(type(screen)) if name.startswith("action_")}
        bound = {binding.action.split("(")[0] for binding in own_bindings(screen)}
        assert actions <= bound, f"no key for {actions - bound}"
        for each in active.values():
            if each.node is pilot.app or type(each.node).__module__.startswith("cqtui."):
                name = each.binding.action.split("(")[0].rpartition(".")[2]
                assert inspect.isroutine(getattr(each.node, f"action_{name}", getattr(pilot.app, f"action_{name}", 0)))
                assert each.binding.description or not each.binding.show
                if each.binding.show:
                    assert each.tooltip or len(each.binding.description) >= 4, each.binding
        on_way = [screen.focused, *screen.focused.ancestors] if screen.focused else [screen]
        keys: dict[str, tuple[str, DOMNode]] = {}
        for node in on_way:
            for binding in own_bindings(node) if isinstance(node, DOMNode) else []:
                name = binding.action.split("(")[0]
                if "." not in name and node.check_action(name, ()) is False:
                    continue
                other = keys.setdefault(binding.key, (binding.action, node))
                assert other[0] == binding.action or other[1] is pilot.app or node is pilot.app, (
                    f"{binding.key}: {other} and {binding.action}"
                )
        shadowed = [
            binding.key
            for binding in own_bindings(screen)
            if screen.check_action(binding.action.split("(")[0], ())
            and (binding.key not in active or active[binding.key].node is not screen)
        ]
        assert not shadowed, "a widget takes these keys from the screen"


@every_scene
async def test_the_footer_fits(scene: Scene) -> None:
    async with staged((80, 24)) as pilot:
        screen = await scene(pilot)
        await settle(pilot)
        footer = screen.query_one(Footer)
        keys = list(footer.query(FooterKey))
        assert keys
        assert footer.max_scroll_x == 0, "the footer is cut"
        line = seen(pilot).splitlines()[-1]
        assert cell_len(line) == 80
        for key in keys:
            assert f"{key.key_display} {key.description}" in line.replace("  ", " "), key.description
        assert "Help" in line
        assert "Quit" in line


@every_scene
async def test_every_key_can_be_pressed(scene: Scene) -> None:
    async with staged((80, 24)) as pilot:
        screen = await scene(pilot)
        await settle(pilot)
        before = len(pilot.app.screen_stack)
        elsewhere = {"h", "m", "f", "q", "s"} if scene is start else {"q"}
        for key, each in sorted(screen.active_bindings.items()):
            if key in elsewhere or not each.enabled or each.node is pilot.app or each.binding.system:
                continue
            await press(pilot, key)
            assert not any(m._is_error for m in pilot.app.screen_stack if hasattr(m, "_is_error")), key
            for _ in range(8):
                if pilot.app.screen is screen or len(pilot.app.screen_stack) <= before:
                    break
                await press(pilot, "escape")
            if pilot.app.screen is not screen:
                break  # it has left the screen, as it says


@every_scene
async def test_every_command_of_the_palette_runs(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqtui.tui.engine_thread.EngineThread.start", lambda self: None)
    done: list[str] = []
    async with staged() as pilot:
        app = app_of(pilot)
        monkeypatch.setattr(app, "deliver_screenshot", lambda *a, **k: done.append("screenshot"))
        screen = await scene(pilot)
        titles = [command.title for command in app.get_system_commands(screen)]
        is_running = app.run_source is not None and not app.run_source.outcome.done()
        assert ("Set up" in titles) is not is_running, "a run under way is not left behind"
        for title in titles:
            if title == "Quit" or title not in {each.title for each in app.get_system_commands(app.screen)}:
                continue
            next(each for each in app.get_system_commands(app.screen) if each.title == title).callback()
            await settle(pilot)
            assert messages(pilot) == 0, title
            if title == "Theme":
                await press(pilot, "escape")
        if is_running:
            assert screen in app.screen_stack, "whatever is opened lies above the run"
        await next(each for each in app.get_system_commands(app.screen) if each.title == "Quit").callback()
        await settle(pilot)
        assert app._exit is not is_running


async def test_the_palette_opens_and_closes() -> None:
    async with staged() as pilot:
        screen = await start(pilot)
        await press(pilot, "ctrl+p")
        assert pilot.app.screen is not screen
        await press(pilot, "escape")
        assert pilot.app.screen is screen
