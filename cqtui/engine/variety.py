"""How many different prompts a sample of calls holds: repeats make evidence look wider than it is. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cqtui.checks.conversation import render_conversation
from cqtui.models import LoggedCall

SHINGLE_WORDS = 3
NEAR = 0.8  # Jaccard similarity of the word triples from which two prompts count as nearly equal
PERMUTATIONS = 128
SEED = 1
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

    Nearly equal are prompts whose sets of word triples have a Jaccard similarity of 0.8 and more, as estimated by
    MinHash (Broder, "On the resemblance and containment of documents", 1997), and those that are linked by such ones.
    """
    from datasketch import MinHash, MinHashLSH  # type: ignore[import-untyped]  # slow to import: only here

    texts = list(dict.fromkeys(map(_prompt, calls)))
    sketches = MinHash.bulk([_shingles(text) for text in texts], num_perm=PERMUTATIONS, seed=SEED)
    # Candidates cost little, as each is compared below; one that is missed would be counted as different.
    index = MinHashLSH(threshold=NEAR, num_perm=PERMUTATIONS, weights=(0.05, 0.95))
    group = list(range(len(texts)))

    def root(number: int) -> int:
        while group[number] != number:
            number = group[number]
        return number

    for number, sketch in enumerate(sketches):
        for other in index.query(sketch):
            if sketch.jaccard(sketches[other]) >= NEAR:
                group[root(other)] = root(number)
        index.insert(number, sketch)
    return Variety(len(calls), len(texts), len({root(number) for number in group}))


def _prompt(call: LoggedCall) -> str:
    said = [message for message in call.messages if message.role not in ("system", "developer")]
    return " ".join(render_conversation(said or call.messages).split())


def _shingles(text: str) -> list[bytes]:
    words = _WORD.findall(text.lower()) or [text]
    width = min(SHINGLE_WORDS, len(words))
    return [" ".join(words[at : at + width]).encode() for at in range(len(words) - width + 1)]
