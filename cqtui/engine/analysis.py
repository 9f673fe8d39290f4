"""One prompt across several models, judged and priced: the original's ``/analyze``."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from cqtui.engine.adjustments import Adjustments
from cqtui.engine.budget import Budget
from cqtui.engine.calling import Caller
from cqtui.engine.connect import open_client
from cqtui.engine.discover import Discovery
from cqtui.engine.judge import ChecksJudge
from cqtui.engine.panel import choose_panel, model_judge
from cqtui.engine.plan import Plan
from cqtui.engine.replay import replay_call, replay_request
from cqtui.engine.sealing import seals_for
from cqtui.engine.traffic import profile
from cqtui.errors import BadInputError
from cqtui.events import Emitter, Event
from cqtui.importers.redaction import as_sent
from cqtui.judgements import Judgement
from cqtui.models import Candidate, Completion, Failure, Frozen, LoggedCall, Message, ModelEntry, Origin, Part
from cqtui.registry.loader import Registry, load_registry
from cqtui.registry.pricing import blended_price
from cqtui.settings import Settings
from cqtui.store import runs
from cqtui.store.database import Database

NEAR_BEST_POINTS = 5.0


class ModelAnswer(Frozen):
    """One model's answer to the prompt; score 0..100, USD, ms; None is unknown."""

    model_id: str
    model_name: str
    quality_score: float | None
    cost_usd: Decimal | None
    latency_ms: float | None
    response: str
    success: bool
    error: str | None = None


class Analysis(Frozen):
    """All answers and the one to take: the cheapest whose score is within 5 points of the best.

    Saving and impact (signed; negative is worse) are against ``compared_with``, in percent.
    """

    use_case: str
    answers: tuple[ModelAnswer, ...]
    recommended: ModelAnswer | None
    compared_with: ModelAnswer | None
    cost_savings_percent: float | None
    quality_impact_percent: float | None


def choose(answers: Sequence[ModelAnswer], current_id: str) -> tuple[ModelAnswer | None, ModelAnswer | None]:
    """The model to take and the one to compare it with: the current one, else the dearest that answered."""
    usable = [a for a in answers if a.success and a.quality_score is not None and a.cost_usd is not None]
    if not usable:
        return None, None
    best = max(a.quality_score or 0.0 for a in usable)
    near = [a for a in usable if (a.quality_score or 0.0) >= best - NEAR_BEST_POINTS]
    chosen = min(near, key=lambda a: (a.cost_usd or Decimal(0), a.model_id))
    against = next((a for a in usable if a.model_id == current_id), None)
    return chosen, against or max(usable, key=lambda a: (a.cost_usd or Decimal(0), a.model_id))


def _entries(registry: Registry, settings: Settings) -> tuple[ModelEntry, list[ModelEntry]]:
    if settings.current_model is None:
        raise BadInputError("analyze needs a model to compare with.", "Name it with --current-model.")
    current = registry.get(settings.current_model)
    if settings.candidates:
        others = [registry.get(name) for name in settings.candidates]
    else:
        price = blended_price(current, settings.as_of) or Decimal(0)
        cheaper = [
            e
            for e in registry.entries
            if e.is_active and e.id != current.id and (blended_price(e, settings.as_of) or price) < price
        ]
        cheaper.sort(key=lambda e: (-(blended_price(e, settings.as_of) or Decimal(0)), e.id))
        step = max(1, len(cheaper) // settings.n_top)
        others = cheaper[::step][: settings.n_top]
    return current, [e for e in others if e.id != current.id]


async def analyze_async(prompt: str, settings: Settings, *, database: Path) -> Analysis:
    """Ask the current model and the candidates, have each answer judged, and compare.

    Raises:
        BadInputError: An empty prompt, no current model, or a provider that needs logged answers.
    """
    if not prompt.strip():
        raise BadInputError("The prompt is empty.", "Give a prompt in quotes.")
    if settings.provider == "rehearsal":
        raise BadInputError(
            "A rehearsal derives its answers from logged ones; a single prompt has none.",
            "Use --provider portkey, recorded or local.",
        )
    registry = load_registry(settings.models, today=settings.as_of)
    current, others = _entries(registry, settings)
    call = LoggedCall(
        id=f"analyze-{uuid.uuid5(uuid.NAMESPACE_OID, prompt).hex[:12]}",
        messages=(Message(role="user", parts=(Part(text=prompt),)),),
        origin=Origin(file="", format="prompt"),
    )
    call = as_sent(call, settings.privacy)
    models = [current, *others]
    panel = choose_panel(registry, settings, models)
    panel = replace(panel, mode="pointwise", judges=panel.judges[:1], escalate_to=None)
    plan = Plan(
        settings=settings,
        registry=registry,
        current=current,
        traffic=profile([call], current, settings.traffic, settings.as_of),
        calls=(call,),
        discovery=Discovery((), (), (), forced_switch=False),
        ranked=tuple(
            Candidate(entry=entry, cost_per_call_usd=Decimal(0), expected_saving_percent=0.0) for entry in others
        ),
        panel=panel,
    )
    run_id = uuid.uuid4().hex[:12]

    def ignore(event: Event, /) -> None:
        """Nothing to show while a single prompt runs."""

    with Database(database, seals_for(settings)) as store:
        async with open_client(plan) as client:
            await store.run_async(lambda c: runs.start_run(c, run_id, f"{runs.ANALYSIS_PLAN}{run_id}", client.provider))
            caller = Caller(
                client,
                store,
                Budget(settings.budget.usd),
                Emitter(run_id, ignore, lambda: datetime.now(UTC)),
                as_of=settings.as_of,
                gateway=settings.gateway,
                keep=settings.cache,
                ping=settings.provider == "portkey",
                keep_text=settings.store.keep_text,
                rubric=panel.version,
            )
            adjustments = Adjustments(store, client.endpoint, ttl_s=settings.cache.model_output_ttl_s)

            async def score(answer: Completion) -> Judgement | Failure | None:
                if not panel.judges:
                    return ChecksJudge().score(call, answer)
                judge = model_judge(panel.judges[0], panel, settings, caller, adjustments, run_id)
                return await judge.score(call, answer)

            async def answer(entry: ModelEntry) -> ModelAnswer:
                request, wire = replay_request(call, entry, run_id, settings.gateway.timeout_s)
                replay, _ = await replay_call(caller, adjustments, request, wire, entry)
                completion = replay.completion or Completion()
                judgement = await score(completion) if replay.failure is None else None
                return ModelAnswer(
                    model_id=entry.id,
                    model_name=entry.display_name,
                    quality_score=judgement.overall if isinstance(judgement, Judgement) else None,
                    cost_usd=replay.cost_usd,
                    latency_ms=replay.latency_ms,
                    response=completion.text or completion.refusal or "",
                    success=replay.failure is None,
                    error=replay.failure.message if replay.failure is not None else None,
                )

            answers = tuple(await asyncio.gather(*(answer(entry) for entry in models)))
            await store.run_async(lambda c: runs.finish_run(c, run_id, None))
    chosen, against = choose(answers, current.id)
    saving = impact = None
    if chosen is not None and against is not None:
        if chosen.cost_usd is not None and against.cost_usd:
            saving = float((1 - chosen.cost_usd / against.cost_usd) * 100)
        if chosen.quality_score is not None and against.quality_score:
            impact = 100 * (chosen.quality_score / against.quality_score - 1)
    return Analysis(
        use_case=settings.use_case,
        answers=answers,
        recommended=chosen,
        compared_with=against,
        cost_savings_percent=saving,
        quality_impact_percent=impact,
    )
