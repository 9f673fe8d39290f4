"""Chats of the Vercel AI SDK that are stored one message a record: rows of a table, or a list that is a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Importer, Join, Joined, Place, first_of
from cqtui.importers.formats.vercel_ai import is_ui_message, read_chat
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.reasons import no_model_call

CHAT_IDS = ("chatId", "chat_id", "conversationId", "conversation_id", "threadId", "thread_id")


class UIMessageImporter(Importer):
    """Recognises one message of a chat; ``UIMessageJoin`` puts them together."""

    name = "vercel_ai_ui"
    fields = frozenset({"id", "role", "parts", "createdAt", "chatId"})

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with a role and typed parts."""
        return 0.9 if "messages" not in record and is_ui_message(_with_parts(record)) else 0.0

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """No call: one message alone is none."""
        return NoCall(no_model_call("one message of a chat"))


class UIMessageJoin(Join):
    """Holds the messages until all were read: those of one chat are one call, else those of one file."""

    def __init__(self) -> None:
        self._chats: dict[tuple[str, str | None], list[tuple[Mapping[str, Any], Place]]] = defaultdict(list)

    def add(self, record: Mapping[str, Any], place: Place) -> Iterable[Joined]:
        """Keep a message."""
        chat = base.text_or_none(first_of(record, *CHAT_IDS))
        self._chats["" if chat else place.file, chat].append((_with_parts(record), place))
        return ()

    def results(self) -> Iterator[Joined]:
        """One call for each chat, its last answer; in the order of times where all have one."""
        for (_, chat), rows in self._chats.items():
            times = [base.instant(first_of(row, "createdAt", "created_at"), []) for row, _ in rows]
            known = [time for time in times if time is not None]
            if len(known) == len(rows):
                order = sorted(range(len(rows)), key=lambda number: known[number])
                rows = [rows[number] for number in order]
            call = read_chat({} if chat is None else {"chatId": chat}, [row for row, _ in rows])
            yield Joined(call, rows[-1][1], len(rows))


def _with_parts(record: Mapping[str, Any]) -> dict[str, Any]:
    """The message with its parts parsed: a table holds them as JSON text."""
    return {**record, "parts": base.structured(record.get("parts"))}
