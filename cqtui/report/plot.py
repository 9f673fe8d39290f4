"""Cost against quality: the points and the area of the plot, which any front end can draw. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from cqtui.models import Frozen
from cqtui.report.order import in_report_order, letters_of
from cqtui.results import Interval, Recommendation

MARGIN = 0.08  # of the span, on every side
LEAST_SPAN = 10.0  # percent, so that a plot of tiny differences does not look dramatic


class PlotPoint(Frozen):
    """A candidate in the plot, with 95% intervals.

    ``cost`` is the change of cost and ``quality`` the quality impact against the current model, in percent; negative
    cost is cheaper, negative quality is worse. ``letter`` is that of the report's table.
    """

    letter: str
    name: str
    cost: Interval
    quality: Interval
    recommended: bool


class PlotArea(Frozen):
    """What the plot shows, in percent, and where its lines are.

    Candidates must be above ``quality_floor`` and left of ``saving_line``, which is None where no saving is asked for.
    """

    cost_low: float
    cost_high: float
    quality_low: float
    quality_high: float
    quality_floor: float
    saving_line: float | None


def plot_points(result: Recommendation) -> tuple[PlotPoint, ...]:
    """The candidates whose cost and quality are both known, in the order of the report's table."""
    points, letters = [], letters_of(result)
    for evidence in in_report_order(result):
        saving, quality = evidence.savings_percent, evidence.quality_impact_percent
        if saving is None or quality is None or not _finite(saving.value, quality.value):
            continue
        points.append(
            PlotPoint(
                letter=letters[evidence.candidate.id],
                name=evidence.candidate.short_name,
                cost=Interval(value=-saving.value, low=-saving.high, high=-saving.low),
                quality=quality,
                recommended=evidence == result.recommended,
            )
        )
    return tuple(points)


def plot_area(result: Recommendation, points: tuple[PlotPoint, ...]) -> PlotArea:
    """An area that holds the current model at 0, 0, all points, their whiskers and both lines, with a margin."""
    floor = -result.thresholds.max_quality_drop_percent
    saving = None if result.forced_switch else -result.thresholds.min_cost_saving_percent
    cost_low, cost_high = _range([0.0, *_ends(point.cost for point in points), *([] if saving is None else [saving])])
    quality_low, quality_high = _range([0.0, floor, *_ends(point.quality for point in points)])
    return PlotArea(
        cost_low=cost_low,
        cost_high=cost_high,
        quality_low=quality_low,
        quality_high=quality_high,
        quality_floor=floor,
        saving_line=saving,
    )


def ticks(low: float, high: float, count: int = 6) -> tuple[float, ...]:
    """Round figures within a range, about so many: steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return tuple(round(number * step, 10) for number in range(first, last + 1))


def _finite(*values: float) -> bool:
    return all(map(math.isfinite, values))


def _ends(intervals: Iterable[Interval]) -> list[float]:
    return [end for each in intervals for end in (each.value, each.low, each.high) if math.isfinite(end)]


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    missing = max(0.0, LEAST_SPAN - (high - low)) / 2
    margin = MARGIN * max(high - low, LEAST_SPAN)
    return low - missing - margin, high + missing + margin
