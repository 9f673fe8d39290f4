"""What tests put in the place of hosted models, logs and clocks."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from cqtui.gateway.protocol import ChatRequest, EvidenceKind
from cqtui.models import (
    Candidate,
    Completion,
    Failure,
    LoggedCall,
    Message,
    ModelEntry,
    Origin,
    Part,
    Price,
    Replay,
    Usage,
)
from cqtui.results import Pair


class FakeClock:
    """Time in seconds; sleeping moves it, to the earliest sleeper's end first."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)


def logged_call(number: int, *, model: str = "openai/gpt-5.6-terra", text: str | None = None) -> LoggedCall:
    """A support call with a known answer."""
    crates, price = 2 + number % 37, 3 + number % 23
    question = f"How much are {crates} crates at {price} dollars in order {number}?"
    answer = f"Order {number} has {crates} crates. Each costs {price} dollars. The total is {crates * price} dollars."
    return LoggedCall(
        id=f"call-{number:04d}",
        time=datetime(2026, 10, 1, tzinfo=UTC) + timedelta(hours=number),
        model=model.rsplit("/", 1)[-1],
        messages=(
            Message(role="system", parts=(Part(text="You are the support desk."),)),
            Message(role="user", parts=(Part(text=question),)),
        ),
        completion=Completion(text=text if text is not None else answer),
        finish_reason="stop",
        usage=Usage(input_tokens=300 + number % 50, output_tokens=100 + number % 30),
        origin=Origin(file="log.jsonl", format="native", line=number + 1),
    )


def write_log(path: Path, count: int, *, model: str = "gpt-5.6-terra") -> Path:
    """A native JSONL log of ``count`` calls."""
    lines = []
    for number in range(count):
        call = logged_call(number, model=model)
        assert call.completion is not None
        assert call.time is not None
        record = {
            "id": call.id,
            "timestamp": call.time.isoformat(),
            "model": call.model,
            "messages": [{"role": m.role, "content": m.text} for m in call.messages],
            "completion": {"content": call.completion.text, "finish_reason": "stop"},
            "usage": {"input_tokens": call.usage.input_tokens, "output_tokens": call.usage.output_tokens},
        }
        lines.append(json.dumps(record))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def model_entry(model_id: str, price_in: str, price_out: str, **more: object) -> ModelEntry:
    """A registry model with what a test cares for."""
    provider, model = model_id.split("/", 1)
    values: dict[str, object] = {
        "id": model_id,
        "display_name": model,
        "provider": provider,
        "family": provider,
        "portkey_slug": provider,
        "model": model,
        "is_active": True,
        "price": Price(input=Decimal(price_in), output=Decimal(price_out)),
        **more,
    }
    return ModelEntry.model_validate(values)


def candidate(
    model_id: str = "acme/small", price_in: str = "1", price_out: str = "2", cost: str = "0.001"
) -> Candidate:
    """A discovered candidate."""
    return Candidate(
        entry=model_entry(model_id, price_in, price_out),
        cost_per_call_usd=Decimal(cost),
        expected_saving_percent=50.0,
    )


def pairs(
    count: int, *, drop: float = 0.0, sd: float = 5.0, seed: int = 0, saving: float = 0.5, refused: int = 0
) -> list[Pair]:
    """Pairs whose candidate scores are ``drop`` points lower on average."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        baseline = 88.0 + rng.uniform(-4, 4)
        score = max(0.0, min(100.0, baseline - drop + rng.gauss(0, sd)))
        cost = Decimal(str(round(0.01 * rng.uniform(0.8, 1.2), 6)))
        newly = number < refused
        found.append(
            Pair(
                record_id=f"r{number}",
                baseline_score=baseline,
                candidate_score=0.0 if newly else score,
                baseline_cost_usd=cost,
                candidate_cost_usd=cost * Decimal(str(1 - saving)) * Decimal(str(round(rng.uniform(0.9, 1.1), 4))),
                latency_ms=100.0 + number,
                candidate_refused=newly,
            )
        )
    return found


QUIET = {"noise_floor_samples": 0}  # thresholds where the current model is not asked again


class ScriptedClient:
    """Answers by a function of the request; keeps every request it was sent."""

    provider = "scripted"
    endpoint = "scripted/1"
    evidence: EvidenceKind = "measured"

    def __init__(self, answer: Callable[[ChatRequest], Replay | Failure]) -> None:
        self._answer = answer
        self.requests: list[ChatRequest] = []

    async def complete(self, request: ChatRequest) -> Replay:
        self.requests.append(request)
        found = self._answer(request)
        if isinstance(found, Failure):
            return Replay(model=request.model, failure=found)
        return found

    async def aclose(self) -> None:
        """Nothing to close."""


def answered(request: ChatRequest, text: str, *, input_tokens: int = 100, output_tokens: int = 50) -> Replay:
    """A plain answer."""
    return Replay(
        model=request.model,
        served_model=request.model,
        completion=Completion(text=text),
        finish_reason="stop",
        usage=Usage(input_tokens=input_tokens, output_tokens=output_tokens),
        latency_ms=12.0,
        status=200,
    )


DIMENSIONS = ("accuracy", "helpfulness", "clarity", "completeness")
_ANSWERS = re.compile(r"\[\[(\w+) answer(?: [12])?\]\]\n(.*?)\n\[\[/\1\]\]", re.DOTALL)


def scores(values: Iterable[float], reasoning: str = "because") -> str:
    """A pointwise judge's JSON."""
    return json.dumps({"reasoning": reasoning, **dict(zip(DIMENSIONS, values, strict=True))})


def judged_answers(request: ChatRequest) -> list[str]:
    """The answers that a judge is asked about, in the order shown."""
    return [text for _, text in _ANSWERS.findall(request.messages[0]["content"])]


def judged(request: ChatRequest, score: Callable[[str], float], reasoning: str = "because") -> Replay:
    """A judge that scores each answer by its text, in the form that is asked for."""
    found = [dict.fromkeys(DIMENSIONS, score(answer)) for answer in judged_answers(request)]
    if len(found) == 1:
        return answered(request, json.dumps({"reasoning": reasoning, **found[0]}))
    both = {f"answer_{number}": {**each, "refusal": "none"} for number, each in enumerate(found, 1)}
    return answered(request, json.dumps({"reasoning": reasoning, **both}))


def by_hash(answer: str) -> float:
    """A score of about 90."""
    return 88 + int(hashlib.sha256(answer.encode()).hexdigest()[:2], 16) % 5


def good_model(request: ChatRequest) -> Replay:
    """A candidate that answers and a judge that gives about 90, by the answer's hash."""
    if request.purpose == "judge":
        return judged(request, by_hash)
    return answered(request, f"{request.model} says the total is as asked: {request.record_id}.")
