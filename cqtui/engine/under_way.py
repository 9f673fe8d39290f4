"""One run under way: verify band after band, guardrails, noise floor, and the conclusion."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from cqtui import __version__
from cqtui.engine.adjustments import Adjustments
from cqtui.engine.bands import stronger_band, threshold_of
from cqtui.engine.budget import Budget
from cqtui.engine.calling import ACCESS_HINT, Caller, access_words
from cqtui.engine.control import RunControl
from cqtui.engine.decide import Answer, business_impact, decide, more_usd_of
from cqtui.engine.estimate import noise_floor_calls, usd_per_prompt
from cqtui.engine.evidence import evaluate
from cqtui.engine.facts import segment_key
from cqtui.engine.gates import Basis
from cqtui.engine.guardrails import GuardrailTrials, best_set
from cqtui.engine.labelling import label_check
from cqtui.engine.noise_floor import measure_noise_floor
from cqtui.engine.panel import make_judge
from cqtui.engine.plan import Plan
from cqtui.engine.race import Race
from cqtui.engine.replay import Replayer
from cqtui.engine.routing import plan_routing
from cqtui.engine.sample_recorder import SampleRecorder
from cqtui.engine.sealing import doubts
from cqtui.engine.verify import Verification, verify
from cqtui.errors import AccessRefusedError
from cqtui.events import (
    Emitter,
    StageStarted,
)
from cqtui.gateway.protocol import ChatClient
from cqtui.models import Candidate, Failure
from cqtui.redaction.redactor import without_keys
from cqtui.results import Evidence, GuardrailReport, NoiseFloor, Recommendation, RoutingPlan
from cqtui.store import labels, records, runs
from cqtui.store.database import Database
from cqtui.store.finished import Finished

Stage = Literal["completed", "stopped_early", "budget_exhausted", "interrupted"]


class RunUnderWay:
    """One run under way: what it calls with, and what it has found so far."""

    def __init__(
        self,
        plan: Plan,
        client: ChatClient,
        database: Database,
        emitter: Emitter,
        budget: Budget,
        run_id: str,
        *,
        ping: bool,
        control: RunControl,
    ) -> None:
        settings = plan.settings
        self._plan = plan
        self._client = client
        self._database = database
        self._emitter = emitter
        self._run_id = run_id
        self._control = control
        self.caller = Caller(
            client,
            database,
            budget,
            emitter,
            as_of=settings.as_of,
            gateway=settings.gateway,
            keep=settings.cache,
            ping=ping,
            batch=settings.batch,
            keep_text=settings.store.keep_text,
            rubric=plan.panel.version,
        )
        self._adjustments = Adjustments(database, client.endpoint, ttl_s=settings.cache.model_output_ttl_s)
        self._judge = make_judge(plan.panel, settings, self.caller, self._adjustments, run_id)
        self._finished = Finished(
            database,
            endpoint=client.endpoint,
            judge=self._judge.identity,
            version=__version__,
            ttl_s=min(settings.cache.model_output_ttl_s, settings.cache.evaluation_ttl_s),
            keep_text=settings.store.keep_text,
        )
        self._replayer = Replayer(
            self.caller,
            self._adjustments,
            self._judge,
            plan.current,
            run_id=run_id,
            as_of=settings.as_of,
            traffic=settings.traffic,
            timeout_s=settings.gateway.timeout_s,
            finished=self._finished,
            slugs=settings.gateway.slugs,
            samples=SampleRecorder(database, run_id, plan.calls, keep_text=settings.store.keep_text),
        )
        self.found = Verification()
        self._noise_floor: NoiseFloor | None = None
        self._tried: list[Candidate] = []
        self._evidence: list[Evidence] = []
        self._guardrails: list[GuardrailReport] = []
        self._iterations = 0
        self._guardrails_cut = False
        self.notes: list[str] = []

    async def verify_bands(self) -> None:
        """Replay and judge, band after band, until somebody is acceptable or nothing is left to try."""
        plan, settings, found = self._plan, self._plan.settings, self.found
        band = plan.top
        while band and self._iterations < settings.thresholds.max_iteration_loops:
            self._iterations += 1
            self._emitter.emit(StageStarted, stage="verify", iteration=self._iterations)
            races = self._races(band)
            await verify(
                races,
                plan.calls,
                self._replayer,
                self._emitter,
                found=found,
                control=self._control,
                in_waves=settings.batch,
            )
            self._tried += band
            self._evidence = [self._evaluate(candidate) for candidate in self._tried]
            if found.budget_exhausted or found.interrupted or any(e.acceptable for e in self._evidence):
                return
            _check_access(found)
            band = stronger_band(plan, self._tried)

    def _races(self, band: Sequence[Candidate]) -> list[Race]:
        """A band's races, each with the evidence that it must reach so that the run as a whole keeps its promise."""
        plan = self._plan
        threshold = threshold_of(plan, self._iterations - 1, len(band))
        asks_saving = not plan.discovery.forced_switch
        return [Race(c, plan.settings.thresholds, threshold, asks_saving=asks_saving) for c in band]

    def _evaluate(self, candidate: Candidate) -> Evidence:
        settings = self._plan.settings
        race = self.found.races[candidate.id]
        known = self._database.read(lambda c: labels.labels_of(c, candidate.id, seals=self._database.seals))
        check = label_check(race.judged_pairs, known) if known else None
        return evaluate(race, settings.thresholds, settings.constraints, self._basis(candidate), check)

    def _basis(self, candidate: Candidate) -> Basis:
        plan = self._plan
        families = {plan.current.family, candidate.entry.family}
        related = next((judge.id for judge in plan.panel.models if judge.family in families), None)
        return Basis(
            measured=self._client.evidence == "measured",
            judge_is_checks=not plan.panel.judges,
            judge_of_contestants_family=related,
            estimated_usage=plan.traffic.calls_with_estimated_usage > 0,
            forced_switch=plan.discovery.forced_switch,
        )

    async def try_guardrails(self) -> None:
        """Replay the acceptable candidates under each set of guardrails."""
        settings = self._plan.settings
        finalists = [evidence.candidate for evidence in self._evidence if evidence.acceptable]
        if not settings.guardrails or not finalists or self.found.budget_exhausted or self.found.interrupted:
            return
        self._emitter.emit(StageStarted, stage="guardrails")
        trials = GuardrailTrials(
            self.caller,
            self._adjustments,
            self._emitter,
            settings,
            self._finished,
            run_id=self._run_id,
            control=self._control,
        )
        for candidate in finalists:
            for name in settings.guardrails:
                pairs = self.found.pairs[candidate.id]
                self._guardrails.append(await trials.report(candidate, name, self._plan.calls, pairs))
        self.found.interrupted = self._control.stopping.is_set()
        self._guardrails_cut = trials.budget_exhausted
        self.notes += trials.notes

    async def measure_noise_floor(self) -> None:
        """Where somebody may be recommended, have the current model answer a few of its own logged calls again."""
        calls = noise_floor_calls(self._plan)
        done = self.found.budget_exhausted or self.found.interrupted or self._guardrails_cut
        if done or not calls or not any(evidence.acceptable for evidence in self._evidence):
            return
        self._emitter.emit(StageStarted, stage="noise_floor")
        self._noise_floor = await measure_noise_floor(self._replayer, self._plan.current, calls, self._control)

    def _answer(self) -> Answer:
        found, plan = self.found, self._plan
        cut_short = None
        if found.budget_exhausted:
            cut_short = "The budget was used up"
        elif found.interrupted:
            cut_short = "The run was interrupted"
        return decide(
            plan.current,
            self._evidence,
            {model_id: race.judged_pairs for model_id, race in found.races.items()},
            plan.settings.thresholds,
            usd_per_prompt=usd_per_prompt(plan),
            cut_short=cut_short,
            forced_switch=plan.discovery.forced_switch,
        )

    async def conclude(self, at: datetime, started: float) -> Recommendation:
        """Decide and keep the result; ``started`` is the monotonic time of the run's begin."""
        plan, answer, run_id = self._plan, self._answer(), self._run_id
        if answer.recommended is not None:
            chosen = answer.recommended
            self._evidence = [chosen if e.candidate.id == chosen.candidate.id else e for e in self._evidence]
        recommended = answer.recommended
        shown = recommended or answer.closest
        own = [report for report in self._guardrails if recommended and report.model_id == recommended.candidate.id]
        result = Recommendation(
            run_id=run_id,
            at=at,
            as_of=plan.settings.as_of,
            provider=self._client.provider,
            endpoint=without_keys(self._client.endpoint),
            judge=self._judge.name,
            judge_mode=plan.panel.mode,
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
            evidence=tuple(self._evidence),
            excluded=plan.discovery.excluded,
            traffic=plan.traffic,
            impact=business_impact(plan.traffic, recommended.savings_percent) if recommended is not None else None,
            spend=await self._database.run_async(lambda c: runs.spend_of(c, run_id)),
            stage=self._stage(),
            iterations=self._iterations,
            seconds=time.monotonic() - started,
            forced_switch=plan.discovery.forced_switch,
            all_rejected=answer.all_rejected,
            notes=(*plan.notes, *self.notes, *doubts(self._database.seals)),
            guardrails=tuple(self._guardrails),
            noise_floor=self._noise_floor,
            routing=self._routing(),
            guardrail_set=best_set(own, plan.settings.thresholds.max_refusal_increase_percent),
            more_samples=shown.more_samples if shown is not None else None,
            more_usd=more_usd_of(shown, usd_per_prompt(plan)) if shown is not None else None,
            same_model=plan.same_model,
        )
        await self._database.run_async(lambda c: _keep_result(c, result, plan.settings.store.keep_text))
        return result

    def _routing(self) -> RoutingPlan | None:
        plan, races = self._plan, list(self.found.races.values())
        keys = {segment_key(call) for call in plan.calls}
        key = keys.pop() if len(keys) == 1 else None
        return plan_routing(plan.current.id, races, plan.settings.thresholds, plan.settings.seed, key)

    def _stage(self) -> Stage:
        if self.found.interrupted:
            return "interrupted"
        if self.found.budget_exhausted or self._guardrails_cut:
            return "budget_exhausted"
        return "stopped_early" if self.found.stopped_early else "completed"


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


def _keep_result(connection: sqlite3.Connection, result: Recommendation, keep_text: bool) -> None:
    dumped = result.model_dump(mode="json")
    if result.stage in ("completed", "stopped_early"):
        runs.finish_run(connection, result.run_id, dumped, keep_text=keep_text)
    else:  # stays open, so that the same command goes on here
        runs.keep_partial(connection, result.run_id, dumped, keep_text=keep_text)
    chosen = result.recommended
    if chosen is not None and chosen.savings_percent and chosen.quality_impact_percent:
        records.keep_recommendation(
            connection,
            current_model=result.current.id,
            recommended_model=chosen.candidate.id,
            cost_reduction_percent=chosen.savings_percent.value,
            quality_impact_percent=chosen.quality_impact_percent.value,
            use_case=result.use_case,
        )
