"""The rules that a candidate must pass: what is asked, what was found, and what would change it. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cqtui.engine.race import WORSE_THRESHOLD, Race
from cqtui.results import Evidence, Gate, Interval, LabelCheck
from cqtui.settings import Constraints, Thresholds
from cqtui.stats.flips import OrderFlips
from cqtui.stats.length import LengthControl
from cqtui.stats.power import pairs_needed_z

MAX_UNJUDGED = 0.10
MAX_FAILED = 0.05
CATASTROPHE_POINTS = 40.0
DECIDED_BY_CHECKS = 0.90
VERIFIABLE_PAIRS = 200  # below this a log can only lean (methods.md, section 0.3)


@dataclass(frozen=True)
class Basis:
    """What a run's evidence is made of, as far as it bears on whether it may be called verified."""

    measured: bool = True  # real answers of this run's models: neither simulated nor from a recording
    judge_is_checks: bool = False
    judge_of_contestants_family: str | None = None
    estimated_usage: bool = False
    forced_switch: bool = False


@dataclass(frozen=True)
class Controls:
    """What watches the judge: flips when the order is swapped, and the difference at equal length."""

    flips: OrderFlips | None
    length: LengthControl | None
    decided_by_checks: int


def _show(interval: Interval, sign: str = "") -> str:
    value, low, high = (_one_decimal(x, sign) for x in (interval.value, interval.low, interval.high))
    return f"{value}% [{low}, {high}]"


def _one_decimal(value: float, sign: str) -> str:
    text = f"{value:{sign}.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def about(count: int) -> str:
    """A number of prompts that is a guess: two digits from a thousand on."""
    return f"about {count if count < 1000 else round(count, 2 - len(str(count))):,}"


def odds(log_evidence: float) -> str:
    """Evidence E in words: "43 to 1"; below 1 it speaks against."""
    value = math.exp(min(log_evidence, 30.0))
    return f"{value:,.0f} to 1" if value >= 10 else f"{value:.2g} to 1"


def leaning_gates(evidence: Evidence, t: Thresholds, c: Constraints, *, forced_switch: bool) -> list[Gate]:
    """The original design's rules, on point estimates, and the user's constraints."""
    gates = [_samples(evidence, t), _coverage(evidence, t)]
    if not forced_switch:
        gates.append(_saving(evidence, t))
    gates += [_quality(evidence, t), _refusals(evidence, t), _confidence(evidence, t)]
    return gates + _constraints(evidence, c)


def _samples(evidence: Evidence, t: Thresholds) -> Gate:
    return Gate(
        name="samples",
        asked=f"at least {t.min_sample_size} judged pairs",
        found=str(evidence.pairs),
        passed=evidence.pairs >= t.min_sample_size,
        change="a longer log, or calls that do not fail",
    )


def _coverage(evidence: Evidence, t: Thresholds) -> Gate:
    ledger = evidence.ledger
    coverage = 100 * ledger.comparable / max(1, ledger.replayed - ledger.both_refused - ledger.unasked)
    return Gate(
        name="coverage",
        asked=f"at least {t.coverage_floor_percent:g}% of the judged calls give a pair",
        found=f"{coverage:.0f}%",
        passed=coverage >= t.coverage_floor_percent,
        change="fewer failed and unjudged calls; the ledger names their kinds",
    )


def _saving(evidence: Evidence, t: Thresholds) -> Gate:
    saving = evidence.savings_percent
    return Gate(
        name="saving",
        asked=f"a saving of at least {t.min_cost_saving_percent:g}%",
        found="nothing measured" if saving is None else _show(saving),
        passed=None if saving is None else saving.value >= t.min_cost_saving_percent,
        change="a cheaper candidate, or shorter answers of this one",
    )


def _quality(evidence: Evidence, t: Thresholds) -> Gate:
    impact = evidence.quality_impact_percent
    return Gate(
        name="quality",
        asked=f"a quality change of at least −{t.max_quality_drop_percent:g}%",
        found="nothing measured" if impact is None else _show(impact, "+"),
        passed=None if impact is None else impact.value >= -t.max_quality_drop_percent,
        change="a better candidate, or a larger drop that you accept (max_quality_drop_percent)",
    )


def _refusals(evidence: Evidence, t: Thresholds) -> Gate:
    ledger = evidence.ledger
    answered = ledger.replayed - sum(ledger.failed.values())
    newly = 100 * ledger.newly_refused / answered if answered else None
    return Gate(
        name="refusals",
        asked=f"at most {t.max_refusal_increase_percent:g}% of calls refused that were not before",
        found="nothing measured" if newly is None else f"{newly:.1f}% ({ledger.newly_refused} of {answered})",
        passed=None if newly is None else newly <= t.max_refusal_increase_percent,
        change="a candidate that refuses less, or prompts that it does not refuse",
    )


def _confidence(evidence: Evidence, t: Thresholds) -> Gate:
    return Gate(
        name="confidence in the switch",
        asked=f"at least {t.min_confidence:g}, where 0 is a coin toss and 1 is certain",
        found=confidence_words(evidence.confidence),
        passed=evidence.confidence >= t.min_confidence,
        change="more prompts while the evidence below is open; else another candidate",
    )


def confidence_words(value: float) -> str:
    """A confidence of 0..1; nothing is ever quite certain."""
    return ">0.99" if value > 0.99 else f"{value:.2f}"


def _constraints(evidence: Evidence, c: Constraints) -> list[Gate]:
    gates = []
    if c.max_latency_ms is not None:
        p95 = evidence.latency_p95_ms
        gates.append(
            Gate(
                name="latency",
                asked=f"95th percentile of at most {c.max_latency_ms} ms",
                found="unknown" if p95 is None else f"{p95:.0f} ms",
                passed=None if p95 is None else p95 <= c.max_latency_ms,
                change="a quicker candidate, or a looser max_latency_ms",
            )
        )
    if c.min_quality_score is not None:
        score = evidence.candidate_score
        gates.append(
            Gate(
                name="score",
                asked=f"a mean score of at least {c.min_quality_score:g}",
                found="unknown" if score is None else f"{score:.1f}",
                passed=None if score is None else score >= c.min_quality_score,
                change="a better candidate, or a lower min_quality_score",
            )
        )
    if c.max_cost_per_request is not None:
        cost = evidence.cost_p99_usd
        gates.append(
            Gate(
                name="cost per request",
                asked=f"99th percentile of at most ${c.max_cost_per_request}",
                found="unknown" if cost is None else f"${cost:.4f}",
                passed=None if cost is None else cost <= c.max_cost_per_request,
                change="a cheaper candidate, or a higher max_cost_per_request",
            )
        )
    return gates


def verified_gates(evidence: Evidence, race: Race, controls: Controls, basis: Basis, t: Thresholds) -> list[Gate]:
    """What the word "verified" stands for, beyond the original's rules (methods.md, section 0)."""
    gates = [_quality_evidence(race, t), _refusal_evidence(race, t)]
    if not basis.forced_switch:
        gates.append(_surely_saves(race, t))
    if race.has_uneven_conversations:
        gates.append(_by_call(race, t))
    gates += [_failed_calls(evidence), _judge(evidence, controls, basis), _equal_length(controls)]
    if evidence.labels is not None and evidence.labels.is_enough:
        gates.append(_labels(evidence, evidence.labels, t))
    if t.max_catastrophe_percent is not None:
        gates.append(_catastrophes(evidence, t.max_catastrophe_percent))
    gates.append(_measured(basis))
    return [gate.model_copy(update={"level": "verified"}) for gate in gates]


def _needed(race: Race) -> str:
    return f"{race.threshold:,.0f} to 1" if math.isfinite(race.threshold) else "no number (all of it is spent)"


def _quality_evidence(race: Race, t: Thresholds) -> Gate:
    n = len(race.judged_pairs)
    plain, strict = race.evidence.plain, race.evidence.strict
    reached = min(plain.highest_log_not_worse, strict.highest_log_not_worse)
    found = f"{odds(reached)} after {n} pairs"
    if race.quality == "failed":
        found = (
            f"{odds(plain.highest_log_worse)} that the drop is larger ({WORSE_THRESHOLD:g} is enough), after {n} pairs"
        )
    missing = more_calls(race)
    change = "more prompts" if missing is None else f"{about(missing)} more prompts like these"
    if race.quality == "failed":
        change = "another candidate: more prompts will not"
    return Gate(
        name="evidence on quality",
        asked=f"odds of {_needed(race)} against a drop of over {t.max_quality_drop_percent:g}% "
        "(failed or cut answers score 0)",
        found=found,
        passed={"passed": True, "failed": False, "open": None}[race.quality],
        change=change,
    )


def _by_call(race: Race, t: Thresholds) -> Gate:
    """The evidence counts each conversation once; where their lengths differ the calls themselves must hold as well."""
    found = race.margin_by_call
    return Gate(
        name="every call alike",
        asked=f"a drop of at most {t.max_quality_drop_percent:g}% with each call counted alike, not each conversation",
        found="nothing measured"
        if found is None
        else f"{found:+.1f} points within it, at the cautious end".replace("-", "−"),
        passed=None if found is None else found >= 0,
        change="more prompts; or long conversations are where it is worse",
    )


def _refusal_evidence(race: Race, t: Thresholds) -> Gate:
    gate = race.refusal_gate
    missing = _refusal_calls(race) if math.isfinite(race.threshold) else None
    change = "a candidate that refuses less"
    if missing is not None and race.refusals != "failed":
        change = f"about {missing:,} more calls without a new refusal"
    return Gate(
        name="evidence on refusals",
        asked=f"odds of {_needed(race)} against {t.max_refusal_increase_percent:g}% or more being newly refused",
        found=f"{odds(gate.highest_log_acceptable)} after {gate.n} calls, {gate.newly_refused} newly refused",
        passed={"passed": True, "failed": False, "open": None}[race.refusals],
        change=change,
    )


def _surely_saves(race: Race, t: Thresholds) -> Gate:
    saved = None if race.surely_saved is None else 100 * race.surely_saved
    return Gate(
        name="sure saving",
        asked=f"at least {t.min_cost_saving_percent:g}% at the cautious end, however often one looks",
        found="nothing measured" if saved is None else f"{saved:.1f}%",
        passed=None if saved is None else saved >= t.min_cost_saving_percent,
        change="more prompts narrow the interval; a cheaper candidate moves it",
    )


def _failed_calls(evidence: Evidence) -> Gate:
    ledger = evidence.ledger
    share = sum(ledger.failed.values()) / ledger.replayed if ledger.replayed else None
    return Gate(
        name="failed calls",
        asked=f"at most {MAX_FAILED:.0%} of the candidate's calls fail",
        found="nothing measured" if share is None else f"{share:.1%}",
        passed=None if share is None else share <= MAX_FAILED,
        change="run again when the provider is well, or translate what it rejects",
    )


def judge_faults(evidence: Evidence, controls: Controls, basis: Basis) -> list[str]:
    """What is wrong with the judge, in words; nothing where it may be relied on (methods.md, section 0.9)."""
    faults = []
    if controls.flips is not None and controls.flips.blocks:
        rate = controls.flips.rate
        faults.append(f"it changes sides with the order of the answers ({rate.k} of {rate.n})")
    labelled = evidence.labels is not None and evidence.labels.is_enough
    if basis.judge_of_contestants_family is not None and not labelled:
        faults.append(f"{basis.judge_of_contestants_family} is of a contestant's family, and nobody labelled pairs")
    ledger = evidence.ledger
    asked = ledger.comparable + ledger.unjudged
    if asked and ledger.unjudged / asked > MAX_UNJUDGED:
        faults.append(f"{ledger.unjudged} of {asked} pairs could not be judged")
    if basis.judge_is_checks and controls.decided_by_checks < DECIDED_BY_CHECKS * max(1, ledger.comparable):
        decided = f"{controls.decided_by_checks} of {ledger.comparable}"
        faults.append(f"there is none: checks alone decided {decided} pairs, the rest is likeness to the logged answer")
    return faults


def _judge(evidence: Evidence, controls: Controls, basis: Basis) -> Gate:
    faults = judge_faults(evidence, controls, basis)
    found = "; ".join(faults)
    if not faults:
        flips = controls.flips
        found = "no fault found"
        if flips is not None and flips.rate.n:
            found += f"; {flips.rate.k} of {flips.rate.n} pairs turned when shown in the other order"
    return Gate(
        name="judge",
        asked="no sign that the judge misleads: by order, by family, by silence",
        found=found,
        passed=not faults,
        change="another judge ([judge] models), or 30 pairs labelled by a person (cqtui label)",
    )


def _equal_length(controls: Controls) -> Gate:
    length = controls.length
    if length is None:
        return Gate(
            name="equal length",
            asked="the judge does not favour long or short answers",
            found="all answers have the same length ratio: nothing to tell",
            passed=True,
            change="nothing",
        )
    # Where all answers are much shorter or longer, equal length is a guess far from what was seen: it counts against a
    # candidate only where length is seen to matter at all.
    changes = length.verdict_changes and length.controlled_verdict != "non-inferior"
    return Gate(
        name="equal length",
        asked="the judge does not favour long or short answers",
        found=_length_words(length),
        passed=not (changes and length.length_matters),
        change="30 pairs labelled by a person (cqtui label) tell whether longer is better here",
    )


def _length_words(length: LengthControl) -> str:
    if not length.length_matters:
        return "no favour found"
    return f"{length.intercept:+.1f} points at equal length, {length.raw_mean:+.1f} as it is".replace("-", "−")


def _labels(evidence: Evidence, labels: LabelCheck, t: Thresholds) -> Gate:
    allowed = t.max_quality_drop_percent / 100 * (evidence.baseline_score or 100.0)
    value = labels.corrected_points
    return Gate(
        name="human labels",
        asked=f"a drop of at most {allowed:.1f} points as {labels.labelled} labels correct it",
        found=f"{value.value:+.1f} points [{value.low:+.1f}, {value.high:+.1f}]".replace("-", "−"),
        passed=value.value >= -allowed,
        change="more labels narrow it; a better candidate moves it",
    )


def _catastrophes(evidence: Evidence, most_percent: float) -> Gate:
    share = evidence.catastrophe_percent
    return Gate(
        name="catastrophes",
        asked=f"at most {most_percent:g}% of pairs worse by more than {CATASTROPHE_POINTS:.0f} points",
        found="nothing measured" if share is None else _show(share),
        passed=None if share is None else share.value <= most_percent,
        change="a better candidate, or routing these calls to the current model",
    )


def _measured(basis: Basis) -> Gate:
    wrong = []
    if not basis.measured:
        wrong.append("answers are simulated or recorded")
    if basis.estimated_usage:
        wrong.append("today's cost is estimated: the log has no token counts")
    return Gate(
        name="measured answers",
        asked="real answers, and token counts from the log",
        found="; ".join(wrong) or "both",
        passed=not wrong,
        change="--provider portkey, and usage in the log",
    )


def pairs_to_pass(race: Race) -> int | None:
    """About how many more pairs would pass the evidence on quality at its pace so far; None where it moves away."""
    if race.quality == "passed":
        return 0
    strict = race.evidence.strict
    if race.quality == "failed" or not math.isfinite(race.threshold):
        return None
    return _missing(strict.log_not_worse, strict.n, race.threshold, race.turns)


def _missing(log_evidence: float, n: int, threshold: float, turns: float) -> int | None:
    """Calls that are missing at the pace so far; ``n`` conversations of ``turns`` calls each were seen."""
    if n < 2 or log_evidence <= 0:
        return None
    return max(1, math.ceil((math.log(threshold) - log_evidence) * n / log_evidence * turns))


def _refusal_calls(race: Race) -> int:
    """Calls without a new refusal that the evidence on refusals still needs."""
    return math.ceil(race.refusal_gate.calls_missing(race.threshold) * race.turns)


def more_calls(race: Race) -> int | None:
    """About how many more calls would settle the race, one way or the other; None where that cannot be told.

    From the pace of the evidence so far; where it has moved neither way yet, from the normal formula for the mean and
    the spread that were seen, which a sequential test at best comes near to.
    """
    if race.stopped is not None:
        return 0
    quality = pairs_to_pass(race)
    if quality is not None:
        return max(quality, _refusal_calls(race))
    plain = race.evidence.plain
    worse = _missing(plain.log_worse, plain.n, WORSE_THRESHOLD, race.turns)
    if worse is not None or plain.n < 2 or plain.sd == 0:
        return worse
    needed = pairs_needed_z(plain.sd, 0.0, true_diff=abs(plain.mean))
    return None if needed is None else math.ceil((max(needed, VERIFIABLE_PAIRS) - plain.n) * race.turns)


def all_gates(
    evidence: Evidence, race: Race, controls: Controls, basis: Basis, t: Thresholds, c: Constraints
) -> tuple[Gate, ...]:
    """Every rule, the original's first."""
    original: Sequence[Gate] = leaning_gates(evidence, t, c, forced_switch=basis.forced_switch)
    return (*original, *verified_gates(evidence, race, controls, basis, t))
