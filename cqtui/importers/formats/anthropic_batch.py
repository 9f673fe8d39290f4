"""Anthropic's message batches: the requests that were sent and the results file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.batch_lines import BatchImporter, BatchJoin
from cqtui.importers.raw import NoCall
from cqtui.importers.reasons import failed

OUTCOMES = ("succeeded", "errored", "canceled", "expired")


class AnthropicBatchImporter(BatchImporter):
    """Reads the requests and the results of Anthropic's message batches."""

    name = "anthropic_batch"
    fields = frozenset({"custom_id", "params", "result"})

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with the keys of a request, of a result or of a whole batch as it is created."""
        return 1.0 if _requests(record) is not None else super().sniff(record)

    def unfold(self, record: Mapping[str, Any]) -> list[Any] | None:
        """The requests of a whole batch."""
        return _requests(record)

    def is_input(self, record: Mapping[str, Any]) -> bool:
        """Whether the record is a request of a batch."""
        return "custom_id" in record and isinstance(base.structured(record.get("params")), dict)

    def is_output(self, record: Mapping[str, Any]) -> bool:
        """Whether the record is a result."""
        return "custom_id" in record and base.mapping(record.get("result")).get("type") in OUTCOMES

    def failure_of(self, record: Mapping[str, Any]) -> str | None:
        """Why a result holds no message; None where it holds one."""
        result = base.mapping(record.get("result"))
        if result.get("type") == "succeeded" and isinstance(result.get("message"), dict):
            return None
        # The error stands in an error response, which is an object of the same name.
        error = base.mapping(result.get("error"))
        error = base.mapping(error.get("error")) or error
        return failed(error.get("message") or error.get("type") or result.get("type"))

    def request_of(self, record: Mapping[str, Any]) -> Mapping[str, Any] | NoCall:
        """The parameters of the message that was asked for."""
        return base.mapping(record.get("params"))

    def response_of(self, record: Mapping[str, Any]) -> Any:
        """The message."""
        return base.mapping(record.get("result")).get("message")


def _requests(record: Mapping[str, Any]) -> list[Any] | None:
    found = record.get("requests")
    if not isinstance(found, list) or not all(isinstance(one, dict) and "params" in one for one in found):
        return None
    return found if found and "custom_id" in found[0] else None


class AnthropicBatchJoin(BatchJoin):
    """Joins the requests and the results of Anthropic's message batches."""

    importer = AnthropicBatchImporter()
