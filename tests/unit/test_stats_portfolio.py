"""Frontier, segments and cascade: hand-worked values, and figures that are not measured on what they were chosen on."""

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest

from cqtui.stats.cascade import (
    CascadeCall,
    cascade,
    cascade_out_of_fold,
    pick_threshold,
    thresholds_to_try,
)
from cqtui.stats.multiplicity import holm
from cqtui.stats.portfolio import (
    ModelPoint,
    average_improvement_in_quality,
    convex_hull,
    hull_quality,
    pareto_frontier,
)
from cqtui.stats.segments import (
    Assignment,
    Outcome,
    choose_by_segment,
    choose_single,
    out_of_fold,
    segments_are_worthwhile,
    shrink_effects,
    switchable_segments,
)
from tests.unit.test_stats import near

SMALL, MIDDLE, LARGE = ModelPoint("small", 1, 50), ModelPoint("middle", 2, 60), ModelPoint("large", 3, 90)
DEAR = ModelPoint("dear", 4, 40)

# frontier


def test_frontier_by_hand() -> None:
    assert pareto_frontier([DEAR, LARGE, SMALL, MIDDLE]) == (SMALL, MIDDLE, LARGE)
    assert convex_hull([DEAR, LARGE, SMALL, MIDDLE]) == (SMALL, LARGE)
    assert convex_hull([SMALL, ModelPoint("between", 2, 70), LARGE]) == (SMALL, LARGE)
    equal = [ModelPoint("b", 1, 50), ModelPoint("a", 1, 50), ModelPoint("c", 1, 40)]
    assert pareto_frontier(equal) == (ModelPoint("a", 1, 50),)
    assert pareto_frontier([]) == convex_hull([]) == ()


def test_hull_quality_by_hand() -> None:
    hull = convex_hull([SMALL, MIDDLE, LARGE])
    assert [hull_quality(hull, cost) for cost in (1, 2, 3, 9)] == near([50, 70, 90, 90])
    assert hull_quality(hull, 0.5) is None
    assert hull_quality((), 1) is None


def test_average_improvement_by_hand() -> None:
    assert average_improvement_in_quality([SMALL, MIDDLE, LARGE]) == near(70)
    assert average_improvement_in_quality([SMALL, MIDDLE, LARGE, DEAR]) == near((2 * 70 + 90) / 3)
    assert average_improvement_in_quality([SMALL, LARGE], 2, 4) == near((80 + 90) / 2)
    assert average_improvement_in_quality([SMALL]) == 50
    assert average_improvement_in_quality([]) is None
    assert average_improvement_in_quality([SMALL], 0, 2) is None
    with pytest.raises(ValueError, match="lowest_cost"):
        average_improvement_in_quality([SMALL], 2, 1)
    with pytest.raises(ValueError, match="cost of"):
        ModelPoint("x", -1, 5)


# shrinkage


def test_shrinkage_by_hand() -> None:
    # w = 1 each: Q = 50, tau2 = (50 - 1)/(2 - 1) = 49, B = 1/50, Var(pooled) = 1/(2/50) = 25
    found = shrink_effects([0, 10], [1, 1])
    assert (found.tau2, found.pooled, found.pooled_se) == near((49, 5, 5))
    assert [s.effect for s in found.segments] == near([0.1, 9.9])
    assert [s.se for s in found.segments] == near([math.sqrt(0.98 + 0.0004 * 25)] * 2)
    assert found.segments[1].lower() == near(9.9 - 1.6448536269514722 * math.sqrt(0.99))


def test_segments_that_do_not_differ_share_one_effect() -> None:
    found = shrink_effects([1, 1.5, 0.5], [1, 2, 1])
    assert found.tau2 == 0
    assert [s.effect for s in found.segments] == near([(1 + 1.5 / 4 + 0.5) / 2.25] * 3)
    assert [s.se for s in found.segments] == near([1 / math.sqrt(2.25)] * 3)
    one = shrink_effects([3], [2])
    assert (one.tau2, one.segments[0].effect, one.segments[0].se) == (0, 3, 2)
    assert shrink_effects([], []).segments == ()
    with pytest.raises(ValueError, match="above 0"):
        shrink_effects([1], [0])


def test_switchable_segments() -> None:
    assert switchable_segments([6, -6, 5], [1, 1, 1]) == (True, False, True)
    assert switchable_segments([1.0, 1.0, 1.0], [1, 1, 1]) == (True,) * 3  # one choice for all: p = 0.04
    assert switchable_segments([], []) == ()
    # Holm: what passes alone (p = 0.03) need not among others
    effects = [2.0, -30.0, 30.0, -30.0]
    alone = shrink_effects(effects, [1] * 4).segments[0]
    assert alone.lower() > 0
    assert not holm([alone.p, 1, 0, 1]).rejected[0]
    assert switchable_segments(effects, [1] * 4) == (False, False, True, False)


# segments


def traffic(n: int = 400, seed: int = 1) -> list[Outcome]:
    """Easy calls, where a model at a tenth of the price is as good, and hard ones, where it loses 20 points."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        hard = i % 2 == 1
        a = 85 + rng.normal(0, 4)
        found.append(Outcome("hard" if hard else "easy", i // 4, (1.0, 0.1), (a, a - 20 * hard + rng.normal(0, 5))))
    return found


def test_choice_by_segment() -> None:
    assert choose_by_segment(traffic()) == {"easy": 1}
    assert choose_single(traffic()) == {}
    assert choose_by_segment([]) == choose_single([]) == {}
    assert choose_by_segment(traffic(18)) == {}  # under 10 pairs each


def test_choice_takes_the_cheapest_that_is_good_enough() -> None:
    rng = random.Random(1)
    outcomes = []
    for i in range(100):
        a = rng.gauss(85, 4)
        noise = [rng.gauss(0, 4) for _ in range(3)]
        outcomes.append(Outcome(i % 2, i, (1, 0.5, 0.1, 2), (a, a + noise[0], a + noise[1], a + 5 + noise[2])))
    assert choose_single(outcomes) == {0: 2, 1: 2}
    assert choose_by_segment(outcomes) == {0: 2, 1: 2}
    dearer = [Outcome(o.segment, o.conversation, (1, 2 - 1.5 * (o.segment == 0)), o.qualities[::3]) for o in outcomes]
    assert choose_by_segment(dearer) == {0: 1}  # a better model, cheaper in one segment only


def test_out_of_fold() -> None:
    outcomes = traffic()
    by_segment, single = out_of_fold(outcomes, choose_by_segment), out_of_fold(outcomes, choose_single)
    assert by_segment is not None
    assert single is not None
    assert (by_segment.n, by_segment.conversations, by_segment.switched) == (400, 100, near(0.5))
    assert (by_segment.cost, by_segment.savings) == near((0.55, 0.45))
    assert by_segment.quality_difference == pytest.approx(0, abs=0.5)
    assert (single.cost, single.savings, single.switched, single.quality_difference) == near((1, 0, 0, 0))
    assert segments_are_worthwhile(by_segment, single)
    assert not segments_are_worthwhile(single, single)
    assert out_of_fold(outcomes, choose_by_segment) == by_segment
    assert out_of_fold([], choose_by_segment) is None
    assert out_of_fold(outcomes[:4], choose_by_segment) is None  # one conversation


def test_a_call_is_never_scored_by_a_choice_that_saw_its_conversation() -> None:
    outcomes = [Outcome(i, i // 3, (1.0, 0.5), (80.0, 80.0)) for i in range(60)]
    trained: list[set[object]] = []

    def remember(training: Sequence[Outcome]) -> Assignment:
        trained.append({o.conversation for o in training})
        return {o.segment: 1 for o in training}  # a rule that knows only what it has seen

    found = out_of_fold(outcomes, remember)
    assert found is not None
    assert found.switched == 0
    assert len(trained) == 50
    assert all(len(conversations) == 16 for conversations in trained)


def test_out_of_fold_does_not_flatter() -> None:
    # pure noise: taking the better model per segment gains in sample, and nothing out of fold
    rng = np.random.default_rng(2)
    outcomes = [Outcome(i % 20, i, (1.0, 1.0), tuple(rng.normal(80, 10, 2))) for i in range(400)]

    def better(training: Sequence[Outcome]) -> Assignment:
        gain: dict[object, float] = {}
        for o in training:
            gain[o.segment] = gain.get(o.segment, 0.0) + o.qualities[1] - o.qualities[0]
        return {segment: int(value > 0) for segment, value in gain.items()}

    chosen = better(outcomes)
    in_sample = float(np.mean([o.qualities[chosen[o.segment]] - o.qualities[0] for o in outcomes]))
    found = out_of_fold(outcomes, better)
    assert found is not None
    assert in_sample > 1
    assert abs(found.quality_difference) < 0.6 * in_sample


def test_segments_refuse() -> None:
    uneven = [Outcome(0, 0, (1.0,), (80.0,)), Outcome(0, 1, (1.0, 2.0), (80.0, 80.0))]
    with pytest.raises(ValueError, match="same models"):
        choose_by_segment(uneven)
    with pytest.raises(ValueError, match="negative"):
        choose_single([Outcome(0, 0, (-1.0,), (80.0,))])
    for folds, repeats in ((1, 10), (5, 0)):
        with pytest.raises(ValueError, match="folds"):
            out_of_fold(traffic(8), choose_single, folds, repeats)


# cascade


def call(i: int, score: float, b: float = 80.0) -> CascadeCall:
    return CascadeCall(1.0, 0.2, 80.0, b, score, i)


def test_cascade_by_hand() -> None:
    found = cascade([call(0, 1, 70), call(1, 0, 10), call(2, 1)], [True, False, True])
    assert found is not None
    assert (found.cost, found.quality, found.escalated) == near(((0.2 + 1.2 + 0.2) / 3, 230 / 3, 1 / 3))
    assert (found.current_cost, found.current_quality, found.price_ratio) == near((1, 80, 0.2))
    assert found.savings == near(1 - 1.6 / 3)
    assert found.is_worthwhile
    useless = cascade([call(0, 0)] * 5, [False] * 4 + [True])
    assert useless is not None
    assert not useless.is_worthwhile  # escalates 80%, 1 - R = 80%
    assert cascade([], []) is None
    with pytest.raises(ValueError, match="accepted has"):
        cascade([call(0, 0)], [])
    free = cascade([CascadeCall(0, 0, 80, 80, 1, 0)], [True])
    assert free is not None
    assert (free.savings, free.price_ratio, free.is_worthwhile) == (0, None, False)
    # nine cheap calls escalate and a dear one does not: the rate alone would mislead
    uneven = cascade([CascadeCall(100 if i == 0 else 1, 2, 80, 80, 1, i) for i in range(10)], [True] + [False] * 9)
    assert uneven is not None
    assert (uneven.cost, uneven.current_cost, uneven.is_worthwhile) == near((2.9, 10.9, True))


def test_thresholds_to_try() -> None:
    assert thresholds_to_try([]) == ()
    assert thresholds_to_try([0, 1, 1, 0]) == (0, 1)
    few, many = thresholds_to_try(list(range(99))), thresholds_to_try(list(range(100)))
    assert (len(few), few[0], few[-1]) == (5, 0, 98)
    assert (len(many), many[0], many[-1]) == (20, 0, 99)


def test_pick_threshold() -> None:
    calls = [call(i, i % 2, 82 if i % 2 else 40) for i in range(20)]
    assert pick_threshold(calls) == 1
    assert pick_threshold([call(i, i % 2) for i in range(20)]) == 0  # all are good: accept all
    assert pick_threshold([call(i, i % 2, 10) for i in range(20)]) is None
    dear = [CascadeCall(1.0, 1.5, 80, 80, 1, i) for i in range(20)]
    assert pick_threshold(dear) is None
    assert pick_threshold([]) is None


def test_cascade_out_of_fold() -> None:
    calls = [call(i, i % 2, 82 if i % 2 else 40) for i in range(40)]
    found = cascade_out_of_fold(calls)
    assert found == cascade(calls, [c.score >= 1 for c in calls])
    bad = cascade_out_of_fold([call(i, i % 2, 10) for i in range(40)])
    assert bad is not None
    assert (bad.used, bad.cost, bad.quality, bad.escalated) == near((0, 1, 80, 0))
    assert cascade_out_of_fold([]) is None
    assert cascade_out_of_fold([call(0, 1)] * 4) is None


def test_cascade_out_of_fold_does_not_flatter() -> None:
    # scores of pure noise: the picked threshold meets the margin in sample, less often out of it
    rng = np.random.default_rng(3)
    inside, outside = [], []
    for _ in range(30):
        calls = [call(i, float(rng.random()), float(np.clip(rng.normal(74, 15), 0, 100))) for i in range(50)]
        threshold = pick_threshold(calls)
        picked = cascade(calls, [threshold is not None and c.score >= threshold for c in calls])
        honest = cascade_out_of_fold(calls, repeats=2)
        assert picked is not None
        assert honest is not None
        inside.append(picked.quality)
        outside.append(honest.quality)
    assert min(inside) >= 76 - 1e-9
    assert min(outside) < 76


def test_cascade_refuses() -> None:
    with pytest.raises(ValueError, match="negative"):
        CascadeCall(-1, 1, 80, 80, 1, 0)
    with pytest.raises(ValueError, match="folds"):
        cascade_out_of_fold([call(i, 1) for i in range(4)], folds=1)
