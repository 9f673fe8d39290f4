"""Cost against quality: the current model, the quality floor, the saving asked for, each candidate by its letter."""

from __future__ import annotations

import math
from collections.abc import Sequence

from textual.app import App
from textual.color import Color
from textual_plotext import PlotextPlot

from cqtui.report.plot import PlotPoint

FRAME = 4  # rows of border, marks and title


class CostQualityPlot(PlotextPlot, can_focus=False):
    """Draws points; the same ones are not drawn twice."""

    DEFAULT_CSS = """
    CostQualityPlot { height: 1fr; min-height: 8; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._points: tuple[PlotPoint, ...] = ()
        self._floor = -5.0
        self._saving: float | None = 20.0
        self._drawn: object = None

    def show(self, points: Sequence[PlotPoint], max_drop_percent: float, min_saving_percent: float | None) -> None:
        """Draw points, the floor at ``-max_drop_percent``, and the saving that is asked for (None: none is)."""
        self._points, self._floor, self._saving = tuple(points), -max_drop_percent, min_saving_percent
        self._draw()

    def on_resize(self) -> None:
        """Draw anew in the new size."""
        self._draw()

    def _draw(self) -> None:
        state = (self._points, self._floor, self._saving, self.size)
        if state == self._drawn or not self.size:
            return
        self._drawn = state
        canvas, muted = _rgb(self.app, "surface"), _rgb(self.app, "foreground", 0.5)
        limit, strong = _rgb(self.app, "warning"), _rgb(self.app, "primary")
        plot = self.plt
        plot.clear_figure()
        low_x, high_x = self._range_of_cost()
        low_y, high_y = self._range_of_quality()
        plot.xlim(low_x, high_x)
        plot.ylim(low_y, high_y)
        plot.hline(0, muted)
        plot.hline(self._floor, limit)
        plot.text("floor", high_x, self._floor, color=limit, background=canvas, alignment="right")
        ticks = [-100.0, -50.0, 0.0]
        if self._saving is not None:
            plot.vline(-self._saving, limit)
            ticks.append(-self._saving)
        for point in self._points:
            quality = [max(low_y, point.quality.low), min(high_y, point.quality.high)]
            cost = [max(low_x, point.cost.low), min(high_x, point.cost.high)]
            plot.plot([point.cost.value] * 2, quality, color=muted, marker="│")
            plot.plot(cost, [point.quality.value] * 2, color=muted, marker="─")
        plot.text("● now", 0, 0, color=strong, background=canvas, alignment="left")
        for point in self._points:
            place = max(low_x, min(high_x, point.cost.value)), max(low_y, min(high_y, point.quality.value))
            plot.text(point.letter, *place, color=strong, background=canvas, style="bold", alignment="center")
        plot.xlabel("change of cost, %")
        plot.xticks(ticks, [_figure(value) for value in ticks])
        plot.yticks(*_ticks(low_y, high_y, self._floor, self.size.height - FRAME))
        self.refresh()

    def _range_of_cost(self) -> tuple[float, float]:
        dearest = max((min(point.cost.high, 300.0) for point in self._points), default=0.0)
        return -106.0, max(18.0, 1.1 * dearest)

    def _range_of_quality(self) -> tuple[float, float]:
        """Both lines, all points, and as much of the whiskers as leaves the points apart."""
        reach = abs(self._floor)
        worst = min((max(p.quality.low, p.quality.value - 2 * reach) for p in self._points), default=0.0)
        best = max((min(p.quality.high, p.quality.value + 2 * reach) for p in self._points), default=0.0)
        return 1.15 * min(2 * self._floor, worst), 1.15 * max(reach, best)


def _rgb(app: App[object], name: str, share: float = 1.0) -> tuple[int, int, int]:
    """A colour of the theme, or a blend of it with the background."""
    variables = app.theme_variables
    color, ground = Color.parse(variables[name]), Color.parse(variables["background"])
    return ground.blend(color, share).rgb


def _figure(value: float) -> str:
    return f"{value:+g}".replace("-", "−") if value else "0"


def _ticks(low: float, high: float, floor: float, rows: int) -> tuple[list[float], list[str]]:
    """Figures for the axis, each on a row of its own: 0 and the floor come first."""
    step = next(size for size in (2.0, 5.0, 10.0, 20.0, 50.0, 1000.0) if (high - low) / size <= 8)
    first = math.ceil(low / step)
    wanted = [0.0, floor, *(step * number for number in range(first, math.floor(high / step) + 1))]
    apart = 1.6 * (high - low) / max(1, rows)
    values: list[float] = []
    for value in wanted:
        if all(abs(value - known) >= apart for known in values):
            values.append(value)
    return values, [_figure(value) for value in values]
