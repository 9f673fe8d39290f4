"""What proxies log around a request and its response, and how it is laid over the call that the two make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cqtui.importers import base, exchange
from cqtui.importers.exchange import read_exchange
from cqtui.importers.metadata import without_secrets
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.reasons import CACHED, cut_off, failed, failed_with_status, other_model

NOT_CHAT = frozenset({"embeddings", "images", "audio", "moderations", "rerank"})
TRUTHS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a proxy says of one call, in the record's own values; None where it says nothing.

    Attributes:
        model: The model that answered, for a response that does not name it.
        usage: Token counts under the names of ``Usage``, for a response that has none.
        is_cache_hit: Whether the proxy answered from its own cache.
    """

    id: Any = None
    time: Any = None
    model: Any = None
    provider: Any = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    latency_ms: Any = None
    ttft_ms: Any = None
    cost_usd: Any = None
    user: Any = None
    session: Any = None
    tags: Any = None
    score: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    is_cache_hit: bool = False


def read_proxied(request: Any, response: Any, around: Surroundings) -> RawCall | NoCall:
    """The call of a request body and a response body, with what the proxy says of it laid over."""
    asked = base.structured(request)
    if not isinstance(asked, dict | list):
        return NoCall(cut_off("prompt", "the request is no whole JSON"))
    call = read_exchange(asked, response)
    if isinstance(call, NoCall):
        return call
    requested = asked.get("model") if isinstance(asked, dict) else None
    if call.model in (None, "", requested):
        call.model = base.text_or_none(around.model) or call.model
    call.id = base.text_or_none(around.id) or call.id
    call.time = around.time or call.time
    call.provider = base.text_or_none(around.provider) or call.provider
    call.user = base.text_or_none(around.user) or call.user
    call.session, call.tags, call.score = around.session, around.tags, around.score
    if call.usage.get("input_tokens") is None and call.usage.get("output_tokens") is None:
        call.usage = {name: base.nonzero(value) for name, value in around.usage.items()}
    # The price follows from the tier: it stays, whatever the application noted beside it.
    tier = {key: value for key, value in call.metadata.items() if key == "service_tier"}
    call.metadata = without_secrets({**call.metadata, **around.metadata, **tier})
    call.params = without_secrets(call.params)
    if around.is_cache_hit:
        call.warnings.append(CACHED)
    else:
        call.latency_ms, call.ttft_ms, call.cost_usd = around.latency_ms, around.ttft_ms, base.nonzero(around.cost_usd)
    return call


def flag(value: Any) -> bool | None:
    """A truth value, or the text or number of one as a table has it; None where it is neither."""
    return TRUTHS.get(str(value).strip().lower()) if isinstance(value, bool | str | int) else None


def is_absent(body: Any) -> bool:
    """Whether a body was not logged: nothing is there, or no more than the model's name."""
    value = base.structured(body)
    return not value or (isinstance(value, dict) and value.keys() <= {"model"})


def failure_of(status: Any, response: Any, is_success: bool | None = None) -> NoCall | None:
    """Why the call failed, by its HTTP status (negative where the proxy gave up); None where it did not."""
    try:
        code = 0 if isinstance(status, bool) else int(float(status))
    except (TypeError, ValueError, OverflowError):
        code = 0
    has_failed = code < 0 or code >= 400
    if not has_failed and is_success is not False:
        return None
    said = exchange.failure_of(base.mapping(response))
    return NoCall(said or (failed_with_status(code) if has_failed else failed()))


def other_endpoint(address: Any) -> NoCall | None:
    """That the address is not one of a chat model; None where it may be."""
    path = address.split("?", 1)[0].split("/") if isinstance(address, str) else []
    other = next((segment for segment in path if segment in NOT_CHAT), None)
    return None if other is None else NoCall(other_model(other))


def texts_in(value: Any) -> Iterator[str]:
    """All texts and names in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from texts_in(item)
