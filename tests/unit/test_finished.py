"""What stands for a pair or a trial whose answer is not kept."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cqtui.models import Completion, Failure, GuardrailCheck, GuardrailOutcome, Replay, Usage
from cqtui.results import Pair
from cqtui.store import cache
from cqtui.store.database import Database
from cqtui.store.finished import Finished, FinishedPair, FinishedTrial
from tests.fakes import logged_call

CALL = logged_call(1)
USAGE = Usage(input_tokens=100, output_tokens=50, cached_tokens=20)
VERSIONS = {"model:acme/small": "@acme/small", "rubric": "pointwise-1"}
PAIR = Pair(
    record_id=CALL.id,
    session="Ms. Harrowfen",
    baseline_score=90.0,
    candidate_score=80.0,
    baseline_cost_usd=Decimal("0.2"),
    candidate_cost_usd=Decimal("0.1"),
    latency_ms=12.5,
    candidate_refused=True,
    format_failed=True,
    truncated=True,
    translated=("max_tokens → max_completion_tokens",),
    dropped=("seed",),
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "cqtui.db") as opened:
        yield opened


def finished(database: Database, **changes: Any) -> Finished:
    return Finished(
        database, **{"endpoint": "scripted/1", "judge": "j/1", "version": "0.1.0", "ttl_s": 3600, **changes}
    )


def wait_until_kept(database: Database) -> None:
    """Wait until what was queued is kept."""
    database.run(lambda c: None)


def dump(database: Database) -> str:
    return database.run(lambda c: "\n".join(c.iterdump()))


def test_a_pair_comes_back_without_costs_and_session(database: Database) -> None:
    store = finished(database)
    store.keep_pair("hash", CALL, PAIR, USAGE, VERSIONS)
    wait_until_kept(database)
    gone: dict[str, Any] = {"session": None, "baseline_cost_usd": None, "candidate_cost_usd": None}
    assert store.pair("hash", CALL) == FinishedPair(pair=PAIR.model_copy(update=gone), usage=USAGE)
    assert "Harrowfen" not in dump(database)


@pytest.mark.parametrize(
    "change",
    [{"endpoint": "scripted/2"}, {"judge": "j/2"}, {"version": "0.2.0"}],
)
def test_another_endpoint_judge_or_version_has_its_own(database: Database, change: dict[str, str]) -> None:
    finished(database).keep_pair("hash", CALL, PAIR, USAGE, VERSIONS)
    wait_until_kept(database)
    assert finished(database).pair("hash", CALL) is not None
    assert finished(database, **change).pair("hash", CALL) is None


def test_another_request_or_another_logged_answer_has_its_own(database: Database) -> None:
    store = finished(database)
    store.keep_pair("hash", CALL, PAIR, USAGE, VERSIONS)
    wait_until_kept(database)
    other = CALL.model_copy(update={"completion": Completion(text="another answer")})
    assert store.pair("other", CALL) is None
    assert store.pair("hash", other) is None
    assert store.pair("hash", CALL.model_copy(update={"finish_reason": "length"})) is None
    assert store.pair("hash", CALL.model_copy(update={"id": "moved", "time": None})) is not None


def test_a_failed_pair_is_tried_again(database: Database) -> None:
    store = finished(database)
    store.keep_pair("hash", CALL, Pair(record_id=CALL.id, failure="timeout"), Usage(), VERSIONS)
    wait_until_kept(database)
    assert store.pair("hash", CALL) is None


def test_a_rule_of_invalidation_finds_pairs(database: Database) -> None:
    store = finished(database)
    store.keep_pair("hash", CALL, PAIR, USAGE, VERSIONS)
    wait_until_kept(database)
    assert database.run(lambda c: cache.apply_versions(c, {"rubric": "pointwise-2"})) == {"pair": 1}
    assert store.pair("hash", CALL) is None


def test_an_entry_of_another_shape_is_a_miss(database: Database) -> None:
    store = finished(database)
    store.keep_pair("hash", CALL, PAIR, USAGE, VERSIONS)
    wait_until_kept(database)
    database.run(lambda c: c.execute("""UPDATE cache SET value_json = '{"pair": {"surprise": 1}}'"""))
    assert store.pair("hash", CALL) is None


def under_guardrails(*, error: str | None, failure: Failure | None = None) -> Replay:
    check = GuardrailCheck(hook="input", id="pii", verdict=None if error else True, error=error)
    return Replay(
        model="small",
        completion=None if failure else Completion(text="answermark"),
        finish_reason="stop",
        usage=USAGE,
        failure=failure,
        guardrails=GuardrailOutcome(status=446 if failure else 200, checks=(check,), latency_ms=3.0),
    )


def test_a_trial_comes_back_without_its_answer(database: Database) -> None:
    store = finished(database)
    store.keep_trial("hash", CALL, under_guardrails(error="errormark"), True, VERSIONS)
    wait_until_kept(database)
    left = under_guardrails(error="errormark").model_copy(update={"completion": None})
    assert store.trial("hash", CALL) == FinishedTrial(replay=left, refused=True)
    assert store.pair("hash", CALL) is None
    assert "answermark" not in dump(database)


def test_without_text_a_broken_check_keeps_its_name_alone(database: Database) -> None:
    store = finished(database, keep_text=False)
    blocked = Failure(kind="blocked_by_guardrail", message="blockmark", status=446)
    store.keep_trial("1", CALL, under_guardrails(error="errormark"), False, VERSIONS)
    wait_until_kept(database)
    store.keep_trial("2", CALL, under_guardrails(error=None, failure=blocked), False, VERSIONS)
    wait_until_kept(database)
    text = dump(database)
    assert "pii" in text
    assert not [mark for mark in ("answermark", "errormark", "blockmark") if mark in text]
    found = store.trial("2", CALL)
    assert found is not None
    assert found.replay.failure is not None
    assert found.replay.failure.kind == "blocked_by_guardrail"


def test_a_trial_that_failed_is_tried_again(database: Database) -> None:
    store = finished(database)
    failure = Failure(kind="timeout", message="late")
    store.keep_trial("hash", CALL, Replay(model="small", failure=failure), False, VERSIONS)
    wait_until_kept(database)
    assert store.trial("hash", CALL) is None
