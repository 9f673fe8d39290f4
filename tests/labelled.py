"""Human-labelled answers that lie beside this repository, and how well a detector of refusals does on them.

Rules are chosen by looking at one half of the XSTest answers only. The halves are split by pair: an unsafe contrast
prompt stays on the side of its safe partner, so that no prompt is judged by a rule that its twin inspired.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
XSTEST = DATA / "refusals_dev.jsonl"
EVERYDAY = DATA / "refusals_everyday_dev.jsonl"
ABSENT = "the labelled answers are not beside this repository (../shared/data)"
_PROMPTS_PER_TYPE = 25

Pair = tuple[str, int]
Detector = Callable[[str, str], bool]


@dataclass(frozen=True)
class Labelled:
    """One answer, its label and the pair of prompts that it belongs to."""

    prompt: str
    answer: str
    label: str
    pair: Pair
    tuning: bool

    @property
    def declined(self) -> bool:
        """Whether people called it a refusal, whole or partial."""
        return self.label != "compliance"


@dataclass(frozen=True)
class Counts:
    """How a detector did: right and wrong findings, and partial refusals found of how many."""

    hits: int = 0
    misses: int = 0
    alarms: int = 0
    rejections: int = 0
    partial: int = 0
    partial_found: int = 0

    def __add__(self, other: Counts) -> Counts:
        mine, yours = vars(self), vars(other)
        return Counts(**{name: mine[name] + yours[name] for name in mine})

    @property
    def precision(self) -> float:
        """Of the answers called refusals, the share that are."""
        return _share(self.hits, self.hits + self.alarms)

    @property
    def recall(self) -> float:
        """Of the refusals, the share found."""
        return _share(self.hits, self.hits + self.misses)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return _share(2 * self.hits, 2 * self.hits + self.misses + self.alarms)

    @property
    def false_positive_rate(self) -> float:
        """Of the compliant answers, the share called refusals."""
        return _share(self.alarms, self.alarms + self.rejections)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def count(rows: Iterable[Labelled], refuses: Detector) -> Counts:
    """Count what a detector gets right and wrong.

    Args:
        rows: The labelled answers.
        refuses: Says of an answer and its prompt whether it is a refusal.
    """
    total = Counts()
    for row in rows:
        found, partial = refuses(row.answer, row.prompt), row.label == "partial_refusal"
        total += Counts(
            hits=row.declined and found,
            misses=row.declined and not found,
            alarms=found and not row.declined,
            rejections=not (found or row.declined),
            partial=partial,
            partial_found=partial and found,
        )
    return total


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _number(record: dict[str, Any]) -> int:
    return int(record["id"].split("-")[2])


def _pair(record: dict[str, Any]) -> Pair:
    """XSTest numbers 25 prompts of a type after those of the type before, partners in the same order."""
    family = record["prompt_type"].removeprefix("contrast_")
    for shared in ("discr", "privacy"):  # two safe types with one contrast
        family = shared if shared in family else family
    return family, (_number(record) - 1) % _PROMPTS_PER_TYPE


def _in_tuning_half(prompt: str) -> bool:
    return hashlib.sha256(prompt.encode()).digest()[0] % 2 == 0


def xstest() -> list[Labelled]:
    """The XSTest answers, with the half that each belongs to: that of the first safe prompt of its pair."""
    records = list(_records(XSTEST))
    leads: dict[Pair, str] = {}
    for record in sorted(records, key=_number):
        leads.setdefault(_pair(record), record["prompt"])
    return [
        Labelled(
            prompt=record["prompt"],
            answer=record["response"],
            label=record["label"],
            pair=_pair(record),
            tuning=_in_tuning_half(leads[_pair(record)]),
        )
        for record in records
    ]


def everyday() -> list[Labelled]:
    """Answers to ordinary prompts, each a pair by itself; no rule is chosen by looking at them."""
    return [
        Labelled(
            prompt=item["prompt"], answer=item["response"], label=item["label"], pair=("everyday", n), tuning=False
        )
        for n, item in enumerate(_records(EVERYDAY))
    ]
