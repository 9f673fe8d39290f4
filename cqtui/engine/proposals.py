"""What a first cqtui.toml should say, from the log: each value with where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cqtui.engine.decide import retirement_words
from cqtui.engine.discover import is_retiring
from cqtui.engine.estimate import estimate
from cqtui.engine.inspection import what_is_missing
from cqtui.engine.log import KnownModels, Log
from cqtui.engine.panel import choose_panel
from cqtui.engine.plan import make_plan
from cqtui.engine.tally import OTHERS, UNKNOWN
from cqtui.engine.traffic import profile_of
from cqtui.errors import BadInputError
from cqtui.models import ModelEntry, TrafficProfile
from cqtui.registry.loader import Registry
from cqtui.settings import Settings

MOST = 0.5  # a use case is proposed where at least so many of the calls are of its kind
LABELS = 30  # pairs that a person judges, to check the judge by
LABEL_TOKENS = 30  # JSON answers of at most so many tokens, as a rule, are labels
STATED = "As you stated."

MODEL, USE_CASE, LOGS = "current_model", "use_case", "logs"
VOLUME, BUDGET, JUDGE = "traffic.monthly_request_volume", "budget.usd", "judge.models"
CHANGEABLE = (MODEL, USE_CASE, VOLUME, JUDGE, BUDGET)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A setting by its dotted name, the value proposed for it (None: none), and why."""

    name: str
    value: Any
    why: str


@dataclass(frozen=True, slots=True)
class Proposals:
    """What a cqtui.toml should say.

    Attributes:
        items: The settings, in the order of the file.
        candidates: The models that a run would try first.
        problem: Why no run is possible with them yet, and what to do.
    """

    items: tuple[Proposal, ...]
    candidates: tuple[str, ...] = ()
    problem: BadInputError | None = None

    @property
    def values(self) -> dict[str, Any]:
        """Those that have a value, by name."""
        return {item.name: item.value for item in self.items if item.value is not None}

    @property
    def reasons(self) -> dict[str, str]:
        """Why, by name; of the candidates, which would be tried."""
        found = {item.name: item.why for item in self.items}
        if self.candidates:
            found["candidates"] = f"Now they would be {', '.join(self.candidates)}."
        return found


def propose(
    log: Log, settings: Settings, registry: Registry, logs: Sequence[str], stated: Mapping[str, Any]
) -> Proposals:
    """Propose settings for a log.

    Args:
        log: What was read.
        settings: Give the day of prices; nothing else of them is looked at.
        registry: Knows the models and the use cases.
        logs: How the file will name the log.
        stated: What the user said already, by dotted name; it goes first.

    Raises:
        BadInputError: What was stated is unknown or wrong.
    """
    known = KnownModels(registry)
    current, model = _model(log, registry, known, stated.get(MODEL))
    if current is not None and is_retiring(current, settings.as_of):
        why = f"{model.why} It {retirement_words(current)}: a replacement may cost more."
        model = Proposal(MODEL, model.value, why)
    traffic = profile_of(log.tally, current, Settings().traffic, settings.as_of, known.entry_of)
    use_case = _use_case(traffic, registry, stated.get(USE_CASE))
    volume = _volume(traffic, stated.get(VOLUME))
    budget = _budget(stated.get(BUDGET))
    trial = Settings.model_validate(
        {
            "as_of": settings.as_of,
            MODEL: current.id if current is not None else None,
            USE_CASE: use_case.value,
            "traffic": {"monthly_request_volume": volume.value},
            "judge": {"models": tuple(stated.get(JUDGE) or ())},
            "budget": {"usd": budget.value},
        }
    )
    problem = what_is_missing(log)
    candidates: tuple[str, ...] = ()
    judges: tuple[ModelEntry, ...] = ()
    tried: tuple[ModelEntry, ...] = ()
    if problem is None and current is None:
        problem = _not_named(log, model.why)
    if problem is None:
        plan = make_plan(trial, registry, log)
        candidates = tuple(candidate.id for candidate in plan.top)
        tried = tuple(candidate.entry for candidate in plan.top)
        judges = plan.panel.judges
        if stated.get(BUDGET) is None:
            budget = _budget(None, estimate(plan).expected_usd)
    if not judges and current is not None:
        judges = choose_panel(registry, trial, [current]).judges
    judge = _judge(judges, current, tried, stated.get(JUDGE))
    where = Proposal(
        LOGS, tuple(logs), f"Read just now: {log.tally.calls:,} call{'s' if log.tally.calls != 1 else ''}."
    )
    return Proposals((model, use_case, where, volume, judge, budget), candidates, problem)


def _model(log: Log, registry: Registry, known: KnownModels, stated: str | None) -> tuple[ModelEntry | None, Proposal]:
    """The model in use: as stated, else the most used one that the registry knows."""
    if stated is not None:
        entry = registry.get(stated)
        return entry, Proposal(MODEL, entry.id, STATED)
    counts = {name: n for name, n in log.tally.baseline_models.most_common() if name not in (UNKNOWN, OTHERS)}
    counts = counts or {name: n for name, n in log.tally.models.most_common() if name not in (UNKNOWN, OTHERS)}
    if not counts:
        return None, Proposal(MODEL, None, "The log does not name its model.")
    by_entry: dict[str, int] = {}
    for name, count in counts.items():
        if (found := known.entry_of(name)) is not None:
            by_entry[found.id] = by_entry.get(found.id, 0) + count
    first = next(iter(counts))
    if not by_entry:
        return None, Proposal(MODEL, None, _why_unknown(registry, first))
    best = max(by_entry, key=lambda model: by_entry[model])
    why = _gave(by_entry[best], sum(counts.values()))
    if known.entry_of(first) is None:
        why = f"{why[:-1]} of the models in the registry; {_why_unknown(registry, first)}"
    return registry.get(best), Proposal(MODEL, best, why)


def _not_named(log: Log, why: str) -> BadInputError:
    """That the current model is not known, and how to say it."""
    if any(name not in (UNKNOWN, OTHERS) for name in log.tally.models):
        return BadInputError(why, "If it stands for one that is known, name that: --current-model MODEL.")
    return BadInputError(why, "Name it: --current-model MODEL; cqtui models list shows those that are known.")


def _gave(own: int, answers: int) -> str:
    if own == answers:
        return "It gave all of the log's answers." if own > 1 else "It gave the log's only answer."
    return f"It gave {own:,} of the log's {answers:,} answers, the most."


def _why_unknown(registry: Registry, name: str) -> str:
    try:
        registry.get(name)
    except BadInputError as error:
        return str(error)
    return ""


def _use_case(traffic: TrafficProfile, registry: Registry, stated: str | None) -> Proposal:
    """By what most calls have in common: images, tools, JSON; else the general one."""
    if stated is not None:
        if stated not in registry.use_cases:
            known = ", ".join(registry.use_cases)
            raise BadInputError(f'"{stated}" is no use case of the registry.', f"Known: {known}.")
        return Proposal(USE_CASE, stated, STATED)
    ranks = traffic.output_percentiles
    answers = "classification" if ranks is not None and ranks.p50 <= LABEL_TOKENS else "extraction"
    size = "" if ranks is None else f", half of the answers in at most {ranks.p50:,} tokens"
    for rate, use_case, what in (
        (traffic.vision_rate, "vision", "hold images"),
        (traffic.tools_rate, "agents", "use tools"),
        (traffic.json_rate, answers, f"ask for JSON{size}"),
    ):
        if rate >= MOST and use_case in registry.use_cases:
            return Proposal(USE_CASE, use_case, f"{100 * rate:.0f}% of the calls {what}.")
    others = ", ".join(name for name in registry.use_cases if name != "general")
    return Proposal(
        USE_CASE, "general", f"Most calls have neither tools nor JSON nor images in common. Others: {others}."
    )


def _volume(traffic: TrafficProfile, stated: int | None) -> Proposal:
    if stated is not None:
        return Proposal(VOLUME, stated, STATED)
    if traffic.monthly_requests:
        days = f"{traffic.calls:,} calls in {traffic.period_days:.1f} days"
        return Proposal(VOLUME, traffic.monthly_requests, f"At the log's rate, {days}; change it if that is a sample.")
    why = "has no times" if traffic.period_days is None else "spans less than a day"
    return Proposal(VOLUME, None, f"The log does not tell: it {why}.")


def _budget(stated: Decimal | None, expected: Decimal | None = None) -> Proposal:
    if stated is not None:
        return Proposal(BUDGET, stated, STATED)
    default = Settings().budget.usd
    why = "The default."
    if expected is not None and expected > default:
        why += f" Every call would cost about ${expected:.2f}; a run stops as soon as the evidence is in."
    return Proposal(BUDGET, default, why)


def _judge(
    judges: Sequence[ModelEntry], current: ModelEntry | None, tried: Sequence[ModelEntry], stated: Sequence[str] | None
) -> Proposal:
    names = tuple(entry.id for entry in judges)
    if stated:
        return Proposal(JUDGE, names or tuple(stated), STATED)
    if not names or current is None:
        return Proposal(JUDGE, None, "A model of another family than those compared is chosen at each run.")
    families = {entry.family for entry in judges}
    if current.family in families:
        why = f"Of the family of {current.id}: no switch is verified before you labelled {LABELS} pairs (cqtui label)"
        return Proposal(JUDGE, names, f"{why}; a judge of another family needs none.")
    if related := [entry.id for entry in tried if entry.family in families]:
        why = f"Of the family of {', '.join(related)}: a switch to it is verified only once you labelled {LABELS} pairs"
        return Proposal(JUDGE, names, f"{why} (cqtui label); a judge of another family needs none.")
    return Proposal(JUDGE, names, f"Of another family than {current.id} and the models that would be tried.")
