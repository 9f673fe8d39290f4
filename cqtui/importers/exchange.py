"""A request and its response as an API exchanged them, whichever vendor's API it was.

Proxies and tools store such pairs under names of their own; their importers find the two and hand them here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers import base, openai_chat
from cqtui.importers.openai_chat import brief, response_of
from cqtui.importers.raw import NoCall, RawCall


def read_exchange(request: Any, response: Any) -> RawCall | NoCall:
    """The call of a request body and a response body, each an object, JSON text of one, or a stream's text or events.

    Args:
        request: What was sent, in the shape of any API that is known here.
        response: What came back; None where none was logged, which leaves a prompt without a baseline.
    """
    asked = base.structured(request)
    asked = {"messages": asked} if isinstance(asked, list) else base.mapping(asked)
    answered = None if response in (None, "", {}) else response_of(response)
    if answered is not None and (failure := answered.get("error")):
        return NoCall(f"the call failed: {brief(failure)}")
    return openai_chat.read_pair(asked, answered)


def failure_of(record: Mapping[str, Any]) -> str | None:
    """What the record says went wrong, or None."""
    failure = record.get("error")
    return f"the call failed: {brief(failure)}" if failure else None
