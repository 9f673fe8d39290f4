"""The fixed-bet e-process (methods.md section 0.3; Waudby-Smith and Ramdas 2024), valid at every number of pairs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cqtui.stats._checks import finite

BET = 0.95
"""Share of the largest allowed bet."""
CLIP = 40.0
"""Points beyond which z is cut on the side that favours the claim; never against it."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The extreme possible z, points: lo < 0 < hi."""

    lo: float
    hi: float

    def __post_init__(self) -> None:
        """Refuse bounds that do not enclose 0."""
        if not (math.isfinite(self.lo) and math.isfinite(self.hi) and self.lo < 0 < self.hi):
            raise ValueError(f"expected finite lo < 0 < hi, got {self.lo} and {self.hi}")


@dataclass(frozen=True, slots=True)
class EProcess:
    """Natural logarithms of E (not worse) and E' (clearly worse) after each pair; empty for n = 0."""

    log_not_worse: tuple[float, ...]
    log_worse: tuple[float, ...]

    @property
    def n(self) -> int:
        """Pairs seen."""
        return len(self.log_not_worse)

    def first_not_worse(self, threshold: float = 20.0) -> int | None:
        """Return the first number of pairs with E >= threshold, or None."""
        return first_reaching(self.log_not_worse, threshold)

    def first_worse(self, threshold: float = 20.0) -> int | None:
        """Return the first number of pairs with E' >= threshold, or None."""
        return first_reaching(self.log_worse, threshold)


def log_threshold(threshold: float) -> float:
    """Return log(threshold), refusing one that is not finite or under 1 with ValueError."""
    if not (math.isfinite(threshold) and threshold >= 1):
        raise ValueError(f"threshold is {threshold}, expected finite and at least 1")
    return math.log(threshold)


def first_reaching(path: tuple[float, ...], threshold: float) -> int | None:
    """Return the first count, from 1, at which a path of log E reaches the threshold, or None."""
    level = log_threshold(threshold)
    return next((n for n, value in enumerate(path, start=1) if value >= level), None)


def relative_bounds(drop: float = 0.05) -> Bounds:
    """Return the extremes of z = b - (1 - drop) a: -100 (1 - drop) and 100 points; drop is a share in [0, 1)."""
    if not 0.0 <= drop < 1.0:
        raise ValueError(f"drop is {drop}, expected in [0, 1)")
    return Bounds(-100.0 * (1 - drop), 100.0)


def points_bounds(points: float) -> Bounds:
    """Return the extremes of z = b - a + points: -100 + points and 100 + points, points in [0, 100)."""
    if not 0.0 <= points < 100.0:
        raise ValueError(f"points is {points}, expected in [0, 100)")
    return Bounds(-100.0 + points, 100.0 + points)


class RunningEProcess:
    """The same E and E' (see `e_process`), one pair at a time."""

    def __init__(self, bounds: Bounds) -> None:
        """Start at E = E' = 1."""
        self._bounds = bounds
        self.n = 0
        self.mean = 0.0
        self._squares = 0.0
        self.log_not_worse = 0.0
        self.log_worse = 0.0
        self.highest_log_not_worse = 0.0
        self.highest_log_worse = 0.0

    def add(self, z: float) -> None:
        """Enter the next pair's z, points.

        Raises:
            ValueError: If z is not finite or lies outside the bounds (clipping it would favour a claim).
        """
        lo, hi = self._bounds.lo, self._bounds.hi
        if not lo - 1e-9 <= z <= hi + 1e-9:
            raise ValueError(f"z[{self.n}] is {z}, outside the possible {lo} to {hi}")
        self.n += 1
        step = z - self.mean
        self.mean += step / self.n
        self._squares += step * (z - self.mean)
        self.log_not_worse += math.log(1 - BET + BET * (min(z, CLIP) - lo) / -lo)
        self.log_worse += math.log(1 - BET + BET * (hi - max(z, -CLIP)) / hi)
        self.highest_log_not_worse = max(self.highest_log_not_worse, self.log_not_worse)
        self.highest_log_worse = max(self.highest_log_worse, self.log_worse)

    @property
    def sd(self) -> float:
        """Standard deviation of z so far, points; 0 for fewer than two pairs."""
        return math.sqrt(self._squares / (self.n - 1)) if self.n > 1 else 0.0

    def is_worse(self, threshold: float = 20.0) -> bool:
        """Return whether E' has reached the threshold."""
        return self.highest_log_worse >= math.log(threshold)

    def is_not_worse(self, threshold: float = 20.0) -> bool:
        """Return whether E has reached the threshold."""
        return self.highest_log_not_worse >= math.log(threshold)


def e_process(z: Sequence[float], bounds: Bounds) -> EProcess:
    """Return the paths of log E and log E'.

    Source: methods.md section 0.3. E *= 0.05 + 0.95 (min(z, 40) - lo)/(-lo), E' *= 0.05 + 0.95 (hi - max(z, -40))/hi.
    n = 0 gives empty paths (E = 1); n = 1 and 2 need no special case. The order must be random and fixed before the
    first call, and a conversation enters once, as the mean of its turns.

    Args:
        z: `paired.quality_margins` per pair, points, in the order submitted.
        bounds: The extreme possible z, points.

    Raises:
        ValueError: If a z is not finite or lies outside the bounds (clipping it would favour a claim).
    """
    running = RunningEProcess(bounds)
    up: list[float] = []
    down: list[float] = []
    for value in finite("z", z):
        running.add(value)
        up.append(running.log_not_worse)
        down.append(running.log_worse)
    return EProcess(tuple(up), tuple(down))


def adaptive_e_process(
    differences: Sequence[float], margin: float, clip: float = CLIP, truncation: float = 0.75
) -> EProcess:
    """Return the paths of log E and log E' with bets that adapt to the pairs seen, for comparison only.

    Source: methods.md section 5 (aGRAPA bets; Waudby-Smith and Ramdas 2024). It cuts losses at -clip, against the claim
    that E makes: a candidate with rare disasters passes too often. Verdicts use `e_process`.

    Args:
        differences: Candidate minus current per pair, points, in the order submitted.
        margin: Allowed drop, points, less than clip.
        clip: Points at which differences are cut on both sides.
        truncation: Share of the largest possible bet, in (0, 1).

    Raises:
        ValueError: If an input is not finite or out of range.
    """
    d = finite("differences", differences)
    finite("margin, clip", (margin, clip))
    if not (clip > 0 and abs(margin) < clip and 0.0 < truncation < 1.0):
        raise ValueError("expected clip > 0, |margin| < clip and truncation in (0, 1)")
    x = tuple((min(clip, max(-clip, value)) + clip) / (2 * clip) for value in d)
    null = (clip - margin) / (2 * clip)
    mirrored = tuple(1 - value for value in x)
    return EProcess(_adaptive_path(x, null, truncation), _adaptive_path(mirrored, 1 - null, truncation))


def _adaptive_path(x: tuple[float, ...], null: float, truncation: float) -> tuple[float, ...]:
    total, squares, log_e = 0.5, 0.25, 0.0
    path: list[float] = []
    for t, value in enumerate(x, start=1):
        edge = total / t - null
        bet = min(truncation / null, max(0.0, edge / (squares / t + edge * edge)))
        log_e += math.log1p(bet * (value - null))
        path.append(log_e)
        total += value
        squares += (value - total / (t + 1)) ** 2
    return tuple(path)
