"""What a judge is asked, and how its answer is read. Pure, but for the templates."""

from __future__ import annotations

import functools
import hashlib
import json
from typing import Any, Literal

import jinja2
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cqtui.checks.conversation import render_completion, render_conversation
from cqtui.judgements import Judgement, Opinion, RefusalVerdict
from cqtui.models import Completion, LoggedCall
from cqtui.resources import resource_path

JudgeMode = Literal["side_by_side", "pointwise"]
UNREADABLE = "[an answer that was not the JSON object that was asked for]"
REPAIR = "That was not the JSON object that was asked for. Answer with that JSON object alone."


class _Scores(BaseModel):
    model_config = ConfigDict(extra="ignore")

    accuracy: float = Field(ge=0, le=100)
    helpfulness: float = Field(ge=0, le=100)
    clarity: float = Field(ge=0, le=100)
    completeness: float = Field(ge=0, le=100)


class _Pointwise(_Scores):
    reasoning: str = ""


class _Answer(_Scores):
    refusal: RefusalVerdict = "none"


class _SideBySide(BaseModel):
    model_config = ConfigDict(extra="ignore")

    reasoning: str = ""
    answer_1: _Answer
    answer_2: _Answer


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": list(properties)}


_SCORES: dict[str, Any] = {name: {"type": "number"} for name in _Scores.model_fields}
_REASONING = {"reasoning": {"type": "string"}}
_ANSWER = _object({**_SCORES, "refusal": {"type": "string", "enum": ["none", "partial", "full"]}})
_SCHEMAS = {
    "pointwise": _object({**_REASONING, **_SCORES}),
    "side_by_side": _object({**_REASONING, "answer_1": _ANSWER, "answer_2": _ANSWER}),
}
_NAMES = {"pointwise": "judgement", "side_by_side": "comparison"}


def response_format(mode: JudgeMode) -> dict[str, Any]:
    """The JSON schema that a judge's answer must follow, as ``response_format``."""
    return {
        "type": "json_schema",
        "json_schema": {"name": _NAMES[mode], "strict": True, "schema": _SCHEMAS[mode]},
    }


@functools.cache
def _source(mode: JudgeMode) -> str:
    return resource_path(f"templates/judge/{mode}.md.j2").read_text(encoding="utf-8")


@functools.cache
def _template(mode: JudgeMode) -> jinja2.Template:
    return jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False).from_string(_source(mode))


@functools.cache
def default_rubric() -> str:
    """What the four dimensions mean, with anchors, where the user has no rubric of their own."""
    return resource_path("templates/judge/rubric.md").read_text(encoding="utf-8").strip()


def rubric_version(mode: JudgeMode, rubric: str) -> str:
    """Changes with anything that a judge is asked: the template, the schema, the rubric."""
    parts = json.dumps([_source(mode), _SCHEMAS[mode], rubric])
    return f"{mode}/{hashlib.sha256(parts.encode()).hexdigest()[:12]}"


def _fence(*texts: str) -> str:
    """A word that none of the texts contains, the same for the same texts."""
    fence = "q" + hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:10]
    while any(fence in text for text in texts):
        fence = "q" + hashlib.sha256(fence.encode()).hexdigest()[:10]
    return fence


def pointwise_prompt(call: LoggedCall, answer: Completion, rubric: str) -> str:
    """Ask for one answer's scores; the quoted texts cannot close the marks around them."""
    prompt, text = render_conversation(call.messages), render_completion(answer)
    return _template("pointwise").render(fence=_fence(prompt, text), prompt=prompt, answer=text, rubric=rubric)


def side_by_side_prompt(call: LoggedCall, first: Completion, second: Completion, rubric: str) -> str:
    """Ask for the scores of two answers, blind; the quoted texts cannot close the marks around them."""
    prompt, one, two = render_conversation(call.messages), render_completion(first), render_completion(second)
    fence = _fence(prompt, one, two)
    return _template("side_by_side").render(fence=fence, prompt=prompt, first=one, second=two, rubric=rubric)


def _json_object(text: str | None) -> Any:
    """The one JSON object that a judge's answer is, None where it is anything else; a code fence around it is let off.

    Nothing is searched for within a longer text: an answer under judgement could have put it there.
    """
    body = (text or "").strip()
    if body.startswith("```"):
        body = body.strip("`").removeprefix("json").strip()
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _judgement(scores: _Scores, judge: str, reasoning: str) -> Judgement:
    return Judgement(judge=judge, reasoning=reasoning, **scores.model_dump(include=set(_Scores.model_fields)))


def read_pointwise(text: str | None, judge: str) -> Judgement | None:
    """The scores in a judge's answer about one answer, or None where it is not the JSON object that was asked for."""
    try:
        reply = _Pointwise.model_validate(_json_object(text))
    except ValidationError:
        return None
    return _judgement(reply, judge, reply.reasoning)


def read_side_by_side(text: str | None, judge: str, *, candidate_first: bool) -> Opinion | None:
    """A judge's answer about two answers, or None where it is not the JSON object that was asked for."""
    try:
        reply = _SideBySide.model_validate(_json_object(text))
    except ValidationError:
        return None
    baseline, candidate = reply.answer_1, reply.answer_2
    if candidate_first:
        baseline, candidate = candidate, baseline
    return Opinion(
        judge=judge,
        candidate_first=candidate_first,
        baseline=_judgement(baseline, judge, reply.reasoning),
        candidate=_judgement(candidate, judge, reply.reasoning),
        baseline_refusal=baseline.refusal,
        candidate_refusal=candidate.refusal,
    )
