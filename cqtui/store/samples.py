"""The samples of a run: each pair with all that it rests on, figures and texts in columns of their own.

Without its texts a row still has every figure: scores by dimension, tokens, costs, labels and the orders of the judge.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from cqtui.judgements import Comparison
from cqtui.models import Completion
from cqtui.results import Pair
from cqtui.samples import Sample
from cqtui.store.text import prompt_mark

NO_TEXTS = "{}"
_SIDES = ("logged", "answer")
_REASONING = {"baseline": {"reasoning"}, "candidate": {"reasoning"}}
_NO_FIGURES: Any = {
    "pair": {"failure_message"},
    "logged": True,
    "answer": True,
    "comparison": {"opinions": {"__all__": _REASONING}},
}
# What an equal answer of another run, or to another record with the same content, may differ in.
_OF_THE_RUN = {"record_id", "session", "segment", "baseline_cost_usd", "candidate_cost_usd", "failure_message"}


class SampleRow(NamedTuple):
    """A sample as a list shows it; the pair is without the words of a failure."""

    model_id: str
    position: int
    record_id: str
    pair: Pair


class KeptSample(NamedTuple):
    """A sample as it was kept, and its prompt; None where the prompt's text is not kept."""

    sample: Sample
    prompt: str | None


def keep_sample(connection: sqlite3.Connection, run_id: str, sample: Sample, *, keep_text: bool = True) -> None:
    """Keep a sample of a run, or its figures alone; an earlier one of the same pair goes."""
    _insert(connection, run_id, sample, datetime.now(UTC).isoformat(), keep_text)


def carry_over(
    connection: sqlite3.Connection, run_id: str, sample: Sample, record_id: str, *, keep_text: bool = True
) -> None:
    """Keep a sample whose pair was measured before, with the answer and the judgements of that time.

    They are copied from the newest sample with this model, record, answer and these scores, rather from one that has
    its texts; its date is kept, since the texts are as old. Where there is none the sample is kept as it is.

    Args:
        connection: The store.
        run_id: The run that the copy is for.
        sample: What is known without them.
        record_id: The record that the pair was measured for: the sample's own, or another with the same content.
        keep_text: Whether texts may be kept.
    """
    rows = connection.execute(
        "SELECT created_at, figures_json, texts_json FROM samples WHERE record_id IN (?, ?) AND model_id = ?"
        " AND answer_digest = ? ORDER BY rowid DESC",
        (sample.pair.record_id, record_id, sample.model_id, sample.pair.answer_digest),
    ).fetchall()
    known, created_at = None, datetime.now(UTC).isoformat()
    for at, figures, texts in rows:
        earlier = _read(figures, texts)
        if earlier is None or _measured(earlier.pair) != _measured(sample.pair):
            continue
        if known is None or earlier.answer is not None:
            known, created_at = earlier, at
        if known.answer is not None:
            break
    if known is not None:
        copied = ("answer", "answer_finish_reason", "served_model", "answer_refusal", "comparison")
        sample = sample.model_copy(update={name: getattr(known, name) for name in copied})
    _insert(connection, run_id, sample, created_at, keep_text)


def _measured(pair: Pair) -> Mapping[str, Any]:
    return pair.model_dump(exclude=_OF_THE_RUN)


def _insert(connection: sqlite3.Connection, run_id: str, sample: Sample, created_at: str, keep_text: bool) -> None:
    pair = sample.pair
    connection.execute(
        "INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            run_id,
            sample.model_id,
            pair.record_id,
            sample.position,
            pair.answer_digest,
            created_at,
            _figures_json(sample),
            json.dumps(_texts_of(sample)) if keep_text else NO_TEXTS,
        ),
    )


def _figures_json(sample: Sample) -> str:
    try:
        return sample.model_dump_json(exclude_defaults=True, exclude=_NO_FIGURES)
    except PydanticSerializationError:  # half a character in a name; json writes it as ASCII, as it does the texts
        return json.dumps(sample.model_dump(mode="json", exclude_defaults=True, exclude=_NO_FIGURES))


def _texts_of(sample: Sample) -> dict[str, Any]:
    texts: dict[str, Any] = {}
    if sample.logged is not None:
        texts["logged"] = _completion(sample.logged)
    if sample.answer is not None:
        texts["answer"] = _completion(sample.answer)
    if sample.comparison is not None:
        texts["reasoning"] = _reasoning(sample.comparison)
    if sample.pair.failure_message is not None:
        texts["failure_message"] = sample.pair.failure_message
    return texts


def _completion(answer: Completion) -> dict[str, Any]:
    return answer.model_dump(mode="json", exclude_defaults=True)


def _reasoning(comparison: Comparison) -> list[list[str]]:
    """For each opinion what was said of the logged answer and of the candidate's."""
    return [[opinion.baseline.reasoning, opinion.candidate.reasoning] for opinion in comparison.opinions]


def _read(figures_json: str, texts_json: str) -> Sample | None:
    """The sample of a row; None where the row has another shape than this version's."""
    try:
        value, texts = json.loads(figures_json), json.loads(texts_json)
        value.update({side: texts.get(side) for side in _SIDES})
        value["pair"]["failure_message"] = texts.get("failure_message")
        opinions = (value.get("comparison") or {}).get("opinions", ())
        for opinion, said in zip(opinions, texts.get("reasoning", ()), strict=False):
            opinion["baseline"]["reasoning"], opinion["candidate"]["reasoning"] = said
        return Sample.model_validate(value)
    except (ValidationError, ValueError, TypeError, AttributeError, KeyError):
        return None


def sample_rows(connection: sqlite3.Connection, run_id: str, model_id: str | None = None) -> list[SampleRow]:
    """A run's samples, of one model where it is named, in the order of the run's calls."""
    rows = connection.execute(
        "SELECT model_id, position, record_id, figures_json FROM samples WHERE run_id = ? AND ? IN (model_id, '')"
        " ORDER BY position, model_id",
        (run_id, model_id or ""),
    )
    pairs = ((name, position, record_id, _pair(figures)) for name, position, record_id, figures in rows)
    return [SampleRow(name, position, record_id, pair) for name, position, record_id, pair in pairs if pair is not None]


def _pair(figures_json: str) -> Pair | None:
    try:
        return Pair.model_validate(json.loads(figures_json)["pair"])
    except (ValidationError, ValueError, TypeError, KeyError):
        return None


def load_sample(connection: sqlite3.Connection, run_id: str, model_id: str, record_id: str) -> KeptSample | None:
    """One sample of a run with its prompt; None where it was not kept."""
    row = connection.execute(
        "SELECT figures_json, texts_json, content FROM samples LEFT JOIN prompts ON prompt_id = record_id"
        " WHERE run_id = ? AND model_id = ? AND record_id = ?",
        (run_id, model_id, record_id),
    ).fetchone()
    sample = _read(row[0], row[1]) if row is not None else None
    return None if sample is None else KeptSample(sample, _prompt(row[2]))


def _prompt(content: str | None) -> str | None:
    """A prompt's text; None for the mark that stands where it is not kept."""
    return None if content is None or prompt_mark(content) == content else content


def find_text(connection: sqlite3.Connection, run_id: str, text: str) -> set[tuple[str, str]]:
    """The pairs (model and record id) whose prompt, answers or judges' reasoning hold a text, in whatever case."""
    wanted = text.casefold()
    prompts = connection.execute(
        "SELECT prompt_id, content FROM prompts WHERE prompt_id IN (SELECT record_id FROM samples WHERE run_id = ?)",
        (run_id,),
    )
    asked = {record_id for record_id, content in prompts if wanted in (_prompt(content) or "").casefold()}
    rows = connection.execute("SELECT model_id, record_id, texts_json FROM samples WHERE run_id = ?", (run_id,))
    return {
        (model_id, record_id)
        for model_id, record_id, texts in rows
        if record_id in asked or any(wanted in words.casefold() for words in _words(texts))
    }


def _words(texts_json: str) -> Iterator[str]:
    """All that a person could read in a row's texts, a failure's words apart."""
    texts = json.loads(texts_json)
    for side in _SIDES:
        answer = texts.get(side) or {}
        yield answer.get("text") or ""
        yield answer.get("refusal") or ""
        for call in answer.get("tool_calls", ()):
            yield f"{call['name']}({call['arguments']})"
    for said in texts.get("reasoning", ()):
        yield from said
