"""The input and output that a tracing tool noted of a call, in whatever shape the application had them in hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.apis.usage import known_usage
from cqtui.importers.exchange import read_exchange
from cqtui.importers.model_names import maker_of
from cqtui.importers.params import known_params
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.tools import hosted_tool
from cqtui.importers.traced.inputs import request_of
from cqtui.importers.traced.outputs import answer_of, calls_tools, response_in

COUNTED = ("input_tokens", "output_tokens")


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
    params = known_params(call.params)
    for given in noted:
        params |= known_params(given)
    if (hosted := hosted_tool(params)) is not None:
        return NoCall(hosted)
    call.params = params
    if call.finish_reason is None and calls_tools(call.completion):
        call.finish_reason = "tool_calls"
    return call


def tier_of(call: RawCall) -> dict[str, Any]:
    """The service tier, where the response named one: the price follows from it."""
    return {key: value for key, value in call.metadata.items() if key == "service_tier"}


def whole_usage(noted: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The usage that the tool noted, with the details that only the response's own usage has.

    Args:
        noted: The tool's counts under the names of ``Usage``.
        own: Those of the response; they stand alone where the tool noted none.
    """
    known, stated = known_usage(noted), known_usage(own)
    sides = [[base.count(usage.get(side), "", []) for side in COUNTED] for usage in (known, stated)]
    if not known or not all(a is None or b is None or a == b for a, b in zip(*sides, strict=True)):
        return known or stated
    return {name: stated.get(name) if known.get(name) is None else known[name] for name in {**known, **stated}}


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
