"""The cost-quality plot as a Mermaid quadrant chart, which GitHub draws. Pure.

The chart has no lines of its own, so that the borders of its quadrants are placed on the quality floor and on the least
saving; ``mermaid_words`` says so beneath.
"""

from __future__ import annotations

import re

from cqtui.report.markdown_text import TICKS, markdown, shortened
from cqtui.report.plot import PlotArea, PlotPoint, plot_area, plot_points
from cqtui.results import Recommendation

_NAME_LENGTH = 40
_ROOM = 1.3  # names stand centred under their points: so that those at the left stay inside
_INDENT = "    "
# What could end a label, begin a comment or an entity, or be markup; each by what looks most like it.
_LOOKALIKES = str.maketrans(
    {
        '"': "\u201d",
        "`": "'",
        "[": "(",
        "]": ")",
        "{": "(",
        "}": ")",
        "<": "\u2039",
        ">": "\u203a",
        "%": "\uff05",
        "#": "\uff03",
        "&": "\uff06",
        ";": ",",
        "\\": "/",
        "|": "/",
        "$": "\uff04",
        **dict.fromkeys(TICKS, "\ufffd"),
    }
)


def mermaid_chart(result: Recommendation) -> str:
    """The chart without its fence; empty where no candidate has both figures."""
    points = plot_points(result)
    if not points:
        return ""
    area = plot_area(result, points)
    return "\n".join(["quadrantChart", *(_INDENT + line for line in (*_frame(area), *_marks(points, area)))])


def mermaid_words(result: Recommendation) -> str:
    """What the chart shows and where its borders are, as Markdown."""
    points = plot_points(result)
    area = plot_area(result, points)
    if area.saving_line is None:
        across = "at today's cost (no saving is asked for)"
    else:
        across = f"at a saving of {-area.saving_line:g}%"
    names = ", ".join(f"{point.letter} {markdown(shortened(point.name, _NAME_LENGTH))}" for point in points)
    missing = len(result.evidence) - len(points)
    left_out = f" Not drawn, since a figure is unknown: {missing}." if missing else ""
    return (
        f"Left is cheaper, up is better. The borders of the quadrants are the rules: upright {across}, level at "
        f"−{-area.quality_floor:g}% quality. {names}; *today* is {markdown(shortened(result.current.short_name))}. "
        f"The chart leaves the intervals out; the table has them.{left_out}"
    )


def label(text: str) -> str:
    """Foreign text as a quoted label that stays one."""
    words = shortened(re.sub("[\\s\u200b]+", " ", text), _NAME_LENGTH).translate(_LOOKALIKES)
    return f'"{words.strip() or "?"}"'


def _frame(area: PlotArea) -> list[str]:
    less, more = ("cheaper", "dearer") if area.saving_line is None else ("saves enough", "saves too little")
    return [
        "title Cost and quality against today",
        'x-axis "cheaper" --> "dearer"',
        'y-axis "worse" --> "better"',
        f'quadrant-1 "good enough, {more}"',
        f'quadrant-2 "good enough, {less}"',
        f'quadrant-3 "too much worse, {less}"',
        f'quadrant-4 "too much worse, {more}"',
    ]


def _marks(points: tuple[PlotPoint, ...], area: PlotArea) -> list[str]:
    border = 0.0 if area.saving_line is None else area.saving_line
    across = _ROOM * max(area.cost_high - border, border - area.cost_low)
    up = max(area.quality_high - area.quality_floor, area.quality_floor - area.quality_low)

    def place(cost: float, quality: float) -> str:
        return f"[{_unit(cost, border, across)}, {_unit(quality, area.quality_floor, up)}]"

    marks = [
        f"{label(f'{point.letter} {point.name}')}: {place(point.cost.value, point.quality.value)}" for point in points
    ]
    return [*marks, f'"today": {place(0.0, 0.0)}']


def _unit(value: float, middle: float, reach: float) -> str:
    """A value as 0..1 with ``middle`` at one half."""
    return f"{min(1.0, max(0.0, 0.5 + (value - middle) / (2 * reach))):.3f}".rstrip("0").rstrip(".")
