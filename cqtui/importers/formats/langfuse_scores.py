"""Langfuse's scores, which its exports hold in files of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Join, Joined, Place
from cqtui.importers.formats.langfuse import LangfuseImporter, is_observation, is_score, target_of, value_of
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.reasons import no_model_call
from cqtui.importers.traced import rate

MAX_SCORES = 200_000
NO_TARGET = no_model_call("a score of no call or trace")
TOO_MANY = no_model_call(f"a score beyond the first {MAX_SCORES}")
NOT_USED = no_model_call("a score of no call after it; name the file of scores before that of observations")


@dataclass(slots=True)
class Score:
    """A score that waits for its calls."""

    name: str
    value: Any
    place: Place
    is_used: bool = False


class ScoreJoin(Join):
    """Gives each call the scores that were read before it, so that only scores have to be held."""

    def __init__(self) -> None:
        self._importer = LangfuseImporter()
        self._scores: dict[str, list[Score]] = {}
        self._held = 0

    def add(self, record: Mapping[str, Any], place: Place) -> Iterator[Joined]:
        """Hold a score; hand a call on with its scores."""
        if is_score(record) and not is_observation(record):
            target = target_of(record)
            if target is None or self._held >= MAX_SCORES:
                yield Joined(NoCall(NO_TARGET if target is None else TOO_MANY), place)
                return
            name, value = value_of(record)
            self._scores.setdefault(target, []).append(Score(name, value, place))
            self._held += 1
            return
        call = self._importer.read(record)
        fresh = 0
        if isinstance(call, RawCall):
            trace = record.get("trace_id", record.get("traceId"))
            names = [base.text_or_none(record.get("id")), base.text_or_none(trace)]
            scores = [score for name in names if name is not None for score in self._scores.get(name, ())]
            rate(call, ((score.name, score.value) for score in scores))
            fresh = sum(not score.is_used for score in scores)
            for score in scores:
                score.is_used = True
        yield Joined(call, place, 1 + fresh)

    def results(self) -> Iterator[Joined]:
        """The scores that no call took."""
        for scores in self._scores.values():
            for score in scores:
                if not score.is_used:
                    yield Joined(NoCall(NOT_USED), score.place)
