"""What a run will do, settled before it does anything."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from cqtui.engine.discover import Discovery, discover
from cqtui.engine.effort import with_lower_effort
from cqtui.engine.facts import estimated_usage
from cqtui.engine.log import KnownModels, Log, log_of
from cqtui.engine.panel import Panel, choose_panel
from cqtui.engine.rank import rank
from cqtui.engine.replay import baselines
from cqtui.engine.same_model import same_model_savings
from cqtui.engine.traffic import in_random_order, profile_of, redacted
from cqtui.engine.variety import Variety, variety_of
from cqtui.errors import BadInputError
from cqtui.importers.redaction import RedactedCalls, redact_calls, redactor_of
from cqtui.models import Candidate, LoggedCall, ModelEntry, TrafficProfile
from cqtui.redaction.redactor import counted_words
from cqtui.registry.loader import Registry
from cqtui.results import SameModelSavings
from cqtui.settings import Settings

PRICED_CALLS = 400  # discovery prices candidates on so many of the log's calls
PLAN_VERSION = 3
LOCAL_TIMEOUT_S = 600.0
MOST_IN_JOBS = 100_000
BATCH_DEADLINE_S = 3 * 24 * 3600.0


@dataclass(frozen=True)
class Plan:
    """One run: what will be replayed on what, judged by whom, within which limits.

    ``calls`` are redacted; ``redaction`` says what was replaced in them, None where it was turned off.
    """

    settings: Settings
    registry: Registry
    current: ModelEntry
    traffic: TrafficProfile
    calls: tuple[LoggedCall, ...]
    discovery: Discovery
    ranked: tuple[Candidate, ...]
    panel: Panel
    notes: tuple[str, ...] = ()
    same_model: tuple[SameModelSavings, ...] = ()
    redaction: RedactedCalls | None = None
    variety: Variety | None = None

    @property
    def top(self) -> tuple[Candidate, ...]:
        """The candidates of the first round."""
        return self.ranked[: self.settings.n_top]

    def plan_hash(self, endpoint: str) -> str:
        """Names this plan: equal plans resume each other's unfinished run."""
        left_out = {"budget", "gateway", "cache", "store", "logs", "profile", "report"}
        settings = self.settings.model_dump(mode="json", exclude=left_out)
        calls = [[c.id, hashlib.sha256(c.model_dump_json(exclude={"origin"}).encode()).hexdigest()] for c in self.calls]
        names = [self.current.id, self.panel.version, [c.id for c in self.ranked]]
        parts = [PLAN_VERSION, endpoint, settings, *names, calls]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def make_plan(settings: Settings, registry: Registry, calls: Sequence[LoggedCall] | Log) -> Plan:
    """Settle a run: the current model, the traffic, the candidates, the order and the judge.

    Args:
        settings: What to do.
        registry: The models.
        calls: The log, or the calls of one.

    Raises:
        BadInputError: The log names no model or has no answers, or a name is unknown.
    """
    enabled = {name: each for name, each in settings.guardrails.items() if each.enabled}
    settings = settings.model_copy(update={"guardrails": enabled})
    if settings.provider == "local":
        settings = _for_one_slot(settings)
    elif settings.batch:
        settings = _for_batch(settings)
    log = calls if isinstance(calls, Log) else log_of(calls, settings, registry)
    replayable = baselines(log.calls)
    if not replayable:
        raise BadInputError(
            "The log holds no call with an answer to compare with.",
            "Log answers as well; cqtui logs inspect says what was read.",
        )
    name = settings.current_model or log.tally.most_used_model
    if name is None:
        raise BadInputError(
            "The log does not name its model.", "Name it: --current-model MODEL; cqtui models list shows those known."
        )
    try:
        current = registry.get(name)
    except BadInputError as error:
        if settings.current_model is not None:
            raise
        raise BadInputError(error.title, f"If it stands for one that is, --current-model MODEL. {error.hint}") from None
    known = KnownModels(registry)
    own_traffic = log.tallies.of(lambda model: _is(current, known.entry_of(model)))
    tally = own_traffic if own_traffic.calls else log.tally
    traffic = profile_of(tally, current, settings.traffic, settings.as_of, known.entry_of, log.tally)
    traffic = redacted(traffic, settings.privacy)
    ordered = in_random_order(_of_model(replayable, known, current), settings.seed)
    own = _of_model(log.calls, known, current)
    same_model = same_model_savings(own, current, traffic, settings.traffic, settings.as_of)
    usages = [estimated_usage(call, settings.traffic) for call in ordered[:PRICED_CALLS]]
    discovery = discover(
        registry,
        current,
        traffic,
        usages,
        constraints=settings.constraints,
        min_saving_percent=settings.thresholds.min_cost_saving_percent,
        k=settings.k_candidates,
        as_of=settings.as_of,
        named=settings.candidates or _local_models(settings, registry),
    )
    least = settings.thresholds.min_cost_saving_percent
    if not settings.candidates and settings.provider != "local":
        discovery = with_lower_effort(discovery, current, same_model, traffic.cost_per_call_usd, least)
    ranked = rank(discovery.chosen, registry, settings.use_case, settings.constraints.max_latency_ms)
    # The cheapest switch is none: the current model with other options comes first (the sort is stable).
    ranked = tuple(sorted(ranked, key=lambda candidate: candidate.entry.id != current.id))
    contestants = [current, *(candidate.entry for candidate in ranked[: settings.n_top])]
    panel = choose_panel(registry, settings, contestants) if ranked else Panel()
    families = {entry.family for entry in contestants}
    notes = [
        f"The judge {judge.id} is of the family of a contestant: it may favour its own."
        for judge in panel.models
        if judge.family in families
    ]
    if len(ordered) < len(replayable):
        others = log.tally.baseline_calls - own_traffic.baseline_calls
        noun, were = ("call", "was") if others == 1 else ("calls", "were")
        notes.append(f"{others:,} {noun} of other models than {current.id} in the log {were} left out.")
    if log.read.left_out:
        notes.append(
            f"Drawn at random from {log.tally.calls:,} calls (seed {settings.seed}), conversations whole; what could "
            f"be saved without changing the model is computed on {len(own):,} of them."
        )
    sample = tuple(ordered[: settings.thresholds.max_samples])
    redaction = redact_calls(sample, redactor_of(settings.privacy)) if settings.privacy.redact else None
    notes += _redaction_notes(redaction)
    variety = variety_of(sample)
    notes += _variety_notes(variety)
    return Plan(
        settings=settings,
        registry=registry,
        current=current,
        traffic=traffic,
        calls=sample if redaction is None else redaction.calls,
        discovery=discovery,
        ranked=ranked,
        panel=panel,
        notes=tuple(notes),
        same_model=same_model,
        redaction=redaction,
        variety=variety,
    )


def _variety_notes(variety: Variety) -> list[str]:
    equal, near = variety.calls - variety.distinct, variety.distinct - variety.varied
    if not equal and not near:
        return []
    also = f", and {near:,} more nearly do" if near else ""
    return [
        f"Of {variety.calls:,} calls, {equal:,} repeat another's prompt word for word{also}: {variety.varied:,} "
        "different prompts. All are measured, as the traffic has them; the evidence is less varied than their number."
    ]


def _redaction_notes(redaction: RedactedCalls | None) -> list[str]:
    if redaction is None:
        return ["Prompts were sent as logged: redaction was turned off."]
    notes = []
    if redaction.counts:
        notes.append(
            f"Replaced by placeholders before anything was sent: {counted_words(redaction.counts)}, in "
            f"{redaction.changed:,} of {len(redaction.calls):,} calls."
        )
    if redaction.with_binary:
        notes.append(
            f"Images, audio and files in {redaction.with_binary:,} calls were left as they are: redaction reads text."
        )
    return notes


def _for_one_slot(settings: Settings) -> Settings:
    """Local inference answers one call at a time: calls that wait in its queue would only time out."""
    patient = {"concurrency": 1, "timeout_s": max(settings.gateway.timeout_s, LOCAL_TIMEOUT_S)}
    return settings.model_copy(update={"gateway": settings.gateway.model_copy(update=patient)})


def _for_batch(settings: Settings) -> Settings:
    """Calls wait together in jobs for up to a day.

    Raises:
        BadInputError: The provider has no batch jobs.
    """
    if settings.provider != "portkey":
        raise BadInputError(f"--batch needs real providers, not {settings.provider}.", "Use --provider portkey.")
    patient = {"concurrency": MOST_IN_JOBS, "deadline_s": BATCH_DEADLINE_S}
    return settings.model_copy(update={"gateway": settings.gateway.model_copy(update=patient)})


def _local_models(settings: Settings, registry: Registry) -> tuple[str, ...]:
    """With the local provider only local models can be called; they bypass discovery."""
    if settings.provider != "local":
        return ()
    names = tuple(entry.id for entry in registry.entries if entry.provider == "local")
    if not names:
        raise BadInputError(
            "No local model is in the registry.",
            "Add it under [[models]] in cqtui.toml; examples/support-desk/local.toml shows how.",
        )
    return names


def _of_model(calls: Sequence[LoggedCall], known: KnownModels, current: ModelEntry) -> list[LoggedCall]:
    """The calls that the current model answered; all of them where the log names no model of the registry."""
    own = [call for call in calls if call.model and _is(current, known.entry_of(call.model))]
    return own or list(calls)


def _is(current: ModelEntry, found: ModelEntry | None) -> bool:
    return found is not None and found.id == current.id


def recipients(plan: Plan) -> tuple[str, ...]:
    """Providers that will receive the prompts, the judge's included."""
    entries = [*(candidate.entry for candidate in plan.top), *plan.panel.models]
    return tuple(sorted({entry.provider for entry in entries}))
