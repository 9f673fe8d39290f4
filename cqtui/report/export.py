"""Turns a recommendation into a Portkey gateway config: weights, fallback, guardrails, routing by segment. Pure.

What the open-source gateway accepts was found by running it (docs/adr/0007-exported-configs.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from cqtui.environment import hosted_slug, provider_key_variable
from cqtui.errors import BadInputError
from cqtui.models import Candidate, ModelEntry
from cqtui.report.evidence import evidence_kind
from cqtui.results import Evidence, Recommendation
from cqtui.settings import Settings

Target = Literal["open-source", "hosted"]
CURRENT, NEW = "current", "new"  # the names of the targets whose weights a canary moves
# All that the new model's provider may answer where the current model's would still have answered well: no caller is to
# see a failure that it would not have seen before. A request that is itself wrong is refused twice, at no cost.
FALLBACK_STATUS_CODES = (400, 401, 403, 404, 408, 412, 413, 422, 429, 500, 502, 503, 504, 529)
# Providers whose key travels as "Authorization: Bearer" in the gateway; others put it into another header or the URL.
BEARER_PROVIDERS = frozenset(
    {"cerebras", "cohere", "deepseek", "groq", "mistral-ai", "moonshot", "openai", "together-ai", "x-ai", "z-ai"}
)
NOT_IN_OPEN_SOURCE = frozenset({"local", "minimax"})
_GUARDRAIL_KEYS = (
    *("input_guardrails", "output_guardrails", "before_request_hooks", "after_request_hooks"),
    *("input_mutators", "output_mutators"),
)
_METADATA_LIMIT = 128  # characters of a value
_SECRET_NAME = re.compile(
    r"(api|access|secret|private)[-_]?key$|secret$|password$|token$|^authorization$", re.IGNORECASE
)
_SECRET_PARENT = re.compile(r"^(credentials|headers)$", re.IGNORECASE)
_NUMBERS = re.compile(r"\[\n\s*((?:\d+,\s+)*\d+)\n\s*\]")  # no text holds a line break in JSON
_PLACEHOLDER = re.compile(r"^\$\{[^}]+\}$")


class SegmentRoute(NamedTuple):
    """Calls whose metadata ``key`` has ``value`` go to ``model``, a canary's share of them at first."""

    value: str
    key: str
    model: ModelEntry


@dataclass(frozen=True)
class ExportOptions:
    """What the caller wants: the new model's share of the calls in percent, for which gateway, and by which segments.

    With ``segments`` each of them has a canary of its own, and all other calls stay with the current model.
    """

    canary_percent: Decimal = Decimal(5)
    target: Target = "open-source"
    segments: Sequence[SegmentRoute] = ()


@dataclass(frozen=True)
class _Addresses:
    """How a gateway is told of a model."""

    target: Target
    settings: Settings
    key_from_header: bool

    def of(self, entry: ModelEntry, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A target for a model, with the options that a candidate lays over the calls."""
        gateway = self.settings.gateway
        own = dict(options or {})
        if self.target == "hosted":
            slug = hosted_slug(gateway.slugs, entry.id.split(" ", 1)[0], entry.portkey_slug)
            return {"override_params": {"model": f"{slug}/{entry.model}", **own}}
        key: dict[str, Any] = {"api_key": f"${{{provider_key_variable(entry.portkey_slug)}}}"}
        if self.key_from_header:
            # The gateway wants an api_key beside a provider; the forwarded header goes over what it makes of it.
            key = {"api_key": "", "forward_headers": ["authorization"]}
        host = {"custom_host": gateway.custom_host} if gateway.custom_host else {}
        return {"provider": entry.portkey_slug, **key, **host, "override_params": {"model": entry.model, **own}}


def portkey_config(result: Recommendation, settings: Settings, options: ExportOptions) -> dict[str, Any]:
    """The gateway config for a run's recommendation; no key is in it.

    Args:
        result: The run.
        settings: Its slugs, custom host, time-out and guardrail sets.
        options: The new model's share, the gateway, the segments.

    Raises:
        BadInputError: The run is a rehearsal or recommends no switch, or the config cannot be what the run measured.
    """
    check_exportable(result, options)
    models = new_models(result, options)
    addresses = _addresses(result, settings, options)
    canaries = {
        entry.id: _canary(
            result.current,
            addresses.of(entry, options_of(entry, result)),
            addresses,
            options,
            guardrails_of(entry, result, settings, options),
        )
        for entry in models
    }
    if not options.segments:
        (only,) = canaries.values()
        return only
    return {
        "strategy": {"mode": "conditional", "conditions": _conditions(result, options.segments), "default": CURRENT},
        "targets": [
            {"name": CURRENT, **addresses.of(result.current)},
            *({"name": name, **canary} for name, canary in canaries.items()),
        ],
    }


def config_text(config: Mapping[str, Any]) -> str:
    """A config as JSON for people to read and edit: ASCII, since it may travel in a header; numbers on one line."""
    text = json.dumps(config, indent=2) + "\n"
    return _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text)


def check_exportable(result: Recommendation, options: ExportOptions) -> None:
    """Refuse what must not change traffic.

    Raises:
        BadInputError: A simulated run, a run without a recommendation, a share that is none, a segment that cannot be
            told from the metadata.
    """
    if evidence_kind(result.provider) == "simulated":
        raise BadInputError(
            f"Run {result.run_id} is a rehearsal: simulated answers are no reason to change traffic.",
            "Run cqtui optimize on real models.",
        )
    if result.recommended is None and not options.segments:
        raise BadInputError(
            f"Run {result.run_id} does not recommend a switch: {result.sentence}", "cqtui report shows why."
        )
    if not options.canary_percent.is_finite() or not 0 <= options.canary_percent <= 100:
        raise BadInputError(f"The canary's share must be 0 to 100 percent (found {options.canary_percent}).")
    known: dict[tuple[str, str], str] = {}
    for value, key, model in options.segments:
        if not key or "." in key:
            raise BadInputError(f'Segment "{value}": the gateway routes by flat metadata keys (found "{key}").')
        if len(value) > _METADATA_LIMIT:
            raise BadInputError(f'Segment "{value[:20]}...": metadata values end at {_METADATA_LIMIT} characters.')
        if known.setdefault((key, value), model.id) != model.id:
            raise BadInputError(f'Segment "{value}" has two models: {known[key, value]} and {model.id}.')


def new_models(result: Recommendation, options: ExportOptions) -> tuple[ModelEntry, ...]:
    """The models that a config sends calls to beside the current one, each once."""
    if not options.segments:
        return (entry_of(result.recommended.candidate),) if result.recommended is not None else ()
    found = {route.model.id: route.model for route in options.segments if route.model.id != result.current.id}
    return tuple(found.values())


def entry_of(candidate: Candidate) -> ModelEntry:
    """A candidate's model under the candidate's own name: with options it is told apart from the plain one."""
    return candidate.entry.model_copy(update={"id": candidate.id})


def options_of(entry: ModelEntry, result: Recommendation) -> Mapping[str, Any]:
    """What a candidate lays over the calls' own parameters."""
    found = evidence_on(entry, result)
    return found.candidate.options if found is not None else {}


def evidence_on(entry: ModelEntry, result: Recommendation) -> Evidence | None:
    """What the run showed of a model over the whole log, or None."""
    return next((evidence for evidence in result.evidence if evidence.candidate.id == entry.id), None)


def guardrails_of(
    entry: ModelEntry, result: Recommendation, settings: Settings, options: ExportOptions
) -> dict[str, Any]:
    """The recommended guardrail set as keys of the recommended model's target; empty for other models or without a set.

    Raises:
        BadInputError: The settings do not have the set, or the gateway would let calls pass without it.
    """
    name = result.guardrail_set
    if name is None or result.recommended is None or entry.id != result.recommended.candidate.id:
        return {}
    found = settings.guardrails.get(name)
    if found is None:
        raise BadInputError(
            f'The run recommends the guardrail set "{name}", which cqtui.toml does not have.',
            "Run where that cqtui.toml is, or name it with --config.",
        )
    saved = found.for_gateway()
    if isinstance(saved, str):
        if options.target == "open-source":
            raise BadInputError(
                f'The guardrail set "{name}" is a saved id: the open-source gateway would ignore it without a word.',
                f"Write it out as [guardrails.{name}.config], or use --target hosted.",
            )
        # A target takes the ids of guardrails; there is no field for a saved config in it.
        return {
            "input_guardrails": [f"${{input_guardrails of {saved}}}"],
            "output_guardrails": [f"${{output_guardrails of {saved}}}"],
        }
    if "targets" in saved or "strategy" in saved:
        raise BadInputError(f'The guardrail set "{name}" routes by itself.', "Leave guardrails alone in its config.")
    kept = {key: _without_secrets(saved[key]) for key in _GUARDRAIL_KEYS if key in saved}
    if options.target == "open-source" and any(_is_saved(item) for items in kept.values() for item in items):
        raise BadInputError(
            f'The guardrail set "{name}" names saved guardrails: the open-source gateway would ignore them without a '
            "word.",
            "Write their checks out, or use --target hosted.",
        )
    if not kept:
        raise BadInputError(f'The guardrail set "{name}" holds no guardrail.', f"Known: {', '.join(_GUARDRAIL_KEYS)}.")
    return kept


def placeholders(config: object) -> tuple[str, ...]:
    """What is to be filled in before a config is used: the texts between ``${`` and ``}``, each once, in order."""
    return tuple(dict.fromkeys(text[2:-1] for text in _texts(config) if _PLACEHOLDER.match(text)))


def key_from_header(result: Recommendation, options: ExportOptions) -> bool:
    """Whether the open-source gateway can take the key from the caller's Authorization header.

    One header can carry one key: forwarded to a second provider it would tell that one the first one's key.
    """
    providers = _providers(result, options)
    return options.target == "open-source" and len(providers) == 1 and providers <= BEARER_PROVIDERS


def _providers(result: Recommendation, options: ExportOptions) -> set[str]:
    return {entry.portkey_slug for entry in (result.current, *new_models(result, options))}


def _addresses(result: Recommendation, settings: Settings, options: ExportOptions) -> _Addresses:
    host = settings.gateway.custom_host
    if options.target == "open-source":
        missing = sorted(_providers(result, options) & NOT_IN_OPEN_SOURCE)
        if missing:
            raise BadInputError(
                f'The open-source gateway has no provider "{missing[0]}".',
                "Use --target hosted, or give the model a portkey_slug that it has (openai, with custom_host).",
            )
        if host and "@" in host:
            raise BadInputError("[gateway] custom_host holds a user name or password, which no config may.")
    return _Addresses(options.target, settings, key_from_header(result, options))


def _canary(
    current: ModelEntry,
    new: Mapping[str, Any],
    addresses: _Addresses,
    options: ExportOptions,
    guardrails: Mapping[str, Any],
) -> dict[str, Any]:
    share = options.canary_percent / 100
    timeout_ms = round(1000 * addresses.settings.gateway.timeout_s)
    return {
        "strategy": {"mode": "loadbalance"},
        "targets": [
            {"name": CURRENT, "weight": _number(1 - share), **addresses.of(current)},
            {
                "name": NEW,
                "weight": _number(share),
                "strategy": {"mode": "fallback", "on_status_codes": [*FALLBACK_STATUS_CODES]},
                # The run counted what took longer as failed. Without a time-out a call that hangs never falls back.
                "targets": [
                    {**new, "request_timeout": timeout_ms, **guardrails},
                    addresses.of(current),
                ],
            },
        ],
    }


def _number(weight: Decimal) -> int | float:
    return int(weight) if weight == weight.to_integral_value() else float(weight)


def _conditions(result: Recommendation, segments: Sequence[SegmentRoute]) -> list[dict[str, Any]]:
    """Conditions in the order of the segments; values of one key that go to one model share one."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for value, key, model in segments:
        values = grouped.setdefault((key, CURRENT if model.id == result.current.id else model.id), [])
        if value not in values:
            values.append(value)
    return [{"query": {f"metadata.{key}": {"$in": values}}, "then": name} for (key, name), values in grouped.items()]


def _without_secrets(value: Any, *, hidden: str = "") -> Any:
    """A guardrail config with placeholders for what looks like a key; ``hidden`` names the secret that a value is."""
    if isinstance(value, Mapping):
        return {
            name: _without_secrets(item, hidden=name if hidden or _is_secret(name, item) else "")
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(item, hidden=hidden) for item in value]
    return f"${{{_variable(hidden)}}}" if hidden and isinstance(value, str) else value


def _is_secret(name: str, value: object) -> bool:
    if _SECRET_PARENT.search(name):
        return True
    return isinstance(value, str) and _SECRET_NAME.search(name) is not None


def _is_saved(guardrail: object) -> bool:
    """Whether an entry of a guardrail list stands for a guardrail that only hosted Portkey knows."""
    return not isinstance(guardrail, Mapping) or set(guardrail) == {"id"}


def _variable(name: str) -> str:
    return re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).upper()


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
