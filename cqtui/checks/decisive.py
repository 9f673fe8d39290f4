"""Pairs that need no judge: the same answer twice, or one that breaks the format that the request demands. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cqtui.checks.answers import canonical_tool_call, expects_json, format_ok, normalised_match
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
    if normalised_match(left, right):
        return Decided(100.0, 100.0, "the same text")
    if not expects_json(params) or format_ok(left, params) is not True:
        return None
    if format_ok(right, params) is False:
        return Decided(100.0, 0.0, "not the JSON that was asked for")
    if json.loads(left) == json.loads(right):
        return Decided(100.0, 100.0, "the same JSON values")
    return None
