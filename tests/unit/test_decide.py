import math
import random
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from cqtui.engine.decide import (
    best_of,
    business_impact,
    cost_words,
    decide,
    quality_words,
    switch_sentence,
    without_winners_luck,
)
from cqtui.engine.evidence import evaluate, ledger_of
from cqtui.engine.gates import Basis
from cqtui.engine.race import ENOUGH, Race
from cqtui.results import Evidence, Interval, Pair
from cqtui.settings import Constraints, Thresholds
from tests.fakes import candidate, logged_call, model_entry, pairs

CURRENT = model_entry("acme/big", "10", "30")
RULES = Thresholds()


def race_of(found: list[Pair], model_id: str = "acme/small", cost: str = "0.001", threshold: float = 20.0) -> Race:
    race = Race(candidate(model_id, cost=cost), RULES, threshold)
    for pair in found:
        if race.stopped is None:
            race.add(pair)
    race.finish()
    return race


def judged(
    found: list[Pair],
    model_id: str = "acme/small",
    cost: str = "0.001",
    *,
    threshold: float = 20.0,
    constraints: Constraints | None = None,
    **basis: Any,
) -> Evidence:
    return evaluate(race_of(found, model_id, cost, threshold), RULES, constraints or Constraints(), Basis(**basis))


def gate(evidence: Evidence, name: str) -> bool | None:
    return next(g.passed for g in evidence.gates if g.name == name)


@pytest.mark.parametrize(
    ("saving", "words"),
    [
        (42.99, "reduces cost by 42%"),
        (0.0, "leaves the cost as it is"),
        (0.4, "reduces cost by under 1%"),
        (-4.1, "raises cost by 5%"),
        (42.0, "reduces cost by 42%"),
    ],
)
def test_savings_round_down(saving: float, words: str) -> None:
    assert cost_words(Interval(value=saving, low=saving, high=saving)) == words


@pytest.mark.parametrize(
    ("impact", "low", "high", "words"),
    [
        (-5.2, -7, -3, "with a 6% quality impact"),
        (-6.0, -7, -3, "with a 6% quality impact"),
        (-83.7, -98, -69, "with an 84% quality impact"),
        (1.9, 1, 3, "with a 1% quality gain"),
        (0.7, 0.2, 1.1, "with no measurable quality impact"),
        (-0.4, -2, 1, "with no measurable quality impact"),
        (-0.4, -0.5, -0.3, "with a 1% quality impact"),
    ],
)
def test_impacts_round_up(impact: float, low: float, high: float, words: str) -> None:
    assert quality_words(Interval(value=impact, low=low, high=high)) == words


def test_the_sentence() -> None:
    saving, impact = Interval(value=42.7, low=40, high=45), Interval(value=-5.1, low=-8, high=-2)
    sentence = switch_sentence("Model A", "Model B", saving, impact)
    assert sentence == "Switching from Model A to Model B reduces cost by 42% with a 6% quality impact."


def test_a_good_candidate_leans_on_few_pairs_and_says_what_is_missing() -> None:
    evidence = judged(pairs(60, drop=1.0))
    answer = decide(CURRENT, [evidence], {"acme/small": pairs(60, drop=1.0)}, RULES, usd_per_prompt=Decimal("0.01"))
    assert answer.grade == "leaning"
    assert answer.recommended is evidence
    assert answer.sentence.startswith("Switching from big to small reduces cost by ")
    assert evidence.more_samples is not None
    assert 63 <= evidence.more_samples < 200  # the refusals alone need 123 calls
    assert answer.reason == (
        "Leaning, not verified; not passed: evidence on quality, evidence on refusals. "
        f"About {evidence.more_samples} more prompts, about ${evidence.more_samples * 0.01:.2f}."
    )


def test_enough_pairs_verify_and_stop_the_race() -> None:
    found = pairs(400, drop=1.0)
    race = race_of(found)
    assert (race.stopped, race.quality, race.refusals) == (ENOUGH, "passed", "passed")
    assert 123 <= len(race.pairs) < 250
    evidence = evaluate(race, RULES, Constraints(), Basis())
    assert evidence.verified
    answer = decide(CURRENT, [evidence], {"acme/small": found}, RULES)
    assert (answer.grade, answer.reason) == ("verified", "It passes every gate.")
    later = race_of(found, threshold=120)
    assert len(later.pairs) >= 196


@pytest.mark.parametrize(
    ("basis", "gate_name"),
    [
        ({"measured": False}, "measured answers"),
        ({"estimated_usage": True}, "measured answers"),
        ({"judge_of_contestants_family": "openai/judge"}, "judge"),
        ({"judge_is_checks": True}, "judge"),
    ],
)
def test_what_verified_must_not_rest_on(basis: dict[str, Any], gate_name: str) -> None:
    evidence = judged(pairs(400, drop=1.0), **basis)
    assert gate(evidence, gate_name) is False
    assert (evidence.acceptable, evidence.verified) == (True, False)
    assert decide(CURRENT, [evidence], {}, RULES).grade == "leaning"


def test_a_verified_candidate_goes_before_a_better_one_that_leans() -> None:
    sure = judged(pairs(400, drop=2.0), "acme/sure")
    better = judged(pairs(60, drop=-3.0), "acme/better")
    answer = decide(CURRENT, [better, sure], {}, RULES)
    assert answer.recommended is sure
    assert answer.runner_up is better


def test_quality_impact_is_the_ratio_of_sums() -> None:
    found = pairs(40, drop=3.0)
    evidence = judged(found)
    a = sum(p.baseline_score or 0 for p in found)
    b = sum(p.candidate_score or 0 for p in found)
    assert evidence.quality_impact_percent is not None
    assert evidence.quality_impact_percent.value == pytest.approx(100 * (b / a - 1))
    assert evidence.quality_impact_percent.low < evidence.quality_impact_percent.value
    assert evidence.quality_impact_percent.value < evidence.quality_impact_percent.high


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (pairs(60, drop=12.0), "quality"),
        (pairs(60, saving=0.1), "saving"),
        (pairs(4), "samples"),
        (pairs(60, refused=4), "refusals"),
    ],
)
def test_each_rule_can_fail(found: list[Pair], name: str) -> None:
    evidence = judged(found)
    assert gate(evidence, name) is False
    assert not evidence.acceptable


def test_the_constraints_are_enforced() -> None:
    tight = Constraints(max_latency_ms=120, min_quality_score=95, max_cost_per_request=Decimal("0.001"))
    evidence = judged(pairs(60), constraints=tight)
    assert [g.passed for g in evidence.gates if g.name in ("latency", "score", "cost per request")] == [False] * 3
    loose = Constraints(max_latency_ms=1000, min_quality_score=50, max_cost_per_request=Decimal("0.1"))
    assert judged(pairs(60), constraints=loose).acceptable


def test_low_coverage_is_no_verdict() -> None:
    lost = [p.model_copy(update={"candidate_score": None, "unjudged": True}) for p in pairs(30)]
    evidence = judged(pairs(60) + lost)
    assert gate(evidence, "coverage") is False
    assert evidence.ledger.unjudged == 30
    assert decide(CURRENT, [evidence], {}, RULES).grade == "inconclusive"


def test_of_equal_candidates_the_cheapest_is_the_closest() -> None:
    dear, cheap = (judged(pairs(2), name) for name in ("acme/a", "acme/b"))
    cheap = cheap.model_copy(update={"cost_per_call_usd": Decimal("0.0001")})
    closest = decide(CURRENT, [dear, cheap], {}, RULES).closest
    assert closest is not None
    assert closest.candidate.id == "acme/b"


def test_all_clearly_worse_is_keep_with_the_closest_named() -> None:
    answer = decide(CURRENT, [judged(pairs(60, drop=30.0)), judged(pairs(60, drop=12.0), "acme/mid")], {}, RULES)
    assert answer.grade == "keep"
    assert answer.sentence.startswith("Keep big. The closest alternative, mid, reduces cost by ")


def test_few_noisy_pairs_are_not_enough() -> None:
    answer = decide(CURRENT, [judged(pairs(6, drop=5.5, sd=15, seed=3))], {}, RULES, usd_per_prompt=Decimal("0.01"))
    assert answer.grade == "inconclusive"
    assert answer.sentence.startswith("Not enough evidence yet. small reduces cost by ")
    assert re.search(r"about [\d,]+ more prompts \(about \$\d+\.\d\d\) would settle it\.$", answer.sentence)


def test_nothing_measured_is_not_zero() -> None:
    evidence = judged([])
    assert evidence.quality_impact_percent is None
    assert evidence.confidence == 0.0
    assert decide(CURRENT, [evidence], {}, RULES).sentence.startswith("Not enough evidence yet. Nothing measured")


def test_no_candidate_at_all_is_keep() -> None:
    assert decide(CURRENT, [], {}, RULES).sentence == "Keep big. No candidate is cheaper and fits this traffic."


def test_a_model_that_retires_cannot_be_kept() -> None:
    leaving = CURRENT.model_copy(update={"deprecated": date(2026, 12, 1)})
    worse = [judged(pairs(60, drop=30.0))]
    assert decide(CURRENT, worse, {}, RULES).grade == "keep"
    answer = decide(leaving, worse, {}, RULES, forced_switch=True)
    assert answer.grade == "inconclusive"
    assert answer.sentence.startswith("No acceptable replacement yet for big, which retires on 2026-12-01. The closest")
    nothing = decide(leaving, [], {}, RULES, forced_switch=True)
    assert nothing.grade == "inconclusive"
    assert nothing.sentence == "No model in the registry can replace big, which retires on 2026-12-01."


def test_indistinguishable_candidates_tie_and_the_cheapest_wins() -> None:
    near, same = pairs(60, drop=1.0, seed=1), pairs(60, drop=1.0, seed=2, saving=0.9)
    one, two = judged(near, "acme/dear"), judged(same, "acme/cheap")
    both = {"acme/dear": near, "acme/cheap": same}
    assert best_of([one, two], both)[0] is two
    clear = pairs(60, drop=4.0, sd=1.0, seed=2, saving=0.9)
    worse = judged(clear, "acme/cheap")
    assert best_of([one, worse], {"acme/dear": near, "acme/cheap": clear})[0] is one


def test_the_best_of_several_is_drawn_towards_the_others() -> None:
    found = {f"acme/m{n}": pairs(60, drop=1.0, sd=6.0, seed=n) for n in range(4)}
    evidence = [judged(each, name) for name, each in found.items()]
    assert all(e.acceptable for e in evidence)
    by_quality = sorted(evidence, key=lambda e: e.quality_impact_percent.value if e.quality_impact_percent else 0.0)
    best, worst = by_quality[-1], by_quality[0]
    drawn = without_winners_luck(best, evidence, found)
    assert best.quality_impact_percent is not None
    assert drawn.quality_impact_percent is not None
    assert worst.quality_impact_percent is not None
    assert worst.quality_impact_percent.value < drawn.quality_impact_percent.value < best.quality_impact_percent.value
    assert drawn.measured_impact_percent == best.quality_impact_percent
    assert without_winners_luck(worst, evidence, found) is worst
    assert without_winners_luck(best, [best], found) is best
    apart = {"acme/m0": pairs(400, drop=-6.0, sd=2.0), "acme/m1": pairs(400, drop=3.0, sd=2.0)}
    both = [judged(each, name, threshold=1e9) for name, each in apart.items()]
    kept = without_winners_luck(both[0], both, apart)
    assert kept.quality_impact_percent is not None
    assert both[0].quality_impact_percent is not None
    assert kept.quality_impact_percent.value == pytest.approx(both[0].quality_impact_percent.value, abs=0.1)


def test_clearly_worse_stops_only_with_evidence() -> None:
    def clearly_worse(count: int, drop: float) -> bool:
        return race_of(pairs(count, drop=drop), threshold=120).stopped == "clearly worse"

    assert clearly_worse(80, 20.0)
    assert not clearly_worse(8, 20.0)
    assert not clearly_worse(200, 0.0)
    assert not clearly_worse(0, 0.0)


def test_the_ledger_adds_up() -> None:
    base = pairs(3)
    found = [
        base[0],
        base[1].model_copy(update={"candidate_score": None, "baseline_score": None, "failure": "timeout"}),
        base[2].model_copy(update={"baseline_refused": True, "translated": ("max_tokens → max_completion_tokens",)}),
        Pair(record_id="x", baseline_refused=True, candidate_refused=True),
    ]
    ledger = ledger_of(found, found)
    assert (ledger.replayed, ledger.comparable, ledger.failed) == (4, 2, {"timeout": 1})
    assert (ledger.both_refused, ledger.newly_answered, ledger.newly_refused) == (1, 1, 0)
    assert ledger.translated == {"max_tokens → max_completion_tokens": 1}


def test_business_impact_follows_the_measured_saving() -> None:
    from datetime import date

    from cqtui.engine.traffic import profile
    from cqtui.settings import Traffic

    seen = profile([logged_call(0)], CURRENT, Traffic(monthly_request_volume=10_000), date(2026, 11, 25))
    impact = business_impact(seen, Interval(value=94.0, low=93, high=95))
    assert impact is not None
    assert impact.current_monthly_cost_usd == Decimal(10_000) * (Decimal(300) * 10 + Decimal(100) * 30) / 1_000_000
    assert impact.projected_monthly_savings_usd == impact.current_monthly_cost_usd * Decimal("0.94")
    assert impact.annual_savings_usd == impact.projected_monthly_savings_usd * 12
    assert business_impact(seen, None) is None


def test_a_judge_that_likes_length_does_not_verify_a_longer_answer() -> None:
    def with_lengths(points_per_log: float) -> Evidence:
        rng = random.Random(7)
        found = []
        for pair in pairs(400, drop=1.0, sd=3.0):
            ratio = math.exp(rng.gauss(0.7, 0.4))  # about twice as long
            score = (pair.candidate_score or 0.0) + points_per_log * math.log(ratio) - 0.7 * points_per_log
            sizes = {"baseline_length": 1000, "candidate_length": round(1000 * ratio)}
            found.append(pair.model_copy(update={"candidate_score": min(100.0, score), **sizes}))
        return judged(found)

    assert with_lengths(0.0).verified
    biased = with_lengths(12.0)
    assert gate(biased, "equal length") is False
    assert (biased.acceptable, biased.verified) == (True, False)
    assert biased.impact_at_equal_length is not None
    assert biased.impact_at_equal_length < -6


def test_a_judge_that_flips_or_stays_mute_blocks() -> None:
    flipping = [
        pair.model_copy(update={"in_both_orders": (15.0, -15.0) if number % 2 else (2.0, 1.0)})
        for number, pair in enumerate(pairs(400, drop=1.0))
    ]
    evidence = judged(flipping)
    assert gate(evidence, "judge") is False
    assert "changes sides" in next(g.found for g in evidence.gates if g.name == "judge")
    mute = [
        pair.model_copy(update={"unjudged": True, "candidate_score": None, "baseline_score": None})
        if number % 8 == 0
        else pair
        for number, pair in enumerate(pairs(400, drop=1.0))
    ]
    evidence = judged(mute)
    assert gate(evidence, "judge") is False
    assert "could not be judged" in next(g.found for g in evidence.gates if g.name == "judge")


def test_more_than_one_failed_call_in_twenty_blocks() -> None:
    lost = {"candidate_score": None, "baseline_score": None, "failure": "timeout"}
    found = [p.model_copy(update=lost) if n % 15 == 14 else p for n, p in enumerate(pairs(400, drop=-3.0, sd=3.0))]
    evidence = judged(found)
    assert gate(evidence, "failed calls") is False
    assert evidence.acceptable
    assert not evidence.verified


def test_a_candidate_that_saves_exactly_what_is_asked_is_not_verified_by_looking_often() -> None:
    verified = sum(
        judged(pairs(400, drop=-1.0, sd=3.0, saving=0.2, seed=n), threshold=120.0).verified for n in range(200)
    )
    assert verified <= 7  # at most 1 of 120, and what chance adds (99.9%)
    assert judged(pairs(400, drop=-1.0, sd=3.0, saving=0.3), threshold=120.0).verified
