"""Progress for people and for CI: folds events into counts and prints a plain line now and then, to stderr."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import click

from cqtui.cli.lines import columns
from cqtui.engine.run_state import RunState
from cqtui.errors import BadInputError
from cqtui.events import (
    EVENT,
    BatchJobSubmitted,
    CandidateStopped,
    ConcurrencyChanged,
    Event,
    EventSink,
    RunStarted,
    StageStarted,
)
from cqtui.report.filters import plain

PLAIN_INTERVAL_S = 10.0
LIVE_INTERVAL_S = 0.2
FLUSH_INTERVAL_S = 0.5


class ProgressLines:
    """A line every 10 s where stderr is a file or CI; one line redrawn in place where it is a terminal."""

    def __init__(self, *, live: bool, clock: Callable[[], float] = time.monotonic) -> None:
        """Choose the style."""
        self.state = RunState()
        self._live = live
        self._clock = clock
        self._interval = LIVE_INTERVAL_S if live else PLAIN_INTERVAL_S
        self._last = clock()

    def __call__(self, event: Event, /) -> None:
        """Take an event."""
        self.state.apply(event)
        if _is_told(event):
            self._say(plain(self.state.happenings[-1].text))
        self.tick()

    def tick(self) -> None:
        """Print the line when its time has come."""
        now = self._clock()
        if now - self._last >= self._interval and self.state.tried:
            self._last = now
            self._draw(self.state.line())

    def close(self) -> None:
        """End the line that is redrawn."""
        if self._live and self.state.tried:
            self._draw(self.state.line())
            click.echo("", err=True)

    def _say(self, text: str) -> None:
        if self._live:
            click.echo("\r\x1b[2K", err=True, nl=False)
        click.echo(text, err=True)

    def _draw(self, line: str) -> None:
        if self._live:
            # A longer line would go on in the next row, which \r does not return from.
            click.echo(f"\r\x1b[2K{line[: min(118, columns() - 1)]}", err=True, nl=False)
        else:
            click.echo(line, err=True)


def _is_told(event: Event) -> bool:
    """Whether an event gets a line of its own; the redrawn line tells the rest."""
    if isinstance(event, RunStarted):
        return event.resumed
    if isinstance(event, StageStarted):
        return event.stage == "verify" and event.iteration > 1
    return isinstance(event, CandidateStopped | BatchJobSubmitted | ConcurrencyChanged)


class EventFile:
    """Writes every event to a JSON Lines file."""

    def __init__(self, path: Path) -> None:
        """Open the file; raises BadInputError where it cannot be written."""
        self._flushed = 0.0
        try:
            self._file: IO[str] = path.open("w", encoding="utf-8")
        except OSError as error:
            raise BadInputError(f"{path}: {error.strerror}.", "Name a file that can be written.") from None

    def __call__(self, event: Event, /) -> None:
        """Write one line; a reader who follows the file sees it within half a second, while events come."""
        self._file.write(EVENT.dump_json(event).decode() + "\n")
        now = time.monotonic()
        if now - self._flushed >= FLUSH_INTERVAL_S:
            self._flushed = now
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def fan_out(sinks: list[EventSink]) -> EventSink:
    """One sink that hands each event to several."""

    def sink(event: Event, /) -> None:
        for each in sinks:
            each(event)

    return sink
