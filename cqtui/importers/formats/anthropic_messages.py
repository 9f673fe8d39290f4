"""Anthropic's Messages API, logged as a request and its response."""

from __future__ import annotations

from cqtui.importers.pairs import PairImporter


class AnthropicMessagesImporter(PairImporter):
    """Reads pairs, also those of Bedrock and Vertex."""

    name = "anthropic_messages"
    fields = frozenset({"request", "response", "system", "stop_reason", "content", "max_tokens"})
    api = "anthropic"
