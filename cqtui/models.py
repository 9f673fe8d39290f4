"""The frozen types that the rooms hand each other. No behaviour beyond what a value says of itself."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Tier = Literal["fast", "medium", "slow", "unknown"]
Reliability = Literal["high", "medium", "low", "unknown"]
PartKind = Literal["text", "image", "audio", "file", "other"]
Role = Literal["system", "developer", "user", "assistant", "tool"]


class Frozen(BaseModel):
    """An immutable value; unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(Frozen):
    """One content part of a message; ``raw`` keeps a non-text part in OpenAI's wire shape."""

    kind: PartKind = "text"
    text: str | None = None
    raw: dict[str, Any] | None = None


class ToolCall(Frozen):
    """A tool call; ``arguments`` is the JSON text as the model wrote it, even where it is cut off."""

    name: str
    arguments: str
    id: str | None = None


class Message(Frozen):
    """One message of a prompt."""

    role: Role
    parts: tuple[Part, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None

    @property
    def text(self) -> str:
        """The text parts, joined without a separator."""
        return "".join(part.text or "" for part in self.parts if part.kind == "text")


class Completion(Frozen):
    """What a model answered. ``text`` None differs from an empty string."""

    text: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: str | None = None


class Usage(Frozen):
    """Token counts of one call. None is unknown, never 0.

    ``input_tokens`` is the total with cached tokens inside; ``output_tokens`` has reasoning tokens inside.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


class Origin(Frozen):
    """Where a record was read: file, format, 1-based line, and what was odd about it."""

    file: str
    format: str
    line: int | None = None
    warnings: tuple[str, ...] = ()


class LoggedCall(Frozen):
    """One call of the user's log, in one shape whatever the log's format."""

    id: str
    time: datetime | None = None
    model: str | None = None
    provider: str | None = None
    messages: tuple[Message, ...]
    params: dict[str, Any] = {}
    completion: Completion | None = None
    finish_reason: str | None = None
    usage: Usage = Usage()
    latency_ms: int | None = None
    ttft_ms: int | None = None
    cost_usd: Decimal | None = None
    user: str | None = None
    session: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    score: float | None = None
    origin: Origin

    @property
    def is_baseline(self) -> bool:
        """Whether the call has an answer to compare with: a completion text, refusal or tool call."""
        answer = self.completion
        return answer is not None and (answer.text is not None or bool(answer.tool_calls) or answer.refusal is not None)


class PriceTier(Frozen):
    """A cliff: when total input exceeds ``above_input_tokens`` the whole request is charged at this price."""

    above_input_tokens: int
    input: Decimal
    output: Decimal


class PriceChange(Frozen):
    """A price that holds from ``effective`` on."""

    effective: date
    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None


class Price(Frozen):
    """List price in USD per 1,000,000 tokens. None is unknown."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    batch_input: Decimal | None = None
    batch_output: Decimal | None = None


class ModelEntry(Frozen):
    """One model of the registry. A capability of None is unknown, not false."""

    id: str
    display_name: str
    provider: str
    family: str
    portkey_slug: str
    model: str
    is_active: bool
    price: Price | None = None
    price_tiers: tuple[PriceTier, ...] = ()
    price_changes: tuple[PriceChange, ...] = ()
    aliases: tuple[str, ...] = ()
    rank: int | None = None
    context_window: int | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    supports_json_mode: bool | None = None
    supports_function_calling: bool | None = None
    supports_vision: bool | None = None
    supports_reasoning: bool | None = None
    strengths: tuple[str, ...] | None = None
    latency_tier: Tier = "unknown"
    reliability_tier: Reliability = "unknown"
    rate_limit_rpm: int | None = None
    version: str = ""
    released: date | None = None
    deprecated: date | None = None
    successor: str | None = None
    note: str | None = None


class Conflict(Frozen):
    """A contradiction in the registry, kept and shown rather than resolved in silence."""

    model_id: str
    kind: str
    details: str
