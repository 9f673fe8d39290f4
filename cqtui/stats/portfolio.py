"""Cost against quality over several models (methods.md section 10; RouterBench, Hu et al. 2024).

Costs are in one currency per call, quality in points, both means over the same prompts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cqtui.stats._checks import finite


@dataclass(frozen=True, slots=True)
class ModelPoint:
    """A model's mean cost per call and mean quality.

    Raises:
        ValueError: If a figure is not finite or the cost is negative.
    """

    name: str
    cost: float
    quality: float

    def __post_init__(self) -> None:
        """Refuse figures that cannot be."""
        finite(self.name, (self.cost, self.quality))
        if self.cost < 0:
            raise ValueError(f"the cost of {self.name} is {self.cost}, expected at least 0")


def pareto_frontier(points: Iterable[ModelPoint]) -> tuple[ModelPoint, ...]:
    """Return the models whose quality exceeds that of all cheaper ones, cheapest first.

    Source: methods.md section 10. Of several at one cost the best is kept, of equals the first by name. No model gives
    an empty frontier.

    Args:
        points: Models in any order.
    """
    kept: list[ModelPoint] = []
    for point in sorted(points, key=lambda p: (p.cost, -p.quality, p.name)):
        if not kept or point.quality > kept[-1].quality:
            kept.append(point)
    return tuple(kept)


def convex_hull(points: Iterable[ModelPoint]) -> tuple[ModelPoint, ...]:
    """Return the corners of the non-decreasing convex hull, cheapest first.

    Source: methods.md section 10. Sending a share of calls to each of two models reaches every point on the line
    between them, so the hull is what random mixing can do: a router has to beat it. Models on a line between two others
    are no corners. No model gives an empty hull, one or two on the frontier are the hull.

    Args:
        points: Models in any order.
    """
    hull: list[ModelPoint] = []
    for point in pareto_frontier(points):
        while len(hull) >= 2 and not _is_corner(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return tuple(hull)


def _is_corner(left: ModelPoint, middle: ModelPoint, right: ModelPoint) -> bool:
    """Return whether the middle lies above the line from left to right."""
    return (middle.quality - left.quality) * (right.cost - middle.cost) > (right.quality - middle.quality) * (
        middle.cost - left.cost
    )


def hull_quality(hull: Sequence[ModelPoint], cost: float) -> float | None:
    """Return the quality that mixing reaches at a mean cost, points; None below the cheapest model's cost.

    Source: methods.md section 10; flat beyond the dearest corner, since nobody has to spend more.

    Args:
        hull: `convex_hull` of the models.
        cost: Mean cost per call.

    Raises:
        ValueError: If the cost is not finite.
    """
    finite("cost", (cost,))
    if not hull or cost < hull[0].cost:
        return None
    for left, right in pairwise(hull):
        if cost <= right.cost:
            share = (cost - left.cost) / (right.cost - left.cost)
            return left.quality + share * (right.quality - left.quality)
    return hull[-1].quality


def average_improvement_in_quality(
    points: Iterable[ModelPoint], lowest_cost: float | None = None, highest_cost: float | None = None
) -> float | None:
    """Return AIQ, the mean quality of the hull over a range of costs, points.

    Source: methods.md section 10: area under the hull over [c_min, c_max], divided by c_max - c_min. None without a
    model or where the range starts below the cheapest one; a range of one cost gives the hull's quality there.

    Args:
        points: Models in any order.
        lowest_cost: c_min, by default the lowest cost of all models.
        highest_cost: c_max, by default the highest cost of all models.

    Raises:
        ValueError: If a cost is not finite or the range is empty.
    """
    models = tuple(points)
    if not models:
        return None
    low = min(p.cost for p in models) if lowest_cost is None else lowest_cost
    high = max(p.cost for p in models) if highest_cost is None else highest_cost
    finite("lowest_cost, highest_cost", (low, high))
    if low > high:
        raise ValueError(f"lowest_cost is {low} but highest_cost is {high}")
    hull = convex_hull(models)
    stops = [low, *(p.cost for p in hull if low < p.cost < high), high]
    heights = [height for stop in stops if (height := hull_quality(hull, stop)) is not None]
    if len(heights) < len(stops):
        return None
    if low == high:
        return heights[0]
    strips = zip(pairwise(stops), pairwise(heights), strict=True)
    return sum((b - a) * (left + right) / 2 for (a, b), (left, right) in strips) / (high - low)
