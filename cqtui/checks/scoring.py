"""Scores an answer against the logged one by deterministic checks, for runs without a judge model."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cqtui.checks.answers import expects_json, final_number, normalised_match, numbers, tool_call_match
from cqtui.models import Completion

SHORT_ANSWER_WORDS = 4


@dataclass(frozen=True)
class Scores:
    """Four scores, 0..100, and the check that decided."""

    accuracy: float
    helpfulness: float
    clarity: float
    completeness: float
    reason: str


def _all(score: float, reason: str) -> Scores:
    return Scores(score, score, score, score, reason)


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {k: v for key, item in value.items() for k, v in _leaves(item, f"{path}.{key}").items()}
    if isinstance(value, list):
        return {k: v for i, item in enumerate(value) for k, v in _leaves(item, f"{path}[{i}]").items()}
    return {path: value}


def _json_scores(logged: str, answer: str) -> Scores | None:
    try:
        wanted = _leaves(json.loads(logged))
    except (ValueError, RecursionError):
        return None
    try:
        got = _leaves(json.loads(answer))
    except (ValueError, RecursionError):
        return _all(0.0, "the answer is not JSON")
    equal = sum(path in got and got[path] == value for path, value in wanted.items())
    share = 100 * equal / len(wanted) if wanted else 100.0
    return Scores(share, share, 100.0, share, f"{equal} of {len(wanted)} JSON values as logged")


def _tool_scores(logged: Completion, answer: Completion) -> Scores:
    matched = sum(any(tool_call_match(want, got) for got in answer.tool_calls) for want in logged.tool_calls)
    named = sum(any(want.name == got.name for got in answer.tool_calls) for want in logged.tool_calls)
    total = len(logged.tool_calls)
    score = 100 * (matched + named) / (2 * total)
    return _all(score, f"{matched} of {total} tool calls as logged, {named} by name")


def score_against_logged(
    logged: Completion,
    answer: Completion,
    params: Mapping[str, Any],
    similarity: Callable[[str, str], float],
) -> Scores:
    """Score an answer by what it keeps of the logged one.

    The first check that applies decides: tool calls; JSON values; equal text; short labels; else numbers and
    similarity. Similarity alone never makes an answer right: where the logged answer holds numbers, accuracy is the
    share of them that remains, at most 50 where the final number is not the last here, and 0 where it is missing.

    Args:
        logged: The current model's logged answer.
        answer: The candidate's.
        params: The logged request's parameters.
        similarity: A function of two texts to 0..1.
    """
    if logged.tool_calls:
        return _tool_scores(logged, answer)
    wanted, got = logged.text or "", answer.text or ""
    if expects_json(params):
        scores = _json_scores(wanted, got)
        if scores is not None:
            return scores
    if normalised_match(wanted, got):
        return _all(100.0, "the same text as logged")
    if len(wanted.split()) <= SHORT_ANSWER_WORDS and len(wanted) < 60:
        return _all(0.0, "a short answer that differs from the logged one")
    near = 100 * max(0.0, min(1.0, similarity(wanted, got)))
    facts = set(numbers(wanted))
    if not facts:
        return Scores(near, near, near, near, f"similarity {near:.0f}%")
    kept = 100 * len(facts & set(numbers(got))) / len(facts)
    result = final_number(wanted)
    if result == final_number(got):
        accuracy, end = kept, "the same"
    elif result in numbers(got):
        accuracy, end = min(kept, 50.0), "not the last here"
    else:
        accuracy, end = 0.0, "missing"
    reason = f"{kept:.0f}% of the logged numbers, the final one {end}"
    return Scores(accuracy, (accuracy + near) / 2, near, (kept + near) / 2, f"{reason}, similarity {near:.0f}%")
