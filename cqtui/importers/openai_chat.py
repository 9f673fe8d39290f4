"""OpenAI chat completions, logged as a request and its response."""

from __future__ import annotations

from cqtui.importers.pairs import PairImporter


class OpenAIChatImporter(PairImporter):
    """Reads request and response pairs under any of the usual keys."""

    name = "openai_chat"
    fields = frozenset({"request", "response", "choices", "messages", "object"})
    api = "chat"
