"""Savings on the same model, as the JSON holds them and as sentences name them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from cqtui.report.filters import UNKNOWN, money
from cqtui.results import SameModelSavings


class CacheTokensJson(BaseModel):
    """Input tokens: all, those a prompt cache would read and write, and those that the log says were read from it."""

    model_config = ConfigDict(extra="forbid")

    input: int
    read: int
    written: int
    logged_read: int


class SameModelJson(BaseModel):
    """What one change would save without changing the model: computed from the log, not measured.

    ``saving_usd`` is over the log, null where unknown; percent is of the cost at list price without cache discounts.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal["prompt_caching", "batch", "lower_effort"]
    what: str
    options: dict[str, Any]
    saving_usd: float | None
    saving_percent: float | None
    monthly_saving_usd: float | None
    is_upper_bound: bool
    calls: int
    left_out: int
    cache: CacheTokensJson | None
    how: str
    notes: list[str]
    unknown: str | None


def _usd(value: Decimal | None, digits: str) -> float | None:
    return None if value is None else float(value.quantize(Decimal(digits), rounding=ROUND_HALF_UP))


def same_model_json(saving: SameModelSavings) -> SameModelJson:
    """One saving as JSON."""
    return SameModelJson(
        kind=saving.kind,
        what=saving.what,
        options=saving.options,
        saving_usd=_usd(saving.saving_usd, "0.00000001"),
        saving_percent=None if saving.saving_percent is None else round(saving.saving_percent, 3),
        monthly_saving_usd=_usd(saving.monthly_usd, "0.01"),
        is_upper_bound=saving.is_upper_bound,
        calls=saving.calls,
        left_out=saving.left_out,
        cache=None if saving.cache is None else CacheTokensJson(**saving.cache.model_dump()),
        how=saving.how,
        notes=list(saving.notes),
        unknown=saving.unknown,
    )


def _at_most(saving: SameModelSavings, text: str) -> str:
    return f"at most {text}" if saving.is_upper_bound and saving.saving_usd and text != UNKNOWN else text


def saving_percent(saving: SameModelSavings) -> str:
    """A saving in percent, e.g. ``at most 31.2%``."""
    percent = saving.saving_percent
    return _at_most(saving, UNKNOWN if percent is None else f"{percent:.1f}%")


def saving_usd(saving: SameModelSavings) -> str:
    """A saving over the log in USD."""
    return _at_most(saving, money(saving.saving_usd))


def saving_a_month(saving: SameModelSavings) -> str:
    """A saving a month in USD."""
    return _at_most(saving, money(saving.monthly_usd))


def saving_words(saving: SameModelSavings) -> str:
    """One saving in a clause: ``prompt caching would save about $412 a month (31.2%)``."""
    month = saving.monthly_usd
    amount = f"{money(saving.saving_usd)} over this log" if month is None else f"{money(month)} a month"
    about = "at most" if saving.is_upper_bound else "about"
    return f"{saving.what[:1].lower()}{saving.what[1:]} would save {about} {amount} ({saving.saving_percent or 0:.1f}%)"
