"""The native format: the shape that cqtui writes itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Skipped
from cqtui.importers.messages import completion_of, is_replayable, messages_of, params_of
from cqtui.models import LoggedCall, Origin, Usage

COUNTS = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
FOREIGN = ("choices", "request", "response", "body", "run_type")


class NativeImporter:
    """Reads ``messages`` (or ``prompt``) with an optional ``completion``."""

    name = "native"

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with messages and a completion, less so with less."""
        if any(key in record for key in FOREIGN):
            return 0.0
        if isinstance(base.structured(record.get("messages")), list):
            if "completion" in record:
                return 0.9
            return 0.7 if "id" in record and "model" in record else 0.3
        if isinstance(record.get("prompt"), str | list):
            return 0.6 if "completion" in record else 0.2
        return 0.0

    def read(self, record: Mapping[str, Any], origin: Origin) -> LoggedCall | Skipped:
        """The call in the record."""
        notes: list[str] = []
        messages = messages_of(record.get("messages", record.get("prompt")), notes)
        if not is_replayable(messages):
            return Skipped("no message has content", origin)
        answer = record.get("completion")
        if isinstance(answer, str):
            answer = {"content": answer}
        completion = completion_of(answer, notes) if isinstance(answer, dict) else None
        reason = answer.get("finish_reason") if isinstance(answer, dict) else None
        logged = base.mapping(record.get("usage"))
        usage = Usage(**{key: base.count(logged.get(key), key, notes) for key in COUNTS})
        metadata = dict(base.mapping(record.get("metadata")))
        score = base.mapping(record.get("feedback")).get("score")
        found = base.number(score, "score", notes)
        if found is not None and found > 1:
            metadata["raw_score"] = score
            base.note(notes, "score outside 0..1 kept as metadata")
            found = None
        tags = record.get("tags")
        model = base.text_or_none(record.get("model"))
        provider = base.text_or_none(record.get("provider"))
        return LoggedCall(
            id=base.text_or_none(record.get("id")) or base.content_id(self.name, model, messages, completion),
            time=base.instant(record.get("timestamp", record.get("time")), notes),
            model=model,
            provider=provider.lower() if provider else None,
            messages=messages,
            params=params_of(base.mapping(record.get("params")), ()),
            completion=completion,
            finish_reason=base.finish(record.get("finish_reason") if reason is None else reason),
            usage=base.checked_usage(usage, notes),
            latency_ms=base.count(record.get("latency_ms"), "latency_ms", notes),
            ttft_ms=base.count(record.get("ttft_ms"), "ttft_ms", notes),
            cost_usd=base.money(record.get("cost_usd"), notes),
            user=base.text_or_none(record.get("user")),
            session=base.text_or_none(record.get("session")),
            tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
            metadata=metadata,
            score=found,
            origin=base.with_notes(origin, notes),
        )
