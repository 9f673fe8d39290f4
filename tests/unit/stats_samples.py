"""Strategies for the property tests of the statistics."""

from collections.abc import Sequence
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from cqtui.stats.portfolio import ModelPoint

T = TypeVar("T")

quick = settings(max_examples=60, deadline=None)
slow = settings(max_examples=15, deadline=None)

# whole and half points: sums are exact, so that equalities are not a matter of rounding
scores = st.integers(0, 200).map(lambda k: k / 2)
pairs = st.lists(st.tuples(scores, scores), max_size=40)
differences = st.lists(st.integers(-200, 200).map(lambda k: k / 2), max_size=40)
costs = st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 1000)), max_size=40)
p_values = st.lists(st.floats(0, 1), max_size=12)
points = st.lists(
    st.builds(ModelPoint, st.text("abc", max_size=2), st.integers(0, 20), st.integers(0, 100)), max_size=8
)


def split(rows: Sequence[tuple[T, T]]) -> tuple[list[T], list[T]]:
    return [a for a, _ in rows], [b for _, b in rows]


def close(expected: object) -> object:
    return pytest.approx(expected, rel=1e-9, abs=1e-7)
