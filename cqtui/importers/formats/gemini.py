"""Gemini's generateContent, logged as a request and its response."""

from __future__ import annotations

from cqtui.importers.pairs import PairImporter


class GeminiImporter(PairImporter):
    """Reads pairs of Gemini's own API; through an OpenAI-compatible endpoint they are chat completions."""

    name = "gemini"
    fields = frozenset({"request", "response", "contents", "candidates", "usageMetadata", "generationConfig"})
    api = "gemini"
