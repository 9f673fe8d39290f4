"""Replays finalists under the team's guardrail sets: what is blocked, rightly or not, by which check, at what cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from cqtui.engine.adjustments import Adjustments
from cqtui.engine.budget import BudgetExhaustedError
from cqtui.engine.calling import Caller
from cqtui.engine.control import RunControl
from cqtui.engine.replay import is_refusal, replay_call, replay_request
from cqtui.engine.traffic import uncached
from cqtui.engine.workers import run_workers
from cqtui.events import Emitter, GuardrailChecked, GuardrailVerdict
from cqtui.gateway.batching import StillWaitingError
from cqtui.models import BLOCKED_STATUS, Candidate, LoggedCall, ModelEntry, Replay
from cqtui.registry.pricing import cost_of
from cqtui.results import GuardrailReport, Interval, Pair
from cqtui.settings import Settings
from cqtui.stats.rates import wilson
from cqtui.store.finished import Finished
from cqtui.store.versions import model_component, model_version

WARNED_STATUS = 246


@dataclass(frozen=True)
class Trial:
    """One call under one set: what came back, whether it was a refusal, and the same call's pair without guardrails."""

    call: LoggedCall
    replay: Replay
    plain: Pair
    refused: bool

    @property
    def verdict(self) -> GuardrailVerdict:
        """What became of the call; a broken check means that nothing was shown, though the gateway let it pass."""
        hooks, failure = self.replay.guardrails, self.replay.failure
        if failure is not None and failure.kind != "blocked_by_guardrail":
            return "failed"
        if hooks is None:
            return "blocked" if failure is not None else "not_evaluated"
        if hooks.blocked_at is not None:
            return "blocked"
        if not hooks.is_evaluated:
            return "not_evaluated"
        return "flagged" if hooks.failed else "passed"

    @property
    def is_labelled(self) -> bool:
        """Whether the log itself flags the call: by a guardrail's status (246, 446) or ``flagged`` in its metadata."""
        metadata = self.call.metadata
        return metadata.get("status") in (WARNED_STATUS, BLOCKED_STATUS) or metadata.get("flagged") is True

    @property
    def is_wrongly_blocked(self) -> bool:
        """Whether the call was stopped although the log shows a good answer and no flag."""
        return self.verdict == "blocked" and not self.plain.baseline_refused and not self.is_labelled


class GuardrailTrials:
    """Makes the calls of one run under its sets."""

    def __init__(
        self,
        caller: Caller,
        adjustments: Adjustments,
        emitter: Emitter,
        settings: Settings,
        finished: Finished,
        *,
        run_id: str,
        control: RunControl,
    ) -> None:
        """Join the pieces; ``finished`` has the trials that need no call; ``control`` may stop or pause them."""
        self._caller = caller
        self._adjustments = adjustments
        self._emitter = emitter
        self._settings = settings
        self._finished = finished
        self._run_id = run_id
        self._control = control
        self.budget_exhausted = False
        self.notes: list[str] = []

    async def report(
        self, candidate: Candidate, name: str, calls: Sequence[LoggedCall], pairs: Sequence[Pair]
    ) -> GuardrailReport:
        """Replay a candidate's first calls under one set; ends early when the money is gone.

        Args:
            candidate: Whose quality is settled.
            name: The set's name in the settings.
            calls: The run's calls in their order.
            pairs: What the candidate showed without guardrails.

        Raises:
            What ``Caller.call`` raises, a used-up budget apart.
        """
        known = {pair.record_id: pair for pair in pairs}
        sample = [call for call in calls if call.id in known][: self._settings.thresholds.guardrail_samples]
        work = iter(sample)
        trials: list[Trial] = []

        async def worker() -> None:
            while True:
                async with self._control.turn() as may_start:
                    call = next(work, None)
                    if not may_start or call is None:
                        return
                    try:
                        trials.append(await self._trial(candidate, name, call, known[call.id]))
                    except BudgetExhaustedError:
                        self.budget_exhausted = True
                        return
                    except StillWaitingError:
                        return

        await run_workers(worker, self._control.workers(len(sample)))
        if len(trials) < len(sample):
            why = "the budget was used up" if self.budget_exhausted else "the run was interrupted"
            self.notes.append(
                f"Guardrails {name} on {candidate.id}: {len(trials)} of {len(sample)} calls, since {why}."
            )
        report = summarise(name, candidate.entry, trials, self._settings.as_of)
        return report.model_copy(update={"model_id": candidate.id})

    async def _trial(self, candidate: Candidate, name: str, call: LoggedCall, plain: Pair) -> Trial:
        entry = candidate.entry
        gateway, config = self._settings.gateway, self._settings.guardrails[name].for_gateway()
        request, wire = replay_request(call, candidate, self._run_id, gateway.timeout_s, config)
        known = request.content_hash
        found = self._finished.trial(known, call)
        if found is not None:
            self._caller.report_known(request)
            trial = Trial(call, found.replay, plain, found.refused)
        else:
            replay, _ = await replay_call(self._caller, self._adjustments, request, wire, entry)
            answer = replay.completion
            refused = answer is not None and is_refusal(call, answer, replay.finish_reason)
            versions = {model_component(entry.id): model_version(entry, gateway.slugs)}
            self._finished.keep_trial(known, call, replay, refused, versions)
            trial = Trial(call, replay, plain, refused)
        self._emitter.emit(
            GuardrailChecked, guardrails=name, model_id=candidate.id, record_id=call.id, verdict=trial.verdict
        )
        return trial


def _percent(count: int, of: int) -> Interval | None:
    found = wilson(count, of)
    if found.rate is None:
        return None
    return Interval(value=100 * found.rate, low=100 * found.interval[0], high=100 * found.interval[1])


def summarise(name: str, entry: ModelEntry, trials: Sequence[Trial], as_of: date) -> GuardrailReport:
    """Count what a set did to a candidate's calls; costs in USD at the prices of ``as_of``."""
    verdicts = Counter(trial.verdict for trial in trials)
    evaluated = [trial for trial in trials if trial.verdict in ("passed", "flagged", "blocked")]
    hooks = [trial.replay.guardrails for trial in evaluated if trial.replay.guardrails is not None]
    blocked = [trial for trial in evaluated if trial.verdict == "blocked"]
    at_input = sum(hook.blocked_at == "input" for hook in hooks)
    wrongly = sum(trial.is_wrongly_blocked for trial in evaluated)
    labelled = [trial for trial in evaluated if trial.is_labelled]
    broken = [check for trial in trials if trial.replay.guardrails for check in trial.replay.guardrails.checks]
    known = [(trial, cost) for trial in evaluated if (cost := _cost(trial, entry, as_of)) is not None]
    costs = [(cost, trial.plain.candidate_cost_usd) for trial, cost in known]
    paired = [cost - plain for cost, plain in costs if plain is not None]
    return GuardrailReport(
        name=name,
        model_id=entry.id,
        calls=len(trials),
        evaluated=len(evaluated),
        not_evaluated=verdicts["not_evaluated"],
        failed=verdicts["failed"],
        blocked_input=at_input,
        blocked_output=len(blocked) - at_input,
        flagged=verdicts["flagged"],
        wrongly_blocked=wrongly,
        labelled=len(labelled),
        missed=sum(trial.verdict == "passed" for trial in labelled),
        blocked_percent=_percent(len(blocked), len(evaluated)),
        wrongly_blocked_percent=_percent(wrongly, len(evaluated)),
        deciding=_counted(hook.failed[0].id for hook in hooks if hook.failed),
        errors=_counted(f"{check.id}: {check.error or 'no verdict'}" for check in broken if check.verdict is None),
        added_latency_ms=sum(hook.latency_ms for hook in hooks) / len(hooks) if hooks else None,
        cost_per_call_usd=_mean([cost for cost, _ in costs]),
        added_cost_per_call_usd=_mean(paired),
        refused_by=_counted(who for trial in trials if (who := refused_by(trial)) is not None),
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _mean(values: Sequence[Decimal]) -> Decimal | None:
    return sum(values, Decimal(0)) / len(values) if values else None


def _cost(trial: Trial, entry: ModelEntry, as_of: date) -> Decimal | None:
    """What the call cost, in USD: nothing when it was stopped at the input, unknown at the output (usage is lost)."""
    hooks = trial.replay.guardrails
    if hooks is not None and hooks.blocked_at is not None:
        return Decimal(0) if hooks.blocked_at == "input" else None
    return cost_of(entry, uncached(trial.replay.usage), as_of)


def refused_by(trial: Trial) -> str | None:
    """Who refused the call: the guardrail, the provider's own filter, the model, or nobody (None)."""
    if trial.verdict == "blocked":
        return "guardrail"
    if trial.replay.finish_reason == "content_filter":
        return "provider filter"
    return "model" if trial.refused else None


def best_set(reports: Sequence[GuardrailReport], most_wrongly_blocked_percent: float) -> str | None:
    """The set to recommend for a candidate: evaluated throughout, and surely blocking few good calls.

    Among those the one that misses fewest flagged calls, then blocks fewest good ones, then takes least time; None
    where no set's upper bound of wrongly blocked calls is within the limit (percent).
    """
    fit = [
        report
        for report in reports
        if report.evaluated
        and not report.not_evaluated
        and report.wrongly_blocked_percent is not None
        and report.wrongly_blocked_percent.high <= most_wrongly_blocked_percent
    ]
    if not fit:
        return None
    best = min(fit, key=lambda r: (r.missed, r.wrongly_blocked, r.added_latency_ms or 0.0, r.name))
    return best.name
