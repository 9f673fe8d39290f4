"""Reads a log and says how far it has come, where that takes longer than a moment."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import click

from cqtui.cli.lines import columns
from cqtui.engine.log import Log
from cqtui.engine.optimize import log_for
from cqtui.importers import Progress
from cqtui.report.reading_words import progress_line
from cqtui.settings import Settings

FIRST_LINE_S = 1.0
LIVE_INTERVAL_S = 0.2
PLAIN_INTERVAL_S = 10.0


def log_with_progress(settings: Settings, paths: Sequence[str | Path], *, quiet: bool = False) -> Log:
    """The log; after a second a line on stderr says how far the read is.

    Raises:
        BadInputError: A file is missing, empty or not a log.
    """
    progress = Progress()
    with nullcontext() if quiet else shown(progress, live=sys.stderr.isatty()):
        return log_for(settings, paths, progress)


@contextmanager
def shown(progress: Progress, *, live: bool) -> Iterator[None]:
    """Says how far a read is while it goes on: one line redrawn on a terminal, else a line now and then."""
    over = threading.Event()
    started = time.monotonic()

    def show() -> None:
        interval = FIRST_LINE_S
        while not over.wait(interval):
            interval = LIVE_INTERVAL_S if live else PLAIN_INTERVAL_S
            line = progress_line(progress, time.monotonic() - started)
            click.echo(f"\r\x1b[K{line[: columns() - 1]}" if live else line, nl=not live, err=True)

    thread = threading.Thread(target=show, name="progress of reading", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        if live and time.monotonic() - started > FIRST_LINE_S:
            click.echo("\r\x1b[K", nl=False, err=True)
