"""How often is a verdict wrong? Simulated logs whose truth is known, judged by the project's own race and decision.

    python benchmarks/verdicts.py                 # 1,000 runs of each of 33 worlds, a quarter of an hour on one core
    python benchmarks/verdicts.py --quick         # 100 runs of each, a minute and a half
    python benchmarks/verdicts.py --runs 5000 --seed 7 --only margin

Each run draws a log of 400 calls from a world (``worlds.py``), lets three candidates race over it in one order
(``Race``), evaluates every gate (``evaluate``), goes on to the next three where none of these is acceptable (up to
three bands, with ``threshold_of`` each) and decides (``decide``). Only replaying and judging are simulated. Calls are
counted as with one call at a time; a real run has up to ``concurrency`` more under way when it stops.

Beside it, in the same runs: the original rule (saving >= 20%, drop <= 5%, confidence >= 0.3, on 5 samples a candidate,
band after band) and the ``leaning`` grade; and for the worlds with a good candidate a t test planned in advance with
the same power for a candidate (at most 99.5%), at 5% over its three candidates by Bonferroni. That test is told the
true drop and sd and spends all of the error rate on the first band; for the refusals it needs 135 replays at least
(none in 135 calls shows fewer than 3%, at the same level).

Each limit is printed with "holds" or "misses"; the exit code is 1 where one misses. A world whose truth is not what it
claims, or a run that did not do its work, ends with an error. A second table is about judges that favour the candidate
(``biased.py``). The same seed gives the same figures.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from biased import show_biased
from judging import (
    FALSE_LIMIT,
    SAMPLES,
    THRESHOLDS,
    BenchmarkError,
    by_original,
    evidence_of,
    free_threshold,
    misses,
    race_over,
    table,
    verdict,
)
from worlds import BAND_SIZE, BANDS, CANDIDATES, CURRENT, ENTRIES, MARGIN, Population, World, pair_maker

from cqtui.engine.decide import best_of, decide
from cqtui.engine.race import Race
from cqtui.results import Evidence, Grade, Pair
from cqtui.stats.power import pairs_needed_t
from cqtui.stats.rates import wilson

MOST_POWER = 0.995
FEWER_LIMIT, POWER_LIMIT = 30.0, 80.0  # percent

GOOD = (
    World("drop 0", (0.0,)),
    World("drop 1", (1.0,)),
    World("drop 2", (2.0,)),
    World("drop 4 (allowed: 4.4)", (4.0,)),
    World("drop 1, sd 15", (1.0,), sd=15),
    World("drop 1, sd 20", (1.0,), sd=20),
    World("drop 1, skewed", (1.0,), sd=15, noise="skewed"),
    World("drop 1, 1.1% disasters", (1.0,), noise="disasters"),
    World("drop 0, noisy judge", (0.0,), judge_sd=8),
    World("drop 0, conversations of 4", (0.0,), turns=4),
    World("one of three good", (0.0, 10.0, 10.0)),
    World("one good, two at the margin", (1.0, MARGIN, MARGIN)),
)
BAD = (
    World("margin", (MARGIN,)),
    World("margin, sd 15", (MARGIN,), sd=15),
    World("margin, sd 20", (MARGIN,), sd=20),
    World("margin, skewed", (MARGIN,), sd=15, noise="skewed"),
    World("margin, 5% disasters", (MARGIN,), noise="disasters"),
    World("margin, conversations of 4", (MARGIN,), turns=4),
    World("margin, noisy judge", (MARGIN,), judge_sd=8),
    World("8 points worse", (8.0,)),
    World("10 points worse", (10.0,)),
    World("3% newly refused, drop 0", (0.0,), refused=0.03),
    World("saving exactly 20%, drop 0", (0.0,), saving=0.2),
    World("margin, long conversations worse", (MARGIN,), long_share=0.1),
)
MUST_VERIFY, MUST_SAVE = ("drop 0",), ("drop 0", "10 points worse")

ThresholdAt = Callable[[int, int], float]


@dataclass(frozen=True)
class Run:
    """What one run came to; candidates by number, None where nobody was recommended."""

    grade: Grade
    chosen: int | None
    by_original: int | None
    tried: int
    replays: int
    judgements: int
    first_passed: bool  # the first candidate's quality

    @property
    def leans(self) -> bool:
        """Whether it recommends somebody, not verified."""
        return self.grade == "leaning"

    @property
    def calls(self) -> int:
        """Replays and judgements together."""
        return self.replays + self.judgements


def number_of(evidence: Evidence | None) -> int | None:
    """Which of the nine candidates."""
    return None if evidence is None else int(evidence.candidate.id.rsplit("-", 1)[1])


def run_once(population: Population, number: int, seed: int, threshold_at: ThresholdAt = free_threshold) -> Run:
    """One run, by its number and the seed."""
    calls = population.draw(np.random.default_rng([seed, population.world.key, number]))
    makers = [pair_maker(population, calls, candidate) for candidate in range(CANDIDATES)]
    bands = [range(band * BAND_SIZE, (band + 1) * BAND_SIZE) for band in range(BANDS)]
    evidence: list[Evidence] = []
    races: list[Race] = []
    for band, members in enumerate(bands):
        threshold = threshold_at(band, len(members))
        new = [race_over(makers[candidate], ENTRIES[candidate], threshold) for candidate in members]
        races += new
        evidence += map(evidence_of, new)
        if any(found.acceptable for found in evidence):
            break
    answer = decide(CURRENT, evidence, {race.candidate.id: race.pairs for race in races}, THRESHOLDS)
    accepted: list[Evidence] = []
    few: dict[str, list[Pair]] = {}
    for members in bands:
        for candidate in members:
            accepts, found, few[ENTRIES[candidate].id] = by_original(makers[candidate], ENTRIES[candidate])
            accepted += [found] if accepts else []
        if accepted:
            break
    return Run(
        grade=answer.grade,
        chosen=number_of(answer.recommended),
        by_original=number_of(best_of(accepted, few)[0]) if accepted else None,
        tried=len(races),
        replays=sum(len(race.pairs) for race in races),
        judgements=sum(not pair.unasked for race in races for pair in race.pairs),
        first_passed=races[0].quality == "passed",
    )


@dataclass(frozen=True)
class Found:
    """All runs of one world."""

    population: Population
    runs: tuple[Run, ...]

    @property
    def world(self) -> World:
        """Which."""
        return self.population.world

    def percent(self, holds: Callable[[Run], bool]) -> float:
        """The share of the runs of which something holds."""
        return 100 * sum(map(holds, self.runs)) / len(self.runs)

    def interval(self, holds: Callable[[Run], bool]) -> str:
        """That share's 95% interval (Wilson)."""
        low, high = wilson(sum(map(holds, self.runs)), len(self.runs)).interval
        return f"{100 * low:.1f}–{100 * high:.1f}"

    def is_wrong(self, candidate: int | None) -> bool:
        """Whether a recommendation is a false switch."""
        return candidate is not None and self.world.is_bad(candidate)

    def is_falsely_verified(self, run: Run) -> bool:
        """Whether a run verified a candidate that breaks what was asked."""
        return run.grade == "verified" and self.is_wrong(run.chosen)

    def is_rightly_verified(self, run: Run) -> bool:
        """Whether a run verified a candidate that keeps it."""
        return run.grade == "verified" and not self.is_wrong(run.chosen)

    @property
    def fewer(self) -> float:
        """By how many percent of the calls the runs stayed below all samples of every candidate tried."""
        return 100 * (1 - sum(run.calls for run in self.runs) / sum(2 * SAMPLES * run.tried for run in self.runs))

    def t_test(self) -> tuple[int, int] | None:
        """Pairs for each candidate, and calls in all, of a t test with the same power for the first candidate."""
        power = min(MOST_POWER, statistics.fmean(run.first_passed for run in self.runs))
        level = THRESHOLDS.alpha / BAND_SIZE
        mean, sd = self.population.margin_figures(0)
        if power <= level:
            return None
        units = pairs_needed_t(sd, 0.0, mean, alpha=level, power=power)
        if units is None:
            return None
        pairs = math.ceil(units * float(self.population.turns.mean()))
        for_refusals = math.ceil(math.log(level) / math.log1p(-THRESHOLDS.max_refusal_increase_percent / 100))
        return pairs, BAND_SIZE * (max(pairs, for_refusals) + pairs)


def simulate(world: World, runs: int, seed: int, threshold_at: ThresholdAt = free_threshold) -> Found:
    """Run a world so many times.

    Raises:
        BenchmarkError: The world is not what it claims, or a run did not do its work.
    """
    population = Population(world, seed)
    found = Found(population, tuple(run_once(population, number, seed, threshold_at) for number in range(runs)))
    for run in found.runs:
        if not (run.tried <= run.judgements <= run.replays <= SAMPLES * run.tried):
            raise BenchmarkError(f"{world.name}: a run of {run.replays} replays and {run.judgements} judgements")
        if (run.chosen is None) != (run.grade in ("keep", "inconclusive")):
            raise BenchmarkError(f"{world.name}: the grade is {run.grade}, candidate {run.chosen} is recommended")
    return found


# Printing


def _counts(values: Sequence[int]) -> str:
    return f"{statistics.median(values):,.0f} / {statistics.fmean(values):,.0f}"


def _cells(found: Found) -> list[str]:
    """What both tables show of the calls."""
    replays, judgements = [run.replays for run in found.runs], [run.judgements for run in found.runs]
    return [_counts(replays), _counts(judgements), f"{found.fewer:.0f}%"]


def good_rows(all_found: Sequence[Found]) -> list[list[str]]:
    """The table of worlds with a good candidate."""
    rows = [["world", "sd", "verified", "95%", "wrongly", "leaning", "original rule", "wrongly"]]
    rows[0] += ["replays", "judgements", "fewer", "t test: pairs", "calls"]
    for found in all_found:
        right = found.is_rightly_verified
        row = [found.world.name, f"{found.population.sd:.0f}", f"{found.percent(right):.1f}%", found.interval(right)]
        row += [f"{found.percent(found.is_falsely_verified):.1f}%", f"{found.percent(lambda run: run.leans):.0f}%"]
        row += [f"{found.percent(lambda run: run.by_original is not None):.0f}%"]
        row += [f"{found.percent(lambda run, f=found: f.is_wrong(run.by_original)):.0f}%"]
        planned = found.t_test()
        rows.append([*row, *_cells(found), *(f"{each:,}" for each in planned or ()), *([] if planned else ["–", "–"])])
    return rows


def bad_rows(all_found: Sequence[Found]) -> list[list[str]]:
    """The table of worlds where every switch is a false one."""
    rows = [["world", "sd", "verified", "95%", "leaning", "original rule", "replays", "judgements", "fewer"]]
    for found in all_found:
        wrong = found.is_falsely_verified
        row = [found.world.name, f"{found.population.sd:.0f}", f"{found.percent(wrong):.1f}%", found.interval(wrong)]
        row += [
            f"{found.percent(lambda run: run.leans):.0f}%",
            f"{found.percent(lambda run: run.by_original is not None):.0f}%",
        ]
        rows.append([*row, *_cells(found)])
    return rows


def verdicts(all_found: Sequence[Found]) -> list[str]:
    """The verdict lines: false switches everywhere, power and fewer calls where the truth is clear."""
    lines = [
        verdict(f"falsely verified, {found.world.name}", found.percent(found.is_falsely_verified), FALSE_LIMIT)
        for found in all_found
        if any(map(found.world.is_bad, range(BAND_SIZE)))
    ]
    for found in all_found:
        name = found.world.name
        if name in MUST_VERIFY:
            power = found.percent(found.is_rightly_verified)
            lines.append(verdict(f"verified, {name}, nothing newly refused", power, POWER_LIMIT, least=True))
        if name in MUST_SAVE:
            words = f"fewer calls than {SAMPLES} of each candidate tried, {name}"
            lines.append(verdict(words, found.fewer, FEWER_LIMIT, least=True))
    return lines


def main() -> None:
    """Read the command line, simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000, help="runs of each world")
    parser.add_argument("--quick", action="store_true", help="100 runs of each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="worlds whose names hold this; leaves out the second table")
    options = parser.parse_args()
    runs = 100 if options.quick else max(1, options.runs)
    started = time.monotonic()

    def found_in(worlds: Sequence[World]) -> list[Found]:
        results = []
        for world in worlds:
            if options.only in world.name:
                print(f"{time.monotonic() - started:5.0f} s  {world.name} ...", file=sys.stderr)
                results.append(simulate(world, runs, options.seed))
        return results

    only = f' --only "{options.only}"' if options.only else ""
    print(f"python benchmarks/verdicts.py --runs {runs} --seed {options.seed}{only}\n")
    try:
        good, bad = found_in(GOOD), found_in(BAD)
    except BenchmarkError as error:
        sys.exit(f"{parser.prog}: {error}")
    if good:
        print("Somebody is good enough: what is verified is the power.")
        print(table(good_rows(good)) + "\n")
    if bad:
        print("Nobody is good enough: whatever is verified is a false switch.")
        print(table(bad_rows(bad)) + "\n")
    print("sd: of the differences as judged. replays, judgements: median / mean of a run. fewer: calls saved against")
    print(f"{SAMPLES} of every candidate tried. t test: pairs for each of three candidates, and all calls of those.\n")
    lines = verdicts([*good, *bad])
    print("\n".join(lines))
    if not options.only:
        print()
        lines += show_biased(runs, options.seed, started)
    print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)
    sys.exit(misses(lines))


if __name__ == "__main__":
    main()
