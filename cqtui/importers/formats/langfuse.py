"""Langfuse's observations: blob storage exports, exports of its pages, its public API, and traces that hold them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Importer, first_of, snake_case
from cqtui.importers.formats.langfuse_usage import usage_of
from cqtui.importers.metadata import noted_in
from cqtui.importers.params import known_params
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.reasons import elsewhere, failed, no_model_call
from cqtui.importers.times import in_milliseconds, milliseconds_between
from cqtui.importers.traced import holds, provider_of, rate, read_traced, whole_usage

OBSERVATIONS = frozenset(
    {"GENERATION", "SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "EMBEDDING", "GUARDRAIL"}
)
MEASURED = (
    "provided_model_name",
    "providedModelName",
    "usage_details",
    "usageDetails",
    "model_parameters",
    "modelParameters",
    "calculatedTotalCost",
)
MEDIA = "@@@langfuseMedia:"
# Fields of a row that may hold lists; a list under any other name is the values of a score of that name.
LISTS = frozenset(
    {"input", "output", "tags", "trace_tags", "tool_calls", "tool_call_names", "metadata", "observations"}
)
LISTS |= {
    "scores",
    "comments",
    "prompt_tags",
    "usage_pricing_tier",
    "model_parameters",
    "usage_details",
    "cost_details",
}


class LangfuseImporter(Importer):
    """Reads observations of type GENERATION, whichever of Langfuse's exports they are from."""

    name = "langfuse"
    fields = frozenset({"traceId", "trace_id", "type", "usageDetails", "usage_details", "modelParameters", "input"})

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure of a generation, of any observation with its measurements, and of scores and traces by their fields."""
        if is_observation(record):
            is_measured = record["type"] == "GENERATION" or any(name in record for name in MEASURED)
            return 0.97 if is_measured else 0.88
        return 0.97 if is_score(record) or is_trace(record) else 0.0

    def unfold(self, record: Mapping[str, Any]) -> Iterator[Any] | None:
        """The observations of a trace that holds them, with the trace's own values and its scores."""
        return observations_of(record) if inner_observations(record) else None

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The call in an observation."""
        row = {snake_case(name): value for name, value in record.items() if value not in (None, "")}
        if not is_observation(record):
            kind = "a score" if is_score(record) else "a trace, whose observations hold the calls"
            return NoCall(no_model_call(kind))
        if row["type"] != "GENERATION":
            return NoCall(no_model_call(row["type"].lower()))
        if row.get("level") == "ERROR":
            return NoCall(failed(row.get("status_message")))
        if holds(row.get("input"), lambda value: isinstance(value, str) and MEDIA in value):
            return NoCall(elsewhere("an image or file is stored at Langfuse"))
        tools = {"tools": named_tools(row.get("tool_definitions"))}
        call = read_traced(row.get("input"), row.get("output"), row.get("model_parameters"))
        if isinstance(call, NoCall):
            return call
        noted = base.mapping(row.get("metadata"))
        user, session, metadata = noted_in({**call.metadata, **noted})
        call.id, call.time = row.get("id"), row.get("start_time")
        call.model = first_of(row, "provided_model_name", "model") or noted.get("ls_model_name") or call.model
        call.provider = provider_of(noted.get("ls_provider") or call.provider, call.model)
        call.params = {**known_params(tools), **call.params}
        call.usage = whole_usage(usage_of(row, call.warnings), call.usage)
        call.latency_ms, call.ttft_ms = times_of(row, is_snake="trace_id" in record, warnings=call.warnings)
        call.cost_usd = cost_of(row)
        call.user = first_of(row, "user_id") or user
        call.session = first_of(row, "session_id") or session
        call.tags = base.structured(first_of(row, "tags", "trace_tags"))
        prompt = {"prompt_name": row["prompt_name"]} if "prompt_name" in row else {}
        call.metadata = {**metadata, **prompt}
        rate(call, scores_of(record))
        return call


def is_observation(record: Mapping[str, Any]) -> bool:
    """Whether a record is an observation."""
    kind = record.get("type")
    return isinstance(kind, str) and kind in OBSERVATIONS and ("trace_id" in record or "traceId" in record)


def is_score(record: Mapping[str, Any]) -> bool:
    """Whether a record is a score, as its file or the API has them."""
    typed = "data_type" in record or "dataType" in record
    return typed and "name" in record and "value" in record and ("trace_id" in record or "traceId" in record)


def is_trace(record: Mapping[str, Any]) -> bool:
    """Whether a record is a trace."""
    return bool(inner_observations(record)) or ("bookmarked" in record and "public" in record and "type" not in record)


def inner_observations(record: Mapping[str, Any]) -> list[Any]:
    """The observations that a trace holds whole; none where it only names them."""
    found = record.get("observations")
    if not isinstance(found, list):
        return []
    held = any(isinstance(item, dict) and isinstance(item.get("type"), str) and "id" in item for item in found)
    return found if held else []


def observations_of(record: Mapping[str, Any]) -> Iterator[Any]:
    """The observations of a trace, each with the trace's user, session and tags and with its scores."""
    trace = record["trace"] if isinstance(record.get("trace"), dict) else record
    given = {"traceId": trace.get("id")}
    given |= {name: trace[name] for name in ("userId", "sessionId", "user_id", "session_id") if trace.get(name)}
    given |= {"traceTags": trace["tags"]} if trace.get("tags") else {}
    scores: dict[str | None, list[tuple[int, Any]]] = defaultdict(list)
    for position, score in enumerate(base.objects_in(trace.get("scores") or record.get("scores"))):
        scores[target_of(score)].append((position, score))
    of_trace = base.text_or_none(trace.get("id"))
    for item in inner_observations(record):
        if isinstance(item, dict):
            targets = {base.text_or_none(item.get("id")), of_trace} - {None}
            ordered = sorted((each for target in targets for each in scores.get(target, ())), key=lambda each: each[0])
            own = [score for _, score in ordered]
            item = {**given, **item, **({"scores": own} if own else {})}
        yield item


def target_of(score: Mapping[str, Any]) -> str | None:
    """The id of what a score is about: an observation, else a trace."""
    return base.text_or_none(
        first_of(score, "observation_id", "observationId") or first_of(score, "trace_id", "traceId")
    )


def value_of(score: Mapping[str, Any]) -> tuple[str, Any]:
    """A score's name and its value, a number or a word."""
    word = first_of(score, "string_value", "stringValue")
    kind = first_of(score, "data_type", "dataType")
    return str(score.get("name")), word if word is not None and kind == "CATEGORICAL" else score.get("value")


def scores_of(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The scores in an observation: rows under ``scores``, or a column a score, each with a list of values."""
    rows = base.structured(record.get("scores"))
    for score in rows if isinstance(rows, list) else ():
        if isinstance(score, Mapping) and "name" in score:
            yield value_of(score)
    for name, value in record.items():
        if not (isinstance(value, list) or (isinstance(value, str) and value[:1] == "[")) or snake_case(name) in LISTS:
            continue
        values = base.structured(value)
        if not isinstance(values, list) or not values:
            continue
        if all(isinstance(item, int | float | str) for item in values):
            yield name, values[0] if len(values) == 1 else mean_of(values)


def mean_of(values: list[Any]) -> Any:
    """The mean of several values of one score, or the values where they are no numbers of 0 or more."""
    numbers = [base.number(value, "score", []) for value in values if not isinstance(value, str)]
    known = [value for value in numbers if value is not None]
    return sum(known) / len(values) if len(known) == len(values) else values


def times_of(row: Mapping[str, Any], *, is_snake: bool, warnings: list[str]) -> tuple[Any, Any]:
    """Latency and time to first token in ms: from the instants, else from the noted seconds.

    Blob storage exports that were set up before April 2026 note milliseconds: there the figures alone say nothing.
    """
    start = row.get("start_time")
    latency = milliseconds_between(start, row.get("end_time"))
    first = milliseconds_between(start, row.get("completion_start_time"))
    if latency is None and "latency" in row:
        latency = None if is_snake else in_milliseconds(row["latency"])
        if is_snake:
            warnings.append("latency of unknown unit left out")
    if first is None and not is_snake:
        first = in_milliseconds(row.get("time_to_first_token"))
    return latency, first


def cost_of(row: Mapping[str, Any]) -> Any:
    """The cost as noted; a zero without any detail stands for a cost that Langfuse could not work out."""
    details = base.mapping(row.get("cost_details"))
    cost = first_of(row, "total_cost", "calculated_total_cost")
    cost = details.get("total") if cost is None else cost
    return None if not details and base.number(cost, "", []) == 0 else cost


def named_tools(definitions: Any) -> list[Any]:
    """The tools that Langfuse found in a call: a map from a name to the rest of its definition."""
    found = [{"name": name, **base.mapping(rest)} for name, rest in base.mapping(definitions).items()]
    return [{**tool, "type": "function"} for tool in found]
