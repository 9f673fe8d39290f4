"""What the engine asks of whoever calls models: one request in, one outcome out."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal, Protocol, Self

from pydantic import Field

from cqtui.models import Frozen, Replay

REQUEST_SCHEMA_VERSION = 1
Purpose = Literal["replay", "judge", "ping"]
EvidenceKind = Literal["measured", "recorded", "simulated"]
GatewayConfig = dict[str, Any] | str


class ChatRequest(Frozen):
    """One chat completion as it will be sent: messages and parameters in OpenAI's wire shape.

    ``config`` is a Portkey config that goes along, or the id of a saved one.

    ``provider`` is the gateway's name of the model's provider (``portkey_slug``). ``repeat`` tells deliberate repeats
    of one request apart. ``run_id``, ``model_id``, ``variant`` (a candidate's options in words) and ``record_id``
    travel as trace data and are not part of the hash.
    """

    model: str
    provider: str
    messages: tuple[dict[str, Any], ...]
    params: dict[str, Any] = Field(default_factory=dict)
    config: GatewayConfig | None = None
    repeat: int = 0
    purpose: Purpose = "replay"
    run_id: str = ""
    model_id: str = ""
    variant: str = ""
    record_id: str = ""
    timeout_s: float = 120.0

    @property
    def candidate_id(self) -> str:
        """Who is asked: the model's registry id, and the options where there are any."""
        return f"{self.model_id} {self.variant}".rstrip()

    def body(self) -> dict[str, Any]:
        """The JSON body that is sent."""
        return {"model": self.model, "messages": list(self.messages), **self.params}

    def trace_id(self) -> str:
        """Names the call in the gateway's own log: the run, and a digest of what is asked of whom for which record."""
        about = "\n".join((self.purpose, self.candidate_id, self.record_id, str(self.repeat)))
        return f"{self.run_id}:{hashlib.sha256(about.encode()).hexdigest()[:16]}"

    @functools.cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of everything that can change the answer, the endpoint aside."""
        parts = [REQUEST_SCHEMA_VERSION, self.provider, self.body(), self.config, self.repeat]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with changes: what was worked out for the original does not come along."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("content_hash", None)
        return copied


class ChatClient(Protocol):
    """Calls models. ``endpoint`` names what answers: ``rehearsal/1``, ``local/1`` or a base URL.

    ``evidence`` says what its answers are worth: measured on real models now, read from a recording, or simulated.
    """

    provider: str
    endpoint: str
    evidence: EvidenceKind

    async def complete(self, request: ChatRequest) -> Replay:
        """Send one request once. A failed call is a Replay with a failure, never an exception.

        Raises:
            AccessRefusedError: Credentials are missing or refused, so that no call can succeed.
        """
        ...

    async def aclose(self) -> None:
        """Release connections and servers."""
        ...
