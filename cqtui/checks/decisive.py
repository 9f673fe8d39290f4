"""Pairs that need no judge: the same answer twice, or one that breaks the format that the request demands. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cqtui.checks.answers import canonical_tool_call, expects_json, format_ok
from cqtui.models import Completion


@dataclass(frozen=True)
class Decided:
    """Scores of both answers, 0..100, and the check that decided."""

    baseline: float
    candidate: float
    check: str


def decide_without_judge(logged: Completion, answer: Completion, params: Mapping[str, Any]) -> Decided | None:
    """Compare two answers where checks alone tell; None where a judge must be asked.

    Equal answers tie at 100 each: of two equal answers neither is better, whatever they are worth. An answer that
    breaks the demanded format where the logged one keeps it scores 0.

    Args:
        logged: The current model's logged answer.
        answer: The candidate's.
        params: The logged request's parameters.
    """
    if logged.tool_calls or answer.tool_calls:
        same = Counter(map(canonical_tool_call, logged.tool_calls)) == Counter(
            map(canonical_tool_call, answer.tool_calls)
        )
        return Decided(100.0, 100.0, "the same tool calls") if same else None
    left, right = logged.text or "", answer.text or ""
    if expects_json(params) and format_ok(left, params) is True:
        if format_ok(right, params) is False:
            return Decided(100.0, 0.0, "not the JSON that was asked for")
        same = json.dumps(json.loads(left), sort_keys=True) == json.dumps(json.loads(right), sort_keys=True)
        return Decided(100.0, 100.0, "the same JSON values") if same else None
    # Case, punctuation and indentation can be what an answer is about: only the ends are let off.
    return Decided(100.0, 100.0, "the same text") if _trimmed(left) == _trimmed(right) else None


def _trimmed(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
