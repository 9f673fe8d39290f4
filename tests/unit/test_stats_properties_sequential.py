"""What holds for any sequence: e-processes, confidence sequences, the refusal gate, thresholds."""

import random

from hypothesis import given
from hypothesis import strategies as st

from cqtui.stats.confidence_sequence import (
    betting_sequence,
    empirical_bernstein_sequence,
    mean_difference_interval,
    relative_impact_interval,
)
from cqtui.stats.multiplicity import evidence_threshold, holm
from cqtui.stats.refusal_gate import RunningRefusalGate, refusal_gate
from cqtui.stats.sequential import e_process, points_bounds, relative_bounds
from tests.unit.stats_samples import close, differences, p_values, pairs, quick, slow, split

# sequential


@quick
@given(pairs, st.sampled_from([2.0, 5.0, 20.0]))
def test_the_interval_never_contradicts_the_e_process(rows: list[tuple[float, float]], threshold: float) -> None:
    a, b = split(rows)
    for n in (len(a), len(a) // 2):
        d = [y - x for x, y in zip(a[:n], b[:n], strict=True)]
        path = e_process([value + 5 for value in d], points_bounds(5))
        found = mean_difference_interval(d, 2 / (threshold + 1e-6))
        if found is not None:
            assert path.first_not_worse(threshold + 1e-5) is None or found.lower >= -5 - 1e-9
            assert path.first_worse(threshold + 1e-5) is None or found.upper <= -5 + 1e-9
        path = e_process([y - 0.95 * x for x, y in zip(a[:n], b[:n], strict=True)], relative_bounds())
        impact = relative_impact_interval(a[:n], b[:n], 2 / (threshold + 1e-6))
        if impact is not None:
            assert path.first_not_worse(threshold + 1e-5) is None or impact.lower >= -5 - 1e-9
            assert path.first_worse(threshold + 1e-5) is None or impact.upper <= -5 + 1e-9


@quick
@given(differences.filter(bool), st.integers(-100, 100))
def test_current_intervals_only_shrink_and_mirror(d: list[float], further: int) -> None:
    found, later = mean_difference_interval(d), mean_difference_interval([*d, further])
    if found is not None and later is not None:
        assert -100 <= found.lower <= later.lower + 1e-9
        assert later.upper - 1e-9 <= found.upper <= 100
    mirrored = mean_difference_interval([-value for value in d])
    if found is None or mirrored is None:
        assert found is mirrored is None
    else:
        assert (mirrored.lower, mirrored.upper) == close((-found.upper, -found.lower))
        strict = mean_difference_interval(d, 0.01)
        assert strict is not None
        assert strict.lower <= found.lower
        assert found.upper <= strict.upper


@quick
@given(pairs.filter(bool))
def test_relative_impact_knows_no_unit(rows: list[tuple[float, float]]) -> None:
    a, b = split(rows)
    found = relative_impact_interval(a, b)
    assert (found is None) or (found.lower >= -100 and found.n == len(a))
    if found is not None and sum(a) / len(a) >= 40:
        assert found.estimate == close(100 * (sum(b) / sum(a) - 1))


@slow
@given(differences)
def test_sequences_shrink_mirror_and_scale(d: list[float]) -> None:
    for sequence in (betting_sequence, empirical_bernstein_sequence):
        found = sequence(d)
        assert list(found.lower) == sorted(found.lower)
        assert list(found.upper) == sorted(found.upper, reverse=True)
        mirrored = sequence([-value for value in d])
        assert mirrored.lower == close(tuple(-value for value in found.upper))
        scaled = sequence([value / 4 for value in d], -25, 25)
        assert scaled.lower == close(tuple(value / 4 for value in found.lower))


@quick
@given(st.lists(st.booleans(), max_size=200), st.integers(0, 5))
def test_refusal_gate(refused: list[bool], more: int) -> None:
    gate = RunningRefusalGate()
    for value in refused:
        gate.add(value)
    path = refusal_gate(refused)
    assert gate.is_acceptable(20) == (path.first_acceptable(20) is not None)
    assert gate.is_failed(20) == (path.first_failed(20) is not None)
    assert not gate.is_acceptable(20) or len(refused) >= 123
    missing = gate.calls_missing(20, more)
    assert missing <= gate.calls_missing(20, more + 1)
    future = refusal_gate([*refused, *[True] * more, *[False] * (missing - more if missing else 0)])
    assert future.first_acceptable(20) is not None
    if missing:
        assert future.first_acceptable(20) == len(refused) + missing


@quick
@given(differences, differences)
def test_better_pairs_never_lower_the_evidence(d: list[float], gains: list[float]) -> None:
    z = [min(100.0, max(-95.0, value)) for value in d]
    better = [min(100.0, value + abs(gain)) for value, gain in zip(z, gains, strict=False)]
    z = z[: len(better)]
    plain, raised = e_process(z, relative_bounds()), e_process(better, relative_bounds())
    assert all(a <= b + 1e-9 for a, b in zip(plain.log_not_worse, raised.log_not_worse, strict=True))
    assert all(a >= b - 1e-9 for a, b in zip(plain.log_worse, raised.log_worse, strict=True))


# multiplicity


@quick
@given(p_values, st.randoms(use_true_random=False))
def test_holm(p: list[float], rng: random.Random) -> None:
    found = holm(p)
    assert all(a <= b <= min(1, len(p) * a) for a, b in zip(p, found.adjusted, strict=True))
    assert [p[i] for i in sorted(range(len(p)), key=lambda i: (found.adjusted[i], p[i]))] == sorted(p)
    order = list(range(len(p)))
    rng.shuffle(order)
    assert holm([p[i] for i in order]).adjusted == tuple(found.adjusted[i] for i in order)


@quick
@given(st.integers(1, 10), st.integers(1, 5), st.sampled_from([0, 1, 2]), st.floats(0.001, 0.5))
def test_threshold_grows_with_everything_tried(candidates: int, sets: int, band: int, alpha: float) -> None:
    least = evidence_threshold(candidates, sets, band, alpha)
    assert evidence_threshold(candidates + 1, sets, band, alpha) > least
    assert evidence_threshold(candidates, sets + 1, band, alpha) > least
    assert band == 0 or evidence_threshold(candidates, sets, band - 1, alpha) < least
    assert least >= 1
