"""Simulated logs whose truth is known exactly; ``verdicts.py`` and ``biased.py`` draw their runs from them.

A world is a fixed population of 60,000 calls with the scores of the current model and of nine candidates (three bands
of three). Scores are drawn and cut to 0..100, which moves their mean; the shift at which the mean *after* cutting is
the one claimed is then found numerically, and so is the noise at which the differences have the sd claimed. Runs draw
calls (whole conversations, where there are some) from the population at random, with replacement: each call that is
drawn has exactly the claimed mean drop, cut scores, refusals and all. What a judge adds is put on top and cut in the
same way, so that its bias is exact as well.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Literal

import numpy as np
from judging import SAMPLES, THRESHOLDS, BenchmarkError, PairAt
from numpy.typing import NDArray
from scipy.optimize import brentq

from cqtui.models import Candidate, ModelEntry
from cqtui.results import Pair

Floats = NDArray[np.float64]
Calls = NDArray[np.int64]

CALLS = 60_000
BANDS, BAND_SIZE = 3, 3
CANDIDATES = BANDS * BAND_SIZE
MARGIN = "margin"
MARGIN_SHARE = THRESHOLDS.max_quality_drop_percent / 100
BETA = (14.08, 1.92)  # the current model's quality, of 100: mean 88, sd 7.9, most answers high and a tail of poor ones
COSTS = 2_000  # different costs; CALLS is a multiple of it
SHARED = 0.5  # of the noise's variance, what the turns of a conversation have in common


@dataclass(frozen=True)
class World:
    """What is true of a log and of the candidates; points unless said otherwise.

    Attributes:
        name: What it is called in tables.
        drops: True mean drop of the three candidates of each band; "margin" is 5% of the current model's mean.
        sd: Of the differences (true ones), after cutting.
        noise: Its shape. "skewed" has a long tail of bad answers (exponential). "disasters": answers about as good as
            the current model's (sd 3), and a share of answers worth nothing that makes up the whole drop.
        turns: Calls of a conversation.
        long_share: Share of conversations of ten turns, in which alone there is a drop; the others have one turn.
        judge_sd: Noise that the judge adds to each score, before cutting.
        refused: Share of calls newly refused, worth 0 points each.
        saving: True saving, a share.
        longer: Mean of log(candidate's length / current's); its sd is 0.4.
        bias: Points that the judge adds to the candidate's score in the mean.
        through_length: Whether it adds them by length: so many points per unit of log length.
    """

    name: str
    drops: tuple[float | Literal["margin"], ...]
    sd: float = 10.0
    noise: Literal["normal", "skewed", "disasters"] = "normal"
    turns: int = 1
    long_share: float = 0.0
    judge_sd: float = 0.0
    refused: float = 0.0
    saving: float = 0.5
    longer: float = 0.1
    bias: float = 0.0
    through_length: bool = False

    @property
    def key(self) -> int:
        """Seeds what is drawn in this world."""
        return zlib.crc32(self.name.encode())

    def drop_of(self, candidate: int) -> float | Literal["margin"]:
        """The true drop of one of the nine candidates."""
        return self.drops[candidate % len(self.drops)]

    def is_bad(self, candidate: int) -> bool:
        """Whether a switch to a candidate breaks what was asked: quality, refusals or saving."""
        drop = self.drop_of(candidate)
        too_low = drop == MARGIN or drop >= MARGIN_SHARE * 100 * BETA[0] / sum(BETA)
        refuses = 100 * self.refused >= THRESHOLDS.max_refusal_increase_percent
        return too_low or refuses or 100 * self.saving <= THRESHOLDS.min_cost_saving_percent


def _shifted(values: Floats, target: float, times: Floats | float = 1.0) -> Floats:
    """Add a multiple of ``times`` to the values so that their mean, once they are cut to 0..100, is the target."""

    def off(shift: float) -> float:
        return float(np.clip(values + shift * times, 0, 100).mean()) - target

    found: float = brentq(off, -300, 300, xtol=1e-12)
    return np.clip(values + found * times, 0, 100)


class Population:
    """The calls of a world, drawn by its name and a seed."""

    def __init__(self, world: World, seed: int = 0) -> None:
        """Draw it; the same for the same name and seed."""
        self.world = world
        rng = np.random.default_rng([seed, world.key])
        self._lay_out_conversations(rng)
        self.current = 100 * rng.beta(*BETA, size=CALLS)
        self.margin = MARGIN_SHARE * float(self.current.mean())
        self.refused = np.zeros((CANDIDATES, CALLS), dtype=bool)
        self.answers = np.empty((CANDIDATES, CALLS))
        scale = 0.0
        for candidate in range(CANDIDATES):
            noise = self._noise(rng)
            self.refused[candidate, rng.permutation(CALLS)[: round(world.refused * CALLS)]] = True
            if candidate == 0:
                scale = self._scale(noise)
            self.answers[candidate] = self._answers(candidate, scale * noise, rng)
        lengths = np.exp(rng.normal(6.8, 0.5, size=CALLS))
        self._log_ratio = rng.normal(world.longer, 0.4, size=(CANDIDATES, CALLS))
        self.lengths = np.maximum(1, lengths.round()).astype(int)
        self.answer_lengths = np.maximum(1, (lengths * np.exp(self._log_ratio)).round()).astype(int)
        self._judge(rng)
        self._price(rng)
        self._check()

    def _lay_out_conversations(self, rng: np.random.Generator) -> None:
        world = self.world
        if not world.long_share:
            self.turns = np.full(CALLS // world.turns, world.turns)
        else:
            turns = np.where(rng.random(CALLS) < world.long_share, 10, 1)
            self.turns = turns[: int(np.searchsorted(np.cumsum(turns), CALLS))]
            self.turns = np.append(self.turns, CALLS - self.turns.sum())
        self.starts = np.cumsum(self.turns) - self.turns
        self.conversation = np.repeat(np.arange(len(self.turns)), self.turns)

    def _draw(self, rng: np.random.Generator, size: int) -> Floats:
        if self.world.noise == "skewed":
            return 1 - rng.exponential(size=size)
        return rng.standard_normal(size)

    def _noise(self, rng: np.random.Generator) -> Floats:
        own = self._draw(rng, CALLS)
        if self.world.turns == 1:
            return own
        shared = self._draw(rng, len(self.turns))[self.conversation]
        return np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * own

    def _target(self, candidate: int) -> float:
        drop = self.world.drop_of(candidate)
        return float(self.current.mean()) - (self.margin if drop == MARGIN else float(drop))

    def _scale(self, noise: Floats) -> float:
        """The noise's scale at which the first candidate's differences have the sd asked for."""
        if self.world.noise == "disasters":
            return 3.0

        def off(scale: float) -> float:
            answers = _shifted(self.current + scale * noise, self._target(0))
            return float((answers - self.current).std()) - self.world.sd

        found: float = brentq(off, 0.5, 8 * self.world.sd, xtol=1e-9)
        return found

    def _answers(self, candidate: int, noise: Floats, rng: np.random.Generator) -> Floats:
        world, answers = self.world, self.current + noise
        worthless = self.refused[candidate]
        if world.noise == "disasters":
            share = 1 - self._target(candidate) / float(self.current.mean())
            worthless = np.zeros(CALLS, dtype=bool)
            worthless[rng.permutation(CALLS)[: round(share * CALLS)]] = True
        found = np.zeros(CALLS)
        if world.long_share:  # the short conversations are as good as ever
            is_long = self.turns[self.conversation] > 1
            found[~is_long] = _shifted(answers[~is_long], float(self.current[~is_long].mean()))
            missing = self._target(candidate) * CALLS - found.sum()
            found[is_long] = _shifted(answers[is_long], missing / is_long.sum())
            return found
        kept = ~worthless
        found[kept] = _shifted(answers[kept], self._target(candidate) * CALLS / kept.sum())
        return found

    def _judge(self, rng: np.random.Generator) -> None:
        """What the judge makes of the answers."""
        world = self.world
        self.judged_current = np.broadcast_to(self.current, (CANDIDATES, CALLS))
        self.judged_answers = self.answers
        if world.judge_sd:
            noisy = self.judged_current + rng.normal(0, world.judge_sd, size=(CANDIDATES, CALLS))
            self.judged_current = np.stack([_shifted(row, float(self.current.mean())) for row in noisy])
            noisy = self.answers + rng.normal(0, world.judge_sd, size=(CANDIDATES, CALLS))
            self.judged_answers = np.stack(
                [_shifted(row, float(true.mean())) for row, true in zip(noisy, self.answers, strict=True)]
            )
        if world.bias:
            times = self._log_ratio if world.through_length else np.ones((CANDIDATES, CALLS))
            rows = zip(self.judged_answers, times, strict=True)
            self.judged_answers = np.stack([_shifted(row, float(row.mean()) + world.bias, by) for row, by in rows])

    def _price(self, rng: np.random.Generator) -> None:
        current = rng.lognormal(0, 0.4, size=COSTS)
        self.costs = _money(0.01 * current / current.mean())
        self.answer_costs: list[list[Decimal]] = []
        for _ in range(CANDIDATES):
            cost = current * rng.lognormal(0, 0.3, size=COSTS)
            self.answer_costs.append(_money(0.01 * (1 - self.world.saving) * cost / cost.mean()))

    def _check(self) -> None:
        for candidate in range(CANDIDATES):
            drop = self.world.drop_of(candidate)
            found = float((self.current - self.answers[candidate]).mean())
            if abs(found - (self.margin if drop == MARGIN else float(drop))) > 1e-6:
                raise BenchmarkError(f"{self.world.name}: the true drop of candidate {candidate} is {found}")
            added = self.judged_answers[candidate] - self.judged_current[candidate]
            if abs(float(added.mean()) + found - self.world.bias) > 1e-6:
                raise BenchmarkError(f"{self.world.name}: the judge adds {float(added.mean()) + found} points")

    @cached_property
    def sd(self) -> float:
        """Of the first candidate's differences as judged."""
        return float((self.judged_answers[0] - self.judged_current[0]).std())

    def margin_figures(self, candidate: int) -> tuple[float, float]:
        """Mean and sd of z = b - 0.95 a as judged, of one call (of a conversation's mean, where there are some)."""
        z = self.judged_answers[candidate] - (1 - MARGIN_SHARE) * self.judged_current[candidate]
        sums = np.bincount(self.conversation, weights=z)
        means = sums / self.turns
        return float(means.mean()), float(means.std())

    def draw(self, rng: np.random.Generator) -> Calls:
        """The calls of one run in their order, conversations whole and their turns in order."""
        if self.world.turns == 1 and not self.world.long_share:
            return rng.integers(0, CALLS, size=SAMPLES)
        drawn = rng.integers(0, len(self.turns), size=SAMPLES)
        return np.concatenate([np.arange(self.starts[c], self.starts[c] + self.turns[c]) for c in drawn])[:SAMPLES]


def _money(values: Floats) -> list[Decimal]:
    return [Decimal(f"{value:.12f}") for value in values.tolist()]


def model(name: str) -> ModelEntry:
    """A registry entry of no real model."""
    return ModelEntry.model_validate(
        {
            "id": f"simulated/{name}",
            "display_name": name,
            "provider": "simulated",
            "family": name,
            "portkey_slug": "simulated",
            "model": name,
            "is_active": True,
        }
    )


CURRENT = model("current")
ENTRIES = [
    Candidate(entry=model(f"candidate-{number}"), cost_per_call_usd=Decimal("0.005"), expected_saving_percent=50)
    for number in range(CANDIDATES)
]


def pair_maker(population: Population, calls: Calls, candidate: int) -> PairAt:
    """What the replayer would hand over for the calls of a run: by number in its order, and whether it is judged.

    The pairs skip validation for speed; they hold what validated ones would.
    """
    world = population.world
    current = population.judged_current[candidate, calls].tolist()
    answers = population.judged_answers[candidate, calls].tolist()
    sizes, answer_sizes = population.lengths[calls].tolist(), population.answer_lengths[candidate, calls].tolist()
    refused = population.refused[candidate, calls].tolist()
    costs, answer_costs = population.costs, population.answer_costs[candidate]
    which = (calls % COSTS).tolist()
    sessions: list[str | None] = [None] * len(calls)
    if world.turns > 1 or world.long_share:
        sessions = [f"s{number}" for number in population.conversation[calls].tolist()]

    def pair(number: int, judged: bool) -> Pair:
        return Pair.model_construct(
            record_id=str(number),
            session=sessions[number],
            baseline_score=current[number] if judged else None,
            candidate_score=answers[number] if judged else None,
            unasked=not judged,
            baseline_cost_usd=costs[which[number]],
            candidate_cost_usd=answer_costs[which[number]],
            latency_ms=800.0,
            candidate_refused=refused[number],
            baseline_length=sizes[number],
            candidate_length=answer_sizes[number],
            answer_digest="answer",
        )

    return pair
