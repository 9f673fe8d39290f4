"""Scores answers: a model asked with the pointwise rubric, or deterministic checks against the logged answer."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Protocol

import jinja2
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cqtui.checks.answers import token_overlap
from cqtui.checks.conversation import render_completion, render_conversation
from cqtui.checks.embedding import embedding_similarity
from cqtui.checks.scoring import score_against_logged
from cqtui.engine.adjustments import Adjustments, call_adjusted
from cqtui.engine.calling import RUBRIC_VERSION, Caller
from cqtui.gateway.protocol import ChatRequest
from cqtui.gateway.translate import Translation, translate
from cqtui.models import Completion, Failure, LoggedCall, Message, ModelEntry, Origin, Part, Replay
from cqtui.resources import resource_path
from cqtui.results import Judgement
from cqtui.store.versions import RUBRIC, model_component, model_version

MAX_JUDGE_TOKENS = 2048
_REPAIR = "That was not the JSON object that was asked for. Answer with that JSON object alone."


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore")

    reasoning: str = ""
    accuracy: float = Field(ge=0, le=100)
    helpfulness: float = Field(ge=0, le=100)
    clarity: float = Field(ge=0, le=100)
    completeness: float = Field(ge=0, le=100)


_SCORE = {"type": "number"}
SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "judgement",
        "strict": True,
        "schema": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "reasoning": {"type": "string"},
                "accuracy": _SCORE,
                "helpfulness": _SCORE,
                "clarity": _SCORE,
                "completeness": _SCORE,
            },
            "required": ["reasoning", "accuracy", "helpfulness", "clarity", "completeness"],
        },
    },
}


@functools.cache
def _template() -> jinja2.Template:
    source = resource_path("templates/judge/pointwise.md.j2").read_text(encoding="utf-8")
    return jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False).from_string(source)


def judge_prompt(call: LoggedCall, answer: Completion) -> str:
    """The judge's prompt; the quoted texts cannot close the marks around them."""
    prompt, text = render_conversation(call.messages), render_completion(answer)
    fence = "q" + hashlib.sha256(f"{prompt}\0{text}".encode()).hexdigest()[:10]
    while fence in prompt or fence in text:
        fence = "q" + hashlib.sha256(fence.encode()).hexdigest()[:10]
    return _template().render(fence=fence, prompt=prompt, answer=text)


def read_judgement(text: str | None, judge: str) -> Judgement | None:
    """The scores in a judge's answer, or None where it is not the JSON object that was asked for."""
    if not text:
        return None
    body = text.strip()
    if body.startswith("```"):
        body = body.strip("`").removeprefix("json").strip()
    try:
        return Judgement(judge=judge, **_Reply.model_validate(json.loads(body)).model_dump())
    except (ValueError, RecursionError, ValidationError):
        return None


class Judge(Protocol):
    """Whoever scores an answer to a logged call.

    ``identity`` names all that decides the scores; ``versions`` what they depend on (``store/versions.py``).
    """

    name: str
    identity: str
    versions: Mapping[str, str]

    async def score(self, call: LoggedCall, answer: Completion) -> Judgement | Failure | None:
        """The scores; None: the judge's answer cannot be read; a failure: it gave none, and may at another time."""
        ...


class ModelJudge:
    """Asks a model, once, and once more where its answer cannot be read; then the answer stays unjudged."""

    def __init__(
        self,
        caller: Caller,
        adjustments: Adjustments,
        entry: ModelEntry,
        run_id: str,
        timeout_s: float,
        slugs: Mapping[str, str],
    ) -> None:
        """Use a registry model as judge; ``slugs`` are the team's own."""
        self.name = entry.id
        self.identity = f"{entry.portkey_slug}/{entry.model}/{RUBRIC_VERSION}"
        self.versions: Mapping[str, str] = {
            RUBRIC: RUBRIC_VERSION,
            model_component(entry.id): model_version(entry, slugs),
        }
        self._caller = caller
        self._adjustments = adjustments
        self._entry = entry
        self._run_id = run_id
        self._timeout_s = timeout_s

    def _wire(self, call: LoggedCall, answer: Completion) -> Translation:
        asked = LoggedCall(
            id=call.id,
            messages=(Message(role="user", parts=(Part(text=judge_prompt(call, answer)),)),),
            params={"temperature": 0, "max_tokens": MAX_JUDGE_TOKENS, "response_format": SCHEMA},
            origin=Origin(file="", format="judge"),
        )
        return translate(asked, self._entry)

    def _request(self, wire: Translation, record_id: str, repeat: int) -> ChatRequest:
        return ChatRequest(
            model=self._entry.model,
            provider=self._entry.portkey_slug,
            messages=wire.messages,
            params=wire.params,
            repeat=repeat,
            purpose="judge",
            run_id=self._run_id,
            model_id=self._entry.id,
            record_id=record_id,
            timeout_s=self._timeout_s,
        )

    async def _ask(self, wire: Translation, record_id: str, repeat: int = 0) -> Replay:
        replay, _ = await call_adjusted(
            self._caller, self._adjustments, wire, self._entry, lambda final: self._request(final, record_id, repeat)
        )
        return replay

    async def score(self, call: LoggedCall, answer: Completion) -> Judgement | Failure | None:
        """Ask the model; see ``Judge.score``."""
        wire = self._wire(call, answer)
        replay = await self._ask(wire, call.id)
        text = replay.completion.text if replay.completion is not None else None
        judgement = read_judgement(text, self.name)
        if judgement is not None or replay.failure is not None:
            return judgement or replay.failure
        repair = ({"role": "assistant", "content": text or ""}, {"role": "user", "content": _REPAIR})
        again = wire.model_copy(update={"messages": (*wire.messages, *repair)})
        replay = await self._ask(again, call.id, repeat=1)
        if replay.failure is not None:
            return replay.failure
        return read_judgement(replay.completion.text if replay.completion is not None else None, self.name)


def similarity(left: str, right: str) -> float:
    """Embedding similarity where the extra is installed, else shared words; 0..1."""
    embedded = embedding_similarity(left, right)
    return token_overlap(left, right) if embedded is None else embedded


class ChecksJudge:
    """Scores by checks and similarity to the logged answer, which itself scores 100."""

    name = "checks"
    versions: Mapping[str, str] = {}

    def __init__(self) -> None:
        """The similarity is the embedding's where the extra is installed, and then decides otherwise."""
        self.identity = "checks/embedding" if find_spec("wordllama") is not None else "checks/words"

    async def score(self, call: LoggedCall, answer: Completion) -> Judgement | Failure | None:
        """Compare with the logged answer; see ``Judge.score``."""
        if call.completion is None:
            return None
        found = score_against_logged(call.completion, answer, call.params, similarity)
        return Judgement(
            accuracy=found.accuracy,
            helpfulness=found.helpfulness,
            clarity=found.clarity,
            completeness=found.completeness,
            reasoning=found.reason,
            judge=self.name,
        )
