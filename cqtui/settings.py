"""Reads the environment and cqtui.toml once; everything else is handed values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypeGuard, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from cqtui.errors import BadInputError
from cqtui.redaction.patterns import check_names, compiled_pattern
from cqtui.toml.errors import nearest, one_line, parse_toml, place, unknown_key, wrong_value

Provider = Literal["portkey", "recorded", "rehearsal", "local"]
HOSTED_BASE_URL = "https://api.portkey.ai/v1"
CONFIG_NAME = "cqtui.toml"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Constraints(_Section):
    """What a candidate must keep to. None is not constrained."""

    max_cost_per_request: Decimal | None = Field(None, gt=0, description="USD, on the 99th percentile")
    max_latency_ms: int | None = Field(None, gt=0, description="ms, on the 95th percentile")
    min_quality_score: float | None = Field(None, ge=0, le=100, description="0..100, on the candidate's mean")
    required_capabilities: tuple[str, ...] = ()
    blocked_providers: tuple[str, ...] = ()


class Traffic(_Section):
    """Figures that the user states where the log does not tell.

    Which calls can wait a day, and so could go in batch jobs at the batch price: ``batch_share`` of them all, or those
    of the ``batch_segments`` (their ``segment``, ``route``, ``template`` ... in the log's metadata).
    """

    monthly_request_volume: int | None = Field(None, gt=0)
    avg_input_tokens: int | None = Field(None, gt=0)
    avg_output_tokens: int | None = Field(None, gt=0)
    batch_share: float = Field(0.0, ge=0, le=1, description="share of the calls that can wait a day, 0..1")
    batch_segments: tuple[str, ...] = Field((), description="segments whose calls can wait a day")

    @model_validator(mode="after")
    def _one_of_both(self) -> Traffic:
        if self.batch_share and self.batch_segments:
            raise ValueError("give either batch_share or batch_segments")
        return self


class Thresholds(_Section):
    """When a switch is worth it (percent, fractions and counts)."""

    min_cost_saving_percent: float = Field(20.0, ge=0, le=100)
    max_quality_drop_percent: float = Field(5.0, gt=0, lt=100)
    min_confidence: float = Field(0.3, ge=0, le=1)
    max_iteration_loops: int = Field(3, ge=1, le=10)
    min_sample_size: int = Field(5, ge=2)
    max_samples: int = Field(400, ge=1)
    max_refusal_increase_percent: float = Field(3.0, gt=0, lt=33)
    max_catastrophe_percent: float | None = Field(None, ge=0, le=100, description="pairs worse by over 40 points")
    alpha: float = Field(0.05, gt=0, lt=0.5, description="chance of one false 'verified' in a run")
    noise_floor_samples: int = Field(20, ge=0, description="logged calls that the current model answers again")
    coverage_floor_percent: float = Field(80.0, ge=0, le=100)
    guardrail_samples: int = Field(100, ge=1, description="calls replayed under each set, per finalist")


class BudgetSettings(_Section):
    """The most that a run may spend, and all runs of one store in a calendar month (UTC) together, in USD."""

    usd: Decimal = Field(Decimal("1.0"), ge=0)
    monthly_usd: Decimal | None = Field(None, ge=0)


class JudgeSettings(_Section):
    """Who scores the answers, and how.

    ``side_by_side`` shows a model both answers at once, blind; ``pointwise`` asks it about one at a time; ``checks``
    uses deterministic checks alone. Several ``models`` are a jury; where they differ by more than 20 points
    ``escalate_to`` decides. ``swap_share`` of the pairs are judged in both orders. ``rubric`` is a file that says what
    the four dimensions mean.
    """

    mode: Literal["side_by_side", "pointwise", "checks"] = "side_by_side"
    models: tuple[str, ...] = ()
    escalate_to: str | None = None
    swap_share: float = Field(0.2, ge=0, le=1)
    rubric: str | None = None


class GatewaySettings(_Section):
    """How models are reached. ``hosted`` None means: hosted Portkey exactly where no base_url is set.

    ``attempts`` bounds the failures of one call, being throttled apart; ``deadline_s`` bounds all its attempts and the
    waits between them. ``rpm`` is requests a minute to each provider; None is the registry's figure, where it has one.
    ``batch_poll_s`` is the first wait before a batch job is looked at; later waits grow to a minute.
    """

    base_url: str | None = None
    hosted: bool | None = None
    custom_host: str | None = None
    slugs: Mapping[str, str] = {}
    timeout_s: float = Field(120.0, gt=0)
    concurrency: int = Field(16, ge=1, le=256)
    attempts: int = Field(4, ge=1, le=10)
    deadline_s: float = Field(900.0, gt=0)
    rpm: int | None = Field(None, gt=0)
    batch_poll_s: float = Field(5.0, gt=0)


def _json_value(value: Any) -> Any:
    """Settings hold fractions as Decimal, which JSON does not know."""
    if isinstance(value, Mapping):
        return {name: _json_value(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


class GuardrailSettings(_Section):
    """One named set of guardrails: an inline Portkey config, or the id of a saved one (hosted Portkey)."""

    config: Mapping[str, Any] | None = None
    id: str | None = None
    enabled: bool = Field(True, description="whether finalists are replayed under it")

    @model_validator(mode="after")
    def _exactly_one(self) -> GuardrailSettings:
        if (self.config is None) == (self.id is None):
            raise ValueError("give either config or id")
        return self

    def for_gateway(self) -> dict[str, Any] | str:
        """What travels with a call: the config as JSON knows it, or the id."""
        return self.id if self.id is not None else _json_value(dict(self.config or {}))


class CacheSettings(_Section):
    """How long paid results are kept, in seconds."""

    model_output_ttl_s: int = Field(30 * 24 * 3600, ge=0)
    evaluation_ttl_s: int = Field(30 * 24 * 3600, ge=0)


class StoreSettings(_Section):
    """What the database may hold, and what of it is believed.

    Without ``keep_text`` it holds no text of prompts or answers, but hashes, figures, scores. ``sealed`` is for one
    that others can write, such as a cache restored in CI: only records sealed with this run's secret are used.
    """

    keep_text: bool = True
    sealed: bool = False


class ReportSettings(_Section):
    """How reports are written: ``templates`` is a folder with the user's own, seen from the settings file."""

    templates: str | None = None


def _usable_pattern(pattern: str) -> str:
    compiled_pattern(pattern)
    return pattern


class PrivacySettings(_Section):
    """What is replaced in prompts and answers before they are sent, stored or shown.

    ``patterns`` are the user's own, names to regular expressions in RE2's syntax; a match becomes ``<NAME_1>``.
    """

    redact: bool = Field(True, description="e-mails, phone numbers, cards, IBANs, IP addresses, keys")
    patterns: Mapping[str, Annotated[str, AfterValidator(_usable_pattern)]] = {}

    @field_validator("patterns")
    @classmethod
    def _usable_names(cls, patterns: Mapping[str, str]) -> Mapping[str, str]:
        check_names(patterns)
        return patterns


class Settings(_Section):
    """Everything that cqtui.toml and the command line say."""

    current_model: str | None = None
    use_case: str = "general"
    logs: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    constraints: Constraints = Constraints()
    traffic: Traffic = Traffic()
    thresholds: Thresholds = Thresholds()
    budget: BudgetSettings = BudgetSettings()
    judge: JudgeSettings = JudgeSettings()
    gateway: GatewaySettings = GatewaySettings()
    guardrails: Mapping[str, GuardrailSettings] = {}
    cache: CacheSettings = CacheSettings()
    store: StoreSettings = StoreSettings()
    report: ReportSettings = ReportSettings()
    privacy: PrivacySettings = PrivacySettings()
    models: tuple[Mapping[str, Any], ...] = Field((), description="overlay of the registry, [[models]]")
    provider: Provider = "portkey"
    batch: bool = False
    k_candidates: int = Field(6, ge=1, le=50)
    n_top: int = Field(3, ge=1, le=20)
    seed: int = 0
    as_of: date = Field(default_factory=lambda: datetime.now(UTC).date())
    profile: str | None = Field(None, description="the profile that was laid over, [profiles.NAME]")


_COMMAND_LINE_ONLY = ("provider", "batch", "k_candidates", "n_top", "seed", "as_of", "profile")
_PROFILES = "profiles"
_REPLACED_WHOLE = "guardrails"  # a set has either config or id, so half of one cannot be laid over another


def _is_section(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _fields_at(location: Sequence[int | str]) -> list[str]:
    section: type[BaseModel] = Settings
    for name in location[:-1]:
        if str(name) not in section.model_fields:  # the name of an entry, such as that of a guardrail set
            continue
        annotation = section.model_fields[str(name)].annotation
        inner = next((each for each in (annotation, *get_args(annotation)) if _is_section(each)), None)
        section = inner or section
    return [name for name in section.model_fields if section is not Settings or name not in _COMMAND_LINE_ONLY]


def _laid_over(base: Mapping[str, Any], over: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """``base`` with the values of ``over``: tables key by key, anything else as a whole."""
    values = dict(base)
    for name, value in over.items():
        old = values.get(name)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            values[name] = {**old, **value} if depth == 0 and name == _REPLACED_WHOLE else _laid_over(old, value, 1)
        else:
            values[name] = value
    return values


@dataclass(frozen=True)
class _File:
    """A configuration, taken apart but not yet checked."""

    name: str
    text: str
    base: dict[str, Any]
    profiles: dict[str, Any]

    def place(self, *path: str | int) -> str:
        return place(self.name, self.text, path)

    def settings(self, profile: str | None = None) -> Settings:
        """The effective settings; raises BadInputError where the base or that profile is wrong."""
        values: dict[str, Any] = self.base if profile is None else self.profiles[profile]
        prefix = () if profile is None else (_PROFILES, profile)
        if not isinstance(values, Mapping):
            raise BadInputError(f'{self.place(*prefix)}: "{one_line(".".join(prefix))}" is not a table.')
        for key in _COMMAND_LINE_ONLY:
            if key in values and not (key == "profile" and isinstance(values[key], Mapping)):
                option = key.replace("_", "-")
                raise BadInputError(
                    f'{self.place(*prefix, key)}: "{key}" is an option of the command.', f"Use --{option}."
                )
        if "profile" in values:  # a table: a slip for [profiles.NAME]
            raise unknown_key(self.place(*prefix, "profile"), "profile", [_PROFILES])
        if prefix and _PROFILES in values:
            raise BadInputError(f"{self.place(*prefix, _PROFILES)}: a profile holds no profiles.", "Put it beside.")
        effective = _laid_over(self.base, values) if prefix else values
        try:
            return Settings.model_validate({**effective, "profile": profile})
        except ValidationError as error:
            first = error.errors()[0]
            path = (*prefix, *first["loc"])
            if first["type"] == "extra_forbidden":
                known = _fields_at(first["loc"]) + ([_PROFILES] if len(path) == 1 else [])
                raise unknown_key(self.place(*path), str(path[-1]), known) from None
            raise wrong_value(self.place(*path), path, error) from None


def _taken_apart(text: str, file: str) -> _File:
    text = text.removeprefix("\ufeff")  # some editors begin a UTF-8 file with a byte order mark
    base = parse_toml(text, file)
    profiles = base.pop(_PROFILES, {})
    if not isinstance(profiles, dict):
        where = place(file, text, (_PROFILES,))
        raise BadInputError(f'{where}: "{_PROFILES}" is not a table.', "Write [profiles.NAME].")
    return _File(file, text, base, profiles)


def parse_settings(text: str, *, file: str = CONFIG_NAME, profile: str | None = None) -> Settings:
    """Parse the text of a cqtui.toml, every profile in it included.

    Args:
        text: The text.
        file: What errors call it.
        profile: The ``[profiles.NAME]`` to lay over the rest; None lays none.

    Raises:
        BadInputError: Not TOML, an unknown key (with the nearest name), a value out of range, in a profile too, or no
            such profile; names file and line.
    """
    parts = _taken_apart(text, file)
    base = parts.settings()
    named = {name: parts.settings(name) for name in parts.profiles}
    if profile is None:
        return base
    if profile not in named:
        hint = nearest(profile, list(named)) or "It defines none: write [profiles.NAME]."
        raise BadInputError(f'{file}: no profile "{one_line(profile)}".', hint)
    return named[profile]


def read_config(path: Path) -> str:
    """The text of a configuration, its newlines as they are.

    Raises:
        BadInputError: It cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}.", "Name a file that can be read.") from None
    except UnicodeDecodeError:
        raise BadInputError(f"{path}: not UTF-8.", "Save it as UTF-8.") from None


def _config_text(config: Path | None) -> tuple[str, str]:
    """The text and the name of the configuration; no text where none was named and none is here."""
    path = config or Path(CONFIG_NAME)
    if config is not None and not config.is_file():
        raise BadInputError(f"{config}: no such file.", "Name an existing configuration with --config.")
    return (read_config(path) if path.is_file() else "", str(path))


def profile_names(config: Path | None) -> tuple[str, ...]:
    """The profiles that cqtui.toml (or the given file) defines, in its order.

    Raises:
        BadInputError: The file is missing, or not TOML.
    """
    return tuple(_taken_apart(*_config_text(config)).profiles)


def load_settings(
    config: Path | None, overrides: Mapping[str, Any] | None = None, profile: str | None = None
) -> Settings:
    """Read cqtui.toml (or the given file), lay a profile over it and the command line's values over both.

    Args:
        config: A file that must exist, or None for ``cqtui.toml`` in the working directory if there is one.
        overrides: Dotted names such as ``"budget.usd"`` to values; None values are ignored.
        profile: A ``[profiles.NAME]`` of the file, or None.

    Raises:
        BadInputError: The file is missing or wrong, it has no such profile, or an override is out of range.
    """
    text, file = _config_text(config)
    values: dict[str, Any] = parse_settings(text, file=file, profile=profile).model_dump()
    for dotted, value in (overrides or {}).items():
        if value is None:
            continue
        *sections, name = dotted.split(".")
        target = values
        for section in sections:
            target = target[section]
        target[name] = value
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][-1]).replace("_", "-")
        raise BadInputError(f"{option}: {first['msg'].lower()} (found {first.get('input')}).") from None
