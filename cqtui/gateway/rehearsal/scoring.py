"""The rehearsal's judge: scores an answer by what it keeps of the logged one. Computed, never canned."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from cqtui.checks.answers import normalise, numbers, token_overlap
from cqtui.checks.refusals import detect_refusal
from cqtui.gateway.rehearsal.texts import is_short, json_body, leaves, sentences

TOP_SCORE = 93.0
_REQUEST = r"\[\[(?P<fence>\w+) request\]\]\n(?P<request>.*?)\n\[\[/(?P=fence)\]\]\s*"
_ONE = re.compile(_REQUEST + r"\[\[(?P=fence) answer\]\]\n(?P<answer>.*?)\n\[\[/(?P=fence)\]\]", re.S)
_TWO = re.compile(
    _REQUEST + r"\[\[(?P=fence) answer 1\]\]\n(?P<first>.*?)\n\[\[/(?P=fence)\]\]\s*"
    r"\[\[(?P=fence) answer 2\]\]\n(?P<second>.*?)\n\[\[/(?P=fence)\]\]",
    re.S,
)
_TOOL_CALL = re.compile(r"^\[tool call ([^\s(]*)\((.*?)\)\]$", re.S | re.M)
_STRUCTURE = re.compile(r"^[ \t]*(?:[-*+\u2022]|\d{1,3}[.)]|#{1,6}|```|\|)", re.M)
_SAME_ENOUGH = 0.5


@dataclass(frozen=True)
class Kept:
    """What an answer keeps of the logged one, as shares 0..1; ``length`` is the ratio of their lengths.

    Attributes:
        facts: Of sentences, JSON values or tool call arguments.
        numbers: Of the logged numbers.
        right_numbers: Of the answer's own numbers, those that are logged.
        structure: Of the form: list items, headings, a JSON value that parses, a sentence that ends.
        length: The answer's length over the logged one's.
        refuses: Whether it refuses where the logged answer does not.
    """

    facts: float
    numbers: float = 1.0
    right_numbers: float = 1.0
    structure: float = 1.0
    length: float = 1.0
    refuses: bool = False


def quoted(prompt: str) -> tuple[str, tuple[str, ...]] | None:
    """The request and the answer or answers that a judge's prompt quotes, or None where it is no such prompt."""
    one = _ONE.search(prompt)
    if one:
        return one["request"], (one["answer"],)
    two = _TWO.search(prompt)
    return (two["request"], (two["first"], two["second"])) if two else None


def _json_share(logged: str, answer: str) -> float | None:
    """The share of JSON values kept, None where the logged text is no JSON, -1 where the answer is none."""
    want, got = json_body(logged), json_body(answer)
    if want is None:
        return None
    if got is None:
        return -1.0
    wanted, given = leaves(want.value), leaves(got.value)
    same = sum(path in given and given[path] == value for path, value in wanted.items())
    return 2.0 * int(same) / (len(wanted) + max(len(wanted), len(given)))


def _tool_share(logged: list[tuple[str, str]], answer: list[tuple[str, str]]) -> float:
    def share(name: str, arguments: str) -> float:
        rest = [given for other, given in answer if other == name]
        found = [1.0 if given == arguments else max(0.0, _json_share(arguments, given) or 0.0) for given in rest]
        return 0.3 + 0.7 * max(found) if found else 0.0

    return sum(share(*call) for call in logged) / max(len(logged), len(answer))


def _sentence_share(logged: str, answer: str) -> float:
    wanted = [piece.strip() for piece in sentences(logged)]
    exact = {piece.strip() for piece in sentences(answer)}
    changed = sorted(exact.difference(wanted))
    total = kept = 0.0
    for piece in wanted:
        weight = max(1, len(piece.split()))
        total += weight
        if piece in exact:
            kept += weight
            continue
        near = max((token_overlap(piece, other) for other in changed), default=0.0)
        kept += weight * near if near >= _SAME_ENOUGH else 0.0
    return kept / total if total else 1.0


def _share(kept: int, total: int) -> float:
    return kept / total if total else 1.0


def compare(logged: str, answer: str) -> Kept:
    """Compare an answer with the logged one, both rendered as text.

    Args:
        logged: The logged answer.
        answer: The answer to score.
    """
    if logged == answer:
        return Kept(1.0)
    wanted_calls, calls = _TOOL_CALL.findall(logged), _TOOL_CALL.findall(answer)
    refused = detect_refusal(answer, tool_calls=calls).is_refusal
    if refused and not detect_refusal(logged, tool_calls=wanted_calls).is_refusal:
        return Kept(0.0, refuses=True)
    if wanted_calls:
        share = _tool_share(wanted_calls, calls)
        return Kept(share, share, share, structure=1.0 if calls else 0.0)
    share_of_values = _json_share(logged, answer)
    if share_of_values == -1.0:
        left = 0.4 * token_overlap(logged, answer)
        return Kept(left, left, left, structure=0.0)
    if share_of_values is not None:
        return Kept(share_of_values, share_of_values, share_of_values)
    if is_short(logged):
        words = f" {normalise(answer)} "
        share = 1.0 if f" {normalise(logged)} " in words and not words.startswith(" not ") else 0.0
        return Kept(share, share, share, length=len(answer) / len(logged))
    want_numbers, got_numbers = set(numbers(logged)), set(numbers(answer))
    marks, got_marks = len(_STRUCTURE.findall(logged)), len(_STRUCTURE.findall(answer))
    form = _share(min(marks, got_marks), marks)
    ends_badly = logged.rstrip()[-1:] in ".!?" and answer.rstrip()[-1:] not in ".!?"
    return Kept(
        facts=_sentence_share(logged, answer),
        numbers=_share(len(want_numbers & got_numbers), len(want_numbers)),
        right_numbers=_share(len(want_numbers & got_numbers), len(got_numbers)),
        structure=form * (0.6 if ends_badly else 1.0),
        length=len(answer) / max(1, len(logged)),
    )


def scores_of(kept: Kept) -> dict[str, float]:
    """The four scores before noise, 0..TOP_SCORE."""
    lost, wrong = 1 - kept.facts, 1 - kept.right_numbers
    if kept.refuses:
        shares = {"accuracy": 0.1, "helpfulness": 0.02, "clarity": 0.6, "completeness": 0.02}
    else:
        shares = {
            "accuracy": 1 - 0.6 * wrong - 0.25 * lost,
            "helpfulness": 1 - 0.55 * lost - 0.3 * (1 - kept.numbers),
            "clarity": 1 - 0.3 * (1 - kept.structure) - min(0.12, 0.04 * max(0.0, kept.length - 1.2)) - 0.1 * lost,
            "completeness": 1 - 0.9 * lost,
        }
    return {name: TOP_SCORE * max(0.0, share) for name, share in shares.items()}


def judge_answer(logged: str, answers: Sequence[str], rng: Random) -> str:
    """The judge's reply: the JSON object that the template for one answer or for two asks for.

    Args:
        logged: The logged answer, rendered as text.
        answers: The answer to score, or both in the order shown, rendered as text.
        rng: The source of the judge's noise, about two points either way.
    """
    scored = [_scored(logged, answer, rng) for answer in answers]
    if len(scored) == 1:
        reason, scores = scored[0]
        return json.dumps({"reasoning": reason, **scores})
    refusals = [
        "full" if detect_refusal(answer, tool_calls=_TOOL_CALL.findall(answer)).is_refusal else "none"
        for answer in answers
    ]
    both = {
        f"answer_{number}": {**scores, "refusal": refusal}
        for number, ((_, scores), refusal) in enumerate(zip(scored, refusals, strict=True), 1)
    }
    return json.dumps({"reasoning": " ".join(f"{n}: {reason}" for n, (reason, _) in enumerate(scored, 1)), **both})


def _scored(logged: str, answer: str, rng: Random) -> tuple[str, dict[str, float]]:
    kept = compare(logged, answer)
    mood = rng.uniform(-1.5, 1.5)
    scores = {
        name: round(min(100.0, max(0.0, score + mood + rng.uniform(-1.0, 1.0))), 1)
        for name, score in scores_of(kept).items()
    }
    reason = (
        "It refuses what the logged answer answers."
        if kept.refuses
        else f"{kept.facts:.0%} of the logged content and {kept.numbers:.0%} of its numbers remain; "
        f"{kept.structure:.0%} of its form; {kept.length:.2f} times its length."
    )
    return reason, scores
