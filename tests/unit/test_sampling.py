"""The sample of a log, and the figures of all its calls, in one pass."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cqtui.engine.decide import business_impact
from cqtui.engine.facts import CallFacts
from cqtui.engine.log import Log, read_log
from cqtui.engine.plan import make_plan
from cqtui.engine.tally import OTHERS, Tallies, Tally, price_thresholds, tally
from cqtui.engine.traffic import profile_of
from cqtui.importers import RawCall, Sample
from cqtui.importers.base import Place
from cqtui.models import ModelEntry, Percentiles, Usage
from cqtui.registry.loader import load_registry
from cqtui.registry.pricing import cost_of
from cqtui.results import Interval
from cqtui.settings import Settings

AS_OF = date(2026, 11, 26)
START = datetime(2026, 9, 1, tzinfo=UTC)
CURRENT = "openai/gpt-5.6-terra"


def raw(number: int, session: str | None = None, size: int = 10) -> RawCall:
    place = Place("f", number, "native", size, ())
    return RawCall(messages="hi", session=session, place=place)


def drawn(calls: list[RawCall], size: int, seed: int = 1, **limits: int) -> list[RawCall]:
    sample = Sample(size, seed, **limits)
    for position, call in enumerate(calls):
        sample.offer(call, position)
    return [call for _, call in sample.drawn()]


def test_a_small_log_is_kept_whole_in_its_order() -> None:
    calls = [raw(number, session=str(number % 3)) for number in range(10)]
    assert drawn(calls, 10) == calls


def test_conversations_are_kept_whole() -> None:
    calls = [raw(number, session=f"s{number % 40}") for number in range(400)]
    kept = drawn(calls, 95)
    assert len(kept) == 90
    sessions = {call.session for call in kept}
    assert [call for call in calls if call.session in sessions] == kept


def test_the_same_seed_draws_the_same_whatever_the_order() -> None:
    calls = [raw(number, session=f"s{number // 2}" if number % 3 else None) for number in range(300)]
    mixed = random.Random(5).sample(calls, len(calls))
    names = [{call.place.line for call in drawn(each, 50)} for each in (calls, mixed)]
    assert names[0] == names[1]
    assert names[0] != {call.place.line for call in drawn(calls, 50, seed=2)}


def test_every_conversation_has_the_same_chance() -> None:
    # 200 draws of 20 of 100: each is expected 40 times, with a standard deviation of 5.7.
    calls = [raw(number) for number in range(100)]
    times = [0] * 100
    for seed in range(200):
        for call in drawn(calls, 20, seed=seed):
            times[call.place.line or 0] += 1
    assert sum(times) == 200 * 20
    assert 40 - 5 * 5.7 < min(times) <= max(times) < 40 + 5 * 5.7
    assert sum((count - 40) ** 2 for count in times) / 100 == pytest.approx(32, rel=0.5)


def test_long_records_are_bounded_by_their_bytes() -> None:
    assert len(drawn([raw(number, size=1000) for number in range(50)], 50, most_bytes=10_500)) == 10
    one = [raw(number, session="s", size=1000) for number in range(50)]
    assert drawn(one, 20, most_bytes=500) == one


def record(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"c{number}",
        "timestamp": (START + timedelta(minutes=number)).isoformat(),
        "model": CURRENT,
        "messages": [{"role": "user", "content": f"question {number}"}],
        "completion": {"content": f"answer {number}", "finish_reason": "stop"},
        "usage": {"input_tokens": 100 + number % 7, "output_tokens": 10},
        "metadata": {"route": "rare" if number % 10 == 0 else "usual"},
        **changes,
    }


def written(folder: Path, records: list[dict[str, Any]]) -> Path:
    path = folder / "log.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
    return path


def logged(path: Path, size: int, **settings: Any) -> Log:
    chosen = Settings(as_of=AS_OF, **settings)
    return read_log([path], chosen, load_registry(today=AS_OF), sample_size=size)


def test_figures_are_of_all_calls_and_the_sample_of_some(tmp_path: Path) -> None:
    records = [record(number) for number in range(3000)]
    records += [record(1), {"id": "x", "model": "m", "messages": [], "completion": "a"}, {"colour": 1}]
    path = written(tmp_path, records)
    log, everything = logged(path, 200), logged(path, 10_000)
    assert (len(log.calls), log.read.left_out, log.read.total_calls) == (200, 2800, 3000)
    assert log.tally == everything.tally
    assert log.tally.counts.segments == {"usual": 2700, "rare": 300}
    assert log.read.skipped_for == {"repeat of an identical record": 1, "no message has content": 1}
    assert log.read.records == everything.read.records == len(records)
    assert [call.id for call in everything.calls] == [f"c{number}" for number in range(3000)]
    assert {call.id for call in log.calls} < {call.id for call in everything.calls}


def test_a_run_on_a_sample_takes_its_figures_from_the_whole_log(tmp_path: Path) -> None:
    log = logged(written(tmp_path, [record(number) for number in range(4000)]), 500)
    plan = make_plan(Settings(as_of=AS_OF), load_registry(today=AS_OF), log)
    assert plan.traffic.calls == 4000
    assert plan.traffic.monthly_requests == round(4000 / (3999 / 1440) * 365.25 / 12)
    assert len(plan.calls) == 400
    assert any("Drawn at random from 4,000 calls" in note for note in plan.notes)


def test_a_current_model_with_little_traffic_gets_half_the_sample(tmp_path: Path) -> None:
    other = "openai/gpt-5.4-mini"
    records = [record(number, model=CURRENT if number % 100 == 0 else other) for number in range(4000)]
    path = written(tmp_path, records)
    own = [call for call in logged(path, 100, current_model=CURRENT).calls if call.model == CURRENT]
    assert len(own) == 40
    plan = make_plan(Settings(as_of=AS_OF, current_model=CURRENT), load_registry(today=AS_OF), logged(path, 100))
    assert any(note.startswith("3,960 calls of other models") for note in plan.notes)


def test_a_run_s_traffic_is_that_of_the_current_model_alone(tmp_path: Path) -> None:
    other = "openai/gpt-5.4-mini"
    records = [record(number, model=CURRENT if number % 4 == 0 else other) for number in range(4000)]
    records[2]["usage"] = {"input_tokens": 9_999, "output_tokens": 9}
    log = logged(written(tmp_path, records), 10_000)
    plan = make_plan(Settings(as_of=AS_OF, current_model=CURRENT), load_registry(today=AS_OF), log)
    assert plan.traffic.calls == plan.traffic.baseline_calls == 1000
    assert plan.traffic.max_input_tokens == 106
    assert plan.traffic.monthly_requests == round(1000 / (3999 / 1440) * 365.25 / 12)
    assert plan.traffic.models == {other: 3000, CURRENT: 1000}
    assert log.tally.counts.max_input_tokens == 9_999


def test_what_a_month_costs_today_has_the_cached_tokens_at_their_price(tmp_path: Path) -> None:
    usage = {"input_tokens": 1000, "output_tokens": 10, "cached_tokens": 800}
    log = logged(written(tmp_path, [record(number, usage=usage) for number in range(3000)]), 500)
    registry = load_registry(today=AS_OF)
    traffic = make_plan(Settings(as_of=AS_OF), registry, log).traffic
    billed = cost_of(registry.get(CURRENT), Usage.model_validate(usage), AS_OF)
    listed = cost_of(registry.get(CURRENT), Usage(input_tokens=1000, output_tokens=10), AS_OF)
    assert billed is not None
    assert listed is not None
    assert billed < listed == traffic.cost_per_call_usd
    assert traffic.monthly_today_usd == billed * (traffic.monthly_requests or 0)
    impact = business_impact(traffic, Interval(value=50.0, low=40.0, high=60.0))
    assert impact is not None
    assert impact.current_monthly_cost_usd == traffic.monthly_today_usd
    assert impact.projected_monthly_savings_usd == traffic.monthly_today_usd / 2


def test_sums_of_parts_are_the_sum_of_the_whole() -> None:
    draw = random.Random(7)
    calls = [
        facts(
            model=draw.choice(["a", "b", None]),
            time=draw.choice([None, START, START + timedelta(days=1)]),
            input_tokens=draw.choice([None, 5, 300_000]),
            cached_tokens=draw.choice([0, 3]),
            segment=draw.choice("xyz"),
            **{name: draw.random() < 0.5 for name in ("is_baseline", "uses_tools", "uses_json", "is_estimated")},
        )
        for _ in range(300)
    ]
    tallies = Tallies((200_000,))
    for call in calls:
        tallies.add(call)
    for wanted in ({"a", "b", "unknown"}, {"a"}, set()):
        own = [call for call in calls if (call.model or "unknown") in wanted]
        found = tallies.of(lambda model, wanted=wanted: model in wanted)  # type: ignore[misc]
        counts = found.counts
        assert found.models == Counter(call.model or "unknown" for call in own)
        assert found.baseline_models == Counter(call.model or "unknown" for call in own if call.is_baseline)
        assert (counts.calls, counts.tools) == (len(own), sum(call.uses_tools for call in own))
        assert counts.json == sum(call.uses_json for call in own)
        assert counts.estimated_calls == sum(call.is_estimated for call in own)
        assert counts.segments == Counter(call.segment for call in own)
        times = [call.time for call in own if call.time is not None]
        assert (counts.timed, counts.first) == (len(times), min(times, default=None))
        assert counts.last == max(times, default=None)
        known = [call.input_tokens for call in own if call.input_tokens is not None]
        assert (counts.known_calls, counts.max_input_tokens) == (len(known), max(known, default=0))
        assert counts.inputs == Counter(known)
        assert sum(tokens.input for _, tokens in found.tokens) == sum(known)
        assert sum(tokens.cached for _, tokens in found.tokens) == sum(
            call.cached_tokens for call in own if call.input_tokens is not None
        )


def facts(**changes: Any) -> CallFacts:
    given = {"input_tokens": 100, "output_tokens": 10, "cached_tokens": 0, "cache_write_tokens": 0, "time": None}
    names = ("is_estimated", "is_baseline", "uses_tools", "uses_json", "uses_vision", "is_multi_turn")
    flags = dict.fromkeys(names, False)
    return CallFacts(**{**flags, **given, "model": CURRENT, "segment": "a", **changes})


def test_costs_are_those_of_each_call_at_its_tier_and_with_its_cache() -> None:
    registry = load_registry(today=AS_OF)
    entries = [entry for entry in registry.entries if entry.price and entry.price_tiers][:3]
    draw = random.Random(3)
    calls = []
    for _ in range(500):
        tokens = draw.choice([1_000, 127_999, 128_000, 128_001, 200_000, 200_001, 272_001, 400_000])
        cached, written_tokens = draw.randrange(tokens // 2), draw.randrange(tokens // 2)
        entry = draw.choice(entries)
        calls.append(
            (
                entry,
                Usage(
                    input_tokens=tokens,
                    output_tokens=draw.randrange(900),
                    cached_tokens=cached,
                    cache_write_tokens=written_tokens,
                ),
            )
        )

    def of(entry: ModelEntry, usage: Usage) -> CallFacts:
        counts = {name: value for name, value in usage.model_dump().items() if name != "reasoning_tokens"}
        return facts(model=entry.id, **counts)

    log = tally((of(entry, usage) for entry, usage in calls), price_thresholds(entries))
    each = [cost_of(entry, usage, AS_OF) for entry, usage in calls]
    billed, count = log.billed_usd(lambda name: registry.get(name), AS_OF)
    assert count == 500
    assert billed is not None
    assert billed == pytest.approx(sum(cost or 0 for cost in each) / 500, rel=Decimal("1e-12"))
    on_one = [
        cost_of(entries[0], Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens), AS_OF)
        for _, usage in calls
    ]
    assert log.list_usd(entries[0], AS_OF) == pytest.approx(
        sum(cost or 0 for cost in on_one) / 500, rel=Decimal("1e-12")
    )


def test_what_has_no_price_is_left_out_of_the_bill() -> None:
    registry = load_registry(today=AS_OF)
    log = tally([facts(), facts(model="unheard-of"), facts(input_tokens=None), facts(cached_tokens=101)])
    traffic = profile_of(log, None, Settings().traffic, AS_OF, lambda name: registry.get(name) if "/" in name else None)
    assert traffic.billed_calls == 2
    assert traffic.billed_per_call_usd == cost_of(
        registry.get(CURRENT), Usage(input_tokens=100, output_tokens=10), AS_OF
    )
    assert (traffic.calls, traffic.calls_without_usage) == (4, 1)


def test_percentiles_are_of_the_nearest_rank() -> None:
    log = tally(facts(input_tokens=number, output_tokens=123_456 if number > 50 else 5) for number in range(1, 101))
    assert log.input_percentiles == Percentiles(p50=50, p90=90, p95=95, p99=99)
    assert log.output_percentiles == Percentiles(p50=5, p90=123_000, p95=123_000, p99=123_000)
    assert Tally().input_percentiles is None


def test_names_without_end_do_not_fill_the_memory() -> None:
    log = tally(facts(model=f"m{number}", segment=f"s{number}") for number in range(3000))
    assert len(log.models) == len(log.counts.segments) == 1001
    assert log.models[OTHERS] == log.counts.segments[OTHERS] == 2000
    assert log.calls == log.counts.known_calls == 3000
