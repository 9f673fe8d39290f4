"""Which secret a run's store is sealed with (``[store] sealed``), and what a run says of records that have no seal."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping

from cqtui.environment import STORE_SECRET, store_secret
from cqtui.errors import BadInputError
from cqtui.registry.loader import load_registry
from cqtui.settings import Settings
from cqtui.store.runs import UNPAID_PROVIDERS
from cqtui.store.seals import Seals

SHORTEST_SECRET = 16  # characters; whoever reads the store can try out a shorter one
_HOW = f"Set {STORE_SECRET} to at least {SHORTEST_SECRET} random characters."


def known_seals(environment: Mapping[str, str] = os.environ) -> Seals | None:
    """The seals of the secret that the environment has, or None where it has none.

    Raises:
        BadInputError: The secret is so short that it could be guessed.
    """
    # The bundled registry alone: an overlay must not choose which variable counts as a secret.
    found = store_secret((), environment) or store_secret(
        {entry.portkey_slug for entry in load_registry().entries}, environment
    )
    if found is None:
        return None
    variable, secret = found
    if len(secret) < SHORTEST_SECRET:
        raise BadInputError(f"{variable} is too short to seal the store with.", _HOW)
    return Seals(secret)


def seals_for(
    settings: Settings, environment: Mapping[str, str] = os.environ, *, lasting: bool = False
) -> Seals | None:
    """The seals of a run's store; None where the settings ask for none.

    Simulated, recorded and local models cost nothing to ask again: without a secret such a run makes one up, which it
    keeps to itself, and so believes nothing that was kept before. ``lasting`` seals, as labels need, are never made up.

    Raises:
        BadInputError: A store that holds paid answers or labels is to be sealed without a secret, or with a short one.
    """
    if not settings.store.sealed:
        return None
    seals = known_seals(environment)
    if seals is not None:
        return seals
    if settings.provider in UNPAID_PROVIDERS and not lasting:
        return Seals(secrets.token_hex())
    raise BadInputError("[store] sealed = true needs a secret: PORTKEY_API_KEY or a provider's key.", _HOW)


def doubts(seals: Seals | None) -> tuple[str, ...]:
    """What a run notes of kept records that it did not believe; nothing where there were none."""
    if seals is None or not seals.doubted:
        return ()
    if seals.doubted == 1:
        return ("1 kept record was not sealed by this key and was not used.",)
    return (f"{seals.doubted:,} kept records were not sealed by this key and were not used.",)
