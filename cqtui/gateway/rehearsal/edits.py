"""Seeded damage to a logged answer. Every function is pure: the random source is handed in."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any

from cqtui.checks.answers import normalised_match
from cqtui.gateway.rehearsal.simulated import SimulatedModel
from cqtui.gateway.rehearsal.texts import JsonBody, Path, is_short, json_body, leaves, sentences
from cqtui.models import Completion, ToolCall

_NUMBER = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w])|(?<![\w.])\d{1,30}(?:\.\d{1,30})?(?!\w)")
_MARKER_BEFORE = re.compile(r"(?:\A|\n)[ \t]*\Z")
_LABEL_SHARE = 0.6
_REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "I cannot provide an answer to this request.",
    "I must decline to answer this request.",
)


@dataclass(frozen=True)
class Reply:
    """What a simulated model answers."""

    completion: Completion
    finish_reason: str


def change_number(written: str, rng: Random) -> str:
    """Another number in the same notation, near the one given."""
    whole, dot, decimals = written.replace(",", "").partition(".")
    value = int(whole + decimals)
    step = max(1, value * rng.randint(5, 40) // 100)
    changed = value - step if value > step and rng.random() < 0.5 else value + step
    digits = str(changed).zfill(len(decimals) + 1)
    head = digits[: len(digits) - len(decimals)]
    return (f"{int(head):,}" if "," in written else head) + dot + digits[len(digits) - len(decimals) :] * bool(dot)


def change_numbers(text: str, rate: float, rng: Random, *, at_least: int = 0) -> str:
    """Change numbers of a text, each with a chance of ``rate``; the markers of numbered lists stay."""
    spots = [
        found
        for found in _NUMBER.finditer(text)
        if not (text[found.end() : found.end() + 2] in (". ", ") ") and _MARKER_BEFORE.search(text[: found.start()]))
    ]
    chosen = _choose(len(spots), rate, rng, at_least)
    for index in sorted(chosen, reverse=True):
        start, end = spots[index].span()
        text = text[:start] + change_number(text[start:end], rng) + text[end:]
    return text


def drop_sentences(text: str, rate: float, rng: Random, *, at_least: int = 0) -> str:
    """Leave out sentences, each with a chance of ``rate``; one always stays."""
    pieces = sentences(text)
    chosen = _choose(len(pieces), rate, rng, at_least)
    if len(chosen) >= len(pieces) > 0:
        chosen.discard(rng.randrange(len(pieces)))
    if not chosen:
        return text
    return "".join(piece for index, piece in enumerate(pieces) if index not in chosen).rstrip()


def drop_words(text: str, rng: Random) -> str:
    """Leave a run of words out: about a third to a half of them."""
    words = text.split()
    size = max(1, round(len(words) * rng.uniform(0.3, 0.5)))
    start = rng.randint(0, len(words) - size)
    return " ".join(words[:start] + words[start + size :])


def change_label(text: str, alternatives: Sequence[str], rng: Random) -> str:
    """Give another label of the same traffic, or deny this one where the log has no other."""
    others = [other for other in alternatives if not normalised_match(other, text)]
    changed = change_numbers(text, 1.0, rng)
    return rng.choice(others) if others else changed if changed != text else f"not {text}"


def edit_json(body: JsonBody, model: SimulatedModel, rng: Random) -> str:
    """Change or remove values of a JSON answer, one at least; the result still parses."""
    ends = [path for path in leaves(body.value) if path]
    chosen = {path for path in ends if rng.random() < model.omission_rate} or set(rng.sample(ends, min(1, len(ends))))
    value = copy.deepcopy(body.value)
    for path in reversed(ends):  # from the end, so that the places in arrays still hold
        if path in chosen:
            _change_leaf(value, path, rng)
    return body.render(value)


def break_json(text: str, rng: Random) -> str:
    """Cut a JSON answer so that it does not parse."""
    body = text.rstrip().rstrip("`").rstrip()
    return body[: max(1, min(len(body) - 1, int(len(body) * rng.uniform(0.6, 0.98))))]


def pad(text: str, rng: Random) -> str:
    """Say part of a prose answer again, in more words."""
    pieces = sentences(text)
    again = pieces[rng.randrange(min(2, len(pieces)))].strip()
    return f"Here is what you asked for.\n\n{text.rstrip()}\n\nTo sum it up once more: {again}"


def truncate(text: str, share: float) -> str:
    """Keep the first part of a text, cut between words where it has several."""
    cut = text[: max(1, int(len(text) * share))]
    head = cut.rpartition(" ")[0]
    return head or cut


def refuse(rng: Random) -> str:
    """A refusal, as cheap models word them."""
    return rng.choice(_REFUSALS)


def edit_tool_call(call: ToolCall, rng: Random) -> ToolCall:
    """Change one argument of a tool call; without readable arguments it stays as it is."""
    body = json_body(call.arguments)
    ends = [path for path in leaves(body.value) if path] if body else []
    if body is None or not ends:
        return call
    value = copy.deepcopy(body.value)
    _change_leaf(value, rng.choice(ends), rng)
    return call.model_copy(update={"arguments": json.dumps(value, ensure_ascii=False)})


def edit_text(text: str, model: SimulatedModel, alternatives: Sequence[str], rng: Random) -> str:
    """Damage an answer in the way its kind allows; the result differs from a text with anything to damage."""
    body = json_body(text)
    if body is not None:
        return edit_json(body, model, rng)
    if is_short(text):
        return change_label(text, alternatives, rng)
    changed = change_numbers(text, model.number_rate, rng)
    if len(sentences(text)) > 1:
        changed = drop_sentences(changed, model.omission_rate, rng, at_least=int(changed == text))
    return drop_words(text, rng) if changed == text and text.strip() else changed


def make_reply(
    logged: Completion, finish_reason: str | None, model: SimulatedModel, alternatives: Sequence[str], rng: Random
) -> Reply:
    """Answer a logged call as a simulated model.

    Args:
        logged: The current model's logged answer.
        finish_reason: Why it ended.
        model: The simulated model.
        alternatives: Short answers that the log has to similar calls.
        rng: The source of chance for this model and prompt.
    """
    refuses, truncates, breaks, edits, pads = (rng.random() for _ in range(5))
    finish = finish_reason or ("tool_calls" if logged.tool_calls else "stop")
    text = logged.text
    if refuses < model.refusal_rate:
        return Reply(Completion(text=refuse(rng)), "stop")
    if logged.tool_calls:
        if edits >= model.edit_rate:
            return Reply(logged, finish)
        calls = list(logged.tool_calls)
        index = rng.randrange(len(calls))
        calls[index] = edit_tool_call(calls[index], rng)
        return Reply(logged.model_copy(update={"tool_calls": tuple(calls)}), finish)
    reply = Reply(logged, finish)
    if not text or not text.strip():
        return reply
    is_json = json_body(text) is not None
    # A wrong label is wrong altogether, so that labels must go wrong less often for the same mean loss.
    if edits < model.edit_rate * (_LABEL_SHARE if is_short(text) else 1.0):
        text = edit_text(text, model, alternatives, rng)
    elif pads < model.verbosity and not is_json and not is_short(text):
        text = pad(text, rng)
    if is_json and breaks < model.json_break_rate:
        text = break_json(text, rng)
    if truncates < model.truncation_rate and len(text.split()) > 1:
        text, reply = truncate(text, rng.uniform(0.3, 0.8)), replace(reply, finish_reason="length")
    return replace(reply, completion=logged.model_copy(update={"text": text}))


def _choose(count: int, rate: float, rng: Random, at_least: int) -> set[int]:
    chosen = {index for index in range(count) if rng.random() < rate}
    if len(chosen) < min(at_least, count):
        chosen.update(rng.sample(range(count), min(at_least, count)))
    return chosen


def _change_leaf(value: Any, path: Path, rng: Random) -> None:
    """Change a number or truth value, remove an item of an array, make null or remove anything else."""
    for key in path[:-1]:
        value = value[key]
    key, leaf = path[-1], value[path[-1]]
    if isinstance(leaf, bool):
        value[key] = not leaf
    elif isinstance(leaf, int | float) and math.isfinite(leaf):
        changed = json.loads(change_number(f"{Decimal(str(abs(leaf))):f}", rng))
        value[key] = -changed if leaf < 0 else changed
    elif isinstance(value, list) or leaf is None:
        del value[key]
    else:
        value[key] = None
