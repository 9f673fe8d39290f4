"""The input and output that a tracing tool noted of a call, in whatever shape the application had them in hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from cqtui.importers import base
from cqtui.importers.apis import NOT_REPLAYABLE
from cqtui.importers.exchange import read_exchange
from cqtui.importers.params import hosted_tool
from cqtui.importers.proxies import without_secrets
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.traced.inputs import request_of
from cqtui.importers.traced.outputs import answer_of, calls_tools, first_of, response_in
from cqtui.importers.traced.parameters import parameters_of

IDENTITIES = {
    "user": ("user_id", "userId", "user"),
    "session": ("thread_id", "session_id", "sessionId", "conversation_id"),
}


def read_traced(asked: Any, answered: Any, *noted: Any) -> RawCall | NoCall:
    """The call of an input and an output.

    Args:
        asked: Messages, an object with messages, a request, a text, or a function's arguments around one of these.
        answered: A response, choices, a message, LangChain's generations or a text; anything else is an answer in
            JSON. None where none was noted.
        noted: What the tool noted of the parameters, the surest last.
    """
    warnings: list[str] = []
    request = request_of(asked, warnings)
    if isinstance(request, NoCall):
        return request
    response = response_in(answered)
    call = read_exchange(request, response)
    if isinstance(call, NoCall):
        return call
    if response is None:
        answer = answer_of(answered)
        call.completion, call.finish_reason, call.usage = answer.message, answer.finish_reason, answer.usage
        call.model = answer.model or call.model
        warnings += answer.warnings
    if call.provider == "openai":  # what an exchange is taken for in which no other vendor is seen
        call.provider = None
    call.warnings += warnings
    params = parameters_of(call.params)
    for given in noted:
        params |= parameters_of(given)
    if (tool := hosted_tool(params)) is not None:
        return NoCall(f"{NOT_REPLAYABLE}: it may use {tool}, a tool that the vendor runs")
    call.params = params
    if call.finish_reason is None and calls_tools(call.completion):
        call.finish_reason = "tool_calls"
    return call


def identities(metadata: Mapping[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """The user, the session, and the metadata without them and without keys: it is kept as it is, they are hashed."""
    user, session = (first_of(metadata, *names) for names in IDENTITIES.values())
    named = {name for names in IDENTITIES.values() for name in names}
    return user, session, without_secrets({name: value for name, value in metadata.items() if name not in named})


def tier_of(call: RawCall) -> dict[str, Any]:
    """The service tier, where the response named one: the price follows from it."""
    return {key: value for key, value in call.metadata.items() if key == "service_tier"}


def milliseconds(start: Any, end: Any) -> float | None:
    """The milliseconds from one instant to another, each in any form that is read; None where that cannot be told."""
    began, ended = base.instant(start, []), base.instant(end, [])
    return None if began is None or ended is None or ended < began else (ended - began).total_seconds() * 1000


def known_usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """The usage, or nothing where it is all zeros: no call has an empty prompt, so its tool did not count."""
    zeros = all(value in (None, "") or base.number(value, "", []) == 0 for value in usage.values())
    return {} if zeros else dict(usage)


def rate(call: RawCall, scores: Iterable[tuple[str, Any]]) -> None:
    """Add named scores to a call: a single number is its score; several, and words, are kept in the metadata."""
    kept = call.metadata.get("scores")
    known = dict(kept) if isinstance(kept, Mapping) else {}
    if call.score is not None:
        known[call.score_name or "score"] = call.score
    known.update((name, value) for name, value in scores if value not in (None, "", [], {}))
    if not known:
        return
    values = list(known.items())
    call.score, call.score_name = None, None
    if len(values) == 1 and base.number(values[0][1], "", []) is not None:
        call.score_name, call.score = values[0]
        return
    call.metadata = {**call.metadata, "scores": known}
    if len(values) > 1:
        base.note(call.warnings, "several scores kept as metadata")


@lru_cache(maxsize=4096)
def maker_of(model: str) -> str | None:
    """The provider that a model's name stands for where a tool does not note one; None where it is not known."""
    from genai_prices.data_snapshot import get_snapshot  # slow to import, and not every log needs it

    try:
        return get_snapshot().find_provider(model, None, None).id
    except LookupError:
        return None


def provider_of(noted: Any, model: Any) -> str | None:
    """The provider as noted, else the model's maker."""
    name = base.text_or_none(model)
    return base.text_or_none(noted) or (maker_of(name) if name else None)


def holds(value: Any, is_wanted: Callable[[Any], bool]) -> bool:
    """Whether a value, or any value inside of it, is wanted."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if is_wanted(item):
            return True
        waiting.extend(item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
    return False
