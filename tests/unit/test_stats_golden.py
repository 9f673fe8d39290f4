"""The golden vectors that test_stats.py leaves, and that no vector of the file is left by both."""

import math
import sys
from typing import Any

import pytest

from cqtui.stats.bootstrap import bootstrap_mean
from cqtui.stats.calibration import cohen_kappa, prediction_powered_mean
from cqtui.stats.confidence_sequence import ConfidenceSequence, betting_sequence, empirical_bernstein_sequence
from cqtui.stats.multiplicity import holm
from cqtui.stats.sequential import adaptive_e_process
from tests.unit import test_stats as others
from tests.unit.test_stats import golden, near, needs_golden, vectors


def ends(found: ConfidenceSequence, at: list[int]) -> tuple[list[float], list[float]]:
    return [found.lower[n - 1] for n in at], [found.upper[n - 1] for n in at]


@needs_golden
def test_golden_bootstrap() -> None:
    given, want = golden("bootstrap_bca")
    for method in ("bca", "percentile", "studentised"):
        got = bootstrap_mean(given["diff"], method=method, level=given["level"])
        assert got.interval == pytest.approx(tuple(want[method]), abs=0.08)


@needs_golden
def test_golden_holm() -> None:
    given, want = golden("holm")
    got = holm(given["p"], given["alpha"])
    assert got.adjusted == near(tuple(want["adjusted"]))
    assert list(got.rejected) == want["reject"]


@needs_golden
def test_golden_empirical_bernstein() -> None:
    given, want = golden("confseq_empirical_bernstein")
    lo, hi = given["range"]
    got = empirical_bernstein_sequence(given["diff"], lo, hi, given["alpha"], given["truncation"])
    assert ends(got, want["n"]) == (near(want["lower"]), near(want["upper"]))


@needs_golden
@pytest.mark.parametrize(("name", "tolerance"), [("confseq_betting", 0.25), ("confseq_betting_clipped", 0.1)])
def test_golden_betting(name: str, tolerance: float) -> None:
    given, want = golden(name)
    lo, hi = given["range"]
    clipped = [min(hi, max(lo, value)) for value in given["diff"]]
    got = betting_sequence(clipped, lo, hi, given["alpha"], breaks=given["breaks"])
    lower, upper = ends(got, want["n"])
    assert lower == pytest.approx(want["lower"], abs=tolerance)
    assert upper == pytest.approx(want["upper"], abs=tolerance)


@needs_golden
def test_golden_adaptive_e_process() -> None:
    given, want = golden("eprocess_noninferiority")
    got = adaptive_e_process(given["diff"], given["margin"], given["clip"], given["c"])
    for path, expected in ((got.log_not_worse, "e_noninferior"), (got.log_worse, "e_inferior")):
        assert [math.exp(path[n - 1]) for n in want["n"]] == near(want[expected])
    assert got.first_not_worse(given["threshold"]) == want["first_n_e_noninferior_ge_20"]
    assert got.first_worse(given["threshold"]) is want["first_n_e_inferior_ge_20"] is None


@needs_golden
def test_golden_prediction_powered_mean() -> None:
    given, want = golden("ppi_mean")
    scores = given["human"], given["judge_labelled"], given["judge_unlabelled"]
    got = prediction_powered_mean(*scores, level=1 - given["alpha"])
    assert got.estimate == near(want["estimate"])
    assert got.interval == near(tuple(want["ci"]))


@needs_golden
def test_golden_kappa() -> None:
    given, want = golden("cohen_kappa")
    assert cohen_kappa(given["a"], given["b"], (0, 1, 2)) == near(want["kappa"])
    assert cohen_kappa(given["a"], given["b"], (0, 1, 2), "quadratic") == near(want["kappa_quadratic"])


@needs_golden
def test_no_golden_vector_is_left_untested(monkeypatch: pytest.MonkeyPatch) -> None:
    read: set[str] = set()
    unwatched = golden

    def watched(name: str) -> tuple[Any, Any]:
        read.add(name)
        return unwatched(name)

    here = sys.modules[__name__]
    tests = [test for module in (others, here) for name, test in vars(module).items() if name.startswith("test_golden")]
    for module in (others, here):
        monkeypatch.setattr(module, "golden", watched)
    for test in tests:
        marks = [mark for mark in test.pytestmark if mark.name == "parametrize"]
        for arguments in marks[0].args[1] if marks else [()]:
            test(*arguments)
    assert read == set(vectors())
