"""Why a record gives no call: the same words for the same cause in every format, so that they are counted together.

A reason is a cause and, after a colon, what is known of it or what can be done about it. Beside them stand the warnings
that several formats have.
"""

from __future__ import annotations

import json
from typing import Any

from cqtui.importers.base import mapping

NO_CONTENT = "no message has content"
NO_PROMPT = "completion without prompt"
SEVERAL_PROMPTS = "several prompts in one request"

CACHED = "served from a cache: latency and cost say nothing"
EVALUATION = "a call of an evaluation: its mix of requests need not be that of real traffic"

LONGEST = 120


def failed(why: Any = None) -> str:
    """The call failed; ``why`` is the error as it was logged, whatever its shape, or None."""
    return f"the call failed: {brief(why) if why else 'no reason was logged'}"


def failed_with_status(code: float) -> str:
    """The call failed with this HTTP status."""
    return f"the call failed: status {code:.0f}"


def no_model_call(what: str) -> str:
    """The record is of something else than a call of a model, such as a chain or a tool."""
    return f"not a model call: {_short(what)}"


def other_model(what: str) -> str:
    """The call was of a model that writes no text, such as embeddings."""
    return f"not a call of a language model: {_short(what)}"


def not_captured(remedy: str) -> str:
    """The log holds no prompt; what to do so that it does."""
    return f"no prompt in the log: {remedy}"


def cut_off(what: str, remedy: str) -> str:
    """The prompt or the answer is in the log in part; what to do so that it is whole."""
    return f"the {what} was cut off in the log: {remedy}"


def redacted(remedy: str) -> str:
    """The prompt was replaced by a mark; what to do so that it is not."""
    return f"the prompt was redacted in the log: {remedy}"


def elsewhere(where: str) -> str:
    """Some of the prompt stands outside the log, and where."""
    return f"part of the prompt is not in the log: {where}"


def no_answer(why: str) -> str:
    """The response was logged and holds no answer."""
    return f"the response holds no answer: {why}"


def not_replayable(why: str) -> str:
    """What the model was given is not all in the record, or cannot be given again."""
    return f"not replayable as is: {why}"


def run_by_vendor(what: str) -> str:
    """The request uses something that the vendor runs itself, such as a web search."""
    return not_replayable(f"{_short(what)} is run by the vendor")


def brief(failure: Any) -> str:
    """An error of a log in a few words."""
    found = mapping(failure)
    text = found.get("code") or found.get("message") or failure
    return _short(text if isinstance(text, str) else json.dumps(text))


def _short(text: str) -> str:
    """A text of a log on one line."""
    return " ".join(text.split())[:LONGEST]
