"""Reads the model registry, lays the user's entries over it and checks the result."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from cqtui.errors import BadInputError
from cqtui.models import Conflict, Frozen, ModelEntry, Price, PriceChange, PriceTier
from cqtui.registry.pricing import blended_price
from cqtui.resources import resource_path

OVERLAY_FILE = "cqtui.toml"
STALE_AFTER_DAYS = 60
MAX_INPUT = Decimal(200)  # USD per 1,000,000 tokens, as are the two below
MAX_OUTPUT = Decimal(700)
MIN_INPUT = Decimal("0.001")

_DATED = re.compile(r"[-@](\d{4}-\d{2}-\d{2}|\d{8})$")
_NESTED: dict[str, type[BaseModel]] = {"price": Price, "price_tiers": PriceTier, "price_changes": PriceChange}
_PRICE_HINT = "Prices are USD per 1,000,000 tokens."


class _Document(Frozen):
    """The registry file; its models are validated one by one so that an error can name the model."""

    schema_version: Literal[1]
    as_of: date
    currency: Literal["USD"] = "USD"
    price_unit: str
    judges: tuple[str, ...] = ()
    known_strengths: tuple[str, ...] = ()
    use_cases: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    models: list[dict[str, object]] = Field(default_factory=list)


@dataclass(frozen=True)
class Registry:
    """All models, in file order, and what is odd about them.

    Attributes:
        entries: The models, with ``rank`` computed (1 = most expensive; equal prices share a rank).
        use_cases: Use case -> the strengths it asks for.
        judges: Ids of the default judges.
        known_strengths: Strengths the sources affirm or deny; any other is unknown for every model.
        as_of: The day the prices were read.
        conflicts: Contradictions, each about one model.
        warnings: What a user should know, in sentences.
    """

    entries: tuple[ModelEntry, ...]
    use_cases: dict[str, tuple[str, ...]]
    judges: tuple[str, ...]
    known_strengths: tuple[str, ...]
    as_of: date
    conflicts: tuple[Conflict, ...] = ()
    warnings: tuple[str, ...] = ()

    def get(self, name: str) -> ModelEntry:
        """Find a model by id, model name or alias, whatever the case.

        A leading ``@slug/`` and a dated snapshot suffix are dropped where the full name is not registered.

        Raises:
            BadInputError: No model has that name, or several providers serve it and none is its maker.
        """
        for key in _spellings(name):
            found = self._by_id.get(key)
            if found is not None:
                return found
            candidates = self._by_name.get(key, ())
            direct = [entry for entry in candidates if _is_direct(entry)]
            for choice in (candidates, direct):
                if len(choice) == 1:
                    return choice[0]
            if candidates:
                ids = ", ".join(entry.id for entry in candidates)
                raise BadInputError(f"{name} is served by several providers.", f"Name one: {ids}.")
        near = self._nearest(name)
        hint = f"Nearest: {', '.join(near)}. " if near else ""
        raise BadInputError(
            f"{name} is not in the registry.",
            f"{hint}cqtui models list shows those that are; add your own under [[models]] in {OVERLAY_FILE}.",
        )

    @cached_property
    def _by_id(self) -> dict[str, ModelEntry]:
        return {entry.id.lower(): entry for entry in self.entries}

    @cached_property
    def _by_name(self) -> dict[str, list[ModelEntry]]:
        names: dict[str, list[ModelEntry]] = {}
        for entry in self.entries:
            for key in {entry.model.lower(), *(alias.lower() for alias in entry.aliases)}:
                names.setdefault(key, []).append(entry)
        return names

    def _nearest(self, name: str) -> list[str]:
        wanted = _spellings(name)[-1]
        shown = {key: key for key in (*self._by_id, *self._by_name)}
        for entry in self.entries:
            for spelled in (entry.id, entry.model, *entry.aliases):
                shown[spelled.lower()] = spelled
        close = difflib.get_close_matches(wanted, shown, n=20, cutoff=0.6)
        # A shared beginning says more about a model's name than shared letters; the sort is stable.
        close.sort(key=lambda key: -_shared_start(wanted, key))
        return [shown[key] for key in close[:2]]


def load_registry(
    overlay: Sequence[Mapping[str, object]] = (), *, path: Path | None = None, today: date | None = None
) -> Registry:
    """Read the registry, lay the user's entries over it by id and check the result.

    Args:
        overlay: The ``[[models]]`` of the user's ``cqtui.toml``. An entry whose id is known replaces the keys it
            states (prices key by key); any other is added. Prices in USD per 1,000,000 tokens.
        path: The registry file; the bundled ``models.toml`` where None.
        today: The day that ranks, retirements and the file's age are measured at; today in UTC where None.

    Raises:
        BadInputError: The file or an entry is wrong; the text names the file, the model and the key.
    """
    source = resource_path("models.toml") if path is None else path
    today = datetime.now(UTC).date() if today is None else today
    document = _read(source)
    raw: dict[str, dict[str, object]] = {}
    origin: dict[str, str] = {}
    for item in document.models:
        _add(raw, origin, item, source.name)
    _lay_over(raw, origin, overlay)
    entries = [_entry(item, origin[model_id]) for model_id, item in raw.items()]
    for entry in entries:
        _check_prices(entry, origin[entry.id.lower()])
        _check_efforts(entry, origin[entry.id.lower()])
    _check_names(entries, origin)

    conflicts = [conflict for entry in entries for conflict in _entry_conflicts(entry, today)]
    ranks = _ranks(entries, today)
    conflicts += _rank_conflicts(entries, ranks, today)
    registry = Registry(
        entries=tuple(entry.model_copy(update={"rank": ranks.get(entry.id)}) for entry in entries),
        use_cases=document.use_cases,
        judges=document.judges,
        known_strengths=document.known_strengths,
        as_of=document.as_of,
        conflicts=tuple(conflicts),
        warnings=tuple(_warnings(document, source.name, entries, today)),
    )
    for judge in document.judges:
        registry.get(judge)
    return registry


def _read(source: Path) -> _Document:
    try:
        data = tomllib.loads(source.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{source} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(f"{source.name} is not valid TOML: {error}.") from error
    unit = data.get("price_unit")
    if unit != "per_1m_tokens":
        raise BadInputError(f"{source.name}: price_unit is {unit!r}.", 'Only "per_1m_tokens" is accepted.')
    try:
        return _Document.model_validate(data)
    except ValidationError as error:
        raise _explain(error, _Document, source.name) from error


def _add(raw: dict[str, dict[str, object]], origin: dict[str, str], item: Mapping[str, object], file: str) -> None:
    model_id = _id_of(item, file)
    if model_id.lower() in raw:
        raise BadInputError(f"{file}: the id {model_id} appears twice.", "Remove one of the two.")
    raw[model_id.lower()] = dict(item)
    origin[model_id.lower()] = file


def _lay_over(
    raw: dict[str, dict[str, object]], origin: dict[str, str], overlay: Sequence[Mapping[str, object]]
) -> None:
    seen: set[str] = set()
    for given in overlay:
        item = {key: _exact(value) for key, value in given.items()}
        model_id = _id_of(item, OVERLAY_FILE)
        key = model_id.lower()
        if key in seen:
            raise BadInputError(f"{OVERLAY_FILE}: the id {model_id} appears twice.", "Remove one of the two.")
        seen.add(key)
        if key not in raw:
            slug, _, model = model_id.partition("/")
            model = model or slug
            added: dict[str, object] = {"display_name": model, "provider": slug, "portkey_slug": slug, "model": model}
            family = item.get("provider", slug)
            raw[key] = {**added, "family": family, "is_active": True, **item}
        else:
            base = raw[key]
            old, new = base.get("price"), item.get("price")
            if isinstance(old, Mapping) and isinstance(new, Mapping):
                item["price"] = {**old, **new}
            raw[key] = {**base, **item, "id": base["id"]}
        origin[key] = OVERLAY_FILE


def _exact(value: object) -> object:
    """Turn floats, however deep, into the Decimals a reader sees in the file."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, Mapping):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_exact(item) for item in value]
    return value


def _id_of(item: Mapping[str, object], file: str) -> str:
    model_id = item.get("id")
    if not isinstance(model_id, str) or not model_id:
        raise BadInputError(f"{file}: a [[models]] entry has no id.", 'Write id = "provider-slug/model".')
    return model_id


def _entry(item: Mapping[str, object], file: str) -> ModelEntry:
    try:
        return ModelEntry.model_validate(item)
    except ValidationError as error:
        raise _explain(error, ModelEntry, f"{file}, model {item['id']}") from error


def _explain(error: ValidationError, model: type[BaseModel], where: str) -> BadInputError:
    """Say in one line what the first problem is; an unknown key comes before its consequences."""
    problems = error.errors(include_url=False)
    problem = next((item for item in problems if item["type"] == "extra_forbidden"), problems[0])
    loc = problem["loc"]
    name = ".".join(str(part) for part in loc)
    if problem["type"] != "extra_forbidden":
        what = "is missing" if problem["type"] == "missing" else f"is wrong: {problem['msg']}"
        return BadInputError(f"{where}: {name} {what}.")
    fields = (_NESTED.get(str(loc[0]), model) if len(loc) > 1 else model).model_fields
    near = difflib.get_close_matches(str(loc[-1]), fields, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else f"Known keys: {', '.join(fields)}."
    return BadInputError(f"{where}: unknown key {name}.", hint)


def _check_prices(entry: ModelEntry, file: str) -> None:
    where = f"{file}, model {entry.id}"
    parts: list[tuple[str, Price | PriceTier | PriceChange]] = []
    if entry.price is not None:
        parts.append(("price", entry.price))
    parts += [(f"price_tiers.{n}", tier) for n, tier in enumerate(entry.price_tiers)]
    parts += [(f"price_changes.{n}", change) for n, change in enumerate(entry.price_changes)]
    for name, part in parts:
        for key, value in part:
            if isinstance(value, Decimal):
                _check_amount(where, f"{name}.{key}", key, value)
        cached = None if isinstance(part, PriceTier) else part.cache_read
        if cached is not None and cached > part.input:
            raise BadInputError(f"{where}: {name}.cache_read {cached} is above input {part.input}.", _PRICE_HINT)


def _check_amount(where: str, name: str, key: str, value: Decimal) -> None:
    if value < 0 or not value.is_finite():
        raise BadInputError(f"{where}: {name} is {value}, not a price.", _PRICE_HINT)
    if value == 0 and not key.startswith("cache_"):
        raise BadInputError(f"{where}: {name} is a price of 0.", "Leave the price out where it is unknown.")
    if (key == "input" and value > MAX_INPUT) or (key == "output" and value > MAX_OUTPUT):
        raise BadInputError(f"{where}: {name} {value} looks like a per-1K mistake.", _PRICE_HINT)
    if key == "input" and value < MIN_INPUT:
        raise BadInputError(f"{where}: {name} {value} looks like a per-token mistake.", _PRICE_HINT)


def _check_efforts(entry: ModelEntry, file: str) -> None:
    efforts, default = entry.reasoning_efforts, entry.default_reasoning_effort
    where = f"{file}, model {entry.id}"
    if efforts is not None and len(set(efforts)) != len(efforts):
        raise BadInputError(f"{where}: reasoning_efforts names one twice.", "List each once, least first.")
    if default is not None and default not in (efforts or ()):
        raise BadInputError(
            f'{where}: default_reasoning_effort "{default}" is not among reasoning_efforts.',
            "List the efforts that the model takes, least first.",
        )


def _check_names(entries: Iterable[ModelEntry], origin: Mapping[str, str]) -> None:
    owners = {entry.id.lower(): entry.id for entry in entries}
    for entry in entries:
        for alias in entry.aliases:
            owner = owners.setdefault(alias.lower(), f"an alias of {entry.id}")
            if owner != f"an alias of {entry.id}" or entry.aliases.count(alias) > 1:
                file = origin[entry.id.lower()]
                raise BadInputError(
                    f"{file}, model {entry.id}: the alias {alias} is taken by {owner}.", "Each name may appear once."
                )


def _entry_conflicts(entry: ModelEntry, today: date) -> Iterable[Conflict]:
    if entry.is_active and entry.deprecated is not None and entry.deprecated <= today:
        yield Conflict(
            model_id=entry.id, kind="active_past_end", details=f"marked active, but it ended on {entry.deprecated}"
        )
    price = entry.price
    if price is None:
        return
    for name, batch, standard in (
        ("input", price.batch_input, price.input),
        ("output", price.batch_output, price.output),
    ):
        if batch is not None and batch >= standard:
            details = f"batch {name} ${batch} is not below ${standard} per 1M tokens"
            yield Conflict(model_id=entry.id, kind="batch_not_cheaper", details=details)


def _warnings(document: _Document, file: str, entries: Iterable[ModelEntry], today: date) -> Iterable[str]:
    age = (today - document.as_of).days
    if age > STALE_AFTER_DAYS:
        yield f"The prices in {file} are {age} days old (read {document.as_of})."
    for entry in entries:
        if entry.price is not None and entry.price.output < entry.price.input:
            yield f"{entry.id}: output ${entry.price.output} is below input ${entry.price.input} per 1M tokens."


def _ranks(entries: Iterable[ModelEntry], today: date) -> dict[str, int]:
    blends = {entry.id: blend for entry in entries if (blend := blended_price(entry, today)) is not None}
    return {model_id: 1 + sum(other > blend for other in blends.values()) for model_id, blend in blends.items()}


def _rank_conflicts(entries: Sequence[ModelEntry], computed: Mapping[str, int], today: date) -> Iterable[Conflict]:
    """Compare hand-written ranks with each other, or a single one with the computed ranks of the rest."""
    blends = {entry.id: blend for entry in entries if (blend := blended_price(entry, today)) is not None}
    written = {entry.id: entry.rank for entry in entries if entry.rank is not None and entry.id in blends}
    for model_id, rank in written.items():
        peers = written if len(written) > 1 else {**computed, **written}
        for other, other_rank in peers.items():
            cheaper_claim = rank > other_rank and blends[model_id] > blends[other]
            dearer_claim = len(written) == 1 and rank < other_rank and blends[model_id] < blends[other]
            if cheaper_claim or dearer_claim:
                claim = "cheaper" if cheaper_claim else "dearer"
                details = (
                    f"rank {rank} says {claim} than {other} (rank {other_rank}), but it costs "
                    f"${blends[model_id]} against ${blends[other]} per 1M tokens blended"
                )
                yield Conflict(model_id=model_id, kind="rank", details=details)
                break


def _spellings(name: str) -> list[str]:
    """The name as given, then without its ``@slug/``, then without its date, lower case."""
    full = name.strip().lower()
    keys = [full]
    if full.startswith("@"):
        keys = [full[1:], full.partition("/")[2] or full[1:]]
    keys += [_DATED.sub("", key) for key in keys]
    return list(dict.fromkeys(keys))


def _is_direct(entry: ModelEntry) -> bool:
    """Whether the provider is the model's maker."""
    provider = entry.provider.lower().replace("-", "")
    return provider.startswith(entry.family) or (entry.family, provider) == ("amazon", "aws")


def _shared_start(one: str, two: str) -> int:
    """How many leading characters two names share."""
    return next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
