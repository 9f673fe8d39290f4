"""The statistical functions, against hand-worked values and the golden vectors."""

import json
import math
import random
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cqtui.stats.confidence import confidence, p_quality, p_savings
from cqtui.stats.paired import clustered_mean, non_inferiority, paired_difference, quality_margins
from cqtui.stats.power import pairs_needed_t, pairs_needed_z
from cqtui.stats.rates import mcnemar_exact, wilson
from cqtui.stats.savings import savings_ratio, surely_saved
from cqtui.stats.sequential import Bounds, e_process, points_bounds, relative_bounds

GOLDEN = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "golden_stats.json"
needs_golden = pytest.mark.skipif(not GOLDEN.is_file(), reason=f"golden vectors not found at {GOLDEN}")


@cache
def vectors() -> dict[str, Any]:
    return {vector["id"]: vector for vector in json.loads(GOLDEN.read_text(encoding="utf-8"))["vectors"]}


def golden(name: str) -> tuple[Any, Any]:
    return vectors()[name]["input"], vectors()[name]["expected"]


def near(expected: Any) -> Any:
    return pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_import_loads_neither_numpy_nor_scipy() -> None:
    names = ", ".join(f"cqtui.stats.{m}" for m in ("paired", "rates", "savings", "confidence", "sequential", "power"))
    code = f"import sys, {names}; sys.exit(bool({{'numpy', 'scipy'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_paired_by_hand() -> None:
    # d = 1, 2, 3: mean 2, sd 1, se 1/sqrt(3), t(2) at 97.5% = 4.302653
    result = paired_difference([10, 10, 10], [11, 12, 13])
    assert result.mean == near(2)
    assert result.se == near(1 / math.sqrt(3))
    assert result.interval == pytest.approx((2 - 4.302653 / math.sqrt(3), 2 + 4.302653 / math.sqrt(3)), rel=1e-6)


def test_paired_small_samples() -> None:
    assert paired_difference([], []).mean is None
    one = paired_difference([1], [3])
    assert (one.mean, one.se, one.interval) == (2, None, None)
    two = paired_difference([0, 0], [0, 2])  # t(1) at 97.5% = 12.7062, se 1
    assert two.interval == pytest.approx((1 - 12.7062047, 1 + 12.7062047), rel=1e-6)
    assert two.p_two_sided == near(0.5)


def test_constant_difference_decides_nothing() -> None:
    assert paired_difference([80, 80], [90, 90]).p_two_sided is None
    assert non_inferiority([80.1] * 3, [80.1] * 3).verdict == "undecided"


def test_margin_forms() -> None:
    assert quality_margins([100, 100], [95, 96]) == ("relative", near((0, 1)))
    assert quality_margins([10, 20], [10, 10]) == ("points", near((5, -5)))
    with pytest.raises(ValueError, match="relative margin"):
        quality_margins([10], [10], form="relative")


def test_non_inferiority_verdicts() -> None:
    assert non_inferiority([80, 82, 78, 81], [80, 83, 79, 81]).non_inferior
    assert non_inferiority([80, 82, 78, 81], [60, 61, 59, 62]).verdict == "inferior"
    assert non_inferiority([80, 82], [80, 60]).verdict == "undecided"
    assert non_inferiority([], []).verdict == non_inferiority([80], [99]).verdict == "undecided"


def test_clustered_by_hand() -> None:
    # mean 1; residual sums -2 and 2: CR0 = sqrt(8)/4, CR1 = CR0 sqrt(2)
    result = clustered_mean([0, 0, 2, 2], ["x", "x", "y", "y"])
    assert result.se_cr0 == near(math.sqrt(8) / 4)
    assert result.se_cr1 == near(1)
    assert clustered_mean([1, 2], ["x", "x"]).se_cr1 is None
    assert clustered_mean([], []).clusters == 0


def test_rates_by_hand() -> None:
    assert wilson(0, 0).interval == (0, 1)
    assert wilson(0, 20).interval == pytest.approx((0, 0.161125), abs=1e-6)
    test = mcnemar_exact(0, 5)  # 2/32 and 1/32
    assert (test.p_two_sided, test.p_candidate_more) == near((0.0625, 0.03125))
    assert mcnemar_exact(0, 0).p_two_sided == 1
    with pytest.raises(ValueError, match="k <= n"):
        wilson(3, 2)
    with pytest.raises(ValueError, match="negative"):
        mcnemar_exact(-1, 2)


def test_savings_by_hand() -> None:
    # R = 3/4; e = 1 - 1.5, 2 - 1.5: sd sqrt(0.5), se = sqrt(0.5)/(sqrt(2) 2) = 0.25
    result = savings_ratio([2, 2], [1, 2])
    assert (result.savings, result.se) == near((0.25, 0.25))
    assert savings_ratio([], []).savings is None
    assert savings_ratio([0, 0], [1, 1]).savings is None
    assert savings_ratio([4], [1]).savings == 0.75
    assert savings_ratio([4], [1]).se is None
    assert savings_ratio([1, 3], [0.1, 0.3]).interval is None


def test_surely_saved_is_a_wider_bound_than_the_interval() -> None:
    x, y = [1.0] * 200, [0.4, 0.6] * 100
    assert surely_saved(x, y) == pytest.approx(0.5 - 2.779 * 0.1 / math.sqrt(199), abs=1e-5)
    interval = savings_ratio(x, y).interval
    assert interval is not None
    bounds = [surely_saved(x, y, alpha) or 0.0 for alpha in (0.05, 0.01, 1 / 120)]
    assert interval[0] > bounds[0] > bounds[1] > bounds[2]
    assert surely_saved([1, 3], [0.1, 0.3]) == pytest.approx(0.9)  # the same ratio throughout
    assert surely_saved([], []) is surely_saved([4], [1]) is None
    with pytest.raises(ValueError, match="alpha"):
        surely_saved(x, y, 0.5)


def test_surely_saved_may_be_looked_at_again_and_again() -> None:
    above = 0
    for seed in range(200):
        rng = random.Random(seed)
        x = [rng.lognormvariate(0, 0.4) for _ in range(400)]
        y = [0.8 * cost * rng.lognormvariate(-0.045, 0.3) for cost in x]  # saves exactly 20%
        above += any((surely_saved(x[:n], y[:n]) or 0.0) > 0.2 for n in range(100, 401, 10))
    assert above <= 18  # at most 5% of 200, and what chance adds (99.9%)


def test_confidence() -> None:
    assert p_quality([]) == p_savings([], []) == 0.5
    assert 0.5 < p_quality([5]) < p_quality([5, 5]) < 1
    assert p_savings([1] * 30, [0.1] * 30) > 0.99
    assert p_savings([1] * 30, [0.8] * 30) == near(0.5)
    assert p_savings([0], [1]) == 0
    assert confidence("switch", 0.9, 0.8).value == near(0.6)
    assert confidence("switch", 0.9, 0.4).value == 0
    assert confidence("keep", 0.9, 0.1).value == near(0.8)


def test_e_process_by_hand() -> None:
    bounds = relative_bounds()
    assert (bounds.lo, bounds.hi) == near((-95, 100))
    assert e_process([], bounds).n == 0
    path = e_process([0, 90, -95], bounds)
    gain = 0.05 + 0.95 * 135 / 95  # 90 counts as 40
    assert path.log_not_worse == near((0, math.log(gain), math.log(gain * 0.05)))  # -95 is not clipped
    loss = 0.05 + 0.95 * 10 / 100
    assert path.log_worse == near((0, math.log(loss), math.log(loss * (0.05 + 0.95 * 1.4))))  # -95 counts as -40
    assert (points_bounds(5).lo, points_bounds(5).hi) == (-95, 105)


def test_e_process_crossings() -> None:
    good, bad = e_process([4.0] * 100, relative_bounds()), e_process([-10.0] * 100, relative_bounds())
    assert good.first_not_worse() == math.ceil(math.log(20) / math.log(1.04))
    assert good.first_worse() is None
    assert bad.first_worse() == math.ceil(math.log(20) / math.log(1.095))
    with pytest.raises(ValueError, match="outside"):
        e_process([-96], relative_bounds())
    with pytest.raises(ValueError, match="lo < 0 < hi"):
        Bounds(0, 1)


@pytest.mark.parametrize(("lo", "hi", "sign"), [(-95.0, 40.0, 1), (-40.0, 100.0, -1)])
def test_e_process_is_fair_at_the_margin(lo: float, hi: float, sign: int) -> None:
    # two-point z with mean 0: the expected factor is exactly 1
    share_hi = -lo / (hi - lo)
    ends = [e_process([z], relative_bounds()) for z in (hi, lo)]
    logs = [(e.log_not_worse if sign > 0 else e.log_worse)[0] for e in ends]
    assert share_hi * math.exp(logs[0]) + (1 - share_hi) * math.exp(logs[1]) == near(1)


def test_power() -> None:
    assert pairs_needed_z(10, 4) == 39
    assert pairs_needed_t(10, 4) == 41
    assert pairs_needed_z(10, 4, -4) is None
    assert pairs_needed_t(10, 4, -5) is None
    assert pairs_needed_z(1, 50) == 2
    with pytest.raises(ValueError, match="sd"):
        pairs_needed_z(0, 4)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        paired_difference([bad], [1])
    with pytest.raises(ValueError, match="finite"):
        non_inferiority([1], [bad])
    with pytest.raises(ValueError, match="finite"):
        clustered_mean([bad], [1])
    with pytest.raises(ValueError, match="finite"):
        savings_ratio([1], [bad])
    with pytest.raises(ValueError, match="finite"):
        p_quality([bad])
    with pytest.raises(ValueError, match="finite"):
        p_savings([bad], [1])
    with pytest.raises(ValueError, match="finite"):
        e_process([bad], relative_bounds())
    with pytest.raises(ValueError, match="finite"):
        pairs_needed_t(bad, 4)
    with pytest.raises(ValueError, match="level"):
        wilson(1, 2, bad)
    with pytest.raises(ValueError, match="probabilities"):
        confidence("switch", bad, 0.5)


@needs_golden
def test_golden_paired() -> None:
    given, want = golden("paired_mean_ci")
    got = paired_difference(given["current"], given["candidate"], given["level"])
    assert (got.n, got.mean, got.se, got.t, got.p_two_sided) == near(
        (want["n"], want["mean"], want["se"], want["t"], want["p_two_sided"])
    )
    assert got.interval == near(tuple(want["ci"]))


@needs_golden
def test_golden_non_inferiority() -> None:
    given, want = golden("noninferiority_t")
    got = non_inferiority(given["current"], given["candidate"], points=given["margin"], form="points")
    assert (got.t, got.p, got.non_inferior) == near((want["t"], want["p"], want["non_inferior"]))
    assert got.lower == near(want["lower_95_one_sided"] + given["margin"])
    given, want = golden("noninferiority_relative")
    got = non_inferiority(given["current"], given["candidate"], given["rel_margin"], alpha=given["alpha"])
    assert (got.form, got.non_inferior) == ("relative", want["non_inferior"])
    assert (got.mean_z, got.t, got.p) == near((want["mean_z"], want["t"], want["p"]))


@needs_golden
def test_golden_clustered() -> None:
    given, want = golden("clustered_se")
    got = clustered_mean(given["diff"], given["cluster"])
    assert (got.mean, got.se_naive, got.se_cr0, got.se_cr1) == near(
        (want["mean"], want["se_naive"], want["se_cr0"], want["se_cr1"])
    )


@needs_golden
def test_golden_rates() -> None:
    for row in golden("wilson")[1]["rows"]:
        assert wilson(row["k"], row["n"]).interval == near(tuple(row["wilson"]))
    for row in golden("mcnemar")[1]["rows"]:
        got = mcnemar_exact(row["b"], row["c"])
        assert (got.p_two_sided, got.p_candidate_more) == near(
            (row["p_exact"], row["p_one_sided_candidate_refuses_more"])
        )


@needs_golden
def test_golden_power() -> None:
    given, want = golden("power_noninferiority")
    for row in want["rows"]:
        args = (row["sd"], row["margin"], row["true_diff"], given["alpha"], given["power"])
        assert (pairs_needed_z(*args), pairs_needed_t(*args)) == (row["n_z"], row["n_t"])


@needs_golden
def test_golden_confidence() -> None:
    given, want = golden("confidence")
    for row, expected in zip(given["rows"], want["rows"], strict=True):
        p = p_quality(row, given["margin"], given["s0"], given["n0"], given["nu0"])
        assert p == near(expected["P"])
        assert confidence("switch", p, 1.0).value == near(expected["confidence"])


@needs_golden
def test_golden_savings() -> None:
    given, want = golden("savings_ratio")
    got = savings_ratio(given["current_cost"], given["candidate_cost"], given["level"])
    assert (got.ratio, got.savings, got.se) == near((want["ratio"], want["savings"], want["se"]))
    assert got.interval == near(tuple(want["ci"]))
