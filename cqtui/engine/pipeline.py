"""The engine: discover, rank, verify, decide, and nothing else."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from cqtui.checks.conversation import render_conversation
from cqtui.engine.adjustments import Adjustments
from cqtui.engine.budget import Budget
from cqtui.engine.calling import ACCESS_HINT, Caller, access_words
from cqtui.engine.decide import Answer, business_impact, decide
from cqtui.engine.evidence import evaluate
from cqtui.engine.judge import ChecksJudge, Judge, ModelJudge
from cqtui.engine.plan import Plan, estimate
from cqtui.engine.rank import rank
from cqtui.engine.replay import Replayer
from cqtui.engine.verify import Verification, verify
from cqtui.errors import AccessRefusedError
from cqtui.events import CandidatesDiscovered, Emitter, Event, EventSink, RunFinished, RunStarted, StageStarted
from cqtui.gateway.protocol import ChatClient
from cqtui.models import Candidate, Evidence, Failure, Recommendation
from cqtui.store import records, runs
from cqtui.store.database import Database

Stage = Literal["completed", "stopped_early", "budget_exhausted", "interrupted"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class _Journal:
    """Hands each event to the store and to the front end's sink."""

    def __init__(self, database: Database, sink: EventSink) -> None:
        self._database = database
        self._sink = sink

    def __call__(self, event: Event) -> None:
        self._database.submit(lambda c: runs.append_events(c, [event]))
        self._sink(event)


def stronger_band(plan: Plan, tried: Sequence[Candidate], judge_id: str | None) -> tuple[Candidate, ...]:
    """The next candidates to try when none of those tried is acceptable: dearer than these, fittest first."""
    if not tried or plan.settings.candidates:
        return ()
    floor = math.exp(sum(math.log(float(c.cost_per_call_usd)) for c in tried) / len(tried))
    known = {c.id for c in tried} | {judge_id}
    rest = [c for c in plan.discovery.eligible if c.id not in known and float(c.cost_per_call_usd) > floor]
    ranked = rank(rest, plan.registry, plan.settings.use_case, plan.settings.constraints.max_latency_ms)
    return ranked[: plan.settings.n_top]


async def run(
    plan: Plan,
    client: ChatClient,
    database: Database,
    sink: EventSink,
    *,
    resume: bool = True,
    ping: bool = False,
    stop: asyncio.Event | None = None,
    clock: Callable[[], datetime] = _utc_now,
) -> Recommendation:
    """Carry a plan out.

    Args:
        plan: What to do.
        client: Who calls the models.
        database: Keeps every result as it comes; equal calls of earlier runs are not paid for again.
        sink: Told what happens.
        resume: Go on with an unfinished run of the same plan.
        ping: Ask each model for one token before its first call.
        stop: When set, the calls under way finish and the answer rests on what is there.
        clock: The time that events carry.

    Raises:
        AccessRefusedError: A key was refused or the gateway cannot be reached.
        StoreError: A result could not be kept.
    """
    started = time.monotonic()
    settings = plan.settings
    stop = stop or asyncio.Event()
    plan_hash = plan.plan_hash(client.endpoint)
    earlier = await database.run_async(lambda c: runs.unfinished_run(c, plan_hash)) if resume else None
    run_id = earlier or uuid.uuid4().hex[:12]
    if earlier is None:
        await database.run_async(lambda c: runs.start_run(c, run_id, plan_hash, client.provider))
    spent = await database.run_async(lambda c: runs.spend_of(c, run_id))
    prompts = {call.id: render_conversation(call.messages) for call in plan.calls}
    await database.run_async(lambda c: records.keep_prompts(c, prompts, settings.use_case))
    await database.run_async(lambda c: records.keep_conflicts(c, plan.registry.conflicts))

    emitter = Emitter(run_id, _Journal(database, sink), clock)
    emitter.emit(
        RunStarted,
        current_model=plan.current.id,
        provider=client.provider,
        calls=len(plan.calls),
        budget_usd=settings.budget.usd,
        resumed=earlier is not None,
    )
    emitter.emit(StageStarted, stage="discover")
    emitter.emit(CandidatesDiscovered, candidates=plan.discovery.chosen, excluded=plan.discovery.excluded)
    emitter.emit(StageStarted, stage="rank")
    caller = Caller(
        client,
        database,
        Budget(settings.budget.usd, spent.total_usd),
        emitter,
        as_of=settings.as_of,
        gateway=settings.gateway,
        keep=settings.cache,
        ping=ping,
    )
    judge: Judge = (
        ChecksJudge() if plan.judge is None else ModelJudge(caller, plan.judge, run_id, settings.gateway.timeout_s)
    )
    adjustments = Adjustments(database, client.endpoint, ttl_s=settings.cache.model_output_ttl_s)
    replayer = Replayer(
        caller,
        adjustments,
        judge,
        plan.current,
        run_id=run_id,
        as_of=settings.as_of,
        traffic=settings.traffic,
        timeout_s=settings.gateway.timeout_s,
    )
    found = Verification()
    tried: list[Candidate] = []
    evidence: list[Evidence] = []
    iterations = 0
    band: tuple[Candidate, ...] = plan.top
    try:
        while band and iterations < settings.thresholds.max_iteration_loops:
            iterations += 1
            emitter.emit(StageStarted, stage="verify", iteration=iterations)
            await verify(
                band,
                plan.calls,
                replayer,
                emitter,
                max_drop_percent=settings.thresholds.max_quality_drop_percent,
                workers=settings.gateway.concurrency,
                found=found,
                stop=stop,
            )
            tried += band
            evidence = [
                evaluate(
                    candidate,
                    found.pairs[candidate.id],
                    settings.thresholds,
                    settings.constraints,
                    stopped=found.stopped.get(candidate.id),
                    forced_switch=plan.discovery.forced_switch,
                )
                for candidate in tried
            ]
            if found.budget_exhausted or found.interrupted or any(e.acceptable for e in evidence):
                break
            _check_access(found)
            band = stronger_band(plan, tried, plan.judge.id if plan.judge is not None else None)
    finally:
        await caller.settled()
    emitter.emit(StageStarted, stage="decide")
    cut_short = (
        "The budget was used up" if found.budget_exhausted else "The run was interrupted" if found.interrupted else None
    )
    answer = decide(
        plan.current,
        evidence,
        found.pairs,
        settings.thresholds,
        more_usd=_more_usd(plan, evidence),
        cut_short=cut_short,
        forced_switch=plan.discovery.forced_switch,
    )
    result = await _conclude(
        plan, client, database, judge.name, run_id, answer, evidence, found, iterations, started, clock
    )
    emitter.emit(RunFinished, grade=result.grade, sentence=result.sentence, spent_usd=result.spend.total_usd)
    await database.run_async(lambda c: _keep_evaluations(c, judge.name, found))
    return result


def _check_access(found: Verification) -> None:
    """End a run in which nobody could be measured and a key or a quota is why."""
    pairs = [pair for tried in found.pairs.values() for pair in tried]
    if any(pair.candidate_score is not None for pair in pairs):
        return
    for model_id, tried in found.pairs.items():
        for pair in tried:
            failure = Failure(kind=pair.failure, message=pair.failure_message or "") if pair.failure else None
            if failure is not None and failure.is_access:
                raise AccessRefusedError(f"{model_id} {access_words(failure)}.", ACCESS_HINT)


def _keep_evaluations(connection: sqlite3.Connection, judge: str, found: Verification) -> None:
    for model_id, pairs in found.pairs.items():
        records.keep_evaluations(connection, model_id, judge, pairs)


def _more_usd(plan: Plan, evidence: Sequence[Evidence]) -> Decimal | None:
    """About what the missing prompts of the neediest candidate cost, in USD."""
    expected = estimate(plan).expected_usd
    wanted = max((e.more_samples or 0 for e in evidence), default=0)
    if expected is None or not plan.calls or not wanted:
        return None
    return expected / len(plan.calls) * wanted


async def _conclude(
    plan: Plan,
    client: ChatClient,
    database: Database,
    judge_name: str,
    run_id: str,
    answer: Answer,
    evidence: Sequence[Evidence],
    found: Verification,
    iterations: int,
    started: float,
    clock: Callable[[], datetime],
) -> Recommendation:
    spend = await database.run_async(lambda c: runs.spend_of(c, run_id))
    stage: Stage = "completed"
    if found.interrupted:
        stage = "interrupted"
    elif found.budget_exhausted:
        stage = "budget_exhausted"
    elif found.stopped:
        stage = "stopped_early"
    recommended = answer.recommended
    shown = recommended or answer.closest
    result = Recommendation(
        run_id=run_id,
        at=clock(),
        as_of=plan.settings.as_of,
        provider=client.provider,
        endpoint=client.endpoint,
        judge=judge_name,
        seed=plan.settings.seed,
        grade=answer.grade,
        sentence=answer.sentence,
        reason=answer.reason,
        current=plan.current,
        use_case=plan.settings.use_case,
        thresholds=plan.settings.thresholds,
        recommended=recommended,
        runner_up=answer.runner_up,
        closest=answer.closest,
        evidence=tuple(evidence),
        excluded=plan.discovery.excluded,
        traffic=plan.traffic,
        impact=business_impact(plan.traffic, recommended.savings_percent) if recommended is not None else None,
        spend=spend,
        stage=stage,
        iterations=iterations,
        seconds=time.monotonic() - started,
        forced_switch=plan.discovery.forced_switch,
        notes=plan.notes,
        more_samples=shown.more_samples if shown is not None else None,
        more_usd=_more_usd(plan, [shown] if shown is not None else []),
    )
    dumped = result.model_dump(mode="json")
    if stage in ("completed", "stopped_early"):
        await database.run_async(lambda c: runs.finish_run(c, run_id, dumped))
    else:  # stays open, so that the same command goes on here
        await database.run_async(lambda c: runs.keep_partial(c, run_id, dumped))
    if recommended is not None and recommended.savings_percent and recommended.quality_impact_percent:
        saving, impact = recommended.savings_percent.value, recommended.quality_impact_percent.value
        model_id = recommended.candidate.id
        await database.run_async(
            lambda c: records.keep_recommendation(
                c,
                current_model=plan.current.id,
                recommended_model=model_id,
                cost_reduction_percent=saving,
                quality_impact_percent=impact,
                use_case=plan.settings.use_case,
            )
        )
    return result
