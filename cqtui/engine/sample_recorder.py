"""Takes down each pair of a run with all that it rests on, for a person to look at."""

from __future__ import annotations

from collections.abc import Sequence

from cqtui.checks.refusals import RefusalFinding
from cqtui.judgements import Comparison
from cqtui.models import LoggedCall, Replay, Usage
from cqtui.results import Pair
from cqtui.samples import FoundRefusal, Sample
from cqtui.store import samples
from cqtui.store.database import Database


class SampleRecorder:
    """Queues a sample for every pair of one run: nobody need wait for it.

    They show what was measured, which is more than what a verdict rests on: pairs that were under way when their
    candidate stopped, or were judged though its quality had passed, are among them. So are those of the noise floor,
    under the current model's id.
    """

    def __init__(self, database: Database, run_id: str, calls: Sequence[LoggedCall], *, keep_text: bool) -> None:
        """Record the run's pairs; ``calls`` are all of its calls in their order."""
        self._database = database
        self._run_id = run_id
        self._keep_text = keep_text
        self._positions = {call.id: position for position, call in enumerate(calls)}

    def record(
        self,
        call: LoggedCall,
        model_id: str,
        pair: Pair,
        logged: RefusalFinding,
        replay: Replay,
        answer: RefusalFinding | None = None,
        comparison: Comparison | None = None,
    ) -> None:
        """Keep a pair that was measured now.

        Args:
            call: The logged call.
            model_id: The candidate.
            pair: What was measured.
            logged: What was found of a refusal in the logged answer.
            replay: What the candidate answered.
            answer: What was found of a refusal in that; None where there is no answer.
            comparison: What the judges said, if they were asked.
        """
        sample = Sample(
            pair=pair,
            model_id=model_id,
            position=self._positions[call.id],
            logged=call.completion,
            answer=replay.completion,
            logged_usage=call.usage,
            answer_usage=replay.usage,
            logged_finish_reason=call.finish_reason,
            answer_finish_reason=replay.finish_reason,
            served_model=replay.served_model,
            logged_refusal=_found(logged),
            answer_refusal=_found(answer) if answer is not None else None,
            comparison=comparison,
        )
        self._database.submit(lambda c: samples.keep_sample(c, self._run_id, sample, keep_text=self._keep_text))

    def record_known(
        self, call: LoggedCall, model_id: str, pair: Pair, logged: RefusalFinding, usage: Usage, record_id: str
    ) -> None:
        """Keep a pair that was measured before, with what was recorded then; see ``samples.carry_over``.

        Args:
            call: The logged call.
            model_id: The candidate.
            pair: What was measured, at the prices of this run.
            logged: What was found of a refusal in the logged answer.
            usage: The candidate's tokens.
            record_id: The record that it was measured for.
        """
        sample = Sample(
            pair=pair,
            model_id=model_id,
            position=self._positions[call.id],
            logged=call.completion,
            logged_usage=call.usage,
            answer_usage=usage,
            logged_finish_reason=call.finish_reason,
            logged_refusal=_found(logged),
        )
        keep = self._keep_text
        self._database.submit(lambda c: samples.carry_over(c, self._run_id, sample, record_id, keep_text=keep))


def _found(finding: RefusalFinding) -> FoundRefusal:
    return FoundRefusal(label=finding.label, layer=finding.layer, span=finding.evidence, borderline=finding.borderline)
