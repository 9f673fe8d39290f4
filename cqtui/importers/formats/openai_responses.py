"""OpenAI's Responses API, logged as a request and its response."""

from __future__ import annotations

from cqtui.importers.pairs import PairImporter


class OpenAIResponsesImporter(PairImporter):
    """Reads pairs, and responses that were stored together with their input."""

    name = "openai_responses"
    fields = frozenset({"request", "response", "input", "output", "instructions", "object"})
    api = "responses"
