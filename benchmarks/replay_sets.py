"""Verdicts on real answers: recorded answers of several models, judged by others, each model in turn as the log.

    python benchmarks/replay_sets.py                        # 200 random orders of each pair of models, two minutes
    python benchmarks/replay_sets.py --orders 20 --data ../shared/data

Two sets that are not part of this project (they are read where they lie, by default in shared/data beside it): 403
prompts answered by seven models, with the probability that a GPT-4 Turbo judge prefers each answer to gpt-4-1106's
(AlpacaEval; quality = 100 x that, gpt-4-1106 itself 50), and 400 school problems answered by two models, right (100) or
wrong (0). For each ordered pair of models the first's answers are the log, the second's the recording, and the set's
preference or correctness is the judge. Costs are characters / 4 as tokens at illustrative list prices. Only here does a
recording count as measured, and do estimated tokens: the question is whether the rules read it rightly.

The *reference* is what all rows together say: inferior where the one-sided 95% bound of mean z is below 0, non-inferior
where it is above 0, else open (z with the margin that the gates use: 5 points where the log's mean is under 20). The
sequential run sees the rows in one random order, as one named switch (evidence of 20 to 1), and stops by itself.

The evidence needs about log(20)/pace pairs, where the pace is the mean logarithm of what a pair multiplies it by; it
can be negative though mean z is above 0, where differences are very wide. A pair of models is *clear* where it is
non-inferior, saves enough and the evidence of all rows together reaches 20, for quality and for refusals. No order
changes that total, so every order must pass both; the length check and the interval of the saving can still object.

Refusals are detected and scored as in a real run: worth 0 where the log has an answer, left out where both refuse.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from judging import (
    FEW,
    THRESHOLDS,
    BenchmarkError,
    PairAt,
    by_original,
    evidence_of,
    misses,
    named_threshold,
    race_over,
    table,
    verdict,
)
from worlds import model

from cqtui.checks.refusals import detect_refusal
from cqtui.engine.evidence import scored
from cqtui.models import Candidate
from cqtui.results import Pair
from cqtui.stats.paired import NonInferiority, non_inferiority, quality_margins
from cqtui.stats.refusal_gate import refusal_gate
from cqtui.stats.savings import savings_ratio
from cqtui.stats.sequential import e_process, points_bounds, relative_bounds

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
MOST_DROP = THRESHOLDS.max_quality_drop_percent
STARTS = 500  # random starts of the original rule
MOST_SHARE, LEAST_POWER = 100.0, 80.0  # percent of the orders of clear pairs: settled by the evidence, and verified
PRICES = {  # USD per million tokens, in and out; Mixtral's is not in the set's own list
    "gpt-4-1106-preview": (10, 30),
    "gpt-3.5-turbo-1106": (1, 2),
    "claude-instant-1.2": (0.8, 2.4),
    "claude-2.1": (8, 24),
    "Qwen-14B-Chat": (0.3, 0.3),
    "gemma-7b-it": (0.2, 0.2),
    "FuseChat-Llama-3.1-8B-Instruct": (0.18, 0.18),
    "mixtral-8x7b-instruct-v0.1": (0.6, 0.6),
}
SETS = {"AlpacaEval": "replay_alpacaeval_dev.jsonl", "GSM8K": "replay_gsm8k_dev.jsonl"}
CHECK = "replay_pairs_dev.json"


@dataclass(frozen=True)
class Answer:
    """One model's answer to one prompt: quality in points, cost in USD."""

    quality: float
    cost: Decimal
    length: int
    refused: bool


Row = dict[str, Answer]


def read_set(path: Path) -> list[Row]:
    """The rows of a set, by model."""
    with path.open(encoding="utf-8") as lines:
        return [_row(json.loads(line)) for line in lines]


def _row(raw: dict[str, Any]) -> Row:
    found = {}
    for name, answer in raw["answers"].items():
        read, write = PRICES[name]
        text = answer["text"]
        quality = 100.0 * answer["win_vs_gpt4t"] if "win_vs_gpt4t" in answer else 100.0 * answer["correct"]
        micro = len(raw["prompt"]) / 4 * read + len(text) / 4 * write
        refused = detect_refusal(text, prompt=raw["prompt"]).is_refusal
        found[name] = Answer(quality, Decimal(f"{micro / 1e6:.12f}"), len(text), refused)
    return found


def pair_of(number: int, row: Row, current: str, candidate: str, *, judged: bool = True) -> Pair:
    """The pair that the replayer would hand over (engine/replay.py says how refusals score)."""
    logged, answer = row[current], row[candidate]
    both = logged.refused and answer.refused
    score = 0.0 if answer.refused else min(answer.quality, logged.quality) if logged.refused else answer.quality
    return Pair.model_construct(
        record_id=str(number),
        baseline_score=logged.quality if judged and not both else None,
        candidate_score=score if judged and not both else None,
        unasked=not judged,
        baseline_cost_usd=logged.cost,
        candidate_cost_usd=answer.cost,
        baseline_refused=logged.refused,
        candidate_refused=answer.refused,
        baseline_length=logged.length,
        candidate_length=answer.length,
    )


def in_order(rows: Sequence[Row], current: str, candidate: str, order: Sequence[int]) -> PairAt:
    """The pairs of a run over the rows in an order."""

    def pair_at(number: int, judged: bool) -> Pair:
        return pair_of(order[number], rows[order[number]], current, candidate, judged=judged)

    return pair_at


@dataclass(frozen=True)
class Reference:
    """What all rows say of a switch."""

    saving: float  # percent
    margin: NonInferiority
    newly_refused: float  # percent
    pace: float  # of the log evidence on quality, a pair
    is_settled: bool

    @property
    def group(self) -> str:
        """What all rows say in a word or two; the first three would be errors to verify."""
        if self.saving < THRESHOLDS.min_cost_saving_percent:
            return "saves too little"
        if self.margin.verdict == "inferior":
            return "inferior"
        if self.newly_refused > THRESHOLDS.max_refusal_increase_percent:
            return "refuses more"
        if self.margin.verdict == "undecided":
            return "open"
        return "clear" if self.is_settled else "non-inferior"

    @property
    def needs(self) -> str:
        """About how many pairs the evidence needs at this pace."""
        return f"{math.ceil(math.log(named_threshold()) / self.pace):,}" if self.pace > 0 else "no number"


GROUPS = ("saves too little", "inferior", "refuses more", "open", "non-inferior", "clear")
ERRORS = GROUPS[:3]


def reference_of(rows: Sequence[Row], current: str, candidate: str) -> Reference:
    """Read all rows of a pair of models."""
    pairs = [pair_of(number, row, current, candidate) for number, row in enumerate(rows)]
    a, b = scored(pairs)
    form, z = quality_margins(a, b, MOST_DROP / 100, MOST_DROP)
    bounds = relative_bounds(MOST_DROP / 100) if form == "relative" else points_bounds(MOST_DROP)
    total = e_process(z, bounds).log_not_worse[-1]
    newly = [pair.candidate_refused and not pair.baseline_refused for pair in pairs]
    enough = math.log(named_threshold())
    saving = savings_ratio([float(row[current].cost) for row in rows], [float(row[candidate].cost) for row in rows])
    return Reference(
        saving=100 * (saving.savings or 0.0),
        margin=non_inferiority(a, b, MOST_DROP / 100, MOST_DROP),
        newly_refused=100 * sum(newly) / len(newly),
        pace=total / len(z),
        is_settled=total >= enough and refusal_gate(newly).log_acceptable[-1] >= enough,
    )


@dataclass(frozen=True)
class Found:
    """One ordered pair of models: the reference, and the sequential runs beside it."""

    current: str
    candidate: str
    reference: Reference
    verified: int
    settled: int
    replays: tuple[int, ...]
    held_back_by: Counter[str]
    original: int


def compare(rows: Sequence[Row], current: str, candidate: str, orders: int, seed: int) -> Found:
    """Run an ordered pair of models in so many orders."""
    rng = random.Random(f"{seed} {current} {candidate}")
    who = Candidate(entry=model(candidate), cost_per_call_usd=Decimal(1), expected_saving_percent=0)
    verified, settled, replays, held_back = 0, 0, [], Counter[str]()
    for _ in range(orders):
        order = rng.sample(range(len(rows)), len(rows))
        race = race_over(in_order(rows, current, candidate, order), who, named_threshold(), len(rows))
        evidence = evidence_of(race)
        verified += evidence.verified
        settled += race.quality == race.refusals == "passed"
        replays.append(len(race.pairs))
        held_back.update(gate.name for gate in evidence.gates if not gate.passed)
    original = 0
    for _ in range(STARTS):
        few = rng.sample(range(len(rows)), FEW)
        original += by_original(in_order(rows, current, candidate, few), who)[0]
    reference = reference_of(rows, current, candidate)
    return Found(current, candidate, reference, verified, settled, tuple(replays), held_back, original)


def check_reading(rows: Sequence[Row], path: Path) -> str:
    """Compare mean z, its bounds and the saving of every pair with what the set's makers found.

    Raises:
        BenchmarkError: A figure differs by more than the rounding of its file (three decimals, four for the saving).
    """
    known = json.loads(path.read_text(encoding="utf-8"))["pairs"]
    most = 0.0
    for pair in known:
        a = [row[pair["current"]].quality for row in rows]
        b = [row[pair["candidate"]].quality for row in rows]
        found = non_inferiority([0.95 * x for x in a], b, points=0.0, form="points")
        costs = [float(sum(row[pair[who]].cost for row in rows)) for who in ("current", "candidate")]
        mean, reach = found.mean_z or 0.0, 1.645 * (found.se or 0.0)  # as its makers computed the bounds
        both = {"mean_z": mean, "z_lower95": mean - reach, "z_upper95": mean + reach}
        off = max(abs(value - pair[name]) / 0.0005 for name, value in both.items())
        off = max(off, abs(1 - costs[1] / costs[0] - pair["savings"]) / 0.00005)
        if off > 1 + 1e-6:
            raise BenchmarkError(f"{pair['current']} to {pair['candidate']}: {both}, the file says {pair}")
        most = max(most, off)
    return (
        f"{len(known)} pairs read as their makers did, to the last decimal given ({most:.2f} of its rounding at most)."
    )


def show(all_found: Sequence[Found], orders: int) -> list[str]:
    """Print the table and the counts; returns the verdict lines."""
    head = ["log → candidate", "saves", "mean z", "95% bounds", "refuses", "all rows say", "needs"]
    rows = [[*head, "verified", "replays", "original rule", "held back most by"]]
    for found in all_found:
        reference, margin = found.reference, found.reference.margin
        if reference.group == "saves too little":
            continue
        (gate, times), *_ = found.held_back_by.most_common(1) or [("", 0)]
        row = [f"{found.current} → {found.candidate}", f"{reference.saving:.0f}%"]
        row += [f"{margin.mean_z:+.1f}{'' if margin.form == 'relative' else ' p'}"]
        row += [f"{margin.lower:+.1f} to {margin.upper:+.1f}", f"{reference.newly_refused:.1f}%", reference.group]
        row += [reference.needs, f"{100 * found.verified / orders:.0f}%", f"{statistics.median(found.replays):.0f}"]
        row += [f"{100 * found.original / STARTS:.0f}%", f"{gate} ({100 * times / orders:.0f}%)" if times else ""]
        rows.append(row)
    print(table(rows))
    print(
        "mean z: p where the margin is in points. needs: pairs at the pace of all rows. verified: share of the orders."
    )
    print(f"replays: median until the stop. original rule: share of {STARTS} random starts of {FEW} samples.\n")
    rows = [["all rows say", "pairs of models", "runs", "verified", "original rule switches"]]
    for name in GROUPS:
        group = [found for found in all_found if found.reference.group == name]
        by_few = 100 * sum(found.original for found in group) / max(1, STARTS * len(group))
        verified = sum(found.verified for found in group)
        rows.append([name, str(len(group)), f"{orders * len(group):,}", f"{verified:,}", f"{by_few:.1f}%"])
    print(table(rows) + "\n")
    wrong = [found for found in all_found if found.reference.group in ERRORS]
    clear = [found for found in all_found if found.reference.group == "clear"]
    if not wrong or not clear:
        raise BenchmarkError("the sets hold no pair that must be verified, or none that must not be")

    def share(count: int, group: Sequence[Found]) -> float:
        return 100 * count / (orders * len(group))

    lines = [
        verdict(f"verified though {', '.join(ERRORS)}", share(sum(f.verified for f in wrong), wrong), 0.0),
        verdict("clear, evidence passed", share(sum(f.settled for f in clear), clear), MOST_SHARE, least=True),
        verdict("clear, verified", share(sum(f.verified for f in clear), clear), LEAST_POWER, least=True),
    ]
    print("\n".join(lines))
    return lines


def main() -> None:
    """Read the command line, run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=200, help="random orders of each pair of models")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder with the two sets")
    options = parser.parse_args()
    missing = [name for name in (*SETS.values(), CHECK) if not (options.data / name).is_file()]
    if missing:
        sys.exit(
            f"{parser.prog}: the labelled sets are not part of this project: {missing[0]} is not in {options.data}"
        )
    print(f"python benchmarks/replay_sets.py --orders {options.orders} --seed {options.seed}\n")
    all_found: list[Found] = []
    try:
        for name, file in SETS.items():
            rows = read_set(options.data / file)
            models = list(rows[0])
            refused = ", ".join(f"{m} {sum(row[m].refused for row in rows)}" for m in models)
            print(f"{name}: {len(rows)} prompts, {len(models)} models; refusals detected: {refused}")
            if name == "AlpacaEval":
                print(check_reading(rows, options.data / CHECK))
            for current in models:
                for candidate in models:
                    if current != candidate:
                        print(f"{name}: {current} → {candidate} ...", file=sys.stderr)
                        all_found.append(compare(rows, current, candidate, options.orders, options.seed))
        print()
        lines = show(all_found, options.orders)
    except BenchmarkError as error:
        sys.exit(f"{parser.prog}: {error}")
    sys.exit(misses(lines))


if __name__ == "__main__":
    main()
