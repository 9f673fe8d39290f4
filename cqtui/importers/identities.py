"""Makes the calls of one read: each with an id of its own, who asked hashed."""

from __future__ import annotations

import hashlib
from typing import Any

from cqtui.importers.base import Skipped, digest
from cqtui.importers.found import UNREADABLE, Rejected, unusable
from cqtui.importers.raw import NoCall, RawCall, normalised
from cqtui.models import LoggedCall


class Identified:
    """Makes the calls of one read: each with an id of its own, user and session hashed where asked."""

    def __init__(self, hash_identities: bool = True) -> None:
        self._hash_identities = hash_identities
        self._ids: set[str] = set()

    def call_of(self, raw: RawCall) -> LoggedCall | Skipped | Rejected:
        """The call in one shape, or why there is none."""
        place = raw.place
        try:
            call = normalised(raw)
        except UNREADABLE as error:
            return Rejected(unusable(error), place.file, place.line)
        if isinstance(call, NoCall):
            return Skipped(call.reason, place.origin)
        changes: dict[str, Any] = {}
        if self._hash_identities:
            changes = {"user": _hashed(call.user), "session": _hashed(call.session)}
        if call.id in self._ids:
            content = call.model_dump(mode="python", exclude={"origin"})
            derived = f"{call.id}-{digest(content)[:8]}"
            while derived in self._ids:
                derived += "+"
            changes["id"] = derived
            warnings = (*call.origin.warnings, "id seen before with other content: a derived id was given")
            changes["origin"] = call.origin.model_copy(update={"warnings": warnings})
        self._ids.add(changes.get("id", call.id))
        return call.model_copy(update=changes) if changes else call


def _hashed(value: str | None) -> str | None:
    return None if value is None else hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:16]
