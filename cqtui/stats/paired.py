"""Paired quality differences and non-inferiority (methods.md sections 0.2, 1 and 2; Miller 2024, arXiv 2411.00640).

All scores are quality points on 0..100. A standard error of 0 (every difference equal) carries no information on the
spread, so no interval, t or p is given and the verdict is "undecided": a constant sample of two must prove nothing.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from cqtui.stats._checks import finite, finite_pairs, mean, open_unit, standard_error

RELATIVE_FLOOR = 20.0
"""Mean current quality, in points, under which a relative margin is refused (methods.md section 0.2)."""

Form = Literal["auto", "relative", "points"]
Verdict = Literal["non-inferior", "inferior", "undecided"]


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Mean of candidate minus current, in quality points; fields the sample cannot support are None."""

    n: int
    mean: float | None
    se: float | None
    t: float | None
    p_two_sided: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class NonInferiority:
    """One-sided tests of mean(z) > 0 and mean(z) < 0, z in quality points.

    `lower` and `upper` are one-sided bounds on mean(z), each at level 1 - alpha.
    """

    n: int
    form: Literal["relative", "points"]
    mean_z: float | None
    se: float | None
    t: float | None
    p: float | None
    lower: float | None
    upper: float | None
    verdict: Verdict

    @property
    def non_inferior(self) -> bool:
        """Whether the lower bound of mean(z) is above 0."""
        return self.verdict == "non-inferior"


@dataclass(frozen=True, slots=True)
class ClusteredMean:
    """Mean difference, in quality points, with cluster-robust standard errors and a CR1 interval on t(C - 1)."""

    n: int
    clusters: int
    mean: float | None
    se_naive: float | None
    se_cr0: float | None
    se_cr1: float | None
    interval: tuple[float, float] | None


def paired_difference(current: Sequence[float], candidate: Sequence[float], level: float = 0.95) -> PairedDifference:
    """Return the mean paired difference with a two-sided t interval.

    Source: methods.md section 1. n = 0 gives no figure, n = 1 the mean only, n = 2 an interval on t(1).

    Args:
        current: Quality of the current model per prompt, points.
        candidate: Quality of the candidate on the same prompts, points.
        level: Two-sided coverage, a share.

    Raises:
        ValueError: If a score is not finite, lengths differ or the level is not in (0, 1).
    """
    open_unit("level", level)
    a, b = finite_pairs("current", current, "candidate", candidate)
    n = len(a)
    if n == 0:
        return PairedDifference(0, None, None, None, None, None)
    d = tuple(y - x for x, y in zip(a, b, strict=True))
    centre = mean(d)
    if n == 1:
        return PairedDifference(1, centre, None, None, None, None)
    se = standard_error(d)
    if se == 0.0:
        return PairedDifference(n, centre, 0.0, None, None, None)
    from scipy import special

    t = centre / se
    half = float(special.stdtrit(n - 1, (1 + level) / 2)) * se
    return PairedDifference(n, centre, se, t, 2 * float(special.stdtr(n - 1, -abs(t))), (centre - half, centre + half))


def quality_margins(
    current: Sequence[float], candidate: Sequence[float], drop: float = 0.05, points: float = 5.0, form: Form = "auto"
) -> tuple[Literal["relative", "points"], tuple[float, ...]]:
    """Return the form used and z per pair, whose mean is above 0 where the candidate is good enough.

    Source: methods.md section 0.2. Relative: z = b - (1 - drop) a. Points: z = b - a + points. "auto" is points where
    mean(a) < 20; an empty sample counts as relative.

    Args:
        current: Quality a of the current model, points.
        candidate: Quality b of the candidate, points.
        drop: Allowed relative drop, a share in [0, 1).
        points: Allowed drop in points, in [0, 100).
        form: Which margin to use.

    Raises:
        ValueError: If an input is out of range, or "relative" is forced where mean(a) < 20.
    """
    a, b = finite_pairs("current", current, "candidate", candidate)
    if not 0.0 <= drop < 1.0:
        raise ValueError(f"drop is {drop}, expected in [0, 1)")
    if not 0.0 <= points < 100.0:
        raise ValueError(f"points is {points}, expected in [0, 100)")
    low = bool(a) and mean(a) < RELATIVE_FLOOR
    if form == "relative" and low:
        raise ValueError(f"a relative margin needs a mean current quality of at least {RELATIVE_FLOOR:g} points")
    if form == "points" or (form == "auto" and low):
        return "points", tuple(y - x + points for x, y in zip(a, b, strict=True))
    return "relative", tuple(y - (1 - drop) * x for x, y in zip(a, b, strict=True))


def non_inferiority(
    current: Sequence[float],
    candidate: Sequence[float],
    drop: float = 0.05,
    points: float = 5.0,
    alpha: float = 0.05,
    form: Form = "auto",
) -> NonInferiority:
    """Test whether the candidate is not worse than allowed, on `quality_margins`.

    Source: methods.md sections 0.2 and 2. n = 0 and n = 1 are undecided, n = 2 uses t(1). For a fixed number of pairs
    only: it is not valid when looked at repeatedly (see `cqtui.stats.sequential`).

    Args:
        current: Quality of the current model, points.
        candidate: Quality of the candidate, points.
        drop: Allowed relative drop, a share.
        points: Allowed drop in points.
        alpha: One-sided error rate, a share.
        form: Which margin to use.

    Raises:
        ValueError: As `quality_margins`, or if alpha is not in (0, 1).
    """
    open_unit("alpha", alpha)
    used, z = quality_margins(current, candidate, drop, points, form)
    n = len(z)
    centre = mean(z) if n else None
    se = standard_error(z) if n >= 2 else None
    if centre is None or se is None or se == 0.0:
        return NonInferiority(n, used, centre, se, None, None, None, None, "undecided")
    from scipy import special

    t = centre / se
    half = float(special.stdtrit(n - 1, 1 - alpha)) * se
    lower, upper = centre - half, centre + half
    verdict: Verdict = "non-inferior" if lower > 0 else "inferior" if upper < 0 else "undecided"
    return NonInferiority(n, used, centre, se, t, float(special.stdtr(n - 1, -t)), lower, upper, verdict)


def clustered_mean(differences: Sequence[float], clusters: Sequence[Hashable], level: float = 0.95) -> ClusteredMean:
    """Return the mean difference with CR0 and CR1 standard errors.

    Source: methods.md section 1. n = 0 gives no figure; a single cluster (so also n = 1) has a mean but no clustered
    error, as its residuals sum to 0. Two clusters give an interval on t(1). Under about 10 clusters it is rough.

    Args:
        differences: Candidate minus current per pair, points.
        clusters: Cluster (conversation) label per pair.
        level: Two-sided coverage, a share.

    Raises:
        ValueError: If a difference is not finite, lengths differ or the level is not in (0, 1).
    """
    open_unit("level", level)
    d = finite("differences", differences)
    if len(clusters) != len(d):
        raise ValueError(f"differences has {len(d)} values but clusters has {len(clusters)}")
    n = len(d)
    if n == 0:
        return ClusteredMean(0, 0, None, None, None, None, None)
    centre = mean(d)
    naive = standard_error(d) if n >= 2 else None
    residuals: defaultdict[Hashable, list[float]] = defaultdict(list)
    for label, value in zip(clusters, d, strict=True):
        residuals[label].append(value - centre)
    count = len(residuals)
    if count < 2:
        return ClusteredMean(n, count, centre, naive, None, None, None)
    cr0 = math.sqrt(math.fsum(math.fsum(group) ** 2 for group in residuals.values())) / n
    if cr0 <= 1e-12 * max(abs(value) for value in d):
        return ClusteredMean(n, count, centre, naive, 0.0, 0.0, None)
    cr1 = cr0 * math.sqrt(count / (count - 1))
    from scipy import special

    half = float(special.stdtrit(count - 1, (1 + level) / 2)) * cr1
    return ClusteredMean(n, count, centre, naive, cr0, cr1, (centre - half, centre + half))
