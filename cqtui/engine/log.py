"""The user's log, read in one pass: figures of all its calls, and a sample of them to replay."""

from __future__ import annotations

import gc
import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cqtui.engine.facts import facts_of_call, facts_of_raw
from cqtui.engine.tally import Tallies, Tally, price_thresholds
from cqtui.errors import BadInputError
from cqtui.importers import (
    Finds,
    Identified,
    LogRead,
    NoCall,
    Progress,
    RawCall,
    Rejected,
    Sample,
    Skipped,
    iter_raw,
    unusable,
)
from cqtui.importers.sampling import MOST_BYTES as MOST_SAMPLE_BYTES
from cqtui.models import LoggedCall, ModelEntry
from cqtui.registry.loader import Registry
from cqtui.settings import Settings

SAMPLE_SIZE = 10_000
MOST_PROBLEMS = 1_000  # of skipped and of rejected records that are kept to be named


@dataclass(frozen=True)
class Log:
    """A log.

    Attributes:
        read: What was found in it, and its calls: all, or a sample where there are many.
        tallies: The sums of all its calls, by model.
        tally: The sum of all its calls.
        is_whole: No call was left out, nor would one be with any other seed or current model.
    """

    read: LogRead
    tallies: Tallies
    tally: Tally
    is_whole: bool = False

    @property
    def calls(self) -> tuple[LoggedCall, ...]:
        """The calls that were kept."""
        return self.read.calls

    def serves(self, read_with: Settings, settings: Settings) -> bool:
        """Whether settings would read the same from the files as those did that it was read with."""
        if _of_figures(read_with) != _of_figures(settings):
            return False
        return self.is_whole or (read_with.seed, read_with.current_model) == (settings.seed, settings.current_model)


def _of_figures(settings: Settings) -> tuple[object, ...]:
    """What the figures of all the calls depend on; the rest of the traffic's settings counts in the plan alone."""
    return settings.models, settings.traffic.avg_input_tokens, settings.traffic.avg_output_tokens


def read_log(
    paths: Sequence[str | Path],
    settings: Settings,
    registry: Registry,
    *,
    progress: Progress | None = None,
    sample_size: int = SAMPLE_SIZE,
) -> Log:
    """Read logs once, in memory that does not grow with them.

    Where the settings name the current model, half the sample is of its calls, so that a model with little of the
    traffic can be measured as well; the figures are of all the calls.

    Args:
        paths: Files and folders.
        settings: Give the seed of the sample, the current model, and what the user states of the traffic.
        registry: Knows the models.
        progress: Kept current while the read goes on.
        sample_size: The most calls to keep.

    Raises:
        BadInputError: A file is missing, empty or not a log.
        ReadStopped: ``progress`` was stopped.
    """
    progress = progress or Progress()
    with _without_collection():
        return _read(paths, settings, registry, progress, sample_size)


def _read(
    paths: Sequence[str | Path], settings: Settings, registry: Registry, progress: Progress, sample_size: int
) -> Log:
    found, tallies, calls_read = Finds(MOST_PROBLEMS), Tallies(price_thresholds(registry.entries)), 0
    known = KnownModels(registry)
    current = known.entry_of(settings.current_model) if settings.current_model else None
    own, others = (Sample(sample_size // (1 if current is None else 2), settings.seed) for _ in range(2))
    for item in iter_raw(paths, progress):
        if not isinstance(item, RawCall):
            found.add(item)
            continue
        place = item.place
        try:
            facts = facts_of_raw(item, settings.traffic)
        except (ValueError, RecursionError) as error:
            found.add(Rejected(unusable(error), place.file, place.line))
            continue
        if isinstance(facts, NoCall):
            found.add(Skipped(facts.reason, place.origin))
            continue
        found.add_call(place.format)
        tallies.add(facts)
        calls_read += 1
        is_own = current is None or (facts.model is not None and known.entry_of(facts.model) is current)
        (own if is_own else others).offer(item, calls_read)
    is_whole = (
        own.count + others.count == calls_read <= sample_size // 2 and own.bytes + others.bytes <= MOST_SAMPLE_BYTES
    )
    identified = Identified()
    drawn = heapq.merge(own.drawn(), others.drawn(), key=lambda each: each[0])
    made = (identified.call_of(raw) for _, raw in drawn)
    calls = tuple(call for call in made if isinstance(call, LoggedCall))
    return Log(found.as_read(calls, progress), tallies, tallies.of(), is_whole)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Without looking for cycles among thousands of new values that have none; reference counts free the others."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def log_of(calls: Sequence[LoggedCall], settings: Settings, registry: Registry) -> Log:
    """Calls that are at hand already, as a log."""
    tallies = Tallies(price_thresholds(registry.entries))
    for call in calls:
        tallies.add(facts_of_call(call, settings.traffic))
    formats = Counter(call.origin.format for call in calls)
    return Log(LogRead(calls=tuple(calls), counts=dict(formats)), tallies, tallies.of())


class KnownModels:
    """The registry's entries of the models that a log names, each looked up once."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._entries: dict[str, ModelEntry | None] = {}

    def entry_of(self, name: str) -> ModelEntry | None:
        """The entry of a model, or None where the registry does not know it."""
        if name not in self._entries:
            try:
                self._entries[name] = self._registry.get(name)
            except BadInputError:
                self._entries[name] = None
        return self._entries[name]
