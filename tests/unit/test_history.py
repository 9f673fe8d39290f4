"""Summaries, trends and comparisons of past runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from cqtui.errors import BadInputError
from cqtui.report.comparison import compare, comparison_json, shown_difference
from cqtui.report.history import history_json, summary, summary_of, trends
from cqtui.report.past_runs import past_result, past_runs
from cqtui.results import Interval, Recommendation
from cqtui.store import runs
from cqtui.store.database import Database
from cqtui.store.runs import StoredRun
from tests.fakes import pairs
from tests.results import CURRENT, NEW, RULES, evidence_of, recommendation, store_run

DAY = datetime(2026, 11, 1, tzinfo=UTC)
OTHER = "openai/gpt-5.6-nano"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store_run(tmp_path, recommendation(run_id="aaa111"))
    store_run(tmp_path, recommendation(pairs(60, drop=1.0), run_id="aab222"))
    store_run(tmp_path, recommendation(run_id="ccc333", provider="rehearsal"))
    return tmp_path


def store_of(folder: Path) -> Database:
    return Database(folder / ".cqtui" / "cqtui.db")


def test_runs_are_listed_newest_first_and_rehearsals_only_where_asked_for(folder: Path) -> None:
    with store_of(folder) as store:
        listed = store.run(runs.list_runs)
        everything = store.run(lambda c: runs.list_runs(c, rehearsals=True))
    assert [run.run_id for run in listed] == ["aab222", "aaa111"]
    assert [(run.run_id, run.is_rehearsal) for run in everything] == [
        ("ccc333", True),
        ("aab222", False),
        ("aaa111", False),
    ]
    assert all(run.has_result and run.finished_at is not None for run in everything)


def test_an_unfinished_run_is_listed_with_what_it_spent_so_far(folder: Path) -> None:
    with store_of(folder) as store:
        store.run(lambda c: runs.start_run(c, "ddd444", "plan", "portkey"))
        for number, purpose in enumerate(("replay", "judge")):
            send = partial(runs.send_attempt, run_id="ddd444", model_id=NEW, record_id="r", attempt=1)
            store.run(partial(send, cache_key=f"k{number}", purpose=purpose, reserved_usd=Decimal("0.25")))
        store.run(lambda c: runs.settle_attempt(c, 1, Decimal("0.1"), None))
        newest = store.run(past_runs)[0]
    assert (newest.run_id, newest.state, newest.sentence) == ("ddd444", "unfinished", "")
    assert newest.spent_usd == Decimal("0.35")  # the second attempt's outcome is unknown: its reservation


def test_the_analysis_of_one_prompt_is_no_run_of_a_log(folder: Path) -> None:
    with store_of(folder) as store:
        store.run(lambda c: runs.start_run(c, "eee555", f"{runs.ANALYSIS_PLAN}eee555", "portkey"))
        assert "eee555" not in [run.run_id for run in store.run(lambda c: runs.list_runs(c, rehearsals=True))]


def test_a_run_is_found_by_its_beginning_unless_that_is_ambiguous_or_unknown(folder: Path) -> None:
    store_run(folder, recommendation(run_id="aaa"))
    with store_of(folder) as store:
        assert store.run(lambda c: past_result(c, "aab")).run_id == "aab222"
        assert store.run(lambda c: past_result(c, "aaa")).run_id == "aaa"  # an id that begins another
        with pytest.raises(BadInputError, match=r'3 runs begin with "aa": aaa, aab222, aaa111\. Give more'):
            store.run(lambda c: past_result(c, "aa"))
        for unknown in ("zz", "", "%"):
            with pytest.raises(BadInputError, match="No run with a result begins with"):
                store.run(partial(past_result, beginning=unknown))


def test_a_result_of_another_shape_is_said_to_be_of_another_version(folder: Path) -> None:
    with store_of(folder) as store:
        store.run(lambda c: c.execute("UPDATE runs SET result_json = '{\"grade\": 1}' WHERE run_id = 'aaa111'"))
        oldest = store.run(past_runs)[-1]
        with pytest.raises(BadInputError, match="another version"):
            store.run(lambda c: past_result(c, "aaa111"))
    assert (oldest.run_id, oldest.state, oldest.grade) == ("aaa111", "unreadable", None)


def test_a_summary_says_what_the_run_said() -> None:
    result = recommendation()
    found = summary_of(result)
    chosen = result.recommended
    assert chosen is not None
    assert chosen.savings_percent is not None
    assert (found.grade, found.recommended, found.current_model, found.model) == ("verified", True, CURRENT.id, NEW)
    assert found.sentence == result.sentence
    assert found.pairs == chosen.pairs
    assert found.cost_saving_percent is not None
    assert found.cost_saving_percent.low == round(chosen.savings_percent.low, 3)
    kept = summary_of(recommendation(pairs(60, drop=30.0)))
    assert (kept.grade, kept.recommended, kept.model) == ("keep", False, NEW)  # the closest one
    ended = StoredRun(run_id="x", provider="portkey", started_at=DAY, finished_at=DAY, has_result=False)
    assert summary(ended, None).state == "no result"


def on_day(number: int, result: Recommendation) -> Recommendation:
    return result.model_copy(update={"at": DAY + timedelta(days=number), "run_id": f"run{number}"})


def test_a_trend_is_one_switch_over_time_without_rehearsals_and_unfinished_runs() -> None:
    found = [
        on_day(3, recommendation()),
        on_day(1, recommendation(pairs(60, drop=1.0))),
        on_day(2, recommendation(model_id=OTHER)),
        on_day(4, recommendation(provider="rehearsal")),
        on_day(5, recommendation(stage="interrupted")),
    ]
    series = trends(summary_of(each) for each in found)
    assert [(trend.model, [point.run_id for point in trend.points]) for trend in series] == [
        (NEW, ["run1", "run3"]),
        (OTHER, ["run2"]),
    ]
    assert series[0].points[0].grade == "leaning"
    document = history_json([summary_of(each) for each in found])
    assert document["trends"][0]["points"][1]["cost_saving_percent"]["value"] > 40
    assert document["runs"][0]["spent_usd"] == 0.5
    assert [run["simulated"] for run in document["runs"]] == [False, False, False, True, False]
    assert [run["paid"] for run in document["runs"]] == [True, True, True, False, True]


@pytest.mark.parametrize(
    ("a", "b", "shown"),
    [
        ((0, 1), (1, 2), "no difference shown"),
        ((0, 1), (1.01, 2), "differs"),
        ((3, 4), (1, 2), "differs"),
        ((0, 9), (1, 2), "no difference shown"),
        (None, (1, 2), "unknown"),
        ((1, 2), None, "unknown"),
    ],
)
def test_figures_differ_only_where_their_intervals_do_not_overlap(
    a: tuple[float, float] | None, b: tuple[float, float] | None, shown: str
) -> None:
    first, second = (None if ends is None else Interval(value=ends[0], low=ends[0], high=ends[1]) for ends in (a, b))
    assert shown_difference(first, second) == shown


def test_a_run_compared_with_itself_shows_no_difference() -> None:
    result = recommendation()
    compared = compare(result, result)
    assert compared.same_answer
    assert compared.conditions == ()
    (only,) = compared.candidates
    assert {only.cost_saving, only.quality_impact, only.refusals} == {"no difference shown"}


def test_a_comparison_names_what_was_not_alike_and_who_was_tried_once() -> None:
    a = recommendation()
    worse = evidence_of(pairs(60, drop=30.0))
    b = recommendation(
        pairs(60, drop=30.0),
        run_id="b",
        provider="rehearsal",
        judge="acme/other",
        seed=7,
        as_of=a.as_of + timedelta(days=1),
        thresholds=RULES.model_copy(update={"max_quality_drop_percent": 2.0, "max_catastrophe_percent": 1.5}),
        evidence=(worse, evidence_of(pairs(60), OTHER)),
    )
    compared = compare(a, b)
    assert not compared.same_answer
    assert {each.what: (each.a, each.b) for each in compared.conditions} == {
        "kind of answers": ("measured", "simulated"),
        "provider": ("portkey", "rehearsal"),
        "judge": ("openai/judge", "acme/other"),
        "seed": ("0", "7"),
        "prices as of": ("2026-11-25", "2026-11-26"),
        "threshold max_quality_drop_percent": ("5", "2"),
        "threshold max_catastrophe_percent": ("none", "1.5"),
    }
    assert compared.only_in_a == ()
    assert compared.only_in_b == (OTHER,)
    (both,) = compared.in_both
    assert (both.model, both.quality_impact) == (NEW, "differs")
    document = comparison_json(compared)
    assert document["candidates"][1]["a"] is None
    assert document["candidates"][0]["b"]["pairs"] == worse.pairs


def test_two_runs_that_keep_the_model_agree_whatever_came_closest() -> None:
    one = recommendation(pairs(60, drop=30.0))
    other = recommendation(pairs(60, drop=30.0), OTHER)
    assert one.grade == other.grade == "keep"
    assert compare(one, other).same_answer
