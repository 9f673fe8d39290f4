"""Figures of a run under way as cells of a table. Pure."""

from __future__ import annotations

import math
from datetime import timedelta

from cqtui.engine.run_state import CandidateState
from cqtui.report.filters import milliseconds, signed
from cqtui.report.plot import PlotPoint
from cqtui.results import Interval
from cqtui.stats.running_ratio import RunningRatio

NOTHING = "·"
MOST_ODDS = 1_000_000
FULL, EMPTY = "█", "░"


def bar(share: float, width: int) -> str:
    """A bar of ``width`` cells, filled by a share 0..1; never full or empty before it is."""
    filled = round(max(0.0, min(1.0, share)) * width)
    if 0 < share < 1 and width > 1:
        filled = min(max(filled, 1), width - 1)
    return FULL * filled + EMPTY * (width - filled)


def change(ratio: RunningRatio, *, with_interval: bool = True) -> str:
    """A relative change so far, e.g. ``−0.8% ±2.1``, with the interval that holds at every look."""
    value = ratio.change_percent
    if value is None:
        return NOTHING
    half = ratio.half_width_percent() if with_interval else None
    return f"{signed(value)}%" + ("" if half is None else f" ±{half:.1f}")


def expected_change(saving_percent: float) -> str:
    """A saving in percent as a change of cost: ``−46%``, or ``+350%`` of a dearer model."""
    return f"{-round(saving_percent):+d}%".replace("-", "−").replace("+0%", "−0%")


def cost_words(row: CandidateState) -> str:
    """The change of cost so far, or what is expected of it before the first pair."""
    value = row.cost.change_percent
    if value is None:
        return f"~{expected_change(row.candidate.expected_saving_percent)}"
    return f"{value:+.0f}%".replace("-", "−")


def share_words(count: int, of: int) -> str:
    """A share in percent."""
    return f"{100 * count / of:.1f}%" if of else NOTHING


def latency_words(row: CandidateState) -> str:
    """Its median and 95th percentile."""
    median, slow = row.latency_ms(0.5), row.latency_ms(0.95)
    return NOTHING if median is None else f"{milliseconds(median)}, {milliseconds(slow)}"


def odds(log_evidence: float) -> str:
    """Evidence E from its logarithm: ``61``, ``0.4``, ``over 1,000,000``."""
    if log_evidence > math.log(MOST_ODDS):
        return f"over {MOST_ODDS:,}"
    value = math.exp(log_evidence)
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def duration(seconds: float) -> str:
    """About how long: ``40 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(timedelta(seconds=seconds).total_seconds() / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def short_state(row: CandidateState) -> str:
    """The state in at most 14 cells."""
    if row.outcome is not None:
        return row.outcome
    if row.stopped is not None:
        words = {"clearly worse": "worse, stopped", "refuses more than allowed": "refuses more"}
        return words.get(row.stopped, row.stopped if len(row.stopped) <= 14 else "stopped")
    if row.state.startswith("quality holds"):
        return "refusals left"
    words = {"replaying and judging": "judging", "all calls replayed": "all replayed"}
    return words.get(row.state, row.state)


def plot_point(row: CandidateState) -> PlotPoint | None:
    """Where a candidate is in the plot so far, with the intervals that hold at every look; None before its scores."""
    cost, quality = _spread(row.cost), _spread(row.quality)
    if cost is None or quality is None:
        return None
    is_chosen = row.outcome is not None
    return PlotPoint(
        letter=row.letter, name=row.candidate.short_name, cost=cost, quality=quality, recommended=is_chosen
    )


def _spread(ratio: RunningRatio) -> Interval | None:
    value, half = ratio.change_percent, ratio.half_width_percent() or 0.0
    return None if value is None else Interval(value=value, low=value - half, high=value + half)
