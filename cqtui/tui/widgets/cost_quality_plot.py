"""Cost against quality: the current model, the quality floor, the saving asked for, and each candidate by its letter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual_plotext import PlotextPlot


@dataclass(frozen=True)
class Point:
    """A candidate: changes in percent against the current model, and half the width of each interval (None: none)."""

    letter: str
    cost_percent: float
    quality_percent: float
    cost_half: float | None = None
    quality_half: float | None = None


class CostQualityPlot(PlotextPlot, can_focus=False):
    """Draws points; the same ones are not drawn twice."""

    DEFAULT_CSS = """
    CostQualityPlot { height: 1fr; min-height: 8; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._drawn: object = None
        self._limits = (5.0, 20.0)
        self._points: tuple[Point, ...] = ()

    def show(self, points: Sequence[Point], max_drop_percent: float, min_saving_percent: float) -> None:
        """Draw the points with the floor at ``-max_drop_percent`` and the line at ``-min_saving_percent``."""
        state = (tuple(points), max_drop_percent, min_saving_percent, self.size)
        if state == self._drawn or not self.size:
            return
        self._drawn = state
        self._points, self._limits = tuple(points), (max_drop_percent, min_saving_percent)
        self._draw()

    def on_resize(self) -> None:
        """Draw anew in the new size."""
        self._draw()

    def _draw(self) -> None:
        points, (drop, saving) = self._points, self._limits
        plot = self.plt
        plot.clear_figure()
        low_x = min([-100.0, *(p.cost_percent - (p.cost_half or 0) for p in points)])
        high_x = max([15.0, *(min(400.0, p.cost_percent + (p.cost_half or 0)) for p in points)])
        spread = [abs(p.quality_percent) + min(p.quality_half or 0.0, 15.0) for p in points]
        reach = max([2.0 * drop, *spread]) * 1.15
        low_y = -reach
        high_y = max([drop, *(p.quality_percent + min(p.quality_half or 0.0, 15.0) for p in points)]) * 1.15
        plot.xlim(low_x - 6, high_x + 6)
        plot.ylim(low_y, high_y)
        plot.hline(0, "gray")
        plot.hline(-drop, "orange")
        plot.vline(-saving, "orange")
        for point in points:
            self._whiskers(point)
        plot.text("● now", 0, 0, color="blue", alignment="left")
        for point in points:
            plot.text(point.letter, point.cost_percent, point.quality_percent, color="orange", alignment="center")
        plot.text("floor", low_x, -drop, color="orange", alignment="left")
        plot.xlabel("change of cost, %")
        plot.ylabel("quality, %")
        plot.xticks([-100, -50, -saving, 0], ["−100", "−50", f"−{saving:g}", "0"])
        plot.yticks(*_ticks(low_y, high_y, drop))
        self.refresh()

    def _whiskers(self, point: Point) -> None:
        plot = self.plt
        if point.quality_half:
            ends = [point.quality_percent - point.quality_half, point.quality_percent + point.quality_half]
            plot.plot([point.cost_percent] * 2, ends, color="gray", marker="│")
        if point.cost_half:
            ends = [point.cost_percent - point.cost_half, point.cost_percent + point.cost_half]
            plot.plot(ends, [point.quality_percent] * 2, color="gray", marker="─")


def _ticks(low: float, high: float, drop: float) -> tuple[list[float], list[str]]:
    values = [-drop, 0.0]
    step = 5.0 if high - low < 40 else 20.0
    value = -step * int(-low // step)
    while value <= high:
        if all(abs(value - known) > step / 2 for known in values):
            values.append(value)
        value += step
    return values, [f"{value:+g}".replace("-", "−") if value else "0" for value in values]
