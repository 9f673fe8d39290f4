"""Flips of the judge when the two answers change places (methods.md section 0.9). Differences in points."""

from collections.abc import Sequence
from dataclasses import dataclass

from cqtui.stats._checks import finite_pairs
from cqtui.stats.rates import Rate, wilson

FLIP_POINTS = 10.0
"""Points that the difference must exceed in both orders for its change of sign to be a flip."""
MAX_FLIP_RATE = 0.3
"""Share of flips above which, for certain, the judge is not to be relied on."""


@dataclass(frozen=True, slots=True)
class OrderFlips:
    """Flips among the pairs judged in both orders, as a share with its Wilson interval, and whether they block."""

    rate: Rate
    blocks: bool


def order_flips(first_order: Sequence[float], second_order: Sequence[float], level: float = 0.95) -> OrderFlips:
    """Return how often the judge's preference follows the order of the answers.

    Source: methods.md section 0.9. A flip is opposite signs with both |d| > 10 points; it blocks `verified` where the
    Wilson lower bound of the rate is above 30%. n = 0 gives no rate and blocks nothing, one flip of one does not block
    (lower bound 21%), two of two do (34%).

    Args:
        first_order: Candidate minus current per pair, points, as judged in one order.
        second_order: The same pairs, same sign convention, as judged with the answers exchanged.
        level: Two-sided coverage of the interval, a share.

    Raises:
        ValueError: If a difference is not finite, lengths differ or the level is not in (0, 1).
    """
    first, second = finite_pairs("first_order", first_order, "second_order", second_order)
    flips = sum(min(a, b) < -FLIP_POINTS and max(a, b) > FLIP_POINTS for a, b in zip(first, second, strict=True))
    rate = wilson(flips, len(first), level)
    return OrderFlips(rate, rate.interval[0] > MAX_FLIP_RATE)
