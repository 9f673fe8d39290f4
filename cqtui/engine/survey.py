"""Whom a health check asks for one token: those that a run would call first."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from cqtui.engine.call_costs import worst_case_usd
from cqtui.engine.discover import Discovery
from cqtui.engine.panel import Panel, choose_panel
from cqtui.engine.ping import ping_call, ping_request
from cqtui.engine.plan import Plan
from cqtui.engine.traffic import profile
from cqtui.errors import BadInputError
from cqtui.models import Candidate, ModelEntry
from cqtui.registry.loader import Registry
from cqtui.settings import Settings

Role = Literal["current", "candidate", "judge"]
PATIENCE_S = 30.0
RUN_ID = "health"


@dataclass(frozen=True)
class Survey:
    """What will be looked at: a plan and whom of it one token is asked."""

    plan: Plan
    models: tuple[tuple[ModelEntry, Role], ...]


def survey_of(plan: Plan) -> Survey:
    """The candidates that a run would try first, and its judge."""
    models: list[tuple[ModelEntry, Role]] = [(candidate.entry, "candidate") for candidate in plan.top]
    models += [(judge, "judge") for judge in plan.panel.models]
    return Survey(plan, tuple(models))


def survey_without_log(settings: Settings, registry: Registry) -> Survey:
    """Without a log: the models that the settings name, and the judges, the user's or the registry's.

    Raises:
        BadInputError: A name is unknown, or the local provider has no local model.
    """
    current = registry.get(settings.current_model) if settings.current_model else None
    named = [registry.get(name) for name in settings.candidates]
    if settings.provider == "local" and not named:
        named = [entry for entry in registry.entries if entry.provider == "local"]
        if not named:
            raise BadInputError("No local model is in the registry.", "Add it under [[models]] in cqtui.toml.")
    models: list[tuple[ModelEntry, Role]] = [(entry, "candidate") for entry in named]
    if current is not None and settings.provider == "portkey":
        models.insert(0, (current, "current"))
    if settings.provider == "portkey" and settings.judge.mode != "checks":
        names = settings.judge.models or registry.judges
        judges = [registry.get(name) for name in names]
    else:
        judges = list(choose_panel(registry, settings, named).models)
    seen = {entry.id for entry, _ in models}
    models += [(entry, "judge") for entry in judges if entry.id not in seen]
    stand_in = current or (named or judges or list(registry.entries))[0]
    call = ping_call()
    return Survey(
        Plan(
            settings=settings,
            registry=registry,
            current=stand_in,
            traffic=profile([call], stand_in, settings.traffic, settings.as_of),
            calls=(),
            discovery=Discovery((), (), (), forced_switch=False),
            ranked=tuple(
                Candidate(entry=entry, cost_per_call_usd=Decimal(0), expected_saving_percent=0.0) for entry in named
            ),
            panel=Panel(),
        ),
        tuple(models),
    )


def most_usd(survey: Survey) -> Decimal:
    """The most that asking every model for one token can cost, in USD, where prices are known."""
    settings = survey.plan.settings
    costs = [
        worst_case_usd(
            ping_request(entry, run_id=RUN_ID, timeout_s=min(settings.gateway.timeout_s, PATIENCE_S)),
            entry,
            1,
            settings.as_of,
        )
        for entry, _ in survey.models
    ]
    return sum((cost for cost in costs if cost is not None), Decimal(0))
