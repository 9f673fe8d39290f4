"""Who judges a run, by which rubric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cqtui.engine.adjustments import Adjustments
from cqtui.engine.calling import Caller
from cqtui.engine.judge import ChecksJudge, Judge, Jury, ModelJudge, PairOrder
from cqtui.engine.judge_prompt import JudgeMode, default_rubric, rubric_version
from cqtui.errors import BadInputError
from cqtui.models import ModelEntry
from cqtui.registry.loader import Registry
from cqtui.settings import Settings


@dataclass(frozen=True)
class Panel:
    """The judges of a run: none (checks alone), one, or a jury; and who decides where a jury differs."""

    judges: tuple[ModelEntry, ...] = ()
    escalate_to: ModelEntry | None = None
    mode: JudgeMode = "side_by_side"
    rubric: str = ""
    swap_share: float = 0.0

    @property
    def models(self) -> tuple[ModelEntry, ...]:
        """All who may be asked."""
        return self.judges + ((self.escalate_to,) if self.escalate_to is not None else ())

    @property
    def families(self) -> frozenset[str]:
        """The families of all who may be asked."""
        return frozenset(entry.family for entry in self.models)

    @property
    def version(self) -> str:
        """Changes with anything that a judge is asked."""
        return rubric_version(self.mode, self.rubric)


def choose_panel(registry: Registry, settings: Settings, contestants: Sequence[ModelEntry]) -> Panel:
    """The judges: the user's, else the first default one whose family is not a contestant's; none for checks.

    Where every default judge shares a contestant's family, the first that is not a contestant itself. With local
    inference only local judges are asked: without one the checks decide.

    Raises:
        BadInputError: The user's judge is unknown or a contestant, or the rubric cannot be read.
    """
    wanted = settings.judge
    if wanted.mode == "checks" or (settings.provider == "local" and not _is_local(wanted.models, registry)):
        return Panel()
    judges = _judges(registry, settings, contestants)
    escalate_to = _named(registry, wanted.escalate_to, contestants) if wanted.escalate_to is not None else None
    return Panel(judges, escalate_to, wanted.mode, _rubric(wanted.rubric), wanted.swap_share)


def _is_local(names: Sequence[str], registry: Registry) -> bool:
    """Whether all the judges can be asked without leaving this machine; a hosted one is for other providers' runs."""
    return bool(names) and all(registry.get(name).provider == "local" for name in names)


def _judges(registry: Registry, settings: Settings, contestants: Sequence[ModelEntry]) -> tuple[ModelEntry, ...]:
    if settings.provider == "rehearsal":
        priced_as = registry.get(registry.judges[0])
        simulated = {"model": "rehearsal-judge", "family": "rehearsal", "provider": "rehearsal"}
        return (priced_as.model_copy(update={"id": "rehearsal-judge", **simulated}),)
    if settings.judge.models:
        return tuple(_named(registry, name, contestants) for name in settings.judge.models)
    families, ids = {entry.family for entry in contestants}, {entry.id for entry in contestants}
    defaults = [registry.get(name) for name in registry.judges]
    apart = [entry for entry in defaults if entry.family not in families]
    free = [entry for entry in defaults if entry.id not in ids]
    if not apart and not free:
        raise BadInputError("Every default judge is a contestant.", "Name another with --judge.")
    return ((apart or free)[0],)


def _named(registry: Registry, name: str, contestants: Sequence[ModelEntry]) -> ModelEntry:
    entry = registry.get(name)
    if entry.id in {contestant.id for contestant in contestants}:
        raise BadInputError(f"The judge {entry.id} is a contestant.", "Name another with --judge.")
    return entry


def _rubric(path: str | None) -> str:
    if path is None:
        return default_rubric()
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise BadInputError(
            f"{path}: the rubric cannot be read: {reason}.", "Set [judge] rubric to a text file."
        ) from None
    if not text:
        raise BadInputError(f"{path}: the rubric is empty.", "Say in it what the four dimensions mean.")
    return text


def make_judge(panel: Panel, settings: Settings, caller: Caller, adjustments: Adjustments, run_id: str) -> Judge:
    """The judge that a panel stands for."""
    if not panel.judges:
        return ChecksJudge()
    judges = [model_judge(entry, panel, settings, caller, adjustments, run_id) for entry in panel.judges]
    if panel.escalate_to is None:
        return judges[0] if len(judges) == 1 else Jury(judges)
    return Jury(judges, model_judge(panel.escalate_to, panel, settings, caller, adjustments, run_id))


def model_judge(
    entry: ModelEntry, panel: Panel, settings: Settings, caller: Caller, adjustments: Adjustments, run_id: str
) -> ModelJudge:
    """One model as a judge of a panel."""
    return ModelJudge(
        caller,
        adjustments,
        entry,
        mode=panel.mode,
        rubric=panel.rubric,
        order=PairOrder(settings.seed, panel.swap_share),
        run_id=run_id,
        timeout_s=settings.gateway.timeout_s,
        slugs=settings.gateway.slugs,
    )
