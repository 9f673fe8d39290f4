"""What may be looked at after every call: e-processes, the refusal gate, confidence sequences, thresholds."""

import math
from itertools import pairwise
from statistics import median

import numpy as np
import pytest

from cqtui.stats.confidence_sequence import (
    betting_sequence,
    empirical_bernstein_sequence,
    mean_difference_interval,
    relative_impact_interval,
)
from cqtui.stats.multiplicity import BAND_SHARES, evidence_threshold, holm, single_switch_threshold
from cqtui.stats.paired import paired_difference, quality_margins
from cqtui.stats.refusal_gate import RunningRefusalGate, refusal_gate
from cqtui.stats.sequential import adaptive_e_process, e_process, points_bounds, relative_bounds
from tests.unit.test_stats import near

RUNS = 400
PAIRS = 400
SLACK = 3 * math.sqrt(0.05 * 0.95 / RUNS)
"""Three standard errors of a share of 5% over the runs."""


def normal_z(seed: int, mean: float, sd: float, runs: int = RUNS) -> list[list[float]]:
    drawn = np.random.default_rng(seed).normal(mean, sd, (runs, PAIRS))
    return [list(row) for row in np.clip(drawn, -95.0, 100.0)]


def disasters(seed: int, share: float, runs: int = RUNS) -> list[tuple[list[float], list[float]]]:
    """Scores of both models: a loss of exactly 5% on average, a share of it in answers that score 0."""
    rng = np.random.default_rng(seed)
    failed = rng.random((runs, PAIRS)) < share
    a = np.full((runs, PAIRS), 80.0)
    b = np.where(failed, 0.0, 76.0 / (1 - share) + rng.uniform(-8.0, 8.0, (runs, PAIRS)))
    return [(list(x), list(y)) for x, y in zip(a, b, strict=True)]


@pytest.mark.parametrize("share", [0.0, 0.01, 0.055])
def test_rare_disasters_at_the_margin_do_not_verify(share: float) -> None:
    wrong = 0
    for a, b in disasters(1, share):
        wrong += e_process(quality_margins(a, b)[1], relative_bounds()).first_not_worse(20) is not None
    assert wrong / RUNS <= 0.05 + SLACK


def test_clipping_against_the_claim_would_let_disasters_through() -> None:
    # the rule of a first draft, so that the test above is known to be able to fail
    wrong = 0
    for a, b in disasters(1, 0.055):
        wrong += adaptive_e_process(quality_margins(a, b)[1], 0.0).first_not_worse(20) is not None
    assert wrong / RUNS > 0.2


@pytest.mark.parametrize(
    ("threshold", "sd", "pairs", "settled"), [(20, 10, 79, 0.99), (20, 20, 121, 0.92), (120, 10, 128, 0.99)]
)
def test_pairs_until_verified(threshold: float, sd: float, pairs: int, settled: float) -> None:
    found = [e_process(z, relative_bounds()).first_not_worse(threshold) for z in normal_z(2, 4.0, sd)]
    assert sum(n is not None for n in found) / RUNS >= settled
    assert median(n if n is not None else PAIRS for n in found) == pytest.approx(pairs, rel=0.1)


@pytest.mark.parametrize(("worse_by", "low", "high"), [(10, 55, 80), (15, 30, 40), (20, 20, 27)])
def test_pairs_until_clearly_worse(worse_by: float, low: int, high: int) -> None:
    found = [e_process(z, relative_bounds()).first_worse(20) for z in normal_z(3, 4.0 - worse_by, 12.0)]
    assert low <= median(n if n is not None else PAIRS for n in found) <= high


def test_at_the_margin_neither_side_passes_too_often() -> None:
    paths = [e_process(z, relative_bounds()) for z in normal_z(4, 0.0, 15.0)]
    assert sum(path.first_not_worse(20) is not None for path in paths) / RUNS <= 0.05 + SLACK
    assert sum(path.first_worse(20) is not None for path in paths) / RUNS <= 0.05 + SLACK
    assert sum(path.first_not_worse(1.5) is not None for path in paths) / RUNS > 0.05 + SLACK


def test_after_a_stop_the_t_interval_is_too_narrow() -> None:
    # at the margin, sd 20, stopped by either process: the t interval covers 88.5%
    held_t = held = 0
    for z in normal_z(5, 0.0, 20.0):
        path = e_process(z, points_bounds(5.0))
        n = min(path.first_not_worse(20) or PAIRS, path.first_worse(20) or PAIRS)
        naive, sequence = paired_difference([0.0] * n, z[:n]).interval, mean_difference_interval(z[:n])
        assert naive is not None
        held_t += naive[0] <= 0 <= naive[1]
        held += sequence is not None and sequence.lower <= 0 <= sequence.upper
    assert held_t / RUNS < 0.92
    assert held / RUNS >= 0.95 - SLACK


# refusals


def test_refusal_gate_by_hand() -> None:
    path = refusal_gate([False, True])
    assert path.log_acceptable == near((math.log(0.994 / 0.97), math.log(0.994 / 0.97 / 5)))
    assert path.log_failed == near((math.log(0.91 / 0.97), math.log(0.91 / 0.97 * 3)))
    assert refusal_gate([]).n == 0
    assert refusal_gate([]).first_acceptable() is None


def test_calls_without_a_new_refusal() -> None:
    clean = refusal_gate([False] * 250)
    assert clean.first_acceptable(20) == 123
    assert clean.first_acceptable(120) == 196
    fresh = RunningRefusalGate()
    assert (fresh.calls_missing(20), fresh.calls_missing(120)) == (123, 196)


def test_each_new_refusal_costs_about_66_more() -> None:
    fresh = RunningRefusalGate()
    needed = [fresh.calls_missing(20, refusals) for refusals in range(5)]
    assert all(65 <= after - before <= 68 for before, after in pairwise(needed))
    with_two = refusal_gate([False] * 10 + [True, True] + [False] * 300)
    assert with_two.first_acceptable(20) == needed[2]


def test_calls_missing_counts_down_and_stays_settled() -> None:
    gate = RunningRefusalGate()
    for n in range(123):
        assert gate.calls_missing(20) == 123 - n
        assert not gate.is_acceptable(20)
        gate.add(False)
    assert gate.is_acceptable(20)
    gate.add(True)
    assert gate.is_acceptable(20)
    assert gate.calls_missing(20) == 0
    assert (gate.n, gate.newly_refused) == (124, 1)


def test_certain_failure() -> None:
    gate = RunningRefusalGate()
    for _ in range(3):
        gate.add(True)
    assert gate.is_failed(20)
    assert not gate.is_acceptable(20)
    assert refusal_gate([True] * 3).first_failed(20) == 3


def test_refusal_gate_is_fair_at_the_allowed_rate() -> None:
    for rate in (0.01, 0.03, 0.2):
        refused, answered = refusal_gate([True], rate), refusal_gate([False], rate)
        for side in ("log_acceptable", "log_failed"):
            expected = rate * math.exp(getattr(refused, side)[0]) + (1 - rate) * math.exp(getattr(answered, side)[0])
            assert expected == near(1)


@pytest.mark.parametrize(("rate", "acceptable", "failed"), [(0.03, (0, 0.08), (0, 0.08)), (0.1, (0, 0.01), (0.8, 1))])
def test_refusal_gate_over_many_runs(rate: float, acceptable: tuple[float, float], failed: tuple[float, float]) -> None:
    drawn = np.random.default_rng(6).random((RUNS, PAIRS)) < rate
    paths = [refusal_gate(row.tolist()) for row in drawn]
    passed = sum(path.first_acceptable(20) is not None for path in paths) / RUNS
    broken = sum(path.first_failed(20) is not None for path in paths) / RUNS
    assert acceptable[0] <= passed <= acceptable[1]
    assert failed[0] <= broken <= failed[1]


@pytest.mark.parametrize("bad", [0.0, 1 / 3, 1.0, -0.1, math.nan])
def test_refusal_gate_refuses_rates(bad: float) -> None:
    with pytest.raises(ValueError, match="max_increase"):
        RunningRefusalGate(bad)


def test_refusal_gate_refuses_thresholds() -> None:
    gate = RunningRefusalGate()
    for bad in (0.5, math.nan, math.inf):
        with pytest.raises(ValueError, match="threshold"):
            gate.is_acceptable(bad)
        with pytest.raises(ValueError, match="threshold"):
            gate.calls_missing(bad)
    with pytest.raises(ValueError, match="further_refusals"):
        gate.calls_missing(20, -1)


# thresholds


def test_thresholds() -> None:
    assert evidence_threshold(3) == near(120)
    assert evidence_threshold(3, guardrail_sets=2, band=1) == near(360)
    assert evidence_threshold(1, band=2) == near(120)
    assert single_switch_threshold() == near(20)


def test_thresholds_spend_alpha_once() -> None:
    tried = [(3, 2), (2, 2), (4, 1)]
    spent = sum(k * s / evidence_threshold(k, s, band) for band, (k, s) in enumerate(tried))
    assert spent == near(0.05)
    assert sum(BAND_SHARES) == near(1)


def test_thresholds_refuse() -> None:
    for arguments in ((0, 1, 0, 0.05), (1, 0, 0, 0.05), (1, 1, 3, 0.05), (1, 1, -1, 0.05), (1, 1, 0, math.nan)):
        with pytest.raises(ValueError, match="expected"):
            evidence_threshold(*arguments)
    with pytest.raises(ValueError, match="alpha"):
        single_switch_threshold(0)


def test_holm_by_hand() -> None:
    found = holm([0.04, 0.01, 0.03])
    assert found.adjusted == near((0.06, 0.03, 0.06))
    assert found.rejected == (False, True, False)
    assert holm([]).adjusted == ()
    assert holm([0.04]).adjusted == near((0.04,))
    assert holm([1.0, 1.0]).adjusted == (1, 1)
    for bad in (1.1, -0.1, math.nan):
        with pytest.raises(ValueError, match=r"p.values"):
            holm([bad])


# confidence sequences


def test_sequences_start_knowing_nothing() -> None:
    for sequence in (betting_sequence, empirical_bernstein_sequence):
        assert sequence([]).n == 0
        for values in ([3.0], [3.0, 3.0]):
            found = sequence(values)
            assert found.lower == near((-100,) * len(values))
            assert found.upper == near((100,) * len(values))


def test_current_intervals_of_few_pairs() -> None:
    assert mean_difference_interval([]) is None
    assert relative_impact_interval([], []) is None
    for n in (1, 2):
        difference, impact = mean_difference_interval([0.0] * n), relative_impact_interval([80.0] * n, [80.0] * n)
        assert difference is not None
        assert impact is not None
        assert (difference.n, difference.estimate, impact.estimate) == (n, 0, 0)
        assert difference.lower < -80
        assert difference.upper > 80
        assert impact.lower < -80
        assert impact.upper > 500


def test_relative_impact_by_hand() -> None:
    # one pair, a = 100, b = 0: refuted from above once 1 + 0.95 ratio >= 40
    found = relative_impact_interval([100.0], [0.0])
    assert found is not None
    assert (found.lower, found.upper) == near((-100, 100 * (39 / 0.95 - 1)))


def test_mean_difference_by_hand() -> None:
    # two pairs at +100 (x = 1): K+(m) = (1 + 0.95 (1/m - 1))^2 >= 40
    found = mean_difference_interval([100.0, 100.0])
    assert found is not None
    m = 1 / (1 + (math.sqrt(40) - 1) / 0.95)
    assert (found.lower, found.upper) == near((200 * m - 100, 100))


def test_relative_impact_needs_a_scale() -> None:
    assert relative_impact_interval([19.0] * 50, [19.0] * 50) is None
    assert relative_impact_interval([0.0] * 50, [0.0] * 50) is None


def test_contradicting_values_leave_no_interval() -> None:
    assert mean_difference_interval([60.0] * 40 + [-60.0] * 40) is None
    assert relative_impact_interval([50.0] * 80, [100.0] * 40 + [0.0] * 40) is None


def test_sequences_refuse() -> None:
    with pytest.raises(ValueError, match="lie in"):
        mean_difference_interval([101.0])
    with pytest.raises(ValueError, match="lie in"):
        relative_impact_interval([101.0], [1.0])
    with pytest.raises(ValueError, match="lie in"):
        betting_sequence([41.0], -40, 40)
    with pytest.raises(ValueError, match="lo < hi"):
        empirical_bernstein_sequence([], 1, 1)
    with pytest.raises(ValueError, match="breaks"):
        betting_sequence([1.0], breaks=0)
    with pytest.raises(ValueError, match="truncation"):
        betting_sequence([1.0], truncation=1.0)


def test_a_verified_drop_lies_outside_the_interval() -> None:
    for threshold in (20.0, 120.0):
        seen = 0
        for z in normal_z(7, 4.0, 12.0, runs=40):
            a = [80.0] * PAIRS
            b = [min(100.0, max(0.0, value + 76.0)) for value in z]
            margins = quality_margins(a, b)[1]
            n = e_process(margins, relative_bounds()).first_not_worse(threshold)
            if n is None:
                continue
            found = relative_impact_interval(a[:n], b[:n], 2 / threshold)
            assert found is not None
            assert found.lower >= -5 - 1e-9
            seen += 1
        assert seen > 30


def test_intervals_cover_at_every_number_of_pairs() -> None:
    # the intersection over time covers at the end only if it covered at every n
    for share, truth in ((0.0, -5.0), (0.03, -5.0)):
        missed = 0
        for a, b in disasters(8, share):
            found = relative_impact_interval(a, b)
            missed += found is None or not found.lower <= truth <= found.upper
        assert missed / RUNS <= 0.05 + SLACK


def test_a_t_interval_looked_at_after_every_pair_would_miss() -> None:
    missed = 0
    for a, b in disasters(8, 0.0, runs=60):
        d = [y - x for x, y in zip(a, b, strict=True)]
        intervals = [paired_difference([0.0] * n, d[:n]).interval for n in range(2, 200, 4)]
        missed += any(i is not None and not i[0] <= -4 <= i[1] for i in intervals)
    assert missed / 60 > 0.05 + 3 * math.sqrt(0.05 * 0.95 / 60)


def test_sequences_cover_two_point_values() -> None:
    rng = np.random.default_rng(9)
    missed_betting = missed_bernstein = 0
    for _ in range(150):
        values = np.where(rng.random(150) < 0.2, 40.0, -10.0).tolist()  # mean 0
        found = betting_sequence(values, -40, 40, breaks=200)
        missed_betting += not found.lower[-1] <= 0 <= found.upper[-1]
        found = empirical_bernstein_sequence(values, -40, 40)
        missed_bernstein += not found.lower[-1] <= 0 <= found.upper[-1]
    assert missed_betting / 150 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 150)
    assert missed_bernstein / 150 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 150)


def test_half_widths_at_200_pairs() -> None:
    # methods.md section 5: empirical Bernstein 7.7 and betting 3.9 points at sd 9; a fixed bet is narrower
    bernstein, betting, fixed = [], [], []
    for row in np.random.default_rng(11).normal(0, 9, (10, 200)):
        d = row.tolist()
        one, other, current = empirical_bernstein_sequence(d), betting_sequence(d), mean_difference_interval(d)
        assert current is not None
        bernstein.append((one.upper[-1] - one.lower[-1]) / 2)
        betting.append((other.upper[-1] - other.lower[-1]) / 2)
        fixed.append((current.upper - current.lower) / 2)
    assert median(bernstein) == pytest.approx(7.7, abs=0.3)
    assert median(betting) == pytest.approx(3.9, abs=0.3)
    assert median(fixed) < 3


def test_three_candidates_with_1000_pairs_take_no_time() -> None:
    from time import process_time

    rng = np.random.default_rng(10)
    a = np.clip(rng.normal(80, 10, 1000), 0, 100).tolist()
    candidates = [np.clip(rng.normal(78, 15, 1000), 0, 100).tolist() for _ in range(3)]
    start = process_time()
    for b in candidates:
        assert relative_impact_interval(a, b) is not None
        assert mean_difference_interval([y - x for x, y in zip(a, b, strict=True)]) is not None
    assert process_time() - start < 0.5
