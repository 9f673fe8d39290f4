"""Blind labelling: which pairs a person is shown, in which order, and what the labels say of the judge."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from cqtui.checks.conversation import render_completion, render_conversation
from cqtui.importers.redaction import identity, redact_call, redactor_of
from cqtui.models import Completion, LoggedCall, Replay
from cqtui.results import Interval, LabelCheck, Pair
from cqtui.settings import PrivacySettings
from cqtui.stats.calibration import Calibration, Preference, calibrate
from cqtui.store import labels
from cqtui.store.database import Database

Choice = Literal["1", "2", "="]


def answer_digest(answer: Completion) -> str:
    """Names an answer: a label holds for this text alone."""
    return hashlib.sha256(render_completion(answer).encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True)
class Question:
    """A pair as a person is shown it: which answer is the candidate's is not to be seen."""

    record_id: str
    digest: str
    prompt: str
    first: str
    second: str
    candidate_first: bool

    def preference(self, choice: Choice) -> Preference:
        """What choosing an answer says of the candidate."""
        if choice == "=":
            return "same"
        return "better" if (choice == "1") is self.candidate_first else "worse"


def questions(
    database: Database, model_id: str, calls: Sequence[LoggedCall], run_id: str, count: int, privacy: PrivacySettings
) -> tuple[list[Question], int]:
    """The next pairs to label, drawn at random from all judged ones, and how many were labelled before.

    Args:
        database: The store, which has the candidate's answers.
        model_id: The candidate.
        calls: The log, which has the current model's answers.
        run_id: Seeds the draw and the order of the answers.
        count: How many pairs are wanted in all, labelled ones included.
        privacy: How the run redacted: a person is shown what the judge was.
    """
    by_id = {call.id: call for call in calls if call.completion is not None}
    redactor = redactor_of(privacy) if privacy.redact else None
    known = database.read(lambda c: labels.labels_of(c, model_id, seals=database.seals))
    drawn = database.read(lambda c: labels.judged_records(c, model_id))
    if redactor is not None and not by_id.keys() >= {record_id for record_id, _ in drawn}:
        by_id = {identity(name, redactor): call for name, call in by_id.items()}
    random.Random(f"cqtui label {run_id} {model_id}").shuffle(drawn)
    found: list[Question] = []
    done = 0
    for record_id, evaluation in drawn:
        if len(found) + done >= count:
            break
        digest = json.loads(evaluation).get("answer_digest")
        call = by_id.get(record_id)
        if call is not None and redactor is not None:
            call = redact_call(call, redactor)
        question = _question(database, model_id, call, run_id, digest)
        if question is None:
            continue
        if (record_id, question.digest) in known:
            done += 1
        else:
            found.append(question)
    return found, done


def _question(
    database: Database, model_id: str, call: LoggedCall | None, run_id: str, digest: str | None
) -> Question | None:
    """The pair of a record with the very answer that was judged; None where its text was not kept, or purged."""
    if call is None or call.completion is None:
        return None
    record_id = call.id
    kept = [_completion(text) for text in database.read(lambda c: labels.answers(c, record_id, model_id))]
    answer = next((each for each in kept if each is not None and answer_digest(each) == digest), None)
    if answer is None:
        return None
    candidate, logged = render_completion(answer), render_completion(call.completion)
    candidate_first = hashlib.sha256(f"{run_id}\0{call.id}\0{model_id}".encode()).digest()[0] < 128
    first, second = (candidate, logged) if candidate_first else (logged, candidate)
    prompt = render_conversation(call.messages)
    return Question(call.id, answer_digest(answer), prompt, first, second, candidate_first)


def _completion(text: str) -> Completion | None:
    try:
        return Replay.model_validate_json(text).completion
    except ValidationError:
        return None


def label_check(pairs: Sequence[Pair], known: Mapping[labels.LabelKey, Preference]) -> LabelCheck | None:
    """What the labels say of a candidate's judged pairs; None where none of these is labelled."""
    judged = [pair for pair in pairs if pair.candidate_score is not None and pair.baseline_score is not None]
    differences = [(pair.candidate_score or 0.0) - (pair.baseline_score or 0.0) for pair in judged]
    own = [known.get((pair.record_id, pair.answer_digest or "")) for pair in judged]
    return check_of(calibrate(differences, own), differences)


def stored_check(database: Database, model_id: str) -> LabelCheck | None:
    """The same from what the store holds of a model's newest evaluations."""
    labelled = database.read(lambda c: labels.labels_of(c, model_id, seals=database.seals))
    known = {record_id: label for (record_id, _), label in labelled.items()}
    rows = [
        (record_id, json.loads(text)) for record_id, text in database.read(lambda c: labels.judged_records(c, model_id))
    ]
    scored = [(name, row["candidate"] - row["current"]) for name, row in rows if row.get("current") is not None]
    differences = [difference for _, difference in scored]
    return check_of(calibrate(differences, [known.get(name) for name, _ in scored]), differences)


def check_of(found: Calibration, differences: Sequence[float]) -> LabelCheck | None:
    """A calibration as the report shows it; None without a label."""
    corrected = found.tuned
    if not found.labelled or corrected.estimate is None:
        return None
    low, high = corrected.interval or (corrected.estimate, corrected.estimate)
    rate = found.agreement
    return LabelCheck(
        labelled=found.labelled,
        agreement_percent=Interval(
            value=100 * (rate.rate or 0.0), low=100 * rate.interval[0], high=100 * rate.interval[1]
        ),
        kappa=found.kappa,
        judge_points=sum(differences) / len(differences),
        corrected_points=Interval(value=corrected.estimate, low=low, high=high),
        is_enough=found.is_enough,
    )
