"""One pair as a person reads it: both answers, what was found of them, and what the judges said."""

from __future__ import annotations

from cqtui.judgements import Comparison
from cqtui.models import Completion, Frozen, Usage
from cqtui.results import Pair


class FoundRefusal(Frozen):
    """What the rules found of a refusal in one answer, in figures; see ``checks/refusals.py: RefusalFinding``.

    ``span`` holds the start and the end of the deciding characters in the answer's text, if text decided.
    """

    label: str
    layer: str
    span: tuple[int, int] | None = None
    borderline: bool = False

    def matched(self, answer: Completion | None) -> str | None:
        """The deciding characters; None where no text decided, or the answer is not known any more."""
        if self.span is None or answer is None or answer.text is None:
            return None
        return answer.text[slice(*self.span)]


class Sample(Frozen):
    """All that a run knows of one logged call and one candidate's answer to it.

    ``position`` is the call's place in the run's order, from 0. An answer is None where there is none, or its text is
    not kept. ``comparison`` is None where no judge was asked, or where its scores come from a run whose samples are
    gone. ``answer_usage`` is of the replay alone, without judgements.
    """

    pair: Pair
    model_id: str
    position: int
    logged: Completion | None = None
    answer: Completion | None = None
    logged_usage: Usage = Usage()
    answer_usage: Usage = Usage()
    logged_finish_reason: str | None = None
    answer_finish_reason: str | None = None
    served_model: str | None = None
    logged_refusal: FoundRefusal | None = None
    answer_refusal: FoundRefusal | None = None
    comparison: Comparison | None = None
