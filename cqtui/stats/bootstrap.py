"""Bootstrap intervals (methods.md section 4; Efron 1987). Means in points, savings as shares.

Conversations are resampled whole. A mean over conversations is a ratio of sums (of the values, of the turns), as are
savings (of the candidate's cost, of the current cost), so one routine serves both. scipy.stats, 0.6 s to import, is
loaded by the methods that it has: BCa and percentile.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from cqtui.stats._checks import finite, finite_pairs, open_unit
from cqtui.stats.savings import Savings, savings_ratio

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

RESAMPLES = 9_999
SEED = 7
FEWEST_UNITS = 5
"""Units (conversations, or values where there are none) below which a bootstrap shows little but its own extremes."""
SMALL_SAMPLE = 30
"""Units below which savings get the studentised interval."""
_CELLS = 1_000_000

Method = Literal["bca", "percentile", "studentised"]


@dataclass(frozen=True, slots=True)
class BootstrapMean:
    """A mean with its interval, in the values' unit; `units` is the number of things resampled."""

    n: int
    units: int
    method: Method
    mean: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class _Ratio:
    """Sums per unit, their ratio, and its standard error (CR0: CR1's factor cancels; 0 where all ratios are equal)."""

    tops: "NDArray[float64]"
    bottoms: "NDArray[float64]"

    @property
    def value(self) -> float:
        return float(self.tops.sum() / self.bottoms.sum())

    @property
    def se(self) -> float:
        return float(_ratio_errors(self.tops[None], self.bottoms[None])[1][0])


def _ratio_errors(tops: "NDArray[float64]", bottoms: "NDArray[float64]") -> "tuple[NDArray[float64], NDArray[float64]]":
    """Return ratio of sums and its standard error per row; rounding noise in an error counts as 0."""
    import numpy as np

    totals = bottoms.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = tops.sum(axis=-1) / totals
        residuals = tops - ratios[:, None] * bottoms
        errors = np.sqrt(np.square(residuals).sum(axis=-1)) / totals
    scale = np.abs(tops).max() / np.abs(bottoms).max()
    return ratios, np.where(errors <= 1e-12 * scale, 0.0, errors)


def _sums(values: tuple[float, ...], clusters: Sequence[Hashable] | None) -> list[float]:
    """Return the sum of each cluster, in order of first appearance."""
    if clusters is None:
        return list(values)
    if len(clusters) != len(values):
        raise ValueError(f"expected {len(values)} clusters, got {len(clusters)}")
    groups: defaultdict[Hashable, list[float]] = defaultdict(list)
    for label, value in zip(clusters, values, strict=True):
        groups[label].append(value)
    return [math.fsum(group) for group in groups.values()]


def bootstrap_mean(
    values: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    method: Method = "bca",
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> BootstrapMean:
    """Return the mean with a bootstrap interval.

    Source: methods.md section 4; BCa and percentile by scipy.stats.bootstrap, studentised by numpy. No
    interval with fewer than 5 units, where all units have the same mean, or where resamples without any spread leave a
    studentised end unbounded. n = 0 gives no figure.

    Args:
        values: Values per pair, for paired differences in points.
        clusters: Conversation per value; these are resampled then.
        method: Which interval; under 30 units studentised covers better where values are skewed.
        level: Two-sided coverage, a share.
        resamples: Number of resamples, at least 1.
        seed: Seed of the resampling; the same seed gives the same interval.

    Raises:
        ValueError: If a value is not finite, lengths differ, or another argument is out of range.
    """
    _check(level, resamples)
    if method not in ("bca", "percentile", "studentised"):
        raise ValueError(f"method is {method!r}, expected 'bca', 'percentile' or 'studentised'")
    x = finite("values", values)
    tops = _sums(x, clusters)
    if not x:
        return BootstrapMean(0, 0, method, None, None)
    import numpy as np

    ratio = _Ratio(np.asarray(tops), np.asarray(_sums((1.0,) * len(x), clusters)))
    plain = BootstrapMean(len(x), len(tops), method, ratio.value, None)
    if len(tops) < FEWEST_UNITS or ratio.se == 0.0:
        return plain
    if method == "studentised":
        return replace(plain, interval=_studentised(ratio, level, resamples, seed))
    return replace(plain, interval=_by_scipy(ratio, method, level, resamples, seed))


def bootstrap_savings(
    current_cost: Sequence[float],
    candidate_cost: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Savings:
    """Return the share saved: the studentised bootstrap under 30 units, the ratio estimator's t from there on.

    Source: methods.md sections 4 and 7. With clusters both work on the sums per conversation (t(C - 1)).
    No figure for n = 0 or a current cost of 0 in all; no interval with fewer than 5 units, where all units have the
    same ratio, or where resamples without any spread leave an end unbounded. No interval passes 1, as costs are not
    negative.

    Args:
        current_cost: Cost x per call of the current model.
        candidate_cost: Cost y per call of the candidate, same currency.
        clusters: Conversation per call; these are resampled then.
        level: Two-sided coverage, a share.
        resamples: Number of resamples, at least 1.
        seed: Seed of the resampling.

    Raises:
        ValueError: If a cost is not finite or negative, lengths differ, or another argument is out of range.
    """
    _check(level, resamples)
    x, y = finite_pairs("current_cost", current_cost, "candidate_cost", candidate_cost)
    before, after = _sums(x, clusters), _sums(y, clusters)
    by_unit = replace(savings_ratio(before, after, level), n=len(x))
    interval = by_unit.interval
    if interval is not None and len(before) < SMALL_SAMPLE:
        import numpy as np

        found = None
        if len(before) >= FEWEST_UNITS:
            found = _studentised(_Ratio(np.asarray(after), np.asarray(before)), level, resamples, seed)
        interval = (1 - found[1], 1 - found[0]) if found is not None else None
    return replace(by_unit, interval=(interval[0], min(1.0, interval[1])) if interval is not None else None)


def _check(level: float, resamples: int) -> None:
    open_unit("level", level)
    if resamples < 1:
        raise ValueError(f"resamples is {resamples}, expected at least 1")


def _studentised(ratio: _Ratio, level: float, resamples: int, seed: int) -> tuple[float, float] | None:
    import numpy as np

    units, value, se = len(ratio.tops), ratio.value, ratio.se
    rng, batch = np.random.default_rng(seed), max(1, _CELLS // len(ratio.tops))
    found = []
    for start in range(0, resamples, batch):
        drawn = rng.integers(0, units, (min(batch, resamples - start), units))
        ratios, errors = _ratio_errors(ratio.tops[drawn], ratio.bottoms[drawn])
        with np.errstate(divide="ignore", invalid="ignore"):
            found.append(np.where(np.isinf(ratios), ratios, (ratios - value) / errors))
    # a resample without spread is infinitely far off; one that says nothing at all (0/0) counts as in the middle
    low, high = np.quantile(
        np.nan_to_num(np.concatenate(found), nan=0.0, posinf=np.inf, neginf=-np.inf),
        ((1 - level) / 2, (1 + level) / 2),
        method="inverted_cdf",
    )
    ends = (value - float(high) * se, value - float(low) * se)
    return ends if all(map(math.isfinite, ends)) else None


def _by_scipy(ratio: _Ratio, method: Method, level: float, resamples: int, seed: int) -> tuple[float, float]:
    import numpy as np
    from scipy import stats

    def statistic(tops: "NDArray[float64]", bottoms: "NDArray[float64]", axis: int = -1) -> Any:
        return tops.sum(axis=axis) / bottoms.sum(axis=axis)

    found = stats.bootstrap(
        (ratio.tops, ratio.bottoms),
        statistic,
        paired=True,
        n_resamples=resamples,
        batch=max(1, _CELLS // len(ratio.tops)),
        confidence_level=level,
        method="BCa" if method == "bca" else "percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)
