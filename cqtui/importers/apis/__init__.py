"""What a request and a response say, each read by the API that it is in.

A proxy may log a request in one vendor's shape and the response in another's: so the two sides are read apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Made for every record of a log, so that neither class is frozen: that would cost as much again.
# Personal data of a request never stays in the parameters.
PERSONAL = ("user", "safety_identifier", "metadata")


@dataclass(slots=True)
class Asked:
    """A request, in its own values."""

    messages: Any
    model: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    user: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    provider: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Answered:
    """A response, in its own values; the usage under the names of ``Usage``."""

    completion: Any
    id: Any = None
    time: Any = None
    model: Any = None
    finish_reason: Any = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    provider: str | None = None
    warnings: tuple[str, ...] = ()
