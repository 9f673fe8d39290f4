"""What the benchmarks of verdicts share: the project's rules as they stand, a race over a log, tables and limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace

from cqtui.engine.bands import threshold_of
from cqtui.engine.evidence import evaluate
from cqtui.engine.gates import Basis
from cqtui.engine.race import Race
from cqtui.models import Candidate
from cqtui.results import Evidence, LabelCheck, Pair
from cqtui.settings import Constraints, Settings, Thresholds

THRESHOLDS = Thresholds()
SAMPLES = THRESHOLDS.max_samples
# What is simulated or recorded is never verified elsewhere. Here the question is whether the rules read the pairs
# rightly, and the gate "measured" would only hide the others.
BASIS = Basis(measured=True)
ORIGINAL = ("samples", "saving", "quality", "confidence in the switch")
FEW = THRESHOLDS.min_sample_size
FALSE_LIMIT = 100 * THRESHOLDS.alpha  # percent of runs that may verify a candidate that breaks what was asked

PairAt = Callable[[int, bool], Pair]
"""The pair of a call, by its number in the run's order and whether it is to be judged."""


class BenchmarkError(Exception):
    """A world or a set is not what it claims to be, or a run did not do its work."""


def free_threshold(band: int, candidates: int) -> float:
    """The evidence that the project asks of each candidate of a band in a run that names none."""
    return threshold_of(SimpleNamespace(settings=Settings()), band, candidates)  # all that it reads of a plan


def named_threshold() -> float:
    """The evidence that the project asks of one named switch."""
    return threshold_of(SimpleNamespace(settings=Settings(candidates=("one",))), 0, 1)


def race_over(pair_at: PairAt, candidate: Candidate, threshold: float, count: int = SAMPLES) -> Race:
    """One candidate's race over a log, as ``verify`` runs it with one call at a time."""
    race = Race(candidate, THRESHOLDS, threshold)
    for number in range(count):
        race.add(pair_at(number, race.wants_judgement))
        if race.stopped is not None:
            break
    race.finish()
    return race


def evidence_of(race: Race, labels: LabelCheck | None = None) -> Evidence:
    """Every gate, under the default settings."""
    return evaluate(race, THRESHOLDS, Constraints(), BASIS, labels)


def by_original(pair_at: PairAt, candidate: Candidate) -> tuple[bool, Evidence, list[Pair]]:
    """Whether the original rule switches on its few samples, and what it rests on."""
    race = race_over(pair_at, candidate, math.inf, FEW)
    evidence = evidence_of(race)
    accepts = all(gate.passed for gate in evidence.gates if gate.level == "leaning" and gate.name in ORIGINAL)
    return accepts, evidence, race.pairs


def table(rows: Sequence[Sequence[str]]) -> str:
    """A plain table, the first column to the left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def verdict(name: str, found: float, limit: float, *, least: bool = False) -> str:
    """The verdict line of a limit, in percent."""
    holds = found >= limit if least else found <= limit
    asked = f"{'at least' if least else 'at most'} {limit:g}%"
    return f"{'holds ' if holds else 'misses'}  {name}: {found:.1f}% ({asked})"


def misses(lines: Sequence[str]) -> bool:
    """Whether one of some verdict lines says so."""
    return any(line.startswith("misses") for line in lines)
