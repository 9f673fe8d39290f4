"""One logged call and one candidate -> one pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from cqtui.checks.answers import format_ok
from cqtui.checks.conversation import render_completion
from cqtui.checks.decisive import decide_without_judge
from cqtui.checks.refusals import RefusalFinding, detect_refusal
from cqtui.engine.adjustments import Adjustments, call_adjusted
from cqtui.engine.calling import Caller
from cqtui.engine.facts import estimated_usage, segment_of
from cqtui.engine.judge import Judge
from cqtui.engine.labelling import answer_digest
from cqtui.engine.sample_recorder import SampleRecorder
from cqtui.engine.traffic import uncached
from cqtui.gateway.protocol import ChatRequest, GatewayConfig
from cqtui.gateway.translate import Translation, translate
from cqtui.judgements import Comparison
from cqtui.models import Candidate, Completion, Failure, LoggedCall, ModelEntry, Replay
from cqtui.registry.pricing import cost_of
from cqtui.results import Pair
from cqtui.settings import Traffic
from cqtui.store.finished import Finished
from cqtui.store.versions import model_component, model_version


def replay_request(
    call: LoggedCall,
    candidate: Candidate | ModelEntry,
    run_id: str,
    timeout_s: float,
    config: GatewayConfig | None = None,
) -> tuple[ChatRequest, Translation]:
    """The request that replays a logged call on a model, and what the translation took.

    Args:
        call: The logged call.
        candidate: The model; a candidate's options are laid over the logged parameters.
        run_id: Travels as trace data.
        timeout_s: Of each attempt, in seconds.
        config: A Portkey config (or the id of a saved one) that goes with the call.
    """
    entry = candidate.entry if isinstance(candidate, Candidate) else candidate
    options, variant = (candidate.options, candidate.variant) if isinstance(candidate, Candidate) else ({}, "")
    wire = translate(call, entry, options)
    request = ChatRequest(
        model=entry.model,
        provider=entry.portkey_slug,
        messages=wire.messages,
        params=wire.params,
        purpose="replay",
        run_id=run_id,
        model_id=entry.id,
        variant=variant,
        record_id=call.id,
        timeout_s=timeout_s,
        config=config,
    )
    return request, wire


async def replay_call(
    caller: Caller, adjustments: Adjustments, request: ChatRequest, wire: Translation, entry: ModelEntry
) -> tuple[Replay, Translation]:
    """Send what ``replay_request`` made; see ``call_adjusted``.

    Args:
        caller: Makes the calls.
        adjustments: What is known of the models, and where lessons are kept.
        request: The request as the table translates it.
        wire: That translation.
        entry: The model.

    Raises:
        What ``Caller.call`` raises.
    """
    if wire.unsupported is not None:
        message = f"{entry.id} takes no {wire.unsupported}"
        return Replay(model=entry.model, failure=Failure(kind="unsupported_content", message=message)), wire

    def request_of(final: Translation) -> ChatRequest:
        if final is wire:
            return request
        return request.model_copy(update={"messages": final.messages, "params": final.params})

    return await call_adjusted(caller, adjustments, wire, entry, request_of)


def last_user_text(call: LoggedCall) -> str | None:
    """The last user message's text, or None."""
    return next((message.text for message in reversed(call.messages) if message.role == "user"), None)


def refusal_in(call: LoggedCall, answer: Completion, finish_reason: str | None) -> RefusalFinding:
    """What the rules find of a refusal in an answer to a logged call."""
    return detect_refusal(
        answer.text,
        finish_reason=finish_reason,
        refusal=answer.refusal,
        prompt=last_user_text(call),
        tool_calls=answer.tool_calls,
    )


def is_refusal(call: LoggedCall, answer: Completion, finish_reason: str | None) -> bool:
    """Whether an answer to a logged call is a full or partial refusal, by the rules alone."""
    return refusal_in(call, answer, finish_reason).is_refusal


class Replayer:
    """Replays logged calls on candidates and has both answers scored by the same judge."""

    def __init__(
        self,
        caller: Caller,
        adjustments: Adjustments,
        judge: Judge,
        current: ModelEntry,
        *,
        run_id: str,
        as_of: date,
        traffic: Traffic,
        timeout_s: float,
        finished: Finished,
        slugs: Mapping[str, str],
        samples: SampleRecorder,
    ) -> None:
        """Join the pieces of one run; ``finished`` holds the pairs that need no call, ``samples`` is told of each."""
        self._caller = caller
        self._adjustments = adjustments
        self._judge = judge
        self._current = current
        self._run_id = run_id
        self._as_of = as_of
        self._traffic = traffic
        self._timeout_s = timeout_s
        self._finished = finished
        self._slugs = slugs
        self._samples = samples
        self._baseline_facts: dict[str, tuple[Decimal | None, RefusalFinding]] = {}

    async def pair(self, call: LoggedCall, candidate: Candidate, *, judged: bool = True) -> Pair:
        """Replay a call on a candidate and, where ``judged``, score the pair; raises what ``Caller.call`` raises."""
        entry = candidate.entry
        logged = call.completion or Completion()
        baseline_cost, baseline_finding = self._facts_of(call, logged)
        request, wire = replay_request(call, candidate, self._run_id, self._timeout_s)
        known = request.content_hash
        own = {"record_id": call.id, "session": call.session, "segment": segment_of(call)}
        found = self._finished.pair(known, call)
        if found is not None and not (judged and found.pair.unasked):
            self._caller.report_known(request)
            cost = cost_of(entry, uncached(found.usage), self._as_of)
            costs = {"baseline_cost_usd": baseline_cost, "candidate_cost_usd": cost}
            pair, measured_for = found.pair.model_copy(update={**own, **costs}), found.pair.record_id
            self._samples.record_known(call, candidate.id, pair, baseline_finding, found.usage, measured_for)
            return pair
        replay, wire = await replay_call(self._caller, self._adjustments, request, wire, entry)
        facts = {
            **own,
            "baseline_cost_usd": baseline_cost,
            "baseline_refused": _declines(baseline_finding),
            "translated": wire.translated,
            "dropped": wire.dropped,
        }
        if replay.failure is not None or replay.completion is None:
            failure = replay.failure or Failure(kind="no_choices", message="no answer")
            pair = Pair.model_validate({**facts, "failure": failure.kind, "failure_message": failure.message})
            self._samples.record(call, candidate.id, pair, baseline_finding, replay)
            return pair
        finding = refusal_in(call, replay.completion, replay.finish_reason)
        measured = {**self._measured(call, entry, replay), "candidate_refused": _declines(finding)}
        pair, judged_as = Pair.model_validate({**facts, **measured}), _Judged()
        both_refused = pair.baseline_refused and pair.candidate_refused
        if judged and (not both_refused or finding.borderline or baseline_finding.borderline):
            unsure = _Unsure(baseline_finding.borderline, finding.borderline)
            judged_as = await self._scores(call, logged, replay.completion, pair, candidate.id, unsure)
            pair = pair.model_copy(update=judged_as.values)
        elif not judged:
            judged_as = await self._doubtful_refusals(call, replay.completion, pair, candidate.id, finding)
            pair = pair.model_copy(update={**judged_as.values, "unasked": True})
        if judged_as.is_final:
            versions = {**self._judge.versions, model_component(entry.id): model_version(entry, self._slugs)}
            self._finished.keep_pair(known, call, pair, replay.usage, versions)
        self._samples.record(call, candidate.id, pair, baseline_finding, replay, finding, judged_as.comparison)
        return pair

    async def _doubtful_refusals(
        self, call: LoggedCall, answer: Completion, pair: Pair, candidate_id: str, finding: RefusalFinding
    ) -> _Judged:
        """The judge's view of refusals that the rules are unsure of, where no scores are wanted any more.

        What counts as a refusal must not depend on whether the quality had been settled when a call was sent.
        """
        _, logged = self._facts_of(call, call.completion or Completion())
        if not (finding.borderline or logged.borderline):
            return _Judged()
        found = await self._judge.compare(call, answer, candidate_id)
        if not isinstance(found, Comparison):
            return _Judged(is_final=found is None)
        refused: dict[str, object] = {
            "baseline_refused": _refused(pair.baseline_refused, logged.borderline, found.baseline_refuses),
            "candidate_refused": _refused(pair.candidate_refused, finding.borderline, found.candidate_refuses),
        }
        return _Judged(refused, comparison=found)

    def _facts_of(self, call: LoggedCall, logged: Completion) -> tuple[Decimal | None, RefusalFinding]:
        """What the logged answer cost in USD, and whether it is a refusal; the same for every candidate."""
        facts = self._baseline_facts.get(call.id)
        if facts is None:
            cost = cost_of(self._current, uncached(estimated_usage(call, self._traffic)), self._as_of)
            facts = self._baseline_facts[call.id] = (cost, refusal_in(call, logged, call.finish_reason))
        return facts

    def _measured(self, call: LoggedCall, entry: ModelEntry, replay: Replay) -> dict[str, object]:
        answer, logged = replay.completion or Completion(), call.completion or Completion()
        text_ok = format_ok(answer.text or "", call.params) if not answer.tool_calls else None
        # A replay starts cold or warm by chance: cost without cache discounts, as on the baseline's side.
        return {
            "candidate_cost_usd": cost_of(entry, uncached(replay.usage), self._as_of),
            "latency_ms": replay.latency_ms,
            "format_failed": text_ok is False,
            "truncated": replay.finish_reason == "length" and call.finish_reason != "length",
            "baseline_length": len(render_completion(logged)),
            "candidate_length": len(render_completion(answer)),
            "answer_digest": answer_digest(answer),
        }

    async def _scores(
        self,
        call: LoggedCall,
        logged: Completion,
        answer: Completion,
        pair: Pair,
        candidate_id: str,
        unsure: _Unsure,
    ) -> _Judged:
        """The scores, by checks or by the judge.

        Where the rules are unsure of a refusal the judge's view of it counts, which comes with the scores.
        """
        decided = decide_without_judge(logged, answer, call.params)
        if decided is not None and not (pair.candidate_refused or pair.baseline_refused):
            return _Judged({**_scored(decided.baseline, decided.candidate), "decided_by": decided.check})
        found = await self._judge.compare(call, answer, candidate_id)
        if not isinstance(found, Comparison):
            return _Judged({"unjudged": True}, is_final=found is None)
        refused = {
            "baseline_refused": _refused(pair.baseline_refused, unsure.baseline, found.baseline_refuses),
            "candidate_refused": _refused(pair.candidate_refused, unsure.candidate, found.candidate_refuses),
        }
        if all(refused.values()):
            return _Judged(dict(refused), comparison=found)
        baseline, candidate = found.baseline_score, found.candidate_score
        if refused["candidate_refused"]:  # the current model answered: a refusal is worth nothing here
            candidate = 0.0
        elif refused["baseline_refused"]:
            # Answering what the current model would not is no gain by itself; a person should look (methods.md, 0.4).
            candidate = min(candidate, baseline)
        scores = {**refused, **_scored(baseline, candidate), "in_both_orders": found.in_both_orders}
        return _Judged(scores, comparison=found)


class _Unsure(NamedTuple):
    """Whether the rules are unsure of a refusal in the logged answer, and in the candidate's."""

    baseline: bool
    candidate: bool


class _Judged(NamedTuple):
    """What judging adds to a pair, whether asking again would only repeat it, and what the judges said."""

    values: Mapping[str, object] = {}
    is_final: bool = True
    comparison: Comparison | None = None


def _declines(finding: RefusalFinding) -> bool:
    """Whether the model, or its provider's filter, chose not to answer: both cost the user the answer."""
    return finding.is_refusal or finding.label == "blocked"


def _refused(by_rules: bool, unsure: bool, by_judge: bool | None) -> bool:
    return by_judge if unsure and by_judge is not None else by_rules


def _scored(baseline: float, candidate: float) -> dict[str, object]:
    return {"baseline_score": baseline, "candidate_score": candidate}


def baselines(calls: Sequence[LoggedCall]) -> list[LoggedCall]:
    """The calls that have an answer to compare with."""
    return [call for call in calls if call.is_baseline]
