"""The benchmarks of verdicts: their worlds are what they claim to be, and a broken rule does not get past them."""

from __future__ import annotations

import importlib
import math
import statistics
from pathlib import Path
from typing import Any

import pytest

from cqtui.results import Pair

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import a benchmark by its name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def drawn(worlds: Any, population: Any, seed: int) -> list[Pair]:
    import numpy as np

    calls = population.draw(np.random.default_rng(seed))
    pair_at = worlds.pair_maker(population, calls, 0)
    return [pair_at(number, True) for number in range(len(calls))]


@pytest.mark.parametrize(
    ("claims", "drop"),
    [
        ({"drops": (2.0,)}, 2.0),
        ({"drops": (10.0,), "sd": 20}, 10.0),
        ({"drops": ("margin",), "sd": 15, "noise": "skewed"}, 4.4),
        ({"drops": ("margin",), "noise": "disasters"}, 4.4),
        ({"drops": ("margin",), "turns": 4}, 4.4),
        ({"drops": ("margin",), "long_share": 0.1}, 4.4),
        ({"drops": ("margin",), "judge_sd": 8}, 4.4),
        ({"drops": (0.0,), "refused": 0.03}, 0.0),
        ({"drops": ("margin",), "bias": 3, "through_length": True, "longer": 0.7}, 1.4),
    ],
)
def test_a_world_has_the_drop_that_it_claims(module: Any, claims: dict[str, Any], drop: float) -> None:
    worlds = module("worlds")
    population = worlds.Population(worlds.World("a world", **claims))
    off = []  # a run's drop less what it should be, so that turns of a conversation are not counted apart
    for seed in range(40):
        found = drawn(worlds, population, seed)
        assert len(found) == 400
        off.append(statistics.fmean(p.baseline_score - p.candidate_score for p in found) - drop)  # type: ignore[operator]
        assert all(0 <= p.candidate_score <= 100 for p in found)  # type: ignore[operator]
    assert abs(statistics.fmean(off)) < 4 * statistics.stdev(off) / math.sqrt(len(off)) + 0.02  # mean a is 88 or so
    if "disasters" not in claims.values() and not claims.get("refused") and not claims.get("judge_sd"):
        true = population.answers[0] - population.current
        assert claims.get("long_share") or float(true.std()) == pytest.approx(claims.get("sd", 10), abs=1e-6)


def test_a_light_pair_is_the_pair_that_validation_makes(module: Any) -> None:
    worlds = module("worlds")
    population = worlds.Population(worlds.World("turns", (1.0,), turns=4, refused=0.1))
    found = drawn(worlds, population, 0)
    assert [Pair.model_validate(pair.model_dump()) for pair in found] == found
    assert 10 < sum(pair.candidate_refused for pair in found) < 80
    assert [pair.session for pair in found[:8]] == [found[0].session] * 4 + [found[4].session] * 4
    saved = [float(sum(costs)) for costs in (population.costs, population.answer_costs[0])]
    assert 1 - saved[1] / saved[0] == pytest.approx(0.5, abs=1e-9)


def test_the_benchmark_catches_a_rule_that_asks_for_hardly_any_evidence(module: Any) -> None:
    verdicts, worlds = module("verdicts"), module("worlds")
    margin = worlds.World("margin", ("margin",))
    sound = verdicts.simulate(margin, 12, 0)
    broken = verdicts.simulate(margin, 12, 0, lambda band, candidates: 2.5)  # odds that nobody would trust
    assert verdicts.verdicts([sound])[0].startswith("holds   falsely verified, margin")
    assert verdicts.verdicts([broken])[0].startswith("misses  falsely verified, margin")
    assert (verdicts.misses(verdicts.verdicts([sound])), verdicts.misses(verdicts.verdicts([broken]))) == (False, True)
    assert verdicts.simulate(margin, 12, 0).runs == sound.runs
    assert len(verdicts.bad_rows([sound, broken])) == 3


def test_a_good_candidate_is_verified_with_fewer_calls(module: Any) -> None:
    verdicts, worlds = module("verdicts"), module("worlds")
    found = verdicts.simulate(worlds.World("drop 0", (0.0,)), 5, 0)
    assert {run.grade for run in found.runs} == {"verified"}
    assert all(run.judgements < run.replays < 1200 and run.tried == 3 for run in found.runs)
    assert not verdicts.misses(verdicts.verdicts([found]))
    pairs, calls = found.t_test()
    assert 100 < pairs < 135  # so that the refusals set the number of replays
    assert calls == 3 * (135 + pairs)


def test_labels_and_lengths_are_asked_for(module: Any) -> None:
    biased, worlds = module("biased"), module("worlds")
    population = worlds.Population(worlds.World("by length", (8.0,), bias=6, through_length=True, longer=0.7))
    found = [biased.check_once(population, number, 0) for number in range(20)]
    assert sum(each.as_judged for each in found) > 15  # misled
    assert sum(each.length_check for each in found) < 8
    assert sum(each.labelled[0] for each in found) < 10
    assert sum(each.both for each in found) <= min(sum(each.length_check for each in found), 5)


def test_recorded_answers_score_as_in_a_run(module: Any) -> None:
    sets = module("replay_sets")
    good = sets.Answer(60.0, sets.Decimal("0.02"), 900, False)
    cheap = sets.Answer(55.0, sets.Decimal("0.01"), 800, False)
    refusal = sets.Answer(30.0, sets.Decimal("0.01"), 80, True)
    assert sets.pair_of(0, {"a": good, "b": refusal}, "a", "b").candidate_score == 0.0
    assert sets.pair_of(0, {"a": refusal, "b": good}, "a", "b").candidate_score == 30.0
    assert sets.pair_of(0, {"a": refusal, "b": refusal}, "a", "b").baseline_score is None
    rows = [{"a": good, "b": cheap}] * 40
    worse, dearer = sets.reference_of(rows, "a", "b"), sets.reference_of(rows, "b", "a")
    assert (dearer.group, dearer.saving) == ("saves too little", -100.0)
    assert (worse.saving, worse.margin.mean_z) == (50.0, pytest.approx(-2.0))


def test_absent_sets_are_one_clear_line(module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = module("replay_sets")
    monkeypatch.setattr("sys.argv", ["replay_sets.py", "--data", str(tmp_path)])
    with pytest.raises(SystemExit, match="not part of this project"):
        sets.main()
