"""NaN, infinities and levels out of range are refused; importing the statistics stays cheap."""

import math
import pkgutil
import subprocess
import sys
from collections.abc import Callable

import pytest

import cqtui.stats
from cqtui.stats.bootstrap import bootstrap_mean, bootstrap_savings
from cqtui.stats.calibration import calibrate, prediction_powered_mean, preference_of
from cqtui.stats.cascade import CascadeCall, thresholds_to_try
from cqtui.stats.confidence_sequence import (
    betting_sequence,
    empirical_bernstein_sequence,
    mean_difference_interval,
    relative_impact_interval,
)
from cqtui.stats.flips import order_flips
from cqtui.stats.length import length_control
from cqtui.stats.multiplicity import holm
from cqtui.stats.portfolio import (
    ModelPoint,
    average_improvement_in_quality,
    hull_quality,
)
from cqtui.stats.segments import Outcome, choose_single, shrink_effects, switchable_segments
from cqtui.stats.sequential import adaptive_e_process

REFUSALS: dict[str, Callable[[float], object]] = {
    "adaptive_e_process": lambda x: adaptive_e_process([x], 4),
    "adaptive_e_process margin": lambda x: adaptive_e_process([1], x),
    "average_improvement_in_quality": lambda x: average_improvement_in_quality([ModelPoint("a", 1, 1)], 0, x),
    "betting_sequence": lambda x: betting_sequence([x]),
    "betting_sequence range": lambda x: betting_sequence([], 0, x),
    "bootstrap_mean": lambda x: bootstrap_mean([x]),
    "bootstrap_savings": lambda x: bootstrap_savings([x], [1]),
    "calibrate": lambda x: calibrate([x], [None]),
    "CascadeCall": lambda x: CascadeCall(1, 1, 80, 80, x, 0),
    "choose_single": lambda x: choose_single([Outcome(0, 0, (1, x), (80, 80))]),
    "choose_single quality": lambda x: choose_single([Outcome(0, 0, (1, 1), (80, x))]),
    "empirical_bernstein_sequence": lambda x: empirical_bernstein_sequence([x]),
    "holm": lambda x: holm([x]),
    "hull_quality": lambda x: hull_quality((), x),
    "length_control": lambda x: length_control([1], [x], [1], [1]),
    "length_control lengths": lambda x: length_control([1], [1], [1], [x]),
    "mean_difference_interval": lambda x: mean_difference_interval([x]),
    "ModelPoint": lambda x: ModelPoint("a", 1, x),
    "order_flips": lambda x: order_flips([x], [1]),
    "prediction_powered_mean": lambda x: prediction_powered_mean([1], [x], []),
    "prediction_powered_mean others": lambda x: prediction_powered_mean([1], [1], [x]),
    "preference_of": preference_of,
    "relative_impact_interval": lambda x: relative_impact_interval([1], [x]),
    "shrink_effects": lambda x: shrink_effects([x], [1]),
    "thresholds_to_try": lambda x: thresholds_to_try([x]),
}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", sorted(REFUSALS))
def test_not_finite_is_refused(name: str, bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        REFUSALS[name](bad)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, math.nan])
def test_levels_are_refused(level: float) -> None:
    refusals: list[Callable[[], object]] = [
        lambda: betting_sequence([1], alpha=level),
        lambda: bootstrap_mean([1], level=level),
        lambda: bootstrap_savings([1], [1], level=level),
        lambda: calibrate([1], ["same"], level),
        lambda: empirical_bernstein_sequence([1], alpha=level),
        lambda: holm([1], level),
        lambda: length_control([1], [1], [1], [1], alpha=level),
        lambda: mean_difference_interval([1], level),
        lambda: order_flips([1], [1], level),
        lambda: prediction_powered_mean([1], [1], [], level=level),
        lambda: relative_impact_interval([1], [1], level),
        lambda: switchable_segments([1], [1], level),
    ]
    for refuse in refusals:
        with pytest.raises(ValueError, match="strictly between 0 and 1"):
            refuse()


def test_importing_any_module_loads_neither_numpy_nor_scipy() -> None:
    names = ", ".join(f"cqtui.stats.{module.name}" for module in pkgutil.iter_modules(cqtui.stats.__path__))
    code = f"import sys, {names}; sys.exit(bool({{'numpy', 'scipy'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
