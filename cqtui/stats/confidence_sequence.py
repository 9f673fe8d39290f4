"""Confidence sequences: intervals that hold at every number of pairs at once (methods.md sections 0.7 and 5).

Source: Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by betting" (JRSS-B). The order of
the values must be random and fixed before the first call; a conversation enters once, as the mean of its turns.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cqtui.stats._checks import finite, finite_pairs, mean, open_unit
from cqtui.stats.paired import RELATIVE_FLOOR
from cqtui.stats.sequential import BET

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

_BISECTIONS = 50


@dataclass(frozen=True, slots=True)
class ConfidenceSequence:
    """Ends of the interval after each value, in the values' unit, intersected over time; empty for n = 0.

    An end never moves outwards. Should a lower end pass the upper one, the values contradict a common mean.
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]

    @property
    def n(self) -> int:
        """Values seen."""
        return len(self.lower)


@dataclass(frozen=True, slots=True)
class AnytimeInterval:
    """An estimate, measured at whatever number n of pairs was reached, and its anytime-valid interval; one unit."""

    n: int
    estimate: float
    lower: float
    upper: float


def _to_unit(name: str, values: Sequence[float], lo: float, hi: float) -> tuple[float, ...]:
    finite("lo, hi", (lo, hi))
    if lo >= hi:
        raise ValueError(f"lo is {lo} and hi is {hi}, expected lo < hi")
    checked = finite(name, values)
    if any(not lo <= value <= hi for value in checked):
        raise ValueError(f"{name} must lie in {lo:g} to {hi:g}")
    return tuple((value - lo) / (hi - lo) for value in checked)


def _predictable_bets(x: Sequence[float], level: float) -> Iterator[float]:
    """Yield sqrt(2 ln(1/level) / (v t ln(1 + t))), v from the values before the t-th only; x in [0, 1]."""
    total, squares = 0.5, 0.25
    for t, value in enumerate(x, start=1):
        yield math.sqrt(2 * math.log(1 / level) / (squares * math.log1p(t)))
        total += value
        squares += (value - total / (t + 1)) ** 2


def empirical_bernstein_sequence(
    values: Sequence[float], lo: float = -100.0, hi: float = 100.0, alpha: float = 0.05, truncation: float = 0.5
) -> ConfidenceSequence:
    """Return the predictable-mixture empirical-Bernstein confidence sequence of the mean.

    Source: methods.md section 5 (closed form, wider than `betting_sequence`). n = 0 gives empty ends; the first values
    give lo and hi, as nothing is known yet.

    Args:
        values: Values in the order submitted, for paired differences in points.
        lo: Lowest possible value.
        hi: Highest possible value.
        alpha: Two-sided error rate, a share.
        truncation: Largest bet, in (0, 1).

    Raises:
        ValueError: If a value is not finite or outside lo to hi, or another argument is out of range.
    """
    open_unit("alpha", alpha)
    open_unit("truncation", truncation)
    x = _to_unit("values", values, lo, hi)
    lower = _empirical_bernstein_lower(x, alpha / 2, truncation)
    upper = _empirical_bernstein_lower([1 - value for value in x], alpha / 2, truncation)
    return ConfidenceSequence(
        tuple(lo + (hi - lo) * value for value in lower), tuple(hi - (hi - lo) * value for value in upper)
    )


def _empirical_bernstein_lower(x: Sequence[float], level: float, truncation: float) -> Iterator[float]:
    weights = weighted = penalty = total = highest = 0.0
    for seen, (value, bet) in enumerate(zip(x, _predictable_bets(x, level), strict=True)):
        bet = min(truncation, bet)
        before = total / seen if seen else 0.0
        weights += bet
        weighted += bet * value
        penalty += (value - before) ** 2 * (-math.log1p(-bet) - bet)
        total += value
        highest = max(highest, (weighted - math.log(1 / level) - penalty) / weights)
        yield highest


def betting_sequence(
    values: Sequence[float],
    lo: float = -100.0,
    hi: float = 100.0,
    alpha: float = 0.05,
    truncation: float = 0.5,
    breaks: int = 1000,
) -> ConfidenceSequence:
    """Return the hedged-capital betting confidence sequence of the mean, on a grid.

    Source: methods.md section 5: all m with max(K+(m), K-(m))/2 < 1/alpha. K+ falls and K- rises with m, so an end is
    the outermost grid point not to be refuted, and the result is at most one step wider than the exact one. n = 0 gives
    empty ends; the first values give lo and hi.

    Args:
        values: Values in the order submitted, for paired differences in points.
        lo: Lowest possible value.
        hi: Highest possible value.
        alpha: Two-sided error rate, a share.
        truncation: Largest bet as a share of the largest possible one, in (0, 1).
        breaks: Steps of the grid from lo to hi, at least 1.

    Raises:
        ValueError: If a value is not finite or outside lo to hi, or another argument is out of range.
    """
    open_unit("alpha", alpha)
    open_unit("truncation", truncation)
    if breaks < 1:
        raise ValueError(f"breaks is {breaks}, expected at least 1")
    x = _to_unit("values", values, lo, hi)
    if not x:
        return ConfidenceSequence((), ())
    import numpy as np

    data, bets = np.asarray(x), np.fromiter(_predictable_bets(x, alpha / 2), float)
    refuted = math.log(2 / alpha)
    lower, upper = np.zeros(len(x)), np.ones(len(x))
    for step in range(1, breaks):
        m = step / breaks
        gain = np.minimum(bets, truncation / m) * (data - m)
        loss = np.minimum(bets, truncation / (1 - m)) * (m - data)
        lower[np.cumsum(np.log1p(gain)) >= refuted] = m
        np.minimum(upper, m, out=upper, where=np.cumsum(np.log1p(loss)) >= refuted)
    lower, upper = np.maximum.accumulate(lower), np.minimum.accumulate(upper)
    return ConfidenceSequence(tuple((lo + (hi - lo) * lower).tolist()), tuple((lo + (hi - lo) * upper).tolist()))


def _last_refuted(log_capital: Callable[[float], float], refuted: float, inside: float) -> float:
    """Return the largest parameter with log_capital >= refuted, rounded down; log_capital falls, 0 counts as refuted.

    Args:
        log_capital: Highest log capital so far against a parameter above 0.
        refuted: Log capital at which a parameter is refuted.
        inside: A parameter that is not refuted.
    """
    outside = 0.0
    for _ in range(_BISECTIONS):
        middle = (outside + inside) / 2
        if log_capital(middle) >= refuted:
            outside = middle
        else:
            inside = middle
    return outside


def mean_difference_interval(differences: Sequence[float], alpha: float = 0.05) -> AnytimeInterval | None:
    """Return the current interval of the mean paired difference, in points.

    Source: methods.md sections 0.3, 0.7 and 5: hedged capital and running intersection as in `betting_sequence`, with
    the bet fixed at 95% of the largest possible one: narrower than adaptive bets in simulations up to 1,000 pairs (sd 5
    to 20), and K+ at -margin is then at least the E of `sequential.e_process`. Exact ends, and nothing is clipped.

    Guarantee: where each difference has the same mean given those before it (a random order of a large log), the chance
    that the interval ever misses this mean, at any n and whenever one stops, is at most alpha; each end alone is a
    one-sided bound at alpha/2. A margin verified at threshold T lies outside the interval at alpha = 2/T.

    n = 0 gives None; n = 1 and 2 give almost the whole of -100 to 100, equal values too. None also where the pairs
    contradict a common mean (no value is left; under the guarantee's condition rarer than alpha).

    Args:
        differences: Candidate minus current per pair, in the order submitted, -100 to 100 points.
        alpha: Two-sided error rate, a share.

    Raises:
        ValueError: If a difference is not finite or outside -100 to 100, or alpha is not in (0, 1).
    """
    open_unit("alpha", alpha)
    d = finite("differences", differences)
    x = _to_unit("differences", d, -100.0, 100.0)
    if not x:
        return None
    import numpy as np

    refuted, data = math.log(2 / alpha), np.asarray(x)

    def end(values: "NDArray[float64]") -> float:
        return _last_refuted(lambda m: float(np.cumsum(np.log1p(BET * (values / m - 1))).max()), refuted, 1.0)

    lower, upper = 200 * end(data) - 100, 100 - 200 * end(1 - data)
    return AnytimeInterval(len(x), mean(d), lower, upper) if lower <= upper else None


def relative_impact_interval(
    current: Sequence[float], candidate: Sequence[float], alpha: float = 0.05
) -> AnytimeInterval | None:
    """Return the current interval of the quality impact 100 (mean b / mean a - 1), in percent.

    Source: methods.md sections 0.2, 0.7 and 5, applied to z = b - (1 - theta) a: an impact of -100 theta percent is in
    the interval while the hedged capital against mean(z) = 0 has stayed below 1/alpha. Bets and running intersection
    are those of `mean_difference_interval`. Capital is monotone in theta, so both ends are exact.

    Guarantee: where every pair has, given those before it, means of a and b in the same ratio (a random order of a
    large log), the chance that the interval ever misses 100 (ratio - 1), at any n and whenever one stops, is at most
    alpha. That is the ratio over calls like those of the log, not the ratio of the pairs drawn (the estimate), nor a
    mean of ratios per pair. A margin verified at threshold T lies outside the interval at alpha = 2/T.

    None for n = 0, where mean(a) is under 20 points (a relative figure means nothing there), and where the pairs
    contradict a common ratio. n = 1 and 2 give from about -100 to far above 100 (infinite for an alpha near 0).

    Args:
        current: Quality a of the current model per pair, 0 to 100 points, in the order submitted.
        candidate: Quality b of the candidate on the same pairs, 0 to 100 points.
        alpha: Two-sided error rate, a share.

    Raises:
        ValueError: If a score is not finite or outside 0 to 100, lengths differ or alpha is not in (0, 1).
    """
    open_unit("alpha", alpha)
    scores = finite_pairs("current", current, "candidate", candidate)
    a, b = (_to_unit(name, values, 0.0, 100.0) for name, values in zip(("current", "candidate"), scores, strict=True))
    if not a or 100 * mean(a) < RELATIVE_FLOOR:
        return None
    import numpy as np

    refuted, before, after = math.log(2 / alpha), np.asarray(a), np.asarray(b)

    def above(ratio: float) -> float:
        return float(np.cumsum(np.log1p(BET * (after / ratio - before))).max())

    def below(inverse: float) -> float:
        return float(np.cumsum(np.log1p(BET * (before / inverse - after))).max())

    def not_refuted(log_capital: Callable[[float], float]) -> float:
        inside = 1.0
        while log_capital(inside) >= refuted:
            inside *= 2
        return inside

    lower = _last_refuted(above, refuted, not_refuted(above))
    inverse = _last_refuted(below, refuted, not_refuted(below))
    upper = 1 / inverse if inverse > 0 else math.inf
    estimate = 100 * (math.fsum(b) / math.fsum(a) - 1)
    return AnytimeInterval(len(a), estimate, 100 * (lower - 1), 100 * (upper - 1)) if lower <= upper else None
