"""How figures and foreign text are written. Money and percent keep their units; unknown is said, never 0."""

from __future__ import annotations

import re
from decimal import Decimal

from cqtui.results import Interval

UNKNOWN = "unknown"
# Control characters, text direction, invisible letters and lone surrogates, which no file can hold.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f]"
)


def money(value: Decimal | None) -> str:
    """USD with as many digits as the amount deserves: $1,240, $12.50, $0.0021, under $0.0001."""
    if value is None:
        return UNKNOWN
    size = abs(value)
    if size >= 1000:
        text = f"{size:,.0f}"
    elif size >= 1 or size == 0:
        text = f"{size:,.2f}"
    elif size >= Decimal("0.01"):
        text = f"{size:.3f}".rstrip("0").rstrip(".")
        text = text if "." in text and len(text.split(".")[1]) >= 2 else f"{size:.2f}"
    elif size >= Decimal("0.0001"):
        text = f"{size:.2g}"
    else:
        return "under $0.0001" if value > 0 else "about $0"
    return ("−" if value < 0 else "") + "$" + text


def signed(value: float) -> str:
    """One decimal with a sign; a true minus."""
    text = f"{value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def percent(value: float | None) -> str:
    """Percent with one decimal."""
    return UNKNOWN if value is None else f"{value:.1f}%".replace("-", "−")


def interval(value: Interval | None, unit: str = "%") -> str:
    """Estimate with its 95% interval, e.g. ``−0.9% [−3.1, +1.2]``."""
    if value is None:
        return UNKNOWN
    return f"{signed(value.value)}{unit} [{signed(value.low)}, {signed(value.high)}]"


def points(value: Interval | None) -> str:
    """A difference of scores with its 95% interval, e.g. ``−0.9 [−3.1, +1.2]``."""
    return interval(value, "")


def share_interval(value: Interval | None) -> str:
    """A share in percent with its interval, without signs, e.g. ``3.0% [1.0, 8.5]``."""
    return UNKNOWN if value is None else f"{value.value:.1f}% [{value.low:.1f}, {value.high:.1f}]"


def relative_change(cost: Decimal | None, added: Decimal | None) -> str:
    """A cost's change in percent of what it was without what was ``added``."""
    if cost is None or added is None or cost == added:
        return UNKNOWN
    return f"{signed(float(100 * added / (cost - added)))}%"


def cost_change(saving: Interval | None) -> str:
    """A saving as a change of cost: a saving of 46% is ``−46.0% [...]``."""
    if saving is None:
        return UNKNOWN
    return interval(Interval(value=-saving.value, low=-saving.high, high=-saving.low))


def share(value: float | None) -> str:
    """A fraction 0..1 as percent."""
    return UNKNOWN if value is None else f"{100 * value:.1f}%"


def counted(count: int, what: str) -> str:
    """A number with its noun: ``1 call``, ``1,200 calls``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def days(value: float) -> str:
    """A span of time: days, or hours and minutes where it is under one day."""
    minutes = value * 24 * 60
    if value >= 1:
        return f"{value:.1f} days"
    if minutes >= 60:
        return f"{minutes / 60:.1f} hours"
    return counted(round(minutes), "minute") if minutes >= 1 else "under a minute"


def milliseconds(value: float | None) -> str:
    """Ms below a second, else seconds."""
    if value is None:
        return UNKNOWN
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"


def inert(text: str) -> str:
    """Foreign text with its lines kept, without control characters or text-direction overrides."""
    return "\n".join(_CONTROL.sub("\ufffd", line) for line in text.splitlines())


def plain(text: str) -> str:
    """Foreign text on one line without control characters or text-direction overrides."""
    return _CONTROL.sub("\ufffd", " ".join(text.split()))
