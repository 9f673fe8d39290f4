"""Routing per segment and the cascade: offered only where they beat the best single switch on calls not seen."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal

import pytest

from cqtui.engine.facts import segment_key, segment_of
from cqtui.engine.race import Race
from cqtui.engine.routing import plan_routing, sign_of
from cqtui.results import Pair, RoutingPlan
from cqtui.settings import Thresholds
from tests.fakes import candidate, logged_call

RULES = Thresholds()
CURRENT = "acme/big"


def race(
    model_id: str, score: Callable[[str, random.Random], float], cost: str, count: int = 300, **more: object
) -> Race:
    rng = random.Random(model_id)
    found = Race(candidate(model_id), RULES, float("inf"))
    for number in range(count):
        segment = ("simple", "hard", "legal")[number % 3]
        found.pairs.append(
            Pair.model_validate(
                {
                    "record_id": f"r{number}",
                    "segment": segment,
                    "baseline_score": 85.0,
                    "candidate_score": max(0.0, min(100.0, score(segment, rng))),
                    "baseline_cost_usd": Decimal("0.01"),
                    "candidate_cost_usd": Decimal(cost),
                    "candidate_length": 400,
                    **more,
                }
            )
        )
    return found


def good_at(*segments: str) -> Callable[[str, random.Random], float]:
    return lambda segment, rng: (86 if segment in segments else 60) + rng.gauss(0, 5)


def planned(*races: Race) -> RoutingPlan:
    found = plan_routing(CURRENT, races, RULES, 0, "route")
    assert found is not None
    return found


def test_a_candidate_that_is_good_at_some_kinds_of_traffic_gets_those_alone() -> None:
    plan = planned(race("acme/small", good_at("simple", "hard"), "0.001"))
    assert plan.offered
    assert {route.segment: route.model_id for route in plan.routes} == {
        "simple": "acme/small",
        "hard": "acme/small",
        "legal": CURRENT,
    }
    assert plan.single_savings_percent == pytest.approx(0, abs=1e-9)  # it is too bad to switch to altogether
    assert plan.savings_percent == pytest.approx(60, abs=3)  # two thirds of the calls at a tenth of the cost
    assert plan.quality_difference_points > -1


def test_where_one_model_is_good_everywhere_no_split_is_offered() -> None:
    plan = planned(race("acme/small", good_at("simple", "hard", "legal"), "0.001"))
    assert not plan.offered
    assert plan.single_savings_percent == pytest.approx(90, abs=1)
    assert plan.cascade is None


def test_where_the_segments_differ_by_chance_no_split_is_offered() -> None:
    plan = planned(race("acme/small", lambda _, rng: 78 + rng.gauss(0, 12), "0.001"))
    assert not plan.offered


def test_each_kind_of_traffic_gets_the_cheapest_that_is_good_enough() -> None:
    plan = planned(
        race("acme/tiny", good_at("simple"), "0.0005"), race("acme/mid", good_at("simple", "hard", "legal"), "0.006")
    )
    assert {route.segment: route.model_id for route in plan.routes} == {
        "simple": "acme/tiny",
        "hard": "acme/mid",
        "legal": "acme/mid",
    }
    assert plan.offered
    assert plan.frontier[-1] in (CURRENT, "acme/mid")
    assert "acme/tiny" in plan.frontier


def test_a_cascade_is_offered_where_free_signs_tell_the_bad_answers() -> None:
    bad = race("acme/small", lambda _, rng: 86 + rng.gauss(0, 4), "0.001")
    for number, pair in enumerate(bad.pairs):
        if number % 5 == 0:
            bad.pairs[number] = pair.model_copy(update={"candidate_score": 0.0, "candidate_refused": True})
    plan = planned(bad)
    assert plan.single_savings_percent == pytest.approx(0, abs=1e-9)
    assert plan.cascade is not None
    assert plan.cascade.savings_percent == pytest.approx(70, abs=4)  # a tenth for all, and all of it for a fifth
    assert plan.cascade.escalated_percent.low < 20 < plan.cascade.escalated_percent.high
    assert plan.cascade.quality_difference_points > -1


def test_signs_cost_nothing_and_put_bad_answers_last() -> None:
    pair = Pair(record_id="x", candidate_length=400)
    refused = pair.model_copy(update={"candidate_refused": True})
    broken = pair.model_copy(update={"format_failed": True})
    cut = pair.model_copy(update={"truncated": True})
    longer = pair.model_copy(update={"candidate_length": 4000})
    endless = pair.model_copy(update={"candidate_length": 10**9})
    signs = [sign_of(p) for p in (refused, broken, cut, pair, longer, endless)]
    assert signs == sorted(signs)
    assert (signs[0], signs[-1]) == (0.0, 2.0)


def test_with_few_common_calls_nothing_is_said() -> None:
    assert plan_routing(CURRENT, [race("acme/small", good_at("simple"), "0.001", count=39)], RULES, 0) is None
    assert plan_routing(CURRENT, [], RULES, 0) is None


def test_segments_come_from_metadata_and_else_from_the_system_prompt() -> None:
    call = logged_call(1)
    assert segment_key(call) is None
    assert segment_of(call).startswith("system prompt ")
    tagged = call.model_copy(update={"metadata": {"feature": "search", "route": "", "template": 3}})
    assert (segment_key(tagged), segment_of(tagged)) == ("feature", "search")
    assert segment_of(call.model_copy(update={"messages": call.messages[1:]})) == "no system prompt"
