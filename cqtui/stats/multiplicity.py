"""Several tests in one run (methods.md sections 0.6 and 5). P values and error rates as shares, no unit otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass

from cqtui.stats._checks import finite, open_unit

BAND_SHARES = (1 / 2, 1 / 3, 1 / 6)
"""Share of the run's alpha that each band of candidates, the first tried first, may spend."""


@dataclass(frozen=True, slots=True)
class Holm:
    """Adjusted p values and rejections, in the order of the p values given; both empty for no test."""

    adjusted: tuple[float, ...]
    rejected: tuple[bool, ...]


def holm(p_values: Sequence[float], alpha: float = 0.05) -> Holm:
    """Return Holm's step-down adjustment, for final tables with a fixed number of pairs only.

    Source: methods.md section 5 (Holm 1979): the k-th smallest p of m is rejected while p <= alpha/(m - k + 1); its
    adjusted p is the running maximum of (m - k + 1) p, at most 1. One test is left as it is.

    Args:
        p_values: P values in [0, 1], in any order.
        alpha: Error rate over all tests, a share.

    Raises:
        ValueError: If a p value is not in [0, 1] or alpha is not in (0, 1).
    """
    open_unit("alpha", alpha)
    p = finite("p_values", p_values)
    if any(not 0.0 <= value <= 1.0 for value in p):
        raise ValueError("p values must be in [0, 1]")
    adjusted = [0.0] * len(p)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        highest = max(highest, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = highest
    return Holm(tuple(adjusted), tuple(value <= alpha for value in adjusted))


def evidence_threshold(candidates: int, guardrail_sets: int = 1, band: int = 0, alpha: float = 0.05) -> float:
    """Return the E that each test of a band has to reach.

    Source: methods.md section 0.6, candidates x sets / (alpha x share of the band). Over all bands, candidates and sets
    the chances of a false pass, 1/threshold each (Ville's inequality), add up to alpha. Three candidates in the first
    band: 120.

    Args:
        candidates: Candidates tried in this band, at least 1.
        guardrail_sets: Guardrail sets that each of them is tried under, at least 1 (none is one set).
        band: 0 for the first band, 1 and 2 for the stronger ones after it.
        alpha: Error rate of the whole run, a share.

    Raises:
        ValueError: If a count is under 1, the band is none of the three, or alpha is not in (0, 1).
    """
    open_unit("alpha", alpha)
    if candidates < 1 or guardrail_sets < 1:
        raise ValueError(f"expected at least 1 candidate and 1 set, got {candidates} and {guardrail_sets}")
    if not 0 <= band < len(BAND_SHARES):
        raise ValueError(f"band is {band}, expected 0 to {len(BAND_SHARES) - 1}: alpha is spent")
    return candidates * guardrail_sets / (alpha * BAND_SHARES[band])


def single_switch_threshold(alpha: float = 0.05) -> float:
    """Return the E that a run with one named switch has to reach, 1/alpha: one test, one band.

    Source: methods.md section 0.6.

    Args:
        alpha: Error rate of the run, a share.

    Raises:
        ValueError: If alpha is not in (0, 1).
    """
    return 1 / open_unit("alpha", alpha)
