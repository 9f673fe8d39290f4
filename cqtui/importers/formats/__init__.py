"""The formats that are read, and which of them a record is in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from typing import Any

from cqtui.importers.base import Importer, Join, Row, mapping
from cqtui.importers.columns import ALIASES
from cqtui.importers.csv_table import CsvImporter
from cqtui.importers.formats.anthropic_batch import AnthropicBatchImporter, AnthropicBatchJoin
from cqtui.importers.formats.anthropic_messages import AnthropicMessagesImporter
from cqtui.importers.formats.azure_openai import AzureOpenAIImporter
from cqtui.importers.formats.braintrust import BraintrustImporter, VersionJoin
from cqtui.importers.formats.gemini import GeminiImporter
from cqtui.importers.formats.helicone import HeliconeImporter
from cqtui.importers.formats.langfuse import LangfuseImporter
from cqtui.importers.formats.langfuse_scores import ScoreJoin
from cqtui.importers.formats.langsmith import LangSmithImporter
from cqtui.importers.formats.litellm import LiteLLMImporter
from cqtui.importers.formats.llm_sqlite import LlmSqliteImporter
from cqtui.importers.formats.native import NativeImporter
from cqtui.importers.formats.openai_batch import OpenAIBatchImporter, OpenAIBatchJoin
from cqtui.importers.formats.openai_chat import OpenAIChatImporter
from cqtui.importers.formats.openai_finetune import OpenAIFineTuneImporter
from cqtui.importers.formats.openai_responses import OpenAIResponsesImporter
from cqtui.importers.formats.otel_genai import OTelGenAIImporter
from cqtui.importers.formats.portkey import PortkeyImporter
from cqtui.importers.formats.promptfoo import PromptfooImporter
from cqtui.importers.formats.sharegpt import ShareGPTImporter, WildChatImporter
from cqtui.importers.formats.ui_messages import UIMessageImporter, UIMessageJoin
from cqtui.importers.formats.vercel_ai import VercelAIImporter

# Where two are equally sure of a record, the first has it.
IMPORTERS: tuple[Importer, ...] = (
    LlmSqliteImporter(),
    OTelGenAIImporter(),
    VercelAIImporter(),
    PromptfooImporter(),
    LangfuseImporter(),
    LangSmithImporter(),
    BraintrustImporter(),
    LiteLLMImporter(),
    PortkeyImporter(),
    HeliconeImporter(),
    OpenAIBatchImporter(),
    AnthropicBatchImporter(),
    OpenAIResponsesImporter(),
    AnthropicMessagesImporter(),
    GeminiImporter(),
    AzureOpenAIImporter(),
    OpenAIChatImporter(),
    NativeImporter(),
    OpenAIFineTuneImporter(),
    WildChatImporter(),
    ShareGPTImporter(),
    UIMessageImporter(),
    CsvImporter(),
)
# Formats whose calls stand in several records.
JOINS: Mapping[str, type[Join]] = {
    LangfuseImporter.name: ScoreJoin,
    BraintrustImporter.name: VersionJoin,
    OpenAIBatchImporter.name: OpenAIBatchJoin,
    AnthropicBatchImporter.name: AnthropicBatchJoin,
    UIMessageImporter.name: UIMessageJoin,
}
_BY_NAME = {importer.name: importer for importer in IMPORTERS}
ENVELOPES = ("data", "runs", "items", "results", "records", "logs", "rows", "events")

SURE = 0.9
NEAREST = 3
CLOSE = 0.8
NAMED_FIELDS = 12
MOST_COMPARED = 50
LONGEST_NAME = 40


def importer_named(name: str) -> Importer:
    """The importer of a format by the format's name."""
    return _BY_NAME[name]


class Detection:
    """Says of each record which importer reads it; records of the same fields as earlier ones cost little."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], Importer] = {}

    def importer_of(self, record: Mapping[str, Any]) -> Importer | None:
        """The importer that is surest of the record, or None where none knows it."""
        fields = tuple(record)
        known = self._known.get(fields)
        if known is not None and known.sniff(record) >= SURE:
            return known
        score, best = max(((entry.sniff(record), entry) for entry in IMPORTERS), key=lambda pair: pair[0])
        if score <= 0:
            return None
        if score >= SURE and len(self._known) < 1000:
            self._known[fields] = best
        return best


def enveloped(record: Mapping[str, Any]) -> list[Any] | None:
    """The records in an object that only wraps a list of them, or None."""
    for name in ENVELOPES:
        inside = record.get(name)
        if isinstance(inside, list) and inside:
            return inside
    return None


def unknown_shape(record: Mapping[str, Any]) -> str:
    """Why a record is not read: which fields were seen in it, and which formats come nearest."""
    seen = ", ".join(printable(name) for name in list(record)[:NAMED_FIELDS]) or "none"
    more = f" and {len(record) - NAMED_FIELDS} more" if len(record) > NAMED_FIELDS else ""
    if isinstance(record, Row):
        prompts, answers = (", ".join(ALIASES[field]) for field in ("prompt", "completion"))
        said = f"a prompt is read from a column {prompts} or messages, an answer from {answers}"
        return f"no known column of prompts: columns {seen}{more}; {said}"
    if (inside := _recognised_inside(record)) is not None:
        return f"no known format: fields {seen}{more}; {inside}"
    near = nearest(record)
    return f"no known format: fields {seen}{more}" + (f"; nearest: {', '.join(near)}" if near else "")


def nearest(record: Iterable[str]) -> list[str]:
    """The formats that share most fields with the record, the nearest first.

    A field that few formats have says more than one that many have; a misspelt field counts half. Of a record with
    very many fields the first ``MOST_COMPARED`` are looked at, since each is compared with those of every format.
    """
    return list(_nearest(frozenset(str(name)[:LONGEST_NAME].lower() for name in islice(record, MOST_COMPARED))))


@lru_cache(maxsize=256)
def _nearest(names: frozenset[str]) -> tuple[str, ...]:
    # Tables have messages of their own.
    owned = [(entry.name, {field.lower() for field in entry.fields}) for entry in IMPORTERS if entry.name != "csv"]
    owners = Counter(field for _, own in owned for field in own)
    misspelt = names - owners.keys()
    ranked = []
    for number, (format_, own) in enumerate(owned):
        close = (get_close_matches(name, own, n=1, cutoff=CLOSE) for name in misspelt)
        shared = dict.fromkeys(names & own, 1.0) | {found[0]: 0.5 for found in close if found}
        rare = sum(weight / owners[field] for field, weight in shared.items())
        ranked.append((rare + sum(shared.values()) / len(own), -number, format_))
    ranked.sort(reverse=True)
    return tuple(format_ for score, _, format_ in ranked[:NEAREST] if score > 0)


def _recognised_inside(record: Mapping[str, Any]) -> str | None:
    """Which field of a record holds one of a known format; None where none does."""
    detection = Detection()
    for name, value in list(record.items())[:NAMED_FIELDS]:
        inner = mapping(value)
        importer = detection.importer_of(inner) if inner else None
        if importer is not None and importer.sniff(inner) >= SURE:
            return f"the field {printable(name)} holds a record of {importer.name}: write that record alone"
    return None


def printable(name: str) -> str:
    """A field's name as it may be shown: ASCII, and not too long."""
    return ascii(name)[1:-1][:LONGEST_NAME]
