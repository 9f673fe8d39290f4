"""A judge that favours the candidate: how often it misleads a verdict, and what the length check and labels restore.

Printed by ``verdicts.py``. A run verifies one named switch (evidence of 20 to 1). The judge adds 3 or 6 points to the
candidate's score in the mean, to all answers alike or by their length: the candidate's are then twice as long, and each
unit of log length earns so many points. A simulated person labels 30 (or 100) of the judged pairs, drawn at random:
they see the true difference with an error of 10 points (sd) and call what lies within 10 points "same".
"""

from __future__ import annotations

import random
import sys
import time
from dataclasses import dataclass

import numpy as np
from judging import FALSE_LIMIT, BenchmarkError, evidence_of, named_threshold, race_over, table, verdict
from worlds import ENTRIES, MARGIN, Population, World, pair_maker

from cqtui.engine.labelling import label_check
from cqtui.stats.calibration import Preference
from cqtui.stats.rates import wilson

LABELS = (30, 100)
ERROR, DEAD_ZONE = 10.0, 10.0  # points
LONGER = 0.7  # log 2
LENGTH_GATE, LABEL_GATE = "equal length", "human labels"

FAIR, FAIR_LONGER = (
    World("as good, fair judge", (0.0,)),
    World("as good, twice as long, fair judge", (0.0,), longer=LONGER),
)
AT_MARGIN = World("margin, fair judge", (MARGIN,))
WORLDS = (
    FAIR,
    FAIR_LONGER,
    AT_MARGIN,
    World("margin, +3 points", (MARGIN,), bias=3),
    World("margin, +6 points", (MARGIN,), bias=6),
    World("margin, +3 points by length", (MARGIN,), bias=3, through_length=True, longer=LONGER),
    World("margin, +6 points by length", (MARGIN,), bias=6, through_length=True, longer=LONGER),
    World("8 points worse, +6 points", (8.0,), bias=6),
    World("8 points worse, +6 points by length", (8.0,), bias=6, through_length=True, longer=LONGER),
)


@dataclass(frozen=True)
class Checked:
    """Whether one run ends as verified: by the other gates alone, with the length check, with so many labels."""

    as_judged: bool
    length_check: bool
    labelled: tuple[bool, ...]
    both: bool  # the length check and 30 labels


def label_of(difference: float, rng: random.Random) -> Preference:
    """What the simulated person says of a pair with a true difference, points."""
    seen = difference + rng.gauss(0, ERROR)
    return "better" if seen > DEAD_ZONE else "worse" if seen < -DEAD_ZONE else "same"


def check_once(population: Population, number: int, seed: int) -> Checked:
    """One run, by its number and the seed."""
    key = [seed, population.world.key, number]
    calls = population.draw(np.random.default_rng(key))
    race = race_over(pair_maker(population, calls, 0), ENTRIES[0], named_threshold())
    truth = (population.answers[0, calls] - population.current[calls]).tolist()
    rng = random.Random(repr(key))
    judged = [pair.record_id for pair in race.judged_pairs]
    rng.shuffle(judged)
    labels = {(name, "answer"): label_of(truth[int(name)], rng) for name in judged[: max(LABELS)]}
    passed = []
    for count in LABELS:
        known = dict(list(labels.items())[:count])
        found = label_check(race.judged_pairs, known)
        if found is None or found.labelled != min(count, len(judged)):
            raise BenchmarkError(f"{population.world.name}: {count} labels were given, {found} came back")
        passed.append({gate.name: bool(gate.passed) for gate in evidence_of(race, found).gates})

    def all_but(gates: dict[str, bool], *names: str) -> bool:
        return all(value for name, value in gates.items() if name not in names)

    return Checked(
        as_judged=all_but(passed[0], LENGTH_GATE, LABEL_GATE),
        length_check=all_but(passed[0], LABEL_GATE),
        labelled=tuple(all_but(gates, LENGTH_GATE) for gates in passed),
        both=all_but(passed[0]),
    )


def show_biased(runs: int, seed: int, started: float) -> list[str]:
    """Simulate, print the table and return its verdict lines; ``started`` is the monotonic time of the begin."""
    head = ["truth, judge", "as judged", "95%", "length check", *(f"{count} labels" for count in LABELS)]
    rows = [[*head, "check and 30 labels"]]
    shares: dict[str, list[float]] = {}
    for world in WORLDS:
        print(f"{time.monotonic() - started:5.0f} s  {world.name} ...", file=sys.stderr)
        population = Population(world, seed)
        checked = [check_once(population, number, seed) for number in range(runs)]
        columns = [
            [each.as_judged for each in checked],
            [each.length_check for each in checked],
            *([each.labelled[index] for each in checked] for index in range(len(LABELS))),
            [each.both for each in checked],
        ]
        shares[world.name] = percent = [100 * sum(column) / runs for column in columns]
        low, high = wilson(sum(columns[0]), runs).interval
        cells = [f"{value:.1f}%" for value in percent]
        rows.append([world.name, cells[0], f"{100 * low:.1f}–{100 * high:.1f}", *cells[1:]])
    print("A judge that favours the candidate: share verified, one named switch.")
    print(table(rows) + "\n")
    print("As judged: every gate but those two. In the first two rows the candidate is as good: what is verified less")
    print("often there is what the checks cost. In all others whatever is verified is a false switch.")
    print("\n".join(_words(shares)) + "\n")
    line = verdict(f"falsely verified, {AT_MARGIN.name}, one named switch", shares[AT_MARGIN.name][0], FALSE_LIMIT)
    print(line)
    return [line]


def _words(shares: dict[str, list[float]]) -> list[str]:
    """What is restored and what is not, by the figures."""
    lines = []
    for name, (as_judged, length, few, many, both) in shares.items():
        if name in (FAIR.name, FAIR_LONGER.name, AT_MARGIN.name):
            continue
        left = [("the length check", length), ("30 labels", few), ("100 labels", many), ("check and 30 labels", both)]
        restored = [f"{what} (leaves {share:.0f}%)" for what, share in left if share <= FALSE_LIMIT]
        helps = [f"{what} (leaves {share:.0f}%)" for what, share in left if FALSE_LIMIT < share <= as_judged / 2]
        useless = [f"{what} (leaves {share:.0f}%)" for what, share in left if share > max(FALSE_LIMIT, as_judged / 2)]
        words = [f"{name}: misleads {as_judged:.0f}% of runs"]
        words += [f"restored by {', '.join(restored)}"] if restored else []
        words += [f"helped, not restored, by {', '.join(helps)}"] if helps else []
        words += [f"not by {', '.join(useless)}"] if useless else []
        lines.append("; ".join(words) + ".")
    return lines
