"""OpenAI's Batch files, whose bodies are of chat completions, legacy completions or Responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base, exchange
from cqtui.importers.batch_lines import BatchImporter, BatchJoin
from cqtui.importers.raw import NoCall
from cqtui.importers.reasons import failed, failed_with_status, other_model


class OpenAIBatchImporter(BatchImporter):
    """Reads the lines of OpenAI's Batch files, and of those vendors that took them over."""

    name = "openai_batch"
    fields = frozenset({"custom_id", "method", "url", "body", "response", "error"})

    def is_input(self, record: Mapping[str, Any]) -> bool:
        """Whether the record is a line of a batch input file."""
        return all(key in record for key in ("custom_id", "method", "url", "body"))

    def is_output(self, record: Mapping[str, Any]) -> bool:
        """Whether the record is a line of a batch output or error file."""
        return all(key in record for key in ("custom_id", "response", "error"))

    def failure_of(self, record: Mapping[str, Any]) -> str | None:
        """Why an output line holds no answer; None where it holds one."""
        if record.get("error"):
            return failed(record["error"])
        response = base.mapping(record.get("response"))
        if not response:
            return failed("no response")
        status = base.number(response.get("status_code"), "status_code", [])
        if status is not None and status >= 400:
            return exchange.failure_of(base.mapping(response.get("body"))) or failed_with_status(status)
        return None

    def request_of(self, record: Mapping[str, Any]) -> Mapping[str, Any] | NoCall:
        """The request in an input line; embeddings and moderations have an input, too, but no text comes back."""
        body, url = base.mapping(record.get("body")), str(record.get("url"))
        if "messages" in body or "prompt" in body or ("input" in body and "responses" in url):
            return body
        return NoCall(other_model(url))

    def response_of(self, record: Mapping[str, Any]) -> Any:
        """The body of the response."""
        return base.mapping(record.get("response")).get("body")


class OpenAIBatchJoin(BatchJoin):
    """Joins the lines of OpenAI's Batch files."""

    importer = OpenAIBatchImporter()
