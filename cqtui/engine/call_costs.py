"""What a call costs: by its price, at the worst, and as measured. USD. Pure."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

from cqtui.gateway.protocol import ChatRequest
from cqtui.models import ModelEntry, Replay, Usage
from cqtui.registry.pricing import cost_of

TOKENS_A_PART = 4096  # an image or file part counts at most this much, generously
TOKENS_A_MESSAGE = 16


def price_of(entry: ModelEntry, usage: Usage, as_of: date, *, batch: bool = False) -> Decimal | None:
    """What a call costs in USD: in a batch job the batch price, where the provider has one."""
    halved = cost_of(entry, usage, as_of, batch=True) if batch else None
    return cost_of(entry, usage, as_of) if halved is None else halved


def worst_case_usd(
    request: ChatRequest, entry: ModelEntry, max_output_tokens: int, as_of: date, *, batch: bool = False
) -> Decimal | None:
    """The most that a call can cost in USD, or None where the price is unknown.

    A token is at least one byte of UTF-8, so the body's bytes bound the input tokens.
    """
    size = len(json.dumps(request.body(), ensure_ascii=False).encode())
    parts = sum(
        1
        for message in request.messages
        if isinstance(message.get("content"), list)
        for part in message["content"]
        if part.get("type") != "text"
    )
    tokens = size + TOKENS_A_PART * parts + TOKENS_A_MESSAGE * len(request.messages)
    return price_of(entry, Usage(input_tokens=tokens, output_tokens=max_output_tokens), as_of, batch=batch)


def measured_usd(replay: Replay, entry: ModelEntry, as_of: date, *, batch: bool = False) -> Decimal | None:
    """What a call cost by its measured usage in USD, or None where usage or price is unknown."""
    if replay.usage.input_tokens is None or replay.usage.output_tokens is None:
        return None
    return price_of(entry, replay.usage, as_of, batch=batch)
