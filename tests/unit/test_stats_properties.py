"""What holds for any sample: order, shift and scale, monotonicity, small and equal samples."""

import random
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from cqtui.stats.bootstrap import Method, bootstrap_mean, bootstrap_savings
from cqtui.stats.calibration import calibrate, cohen_kappa, prediction_powered_mean, preference_of
from cqtui.stats.cascade import CascadeCall, cascade_out_of_fold, pick_threshold, thresholds_to_try
from cqtui.stats.confidence import confidence, p_quality, p_savings
from cqtui.stats.flips import order_flips
from cqtui.stats.length import length_control
from cqtui.stats.paired import clustered_mean, non_inferiority, paired_difference, quality_margins
from cqtui.stats.portfolio import (
    ModelPoint,
    average_improvement_in_quality,
    convex_hull,
    hull_quality,
    pareto_frontier,
)
from cqtui.stats.power import pairs_needed_t, pairs_needed_z
from cqtui.stats.rates import mcnemar_exact, wilson
from cqtui.stats.savings import savings_ratio
from cqtui.stats.segments import Outcome, choose_single, out_of_fold, shrink_effects, switchable_segments
from tests.unit.stats_samples import close, costs, differences, pairs, points, quick, scores, slow, split

# paired, margins, clusters


@quick
@given(pairs, st.randoms(use_true_random=False))
def test_paired_figures_do_not_depend_on_the_order(rows: list[tuple[float, float]], rng: random.Random) -> None:
    mixed = list(rows)
    rng.shuffle(mixed)
    one, other = paired_difference(*split(rows)), paired_difference(*split(mixed))
    assert (one.mean, one.se, one.interval) == (close(other.mean), close(other.se), close(other.interval))
    first, second = non_inferiority(*split(rows)), non_inferiority(*split(mixed))
    assert (first.mean_z, first.lower, first.verdict) == (close(second.mean_z), close(second.lower), second.verdict)


@quick
@given(pairs, st.integers(-20, 20))
def test_a_shift_moves_the_mean_and_not_the_error(rows: list[tuple[float, float]], shift: int) -> None:
    a, b = split(rows)
    plain, moved = paired_difference(a, b), paired_difference(a, [value + shift for value in b])
    assert moved.se == close(plain.se)
    assert moved.mean == close(None if plain.mean is None else plain.mean + shift)


@quick
@given(pairs, st.integers(1, 20))
def test_a_better_candidate_is_never_judged_worse(rows: list[tuple[float, float]], gain: int) -> None:
    order = ["inferior", "undecided", "non-inferior"]
    a, b = split(rows)
    better = [value + gain for value in b]
    assert order.index(non_inferiority(a, better).verdict) >= order.index(non_inferiority(a, b).verdict)
    z, more = quality_margins(a, b)[1], quality_margins(a, better)[1]
    assert p_quality(more) >= p_quality(z) - 1e-9 or len(z) == 0


@quick
@given(differences)
def test_clusters_of_one_are_no_clusters(d: list[float]) -> None:
    found, plain = clustered_mean(d, list(range(len(d)))), paired_difference([0.0] * len(d), d)
    assert found.mean == close(plain.mean)
    if plain.se:
        assert found.se_cr1 == close(plain.se)


# rates, savings, confidence, power


@quick
@given(st.integers(0, 300), st.integers(0, 300))
def test_wilson(k: int, misses: int) -> None:
    n = k + misses
    low, high = wilson(k, n).interval
    assert 0 <= low <= high <= 1
    assert wilson(misses, n).interval == close((1 - high, 1 - low))
    if n:
        assert low <= k / n <= high
        assert wilson(k + 1, n + 1).interval[0] >= low - 1e-12
        narrow = wilson(2 * k, 2 * n).interval
        assert narrow[1] - narrow[0] < high - low
    test = mcnemar_exact(k, misses)
    assert test.p_two_sided == close(mcnemar_exact(misses, k).p_two_sided)


@quick
@given(costs, st.integers(1, 5), st.randoms(use_true_random=False))
def test_savings_know_no_currency_and_no_order(rows: list[tuple[int, int]], scale: int, rng: random.Random) -> None:
    plain = savings_ratio(*split(rows))
    mixed = [(scale * a, scale * b) for a, b in rows]
    rng.shuffle(mixed)
    found = savings_ratio(*split(mixed))
    assert (found.savings, found.se) == (close(plain.savings), close(plain.se))
    assert p_savings(*split(mixed)) == close(p_savings(*split(rows)))


@quick
@given(st.floats(0, 1), st.floats(0, 1))
def test_confidence_is_for_one_answer_only(quality: float, savings: float) -> None:
    switch, keep = confidence("switch", quality, savings).value, confidence("keep", quality, savings).value
    assert 0 <= min(switch, keep) == 0 <= max(switch, keep) <= 1


@quick
@given(st.floats(1, 30), st.floats(1, 10), st.floats(0, 5))
def test_power_is_monotone(sd: float, margin: float, gain: float) -> None:
    plain, easier, noisier = (
        pairs_needed_z(*arguments) for arguments in ((sd, margin), (sd, margin, gain), (2 * sd, margin))
    )
    assert plain is not None
    assert easier is not None
    assert noisier is not None
    assert easier <= plain <= noisier
    assert (pairs_needed_t(sd, margin) or 0) >= plain


# bootstrap


@slow
@given(differences, st.sampled_from(["bca", "percentile", "studentised"]), st.integers(-64, 64))
def test_bootstrap_moves_and_scales_with_the_values(d: list[float], method: Method, shift: int) -> None:
    plain = bootstrap_mean(d, method=method, resamples=199)
    moved = bootstrap_mean([value + shift for value in d], method=method, resamples=199)
    scaled = bootstrap_mean([4 * value for value in d], method=method, resamples=199)
    if plain.interval is None:
        assert moved.interval is scaled.interval is None
    else:
        assert plain.interval[0] <= plain.interval[1]
        assert moved.interval == close(tuple(end + shift for end in plain.interval))
        assert scaled.interval == close(tuple(4 * end for end in plain.interval))
        assert method == "studentised" or min(d) <= plain.interval[0] <= plain.interval[1] <= max(d)


@slow
@given(costs.filter(lambda rows: len(rows) < 30))
def test_bootstrap_savings_know_no_currency(rows: list[tuple[int, int]]) -> None:
    a, b = split(rows)
    plain = bootstrap_savings(a, b, resamples=199)
    scaled = bootstrap_savings([4 * value for value in a], [4 * value for value in b], resamples=199)
    assert scaled == plain
    assert plain.interval is None or plain.interval[0] <= plain.interval[1] <= 1


# calibration, flips, length


@quick
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30), st.sampled_from(["none", "quadratic"]))
def test_kappa_is_symmetric(rows: list[tuple[int, int]], weights: str) -> None:
    a, b = split(rows)
    found = cohen_kappa(a, b, range(4), weights)  # type: ignore[arg-type]
    assert found == close(cohen_kappa(b, a, range(4), weights))  # type: ignore[arg-type]
    reversed_order = cohen_kappa([3 - x for x in a], [3 - x for x in b], range(4), weights)  # type: ignore[arg-type]
    assert found == close(reversed_order)
    assert found is None or found <= 1
    assert found is None or a != b or found == 1


@quick
@given(pairs, differences, st.integers(-20, 20), st.sampled_from([0.0, 0.5, 1.0, "tuned"]))
def test_prediction_powered_mean_forgives_a_biased_judge(
    rows: list[tuple[float, float]], others: list[float], bias: int, weight: float
) -> None:
    human, judge = split(rows)
    plain = prediction_powered_mean(human, judge, others, weight)
    biased = prediction_powered_mean(human, [f + bias for f in judge], [f + bias for f in others], weight)
    assert (biased.estimate, biased.se) == (close(plain.estimate), close(plain.se))
    moved = prediction_powered_mean([y + bias for y in human], judge, others, weight)
    assert moved.estimate == close(None if plain.estimate is None else plain.estimate + bias)
    assert moved.se == close(plain.se)


@quick
@given(differences)
def test_a_judge_who_agrees_with_people(d: list[float]) -> None:
    found = calibrate(d, [preference_of(value) for value in d])
    assert found.agreement.k == found.agreement.n == len(d)
    assert found.kappa in (None, 1.0)


@quick
@given(pairs)
def test_flips(rows: list[tuple[float, float]]) -> None:
    a, b = [[value - 50 for value in side] for side in split(rows)]
    found = order_flips(a, b)
    assert found == order_flips(b, a) == order_flips([-x for x in a], [-x for x in b])
    assert order_flips(a, a).rate.k == 0


@quick
@given(
    pairs, st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 3000)), min_size=40, max_size=40), st.integers(1, 9)
)
def test_length_control_knows_no_unit_of_length(
    rows: list[tuple[float, float]], sizes: list[tuple[int, int]], scale: int
) -> None:
    (a, b), (before, after) = split(rows), split(sizes[: len(rows)])
    found = length_control(a, b, before, after)
    scaled = length_control(a, b, [scale * n for n in before], [scale * n for n in after])
    if found is None or scaled is None:
        assert found is scaled is None
        return
    assert found.n == len(rows) >= 10
    assert (scaled.intercept, scaled.slope, scaled.se) == (close(found.intercept), close(found.slope), close(found.se))
    # exchanging the models turns everything round
    swapped = length_control(b, a, after, before)
    assert swapped is not None
    assert (swapped.intercept, swapped.slope) == (close(-found.intercept), close(found.slope))


# portfolio


@quick
@given(points, st.randoms(use_true_random=False))
def test_frontier_and_hull(models: list[ModelPoint], rng: random.Random) -> None:
    frontier, hull = pareto_frontier(models), convex_hull(models)
    assert set(hull) <= set(frontier) <= set(models)
    mixed = list(models)
    rng.shuffle(mixed)
    assert pareto_frontier(mixed) == frontier
    for model in models:
        assert any(p.cost <= model.cost and p.quality >= model.quality for p in frontier)
        height = hull_quality(hull, model.cost)
        assert height is not None
        assert height >= model.quality - 1e-9
    slopes = [(b.quality - a.quality) / (b.cost - a.cost) for a, b in pairwise(hull)]
    assert slopes == sorted(slopes, reverse=True)
    assert all(slope > 0 for slope in slopes)


@quick
@given(points.filter(bool), st.integers(1, 5), st.integers(-50, 50), points)
def test_average_improvement(models: list[ModelPoint], scale: int, shift: int, more: list[ModelPoint]) -> None:
    found = average_improvement_in_quality(models)
    assert found is not None
    moved = [ModelPoint(m.name, scale * m.cost, m.quality + shift) for m in models]
    assert average_improvement_in_quality(moved) == close(found + shift)
    assert min(m.quality for m in models) - 1e-9 <= found <= max(m.quality for m in models) + 1e-9
    low, high = min(m.cost for m in models), max(m.cost for m in models)
    wider = average_improvement_in_quality([*models, *more], low, high)
    assert wider is not None
    assert wider >= found - 1e-9


@quick
@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 20)), max_size=10), st.integers(-20, 20))
def test_shrinkage(rows: list[tuple[int, int]], shift: int) -> None:
    effects, errors = split(rows)
    found = shrink_effects(effects, errors)
    moved = shrink_effects([value + shift for value in effects], errors)
    assert moved.tau2 == close(found.tau2)
    for effect, error, one, other in zip(effects, errors, found.segments, moved.segments, strict=True):
        assert other.effect == close(one.effect + shift)
        assert found.pooled is not None
        low, high = sorted((effect, found.pooled))
        assert low - 1e-9 <= one.effect <= high + 1e-9
        assert one.se <= error + 1e-9
    assume((moved.tau2 == 0) == (found.tau2 == 0))
    before = switchable_segments(effects, errors)
    after = switchable_segments([value + abs(shift) for value in effects], errors)
    assert all(later or not earlier for earlier, later in zip(before, after, strict=True))


@quick
@given(st.lists(st.tuples(scores, scores, st.integers(0, 5)), max_size=30))
def test_cascade_thresholds(rows: list[tuple[float, float, int]]) -> None:
    calls = [CascadeCall(1.0, 0.25, a, b, score, i) for i, (a, b, score) in enumerate(rows)]
    tried = thresholds_to_try([c.score for c in calls])
    assert len(tried) <= 5
    picked = pick_threshold(calls)
    assert picked is None or picked in tried
    found = cascade_out_of_fold(calls, repeats=1)
    assert (found is None) == (len(calls) < 2)
    if found is not None:
        assert 0.25 <= found.cost <= 1.25
        assert 0 <= found.escalated <= found.used <= 1


@slow
@given(st.lists(st.tuples(scores, scores, st.integers(0, 3)), min_size=2, max_size=40), st.integers(0, 3))
def test_out_of_fold_stays_between_the_models(rows: list[tuple[float, float, int]], seed: int) -> None:
    outcomes = [Outcome(i % 2, group, (2.0, 1.0), (a, b)) for i, (a, b, group) in enumerate(rows)]
    found = out_of_fold(outcomes, choose_single, repeats=2, seed=seed)
    assume(found is not None)
    assert found is not None
    assert 1 <= found.cost <= 2 == found.current_cost
    assert found.cost == close(2 - found.switched)
    everything = out_of_fold(outcomes, lambda _: {0: 1, 1: 1}, repeats=2, seed=seed)
    assert everything is not None
    assert everything.quality == close(sum(b for _, b, _ in rows) / len(rows))
