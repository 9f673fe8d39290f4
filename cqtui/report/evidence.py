"""What a run's answers are worth, by who gave them. Pure."""

from __future__ import annotations

from typing import Literal


def evidence_kind(provider: str) -> Literal["measured", "recorded", "simulated"]:
    """What the answers are: measured on real models, read from a recording, or simulated."""
    if provider == "rehearsal":
        return "simulated"
    return "recorded" if provider == "recorded" else "measured"
