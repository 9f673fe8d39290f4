"""The native format: the shape that cqtui writes itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Importer, Row
from cqtui.importers.params import KNOWN, known_params, params_of
from cqtui.importers.raw import RawCall

# Parameters that stand beside the messages, where the record has none under ``params``.
SETTINGS = KNOWN.union(("functions", "function_call", "stop_sequences", "max_output_tokens", "thinking", "reasoning"))
FOREIGN = frozenset({"choices", "request", "response", "body", "run_type"})


class NativeImporter(Importer):
    """Reads ``messages`` (or ``prompt``) with an optional ``completion``."""

    name = "native"
    fields = frozenset({"messages", "completion", "id", "model", "usage", "timestamp", "prompt"})

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with messages and a completion, less so with less."""
        if not record.keys().isdisjoint(FOREIGN) or isinstance(record, Row):
            return 0.0
        messages = record.get("messages")
        if type(messages) is list or isinstance(base.structured(messages), list):
            if "completion" in record:
                # With choices it is a whole response, such as a stored completion.
                answer = record["completion"]
                return 0.0 if isinstance(answer, dict) and "choices" in answer else 0.9
            return 0.7 if "id" in record and "model" in record else 0.3
        if isinstance(record.get("prompt"), str | list):
            return 0.6 if "completion" in record else 0.2
        return 0.0

    def read(self, record: Mapping[str, Any]) -> RawCall:
        """The call in the record."""
        get = record.get
        answer, params = get("completion"), get("params")
        reason = answer.get("finish_reason") if isinstance(answer, dict) else None
        messages = get("messages", get("prompt"))
        if "system" in record:
            messages = _with_system(record["system"], messages)
        return RawCall(
            messages,
            answer,
            get("id"),
            get("timestamp", get("time")),
            get("model"),
            get("provider"),
            params_of(base.mapping(params), ()) if "params" in record else _settings(record),
            get("finish_reason") if reason is None else reason,
            base.mapping(get("usage")),
            latency_ms=get("latency_ms"),
            ttft_ms=get("ttft_ms"),
            cost_usd=get("cost_usd"),
            user=get("user"),
            session=get("session"),
            tags=get("tags"),
            metadata=base.mapping(get("metadata")),
            score=base.mapping(get("feedback")).get("score") if "feedback" in record else None,
        )


def _settings(record: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a record that has them beside its messages."""
    if SETTINGS.isdisjoint(record):
        return {}
    return known_params({name: value for name, value in record.items() if name in SETTINGS})


def _with_system(system: Any, messages: Any) -> Any:
    """The messages after a system prompt that stands beside them, unless they begin with one."""
    asked = base.structured(messages)
    asked = asked if isinstance(asked, list) else [{"role": "user", "content": messages}]
    first = asked[0] if asked else None
    has_system = isinstance(first, dict) and first.get("role") in ("system", "developer")
    if has_system or not isinstance(system, str | list) or not system:
        return messages
    return [{"role": "system", "content": system}, *asked]
