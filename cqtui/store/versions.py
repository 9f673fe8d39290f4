"""What cached results depend on, named and dated: the components and versions that entries of the cache carry.

========================  ==========================================================  ==========================
component                 changes with                                                entries that carry it
========================  ==========================================================  ==========================
``model:<id>``            the slug a model is called by, its name or its snapshot     model outputs, evaluations
``rubric``                what a judge is asked                                       evaluations
``prices``                a price of the registry, or one that takes effect           recommendations
``constraints:<profile>``  what a profile asks of a candidate                          recommendations
========================  ==========================================================  ==========================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from cqtui.models import ModelEntry
from cqtui.settings import Constraints

PRICES = "prices"
RUBRIC = "rubric"
DEFAULT_PROFILE = "default"


def model_component(model_id: str) -> str:
    """The name of a model among the components."""
    return f"model:{model_id}"


def constraints_component(profile: str = DEFAULT_PROFILE) -> str:
    """The name of a profile's constraints among the components."""
    return f"constraints:{profile}"


def model_version(entry: ModelEntry, slugs: Mapping[str, str]) -> str:
    """What a model is called by, and its snapshot; ``slugs`` are the team's own, by model id or ``portkey_slug``."""
    slug = slugs.get(entry.id) or slugs.get(entry.portkey_slug) or entry.portkey_slug
    return f"@{slug.removeprefix('@')}/{entry.model} {entry.version}".strip()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def prices_version(entries: Iterable[ModelEntry], as_of: date) -> str:
    """Changes when a price does, and on the day when an announced one takes effect."""
    fields = {"price", "price_tiers", "price_changes"}
    prices = {
        entry.id: [
            entry.model_dump(mode="json", include=fields),
            sum(c.effective <= as_of for c in entry.price_changes),
        ]
        for entry in entries
    }
    return _digest(prices)


def constraints_version(constraints: Constraints) -> str:
    """Changes when any constraint does."""
    return _digest(constraints.model_dump(mode="json"))


def versions_now(
    entries: Iterable[ModelEntry],
    *,
    slugs: Mapping[str, str],
    constraints: Constraints,
    rubric: str,
    as_of: date,
    profile: str = DEFAULT_PROFILE,
) -> dict[str, str]:
    """The version of every component that holds in a run, for ``cache.apply_versions``.

    Args:
        entries: The registry's models.
        slugs: The team's own Portkey slugs.
        constraints: The profile's.
        rubric: The version of what judges are asked.
        as_of: The run's date.
        profile: Whose constraints these are.
    """
    known = list(entries)
    return {
        **{model_component(entry.id): model_version(entry, slugs) for entry in known},
        PRICES: prices_version(known, as_of),
        RUBRIC: rubric,
        constraints_component(profile): constraints_version(constraints),
    }
