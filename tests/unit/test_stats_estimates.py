"""Bootstrap, calibration by human labels, length control, flips: hand-worked values, small and hostile samples."""

import math

import numpy as np
import pytest
from scipy import stats

from cqtui.stats.bootstrap import Method, bootstrap_mean, bootstrap_savings
from cqtui.stats.calibration import (
    PREFERENCES,
    Preference,
    calibrate,
    cohen_kappa,
    prediction_powered_mean,
    preference_of,
    preference_points,
)
from cqtui.stats.flips import order_flips
from cqtui.stats.length import length_control
from cqtui.stats.paired import clustered_mean
from cqtui.stats.savings import savings_ratio
from tests.unit.test_stats import near

METHODS: tuple[Method, ...] = ("bca", "percentile", "studentised")

# bootstrap


@pytest.mark.parametrize("method", METHODS)
def test_bootstrap_of_few_or_equal_values(method: Method) -> None:
    assert bootstrap_mean([], method=method).mean is None
    for values in ([3.0], [1.0, 5.0], [3.0] * 30, [0.1] * 7):
        found = bootstrap_mean(values, method=method)
        assert found.mean == near(np.mean(values))
        assert found.interval is None
    assert bootstrap_mean([1.0, 2.0] * 4, [0, 0, 1, 1, 2, 2, 3, 3], method).interval is None  # equal clusters


def test_bootstrap_agrees_with_t_on_many_values() -> None:
    values = np.random.default_rng(1).normal(-2, 10, 400).tolist()
    reference = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    for method in METHODS:
        found = bootstrap_mean(values, method=method, resamples=4999)
        assert found.interval == pytest.approx(tuple(reference), abs=0.15)


@pytest.mark.parametrize("method", METHODS)
def test_bootstrap_resamples_whole_conversations(method: Method) -> None:
    rng = np.random.default_rng(2)
    conversations = np.repeat(np.arange(40), 5)
    values = (rng.normal(0, 10, 40)[conversations] + rng.normal(0, 1, 200)).tolist()
    found = bootstrap_mean(values, conversations.tolist(), method)
    by_row = bootstrap_mean(values, None, method)
    reference = clustered_mean(values, conversations.tolist()).interval
    assert (found.n, found.units, by_row.units) == (200, 40, 200)
    assert found.interval is not None
    assert by_row.interval is not None
    assert reference is not None
    assert found.interval == pytest.approx(reference, abs=1)
    assert found.interval[1] - found.interval[0] > 1.5 * (by_row.interval[1] - by_row.interval[0])


def test_bootstrap_is_seeded() -> None:
    values = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0]
    for method in METHODS:
        one = bootstrap_mean(values, method=method, resamples=500, seed=1)
        assert one == bootstrap_mean(values, method=method, resamples=500, seed=1)
        assert one != bootstrap_mean(values, method=method, resamples=500, seed=2)


def test_studentised_end_without_spread_is_unbounded() -> None:
    # 28 equal values of 30: one resample in 8 has no spread, so the data cannot bound the upper end
    assert bootstrap_mean([0.0] * 28 + [5.0, 9.0], method="studentised").interval is None
    assert bootstrap_mean([0.0] * 28 + [5.0, 9.0], method="percentile").interval is not None


def test_studentised_reaches_further_to_the_long_tail() -> None:
    values = np.random.default_rng(11).lognormal(0, 1, 25).tolist()
    found = bootstrap_mean(values, method="studentised")
    assert found.interval is not None
    assert found.mean is not None
    assert found.interval[1] - found.mean > 1.5 * (found.mean - found.interval[0])


def test_bootstrap_refuses() -> None:
    with pytest.raises(ValueError, match="clusters"):
        bootstrap_mean([1.0, 2.0], [1])
    with pytest.raises(ValueError, match="method"):
        bootstrap_mean([1.0], method="other")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="resamples"):
        bootstrap_mean([1.0], resamples=0)


def test_savings_of_few_calls_are_studentised() -> None:
    rng = np.random.default_rng(3)
    before = rng.lognormal(-4, 1, 25)
    x, y = before.tolist(), (before * rng.lognormal(-1.5, 0.5, 25)).tolist()
    found, plain = bootstrap_savings(x, y), savings_ratio(x, y)
    assert (found.n, found.savings, found.se) == (25, plain.savings, plain.se)
    assert found.interval is not None
    assert plain.interval is not None
    assert found.interval != plain.interval
    assert found.interval == pytest.approx(plain.interval, abs=0.15)
    assert found.interval[1] <= 1


def test_savings_of_many_calls_are_the_ratio_estimators() -> None:
    rng = np.random.default_rng(4)
    x = rng.lognormal(-4, 1, 60).tolist()
    y = rng.lognormal(-5, 1, 60).tolist()
    assert bootstrap_savings(x, y) == savings_ratio(x, y)
    conversations = [i // 2 for i in range(60)]
    clustered = bootstrap_savings(x, y, conversations)
    by_turn = [[a + b for a, b in zip(costs[::2], costs[1::2], strict=True)] for costs in (x, y)]
    assert clustered.interval == savings_ratio(by_turn[0], by_turn[1]).interval
    assert clustered.n == 60


def test_savings_without_evidence() -> None:
    assert bootstrap_savings([], []).savings is None
    assert bootstrap_savings([0.0] * 9, [0.0] * 9).savings is None
    assert bootstrap_savings([1.0] * 9, [0.5] * 9).interval is None
    assert bootstrap_savings([1.0, 2.0], [0.5, 0.9]).interval is None
    with pytest.raises(ValueError, match="negative"):
        bootstrap_savings([-1.0], [1.0])


def test_studentised_savings_cover() -> None:
    rng = np.random.default_rng(5)
    held = 0
    for seed in range(120):
        x = rng.lognormal(0, 1, 20)
        y = 0.3 * x * rng.lognormal(-0.125, 0.5, 20)
        interval = bootstrap_savings(x.tolist(), y.tolist(), resamples=399, seed=seed).interval
        held += interval is not None and interval[0] <= 0.7 <= interval[1]
    assert held / 120 > 0.86


# calibration


def test_preferences_and_points() -> None:
    assert [preference_points(label) for label in PREFERENCES] == [-20, 0, 20]
    assert [preference_of(d) for d in (-100, -10.1, -10, 0, 10, 10.1)] == [
        *["worse"] * 2,
        *["same"] * 3,
        "better",
    ]
    assert all(preference_of(preference_points(label)) == label for label in PREFERENCES)
    with pytest.raises(ValueError, match="label"):
        preference_points("good")  # type: ignore[arg-type]


def test_kappa_by_hand() -> None:
    # observed agreement 3/4; chance 1/2 * 1/4 + 1/2 * 3/4 = 1/2
    assert cohen_kappa("aabb", "abbb", "ab") == near(0.5)
    assert cohen_kappa("aabb", "bbaa", "ab") == near(-1)
    assert cohen_kappa("aaaa", "aaaa", "ab") is None
    assert cohen_kappa([], [], "ab") is None
    assert cohen_kappa("a", "b", "ab") == near(0)
    # one miss by one step: 1 of (sum of n_a n_b d^2)/n = (2 + 4 + 1 + 1 + 8 + 4)/4
    assert cohen_kappa([0, 1, 2, 2], [0, 1, 2, 1], (0, 1, 2), "quadratic") == near(1 - 1 / 5)
    with pytest.raises(ValueError, match="none of the categories"):
        cohen_kappa("ax", "ab", "ab")
    with pytest.raises(ValueError, match="differ"):
        cohen_kappa("a", "a", "aa")
    with pytest.raises(ValueError, match="weights"):
        cohen_kappa("a", "a", "ab", "linear")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="values"):
        cohen_kappa("a", "ab", "ab")


def test_prediction_powered_by_hand() -> None:
    # residuals -1, 1: mean 0, variance 1; the judge's others 2, 6: mean 4, variance 4
    found = prediction_powered_mean([1, 5], [2, 4], [2, 6])
    assert found.estimate == near(4)
    assert found.se == near(math.sqrt(1 / 2 + 4 / 2))
    assert prediction_powered_mean([], [], [1, 2]).estimate is None
    one = prediction_powered_mean([3], [2], [5, 7])
    assert (one.estimate, one.se, one.interval) == (7, None, None)
    alone = prediction_powered_mean([1, 5], [2, 4], [])
    assert (alone.estimate, alone.weight) == (3, 0)
    assert prediction_powered_mean([1, 5], [2, 4], [9]).weight == 0
    assert prediction_powered_mean([3, 3], [3, 3], [1, 5]).interval is None


def test_tuned_weight() -> None:
    rng = np.random.default_rng(6)
    truth = rng.normal(0, 10, 400)
    human, judge = truth[:50].tolist(), (truth + rng.normal(0, 10, 400)).tolist()
    full, tuned, none = (
        prediction_powered_mean(human, judge[:50], judge[50:], 1.0),
        prediction_powered_mean(human, judge[:50], judge[50:], "tuned"),
        prediction_powered_mean(human, judge[:50], judge[50:], 0.0),
    )
    assert tuned.weight == pytest.approx(0.5 / (1 + 50 / 350), abs=0.1)  # cov = var/2
    assert tuned.se is not None
    assert full.se is not None
    assert none.se is not None
    assert tuned.se < min(full.se, none.se)
    # cov(y, f) = 2, var of 2, 4, 2, 6 = 2.75, n/N = 1
    assert prediction_powered_mean([1, 5], [2, 4], [2, 6], "tuned").weight == near(2 / (2 * 2.75))
    assert prediction_powered_mean([1, 5], [2, 2], [2, 2], "tuned").weight == 0
    assert prediction_powered_mean([5, 1], [2, 4], [2, 6], "tuned").weight == 0  # a contrary judge is left out
    with pytest.raises(ValueError, match="weight"):
        prediction_powered_mean([1], [1], [1], 1.5)


def test_prediction_powered_mean_is_unbiased_and_covers() -> None:
    rng = np.random.default_rng(7)
    held = [0, 0]
    for _ in range(300):
        truth = rng.normal(-3, 10, 200)
        judge = (0.7 * truth + 8 + rng.normal(0, 5, 200)).tolist()  # biased by 8 and more
        human = truth[:40].tolist()
        for tuned in (False, True):
            found = prediction_powered_mean(human, judge[:40], judge[40:], "tuned" if tuned else 1.0)
            assert found.interval is not None
            held[tuned] += found.interval[0] <= -3 <= found.interval[1]
    assert all(0.9 <= count / 300 <= 0.99 for count in held)


def test_calibrate() -> None:
    judged = [15.0, -15.0, 0.0, 30.0, 5.0, -40.0]
    labels: list[Preference | None] = ["better", "worse", "same", "worse", None, None]
    found = calibrate(judged, labels)
    assert (found.pairs, found.labelled, found.is_enough) == (6, 4, False)
    assert (found.agreement.k, found.agreement.n) == (3, 4)
    assert (found.agreement_without_ties.k, found.agreement_without_ties.n) == (2, 3)
    assert found.corrected == prediction_powered_mean([20, -20, 0, -20], judged[:4], judged[4:])
    assert found.tuned == prediction_powered_mean([20, -20, 0, -20], judged[:4], judged[4:], "tuned")
    assert found.kappa == near(1 - 0.25 / (1 - (2 * 1 + 1 * 1 + 1 * 2) / 16))
    nothing = calibrate([], [])
    assert (nothing.agreement.rate, nothing.kappa, nothing.tuned.estimate) == (None, None, None)
    assert calibrate([1.0] * 30, ["same"] * 30).is_enough
    with pytest.raises(ValueError, match="labels has"):
        calibrate([1.0], [])
    with pytest.raises(ValueError, match="label is"):
        calibrate([1.0], ["yes"])  # type: ignore[list-item]


# length


def lengths(log_ratios: list[float]) -> tuple[list[float], list[float]]:
    return [100.0] * len(log_ratios), [100.0 * math.exp(x) for x in log_ratios]


def test_length_control_is_a_regression() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(0.3, 0.4, 40)
    d = -2 + 10 * x + rng.normal(0, 5, 40)
    a = [60.0] * 40
    found = length_control(a, [60 + value for value in d], *lengths(x.tolist()))
    assert found is not None
    reference = stats.linregress(x, d)
    assert (found.intercept, found.slope) == near((reference.intercept, reference.slope))
    assert found.se == near(reference.intercept_stderr)
    half = stats.t.ppf(0.975, 38) * reference.intercept_stderr
    assert found.interval == near((reference.intercept - half, reference.intercept + half))
    assert found.raw_mean == near(d.mean())


def test_length_control_changes_the_verdict() -> None:
    rng = np.random.default_rng(9)
    x = rng.normal(1.0, 0.3, 200)  # 2.7 times as long
    b = 80 - 8 + 10 * x + rng.normal(0, 3, 200)
    found = length_control([80.0] * 200, b.tolist(), *lengths(x.tolist()))
    assert found is not None
    assert (found.raw_verdict, found.controlled_verdict) == ("non-inferior", "inferior")
    assert found.sign_changes
    assert found.verdict_changes
    fair = length_control([80.0] * 200, (80 + rng.normal(0, 3, 200)).tolist(), *lengths(x.tolist()))
    assert fair is not None
    assert not fair.verdict_changes


def test_length_control_decides_at_alpha() -> None:
    rng = np.random.default_rng(12)
    x = rng.normal(0.3, 0.4, 40)
    b = 78 + 5 * x + rng.normal(0, 5, 40)
    reference = stats.linregress(x, b - 0.95 * 80)
    p = float(stats.t.sf(reference.intercept / reference.intercept_stderr, 38))
    for alpha, verdict in ((1.01 * p, "non-inferior"), (0.99 * p, "undecided")):
        found = length_control([80.0] * 40, b.tolist(), *lengths(x.tolist()), alpha=alpha)
        assert found is not None
        assert found.controlled_verdict == verdict


def test_length_control_needs_something_to_go_by() -> None:
    assert length_control([], [], [], []) is None
    scores = [80.0, 81.0] * 10
    assert length_control(scores, scores, [100.0] * 20, [150.0] * 20) is None
    assert length_control(scores[:9], scores[:9], *lengths([0.1 * i for i in range(9)])) is None
    same = length_control(scores, scores, *lengths([0.1 * i for i in range(20)]))
    assert same is not None
    assert (same.raw_mean, same.intercept, same.se, same.interval) == (0, 0, 0, None)
    assert not same.sign_changes


def test_length_control_leaves_empty_answers_out() -> None:
    a, b = [80.0] * 12, [82.0, 79.0] * 6
    before, after = lengths([0.1 * i for i in range(12)])
    plain = length_control(a, b, before, after)
    found = length_control([*a, 80.0], [*b, 0.0], [*before, 100.0], [*after, 0.0])
    assert plain is not None
    assert found is not None
    assert (found.n, found.excluded, found.intercept) == (12, 1, plain.intercept)
    with pytest.raises(ValueError, match="negative"):
        length_control(a, b, before, [-1.0] * 12)
    with pytest.raises(ValueError, match="current_lengths has"):
        length_control(a, b, before[1:], after[1:])


# flips


def test_order_flips_by_hand() -> None:
    found = order_flips([11, -11, 10, 50, 0, 30], [-11, 11, -50, 50, 0, -10])
    assert (found.rate.k, found.rate.n, found.blocks) == (2, 6, False)
    assert order_flips([], []).rate.interval == (0, 1)
    assert not order_flips([], []).blocks
    assert not order_flips([20], [-20]).blocks
    assert order_flips([20, 20], [-20, -20]).blocks


def test_flips_block_only_for_certain() -> None:
    def flips(count: int, of: int) -> bool:
        return order_flips([20.0] * of, [-20.0] * count + [20.0] * (of - count)).blocks

    assert not flips(30, 100)
    assert not flips(38, 100)
    assert flips(39, 100)  # Wilson lower bound 30.02%
