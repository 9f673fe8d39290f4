"""The native format: the shape that cqtui writes itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Importer, Row
from cqtui.importers.params import params_of
from cqtui.importers.raw import RawCall

FOREIGN = frozenset({"choices", "request", "response", "body", "run_type"})


class NativeImporter(Importer):
    """Reads ``messages`` (or ``prompt``) with an optional ``completion``."""

    name = "native"
    fields = frozenset({"messages", "completion", "id", "model", "usage", "timestamp", "prompt"})

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with messages and a completion, less so with less."""
        if not FOREIGN.isdisjoint(record) or isinstance(record, Row):
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
        answer = get("completion")
        reason = answer.get("finish_reason") if isinstance(answer, dict) else None
        return RawCall(
            messages=get("messages", get("prompt")),
            completion=answer,
            id=get("id"),
            time=get("timestamp", get("time")),
            model=get("model"),
            provider=get("provider"),
            params=params_of(base.mapping(get("params")), ()),
            finish_reason=get("finish_reason") if reason is None else reason,
            usage=base.mapping(get("usage")),
            latency_ms=get("latency_ms"),
            ttft_ms=get("ttft_ms"),
            cost_usd=get("cost_usd"),
            user=get("user"),
            session=get("session"),
            tags=get("tags"),
            metadata=base.mapping(get("metadata")),
            score=base.mapping(get("feedback")).get("score") if "feedback" in record else None,
        )
