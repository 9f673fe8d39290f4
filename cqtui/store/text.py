"""What of a stored value is text of a prompt or an answer, and what stays of the value without it.

They serve ``cqtui purge``, which takes text out, and a store that is told to write none.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, get_args

from cqtui.judgements import Judgement, RefusalVerdict

_MARK = re.compile(r"sha256:[0-9a-f]{64}")
_FIGURES = (
    "model",
    "served_model",
    "finish_reason",
    "usage",
    "latency_ms",
    "queued_ms",
    "status",
    "cost_usd",
    "from_cache",
)
_ANSWERS = ("answer_1", "answer_2")
_SCORES = tuple(name for name, field in Judgement.model_fields.items() if field.annotation is float)


def prompt_mark(text: str) -> str:
    """What stands for a prompt's text: its SHA-256; a mark stands for itself."""
    if _MARK.fullmatch(text):
        return text
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def answer_figures(replay: Mapping[str, Any]) -> dict[str, Any]:
    """A stored replay without its answer: tokens, milliseconds and USD."""
    return {name: replay[name] for name in _FIGURES if name in replay}


def judgement_figures(replay: Mapping[str, Any]) -> dict[str, Any]:
    """A judge's stored reply with its scores alone; one that could not be read stays unreadable."""
    if "completion" not in replay:
        return dict(replay)
    return {**answer_figures(replay), "completion": {"text": _scores_alone((replay["completion"] or {}).get("text"))}}


def _scores_alone(text: str | None) -> str:
    body = (text or "").strip()
    if body.startswith("```"):
        body = body.strip("`").removeprefix("json").strip()
    try:
        reply = json.loads(body)
        if not isinstance(reply.get("reasoning", ""), str):
            return ""
        both = [name for name in _ANSWERS if name in reply]
        kept = {name: _figures_of(reply[name]) for name in both} if both else _figures_of(reply)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return ""
    return json.dumps(kept)


def _figures_of(scored: Mapping[str, Any]) -> dict[str, Any]:
    """Scores, and the judge's view of a refusal, which is one of three words."""
    view = {"refusal": scored["refusal"]} if "refusal" in scored else {}
    if view and view["refusal"] not in get_args(RefusalVerdict):
        raise ValueError("no view of a refusal")
    return {**{name: float(scored[name]) for name in _SCORES}, **view}


def evaluation_figures(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """A stored evaluation without reasoning: the judge's name and numbers."""
    return {
        name: value
        for name, value in evaluation.items()
        if name in ("judge", "answer_digest") or value is None or isinstance(value, int | float)
    }


def reason_without_message(reason: str) -> str:
    """Why a candidate was stopped, without the provider's message after the first colon: it may quote a prompt."""
    head, _, _ = reason.partition(": ")
    return head + ")" * (head.count("(") - head.count(")"))


def event_figures(event: Mapping[str, Any]) -> dict[str, Any]:
    """A stored event without a provider's message."""
    less = dict(event)
    if "message" in less:
        less["message"] = ""
    if event.get("kind") == "candidate_stopped":
        less["reason"] = reason_without_message(str(event.get("reason")))
    return less


def without_messages(value: Any) -> Any:
    """A stored result of a run without the words of providers and guardrails that broke."""
    if isinstance(value, list):
        return [without_messages(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    less: dict[str, Any] = {}
    for name, item in value.items():
        if name == "stopped" and isinstance(item, str):
            less[name] = reason_without_message(item)
        elif name == "error" and isinstance(item, str):
            less[name] = None
        elif name == "errors" and isinstance(item, Mapping):
            less[name] = _by_check(item)
        else:
            less[name] = without_messages(item)
    return less


def _by_check(errors: Mapping[str, int]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for words, count in errors.items():
        check = words.partition(": ")[0]
        counts[check] = counts.get(check, 0) + count
    return counts


def in_json(reduce: Callable[[Any], Any]) -> Callable[[str], str]:
    """The same for JSON text; text with nothing to take out comes back as it was, and text that is no JSON empty."""

    def reduced(text: str) -> str:
        try:
            value = json.loads(text)
            less = reduce(value)
        except (ValueError, TypeError, AttributeError, RecursionError):
            return "{}"
        return text if less == value else json.dumps(less, ensure_ascii=False)

    return reduced
