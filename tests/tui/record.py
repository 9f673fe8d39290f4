"""Records runs for the tests of the terminal app: events, result and a few samples, from the real engine.

Run it after a change of the events or of the result: ``python -m tests.tui.record``. What it writes is read by
``tests/tui/stage.py``. Models are scripted; the times are invented, a fiftieth of a second an event.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from cqtui.engine.pipeline import run
from cqtui.engine.plan import make_plan
from cqtui.events import EVENT, Event
from cqtui.gateway.protocol import ChatRequest, EvidenceKind
from cqtui.models import Failure, Replay
from cqtui.registry.loader import load_registry
from cqtui.settings import Settings
from cqtui.store.database import Database
from cqtui.store.samples import load_sample, sample_rows
from tests.fakes import DIMENSIONS, ScriptedClient, answered, judged_answers, logged_call

FOLDER = Path(__file__).parents[1] / "data" / "tui"
RUN_ID = "3f2a90c1d4e5"
AS_OF = date(2026, 11, 25)
START = datetime(2026, 11, 25, 14, 2, tzinfo=UTC)
CURRENT, TERRA, HAIKU, LUNA = (
    "openai/gpt-6.1-sol",
    "openai/gpt-6.1-terra",
    "anthropic/claude-haiku-5-5",
    "openai/gpt-6-luna",
)
KEPT_SAMPLES = 12  # calls, on every candidate


@dataclass(frozen=True)
class Case:
    """A run to record: how many points each model loses on average, and what else is out of the ordinary."""

    calls: int
    loses: dict[str, float]
    refuses: dict[str, int] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    provider: str = "portkey"
    evidence: EvidenceKind = "measured"
    current: str = CURRENT


CASES = {
    "verified": Case(230, {TERRA: 0.3, HAIKU: 3.5, LUNA: 30.0}, {HAIKU: 40}),
    "keep": Case(60, {TERRA: 22.0, HAIKU: 26.0, LUNA: 40.0}),
    "inconclusive": Case(12, {TERRA: 4.0, HAIKU: 7.0, LUNA: 6.0}),
    "forced": Case(24, {TERRA: 1.0, HAIKU: 4.0, LUNA: 9.0}, current="openai/o3"),
    "rehearsal": Case(40, {TERRA: 0.5, HAIKU: 5.0, LUNA: 9.0}, provider="rehearsal", evidence="simulated"),
}


def _share(*parts: str) -> float:
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:4]) / 2**32


def _answer_of(case: Case) -> Callable[[ChatRequest], Replay | Failure]:
    names = {name.split("/", 1)[1]: name for name in (case.current, TERRA, HAIKU, LUNA)}

    def loss(answer: str, prompt: str) -> float:
        found = next((names[word] for word in answer.split() if word in names), None)
        if found is None or found == case.current:
            return 0.0
        return case.loses[found] + 16 * (_share(answer, prompt) - 0.5)

    def answer(request: ChatRequest) -> Replay | Failure:
        if request.purpose == "judge":
            scores = {}
            for number, text in enumerate(judged_answers(request), 1):
                value = max(0.0, min(100.0, 91.0 - loss(text, request.record_id)))
                scores[f"answer_{number}"] = {**dict.fromkeys(DIMENSIONS, round(value, 1)), "refusal": "none"}
            said = "The second answer explains the rule but does not say what the customer has to do next."
            return answered(request, json.dumps({"reasoning": said, **scores}))
        if request.record_id == "call-0031" and request.model.endswith("luna"):
            return Failure(kind="timeout", message="no answer within 120 s")
        every = case.refuses.get(names.get(request.model, ""), 0)
        if every and int(request.record_id[-4:]) % every == 7:
            return answered(request, "I'm sorry, but I can't help with that request.", output_tokens=14)
        text = f"By {request.model} : {request.record_id} comes to the total as asked, delivery in three days."
        latency = 300 + 900 * _share(request.record_id, request.model)
        return answered(request, text, input_tokens=320, output_tokens=90).model_copy(update={"latency_ms": latency})

    return answer


async def _record(name: str, case: Case) -> None:
    settings = Settings.model_validate(
        {
            "current_model": case.current,
            "candidates": (TERRA, HAIKU, LUNA),
            "use_case": "support",
            "judge": {"models": ("google/gemini-3.1-flash-lite",)},
            "traffic": {"monthly_request_volume": 410_000},
            "as_of": AS_OF,
            "provider": case.provider,
            **case.settings,
        }
    )
    client = ScriptedClient(_answer_of(case))
    client.provider, client.evidence = case.provider, case.evidence
    client.endpoint = "https://api.portkey.ai/v1"
    calls = [logged_call(number, model=case.current) for number in range(case.calls)]
    plan = make_plan(settings, load_registry(today=AS_OF), calls)
    events: list[Event] = []
    moments = iter(range(10**9))
    with tempfile.TemporaryDirectory() as folder, Database(Path(folder) / "c.db") as store:
        result = await run(
            plan, client, store, events.append, clock=lambda: START + timedelta(milliseconds=20 * next(moments))
        )
        await store.run_async(lambda c: None)
        rows = [row for row in store.read(lambda c: sample_rows(c, result.run_id)) if row.position < KEPT_SAMPLES]
        kept = store.read(lambda c: [load_sample(c, result.run_id, row.model_id, row.record_id) for row in rows])
    _write(
        f"{name}.events.jsonl.gz", "".join(EVENT.dump_json(event).decode() + "\n" for event in events), result.run_id
    )
    fixed = result.model_copy(update={"at": START + timedelta(minutes=1), "seconds": 61.0})
    _write(f"{name}.result.json.gz", fixed.model_dump_json(), result.run_id)
    samples = [[each.sample.model_dump(mode="json"), each.prompt] for each in kept if each is not None]
    _write(f"{name}.samples.json.gz", json.dumps(samples), result.run_id)
    print(f"{name}: {result.grade}, {len(events)} events, {result.sentence}")


def _write(name: str, text: str, run_id: str) -> None:
    data = text.replace(run_id, RUN_ID).encode()
    (FOLDER / name).write_bytes(gzip.compress(data, mtime=0))


if __name__ == "__main__":
    for case_name, each_case in CASES.items():
        asyncio.run(_record(case_name, each_case))
