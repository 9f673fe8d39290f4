"""Adds up the facts of many calls, in memory that does not grow with their number. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from cqtui.engine.facts import CallFacts
from cqtui.models import ModelEntry, Percentiles
from cqtui.registry.pricing import rates_of

MOST_NAMES = 1_000  # of models and of segments; those beyond are counted together
OTHERS = "others"
UNKNOWN = "unknown"
EXACT_BELOW = 10_000  # token counts above are kept to three digits for the percentiles
PERCENTILES = (50, 90, 95, 99)

_SUMS = (
    *("calls", "baseline_calls", "known_calls", "estimated_calls"),
    *("tools", "json", "vision", "multi_turn", "timed"),
)
_COUNTED = ("models", "baseline_models", "segments", "_inputs", "_outputs")

EntryOf = Callable[[str], ModelEntry | None]


@dataclass(slots=True)
class _Tokens:
    """The tokens of calls whose input lies between the same two price thresholds; ``size`` is the input of one."""

    size: int
    calls: int = 0
    input: int = 0
    output: int = 0
    cached: int = 0
    written: int = 0


@dataclass(slots=True)
class Tally:
    """The sum of the calls that were added.

    Attributes:
        thresholds: Input tokens above which some model's price changes, ascending: costs are exact for these models.
    """

    thresholds: tuple[int, ...] = ()
    calls: int = 0
    baseline_calls: int = 0
    known_calls: int = 0
    estimated_calls: int = 0
    tools: int = 0
    json: int = 0
    vision: int = 0
    multi_turn: int = 0
    timed: int = 0
    first: datetime | None = None
    last: datetime | None = None
    max_input_tokens: int = 0
    models: Counter[str] = field(default_factory=Counter)
    baseline_models: Counter[str] = field(default_factory=Counter)
    segments: Counter[str] = field(default_factory=Counter)
    _inputs: Counter[int] = field(default_factory=Counter)
    _outputs: Counter[int] = field(default_factory=Counter)
    _tokens: dict[tuple[str, int], _Tokens] = field(default_factory=dict)

    def add(self, facts: CallFacts) -> None:
        """Enter a call."""
        (
            model,
            time,
            tokens_in,
            tokens_out,
            cached,
            written,
            estimated,
            baseline,
            tools,
            is_json,
            vision,
            turns,
            segment,
        ) = facts
        self.calls += 1
        model = _count(self.models, model or UNKNOWN)
        _count(self.segments, segment)
        if baseline:
            self.baseline_calls += 1
            self.baseline_models[model] += 1
        if tools:
            self.tools += 1
        if is_json:
            self.json += 1
        if vision:
            self.vision += 1
        if turns:
            self.multi_turn += 1
        if estimated:
            self.estimated_calls += 1
        if time is not None:
            self.timed += 1
            if self.first is None or time < self.first:
                self.first = time
            if self.last is None or time > self.last:
                self.last = time
        if tokens_in is None or tokens_out is None:
            return
        self.known_calls += 1
        self._inputs[tokens_in if tokens_in < EXACT_BELOW else _rounded(tokens_in)] += 1
        self._outputs[tokens_out if tokens_out < EXACT_BELOW else _rounded(tokens_out)] += 1
        if tokens_in > self.max_input_tokens:
            self.max_input_tokens = tokens_in
        key = (model, bisect_left(self.thresholds, tokens_in))
        held = self._tokens.get(key)
        if held is None:
            held = self._tokens[key] = _Tokens(tokens_in)
        held.calls += 1
        held.input += tokens_in
        held.output += tokens_out
        # Counts that contradict their total say nothing of what was cached.
        if cached + written <= tokens_in:
            held.cached += cached
            held.written += written

    def merge(self, other: Tally) -> None:
        """Enter all the calls of another sum, which has the same thresholds."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _COUNTED:
            counts = getattr(self, name)
            for key, count in getattr(other, name).items():
                if key not in counts and len(counts) >= MOST_NAMES and isinstance(key, str):
                    key = OTHERS
                counts[key] += count
        for key, held in other._tokens.items():
            own = self._tokens.setdefault(key, _Tokens(held.size))
            for name in ("calls", "input", "output", "cached", "written"):
                setattr(own, name, getattr(own, name) + getattr(held, name))
        self.first = min((time for time in (self.first, other.first) if time is not None), default=None)
        self.last = max((time for time in (self.last, other.last) if time is not None), default=None)
        self.max_input_tokens = max(self.max_input_tokens, other.max_input_tokens)

    @property
    def most_used_model(self) -> str | None:
        """The model that gave most answers, else that was asked most often; None where the log names none."""
        for counts in (self.baseline_models, self.models):
            for model, _ in counts.most_common():
                if model not in (UNKNOWN, OTHERS):
                    return model
        return None

    @property
    def mean_input_tokens(self) -> float:
        """Per call whose tokens are known; 0 where none are."""
        return sum(held.input for held in self._tokens.values()) / self.known_calls if self.known_calls else 0.0

    @property
    def mean_output_tokens(self) -> float:
        """Per call whose tokens are known; 0 where none are."""
        return sum(held.output for held in self._tokens.values()) / self.known_calls if self.known_calls else 0.0

    @property
    def input_percentiles(self) -> Percentiles | None:
        """Of the input tokens of a call; None where none are known."""
        return _percentiles(self._inputs)

    @property
    def output_percentiles(self) -> Percentiles | None:
        """Of the output tokens of a call; None where none are known."""
        return _percentiles(self._outputs)

    def list_usd(self, entry: ModelEntry, as_of: date) -> Decimal | None:
        """The mean cost in USD of a call on one model, without cache discounts; None where a price is unknown."""
        total = Decimal(0)
        for held in self._tokens.values():
            rates = rates_of(entry, held.size, as_of)
            if rates is None:
                return None
            total += rates.cost(held.input, 0, 0, held.output)
        return total / self.known_calls if self.known_calls else None

    def billed_usd(self, entry_of: EntryOf, as_of: date) -> tuple[Decimal | None, int]:
        """The mean cost in USD of a call on the model that answered it, cached tokens at their price; and of how many.

        Calls of models without a known price are left out.
        """
        total, calls = Decimal(0), 0
        for (model, _), held in self._tokens.items():
            entry = entry_of(model)
            rates = None if entry is None else rates_of(entry, held.size, as_of)
            if rates is None:
                continue
            fresh = held.input - held.cached - held.written
            total += rates.cost(fresh, held.cached, held.written, held.output)
            calls += held.calls
        return (total / calls if calls else None), calls

    def unpriced(self, entry_of: EntryOf, as_of: date) -> Counter[str]:
        """The calls that ``billed_usd`` leaves out though their tokens are known, by model."""
        found: Counter[str] = Counter()
        for (model, _), held in self._tokens.items():
            entry = entry_of(model)
            if entry is None or rates_of(entry, held.size, as_of) is None:
                found[model] += held.calls
        return found


def _count(counts: Counter[str], name: str) -> str:
    """Count a name, or count it among the others where there are too many; returns what it was counted as."""
    known = counts.get(name)
    if known is None and len(counts) >= MOST_NAMES:
        name, known = OTHERS, counts.get(OTHERS)
    counts[name] = (known or 0) + 1
    return name


def tally(facts: Iterable[CallFacts], thresholds: tuple[int, ...] = ()) -> Tally:
    """The sum of calls."""
    found = Tally(thresholds)
    for each in facts:
        found.add(each)
    return found


def merged(tallies: Iterable[Tally], thresholds: tuple[int, ...] = ()) -> Tally:
    """The sum of sums, each over calls of its own and with these thresholds."""
    found = Tally(thresholds)
    for each in tallies:
        found.merge(each)
    return found


class Tallies:
    """The sums of the calls of each model, so that the traffic of one can be told from the log's."""

    def __init__(self, thresholds: tuple[int, ...] = ()) -> None:
        """See ``Tally`` for the thresholds."""
        self._thresholds = thresholds
        self._by_model: dict[str, Tally] = {}

    def add(self, facts: CallFacts) -> None:
        """Enter a call."""
        model = facts.model or UNKNOWN
        held = self._by_model.get(model)
        if held is None:
            if len(self._by_model) >= MOST_NAMES:
                model = OTHERS
            held = self._by_model.setdefault(model, Tally(self._thresholds))
        held.add(facts)

    def of(self, wanted: Callable[[str], bool] = lambda model: True) -> Tally:
        """The sum of the calls of the models that are wanted."""
        return merged((held for model, held in self._by_model.items() if wanted(model)), self._thresholds)


def price_thresholds(entries: Iterable[ModelEntry]) -> tuple[int, ...]:
    """The input tokens above which the price of any of the models changes, ascending."""
    return tuple(sorted({tier.above_input_tokens for entry in entries for tier in entry.price_tiers}))


def _rounded(tokens: int) -> int:
    unit = int(10 ** (len(str(tokens)) - 3))
    return tokens // unit * unit


def _percentiles(counts: Counter[int]) -> Percentiles | None:
    """By the nearest rank: the least value that so many percent of the calls do not exceed."""
    total = sum(counts.values())
    if not total:
        return None
    found: list[int] = []
    seen = 0
    ranks = [-(-total * percent // 100) for percent in PERCENTILES]
    for value in sorted(counts):
        seen += counts[value]
        while len(found) < len(ranks) and seen >= ranks[len(found)]:
            found.append(value)
    return Percentiles(p50=found[0], p90=found[1], p95=found[2], p99=found[3])
