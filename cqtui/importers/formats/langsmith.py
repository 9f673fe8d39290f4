"""LangSmith's runs, from its SDK, its API, or a bulk export with JSON in text columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Importer, first_of
from cqtui.importers.exchange import failure_of
from cqtui.importers.metadata import noted_in
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.reasons import failed, no_model_call
from cqtui.importers.times import milliseconds_between
from cqtui.importers.traced import provider_of, rate, read_traced, tier_of, whole_usage

OUTER = ("output", "outputs")


class LangSmithImporter(Importer):
    """Reads runs of type llm."""

    name = "langsmith"
    fields = frozenset({"run_type", "inputs", "outputs", "dotted_order", "trace_id", "session_id", "extra"})

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with a run type, inputs and a place in a trace or project."""
        placed = "dotted_order" in record or "trace_id" in record or "session_id" in record
        return 0.97 if "run_type" in record and "inputs" in record and placed else 0.0

    def unfold(self, record: Mapping[str, Any]) -> Iterator[Any] | None:
        """The run and all runs under it, where it holds them."""
        return nested(record) if children_of(record) else None

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The call in a run."""
        get = record.get
        kind = base.text_or_none(get("run_type"))
        if kind != "llm":
            return NoCall(no_model_call(kind or "a run of no type"))
        if failure := failure_of(record):
            return NoCall(failure)
        if get("status") == "error":
            return NoCall(failed())
        outputs = base.structured(get("outputs"))
        if isinstance(outputs, dict) and len(outputs) == 1:  # a function's plain return value is wrapped
            outputs = next((outputs[name] for name in OUTER if name in outputs), outputs)
        extra = base.mapping(get("extra"))
        sent = base.mapping(extra.get("invocation_params"))
        user, session, metadata = noted_in(base.mapping(extra.get("metadata")))
        standard = {key.removeprefix("ls_"): value for key, value in metadata.items() if key.startswith("ls_")}
        call = read_traced(get("inputs"), None if outputs == {} else outputs, standard, sent)
        if isinstance(call, NoCall):
            return call
        call.id, call.time = get("id"), get("start_time")
        call.model = call.model or standard.get("model_name") or first_of(sent, "model", "model_name")
        call.provider = provider_of(standard.get("provider") or call.provider, call.model)
        call.usage = whole_usage(usage_of(record), call.usage)
        call.latency_ms = milliseconds_between(get("start_time"), get("end_time"))
        call.ttft_ms = milliseconds_between(get("start_time"), get("first_token_time"))
        call.cost_usd = get("total_cost")
        call.user, call.session = user or call.user, session
        call.tags = base.structured(get("tags"))
        call.metadata = {key: value for key, value in metadata.items() if not key.startswith("ls_")} | tier_of(call)
        stats = base.mapping(get("feedback_stats"))
        rate(call, ((name, base.mapping(given).get("avg")) for name, given in stats.items()))
        return call


def usage_of(run: Mapping[str, Any]) -> dict[str, Any]:
    """The usage that LangSmith counted; its input is the total, cached tokens inside."""
    asked, answered = (base.mapping(run.get(f"{side}_token_details")) for side in ("prompt", "completion"))
    return {
        "input_tokens": run.get("prompt_tokens"),
        "output_tokens": run.get("completion_tokens"),
        "cached_tokens": asked.get("cache_read"),
        "cache_write_tokens": first_of(asked, "cache_creation", "cache_write"),
        "reasoning_tokens": answered.get("reasoning"),
    }


def children_of(run: Mapping[str, Any]) -> list[Any]:
    """The runs that a run holds."""
    found = run.get("child_runs")
    return found if isinstance(found, list) else []


def nested(run: Mapping[str, Any]) -> Iterator[Any]:
    """A run and all runs under it, each alone."""
    waiting: list[Any] = [run]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Mapping):
            waiting.extend(reversed(children_of(item)))
            item = {key: value for key, value in item.items() if key != "child_runs"}
        yield item
