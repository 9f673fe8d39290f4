"""OpenAI's fine-tuning files: conversations that end with the answer, and preferences between two answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Importer
from cqtui.importers.params import params_of
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.reasons import NO_CONTENT

PREFERENCE = ("input", "preferred_output", "non_preferred_output")

# A record with any of these is a logged call, not an example to learn from.
_LOGGED = frozenset({"id", "model", "choices", "completion", "request", "response", "output", "run_type", "type"})


class OpenAIFineTuneImporter(Importer):
    """Reads examples: the last message of the assistant is the completion, its earlier ones are prompt.

    Such files name no model, time or tokens. Of a preference the preferred answer is taken.
    """

    name = "openai_finetune"
    fields = frozenset({"messages", "tools", "parallel_tool_calls", "functions", *PREFERENCE})

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure of a conversation that ends with the assistant and says nothing of a call."""
        if all(name in record for name in PREFERENCE):
            return 0.95
        messages = base.structured(record.get("messages"))
        if not isinstance(messages, list) or not messages or not _LOGGED.isdisjoint(record):
            return 0.0
        return 0.9 if _is_answer(messages[-1]) else 0.0

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The example as a call."""
        preferred = all(name in record for name in PREFERENCE)
        example = base.mapping(record["input"]) if preferred else record
        messages = base.structured(example.get("messages"))
        if not isinstance(messages, list):
            return NoCall(NO_CONTENT)
        answer = base.structured(record["preferred_output"]) if preferred else messages[-1:]
        notes: list[str] = []
        settings = ("tools", "parallel_tool_calls", "functions")
        return RawCall(
            messages=messages if preferred else messages[:-1],
            completion=answer,
            params=params_of({name: example[name] for name in settings if name in example}, (), notes),
            metadata=base.mapping(record.get("metadata")),
            warnings=notes,
        )


def _is_answer(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") == "assistant"
