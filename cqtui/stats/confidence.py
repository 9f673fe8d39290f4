"""The 0..1 confidence (methods.md sections 6 and 0.8): sampling noise only, never the judge's bias."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cqtui.stats._checks import finite, finite_pairs, mean

PRIOR_PAIRS = 5.0
PRIOR_DF = 4.0
QUALITY_PRIOR_SD = 15.0
"""Prior spread of quality differences, points."""
SAVINGS_PRIOR_SD = 0.5
"""Prior spread of savings, in units of the mean current cost."""


@dataclass(frozen=True, slots=True)
class Confidence:
    """Confidence in the answer given, 0..1, and the two probabilities it rests on."""

    answer: Literal["switch", "keep"]
    value: float
    p_quality: float
    p_savings: float


def _posterior(values: tuple[float, ...], prior_sd: float, prior_pairs: float, prior_df: float) -> float:
    """Return P(mean > 0) with pseudo-observations at 0; no values give 0.5."""
    if not (math.isfinite(prior_sd) and prior_sd > 0 and math.isfinite(prior_pairs) and prior_pairs > 0):
        raise ValueError("the prior's spread and pseudo-pairs must be positive and finite")
    if not (math.isfinite(prior_df) and prior_df >= 1):
        raise ValueError("the prior's degrees of freedom must be finite and at least 1")
    n = len(values)
    if n == 0:
        return 0.5
    centre = mean(values)
    df = prior_df + n - 1
    s2 = (prior_df * prior_sd**2 + math.fsum((value - centre) ** 2 for value in values)) / df
    from scipy import special

    return float(special.stdtr(df, n * centre / (n + prior_pairs) / math.sqrt(s2 / (n + prior_pairs))))


def p_quality(
    differences: Sequence[float],
    margin: float = 0.0,
    prior_sd: float = QUALITY_PRIOR_SD,
    prior_pairs: float = PRIOR_PAIRS,
    prior_df: float = PRIOR_DF,
) -> float:
    """Return the probability that the mean difference is above -margin.

    Source: methods.md section 6. n = 0 gives 0.5; n = 1 and 2 lean on the prior. For clusters pass the cluster means.

    Args:
        differences: z of `paired.quality_margins` with margin 0, or b - a with a margin; points.
        margin: Allowed drop, points.
        prior_sd: Prior spread, points.
        prior_pairs: Pseudo-pairs placed at the margin.
        prior_df: Prior degrees of freedom.

    Raises:
        ValueError: If an input is not finite or the prior is not positive.
    """
    (shift,) = finite("margin", (margin,))
    return _posterior(
        tuple(value + shift for value in finite("differences", differences)), prior_sd, prior_pairs, prior_df
    )


def p_savings(current_cost: Sequence[float], candidate_cost: Sequence[float], min_savings: float = 0.2) -> float:
    """Return the probability that the candidate saves at least the share `min_savings`.

    Source: methods.md section 6, w = (1 - min_savings) x - y scaled by mean x. n = 0 gives 0.5, and so does a current
    cost of 0 where the candidate is free too; where it is not, the answer is 0.

    Args:
        current_cost: Cost x per call.
        candidate_cost: Cost y per call, same currency.
        min_savings: Required savings, a share in [0, 1).

    Raises:
        ValueError: If a cost is not finite or negative, lengths differ or the share is out of range.
    """
    x, y = finite_pairs("current_cost", current_cost, "candidate_cost", candidate_cost)
    if any(value < 0 for value in x + y):
        raise ValueError("costs must not be negative")
    if not 0.0 <= min_savings < 1.0:
        raise ValueError(f"min_savings is {min_savings}, expected in [0, 1)")
    scale = mean(x) if x else 0.0
    if scale == 0.0:
        return 0.0 if any(y) else 0.5
    w = tuple(((1 - min_savings) * before - after) / scale for before, after in zip(x, y, strict=True))
    return _posterior(w, SAVINGS_PRIOR_SD, PRIOR_PAIRS, PRIOR_DF)


def confidence(answer: Literal["switch", "keep"], quality: float, savings: float) -> Confidence:
    """Return max(0, 2 P - 1) for the answer given.

    Source: methods.md section 0.8. For switch P = min(P_quality, P_savings); for keep the mirror image,
    P = 1 - min(P_quality, P_savings): one condition failing is enough to keep. No caps.

    Args:
        answer: The answer the confidence is about.
        quality: P_quality, 0..1.
        savings: P_savings, 0..1.

    Raises:
        ValueError: If a probability is not in [0, 1] or the answer is unknown.
    """
    if not (0.0 <= quality <= 1.0 and 0.0 <= savings <= 1.0):
        raise ValueError(f"probabilities must be in [0, 1], got {quality} and {savings}")
    if answer not in ("switch", "keep"):
        raise ValueError(f"answer is {answer!r}, expected 'switch' or 'keep'")
    lean = 2 * min(quality, savings) - 1
    return Confidence(answer, max(0.0, lean if answer == "switch" else -lean), quality, savings)
