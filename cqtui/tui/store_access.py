"""Reads the store off the screen's event loop."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from textual.app import App

from cqtui.environment import database_path
from cqtui.errors import CqtuiError
from cqtui.store.database import Database
from cqtui.tui.screens.dialogs import error_dialog

T = TypeVar("T")


def read_store(app: App[Any], work: Callable[[sqlite3.Connection], T], then: Callable[[T | None], None]) -> None:
    """Do some work on the store on another thread, and hand what it gives to ``then``; None where there is no store.

    An error becomes a dialog; ``then`` is not called.
    """

    def read() -> None:
        path = database_path()
        try:
            if not path.is_file():
                found = None
            else:
                with Database(path) as store:
                    found = store.run(work)
        except CqtuiError as error:
            app.call_from_thread(app.push_screen, error_dialog(error))
            return
        app.call_from_thread(then, found)

    app.run_worker(read, thread=True, name="reading the store", exit_on_error=False)
