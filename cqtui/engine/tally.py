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

EntryOf = Callable[[str], ModelEntry | None]


@dataclass(slots=True)
class Tokens:
    """The tokens of calls whose input lies between the same two price thresholds; ``size`` is the input of one."""

    size: int
    calls: int = 0
    input: int = 0
    output: int = 0
    cached: int = 0
    written: int = 0


@dataclass(slots=True)
class Counts:
    """What is counted of calls, whichever model gave them. A million are entered: each name is looked up once."""

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
    segments: Counter[str] = field(default_factory=Counter)
    inputs: Counter[int] = field(default_factory=Counter)
    outputs: Counter[int] = field(default_factory=Counter)

    def merge(self, other: Counts) -> None:
        """Enter all the calls of another."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for segment, count in other.segments.items():
            is_known = segment in self.segments or len(self.segments) < MOST_NAMES
            self.segments[segment if is_known else OTHERS] += count
        self.inputs.update(other.inputs)
        self.outputs.update(other.outputs)
        self.first = min((time for time in (self.first, other.first) if time is not None), default=None)
        self.last = max((time for time in (self.last, other.last) if time is not None), default=None)
        self.max_input_tokens = max(self.max_input_tokens, other.max_input_tokens)


_SUMS = (
    *("calls", "baseline_calls", "known_calls", "estimated_calls"),
    *("tools", "json", "vision", "multi_turn", "timed"),
)


class ModelTally:
    """The sum of the calls of one model."""

    __slots__ = ("_thresholds", "counts", "tokens")

    def __init__(self, thresholds: tuple[int, ...]) -> None:
        """See ``Tallies`` for the thresholds."""
        self._thresholds = thresholds
        self.counts = Counts()
        self.tokens: dict[int, Tokens] = {}

    def add(self, facts: CallFacts) -> None:
        """Enter a call."""
        (
            _,
            time,
            tokens_in,
            tokens_out,
            cached,
            written,
            is_estimated,
            is_baseline,
            uses_tools,
            uses_json,
            uses_vision,
            is_multi_turn,
            segment,
        ) = facts
        counts = self.counts
        counts.calls += 1
        if is_baseline:
            counts.baseline_calls += 1
        if segment in counts.segments or len(counts.segments) < MOST_NAMES:
            counts.segments[segment] += 1
        else:
            counts.segments[OTHERS] += 1
        if uses_tools:
            counts.tools += 1
        if uses_json:
            counts.json += 1
        if uses_vision:
            counts.vision += 1
        if is_multi_turn:
            counts.multi_turn += 1
        if is_estimated:
            counts.estimated_calls += 1
        if time is not None:
            counts.timed += 1
            if counts.first is None or time < counts.first:
                counts.first = time
            if counts.last is None or time > counts.last:
                counts.last = time
        if tokens_in is None or tokens_out is None:
            return
        counts.known_calls += 1
        counts.inputs[tokens_in if tokens_in < EXACT_BELOW else _rounded(tokens_in)] += 1
        counts.outputs[tokens_out if tokens_out < EXACT_BELOW else _rounded(tokens_out)] += 1
        if tokens_in > counts.max_input_tokens:
            counts.max_input_tokens = tokens_in
        tier = bisect_left(self._thresholds, tokens_in)
        held = self.tokens.get(tier)
        if held is None:
            held = self.tokens[tier] = Tokens(tokens_in)
        held.calls += 1
        held.input += tokens_in
        held.output += tokens_out
        # Counts that contradict their total say nothing of what was cached.
        if cached + written <= tokens_in:
            held.cached += cached
            held.written += written


@dataclass(frozen=True)
class Tally:
    """The sum of calls of any models.

    Attributes:
        counts: What does not depend on the model.
        models: The calls by model, and those of them with an answer.
        tokens: Their tokens, by model and price tier.
    """

    counts: Counts = field(default_factory=Counts)
    models: Counter[str] = field(default_factory=Counter)
    baseline_models: Counter[str] = field(default_factory=Counter)
    tokens: tuple[tuple[str, Tokens], ...] = ()

    @property
    def calls(self) -> int:
        """How many there are."""
        return self.counts.calls

    @property
    def baseline_calls(self) -> int:
        """How many of them have an answer."""
        return self.counts.baseline_calls

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
        return sum(held.input for _, held in self.tokens) / self.counts.known_calls if self.counts.known_calls else 0.0

    @property
    def mean_output_tokens(self) -> float:
        """Per call whose tokens are known; 0 where none are."""
        return sum(held.output for _, held in self.tokens) / self.counts.known_calls if self.counts.known_calls else 0.0

    @property
    def input_percentiles(self) -> Percentiles | None:
        """Of the input tokens of a call; None where none are known."""
        return _percentiles(self.counts.inputs)

    @property
    def output_percentiles(self) -> Percentiles | None:
        """Of the output tokens of a call; None where none are known."""
        return _percentiles(self.counts.outputs)

    def list_usd(self, entry: ModelEntry, as_of: date) -> Decimal | None:
        """The mean cost in USD of a call on one model, without cache discounts; None where a price is unknown."""
        total = Decimal(0)
        for _, held in self.tokens:
            rates = rates_of(entry, held.size, as_of)
            if rates is None:
                return None
            total += rates.cost(held.input, 0, 0, held.output)
        return total / self.counts.known_calls if self.counts.known_calls else None

    def billed_usd(self, entry_of: EntryOf, as_of: date) -> tuple[Decimal | None, int]:
        """The mean cost in USD of a call on the model that answered it, cached tokens at their price; and of how many.

        Calls of models without a known price are left out.
        """
        total, calls = Decimal(0), 0
        for model, held in self.tokens:
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
        for model, held in self.tokens:
            entry = entry_of(model)
            if entry is None or rates_of(entry, held.size, as_of) is None:
                found[model] += held.calls
        return found


class Tallies:
    """The sums of the calls of each model, so that the traffic of one can be told from the log's."""

    def __init__(self, thresholds: tuple[int, ...] = ()) -> None:
        """``thresholds``: input tokens above which some model's price changes, ascending; its costs are exact then."""
        self._thresholds = thresholds
        self._by_model: dict[str, ModelTally] = {}

    def add(self, facts: CallFacts) -> None:
        """Enter a call."""
        model = facts.model or UNKNOWN
        held = self._by_model.get(model)
        if held is None:
            if len(self._by_model) >= MOST_NAMES:
                model = OTHERS
            held = self._by_model.setdefault(model, ModelTally(self._thresholds))
        held.add(facts)

    def of(self, wanted: Callable[[str], bool] = lambda model: True) -> Tally:
        """The sum of the calls of the models that are wanted."""
        chosen = {model: held for model, held in self._by_model.items() if wanted(model)}
        counts = Counts()
        for held in chosen.values():
            counts.merge(held.counts)
        return Tally(
            counts,
            Counter({model: held.counts.calls for model, held in chosen.items()}),
            Counter({model: n for model, held in chosen.items() if (n := held.counts.baseline_calls)}),
            tuple((model, tokens) for model, held in chosen.items() for tokens in held.tokens.values()),
        )


def tally(facts: Iterable[CallFacts], thresholds: tuple[int, ...] = ()) -> Tally:
    """The sum of calls."""
    tallies = Tallies(thresholds)
    for each in facts:
        tallies.add(each)
    return tallies.of()


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
