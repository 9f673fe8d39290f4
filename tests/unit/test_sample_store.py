"""Samples in the store by themselves: any text comes back and is found, and what is carried over."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from cqtui.judgements import Comparison, Judgement, Opinion
from cqtui.models import Completion, ToolCall
from cqtui.results import Pair
from cqtui.samples import Sample
from cqtui.store import records, runs
from cqtui.store.database import Database
from cqtui.store.samples import carry_over, find_text, keep_sample, load_sample, sample_rows


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "c.db") as opened:
        for run_id in ("r1", "r2", "r3"):
            opened.run(functools.partial(runs.start_run, run_id=run_id, plan_hash="plan", provider="scripted"))
        yield opened


def keep(store: Database, run_id: str, given: Sample, *, keep_text: bool = True) -> None:
    store.run(lambda c: keep_sample(c, run_id, given, keep_text=keep_text))


def read(store: Database, run_id: str, record_id: str = "r") -> Sample:
    found = store.read(lambda c: load_sample(c, run_id, "m", record_id))
    assert found is not None
    return found.sample


def judgement(points: float, reasoning: str = "") -> Judgement:
    return Judgement(
        accuracy=points, helpfulness=points, clarity=points, completeness=points, reasoning=reasoning, judge="j"
    )


def sample(record_id: str = "r", answer: str | None = "an answer", *, reasoning: str = "", score: float = 80) -> Sample:
    opinion = Opinion(judge="j", candidate_first=True, baseline=judgement(90), candidate=judgement(score, reasoning))
    return Sample(
        pair=Pair(record_id=record_id, baseline_score=90, candidate_score=score, answer_digest="d"),
        model_id="m",
        position=0,
        logged=Completion(text="what was logged"),
        answer=Completion(text=answer) if answer is not None else None,
        comparison=Comparison(opinions=(opinion,)),
    )


HOSTILE = (
    "100% sure",
    "snake_case",
    "'; DROP TABLE samples; --",
    'say "hi"',
    "a\ud800b",
    "nul\0nul",
    "\\u0041",
    "Straße",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_comes_back_and_is_found_as_it_is(store: Database, text: str) -> None:
    kept_samples = [
        sample("answer", f"xx {text} xx"),
        sample("reasoning", reasoning=f"xx {text} xx"),
        sample("logged").model_copy(update={"logged": Completion(refusal=f"xx {text} xx")}),
        sample("tool").model_copy(update={"answer": Completion(tool_calls=(ToolCall(name="f", arguments=text),))}),
        sample("other", "10000 sure snakescase say hi ab nulnul A"),
    ]
    for each in kept_samples:
        keep(store, "r1", each)
    if text.isprintable():  # logs are read without halves of characters
        store.run(lambda c: records.keep_prompts(c, {"other": f"user: {text}"}, "general"))
    found = store.read(lambda c: find_text(c, "r1", text.upper()))
    prompted = {("m", "other")} if text.isprintable() else set()
    assert found == {("m", name) for name in ("answer", "reasoning", "logged", "tool")} | prompted
    assert store.read(lambda c: find_text(c, "r2", text)) == set()
    for each in kept_samples:
        assert read(store, "r1", each.pair.record_id) == each


def test_half_a_character_in_a_name_loses_no_sample(store: Database) -> None:
    odd = sample().model_copy(update={"served_model": "x\udfff"})
    keep(store, "r1", odd)
    assert read(store, "r1") == odd


def test_figures_alone_do_not_hide_an_earlier_answer(store: Database) -> None:
    keep(store, "r1", sample(reasoning="why"))
    keep(store, "r2", sample(reasoning="why"), keep_text=False)
    bare = sample(answer=None).model_copy(update={"comparison": None})
    store.run(lambda c: carry_over(c, "r3", bare, "r"))
    assert read(store, "r3") == sample(reasoning="why")


@pytest.mark.parametrize("change", [{"answer_digest": "e"}, {"candidate_score": 81.0}, {"candidate_refused": True}])
def test_nothing_is_taken_over_from_another_answer_or_other_scores(store: Database, change: dict[str, object]) -> None:
    keep(store, "r1", sample())
    bare = sample(answer=None).model_copy(update={"comparison": None})
    bare = bare.model_copy(update={"pair": bare.pair.model_copy(update=change)})
    store.run(lambda c: carry_over(c, "r2", bare, "r"))
    assert read(store, "r2") == bare


def test_a_row_of_another_shape_is_left_out(store: Database) -> None:
    keep(store, "r1", sample("good"))
    keep(store, "r1", sample("bad"))
    store.run(lambda c: c.execute("""UPDATE samples SET figures_json = '{"pair": 1}' WHERE record_id = 'bad'"""))
    assert [row.record_id for row in store.read(lambda c: sample_rows(c, "r1"))] == ["good"]
    assert store.read(lambda c: load_sample(c, "r1", "m", "bad")) is None
