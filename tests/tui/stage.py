"""Puts the app on a stage: recorded runs in place of the engine, a store that holds one, and ways to wait for it."""

from __future__ import annotations

import functools
import gzip
import json
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static

from cqtui.environment import database_path
from cqtui.events import EVENT, Event
from cqtui.results import Recommendation
from cqtui.samples import Sample
from cqtui.store import records, runs
from cqtui.store.database import Database
from cqtui.store.samples import keep_sample
from cqtui.tui import navigation
from cqtui.tui.app import CqtuiApp
from cqtui.tui.screens.run import RunScreen
from cqtui.tui.workspace import Choices, Found, example_choices, look

FOLDER = Path(__file__).parents[1] / "data" / "tui"
AS_OF = date(2026, 11, 25)
SIZES = ((80, 24), (120, 40))
CASES = ("verified", "keep", "inconclusive", "forced", "rehearsal")


def _read(name: str) -> str:
    return gzip.decompress((FOLDER / name).read_bytes()).decode()


def recorded_events(case: str) -> list[Event]:
    """The events of a recorded run; see ``record.py``."""
    return [EVENT.validate_json(line) for line in _read(f"{case}.events.jsonl.gz").splitlines()]


def recorded_result(case: str) -> Recommendation:
    """Its result."""
    return Recommendation.model_validate_json(_read(f"{case}.result.json.gz"))


def recorded_samples(case: str) -> list[tuple[Sample, str]]:
    """Its first samples, each with its prompt."""
    return [(Sample.model_validate(value), prompt) for value, prompt in json.loads(_read(f"{case}.samples.json.gz"))]


def keep_recorded(case: str, extra: Sequence[tuple[Sample, str]] = ()) -> Recommendation:
    """Put a recorded run into the store of the working directory."""
    result = recorded_result(case)
    found = [*recorded_samples(case), *extra]
    with Database(database_path()) as store:
        store.run(lambda c: runs.start_run(c, result.run_id, "plan", result.provider))
        store.run(lambda c: runs.append_events(c, recorded_events(case)))
        store.run(lambda c: records.keep_prompts(c, {s.pair.record_id: prompt for s, prompt in found}, "support"))
        for sample, _ in found:
            store.run(partial(keep_sample, run_id=result.run_id, sample=sample))
        store.run(lambda c: runs.finish_run(c, result.run_id, result.model_dump(mode="json")))
    return result


@dataclass
class PlayedRun:
    """A run that plays back what was recorded, as far as it is told to; it takes down what it is asked to do."""

    coming: list[Event]
    events: deque[Event] = field(default_factory=deque)
    outcome: Future[Recommendation] = field(default_factory=Future)
    asked: list[str] = field(default_factory=list)
    last: datetime = datetime(2026, 11, 25, 14, 2, tzinfo=UTC)

    def now(self) -> datetime:
        return self.last

    def play(self, count: int | None = None) -> None:
        """Let the next events come, or all of them."""
        taken = self.coming if count is None else self.coming[:count]
        self.coming = self.coming[len(taken) :]
        self.events.extend(taken)
        self.last = taken[-1].at if taken else self.last

    def pause(self) -> None:
        self.asked.append("pause")

    def resume(self) -> None:
        self.asked.append("resume")

    def stop(self) -> None:
        self.asked.append("stop")

    def abandon(self) -> None:
        self.asked.append("abandon")

    def set_concurrency(self, calls: int) -> None:
        self.asked.append(f"concurrency {calls}")


def example_app() -> CqtuiApp:
    """The app on the bundled example."""
    return CqtuiApp(example=True)


def found_example(**session: Any) -> Found:
    """What the app finds in the bundled example on the day of the tests; read once for each set of values."""
    return _found_example(tuple(sorted(session.items())))


@functools.cache
def _found_example(session: tuple[tuple[str, Any], ...]) -> Found:
    choices = example_choices()
    values = {**choices.session, "as_of": AS_OF, **dict(session)}
    return look(Choices(choices.config, session=values, is_example=True))


async def until(pilot: Pilot[None], kind: type[Screen[Any]]) -> Any:
    """Wait until a screen of a kind is on top; gives it."""
    app = pilot.app
    for _ in range(400):
        await app.workers.wait_for_complete()
        await pilot.pause()
        if isinstance(app.screen, kind):
            return app.screen
    raise AssertionError(f"{kind.__name__} did not come; there is {app.screen}")


async def settle(pilot: Pilot[None]) -> None:
    """Let everything that is under way finish."""
    for _ in range(3):
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()


class StagedApp(CqtuiApp):
    """The app without its own first screen: a test says what is shown."""

    def _open(self) -> None:
        """Nothing of its own."""


async def show_run(pilot: Pilot[None], case: str, count: int | None = None) -> tuple[RunScreen, PlayedRun]:
    """Show a recorded run, as far as ``count`` events."""
    app = pilot.app
    assert isinstance(app, CqtuiApp)
    played = PlayedRun(recorded_events(case))
    played.play(count)
    app.found = found_example(provider="rehearsal" if case == "rehearsal" else "portkey")
    await settle(pilot)
    navigation.show_run(app, played, app.found)
    screen = await until(pilot, RunScreen)
    screen.catch_up()
    pace = screen.query_one("#pace", Static)
    while not str(pace.content):  # the first paint waits for the first layout
        await pilot.pause()
    await settle(pilot)
    screen.paint_plot()  # else as often as the clock allows
    await settle(pilot)
    return screen, played
