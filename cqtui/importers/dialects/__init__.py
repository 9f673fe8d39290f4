"""The shapes that vendors and libraries give to messages, each turned into OpenAI's.

Logs hold them under any wrapper: an observability tool stores what the application sent. So they are recognised by
message, and every importer hands its messages on as they stood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cqtui.importers.dialects import otel, vercel
from cqtui.importers.dialects.anthropic import anthropic_messages
from cqtui.importers.dialects.gemini import gemini_messages
from cqtui.importers.dialects.langchain import langchain
from cqtui.importers.dialects.responses import responses_items

Dialect = Callable[[Mapping[str, Any]], list[dict[str, Any]] | None]

# Each is asked in turn for the messages in OpenAI's shape; None: the message is not in its dialect.
DIALECTS: tuple[Dialect, ...] = (
    langchain,
    anthropic_messages,
    responses_items,
    gemini_messages,
    otel.messages,
    vercel.messages,
)

# A message of these fields alone is in OpenAI's shape already, where its content is text.
PLAIN = frozenset({"role", "content", "name", "tool_call_id", "refusal"})


def openai_messages(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The message as one or more messages in OpenAI's shape; unchanged where no dialect claims it."""
    if item.keys() <= PLAIN and "role" in item and isinstance(item.get("content", 0), str | None):
        return [item]
    for dialect in DIALECTS:
        found = dialect(item)
        if found is not None:
            return list(found)
    return [item]
