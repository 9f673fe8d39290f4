"""Seals: HMACs by which a store that others can write shows which of its records were written with a secret.

A seal covers the table, the key and every part of the value that is relied on, so that a record cannot be changed, nor
moved to another key or another table. What sealing does not protect: docs/adr/0012-sealed-store.md.
"""

from __future__ import annotations

import hmac
from typing import Final

_DOMAIN: Final = b"cqtui store seal v1"
_DIGEST: Final = "sha256"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


class Seals:
    """The seals of one secret, and the records that were met without one.

    The secret itself is not held; what is derived from it leaves the object in no form but seals.
    """

    __slots__ = ("_doubted", "_key")

    def __init__(self, secret: str) -> None:
        """Derive the key of the seals from a secret."""
        self._key = hmac.digest(_bytes(secret), _DOMAIN, _DIGEST)
        self._doubted: set[tuple[str, ...]] = set()

    def __repr__(self) -> str:
        """Without the key."""
        return "Seals()"

    def __reduce__(self) -> str:
        """Refuse to be pickled or copied: the key would go with it."""
        raise TypeError("seals cannot be pickled")

    @property
    def doubted(self) -> int:
        """How many records were met so far whose seal is missing or does not hold."""
        return len(self._doubted)

    def seal(self, table: str, key: tuple[str, ...], *value: str) -> str:
        """The seal of a record, as hexadecimal digits.

        Args:
            table: Where it is kept.
            key: What it is found by.
            value: All else that is relied on.
        """
        fields = [_bytes(field) for field in (table, *key, *value)]
        # With its length before each field no two records are the same bytes.
        message = b"".join(len(field).to_bytes(8, "big") + field for field in fields)
        return hmac.digest(self._key, message, _DIGEST).hex()

    def holds(self, seal: object, table: str, key: tuple[str, ...], *value: object) -> bool:
        """Whether this is the record's seal; never where the store gave something else than text."""
        texts = [field for field in value if isinstance(field, str)]
        if not isinstance(seal, str) or len(texts) < len(value) or not all(isinstance(each, str) for each in key):
            return False
        return hmac.compare_digest(_bytes(seal), _bytes(self.seal(table, key, *texts)))

    def believes(self, seal: object, table: str, key: tuple[str, ...], *value: object) -> bool:
        """The same, and where the seal does not hold the record is counted in ``doubted``, once."""
        holds = self.holds(seal, table, key, *value)
        if not holds:
            self._doubted.add((table, *key))
        return holds
