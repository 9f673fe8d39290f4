"""Looks at the log in the background: one at a time, seen where it takes longer than a moment, left by Escape."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from textual.timer import Timer
from textual.worker import Worker

from cqtui.errors import CqtuiError
from cqtui.importers import Progress, ReadStopped
from cqtui.tui.screens.reading import ReadingDialog

if TYPE_CHECKING:
    from cqtui.tui.app import CqtuiApp

T = TypeVar("T")
GROUP = "looking"
SHOWN_AFTER_S = 1.0
LEFT = "Left: all is as it was."
UNDER_WAY = "The log is being read: try again when that is over."


class Reading:
    """A look at the log under way, on a thread of its own.

    Attributes:
        progress: How far it has come; kept current by the thread.
        dialog: What shows it; None before it is shown.
        timer: Shows it in a moment.
        worker: Does it.
    """

    def __init__(self, when_left: Callable[[], None]) -> None:
        self.progress = Progress()
        self.dialog: ReadingDialog | None = None
        self.timer: Timer | None = None
        self.worker: Worker[None] | None = None
        self.when_left = when_left
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self._is_settled = False

    def seconds(self) -> float:
        """How long it has been going on."""
        return time.monotonic() - self._started

    def settle(self) -> None:
        """Say on the thread that something will now be written, so that it can be left no more.

        Raises:
            ReadStopped: It was left before.
        """
        with self._lock:
            self.progress.check()
            self._is_settled = True

    def stop(self) -> bool:
        """End it before its time; False where that is too late."""
        with self._lock:
            if not self._is_settled:
                self.progress.stop()
            return not self._is_settled


def look_behind(
    app: CqtuiApp,
    work: Callable[[Reading], T],
    then: Callable[[T], None],
    refused: Callable[[CqtuiError], None],
    when_left: Callable[[], None] = lambda: None,
) -> None:
    """Do something on a thread that may read the log; a look that is still under way is wanted no more.

    Args:
        app: The app.
        work: Done on the thread; it hands the reading's progress to what reads.
        then: Called with what came of it, in the app.
        refused: Called in the app where the work raised an error for users.
        when_left: Called in the app where the user left it.
    """
    end(app)
    reading = app.reading = Reading(when_left)

    def on_thread() -> None:
        after: Callable[[], None] | None = None  # an unforeseen error is the worker's, which the app shows
        try:
            after = partial(then, work(reading))
        except ReadStopped:
            return
        except CqtuiError as error:
            after = partial(refused, error)
        finally:
            if app.reading is reading:
                app.call_from_thread(_over, app, reading, after)

    reading.timer = app.set_timer(SHOWN_AFTER_S, lambda: show(app))
    reading.worker = app.run_worker(
        on_thread, thread=True, name=GROUP, group=GROUP, exclusive=True, exit_on_error=False
    )


def _over(app: CqtuiApp, reading: Reading, after: Callable[[], None] | None) -> None:
    if app.reading is not reading:  # left, or no longer wanted, in the last moment
        return
    _put_away(app, reading)
    if after is not None:
        after()


def show(app: CqtuiApp) -> None:
    """Show how far the look under way has come."""
    reading = app.reading
    if reading is not None and reading.dialog is None:
        reading.dialog = ReadingDialog(reading.progress, reading.seconds, lambda: leave(app, reading))
        app.push_screen(reading.dialog)


def leave(app: CqtuiApp, reading: Reading) -> None:
    """Leave a look at the log: what was there before stays."""
    if app.reading is reading and reading.stop():
        end(app)
        app.notify(LEFT, markup=False)
        reading.when_left()


def end(app: CqtuiApp) -> None:
    """Want the look under way no more, if there is one."""
    reading = app.reading
    if reading is not None:
        reading.stop()
        if reading.worker is not None:
            reading.worker.cancel()
        _put_away(app, reading)


def _put_away(app: CqtuiApp, reading: Reading) -> None:
    app.reading = None
    if reading.timer is not None:
        reading.timer.stop()
    if reading.dialog is not None:
        reading.dialog.close()


def is_free(app: CqtuiApp) -> bool:
    """Whether no look is under way, so that what is on the screen holds; else that is said."""
    if app.reading is not None:
        app.notify(UNDER_WAY, severity="warning", markup=False)
    return app.reading is None
