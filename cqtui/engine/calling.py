"""Makes each call once: from the cache where it was paid for, else reserved, recorded, sent, retried and settled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import date
from decimal import Decimal
from typing import Any

from cqtui.engine.budget import Budget
from cqtui.engine.call_costs import measured_usd, worst_case_usd
from cqtui.engine.ping import ping_request
from cqtui.engine.sharing import outcome_of, shared
from cqtui.errors import AccessRefusedError, BadInputError
from cqtui.events import ConcurrencyChanged, Emitter, ReplayFailed, ReplayFinished
from cqtui.gateway.batching import travels_in_job
from cqtui.gateway.limits import (
    FIRST_BACKOFF_S,
    FIRST_CONCURRENCY,
    OUTAGE_S,
    AdaptiveLimit,
    PausedTooLongError,
    Sleep,
    is_transient,
    with_retries,
)
from cqtui.gateway.protocol import ChatClient, ChatRequest
from cqtui.models import Failure, ModelEntry, Replay
from cqtui.settings import CacheSettings, GatewaySettings
from cqtui.store import cache, records, runs
from cqtui.store.database import Database
from cqtui.store.text import judgement_figures
from cqtui.store.versions import RUBRIC, model_component, model_version

BILLED_MAYBE = ("timeout", "connection", "not_json", "no_choices", "no_finish_reason", "no_usage")
FIRST_OUTAGE_S = 1.0  # a gateway that never answered is most likely not there: say so soon
GONE_HINT = "Start the gateway and run again: the run goes on where it stopped, and pays nothing twice."
ACCESS_HINT = "Check PORTKEY_API_KEY, the provider's key and its limits."


def call_key(endpoint: str, request: ChatRequest) -> str:
    """The cache key of a call: all that can change its answer."""
    prefix = cache.EVALUATION if request.purpose == "judge" else cache.MODEL_OUTPUT
    return cache.generate_key(prefix, endpoint=endpoint, request=request.content_hash)


def access_words(failure: Failure) -> str:
    """Say what is wrong with a key or a quota, in the provider's own words."""
    what = "refused the key" if failure.kind == "refused_credentials" else "has used up its quota"
    status = f" (status {failure.status})" if failure.status is not None else ""
    return f"{what}{status}: {failure.message.rstrip('.')}"


def _may_be_billed(replay: Replay) -> bool:
    """Whether a failure may have cost money that nobody tells us of: then it counts at its reservation."""
    if replay.guardrails is not None and replay.guardrails.blocked_at is not None:
        return replay.guardrails.blocked_at == "output"  # the model had answered; its usage is lost
    failure = replay.failure
    if failure is None or failure.never_sent:
        return False
    return failure.may_be_billed or failure.kind in BILLED_MAYBE


class Caller:
    """One run's way to its models."""

    def __init__(
        self,
        client: ChatClient,
        database: Database,
        budget: Budget,
        emitter: Emitter,
        *,
        as_of: date,
        gateway: GatewaySettings,
        keep: CacheSettings,
        ping: bool,
        batch: bool = False,
        keep_text: bool = True,
        rubric: str = "",
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Join the pieces.

        ``ping`` asks each model for one token before its first call that is not cached. With ``batch`` calls wait in
        jobs: as many as there are come together, at batch prices. Without ``keep_text`` answers are not stored, and of
        judgements the scores alone. ``rubric`` is the version of what a judge is asked.
        """
        self._client = client
        self._database = database
        self._budget = budget
        self._emitter = emitter
        self._as_of = as_of
        self._gateway = gateway
        self._keep = keep
        self._ping = ping
        self._batch = batch
        self._keep_text = keep_text
        self._rubric = rubric
        self._sleep = sleep
        self._clock = clock
        self._most = gateway.concurrency
        self._limits: dict[str, AdaptiveLimit] = {}
        self._closed: dict[str, Failure] = {}
        self._reached = False
        self._given_up = False
        self._sending: set[asyncio.Task[Any] | None] = set()
        self._under_way: dict[str, asyncio.Task[Replay]] = {}
        self._pings: dict[str, asyncio.Task[Failure | None]] = {}

    async def call(self, request: ChatRequest, entry: ModelEntry, max_output_tokens: int) -> Replay:
        """The outcome of a request, paid for at most once; equal requests at one time share one call.

        A refused key or a used-up quota closes the model's provider: its later calls fail without being sent.

        Raises:
            AccessRefusedError: The gateway cannot be reached, or the judge's key was refused or its quota used up.
            BudgetExhaustedError: The worst case no longer fits.
            StoreError: The result could not be kept.
        """
        key = call_key(self._client.endpoint, request)
        task = self._under_way.get(key)
        if task is None:
            task = shared(self._once(key, request, entry, max_output_tokens))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return await outcome_of(task)

    async def _once(self, key: str, request: ChatRequest, entry: ModelEntry, max_output_tokens: int) -> Replay:
        found = cache.look_up(self._database, key)
        if found is not None:
            replay = Replay.model_validate(found).model_copy(update={"from_cache": True})
            self._emit_finished(request, replay)
            return replay
        if self._ping and request.provider not in self._closed:
            await self._check_reachable(request, entry)
        if request.provider in self._closed:
            return self._refused(request, entry, self._closed[request.provider])
        reserve = self._worst_case(request, entry, max_output_tokens)
        limit = self._limit_of(request, entry)
        number = 0
        give_up_at = self._clock() + self._gateway.deadline_s

        async def attempt() -> Replay:
            nonlocal number
            number += 1
            replay = await self._send(key, request, entry, reserve, number, limit, give_up_at)
            if self._given_up and is_transient(replay):
                raise asyncio.CancelledError
            if replay.failure is not None and not replay.is_result:
                self._emitter.emit(
                    ReplayFailed,
                    purpose=request.purpose,
                    model_id=request.candidate_id,
                    record_id=request.record_id,
                    failure=replay.failure.kind,
                    message=replay.failure.message,
                    will_retry=is_transient(replay) and number < self._gateway.attempts,
                    spent_usd=self._budget.spent_usd,
                )
            return replay

        outcome = await with_retries(
            attempt, self._gateway.attempts, self._gateway.deadline_s, clock=self._clock, sleep=self._sleep
        )
        if outcome.is_result:
            self._emit_finished(request, outcome)
        elif outcome.failure is not None and outcome.failure.never_sent:
            raise AccessRefusedError(
                f"{outcome.failure.message}, for {min(OUTAGE_S, self._gateway.deadline_s):.0f} s.", GONE_HINT
            )
        elif outcome.failure is not None and outcome.failure.is_access:
            self._closed[request.provider] = outcome.failure
            return self._refused(request, entry, outcome.failure)
        return outcome

    def limit_to(self, calls: int) -> None:
        """Allow so many calls at a time to each provider from now on."""
        self._most = calls
        for limit in self._limits.values():
            limit.limit_to(calls)

    def _limit_of(self, request: ChatRequest, entry: ModelEntry) -> AdaptiveLimit:
        if request.provider not in self._limits:
            self._limits[request.provider] = AdaptiveLimit(
                self._most,
                clock=self._clock,
                sleep=self._sleep,
                first=self._most if self._batch else FIRST_CONCURRENCY,
                requests_per_minute=None if self._batch else self._gateway.rpm or entry.rate_limit_rpm,
            )
        return self._limits[request.provider]

    def _worst_case(self, request: ChatRequest, entry: ModelEntry, max_output_tokens: int) -> Decimal:
        in_batch = self._batch and travels_in_job(request)
        worst = worst_case_usd(request, entry, max_output_tokens, self._as_of, batch=in_batch)
        if worst is None:
            raise BadInputError(
                f"The price of {entry.id} is unknown on {self._as_of}, so the budget could not be kept.",
                "Set it under [[models]] in cqtui.toml.",
            )
        return worst

    def _refused(self, request: ChatRequest, entry: ModelEntry, failure: Failure) -> Replay:
        if request.purpose == "judge":
            raise AccessRefusedError(f"The judge {entry.id} {access_words(failure)}.", ACCESS_HINT)
        return Replay(model=request.model, failure=failure)

    async def _send(
        self,
        key: str,
        request: ChatRequest,
        entry: ModelEntry,
        reserve: Decimal,
        number: int,
        limit: AdaptiveLimit,
        give_up_at: float,
    ) -> Replay:
        """Make one attempt. Its place is free again when the answer is there, before that is kept."""
        asked = self._clock()
        reserved: Decimal | None = None
        spent = reserve
        try:
            async with limit.slot(give_up_at) as started:
                await self._budget.reserve(reserve)
                reserved = reserve
                attempt_id = await self._database.run_async(
                    lambda c: runs.send_attempt(
                        c,
                        run_id=request.run_id,
                        cache_key=key,
                        purpose=request.purpose,
                        model_id=request.candidate_id,
                        record_id=request.record_id,
                        attempt=number,
                        reserved_usd=reserve,
                    )
                )
                queued_ms = 1000 * (self._clock() - asked)
                self._sending.add(asyncio.current_task())
                replay = await self._client.complete(request)
            self._reached = self._reached or replay.status is not None
            if limit.learn(replay, started) and replay.failure is not None:
                wait_s = replay.failure.retry_after_s
                self._emitter.emit(ConcurrencyChanged, provider=request.provider, allowed=limit.allowed, wait_s=wait_s)
            in_batch = self._batch and travels_in_job(request)
            cost = measured_usd(replay, entry, self._as_of, batch=in_batch)
            replay = replay.model_copy(update={"cost_usd": cost, "queued_ms": queued_ms})
            if replay.failure is not None and cost is None and not _may_be_billed(replay):
                cost = Decimal(0)
            spent = reserve if cost is None else cost
            await self._database.run_async(
                lambda c: self._keep_outcome(c, key, attempt_id, request, entry, replay, cost)
            )
            return replay
        except PausedTooLongError as pause:
            message = f"the provider asks to wait {pause.wait_s:.0f} s"
            failure = Failure(kind="rate_limited", message=message, retry_after_s=pause.wait_s)
            return Replay(model=request.model, failure=failure)
        finally:
            self._sending.discard(asyncio.current_task())
            if reserved is not None:
                await self._budget.settle(reserved, spent)

    def _keep_outcome(
        self,
        connection: Any,
        key: str,
        attempt_id: int,
        request: ChatRequest,
        entry: ModelEntry,
        replay: Replay,
        cost: Decimal | None,
    ) -> None:
        failure = replay.failure.kind if replay.failure is not None else None
        runs.settle_attempt(connection, attempt_id, cost, failure, received=replay.is_result)
        if not replay.is_result:
            return
        value = replay.model_dump(mode="json", exclude_defaults=True)
        versions = {model_component(entry.id): model_version(entry, self._gateway.slugs)}
        if request.purpose == "judge":
            kept = value if self._keep_text else judgement_figures(value)
            versions[RUBRIC] = self._rubric
            ttl_s = self._keep.evaluation_ttl_s
            cache.set_value(connection, key, kept, ttl_s=ttl_s, source_versions=versions, seals=self._database.seals)
        elif request.purpose == "replay":
            if self._keep_text:
                ttl_s, seals = self._keep.model_output_ttl_s, self._database.seals
                cache.set_value(connection, key, value, ttl_s=ttl_s, source_versions=versions, seals=seals)
            if failure is None and request.config is None:  # under guardrails it is another answer
                records.keep_completion(
                    connection, request.record_id, request.candidate_id, value, keep_text=self._keep_text
                )

    async def _check_reachable(self, request: ChatRequest, entry: ModelEntry) -> None:
        task = self._pings.get(entry.id)
        if task is None:
            task = shared(self._ping_once(request, entry))
            self._pings[entry.id] = task
        failure = await outcome_of(task)
        if failure is None:
            return
        if failure.kind == "connection" or (failure.kind == "timeout" and not self._reached):
            hint = GONE_HINT if self._reached else "Is the gateway running? Check --base-url and the network."
            raise AccessRefusedError(f"{failure.message}.", hint)
        if failure.is_access:
            self._closed[request.provider] = failure

    async def _ping_once(self, request: ChatRequest, entry: ModelEntry) -> Failure | None:
        ping = ping_request(entry, run_id=request.run_id, timeout_s=request.timeout_s)
        reserve, limit = self._worst_case(ping, entry, 1), self._limit_of(ping, entry)
        give_up_at = self._clock() + (OUTAGE_S if self._reached else FIRST_OUTAGE_S)
        number = 0
        while True:
            number += 1
            deadline = self._clock() + self._gateway.deadline_s
            failure = (await self._send(f"ping:{entry.id}", ping, entry, reserve, number, limit, deadline)).failure
            if failure is None or failure.kind != "connection" or self._clock() >= give_up_at:
                return failure
            await self._sleep(FIRST_BACKOFF_S)

    def report_known(self, request: ChatRequest) -> None:
        """Tell of a call that need not be made, since what it would show was measured before."""
        self._emit_finished(request, Replay(model=request.model, from_cache=True))

    def _emit_finished(self, request: ChatRequest, replay: Replay) -> None:
        self._emitter.emit(
            ReplayFinished,
            purpose=request.purpose,
            model_id=request.candidate_id,
            record_id=request.record_id,
            cost_usd=replay.cost_usd,
            spent_usd=self._budget.spent_usd,
            latency_ms=None if replay.from_cache else replay.latency_ms,
            queued_ms=None if replay.from_cache else replay.queued_ms,
            from_cache=replay.from_cache,
        )

    def give_up(self) -> None:
        """Send nothing more: a run that has failed waits for the calls that were sent, not for retries and pauses."""
        self._given_up = True
        for task in (*self._under_way.values(), *self._pings.values()):
            if task not in self._sending:
                task.cancel()

    def abandon(self) -> None:
        """Stop waiting for the calls under way; their outcome stays unknown, and they count at their reservation."""
        for task in (*self._under_way.values(), *self._pings.values()):
            task.cancel()

    async def settled(self) -> None:
        """Wait for the calls under way, so that what was paid for is kept."""
        pending: list[Coroutine[Any, Any, Any] | asyncio.Task[Any]] = [*self._under_way.values(), *self._pings.values()]
        await asyncio.gather(*pending, return_exceptions=True)
