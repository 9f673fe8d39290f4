"""The call that asks a model for one token, before its first real one. Pure."""

from __future__ import annotations

from cqtui.gateway.protocol import ChatRequest
from cqtui.gateway.translate import translate
from cqtui.models import LoggedCall, Message, ModelEntry, Origin, Part


def ping_call() -> LoggedCall:
    """A call that asks for one token."""
    message = Message(role="user", parts=(Part(text="ping"),))
    return LoggedCall(id="ping", messages=(message,), params={"max_tokens": 1}, origin=Origin(file="", format="ping"))


def ping_request(entry: ModelEntry, *, run_id: str, timeout_s: float) -> ChatRequest:
    """The request that asks a model for one token."""
    wire = translate(ping_call(), entry)
    return ChatRequest(
        model=entry.model,
        provider=entry.portkey_slug,
        messages=wire.messages,
        params=wire.params,
        purpose="ping",
        run_id=run_id,
        model_id=entry.id,
        record_id="ping",
        timeout_s=timeout_s,
    )
