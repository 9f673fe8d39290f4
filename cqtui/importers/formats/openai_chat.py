"""OpenAI chat completions, logged as a request and its response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers.apis.chat import is_azure
from cqtui.importers.pairs import Pair, PairImporter


class OpenAIChatImporter(PairImporter):
    """Reads request and response pairs under any of the usual keys."""

    name = "openai_chat"
    fields = frozenset({"request", "response", "choices", "messages", "object"})
    api = "chat"

    def is_alone(self, record: Mapping[str, Any]) -> bool:
        """Whether the record is a chat completion without its request."""
        return super().is_alone(record) and not is_azure(record)

    def sureness(self, record: Mapping[str, Any], pair: Pair) -> float:
        """How surely a pair is a chat with OpenAI, or with a vendor that speaks the same; Azure's are its own."""
        return 0.0 if pair.is_azure else super().sureness(record, pair)
