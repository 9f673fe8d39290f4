"""The calls in a database of the command-line tool ``llm``, as ``llm_database`` reads them from its tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Importer
from cqtui.importers.dialects.wire import data_part, image_part
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.tools import tools_of

TABLES = ("turns", "responses", "logs")
MEDIA = ("audio/wav", "audio/x-wav", "audio/mpeg", "audio/mp3", "application/pdf")
OUTSIDE = "an attachment is not in the database: kept as a mark"
RUN_BY_PROVIDER = "a tool that the provider ran was left out"
RESULT_ATTACHED = "an attachment of a tool's result was left out"


class LlmSqliteImporter(Importer):
    """Reads a call of either generation of tables."""

    name = "llm_sqlite"
    fields = frozenset({"llm_table", "conversation_id", "thread_id", "datetime_utc", "duration_ms", "options_json"})

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure of a record that was made from a row."""
        return 1.0 if record.get("llm_table") in TABLES else 0.0

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The call of a row."""
        get = record.get
        if problem := base.text_or_none(get("problem")):
            return NoCall(problem)
        warnings: list[str] = []
        options = base.mapping(get("options_json"))
        return RawCall(
            messages=messages_of(get("asked"), warnings),
            completion=[said for said in messages_of(get("answered"), warnings) if said["role"] != "tool"],
            id=get("id"),
            time=get("datetime_utc"),
            model=base.text_or_none(get("resolved_model")) or get("model"),
            params=params_of(options, get("schema"), get("tools")),
            usage=usage_of(get("input_tokens"), get("output_tokens"), base.mapping(get("token_details"))),
            latency_ms=get("duration_ms"),
            user=options.get("user_id"),
            session=get("session"),
            warnings=warnings,
        )


def params_of(options: Mapping[str, Any], schema: Any, tools: Any) -> dict[str, Any]:
    """A call's options, schema and tools as the parameters of a request."""
    params = {key: value for key, value in options.items() if key not in ("json_object", "user_id")}
    if isinstance(schema, dict):
        params["response_format"] = {"type": "json_schema", "json_schema": {"name": "output", "schema": schema}}
    elif options.get("json_object"):
        params["response_format"] = {"type": "json_object"}
    if definitions := tools_of(tools):
        params["tools"] = definitions
    return params


def usage_of(asked: Any, answered: Any, details: Mapping[str, Any]) -> dict[str, Any]:
    """The token counts; llm keeps the details in the words of the model's vendor."""
    reads, writes = details.get("cache_read_input_tokens"), details.get("cache_creation_input_tokens")
    total = base.count(asked, "input_tokens", [])
    if total is not None:
        # These two are Anthropic's, whose input counts only what no cache had.
        asked = total + sum(base.count(tokens, "cached_tokens", []) or 0 for tokens in (reads, writes))
    inside = base.mapping(details.get("prompt_tokens_details") or details.get("input_tokens_details"))
    outside = base.mapping(details.get("completion_tokens_details") or details.get("output_tokens_details"))
    stated = (reads, inside.get("cached_tokens"), details.get("cachedContentTokenCount"))
    cached = next((tokens for tokens in stated if tokens is not None), None)
    return {
        "input_tokens": asked,
        "output_tokens": answered,
        "cached_tokens": cached,
        "cache_write_tokens": inside.get("cache_write_tokens") if writes is None else writes,
        "reasoning_tokens": outside.get("reasoning_tokens", details.get("thoughtsTokenCount")),
    }


def messages_of(items: Any, warnings: list[str]) -> list[dict[str, Any]]:
    """Messages of typed parts as OpenAI's messages; the text of reasoning is left out."""
    found: list[dict[str, Any]] = []
    for item in base.objects_in(items):
        content: list[dict[str, Any]] = []
        calls: list[dict[str, Any]] = []
        results: list[dict[str, Any]] = []
        for part in base.objects_in(item.get("parts")):
            kind = part.get("type")
            if kind in ("tool_call", "tool_result") and part.get("server_executed"):
                base.note(warnings, RUN_BY_PROVIDER)
            elif kind == "tool_call":
                function = {"name": part.get("name"), "arguments": part.get("arguments")}
                calls.append({"id": part.get("tool_call_id"), "type": "function", "function": function})
            elif kind == "tool_result":
                if part.get("attachments"):
                    base.note(warnings, RESULT_ATTACHED)
                results.append(
                    {
                        "role": "tool",
                        "tool_call_id": part.get("tool_call_id"),
                        "name": part.get("name"),
                        "content": "" if part.get("output") is None else str(part["output"]),
                    }
                )
            elif kind == "attachment":
                content.append(attached(base.mapping(part.get("attachment")), warnings))
            elif kind != "reasoning":
                content.append({**part, "text": "" if part.get("text") is None else str(part["text"])})
        found += results
        if calls and not any(part.get("text", True) for part in content):
            # llm keeps an absent text as an empty one.
            content = []
        if content or calls or not results:
            found.append({"role": item.get("role"), "content": content or None, "tool_calls": calls})
    return found


def attached(attachment: Mapping[str, Any], warnings: list[str]) -> dict[str, Any]:
    """An attachment as a content part; one whose content lies outside the database is only marked."""
    kind = str(attachment.get("type") or "")
    data, url = attachment.get("content"), attachment.get("url")
    if isinstance(data, str) and (kind.startswith("image/") or kind in MEDIA):
        return data_part(kind, data)
    if kind.startswith("image/") and isinstance(url, str) and url:
        return image_part(url)
    base.note(warnings, OUTSIDE if data is None else f"an attachment of type {kind[:40]!r}: partially supported")
    return {"type": "attachment", "media_type": kind}
