"""The plot of cost against quality: its numbers, and the SVG that is drawn of them."""

from __future__ import annotations

import itertools
import math
import re
import xml.etree.ElementTree as ET

import pytest

from cqtui.engine.letters import letter
from cqtui.report.order import in_report_order
from cqtui.report.plot import plot_area, plot_points, ticks
from cqtui.report.plot_svg import HEIGHT, LEFT, RIGHT, WIDTH, letter_places, plot_svg
from cqtui.results import Interval, Recommendation
from tests.fakes import pairs
from tests.results import NEW, evidence_of, recommendation

SVG = "{http://www.w3.org/2000/svg}"


def several(**changes: object) -> Recommendation:
    """A verified run with two more candidates, the chosen one in the middle."""
    result = recommendation()
    worse = evidence_of(pairs(60, drop=12.0, saving=0.8), "acme/worse")
    close = evidence_of(pairs(60, drop=3.0, saving=0.3), "acme/close")
    return result.model_copy(update={"evidence": (worse, *result.evidence, close), **changes})


def drawn(result: Recommendation) -> ET.Element:
    return ET.fromstring(plot_svg(result))


def words(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def test_points_have_the_letters_of_the_report_s_table_and_costs_are_changes() -> None:
    result = several()
    points = plot_points(result)
    assert [point.letter for point in points] == ["B", "A", "C"]  # the chosen one first, with the letter of its turn
    assert [point.name for point in points] == [e.candidate.short_name for e in in_report_order(result)]
    assert [point.recommended for point in points] == [True, False, False]
    for point, evidence in zip(points, in_report_order(result), strict=True):
        assert evidence.savings_percent is not None
        assert point.cost.value == -evidence.savings_percent.value
        assert point.cost.low <= point.cost.value <= point.cost.high
        assert point.quality == evidence.quality_impact_percent


def test_a_candidate_without_a_figure_has_no_point_and_keeps_the_others_letters() -> None:
    result = several()
    first, second, third = result.evidence
    unknown = first.model_copy(update={"savings_percent": None})
    endless = third.model_copy(update={"quality_impact_percent": Interval(value=math.nan, low=0, high=0)})
    left = result.model_copy(update={"evidence": (unknown, second, endless)})
    assert [point.letter for point in plot_points(left)] == ["B"]
    left = result.model_copy(update={"evidence": (unknown, second, third)})
    assert [point.letter for point in plot_points(left)] == ["B", "C"]
    nothing = result.model_copy(update={"evidence": (unknown,)})
    assert plot_points(nothing) == ()
    assert plot_svg(nothing) == ""


def test_the_area_holds_everything_with_a_margin() -> None:
    result = several()
    points = plot_points(result)
    area = plot_area(result, points)
    for point in points:
        assert area.cost_low < point.cost.low <= point.cost.high < area.cost_high
        assert area.quality_low < point.quality.low <= point.quality.high < area.quality_high
    assert area.cost_low < 0 < area.cost_high
    assert area.quality_low < area.quality_floor == -5.0
    assert area.saving_line == -20.0
    assert plot_area(result.model_copy(update={"forced_switch": True}), points).saving_line is None


def test_an_endless_whisker_ends_at_the_edge() -> None:
    result = several()
    wide = Interval(value=-1.0, low=-math.inf, high=2.0)
    chosen = result.evidence[1].model_copy(update={"quality_impact_percent": wide})
    left = result.model_copy(update={"evidence": (chosen,), "recommended": chosen})
    area = plot_area(left, plot_points(left))
    assert math.isfinite(area.quality_low)
    assert "inf" not in re.sub(r"<(title|desc).*?</\1>", "", plot_svg(left))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-52.0, 4.0, (-50.0, -40.0, -30.0, -20.0, -10.0, 0.0)), (-0.9, 0.3, (-0.8, -0.6, -0.4, -0.2, 0.0, 0.2))],
)
def test_ticks_are_round_figures(low: float, high: float, expected: tuple[float, ...]) -> None:
    assert ticks(low, high) == expected


def test_letters_go_on_after_z() -> None:
    assert [letter(place) for place in (0, 25, 26, 27, 51, 52, 701, 702)] == [
        *("A", "Z", "AA", "AB", "AZ", "BA", "ZZ", "AAA"),
    ]


def test_the_svg_names_its_lines_and_says_in_words_what_it_shows() -> None:
    root = drawn(several())
    said = words(root)
    for wanted in ("quality floor −5%", "saving asked for 20%", "current model", "A", "B", "C", "change of cost, %"):
        assert wanted in said
    description = root.findtext(f"{SVG}desc") or ""
    assert root.get("role") == "img"
    assert "B is gpt-5.6-luna, recommended: cost −49.5%" in description
    assert "C is close: cost" in description
    assert "saving asked for" not in " ".join(words(drawn(several(forced_switch=True))))
    assert "simulated, not evidence" in (drawn(several(provider="rehearsal")).findtext(f"{SVG}title") or "")


def test_the_recommended_point_differs_in_shape_not_colour_alone() -> None:
    root = drawn(several())
    chosen = [e for e in root.iter() if "chosen" in (e.get("class") or "")]
    others = list(root.iter(f"{SVG}circle"))
    assert [e.tag for e in chosen] == [f"{SVG}path"]
    assert len(others) == 2


def test_cheaper_is_left_and_better_is_up() -> None:
    root = drawn(several())
    circles = [(float(e.get("cx", 0)), float(e.get("cy", 0))) for e in root.iter(f"{SVG}circle")]
    (worse_x, worse_y), (close_x, close_y) = circles  # saves 80% and 12 points worse; saves 30% and 3 points worse
    assert worse_x < close_x
    assert worse_y > close_y


def test_everything_is_drawn_inside() -> None:
    for result in (several(), recommendation(), recommendation(pairs(60, drop=30.0))):
        for element in drawn(result).iter():
            for name, most in (("x", WIDTH), ("x1", WIDTH), ("cx", WIDTH), ("y", HEIGHT), ("y1", HEIGHT)):
                if element.get(name) is not None and element.get("transform") is None:
                    assert 0 <= float(element.get(name, 0)) <= most, ET.tostring(element)


def test_letters_do_not_cover_each_other_or_a_point() -> None:
    crowd = [(200.0 + 3 * number, 150.0 + 2 * number) for number in range(8)]
    places = letter_places(crowd, [(230.0, 150.0)])
    for one, other in itertools.combinations(places, 2):
        assert max(abs(one[0] - other[0]), abs(one[1] - other[1])) >= 12
    for place in places:
        assert all(max(abs(place[0] - x), abs(place[1] - y)) >= 12 for x, y in [*crowd, (230.0, 150.0)])
        assert LEFT < place[0] < WIDTH - RIGHT


def test_hostile_names_stay_text() -> None:
    hostile = several()
    evidence = evidence_of(pairs(60), 'acme/"><script>alert(1)</script>\x1b[31m')
    svg = plot_svg(hostile.model_copy(update={"evidence": (evidence,), "recommended": evidence}))
    assert "<script" not in svg
    assert "\x1b" not in svg
    assert "<script>alert(1)</script>" in (ET.fromstring(svg).findtext(f"{SVG}desc") or "")


def test_the_chosen_model_is_the_first_letter_wherever_the_run_tried_it() -> None:
    assert in_report_order(several())[0].candidate.id == NEW
