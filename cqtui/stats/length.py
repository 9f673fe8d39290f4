"""Length control (methods.md section 8, point 6): how much of a difference goes with longer answers. In points."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression

from cqtui.stats._checks import finite_pairs, mean, open_unit, standard_error
from cqtui.stats.paired import Form, Verdict, quality_margins

FEWEST_PAIRS = 10
"""Pairs below which no length control is given."""


@dataclass(frozen=True, slots=True)
class LengthControl:
    """The mean difference as measured and at equal length (the regression's intercept), points.

    `slope` is points per unit of log length; intervals are two-sided. The verdicts are those of the quality margin at
    the same n, raw and at equal length.
    """

    n: int
    excluded: int
    raw_mean: float
    intercept: float
    se: float
    interval: tuple[float, float] | None
    slope: float
    slope_interval: tuple[float, float] | None
    raw_verdict: Verdict
    controlled_verdict: Verdict

    @property
    def sign_changes(self) -> bool:
        """Whether the difference has the opposite sign at equal length."""
        return self.raw_mean * self.intercept < 0

    @property
    def length_matters(self) -> bool:
        """Whether longer answers are surely scored higher, or surely lower."""
        return self.slope_interval is not None and not self.slope_interval[0] <= 0 <= self.slope_interval[1]

    @property
    def verdict_changes(self) -> bool:
        """Whether the verdict is another one at equal length."""
        return self.raw_verdict != self.controlled_verdict


@dataclass(frozen=True, slots=True)
class _Intercept:
    value: float
    se: float
    slope: float
    slope_se: float


def _intercept(x: tuple[float, ...], y: tuple[float, ...]) -> _Intercept:
    """Return the least-squares intercept of y on x, n >= 3 and x not constant; rounding noise in se counts as 0."""
    slope, value = linear_regression(x, y)
    residual_ss = math.fsum((b - value - slope * a) ** 2 for a, b in zip(x, y, strict=True))
    n, centre = len(x), mean(x)
    spread = math.fsum((a - centre) ** 2 for a in x)
    variance = residual_ss / (n - 2)
    se = math.sqrt(variance * (1 / n + centre * centre / spread))
    if se <= 1e-12 * max(map(abs, y)):
        return _Intercept(value, 0.0, slope, 0.0)
    return _Intercept(value, se, slope, math.sqrt(variance / spread))


def _verdict(estimate: float, se: float, t: float) -> Verdict:
    if se == 0.0:
        return "undecided"
    return "non-inferior" if estimate - t * se > 0 else "inferior" if estimate + t * se < 0 else "undecided"


def length_control(
    current: Sequence[float],
    candidate: Sequence[float],
    current_lengths: Sequence[float],
    candidate_lengths: Sequence[float],
    drop: float = 0.05,
    points: float = 5.0,
    alpha: float = 0.05,
    form: Form = "auto",
) -> LengthControl | None:
    """Return the mean difference at equal length, by regressing d on log(candidate length) - log(current length).

    Source: methods.md section 8, point 6; ordinary least squares, t(n - 2). The verdicts do the same with z of
    `paired.quality_margins`, one-sided at alpha. Pairs with an empty answer are left out and counted: what is wrong
    with those is not their length. None with fewer than 10 pairs left or where all have the same ratio of lengths.
    Equal differences throughout have no error, so no interval, and are undecided.

    Args:
        current: Quality of the current model, points.
        candidate: Quality of the candidate on the same prompts, points.
        current_lengths: Length of each current answer, at least 0, any unit (characters or tokens).
        candidate_lengths: Length of each candidate answer, same unit.
        drop: Allowed relative drop, a share.
        points: Allowed drop in points.
        alpha: Error rate, a share: one-sided for the verdicts, two-sided for the interval.
        form: Which margin to use.

    Raises:
        ValueError: If an input is not finite or negative, lengths differ, or as `paired.quality_margins`.
    """
    open_unit("alpha", alpha)
    a, b = finite_pairs("current", current, "candidate", candidate)
    sizes = finite_pairs("current_lengths", current_lengths, "candidate_lengths", candidate_lengths)
    if len(sizes[0]) != len(a):
        raise ValueError(f"current has {len(a)} values but current_lengths has {len(sizes[0])}")
    if any(size < 0 for size in sizes[0] + sizes[1]):
        raise ValueError("lengths must not be negative")
    _, all_z = quality_margins(a, b, drop, points, form)
    kept = [i for i, pair in enumerate(zip(*sizes, strict=True)) if min(pair) > 0]
    x = tuple(math.log(sizes[1][i]) - math.log(sizes[0][i]) for i in kept)
    n = len(kept)
    if n < FEWEST_PAIRS or standard_error(x) == 0.0:
        return None
    d, z = tuple(b[i] - a[i] for i in kept), tuple(all_z[i] for i in kept)
    return _compare(x, d, z, len(a) - n, alpha)


def _compare(
    x: tuple[float, ...], d: tuple[float, ...], z: tuple[float, ...], excluded: int, alpha: float
) -> LengthControl:
    from scipy import special

    n = len(x)
    at_equal_length, margin = _intercept(x, d), _intercept(x, z)
    t = float(special.stdtrit(n - 2, 1 - alpha / 2))
    half, reach = t * at_equal_length.se, t * at_equal_length.slope_se
    return LengthControl(
        n=n,
        excluded=excluded,
        raw_mean=mean(d),
        intercept=at_equal_length.value,
        se=at_equal_length.se,
        interval=(at_equal_length.value - half, at_equal_length.value + half) if half else None,
        slope=at_equal_length.slope,
        slope_interval=(at_equal_length.slope - reach, at_equal_length.slope + reach) if reach else None,
        raw_verdict=_verdict(mean(z), standard_error(z), float(special.stdtrit(n - 1, 1 - alpha))),
        controlled_verdict=_verdict(margin.value, margin.se, float(special.stdtrit(n - 2, 1 - alpha))),
    )
