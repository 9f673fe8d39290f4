"""The input and output that a tracing tool noted of a call, in whatever shape the application had them in hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from cqtui.importers import base
from cqtui.importers.exchange import read_exchange
from cqtui.importers.parameters import parameters_of
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.traced_input import prompt_in, request_of
from cqtui.importers.traced_output import answer_of, calls_tools, first_of, is_chat, response_in

IDENTITIES = {
    "user": ("user_id", "userId", "user"),
    "session": ("thread_id", "session_id", "sessionId", "conversation_id"),
}


def read_traced(asked: Any, answered: Any) -> RawCall | NoCall:
    """The call of an input and an output.

    Args:
        asked: Messages, an object with messages, a request, a text, or a function's arguments around one of these.
        answered: A response, choices, a message, LangChain's generations or a text; anything else is an answer in
            JSON. None where none was noted.
    """
    warnings: list[str] = []
    request = request_of(asked, warnings)
    if isinstance(request, NoCall):
        return request
    call: RawCall | NoCall
    if (response := response_in(answered)) is not None:
        if is_chat(response):
            request = {**request, "messages": prompt_in(request)}
        call = read_exchange(request, response)
        if isinstance(call, NoCall):
            return call
        call.provider = None  # a guess from the shape: many vendors answer in OpenAI's
        call.params = parameters_of(call.params)
    else:
        answer = answer_of(answered)
        call = RawCall(
            messages=prompt_in(request),
            completion=answer.message,
            model=answer.model or request.get("model"),
            params=parameters_of(request),
            finish_reason=answer.finish_reason,
            usage=answer.usage,
            user=request.get("user"),
            warnings=list(answer.warnings),
        )
    call.warnings += warnings
    if call.finish_reason is None and calls_tools(call.completion):
        call.finish_reason = "tool_calls"
    return call


def identities(metadata: Mapping[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """The user, the session, and the metadata without them: it is kept as it is, while they are hashed."""
    user, session = (first_of(metadata, *names) for names in IDENTITIES.values())
    named = {name for names in IDENTITIES.values() for name in names}
    return user, session, {name: value for name, value in metadata.items() if name not in named}


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
