"""Whole conversations as one call: the last answer is the completion, what came before it is the prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cqtui.importers.messages import ROLES

LEFT_OUT = "the conversation goes on after its last answer: what follows was left out"


def split(messages: Sequence[Mapping[str, Any]], warnings: list[str]) -> tuple[list[Any], list[Any] | None]:
    """The prompt and the last answer, of one turn or of several that follow each other.

    Args:
        messages: The turns in order, in OpenAI's shape; roles under any name that is known.
        warnings: Gets a note where turns after the last answer are left out.

    Returns:
        The prompt, and the answer or None where no turn before it asks for one.
    """
    roles = [ROLES.get(str(message.get("role", "")).lower()) for message in messages]
    if "assistant" not in roles:
        return list(messages), None
    end = len(roles) - roles[::-1].index("assistant")
    start = end
    while start > 0 and roles[start - 1] == "assistant":
        start -= 1
    asking = [role not in ("assistant", "system", "developer") for role in roles]
    if not any(asking[:start]) and any(asking[end:]):
        return list(messages), None
    if end < len(roles):
        warnings.append(LEFT_OUT)
    return list(messages[:start]), list(messages[start:end])
