"""What the environment says: where the store lies, and the keys, by their usual variables."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

PORTKEY_KEY = "PORTKEY_API_KEY"
STORE_SECRET = "CQTUI_STORE_SECRET"


def database_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the store lies: CQTUI_DATABASE, else DATABASE_PATH, else .cqtui/cqtui.db here."""
    named = environment.get("CQTUI_DATABASE") or environment.get("DATABASE_PATH")
    return Path(named) if named else Path(".cqtui") / "cqtui.db"


def hosted_slug(slugs: Mapping[str, str], model_id: str, provider: str) -> str:
    """The team's name for a model's provider in hosted Portkey, as ``@slug``.

    Args:
        slugs: The team's own slugs, by model id (which goes first) or by ``portkey_slug``.
        model_id: The model's registry id.
        provider: Its ``portkey_slug``, the slug where the team has none of its own.
    """
    slug = slugs.get(model_id) or slugs.get(provider) or provider
    return f"@{slug.removeprefix('@')}"


def portkey_api_key(environment: Mapping[str, str] = os.environ) -> str | None:
    """The Portkey key of the environment, or None."""
    return environment.get(PORTKEY_KEY) or None


def provider_key_variable(provider: str) -> str:
    """The usual variable for the key of a model provider, e.g. OPENAI_API_KEY for ``openai``."""
    return re.sub(r"\W", "_", provider).upper() + "_API_KEY"


def provider_api_key(provider: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """The key of a model provider by its usual variable, or None."""
    return environment.get(provider_key_variable(provider)) or None


def store_secret(providers: Iterable[str], environment: Mapping[str, str] = os.environ) -> tuple[str, str] | None:
    """The variable and the secret of a sealed store, or None.

    CQTUI_STORE_SECRET goes first, then PORTKEY_API_KEY, then whichever of the providers' usual variables that are set
    comes first by its name: which models a run is about must not change the secret.
    """
    named = (STORE_SECRET, PORTKEY_KEY, *sorted(provider_key_variable(provider) for provider in providers))
    return next(((name, environment[name]) for name in named if environment.get(name)), None)
