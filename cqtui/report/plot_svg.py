"""The plot of cost against quality as one inline SVG: no script, no outside resource, foreign text as text. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from cqtui.report.filters import interval, plain, signed
from cqtui.report.plot import PlotArea, PlotPoint, plot_area, plot_points, ticks
from cqtui.results import Recommendation

WIDTH, HEIGHT = 440, 360
LEFT, RIGHT, TOP, BOTTOM = 56, 10, 26, 50
_CAP = 4.0  # half the length of a whisker's end
_LETTER = 9.0  # half the side of the square that a letter needs
_NEAR = 20.0  # a letter farther from its point than this gets a line to it
_TICKS = 6
_CHARACTER = 7.0  # the width of a character, about
_CURRENT = "current model"

_STYLE = """
.plot text{font:13px system-ui,sans-serif;fill:currentColor}
.plot .halo{paint-order:stroke;stroke:var(--background,Canvas);stroke-width:4px;stroke-linejoin:round}
.plot .grid{stroke:currentColor;opacity:.13}
.plot .zero{stroke:currentColor;opacity:.45}
.plot .rule{stroke:currentColor;stroke-width:1.5;stroke-dasharray:6 4}
.plot .good{fill:var(--accent,#1f7a4d);opacity:.11}
.plot .whisker{stroke:var(--accent,#1f7a4d);stroke-width:1.5;fill:none}
.plot .lead{stroke:currentColor;opacity:.5}
.plot .point{fill:var(--background,Canvas);stroke:var(--accent,#1f7a4d);stroke-width:2}
.plot .chosen{fill:var(--accent,#1f7a4d)}
.plot .now{fill:currentColor}
.plot .letter{font-weight:700;text-anchor:middle}
.plot .right{text-anchor:end}
.plot .middle{text-anchor:middle}
"""


@dataclass(frozen=True)
class _Scale:
    """From percent to the SVG's units."""

    area: PlotArea

    def x(self, cost: float) -> float:
        """Where a change of cost is; what lies outside is put on the edge."""
        area = self.area
        share = (min(max(cost, area.cost_low), area.cost_high) - area.cost_low) / (area.cost_high - area.cost_low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, quality: float) -> float:
        """Where a quality impact is; see ``x``."""
        area = self.area
        within = min(max(quality, area.quality_low), area.quality_high)
        share = (within - area.quality_low) / (area.quality_high - area.quality_low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def plot_svg(result: Recommendation) -> str:
    """The plot of a run's candidates, or an empty text where no candidate has both figures."""
    points = plot_points(result)
    if not points:
        return ""
    area = plot_area(result, points)
    scale = _Scale(area)
    parts = [
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="plot-title plot-text"'
        ' xmlns="http://www.w3.org/2000/svg">',
        f'<title id="plot-title">{html.escape(plot_title(result))}</title>',
        f'<desc id="plot-text">{html.escape(plot_text(area, points))}</desc>',
        f"<style>{_STYLE}</style>",
        *_frame(area, scale),
        *_rules(area, scale),
        *(_whiskers(point, scale) for point in points),
        _current(scale),
        *(_marker(point, scale) for point in points),
        *_letters(points, area, scale),
        "</svg>",
    ]
    return "\n".join(parts)


def plot_title(result: Recommendation) -> str:
    """What the plot shows; a rehearsal's says that it is simulated."""
    simulated = " (simulated, not evidence)" if result.provider == "rehearsal" else ""
    return f"Change of cost against quality impact, compared with {plain(result.current.short_name)}{simulated}"


def plot_text(area: PlotArea, points: Sequence[PlotPoint]) -> str:
    """The plot in words, for those who do not see it."""
    saving = "" if area.saving_line is None else f" A saving of {-area.saving_line:g}% is asked for."
    said = "; ".join(
        f"{point.letter} is {plain(point.name)}{', recommended' if point.recommended else ''}: "
        f"cost {interval(point.cost)}, quality {interval(point.quality)}"
        for point in points
    )
    floor = signed(area.quality_floor).removesuffix(".0")
    return f"The current model is at 0, 0. The quality floor is {floor}%.{saving} {said}. Brackets are 95% intervals."


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(kind: str, x: float, y: float, words: str, more: str = "") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}"{more}>{html.escape(words)}</text>'


def _figure(value: float) -> str:
    return f"{value:+g}".replace("-", "−") if value else "0"


def _frame(area: PlotArea, scale: _Scale) -> Iterator[str]:
    low, high = HEIGHT - BOTTOM, TOP
    for value in ticks(area.cost_low, area.cost_high, _TICKS):
        x = scale.x(value)
        yield _line("grid" if value else "zero", x, low, x, high)
        yield _text("middle", x, low + 17, _figure(value))
    for value in ticks(area.quality_low, area.quality_high, _TICKS):
        y = scale.y(value)
        yield _line("grid" if value else "zero", LEFT, y, WIDTH - RIGHT, y)
        yield _text("right", LEFT - 6, y + 4.5, _figure(value))
    yield from _axis(("← cheaper", "change of cost, %", "dearer →"), LEFT, WIDTH - RIGHT, HEIGHT - 10)
    turned = f' transform="rotate(-90) translate({-low} 0)"'
    yield from _axis(("← worse", "quality impact, %", "better →"), 0, low - high, 14, turned)


def _axis(words: tuple[str, str, str], start: float, end: float, y: float, more: str = "") -> Iterator[str]:
    """What an axis shows: its bad or good ends and its name in the middle."""
    yield _text("", start, y, words[0], more)
    yield _text("middle", (start + end) / 2, y, words[1], more)
    yield _text("right", end, y, words[2], more)


def _rules(area: PlotArea, scale: _Scale) -> Iterator[str]:
    """The quality floor and the saving that is asked for, and the ground where both hold."""
    y = scale.y(area.quality_floor)
    right = WIDTH - RIGHT if area.saving_line is None else scale.x(area.saving_line)
    yield f'<rect class="good" x="{LEFT}" y="{TOP}" width="{right - LEFT:.1f}" height="{y - TOP:.1f}"/>'
    yield _line("rule", LEFT, y, WIDTH - RIGHT, y)
    words, label_y = _floor_label(area, scale)
    yield _text("halo right", WIDTH - RIGHT - 2, label_y, words)
    if area.saving_line is not None:
        yield _line("rule", right, HEIGHT - BOTTOM, right, TOP)
        asked = f"saving asked for {-area.saving_line:g}%"
        place = "halo" if right < WIDTH / 2 else "halo right"
        yield _text(place, right, TOP - 9, asked)


def _floor_label(area: PlotArea, scale: _Scale) -> tuple[str, float]:
    """What stands at the quality floor, and at what height: below the line where there is room."""
    y = scale.y(area.quality_floor)
    words = f"quality floor {_figure(area.quality_floor)}%"
    return words, y + 15 if y + 20 < HEIGHT - BOTTOM else y - 6


def _whiskers(point: PlotPoint, scale: _Scale) -> str:
    x, y = scale.x(point.cost.value), scale.y(point.quality.value)
    left, right = scale.x(point.cost.low), scale.x(point.cost.high)
    low, high = scale.y(point.quality.low), scale.y(point.quality.high)
    across = f"M{left:.1f} {y:.1f}H{right:.1f}M{x:.1f} {low:.1f}V{high:.1f}"
    ends = "".join(
        [
            *(f"M{end:.1f} {y - _CAP:.1f}v{2 * _CAP:.1f}" for end in (left, right)),
            *(f"M{x - _CAP:.1f} {end:.1f}h{2 * _CAP:.1f}" for end in (low, high)),
        ]
    )
    return f'<path class="whisker" d="{across}{ends}"/>'


def _current(scale: _Scale) -> str:
    x, y = scale.x(0), scale.y(0)
    square = f'<rect class="now" x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10"/>'
    half = _CHARACTER * len(_CURRENT) / 2
    middle = min(max(x, LEFT + half), WIDTH - RIGHT - half)
    return square + _text("halo middle", middle, y - 10, _CURRENT)


def _marker(point: PlotPoint, scale: _Scale) -> str:
    x, y = scale.x(point.cost.value), scale.y(point.quality.value)
    words = f"{point.letter} {plain(point.name)}: cost {interval(point.cost)}, quality {interval(point.quality)}"
    tip = f"<title>{html.escape(words)}</title>"
    if point.recommended:
        return f'<path class="point chosen" d="M{x:.1f} {y - 8:.1f}l8 8l-8 8l-8 -8z">{tip}</path>'
    return f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="5">{tip}</circle>'


def _letters(points: Sequence[PlotPoint], area: PlotArea, scale: _Scale) -> Iterator[str]:
    centres = [(scale.x(point.cost.value), scale.y(point.quality.value)) for point in points]
    now_x, now_y = scale.x(0), scale.y(0)
    words, label_y = _floor_label(area, scale)
    half = _CHARACTER * len(_CURRENT)
    taken = [
        (now_x, now_y),
        *_along(max(LEFT, now_x - half), min(now_x + half, WIDTH - RIGHT), now_y - 14),
        *_along(WIDTH - RIGHT - _CHARACTER * len(words), WIDTH - RIGHT, label_y - 4),
    ]
    for point, (x, y), (at_x, at_y) in zip(points, centres, letter_places(centres, taken), strict=True):
        if abs(at_x - x) > _NEAR or abs(at_y - y) > _NEAR:
            yield _line("lead", x, y, at_x, at_y)
        yield _text("halo letter", at_x, at_y + 4.5, point.letter)


def _along(start: float, end: float, y: float) -> list[tuple[float, float]]:
    """Spots along a label, so close that no letter fits between them."""
    count = int((end - start) / _LETTER) + 1
    return [(start + _LETTER * number, y) for number in range(count + 1)]


def letter_places(
    centres: Sequence[tuple[float, float]], taken: Sequence[tuple[float, float]] = ()
) -> tuple[tuple[float, float], ...]:
    """Where each point's letter stands: beside it, on no point, letter or ``taken`` spot, as near as there is room."""
    occupied = [*centres, *taken]
    places: list[tuple[float, float]] = []
    for x, y in centres:
        tries = [
            (x + 14.0 * far * side, y + 14.0 * far * rise)
            for far in range(1, 7)
            for rise, side in product((-1, 1, 0), (1, -1))
        ]
        free = [place for place in tries if _inside(place) and not any(_touch(place, other) for other in occupied)]
        chosen = free[0] if free else tries[0]
        places.append(chosen)
        occupied.append(chosen)
    return tuple(places)


def _inside(place: tuple[float, float]) -> bool:
    x, y = place
    return LEFT + _LETTER <= x <= WIDTH - RIGHT - _LETTER and TOP + _LETTER <= y <= HEIGHT - BOTTOM - _LETTER


def _touch(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return abs(a[0] - b[0]) < 1.5 * _LETTER and abs(a[1] - b[1]) < 1.5 * _LETTER
