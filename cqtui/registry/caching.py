"""The rules by which providers cache prompts, from caching.toml."""

from __future__ import annotations

import functools
import re
import tomllib
from datetime import date
from importlib import resources
from typing import Literal

from pydantic import Field, model_validator

from cqtui.models import Frozen, ModelEntry


class CacheRule(Frozen):
    """How one provider caches the prompts of some models; None is unknown. Lifetime in seconds."""

    provider: str
    model: str = ""
    mode: Literal["automatic", "marked"]
    mark: str = ""
    minimum_tokens: int | None = Field(None, gt=0)
    step_tokens: int = Field(1, gt=0)
    lifetime_s: float | None = Field(None, gt=0)
    writes: Literal["free", "priced"]
    needs: str = ""
    source: str
    read: date

    @model_validator(mode="after")
    def _named_mark(self) -> CacheRule:
        if (self.mode == "marked") != bool(self.mark):
            raise ValueError("a mark has a name exactly where the mode is marked")
        return self


@functools.cache
def _rules() -> tuple[CacheRule, ...]:
    text = resources.files("cqtui.registry").joinpath("caching.toml").read_text(encoding="utf-8")
    return tuple(CacheRule.model_validate(rule) for rule in tomllib.loads(text)["rule"])


def cache_rule(entry: ModelEntry) -> CacheRule | None:
    """The rule for a model, or None where none is known."""
    name = entry.model.rsplit("/", 1)[-1]
    return next((rule for rule in _rules() if rule.provider == entry.provider and re.search(rule.model, name)), None)
