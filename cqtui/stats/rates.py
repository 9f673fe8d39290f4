"""Rates of refusals (methods.md section 3; Wilson 1927, McNemar 1947). Counts in calls, rates as shares."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from cqtui.stats._checks import open_unit


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its Wilson interval; `rate` is None for n = 0, whose interval is (0, 1)."""

    k: int
    n: int
    rate: float | None
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class McNemar:
    """Exact McNemar test on discordant pairs; p values are probabilities."""

    only_current: int
    only_candidate: int
    p_two_sided: float
    p_candidate_more: float


def wilson(k: int, n: int, level: float = 0.95) -> Rate:
    """Return k/n with its two-sided Wilson score interval.

    Source: methods.md section 3. n = 0 gives no rate and the interval (0, 1); n = 1 and 2 need no special case.

    Args:
        k: Calls with the event.
        n: Calls in all.
        level: Two-sided coverage, a share.

    Raises:
        ValueError: Unless 0 <= k <= n and the level is in (0, 1).
    """
    open_unit("level", level)
    if not 0 <= k <= n:
        raise ValueError(f"expected 0 <= k <= n, got k = {k}, n = {n}")
    if n == 0:
        return Rate(k, n, None, (0.0, 1.0))
    z, p = NormalDist().inv_cdf((1 + level) / 2), k / n
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Rate(k, n, p, (0.0 if k == 0 else centre - half, 1.0 if k == n else centre + half))


def mcnemar_exact(only_current: int, only_candidate: int) -> McNemar:
    """Return the exact McNemar test, binomial(b + c, 1/2).

    Source: methods.md section 3. No discordant pair gives p = 1 for both; a large p never proves "no more refusals".

    Args:
        only_current: Pairs b where only the current model had the event.
        only_candidate: Pairs c where only the candidate had it.

    Raises:
        ValueError: If a count is negative.
    """
    if only_current < 0 or only_candidate < 0:
        raise ValueError(f"counts must not be negative, got {only_current} and {only_candidate}")
    if only_current + only_candidate == 0:
        return McNemar(0, 0, 1.0, 1.0)
    from scipy import special

    total = only_current + only_candidate
    smaller = min(only_current, only_candidate)
    two_sided = min(1.0, 2 * float(special.bdtr(smaller, total, 0.5)))
    return McNemar(only_current, only_candidate, two_sided, float(special.bdtrc(only_candidate - 1, total, 0.5)))
