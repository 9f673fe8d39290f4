"""Labels: shown blind, kept for the very answer, and what they say of the judge and the verdict."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import click.testing
import pytest

from cqtui.cli.main import cqtui
from cqtui.engine.labelling import label_check, questions
from cqtui.engine.optimize import optimize_async
from cqtui.gateway.protocol import ChatRequest
from cqtui.importers import read_logs
from cqtui.models import Replay
from cqtui.results import Pair, Recommendation
from cqtui.settings import PrivacySettings, Settings
from cqtui.store import labels
from cqtui.store.database import Database
from tests.fakes import QUIET, ScriptedClient, answered, judged, write_log

CANDIDATE = "openai/gpt-5.4-mini"
RELATED_JUDGE = "openai/gpt-6.1-terra"


def answer(request: ChatRequest) -> Replay:
    if request.purpose == "judge":
        return judged(request, lambda text: 85 if "candidate" in text else 86)
    return answered(request, f"candidate {request.record_id} \x1b]52;c;x\x07")


def settings(**changes: object) -> Settings:
    base: dict[str, object] = {
        "as_of": date(2026, 11, 25),
        "candidates": (CANDIDATE,),
        "thresholds": QUIET,
        "judge": {"models": (RELATED_JUDGE,)},
        "budget": {"usd": "20"},
    }
    return Settings.model_validate({**base, **changes})


async def run(folder: Path, count: int = 160, **changes: object) -> Recommendation:
    log = write_log(folder / "log.jsonl", count)
    calls = read_logs([str(log)]).calls
    database = folder / ".cqtui" / "cqtui.db"
    return await optimize_async(settings(**changes), calls=calls, client=ScriptedClient(answer), database=database)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CQTUI_DATABASE", raising=False)
    return tmp_path


def invoke(*arguments: str, keys: str = "") -> click.testing.Result:
    return click.testing.CliRunner().invoke(cqtui, ["label", *arguments], input=keys)


def prefer_candidate(shown: list[bool]) -> str:
    return "".join("1" if first else "2" for first in shown)


async def test_thirty_labels_lift_the_block_on_a_related_judge(here: Path) -> None:
    before = await run(here)
    assert before.grade == "leaning"
    blocked = [gate.name for gate in before.evidence[0].gates if not gate.passed]
    assert blocked == ["judge"]
    with Database(here / ".cqtui" / "cqtui.db") as store:
        calls = read_logs([str(here / "log.jsonl")]).calls
        wanted, done = questions(store, CANDIDATE, calls, before.run_id, 30, PrivacySettings())
    assert (len(wanted), done) == (30, 0)
    shown = [question.candidate_first for question in wanted]
    assert 5 < sum(shown) < 25
    said = invoke("--log", "log.jsonl", keys=prefer_candidate(shown[:10]))
    assert "20 more would be enough" in said.output or said.exit_code != 0  # the keys end in mid-question
    rest = invoke("--log", "log.jsonl", keys="=" * 20)
    assert rest.exit_code == 0, rest.output
    assert "30 pairs labelled. The judge agrees with you on" in rest.output
    assert "\x1b" not in rest.output
    after = await run(here)
    check = after.evidence[0].labels
    assert check is not None
    assert check.labelled == 30
    assert check.is_enough
    assert check.agreement_percent.value == pytest.approx(100 * 20 / 30)  # a point's difference is "the same"
    assert check.corrected_points.value == pytest.approx(20 / 3, abs=1.5)
    assert after.grade == "verified"
    assert "human labels" in [gate.name for gate in after.evidence[0].gates]


async def test_labels_that_say_worse_take_verified_away(here: Path) -> None:
    first = await run(here, judge={"models": ("anthropic/claude-haiku-4-5",)})
    assert first.grade == "verified"
    with Database(here / ".cqtui" / "cqtui.db") as store:
        calls = read_logs([str(here / "log.jsonl")]).calls
        for question in questions(store, CANDIDATE, calls, first.run_id, 40, PrivacySettings())[0]:
            store.run(lambda c, q=question: labels.keep_label(c, q.record_id, CANDIDATE, q.digest, "worse"))  # type: ignore[misc]
    again = await run(here, judge={"models": ("anthropic/claude-haiku-4-5",)})
    assert again.grade == "leaning"
    gate = next(gate for gate in again.evidence[0].gates if gate.name == "human labels")
    assert gate.passed is False
    assert "−20.0 points" in gate.found


async def test_a_label_holds_for_the_answer_that_was_seen(here: Path) -> None:
    pairs = [Pair(record_id=str(n), baseline_score=80, candidate_score=80 + n, answer_digest=f"d{n}") for n in range(5)]
    assert label_check(pairs, {("1", "other"): "better"}) is None
    found = label_check(pairs, {("1", "d1"): "same", ("2", "other"): "worse"})
    assert found is not None
    assert found.labelled == 1


async def test_the_pairs_are_shown_blind_and_keys_are_taken_down(here: Path) -> None:
    await run(here, count=40)
    said = invoke("--log", "log.jsonl", "--count", "4", keys="x1s=q")
    assert said.exit_code == 0, said.output
    assert "=== 1 of 4: the request ===" in said.output
    assert "gpt-5" not in said.output
    assert "claude" not in said.output
    assert "2 pairs labelled" in said.output
    told = json.loads(invoke("--json").output)
    assert (told["labelled"], told["is_enough"]) == (2, False)
    more = invoke("--log", "log.jsonl", "--count", "4", keys="q")
    assert "=== 3 of 4: the request ===" in more.output


async def test_what_cannot_be_labelled_is_one_line(here: Path) -> None:
    assert "no store here yet" in str(invoke().exception)
    await run(here, count=10)
    assert "Name the log with --log" in str(invoke().exception)
    (here / "cqtui.toml").write_text('logs = ["other.jsonl"]\n')
    write_log(here / "other.jsonl", 3, model="gpt-5.6-terra")
    text = (here / "other.jsonl").read_text().replace("call-", "other-")
    (here / "other.jsonl").write_text(text)
    assert "None of the judged pairs can be shown" in str(invoke().exception)
    assert "has no judged answers of nobody" in str(invoke("--model", "nobody").exception)
