"""How many different prompts a sample of calls holds: repeats make evidence look wider than it is. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from cqtui.checks.conversation import render_conversation
from cqtui.models import LoggedCall

SHINGLE_WORDS = 3
NEAR = 0.8  # Jaccard similarity of the word triples from which two prompts count as nearly equal
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Variety:
    """What repeats in a sample of calls; system prompts, which are meant to repeat, are left out of the comparison.

    Attributes:
        calls: The calls that were compared.
        distinct: Different prompts among them, equal ones counted once.
        varied: The same with nearly equal ones counted once, too: the effective variety.
    """

    calls: int
    distinct: int
    varied: int


def variety_of(calls: Sequence[LoggedCall]) -> Variety:
    """Count the prompts of calls that differ.

    Nearly equal are prompts whose sets of word triples have a Jaccard similarity of 0.8 and more, and those that are
    linked by such ones. Only prompts that share one of their rarest triples are compared: two sets as similar as that
    must (prefix filtering: Chaudhuri, Ganti and Kaushik, "A primitive operator for similarity joins", 2006).
    """
    texts = list(dict.fromkeys(map(_prompt, calls)))
    sets = [_shingles(text) for text in texts]
    often = Counter(shingle for shingles in sets for shingle in shingles)
    group = list(range(len(texts)))

    def root(number: int) -> int:
        while group[number] != number:
            number = group[number]
        return number

    having: dict[str, list[int]] = defaultdict(list)
    for number, shingles in enumerate(sets):
        rarest = sorted(shingles, key=lambda shingle: (often[shingle], shingle))
        prefix = rarest[: len(rarest) - math.ceil(NEAR * len(rarest)) + 1]
        for other in {other for shingle in prefix for other in having[shingle]}:
            shared = len(shingles & sets[other])
            if shared >= NEAR * (len(shingles) + len(sets[other]) - shared):
                group[root(other)] = root(number)
        for shingle in prefix:
            having[shingle].append(number)
    return Variety(len(calls), len(texts), len({root(number) for number in group}))


def _prompt(call: LoggedCall) -> str:
    said = [message for message in call.messages if message.role not in ("system", "developer")]
    return " ".join(render_conversation(said or call.messages).split())


def _shingles(text: str) -> frozenset[str]:
    words = _WORD.findall(text.lower()) or [text]
    width = min(SHINGLE_WORDS, len(words))
    return frozenset(" ".join(words[at : at + width]) for at in range(len(words) - width + 1))
