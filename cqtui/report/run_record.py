"""The record of a run that is committed to a repository: nothing in it changes without new evidence. Pure."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Literal

from cqtui.models import Frozen
from cqtui.report.evidence import evidence_kind
from cqtui.results import Evidence, Grade, Interval, Recommendation

RECORD_VERSION = 1
_DIGITS = 1


class CandidateRecord(Frozen):
    """What was measured of a candidate: percent with 95% intervals, and counts."""

    model: str
    cost_saving_percent: Interval | None
    quality_impact_percent: Interval | None
    pairs: int
    replayed: int
    newly_refused: int
    verified: bool


class RunRecord(Frozen):
    """A run's answer and what it rests on; candidates by their name.

    ``model`` is the recommended candidate (``is_recommended``), else the closest one. ``inputs_sha256`` tells whether
    two runs asked the same of the same log at the same prices; ``as_of`` is when the evidence was new.
    """

    schema_version: int = RECORD_VERSION
    grade: Grade
    evidence_kind: Literal["measured", "recorded", "simulated"]
    sentence: str
    current_model: str
    model: str | None
    is_recommended: bool
    runner_up: str | None
    stage: str
    judge: str
    pairs: int
    candidates: tuple[CandidateRecord, ...]
    as_of: date
    inputs_sha256: str

    @property
    def shown(self) -> CandidateRecord | None:
        """What was measured of the candidate that the answer is about."""
        return next((each for each in self.candidates if each.model == self.model), None)

    @property
    def cost_saving(self) -> Interval | None:
        """The saving of that candidate, in percent."""
        return self.shown.cost_saving_percent if self.shown is not None else None

    @property
    def quality_impact(self) -> Interval | None:
        """The quality impact of that candidate, in percent."""
        return self.shown.quality_impact_percent if self.shown is not None else None

    def has_evidence_of(self, other: RunRecord) -> bool:
        """Whether both hold the same evidence, from whichever day."""
        return self.model_copy(update={"as_of": other.as_of}) == other


def record_of(result: Recommendation) -> RunRecord:
    """The record of a run."""
    shown = result.recommended or result.closest
    return RunRecord(
        grade=result.grade,
        evidence_kind=evidence_kind(result.provider),
        sentence=result.sentence,
        current_model=result.current.id,
        model=None if shown is None else shown.candidate.id,
        is_recommended=result.recommended is not None,
        runner_up=None if result.runner_up is None else result.runner_up.candidate.id,
        stage=result.stage,
        judge=result.judge,
        pairs=0 if shown is None else shown.pairs,
        candidates=tuple(sorted(map(_candidate, result.evidence), key=lambda each: each.model)),
        as_of=result.as_of,
        inputs_sha256=_inputs(result),
    )


def _candidate(evidence: Evidence) -> CandidateRecord:
    return CandidateRecord(
        model=evidence.candidate.id,
        cost_saving_percent=_rounded(evidence.savings_percent),
        quality_impact_percent=_rounded(evidence.quality_impact_percent),
        pairs=evidence.pairs,
        replayed=evidence.ledger.replayed,
        newly_refused=evidence.ledger.newly_refused,
        verified=evidence.verified,
    )


def _rounded(value: Interval | None) -> Interval | None:
    if value is None:
        return None
    # + 0.0: a minus zero would be another text for the same figure
    return Interval(**{name: round(end, _DIGITS) + 0.0 for name, end in value.model_dump().items()})


def _inputs(result: Recommendation) -> str:
    """Hashes what was asked, of which log and models, and at which prices."""
    entries = [result.current, *(evidence.candidate.entry for evidence in result.evidence)]
    prices = {entry.id: None if entry.price is None else entry.price.model_dump(mode="json") for entry in entries}
    asked = {
        "current_model": result.current.id,
        "candidates": sorted(evidence.candidate.id for evidence in result.evidence),
        "use_case": result.use_case,
        "thresholds": result.thresholds.model_dump(mode="json"),
        "judge": [result.judge, result.judge_mode],
        "provider": result.provider,
        "seed": result.seed,
        "traffic": result.traffic.model_dump(mode="json"),
        "prices": prices,
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
