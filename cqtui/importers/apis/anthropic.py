"""Anthropic's Messages API, also as Bedrock and Vertex serve it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.apis import PERSONAL, Answered, Asked
from cqtui.importers.apis.usage import vendor_usage
from cqtui.importers.params import params_of
from cqtui.importers.raw import NoCall
from cqtui.importers.reasons import run_by_vendor

SILENT_REFUSAL = "The model refused without saying why."

_HOSTED = ("server_tool_use", "mcp_tool_use", "container_upload")
_VERSIONS = ("anthropic_version", "anthropic_beta", "betas", "inference_geo", "cache_control", "context_management")
_CONTENT = ("model", "messages", "system", "mcp_servers", "container")
_NOT_PARAMS = (*_CONTENT, *_VERSIONS, *PERSONAL)


def asked(request: Mapping[str, Any]) -> Asked | NoCall:
    """The messages, after the system prompt."""
    for name in ("mcp_servers", "container"):
        if request.get(name):
            return NoCall(run_by_vendor(name))
    messages = base.structured(request.get("messages"))
    if (foreign := hosted_block(_blocks(messages))) is not None:
        return NoCall(foreign)
    warnings: list[str] = []
    params = params_of(request, _NOT_PARAMS, warnings)
    system = request.get("system")
    about = dict(base.mapping(request.get("metadata")))
    return Asked(
        messages=[{"role": "system", "content": system}, *_list(messages)] if system else messages,
        model=request.get("model"),
        params=params,
        user=about.pop("user_id", None),
        metadata=about,
        provider="anthropic",
        warnings=tuple(warnings),
    )


def answered(response: Mapping[str, Any]) -> Answered | NoCall:
    """The text and the tool calls of a message; thinking is no part of the answer."""
    content = response.get("content")
    if (foreign := hosted_block(_list(content))) is not None:
        return NoCall(foreign)
    logged = base.mapping(response.get("usage"))
    usage, warnings = vendor_usage(logged, "anthropic", "default")
    tier, speed = base.text_or_none(logged.get("service_tier")), base.text_or_none(logged.get("speed"))
    refused = response.get("stop_reason") == "refusal"
    shown = [block for block in _list(content) if base.type_of(block) not in ("thinking", "redacted_thinking")]
    completion: dict[str, Any] = {"role": "assistant", "content": shown or ""}
    if refused and not shown:
        said = base.text_or_none(base.mapping(response.get("stop_details")).get("explanation"))
        completion = {"role": "assistant", "content": None, "refusal": said or SILENT_REFUSAL}
    return Answered(
        completion=completion,
        id=response.get("id"),
        model=response.get("model"),
        finish_reason=response.get("stop_reason"),
        usage=usage,
        metadata={
            **({} if tier in (None, "standard") else {"service_tier": tier}),
            **({} if speed in (None, "standard") else {"speed": speed}),
        },
        provider="anthropic",
        warnings=warnings,
    )


def hosted_block(blocks: Iterable[Any]) -> str | None:
    """Why content cannot be replayed: a block of a tool that the vendor runs; or None."""
    for block in blocks:
        kind = base.type_of(block)
        if kind is not None and (kind in _HOSTED or kind.endswith("_tool_result")):
            return run_by_vendor(kind)
    return None


def _blocks(messages: Any) -> Iterator[Any]:
    for message in _list(messages):
        if isinstance(message, dict):
            yield from _list(message.get("content"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
