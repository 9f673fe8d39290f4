"""The judge against human labels (methods.md section 8, Calibration). Differences and means in points, rates as shares.

A person who compares two answers says better, same or worse, never points. Such a label counts as +20, 0 or -20
points, and a judge's difference counts as "same" within 10 points: a scale in steps of 20 whose cuts lie where a
change of the judge's sign becomes a flip (`cqtui.stats.flips`). A calibrated mean of -2 then says: called worse in 10%
more of the pairs than called better. The scale is coarse (a disaster counts as -20), so it checks the judge and never
enters the e-process.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from cqtui.stats._checks import finite, finite_pairs, mean, open_unit, standard_error
from cqtui.stats.flips import FLIP_POINTS
from cqtui.stats.rates import Rate, wilson

Preference = Literal["better", "same", "worse"]
"""The candidate's answer beside the current model's."""

PREFERENCES: tuple[Preference, ...] = ("worse", "same", "better")
PREFERENCE_POINTS = 20.0
"""Points that "better" stands for; "worse" is the negative."""
SAME_WITHIN = FLIP_POINTS
"""Points of a judge's difference, either way, that still mean "same"."""
ENOUGH_LABELS = 30
"""Labels from which on a calibration is worth showing."""


@dataclass(frozen=True, slots=True)
class PredictionPoweredMean:
    """A mean of human scores, in their unit; `weight` 1 trusts the judge's scores in full, 0 leaves them out.

    `se` is None under two labels; `interval` also where the labels leave no spread to judge by.
    """

    labelled: int
    unlabelled: int
    weight: float
    estimate: float | None
    se: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the judge compares with the labels, and the mean difference corrected by them, in points.

    `agreement` is over all labelled pairs, `agreement_without_ties` over those where neither says "same".
    """

    pairs: int
    labelled: int
    agreement: Rate
    agreement_without_ties: Rate
    kappa: float | None
    kappa_quadratic: float | None
    corrected: PredictionPoweredMean
    tuned: PredictionPoweredMean

    @property
    def is_enough(self) -> bool:
        """Whether there are at least 30 labels."""
        return self.labelled >= ENOUGH_LABELS


def preference_points(label: Preference) -> float:
    """Return the points that a human label stands for: better 20, same 0, worse -20 (see the module's text).

    Raises:
        ValueError: If the label is none of the three.
    """
    if label not in PREFERENCES:
        raise ValueError(f"label is {label!r}, expected one of {', '.join(PREFERENCES)}")
    return PREFERENCE_POINTS * (PREFERENCES.index(label) - 1)


def preference_of(difference: float) -> Preference:
    """Return the label that a judge's difference, in points, stands for: "same" within 10 points either way.

    Raises:
        ValueError: If the difference is not finite.
    """
    (value,) = finite("difference", (difference,))
    return "better" if value > SAME_WITHIN else "worse" if value < -SAME_WITHIN else "same"


def cohen_kappa(
    first: Sequence[Hashable],
    second: Sequence[Hashable],
    categories: Sequence[Hashable],
    weights: Literal["none", "quadratic"] = "none",
) -> float | None:
    """Return Cohen's kappa of two raters: 1 full agreement, 0 that of chance, negative below it.

    Source: Cohen 1960 and 1968. Quadratic weights count a disagreement by the square of its distance in `categories`.
    None for n = 0 and where both raters gave one and the same category throughout (chance alone agrees in full).

    Args:
        first: Category per item by one rater.
        second: Category per item by the other.
        categories: All possible categories, in order.
        weights: Whether a near miss counts less.

    Raises:
        ValueError: If lengths differ, a category is unknown or given twice, or the weights are unknown.
    """
    if len(first) != len(second):
        raise ValueError(f"first has {len(first)} values but second has {len(second)}")
    if weights not in ("none", "quadratic"):
        raise ValueError(f"weights is {weights!r}, expected 'none' or 'quadratic'")
    place = {category: index for index, category in enumerate(categories)}
    if len(place) != len(categories):
        raise ValueError("categories must differ")
    unknown = next((value for value in (*first, *second) if value not in place), None)
    if unknown is not None:
        raise ValueError(f"{unknown!r} is none of the categories")

    def disagreement(a: Hashable, b: Hashable) -> int:
        return (place[a] - place[b]) ** 2 if weights == "quadratic" else int(a != b)

    observed = sum(disagreement(a, b) for a, b in zip(first, second, strict=True)) * len(first)
    by_first, by_second = ([list(side).count(category) for category in place] for side in (first, second))
    expected = sum(
        n_a * n_b * disagreement(a, b)
        for a, n_a in zip(place, by_first, strict=True)
        for b, n_b in zip(place, by_second, strict=True)
    )
    return 1 - observed / expected if expected else None


def prediction_powered_mean(
    human: Sequence[float],
    judge_labelled: Sequence[float],
    judge_unlabelled: Sequence[float],
    weight: float | Literal["tuned"] = 1.0,
    level: float = 0.95,
) -> PredictionPoweredMean:
    """Return the mean of human scores over all items, though only some have one.

    Source: Angelopoulos et al. 2023 (prediction-powered inference; with weight "tuned" PPI++): mean(y) on the labelled
    items + weight (mean f on the unlabelled - mean f on the labelled), normal interval, variances with n. The tuned
    weight is cov(y, f)/((1 + n/N) var(f)), held to 0..1. Unbiased whatever the judge's bias, if the labelled items are
    a random part of all. The interval is rough under about 30 labels. No labels give no figure, n = 1 the estimate
    only, fewer than 2 unlabelled items the plain mean of the labels (weight 0), residuals y - weight f without spread
    no interval.

    Args:
        human: Human score y per labelled item.
        judge_labelled: Judge's score f of the same items.
        judge_unlabelled: Judge's score f of the others.
        weight: Trust in the judge's scores, 0..1, or "tuned".
        level: Two-sided coverage, a share.

    Raises:
        ValueError: If a score is not finite, lengths differ, or the weight or level is out of range.
    """
    open_unit("level", level)
    y, f = finite_pairs("human", human, "judge_labelled", judge_labelled)
    others = finite("judge_unlabelled", judge_unlabelled)
    if weight != "tuned" and not 0.0 <= weight <= 1.0:
        raise ValueError(f"weight is {weight}, expected 0 to 1 or 'tuned'")
    n, rest = len(y), len(others)
    if n == 0:
        return PredictionPoweredMean(0, rest, 0.0, None, None, None)
    used = 0.0 if rest < 2 else _tuned_weight(y, f, others) if weight == "tuned" else float(weight)
    residuals = tuple(a - used * b for a, b in zip(y, f, strict=True))
    estimate = mean(residuals) + (used * mean(others) if used else 0.0)
    if n == 1:
        return PredictionPoweredMean(n, rest, used, estimate, None, None)
    se = math.hypot(_error(residuals), used * _error(others) if used else 0.0)
    if _error(residuals) == 0.0:
        return PredictionPoweredMean(n, rest, used, estimate, se, None)
    half = NormalDist().inv_cdf((1 + level) / 2) * se
    return PredictionPoweredMean(n, rest, used, estimate, se, (estimate - half, estimate + half))


def _error(values: tuple[float, ...]) -> float:
    """Return sd/sqrt(n) for n >= 2, sd with n as in the source."""
    return standard_error(values) * math.sqrt((len(values) - 1) / len(values))


def _tuned_weight(y: tuple[float, ...], f: tuple[float, ...], others: tuple[float, ...]) -> float:
    centre_y, centre_f = mean(y), mean(f)
    covariance = math.fsum((a - centre_y) * (b - centre_f) for a, b in zip(y, f, strict=True)) / len(y)
    variance = _error(f + others) ** 2 * len(f + others)
    if variance == 0.0:
        return 0.0
    return min(1.0, max(0.0, covariance / ((1 + len(y) / len(others)) * variance)))


def calibrate(
    judge_differences: Sequence[float], labels: Sequence[Preference | None], level: float = 0.95
) -> Calibration:
    """Compare the judge with human labels on some of its pairs, and correct its mean difference by them.

    Source: methods.md section 8. The labelled pairs must be a random part of all, labelled without sight of the models'
    names. No label gives no figure; judge from 30 labels on (`is_enough`).

    Args:
        judge_differences: Candidate minus current per pair, points, as judged.
        labels: Human label per pair in the same order, None where there is none.
        level: Two-sided coverage, a share.

    Raises:
        ValueError: If a difference is not finite, lengths differ, a label is unknown or the level is out of range.
    """
    judged = finite("judge_differences", judge_differences)
    if len(labels) != len(judged):
        raise ValueError(f"judge_differences has {len(judged)} values but labels has {len(labels)}")
    both = [(value, label) for value, label in zip(judged, labels, strict=True) if label is not None]
    human = [preference_points(label) for _, label in both]
    theirs, ours = [label for _, label in both], [preference_of(value) for value, _ in both]
    firm = [(a, b) for a, b in zip(theirs, ours, strict=True) if "same" not in (a, b)]
    known = [value for value, _ in both]
    others = [value for value, label in zip(judged, labels, strict=True) if label is None]
    return Calibration(
        pairs=len(judged),
        labelled=len(both),
        agreement=wilson(sum(a == b for a, b in zip(theirs, ours, strict=True)), len(both), level),
        agreement_without_ties=wilson(sum(a == b for a, b in firm), len(firm), level),
        kappa=cohen_kappa(theirs, ours, PREFERENCES),
        kappa_quadratic=cohen_kappa(theirs, ours, PREFERENCES, "quadratic"),
        corrected=prediction_powered_mean(human, known, others, 1.0, level),
        tuned=prediction_powered_mean(human, known, others, "tuned", level),
    )
