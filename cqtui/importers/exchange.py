"""A request and its response as an API exchanged them, whichever vendor's API it was.

Proxies and tools store such pairs under names of their own; their importers find the two and hand them here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from cqtui.importers import base
from cqtui.importers.apis import Answered, Asked, anthropic, chat, gemini, responses
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.reasons import failed, other_model
from cqtui.importers.streams import response_of
from cqtui.importers.tools import hosted_tool

Api = Literal["chat", "responses", "anthropic", "gemini", "other"]

# Where a request holds what it asks: it is of a known API with any of these.
CONTENTS = frozenset({"messages", "contents", "input", "prompt"})

_ANTHROPIC = frozenset({"system", "stop_sequences", "anthropic_version", "thinking"})
_GEMINI = frozenset({"candidates", "promptFeedback", "usageMetadata", "usage_metadata"})


def read_exchange(request: Any, response: Any) -> RawCall | NoCall:
    """The call of a request body and a response body, each an object, JSON text of one, or a stream's text or events.

    Args:
        request: What was sent, in the shape of any API that is known here; a list is taken for the messages.
        response: What came back; None where none was logged, which leaves a prompt without a baseline.
    """
    asked = base.structured(request)
    asked = {"messages": asked} if isinstance(asked, list) else base.mapping(asked)
    answer = None if response in (None, "", {}) else response_of(response)
    if answer is not None and (failed := failure_of(answer)):
        return NoCall(failed)
    prompt = _asked(asked, answer)
    if isinstance(prompt, NoCall):
        return prompt
    if (hosted := hosted_tool(prompt.params)) is not None:
        return NoCall(hosted)
    found = Answered(None) if answer is None else _answered(answer)
    if isinstance(found, NoCall):
        return found
    return RawCall(
        messages=prompt.messages,
        completion=found.completion,
        id=found.id,
        time=found.time,
        model=found.model or prompt.model,
        provider=found.provider or prompt.provider or "openai",
        params=prompt.params,
        finish_reason=found.finish_reason,
        usage=found.usage,
        user=prompt.user,
        metadata={**prompt.metadata, **found.metadata},
        warnings=[*prompt.warnings, *found.warnings],
    )


def failure_of(record: Mapping[str, Any]) -> str | None:
    """What the record says went wrong, or None."""
    failure = record.get("error")
    return failed(failure) if failure else None


def response_api(response: Mapping[str, Any] | None) -> Api | None:
    """The API that a response is of; "other": one that gives no text, such as embeddings; None: not to be told."""
    if not response:
        return None
    if "choices" in response:
        return "chat"
    if response.get("object") == "response" or (isinstance(response.get("output"), list) and "status" in response):
        return "responses"
    if isinstance(response.get("content"), list) and ("stop_reason" in response or response.get("type") == "message"):
        return "anthropic"
    if not _GEMINI.isdisjoint(response):
        return "gemini"
    if isinstance(response.get("data"), list) or isinstance(response.get("results"), list):
        return "other"
    return None


def request_api(request: Mapping[str, Any]) -> Api | None:
    """The API that a request is to; None: not to be told."""
    if "messages" in request:
        return "anthropic" if _is_anthropic(request) else "chat"
    if "contents" in request:
        return "gemini"
    if "input" in request:
        return "responses"
    return "chat" if "prompt" in request else None


def _is_anthropic(request: Mapping[str, Any]) -> bool:
    if not _ANTHROPIC.isdisjoint(request):
        return True
    tools = base.structured(request.get("tools"))
    return isinstance(tools, list) and any(isinstance(tool, dict) and "input_schema" in tool for tool in tools)


def _asked(request: Mapping[str, Any], response: Mapping[str, Any] | None) -> Asked | NoCall:
    api, answer = request_api(request), response_api(response)
    if answer == "other":
        return NoCall(other_model("the response holds no text"))
    if api == "chat" and answer == "anthropic" and "messages" in request:
        api = "anthropic"
    if api == "chat" and answer == "responses" and "messages" in request:
        # Some wrappers store what was the input as messages.
        request = {**request, "input": request["messages"], "messages": None}
        api = "responses"
    if api == "responses":
        return responses.asked(request, response)
    if api == "anthropic":
        return anthropic.asked(request)
    return gemini.asked(request) if api == "gemini" else chat.asked(request)


def _answered(response: Mapping[str, Any]) -> Answered | NoCall:
    api = response_api(response)
    if api == "responses":
        return responses.answered(response)
    if api == "anthropic":
        return anthropic.answered(response)
    return gemini.answered(response) if api == "gemini" else chat.answered(response)
