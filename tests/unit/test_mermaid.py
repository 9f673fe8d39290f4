"""The cost-quality plot as a quadrant chart: what is where, and names that stay names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cqtui.report.mermaid import label, mermaid_chart, mermaid_words
from cqtui.report.plot import plot_points
from cqtui.results import Interval, Recommendation
from tests.fakes import pairs
from tests.hostile import TEXTS, hostile_run
from tests.results import recommendation
from tests.tui.stage import recorded_result

POINT = re.compile(r'^    "([^"]*)": \[([0-9.]+), ([0-9.]+)\]$', re.MULTILINE)


def points(chart: str) -> dict[str, tuple[float, float]]:
    return {name: (float(x), float(y)) for name, x, y in POINT.findall(chart)}


def at(saving: float, quality: float) -> Recommendation:
    """A run whose one candidate is just there."""
    base = recommendation(pairs(60))
    exact = {
        "savings_percent": Interval(value=saving, low=saving, high=saving),
        "quality_impact_percent": Interval(value=quality, low=quality, high=quality),
    }
    return base.model_copy(update={"evidence": (base.evidence[0].model_copy(update=exact),)})


def test_the_borders_are_the_saving_line_and_the_quality_floor() -> None:
    found = points(mermaid_chart(at(20.0, -5.0)))
    assert found["A gpt-5.6-luna"] == (0.5, 0.5)
    assert found["today"][0] > 0.5
    assert found["today"][1] > 0.5
    assert "upright at a saving of 20%, level at −5% quality" in mermaid_words(at(20.0, -5.0))


def test_cheaper_is_left_and_better_is_up() -> None:
    cheap, dear = points(mermaid_chart(at(60.0, -1.0))), points(mermaid_chart(at(5.0, -9.0)))
    assert cheap["A gpt-5.6-luna"][0] < 0.5 < cheap["A gpt-5.6-luna"][1]
    assert dear["A gpt-5.6-luna"][1] < 0.5 < dear["A gpt-5.6-luna"][0]


def test_a_forced_switch_has_its_border_at_todays_cost() -> None:
    result = recorded_result("forced")
    assert points(mermaid_chart(result))["today"][0] == 0.5
    assert "no saving is asked for" in mermaid_words(result)


@given(st.floats(-1e6, 100), st.floats(-100, 1e6))
def test_every_point_is_within_the_chart(saving: float, quality: float) -> None:
    for x, y in points(mermaid_chart(at(saving, quality))).values():
        assert 0 <= x <= 1
        assert 0 <= y <= 1


def test_letters_are_those_of_the_table() -> None:
    result = recorded_result("verified")
    assert list(points(mermaid_chart(result)))[:-1] == [f"{p.letter} {p.name}" for p in plot_points(result)]


def test_without_figures_there_is_no_chart() -> None:
    assert mermaid_chart(recommendation(evidence=(), recommended=None, closest=None, impact=None)) == ""


def test_what_is_not_drawn_is_counted() -> None:
    result = recommendation(pairs(60))
    unknown = result.evidence[0].model_copy(update={"savings_percent": None})
    assert "Not drawn, since a figure is unknown: 1." in mermaid_words(
        result.model_copy(update={"evidence": (*result.evidence, unknown)})
    )


@pytest.mark.parametrize("text", TEXTS)
def test_a_hostile_name_ends_neither_label_nor_line_nor_block(text: str) -> None:
    chart = mermaid_chart(hostile_run(text))
    assert len(chart.splitlines()) == 10
    assert len(points(chart)) == 2
    assert "`" not in chart
    assert "%" not in chart


@given(st.text())
def test_a_label_is_one_quoted_line(text: str) -> None:
    assert re.fullmatch(r'"[^"`\[\]{}<>%#&;\\|$\n\r]{1,40}"', label(text))
