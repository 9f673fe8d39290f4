from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from cqtui.engine.discover import Discovery, discover, spread
from cqtui.engine.facts import estimated_usage
from cqtui.engine.rank import cost_points, latency_points, rank, reliability_points, strengths_points
from cqtui.engine.traffic import in_random_order, profile
from cqtui.errors import BadInputError
from cqtui.models import Candidate, Completion, LoggedCall, Message, ModelEntry, Part, TrafficProfile, Usage
from cqtui.registry.loader import Registry
from cqtui.settings import Constraints, Traffic
from tests.fakes import logged_call, model_entry

AS_OF = date(2026, 11, 25)
CURRENT = model_entry("acme/big", "10", "30")
USAGES = [Usage(input_tokens=1000, output_tokens=200)] * 5


def registry(*entries: ModelEntry) -> Registry:
    return Registry(
        entries=(CURRENT, *entries),
        use_cases={"general": (), "coding": ("coding", "reasoning")},
        judges=(),
        known_strengths=("reasoning",),
        as_of=AS_OF,
        conflicts=(),
        warnings=(),
    )


def traffic(**changes: object) -> TrafficProfile:
    calls = [logged_call(n) for n in range(5)]
    return profile(calls, CURRENT, Traffic(), AS_OF).model_copy(update=changes)


def found(
    *entries: ModelEntry, constraints: Constraints | None = None, named: tuple[str, ...] = (), **changes: Any
) -> Discovery:
    return discover(
        registry(*entries),
        CURRENT,
        traffic(**changes),
        USAGES,
        constraints=constraints or Constraints(),
        min_saving_percent=20.0,
        k=6,
        as_of=AS_OF,
        named=named,
    )


@pytest.mark.parametrize(
    ("entry", "constraints", "changes", "reason"),
    [
        (model_entry("x/a", "9", "29"), None, {}, "saves 7%"),
        (model_entry("x/a", "12", "40"), None, {}, "not cheaper on this traffic"),
        (model_entry("x/a", "1", "2", is_active=False), None, {}, "retired"),
        (model_entry("x/a", "1", "2", deprecated=date(2027, 2, 23)), None, {}, "retires on 2027-02-23"),
        (model_entry("x/a", "1", "2", price=None), None, {}, "price unknown"),
        (model_entry("x/a", "1", "2"), Constraints(blocked_providers=("X",)), {}, "provider x is blocked"),
        (model_entry("x/a", "1", "2"), None, {"uses_tools": True}, "tools (used in the log): unknown"),
        (
            model_entry("x/a", "1", "2", supports_vision=False),
            Constraints(required_capabilities=("vision",)),
            {},
            "vision (asked for in the settings): not supported",
        ),
        (
            model_entry("x/a", "1", "2", max_input_tokens=100),
            None,
            {"max_input_tokens": 101},
            "takes 100 input tokens; the log has 101",
        ),
        (
            model_entry("x/a", "1", "2"),
            Constraints(max_cost_per_request=Decimal("0.001")),
            {},
            "99th percentile of cost $0.0014 is above max_cost_per_request $0.001",
        ),
    ],
)
def test_each_filter_keeps_its_reason(
    entry: ModelEntry, constraints: Constraints | None, changes: dict[str, Any], reason: str
) -> None:
    result = found(entry, constraints=constraints, **changes)
    assert result.chosen == ()
    assert [(e.model_id, e.reason) for e in result.excluded] == [("x/a", reason)]


def test_just_outside_the_notice_period_is_eligible() -> None:
    assert [c.id for c in found(model_entry("x/a", "1", "2", deprecated=date(2027, 2, 24))).chosen] == ["x/a"]


def test_cost_is_on_the_users_own_token_mix() -> None:
    # Dear input and cheap output: cheaper than 10/30 only where answers are long.
    entry = model_entry("x/a", "15", "1")
    assert found(entry).chosen == ()
    longer = discover(
        registry(entry),
        CURRENT,
        traffic(),
        [Usage(input_tokens=100, output_tokens=900)],
        constraints=Constraints(),
        min_saving_percent=20.0,
        k=6,
        as_of=AS_OF,
    )
    assert [c.id for c in longer.chosen] == ["x/a"]


def test_the_same_model_is_taken_at_its_cheapest_host_only() -> None:
    result = found(model_entry("x/oss", "1", "2"), model_entry("y/oss", "0.9", "2"))
    assert [c.id for c in result.chosen] == ["y/oss"]
    assert [(e.model_id, e.reason) for e in result.excluded] == [("x/oss", "the same model costs no more at y")]


def test_spread_covers_the_price_range_with_the_family_always_in() -> None:
    entries = [model_entry(f"x/m{n:02d}", str(0.01 * 1.5**n), str(0.02 * 1.5**n)) for n in range(15)]
    family = model_entry("acme/next", "7", "20")
    result = found(*entries, family)
    assert len(result.chosen) == 6
    assert "acme/next" in [c.id for c in result.chosen]
    costs = [c.cost_per_call_usd for c in result.chosen]
    assert costs == sorted(costs, reverse=True)
    assert "x/m00" in [c.id for c in result.chosen]
    assert {e.model_id for e in result.excluded} == {e.id for e in [*entries, family]} - {c.id for c in result.chosen}


def test_a_retiring_current_model_forces_the_switch_and_allows_dearer_ones() -> None:
    old = CURRENT.model_copy(update={"deprecated": date(2026, 12, 1)})
    dearer = model_entry("x/dear", "12", "40")
    result = discover(
        registry(dearer),
        old,
        traffic(),
        USAGES,
        constraints=Constraints(),
        min_saving_percent=20.0,
        k=6,
        as_of=AS_OF,
    )
    assert result.forced_switch
    assert [c.id for c in result.chosen] == ["x/dear"]


def test_named_candidates_bypass_the_filters_but_not_their_warnings() -> None:
    result = found(model_entry("x/a", "12", "40", is_active=False), named=("x/a", "x/a"))
    assert [(c.id, c.warnings) for c in result.chosen] == [("x/a", ("retired",))]
    with pytest.raises(BadInputError, match="is the current model"):
        found(named=("acme/big",))


def test_spread_of_few_is_all() -> None:
    one = Candidate(entry=CURRENT, cost_per_call_usd=Decimal(1), expected_saving_percent=0)
    assert spread([one], 6, None) == (one,)


def test_fit_points_are_those_of_the_design() -> None:
    assert strengths_points(("a", "b"), ("a",), ("a", "b"))[0] == 20.0
    points, words = strengths_points(("coding", "reasoning"), ("reasoning",), ("reasoning",))
    assert points == 30.0
    assert words == "strengths 30/40: has reasoning; unknown: coding"
    assert strengths_points((), None, ())[0] == 20.0
    assert [latency_points(t, None)[0] for t in ("fast", "medium", "slow", "unknown")] == [20.0, 15.0, 0.0, 10.0]
    assert latency_points("medium", 2999)[0] == 5.0
    assert latency_points("medium", 3000)[0] == 15.0
    assert [reliability_points(t)[0] for t in ("high", "medium", "low", "unknown")] == [20.0, 10.0, 0.0, 10.0]
    assert [cost_points(s)[0] for s in (-5.0, 42.0, 250.0)] == [0.0, 8.4, 20.0]
    assert cost_points(-1480.0)[1] == "cost 0/20: about 1,480% dearer for the same tokens"
    assert cost_points(-0.2)[1] == "cost 0/20: about 0% cheaper for the same tokens"


def test_rank_sorts_by_fit_then_price_and_refuses_unknown_use_cases() -> None:
    fast = model_entry("x/fast", "1", "2", latency_tier="fast")
    chosen = found(fast, model_entry("x/b", "1", "2"), model_entry("x/a", "0.5", "1")).chosen
    ranked = rank(chosen, registry(), "general", None)
    assert [c.id for c in ranked] == ["x/fast", "x/a", "x/b"]
    assert all(len(c.rationale) == 4 for c in ranked)
    with pytest.raises(BadInputError, match=r"Unknown use case .* Known: coding, general"):
        rank(chosen, registry(), "poetry", None)


def test_traffic_tells_volume_tokens_and_cost() -> None:
    calls = [logged_call(n) for n in range(49)]
    seen = profile(calls, CURRENT, Traffic(), AS_OF)
    assert seen.period_days == 2.0
    assert (seen.monthly_requests, seen.monthly_source) == (round(49 / 2 * 365.25 / 12), "log")
    assert seen.cost_per_call_usd is not None
    mean = seen.mean_input_tokens * 10 / 1e6 + seen.mean_output_tokens * 30 / 1e6
    assert float(seen.cost_per_call_usd) == pytest.approx(mean)
    stated = profile(calls, CURRENT, Traffic(monthly_request_volume=1000), AS_OF)
    assert (stated.monthly_requests, stated.monthly_source) == (1000, "settings")
    assert stated.monthly_cost_usd == stated.cost_per_call_usd * 1000  # type: ignore[operator]


def test_a_volume_of_less_than_one_call_a_month_is_no_zero() -> None:
    calls = [logged_call(0), logged_call(24 * 400)]
    assert profile(calls, CURRENT, Traffic(), AS_OF).monthly_requests == 1


def test_token_counts_that_nobody_gave_are_estimated_from_the_text_and_counted() -> None:
    text = (Message(role="user", parts=(Part(text="x" * 394),)),)  # "user: " and 394 letters: 400 bytes
    bare = logged_call(1).model_copy(
        update={"messages": text, "completion": Completion(text="é" * 20), "usage": Usage(), "params": {}}
    )
    assert estimated_usage(bare, Traffic()) == Usage(input_tokens=100, output_tokens=10)
    stated = Traffic(avg_input_tokens=7, avg_output_tokens=8)
    assert estimated_usage(bare, stated) == Usage(input_tokens=7, output_tokens=8)
    assert profile([bare, logged_call(2)], CURRENT, Traffic(), AS_OF).calls_with_estimated_usage == 1
    assert profile([bare], CURRENT, stated, AS_OF).calls_with_estimated_usage == 0


def test_unknown_stays_unknown() -> None:
    image = Message(role="user", parts=(Part(kind="image", raw={}),))
    lone = logged_call(1).model_copy(update={"usage": Usage(), "time": None, "messages": (image,)})
    seen = profile([lone], CURRENT, Traffic(), AS_OF)
    assert (seen.cost_per_call_usd, seen.monthly_cost_usd, seen.monthly_source) == (None, None, "unknown")
    assert (seen.calls_without_usage, seen.calls_with_estimated_usage) == (1, 0)
    call: LoggedCall = lone.model_copy(update={"params": {"tools": [{}]}})
    assert profile([call], None, Traffic(), AS_OF).uses_vision
    assert profile([call], None, Traffic(), AS_OF).uses_tools


def test_the_order_depends_on_the_seed_alone() -> None:
    calls = [logged_call(n) for n in range(30)]
    assert in_random_order(calls, 7) == in_random_order(list(reversed(calls)), 7)
    assert in_random_order(calls, 7) != in_random_order(calls, 8)
    assert in_random_order(calls, 7) != calls
