"""Writes a run's events down."""

from __future__ import annotations

import asyncio

from cqtui.events import Event, EventSink
from cqtui.store import runs
from cqtui.store.database import Database

JOURNAL_INTERVAL_S = 0.05


class Journal:
    """Hands each event to the front end's sink at once, and to the store with those that follow it closely."""

    def __init__(self, database: Database, sink: EventSink, *, keep_text: bool) -> None:
        """Without ``keep_text`` the store's events lack what providers said; the sink's never do."""
        self._database = database
        self._sink = sink
        self._keep_text = keep_text
        self._pending: list[Event] = []

    def __call__(self, event: Event, /) -> None:
        """Take one event."""
        if not self._pending:
            asyncio.get_running_loop().call_later(JOURNAL_INTERVAL_S, self.flush)
        self._pending.append(event)
        self._sink(event)

    def flush(self) -> None:
        """Store what is pending."""
        if self._pending:
            events, self._pending = self._pending, []
            self._database.submit(lambda c: runs.append_events(c, events, keep_text=self._keep_text))
