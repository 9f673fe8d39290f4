"""The ratio of two sums as it is known so far, with an interval that holds however often one looks."""

import math
from dataclasses import dataclass, field

from cqtui.stats.savings import anytime_factor


@dataclass(slots=True)
class RunningRatio:
    """The same ratio and error as `savings.savings_ratio`, one call at a time and in constant time.

    Calls of one conversation count as one unit, the sum of their figures.
    """

    n: int = 0
    """Units: conversations, and calls of none."""
    _x: float = 0.0
    _y: float = 0.0
    _xx: float = 0.0
    _xy: float = 0.0
    _yy: float = 0.0
    _open: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, x: float, y: float, conversation: str | None = None) -> None:
        """Enter a call's figures, of the current model and of the candidate, in one unit of measure."""
        before_x, before_y = self._open.get(conversation, (0.0, 0.0)) if conversation is not None else (0.0, 0.0)
        if conversation is None or conversation not in self._open:
            self.n += 1
        unit_x, unit_y = before_x + x, before_y + y
        if conversation is not None:
            self._open[conversation] = (unit_x, unit_y)
        self._x += x
        self._y += y
        self._xx += unit_x * unit_x - before_x * before_x
        self._xy += unit_x * unit_y - before_x * before_y
        self._yy += unit_y * unit_y - before_y * before_y

    @property
    def ratio(self) -> float | None:
        """Sum y over sum x; None where there is nothing to divide by."""
        return self._y / self._x if self._x > 0 else None

    @property
    def se(self) -> float | None:
        """The ratio estimator's standard error; None for fewer than two units."""
        ratio = self.ratio
        if ratio is None or self.n < 2:
            return None
        squares = max(0.0, self._yy - 2 * ratio * self._xy + ratio * ratio * self._xx)
        return math.sqrt(squares / (self.n - 1)) / (math.sqrt(self.n) * self._x / self.n)

    @property
    def change_percent(self) -> float | None:
        """100 (sum y / sum x - 1): the relative change, percent."""
        ratio = self.ratio
        return None if ratio is None else 100 * (ratio - 1)

    def half_width_percent(self, alpha: float = 0.05) -> float | None:
        """Half the width of the change's interval, percent points, valid at every look; None for under two units.

        Source: as `savings.anytime_factor`, by the normal approximation; alpha is the two-sided error rate.
        """
        error = self.se
        return None if error is None else 100 * error * anytime_factor(self.n, alpha / 2)
