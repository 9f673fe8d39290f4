"""The reducer: what a front end shows follows from the events alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cqtui.engine.run_state import RunState
from cqtui.events import EVENT
from cqtui.stats.running_ratio import RunningRatio
from cqtui.stats.savings import anytime_factor, savings_ratio
from tests.fakes import candidate

START = datetime(2026, 11, 25, 12, tzinfo=UTC)
A = "acme/small"


class Told:
    """A state that is told of events, one a second unless said otherwise."""

    def __init__(self) -> None:
        self.state = RunState()
        self.seq = 0

    def tell(self, kind: str, *, after_s: float = 0.0, **fields: Any) -> None:
        self.seq += 1
        at = START + timedelta(seconds=after_s)
        event = {"kind": kind, "run_id": "r1", "seq": self.seq, "at": at, **fields}
        self.state.apply(EVENT.validate_python(event))

    def begin(self, *names: str, samples: int = 100) -> None:
        start: dict[str, Any] = {
            "current_model": "acme/large",
            "provider": "rehearsal",
            "calls": samples,
            "resumed": False,
        }
        self.tell("run_started", budget_usd="1", **start)
        found = [candidate(name) for name in names]
        self.tell("candidates_discovered", candidates=found, excluded=[])
        for each in found[:1]:
            self.tell("candidate_chosen", candidate=each, samples=samples, evidence_needed=120.0)

    def pair(self, record: str, **fields: Any) -> None:
        self.tell("pair_judged", model_id=A, record_id=record, **fields)


def test_candidates_keep_the_letter_of_their_order_and_wait_until_they_are_tried() -> None:
    told = Told()
    told.begin(A, "acme/tiny")
    rows = list(told.state.candidates.values())
    assert [(row.letter, row.state) for row in rows] == [("A", "replaying"), ("", "waiting")]
    assert [row.model_id for row in told.state.tried] == [A]


def test_figures_of_a_candidate_follow_its_pairs() -> None:
    told = Told()
    told.begin(A)
    costs = {"baseline_cost_usd": "0.01", "candidate_cost_usd": "0.004"}
    told.pair("1", baseline_score=90, candidate_score=81, **costs)
    told.pair("2", baseline_score=90, candidate_score=90, candidate_refused=True, format_failed=True, **costs)
    told.pair("3", failure="timeout")
    row = told.state.candidates[A]
    assert (row.pairs, row.comparable, row.newly_refused, row.format_failed, row.failed) == (3, 2, 1, 1, 1)
    assert row.impact_percent == pytest.approx(-5)
    assert row.cost.change_percent == pytest.approx(-60)
    for ms in (30.0, 10.0, 20.0):
        answered: dict[str, Any] = {"purpose": "replay", "model_id": A, "record_id": "1", "from_cache": False}
        answered["latency_ms"] = ms
        told.tell("replay_finished", cost_usd="0.1", spent_usd="0.5", **answered)
    assert (row.latency_ms(0.5), row.latency_ms(0.95), row.spent_usd) == (20.0, 30.0, Decimal("0.3"))
    assert told.state.spent_usd == Decimal("0.5")


def test_evidence_is_as_far_as_the_weaker_test() -> None:
    told = Told()
    told.begin(A)
    told.pair("1", quality_log_evidence=2.0, refusals_log_evidence=1.0)
    row = told.state.candidates[A]
    assert row.evidence_share == pytest.approx(1.0 / 4.787, abs=1e-3)  # ln 120
    told.pair("2", quality_log_evidence=0.5, refusals_log_evidence=4.0)  # what was reached stays reached
    assert row.evidence_share == pytest.approx(2.0 / 4.787, abs=1e-3)
    told.pair("3", quality="passed", refusals_log_evidence=4.0)
    assert row.state == "quality holds; checking refusals"
    assert row.evidence_share == pytest.approx(4.0 / 4.787, abs=1e-3)


@pytest.mark.parametrize(
    ("reason", "state"),
    [("clearly worse", "stopped early: clearly worse"), ("enough evidence", "enough evidence")],
)
def test_a_stop_is_said_in_words(reason: str, state: str) -> None:
    told = Told()
    told.begin(A)
    told.tell("candidate_stopped", model_id=A, pairs=7, reason=reason)
    assert told.state.candidates[A].state == state
    assert told.state.happenings[-1].text == f"A small: stopped after 7 calls: {reason}"
    assert told.state.seconds_left(START) is None


def test_the_end_names_the_recommended_candidate() -> None:
    told = Told()
    told.begin(A, "acme/tiny")
    told.tell("run_finished", grade="verified", sentence="Switch.", spent_usd="0.7", recommended=A)
    assert told.state.candidates[A].state == "verified: recommended"
    assert (told.state.stage, told.state.grade, told.state.sentence) == ("finished", "verified", "Switch.")


def test_pace_and_time_left_come_from_the_events_times() -> None:
    told = Told()
    told.begin(A, samples=40)
    for second in range(20):
        for _ in range(3):
            answered: dict[str, Any] = {
                "purpose": "replay",
                "model_id": A,
                "record_id": "1",
                "from_cache": False,
                "latency_ms": 1.0,
            }
            told.tell("replay_finished", after_s=second, cost_usd=None, spent_usd="0", **answered)
        told.tell("pair_judged", after_s=second, model_id=A, record_id=str(second))
    now = START + timedelta(seconds=20)
    assert told.state.calls_per_second(now) == pytest.approx(3.0)
    assert told.state.seconds_left(now) == pytest.approx(20.0)


def test_what_happens_is_told_with_the_call_that_it_concerns() -> None:
    told = Told()
    told.begin(A)
    told.pair("77", candidate_refused=True)
    told.pair("78", baseline_score=95, candidate_score=20)
    told.pair("79", baseline_score=95, candidate_score=94)
    told.tell("concurrency_changed", provider="openai", allowed=12, wait_s=4)
    told.tell("pause_changed", is_paused=True)
    lines = [(each.text, each.record_id) for each in told.state.happenings][-4:]
    assert lines == [
        ("A small: newly refused", "77"),
        ("A small: 75 points worse", "78"),
        ("openai throttles: waiting 4 s, now 12 at a time.", None),
        ("Paused: calls under way finish.", None),
    ]
    assert told.state.is_paused


def test_a_resumed_run_starts_its_rows_anew() -> None:
    told = Told()
    told.begin(A)
    told.pair("1")
    told.begin(A)
    assert told.state.candidates[A].pairs == 0


AMOUNTS = st.floats(0.01, 100)


@settings(deadline=None)  # scipy is imported on first use
@given(st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=2, max_size=60))
def test_the_running_ratio_is_the_ratio_estimator(figures: list[tuple[float, float]]) -> None:
    running = RunningRatio()
    for x, y in figures:
        running.add(x, y)
    whole = savings_ratio([x for x, _ in figures], [y for _, y in figures])
    assert whole.ratio is not None
    assert whole.se is not None
    assert running.ratio == pytest.approx(whole.ratio)
    assert running.se == pytest.approx(whole.se, rel=1e-4, abs=1e-6 * max(1.0, whole.ratio))
    half = running.half_width_percent()
    assert half is not None
    assert half == pytest.approx(100 * (running.se or 0.0) * anytime_factor(len(figures), 0.025))


@settings(deadline=None)  # scipy is imported on first use
@given(st.lists(st.tuples(st.sampled_from("abc"), AMOUNTS, AMOUNTS), min_size=3, max_size=40))
def test_a_conversation_counts_once_in_the_running_ratio(turns: list[tuple[str, float, float]]) -> None:
    running, sums = RunningRatio(), dict[str, list[float]]()
    for name, x, y in turns:
        running.add(x, y, name)
        total = sums.setdefault(name, [0.0, 0.0])
        total[0] += x
        total[1] += y
    whole = savings_ratio([x for x, _ in sums.values()], [y for _, y in sums.values()])
    assert running.n == len(sums)
    if whole.se is not None and whole.ratio is not None:
        assert running.se == pytest.approx(whole.se, rel=1e-4, abs=1e-5 * max(1.0, whole.ratio))
