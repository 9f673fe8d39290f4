"""Scores answers: a model or a jury of models asked by template, or deterministic checks against the logged answer."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Protocol, TypeVar

from cqtui.checks.answers import token_overlap
from cqtui.checks.conversation import render_completion, render_conversation
from cqtui.checks.embedding import embedding_similarity
from cqtui.checks.scoring import score_against_logged
from cqtui.engine.adjustments import Adjustments, call_adjusted
from cqtui.engine.calling import Caller
from cqtui.engine.judge_prompt import (
    REPAIR,
    UNREADABLE,
    JudgeMode,
    pointwise_prompt,
    read_pointwise,
    read_side_by_side,
    response_format,
    rubric_version,
    side_by_side_prompt,
)
from cqtui.gateway.protocol import ChatRequest
from cqtui.gateway.translate import Translation, translate
from cqtui.judgements import Comparison, Judgement, Opinion
from cqtui.models import Completion, Failure, LoggedCall, Message, ModelEntry, Origin, Part, Replay
from cqtui.store.versions import RUBRIC, model_component, model_version

MAX_JUDGE_TOKENS = 2048
ESCALATION_POINTS = 20.0
T = TypeVar("T")


class Judge(Protocol):
    """Whoever scores the two answers of a pair.

    ``identity`` names all that decides the scores; ``versions`` what they depend on (``store/versions.py``).
    """

    name: str
    identity: str
    versions: Mapping[str, str]

    async def compare(self, call: LoggedCall, answer: Completion, candidate_id: str) -> Comparison | Failure | None:
        """Score the logged answer and a candidate's.

        None: what the judge said cannot be read, and would not be at another time. A failure: it said nothing, and may
        at another time.
        """
        ...


class PairOrder:
    """In which order a judge sees the answers of a pair: by chance, but always the same for one pair and seed.

    A pair is what was asked, the logged answer and the candidate: a call that was logged twice has one order, since its
    judgement is kept once.
    """

    def __init__(self, seed: int, swap_share: float) -> None:
        """Have ``swap_share`` of the pairs (0..1) judged in both orders."""
        self._seed = seed
        self.swap_share = swap_share

    @property
    def name(self) -> str:
        """What decides the orders."""
        return f"{self.swap_share} by {self._seed}"

    def of(self, call: LoggedCall, candidate_id: str) -> tuple[bool, ...]:
        """For each time that a judge is asked, whether the candidate's answer comes first."""
        content = f"{render_conversation(call.messages)}\0{render_completion(call.completion or Completion())}"
        named = f"{self._seed}\0{candidate_id}\0{content}"
        digest = hashlib.sha256(named.encode("utf-8", "surrogatepass")).digest()
        first = digest[0] < 128
        is_swapped = int.from_bytes(digest[1:5]) < self.swap_share * 2**32
        return (first, not first) if is_swapped else (first,)


class ModelJudge:
    """Asks one model, and once more where its answer cannot be read; then the answer stays unjudged."""

    def __init__(
        self,
        caller: Caller,
        adjustments: Adjustments,
        entry: ModelEntry,
        *,
        mode: JudgeMode,
        rubric: str,
        order: PairOrder,
        run_id: str,
        timeout_s: float,
        slugs: Mapping[str, str],
    ) -> None:
        """Use a registry model as judge.

        Args:
            caller: Makes the calls.
            adjustments: What is known of the models.
            entry: The judge's model.
            mode: Whether both answers are shown at once.
            rubric: What the four dimensions mean.
            order: In which order the answers of a pair are shown, side by side.
            run_id: Travels as trace data.
            timeout_s: Of each attempt, in seconds.
            slugs: The team's own Portkey slugs.
        """
        version = rubric_version(mode, rubric)
        self.name = entry.id
        self.identity = f"{entry.portkey_slug}/{entry.model}/{version}/{order.name}"
        self.versions: Mapping[str, str] = {RUBRIC: version, model_component(entry.id): model_version(entry, slugs)}
        self._mode = mode
        self._rubric = rubric
        self._order = order
        self._caller = caller
        self._adjustments = adjustments
        self._entry = entry
        self._run_id = run_id
        self._timeout_s = timeout_s

    async def compare(self, call: LoggedCall, answer: Completion, candidate_id: str) -> Comparison | Failure | None:
        """Ask the model; see ``Judge.compare``."""
        logged = call.completion or Completion()
        if self._mode == "pointwise":
            return await self._one_by_one(call, logged, answer)
        orders = self._order.of(call, candidate_id)
        found = await asyncio.gather(*(self._side_by_side(call, logged, answer, order) for order in orders))
        opinions = tuple(opinion for opinion in found if isinstance(opinion, Opinion))
        if len(opinions) == len(found):
            return Comparison(opinions=opinions)
        return next((opinion for opinion in found if isinstance(opinion, Failure)), None)

    async def _one_by_one(
        self, call: LoggedCall, logged: Completion, answer: Completion
    ) -> Comparison | Failure | None:
        baseline, candidate = await asyncio.gather(self.score(call, logged), self.score(call, answer))
        if isinstance(baseline, Judgement) and isinstance(candidate, Judgement):
            opinion = Opinion(judge=self.name, candidate_first=None, baseline=baseline, candidate=candidate)
            return Comparison(opinions=(opinion,))
        return next((found for found in (baseline, candidate) if isinstance(found, Failure)), None)

    async def score(self, call: LoggedCall, answer: Completion) -> Judgement | Failure | None:
        """One answer's scores; see ``Judge.compare`` for what else may come back."""
        prompt = pointwise_prompt(call, answer, self._rubric)
        return await self._ask(call.id, prompt, lambda text: read_pointwise(text, self.name))

    async def _side_by_side(
        self, call: LoggedCall, logged: Completion, answer: Completion, candidate_first: bool
    ) -> Opinion | Failure | None:
        first, second = (answer, logged) if candidate_first else (logged, answer)
        prompt = side_by_side_prompt(call, first, second, self._rubric)
        return await self._ask(
            call.id, prompt, lambda text: read_side_by_side(text, self.name, candidate_first=candidate_first)
        )

    async def _ask(self, record_id: str, prompt: str, read: Callable[[str | None], T | None]) -> T | Failure | None:
        wire = self._wire(prompt)
        replay = await self._send(wire, record_id)
        found = read(_text(replay))
        if found is not None or replay.failure is not None:
            return found or replay.failure
        # What it said is not quoted: where no text is kept, a later run would ask otherwise and pay again.
        repair = ({"role": "assistant", "content": UNREADABLE}, {"role": "user", "content": REPAIR})
        again = wire.model_copy(update={"messages": (*wire.messages, *repair)})
        replay = await self._send(again, record_id, repeat=1)
        return replay.failure if replay.failure is not None else read(_text(replay))

    def _wire(self, prompt: str) -> Translation:
        asked = LoggedCall(
            id="judge",
            messages=(Message(role="user", parts=(Part(text=prompt),)),),
            params={
                "temperature": 0,
                "max_tokens": MAX_JUDGE_TOKENS,
                "response_format": response_format(self._mode),
            },
            origin=Origin(file="", format="judge"),
        )
        return translate(asked, self._entry)

    async def _send(self, wire: Translation, record_id: str, repeat: int = 0) -> Replay:
        def request_of(final: Translation) -> ChatRequest:
            return ChatRequest(
                model=self._entry.model,
                provider=self._entry.portkey_slug,
                messages=final.messages,
                params=final.params,
                repeat=repeat,
                purpose="judge",
                run_id=self._run_id,
                model_id=self._entry.id,
                record_id=record_id,
                timeout_s=self._timeout_s,
            )

        replay, _ = await call_adjusted(self._caller, self._adjustments, wire, self._entry, request_of)
        return replay


def _text(replay: Replay) -> str | None:
    return replay.completion.text if replay.completion is not None else None


class Jury:
    """Several judges, whose mean counts; where they differ by more than 20 points one more decides, if there is one."""

    def __init__(self, judges: Sequence[Judge], escalate_to: Judge | None = None) -> None:
        """Join judges, best of several families."""
        self._judges = tuple(judges)
        self._escalate_to = escalate_to
        everyone = [*self._judges, *([escalate_to] if escalate_to is not None else [])]
        self.name = " + ".join(judge.name for judge in self._judges)
        decides = f" else {escalate_to.identity}" if escalate_to is not None else ""
        self.identity = f"jury({' '.join(judge.identity for judge in self._judges)}{decides})"
        self.versions: Mapping[str, str] = {
            name: version for judge in everyone for name, version in judge.versions.items()
        }

    async def compare(self, call: LoggedCall, answer: Completion, candidate_id: str) -> Comparison | Failure | None:
        """Ask all; the pair is unjudged unless all answer; see ``Judge.compare``."""
        found = await asyncio.gather(*(judge.compare(call, answer, candidate_id) for judge in self._judges))
        comparisons = [each for each in found if isinstance(each, Comparison)]
        if len(comparisons) < len(found):
            return next((each for each in found if isinstance(each, Failure)), None)
        together = Comparison(opinions=tuple(opinion for each in comparisons for opinion in each.opinions))
        if self._escalate_to is None or together.spread <= ESCALATION_POINTS:
            return together
        decided = await self._escalate_to.compare(call, answer, candidate_id)
        if not isinstance(decided, Comparison):
            return decided
        return decided.model_copy(update={"escalated": self._escalate_to.name})


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

    async def compare(self, call: LoggedCall, answer: Completion, candidate_id: str) -> Comparison | Failure | None:
        """Compare with the logged answer; see ``Judge.compare``."""
        found = self.score(call, answer)
        if found is None:
            return None
        best = Judgement(accuracy=100, helpfulness=100, clarity=100, completeness=100, judge=self.name)
        return Comparison(opinions=(Opinion(judge=self.name, candidate_first=None, baseline=best, candidate=found),))

    def score(self, call: LoggedCall, answer: Completion) -> Judgement | None:
        """The scores of an answer by what it keeps of the logged one, None where there is none."""
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
