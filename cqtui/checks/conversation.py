"""Renders conversations and answers as plain text, for a judge to read."""

from __future__ import annotations

from collections.abc import Sequence

from cqtui.models import Completion, Message, ToolCall

NO_ANSWER = "[no answer]"


def _tool_call(call: ToolCall) -> str:
    return f"[tool call {call.name}({call.arguments})]"


def _content(message: Message) -> str:
    text = "".join((part.text or "") if part.kind == "text" else f"[{part.kind}]" for part in message.parts)
    pieces = [text] if text else []
    return "\n".join([*pieces, *(_tool_call(call) for call in message.tool_calls)])


def render_conversation(messages: Sequence[Message]) -> str:
    """Render messages as "role: text", a blank line between them.

    Args:
        messages: The messages of a prompt, in order.

    Returns:
        The text; a part that is not text stands as its kind in brackets, as in "[image]".
    """
    return "\n\n".join(f"{message.role}: {_content(message)}" for message in messages)


def render_completion(completion: Completion) -> str:
    """Render an answer: its text, its refusal message and its tool calls, a line break between them.

    Args:
        completion: What a model answered.

    Returns:
        The text, or "[no answer]" where there is nothing.
    """
    pieces = [piece for piece in (completion.text, completion.refusal) if piece]
    return "\n".join([*pieces, *(_tool_call(call) for call in completion.tool_calls)]) or NO_ANSWER
