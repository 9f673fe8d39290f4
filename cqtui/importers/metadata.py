"""What an application notes of a call that names a person or holds a key: it never stays in the metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cqtui.importers.base import first_of

USERS = ("user_id", "userId", "user")
SESSIONS = (
    *("thread_id", "threadId", "session_id", "sessionId"),
    *("conversation_id", "conversationId", "chat_id", "chatId"),
)
# Parts of the names of headers and keys.
SECRETS = ("header", "api_key", "authorization")


class Noted(NamedTuple):
    """An application's notes of a call: the user and the session, which are kept hashed only, and the rest."""

    user: Any
    session: Any
    metadata: dict[str, Any]


def noted_in(metadata: Mapping[str, Any]) -> Noted:
    """The notes with user and session taken out, and without headers and keys."""
    rest = {name: value for name, value in metadata.items() if name not in USERS and name not in SESSIONS}
    return Noted(first_of(metadata, *USERS), first_of(metadata, *SESSIONS), without_secrets(rest))


def without_secrets(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values without headers and keys."""
    return {name: value for name, value in values.items() if not any(part in name.lower() for part in SECRETS)}
