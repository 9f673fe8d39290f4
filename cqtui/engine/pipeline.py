"""The engine: discover, rank, verify, decide, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from cqtui.checks.conversation import render_conversation
from cqtui.engine.batch import in_batches
from cqtui.engine.budget import Budget, cap_of
from cqtui.engine.calling import Caller
from cqtui.engine.control import RunControl
from cqtui.engine.journal import Journal
from cqtui.engine.plan import Plan
from cqtui.engine.under_way import RunUnderWay
from cqtui.engine.verify import Verification
from cqtui.events import (
    CandidatesDiscovered,
    ConcurrencyChanged,
    Emitter,
    EventSink,
    PauseChanged,
    RunFinished,
    RunStarted,
    StageStarted,
)
from cqtui.gateway.protocol import ChatClient
from cqtui.results import Recommendation
from cqtui.store import batches, cache, records, runs
from cqtui.store.database import Database
from cqtui.store.locking import month_lock, plan_lock
from cqtui.store.seals import Seals
from cqtui.store.versions import versions_now


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def run(
    plan: Plan,
    client: ChatClient,
    database: Database,
    sink: EventSink,
    *,
    resume: bool = True,
    ping: bool = False,
    control: RunControl | None = None,
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
        control: May stop the run, pause it, and change its concurrency.
        clock: The time that events carry.

    Raises:
        AccessRefusedError: A key was refused or the gateway cannot be reached.
        StoreError: A result could not be kept, or another process carries this plan out.
    """
    started = time.monotonic()
    plan_hash = plan.plan_hash(client.endpoint)
    monthly_usd = plan.settings.budget.monthly_usd
    with contextlib.ExitStack() as locks:
        locks.enter_context(plan_lock(database.path, plan_hash))
        if monthly_usd is not None:
            locks.enter_context(month_lock(database.path))
        earlier = await database.run_async(lambda c: runs.unfinished_run(c, plan_hash)) if resume else None
        run_id = earlier or uuid.uuid4().hex[:12]
        await database.run_async(
            lambda c: _begin(c, plan, client, run_id, plan_hash, database.seals, is_new=earlier is None)
        )
        spent = await database.run_async(lambda c: runs.spend_of(c, run_id))
        month_usd = await database.run_async(lambda c: runs.month_spend(c, clock()))
        cap = cap_of(plan.settings.budget.usd, monthly_usd, spent.total_usd, month_usd)
        journal = Journal(database, sink, keep_text=plan.settings.store.keep_text)
        emitter = Emitter(run_id, journal, clock)
        emitter.emit(
            RunStarted,
            current_model=plan.current.id,
            provider=client.provider,
            calls=len(plan.calls),
            budget_usd=cap.usd,
            resumed=earlier is not None,
        )
        emitter.emit(StageStarted, stage="discover")
        emitter.emit(CandidatesDiscovered, candidates=plan.ranked, excluded=plan.discovery.excluded)
        emitter.emit(StageStarted, stage="rank")
        budget = Budget(cap.usd, spent.total_usd)
        control = control or RunControl()
        control.begin_with(plan.settings.gateway.concurrency)
        in_jobs = None
        if plan.settings.batch:
            in_jobs = in_batches(client, database, emitter, control.stopping, plan.settings.gateway.batch_poll_s)
        under_way = RunUnderWay(plan, in_jobs or client, database, emitter, budget, run_id, ping=ping, control=control)
        _tell_of_changes(control, emitter, under_way.caller, plan.settings.gateway.concurrency)
        if cap.note:
            under_way.notes.append(cap.note)
        try:
            await under_way.verify_bands()
            await under_way.try_guardrails()
            await under_way.measure_noise_floor()
        except asyncio.CancelledError:
            under_way.caller.abandon()
            raise
        except BaseException:
            under_way.caller.give_up()
            raise
        finally:
            if in_jobs is not None:
                await in_jobs.aclose()
            await under_way.caller.settled()
            journal.flush()
        emitter.emit(StageStarted, stage="decide")
        result = await under_way.conclude(clock(), started)
        emitter.emit(
            RunFinished,
            grade=result.grade,
            sentence=result.sentence,
            spent_usd=result.spend.total_usd,
            recommended=result.recommended.candidate.id if result.recommended is not None else None,
        )
        journal.flush()
        await database.run_async(lambda c: _keep_evaluations(c, result.judge, under_way.found))
        return result


def _tell_of_changes(control: RunControl, emitter: Emitter, caller: Caller, planned: int) -> None:
    """Carry out what a front end changes, before the run began too, and tell the others."""
    known = (False, planned)

    def changed() -> None:
        nonlocal known
        was_paused, allowed = known
        known = (control.is_paused, control.concurrency)
        if control.is_paused != was_paused:
            emitter.emit(PauseChanged, is_paused=control.is_paused)
        if control.concurrency != allowed:
            caller.limit_to(control.concurrency)
            emitter.emit(ConcurrencyChanged, provider=None, allowed=control.concurrency)

    control.listen(changed)
    changed()  # what was asked before the run began to listen


def _begin(
    connection: sqlite3.Connection,
    plan: Plan,
    client: ChatClient,
    run_id: str,
    plan_hash: str,
    seals: Seals | None,
    *,
    is_new: bool,
) -> None:
    if is_new:
        runs.start_run(connection, run_id, plan_hash, client.provider)
    prompts = {call.id: render_conversation(call.messages) for call in plan.calls}
    batches.take_up_again(connection, run_id, seals=seals)
    settings = plan.settings
    records.keep_prompts(connection, prompts, settings.use_case, keep_text=settings.store.keep_text)
    versions = versions_now(
        plan.registry.entries,
        slugs=settings.gateway.slugs,
        constraints=settings.constraints,
        rubric=plan.panel.version,
        as_of=settings.as_of,
    )
    cache.apply_versions(connection, versions)
    records.keep_conflicts(connection, plan.registry.conflicts)


def _keep_evaluations(connection: sqlite3.Connection, judge: str, found: Verification) -> None:
    for model_id, race in found.races.items():
        records.keep_evaluations(connection, model_id, judge, race.judged_pairs)
