"""What judges say of answers, as frozen values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import Field

from cqtui.models import Frozen


class Judgement(Frozen):
    """Scores of one answer, 0..100 each; ``overall`` is their mean at 25% each."""

    accuracy: float = Field(ge=0, le=100)
    helpfulness: float = Field(ge=0, le=100)
    clarity: float = Field(ge=0, le=100)
    completeness: float = Field(ge=0, le=100)
    reasoning: str = ""
    judge: str = ""

    @property
    def overall(self) -> float:
        """The mean of the four dimensions, 0..100."""
        return (self.accuracy + self.helpfulness + self.clarity + self.completeness) / 4


RefusalVerdict = Literal["none", "partial", "full"]


class Opinion(Frozen):
    """One judge's scores of both answers; ``candidate_first`` is the order in which it saw them, None: one at a time.

    The refusals are the judge's own view, None where it was not asked.
    """

    judge: str
    candidate_first: bool | None
    baseline: Judgement
    candidate: Judgement
    baseline_refusal: RefusalVerdict | None = None
    candidate_refusal: RefusalVerdict | None = None

    @property
    def difference(self) -> float:
        """Candidate minus current, points."""
        return self.candidate.overall - self.baseline.overall


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _most_see_a_refusal(views: Sequence[RefusalVerdict | None]) -> bool | None:
    known = [view != "none" for view in views if view is not None]
    return sum(known) * 2 > len(known) if known else None


class Comparison(Frozen):
    """What the judges said of one pair: at least one opinion; a judge asked in both orders counts once, as its mean.

    ``escalated`` names the judge that was asked because the others differed; then only its opinions are held.
    """

    opinions: tuple[Opinion, ...] = Field(min_length=1)
    escalated: str | None = None

    def _mean_over_judges(self, score: Callable[[Opinion], float]) -> float:
        judges = dict.fromkeys(opinion.judge for opinion in self.opinions)
        return _mean([_mean([score(o) for o in self.opinions if o.judge == judge]) for judge in judges])

    @property
    def baseline_score(self) -> float:
        """Of the logged answer, 0..100."""
        return self._mean_over_judges(lambda opinion: opinion.baseline.overall)

    @property
    def candidate_score(self) -> float:
        """Of the candidate's answer, 0..100."""
        return self._mean_over_judges(lambda opinion: opinion.candidate.overall)

    @property
    def spread(self) -> float:
        """How far the judges' differences lie apart, points."""
        judges = dict.fromkeys(opinion.judge for opinion in self.opinions)
        means = [_mean([o.difference for o in self.opinions if o.judge == judge]) for judge in judges]
        return max(means) - min(means)

    @property
    def in_both_orders(self) -> tuple[float, float] | None:
        """The difference with the logged answer first and with the candidate's first, points; None: one order only."""
        by_order = [[o.difference for o in self.opinions if o.candidate_first is order] for order in (False, True)]
        return (_mean(by_order[0]), _mean(by_order[1])) if all(by_order) else None

    @property
    def candidate_refuses(self) -> bool | None:
        """Whether most judges see a full or partial refusal in the candidate's answer; None where none was asked."""
        return _most_see_a_refusal([opinion.candidate_refusal for opinion in self.opinions])

    @property
    def baseline_refuses(self) -> bool | None:
        """The same of the logged answer."""
        return _most_see_a_refusal([opinion.baseline_refusal for opinion in self.opinions])
