"""What the app works on: the configuration, the log, and the plan that follows from both. Calls nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cqtui.engine.estimate import Estimate, estimate
from cqtui.engine.log import Log
from cqtui.engine.optimize import log_for, plan_for
from cqtui.engine.plan import Plan
from cqtui.environment import portkey_api_key
from cqtui.errors import BadInputError
from cqtui.importers import Progress, log_paths
from cqtui.resources import resource_path
from cqtui.settings import CONFIG_NAME, Provider, Settings, load_settings, profile_names

EXAMPLE = "examples/support-desk"


@dataclass(frozen=True)
class Choices:
    """What the user named or chose, beyond what the files say.

    Attributes:
        config: The settings file; None is cqtui.toml in the working directory, which may be missing.
        profile: The profile of it that is in use.
        logs: Logs in place of the configuration's.
        session: Values that hold until the app ends, by dotted name; they are not written to the file.
        recording: Answers for the provider ``recorded``.
        is_example: The bundled example, whose files are never written.
    """

    config: Path | None = None
    profile: str | None = None
    logs: tuple[Path, ...] = ()
    session: Mapping[str, Any] = field(default_factory=dict)
    recording: Path | None = None
    is_example: bool = False

    @property
    def config_path(self) -> Path:
        """The file that edits go to."""
        return self.config or Path(CONFIG_NAME)

    def with_session(self, **values: Any) -> Choices:
        """The same with further values for this session; dots in names are written as two underscores."""
        named = {name.replace("__", "."): value for name, value in values.items()}
        return replace(self, session={**self.session, **named})


@dataclass(frozen=True)
class Found:
    """What is there to work on; ``profiles`` are the names in the configuration."""

    choices: Choices
    settings: Settings
    paths: tuple[Path, ...]
    log: Log
    plan: Plan
    estimate: Estimate
    profiles: tuple[str, ...]

    @property
    def templates(self) -> Path | None:
        """The folder of the user's own report templates; None where the configuration names none."""
        from cqtui.report.templates import templates_folder

        return templates_folder(self.settings, self.choices.config)


def example_choices() -> Choices:
    """The bundled example, rehearsed: no key, nothing sent."""
    folder = resource_path(EXAMPLE)
    return Choices(config=folder / CONFIG_NAME, session={"provider": "rehearsal"}, is_example=True)


def settings_of(choices: Choices) -> Settings:
    """The effective settings.

    Without a key for hosted Portkey and without another gateway, the provider stays ``portkey``: the app says what is
    missing, and never falls back silently.
    """
    return load_settings(choices.config, choices.session, choices.profile)


def needs_setup(choices: Choices) -> bool:
    """Whether there is neither a configuration nor a log, so that the first questions come first."""
    if choices.logs or choices.config is not None:
        return False
    return not Path(CONFIG_NAME).is_file()


def missing_key(settings: Settings) -> str | None:
    """What the provider in use lacks before it can be called, in words; None where nothing is."""
    gateway = settings.gateway
    hosted = gateway.hosted if gateway.hosted is not None else gateway.base_url is None
    if settings.provider == "portkey" and hosted and portkey_api_key() is None:
        return "no key: set PORTKEY_API_KEY, or choose another provider"
    return None


def provider_words(settings: Settings) -> str:
    """Who answers, in a few words."""
    words: dict[Provider, str] = {
        "portkey": settings.gateway.base_url or "hosted Portkey",
        "recorded": "a recording",
        "rehearsal": "simulated",
        "local": "a small model here",
    }
    return f"{settings.provider} ({words[settings.provider]})"


def look(choices: Choices, known: Found | None = None, progress: Progress | None = None) -> Found:
    """Read the configuration and the log, and plan.

    Args:
        choices: What was chosen.
        known: What was found before; its log is not read again where it is still the one that is meant.
        progress: Kept current while a log is read.

    Raises:
        ReadStopped: ``progress`` was stopped.
        CqtuiError: A file is missing or wrong, or nothing can be planned.
    """
    settings = settings_of(choices)
    paths = list(choices.logs) or log_paths(settings, choices.config)
    if not paths:
        raise BadInputError("No log was named.", "Set logs in cqtui.toml.")
    if known is not None and known.paths == tuple(paths) and known.log.serves(known.settings, settings):
        log = known.log
    else:
        log = log_for(settings, paths, progress)
    plan = plan_for(settings, log)
    return Found(choices, settings, tuple(paths), log, plan, estimate(plan), profile_names(choices.config))
