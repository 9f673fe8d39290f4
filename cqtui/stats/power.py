"""Pairs needed for a non-inferiority test (methods.md section 2). Quality in points, counts in pairs."""

import math
from statistics import NormalDist

from cqtui.stats._checks import finite, open_unit

_MOST = 10_000_000


def _effect(sd: float, margin: float, true_diff: float, alpha: float, power: float) -> float:
    finite("sd, margin, true_diff", (sd, margin, true_diff))
    open_unit("alpha", alpha)
    open_unit("power", power)
    if power <= alpha:
        raise ValueError(f"power {power} must be above alpha {alpha}")
    if sd <= 0:
        raise ValueError(f"sd is {sd}, expected above 0")
    return (margin + true_diff) / sd


def pairs_needed_z(
    sd: float, margin: float, true_diff: float = 0.0, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """Return the pairs needed by the normal formula, at least 2.

    Source: methods.md section 2, n = ((z_{1-alpha} + z_power) sd/(margin + true_diff))^2, rounded up. None where the
    true difference is at or below the margin, or over ten million pairs would be needed.

    Args:
        sd: Standard deviation of the paired differences, points.
        margin: Allowed drop, points.
        true_diff: True mean difference, candidate minus current, points.
        alpha: One-sided error rate, a share.
        power: Wanted chance of success, a share above alpha.

    Raises:
        ValueError: If an input is not finite or out of range.
    """
    effect = _effect(sd, margin, true_diff, alpha, power)
    if effect <= 0:
        return None
    normal = NormalDist()
    root = (normal.inv_cdf(1 - alpha) + normal.inv_cdf(power)) / effect
    return None if root > math.sqrt(_MOST) else max(2, math.ceil(root * root))


def pairs_needed_t(
    sd: float, margin: float, true_diff: float = 0.0, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """Return the smallest number of pairs at which the t test has the wanted power, at least 2.

    Source: methods.md section 2 (the t-corrected counts), by the noncentral t distribution. Arguments, None and errors
    as `pairs_needed_z`. Above 100,000 pairs the normal count is returned, the two differing by about 2 pairs.

    Args:
        sd: Standard deviation of the paired differences, points.
        margin: Allowed drop, points.
        true_diff: True mean difference, points.
        alpha: One-sided error rate, a share.
        power: Wanted chance of success, a share above alpha.

    Raises:
        ValueError: If an input is not finite or out of range.
    """
    start = pairs_needed_z(sd, margin, true_diff, alpha, power)
    if start is None or start > 100_000:
        return start
    from scipy import special

    effect = _effect(sd, margin, true_diff, alpha, power)
    n = start
    while True:
        reached = 1 - float(special.nctdtr(n - 1, effect * math.sqrt(n), float(special.stdtrit(n - 1, 1 - alpha))))
        if reached >= power or (math.isnan(reached) and effect * math.sqrt(n) > 30):
            return n
        n += 1
