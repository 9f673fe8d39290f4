"""Exports of the tools that trace calls: Langfuse, LangSmith and Braintrust."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cqtui.models import LoggedCall, Message
from tests.exporters import bodies
from tests.exporters.files import Files, Record, dollars, ended, iso, lines, spaced, started, table, total

CLASSES = {"system": "SystemMessage", "user": "HumanMessage", "assistant": "AIMessage", "tool": "ToolMessage"}
TYPES = {"system": "system", "user": "human", "assistant": "ai", "tool": "tool"}
BLANK = {"level": "DEFAULT", "version": "", "environment": "default"}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _counts(call: LoggedCall) -> Record:
    return {"input": call.usage.input_tokens, "output": call.usage.output_tokens, "total": total(call)}


# Langfuse


def _blob(call: LoggedCall) -> Record:
    """An observation of a blob storage export, with text where the others have structure."""
    return {
        **BLANK,
        "id": call.id,
        "trace_id": f"trace-{call.id}",
        "project_id": "proj-1",
        "type": "GENERATION",
        "parent_observation_id": "",
        "start_time": spaced(started(call)),
        "end_time": spaced(ended(call)),
        "name": "generate",
        "metadata": call.metadata,
        "status_message": "",
        "input": _json(bodies.messages(call)),
        "output": _json(bodies.answer(call)),
        "provided_model_name": call.model,
        "model_parameters": _json(call.params),
        "usage_details": _counts(call),
        "cost_details": {"total": dollars(call)},
        "completion_start_time": "",
        "prompt_name": "",
        "total_cost": dollars(call),
        "latency": (call.latency_ms or 0) / 1000,
        "user_id": "",
        "session_id": call.session,
        "trace_name": "desk",
        "tags": list(call.tags),
        "release": "",
        "bookmarked": False,
        "public": False,
    }


def langfuse_blob(calls: Sequence[LoggedCall]) -> Files:
    """Each observation after the span around it, which gives no call."""
    around = {"type": "SPAN", "provided_model_name": "", "model_parameters": "", "usage_details": {}}
    rows = [row for call in calls for row in ({**_blob(call), **around, "id": f"span-{call.id}"}, _blob(call))]
    return {"observations.jsonl": lines(rows)}


def langfuse_blob_table(calls: Sequence[LoggedCall]) -> Files:
    return {"observations.csv": table([_blob(call) for call in calls])}


def _ui(call: LoggedCall) -> Record:
    return {
        **BLANK,
        "id": call.id,
        "traceId": f"trace-{call.id}",
        "type": "GENERATION",
        "startTime": iso(started(call)),
        "endTime": iso(ended(call)),
        "name": "generate",
        "metadata": call.metadata,
        "statusMessage": None,
        "input": bodies.messages(call),
        "output": bodies.answer(call),
        "model": call.model,
        "modelParameters": call.params,
        "usageDetails": _counts(call),
        "costDetails": {"total": dollars(call)},
        "totalCost": dollars(call),
        "latency": (call.latency_ms or 0) / 1000,
        "timeToFirstToken": None,
        "userId": None,
        "sessionId": call.session,
        "traceName": "desk",
        "traceTags": list(call.tags),
    }


def langfuse_page(calls: Sequence[LoggedCall]) -> Files:
    return {"page.json": json.dumps([_ui(call) for call in calls])}


def langfuse_page_table(calls: Sequence[LoggedCall]) -> Files:
    return {"page.csv": table([_ui(call) for call in calls])}


def langfuse_api(calls: Sequence[LoggedCall]) -> Files:
    """Pages of the public API in its older form."""
    pages = []
    for start in range(0, len(calls), 50):
        found = [_of_api(call) for call in calls[start : start + 50]]
        pages.append({"data": found, "meta": {"page": start // 50 + 1, "limit": 50, "totalItems": len(calls)}})
    return {"api.jsonl": lines(pages)}


def _of_api(call: LoggedCall) -> Record:
    own = ("usageDetails", "costDetails", "totalCost", "sessionId", "traceTags", "traceName", "userId")
    row = {name: value for name, value in _ui(call).items() if name not in own}
    usage = {**_counts(call), "unit": "TOKENS"}
    return {**row, "usage": usage, "calculatedTotalCost": dollars(call), "completionStartTime": None}


# LangSmith


def _run(call: LoggedCall) -> Record:
    standard = {
        "ls_provider": call.provider,
        "ls_model_name": call.model,
        "ls_model_type": "chat",
        **{f"ls_{name}": value for name, value in call.params.items() if name in ("temperature", "max_tokens")},
    }
    return {
        "id": call.id,
        "name": "ChatOpenAI",
        "run_type": "llm",
        "start_time": started(call).replace(tzinfo=None).isoformat(),
        "end_time": ended(call).replace(tzinfo=None).isoformat(),
        "status": "success",
        "error": None,
        "extra": {
            "invocation_params": {"model": call.model, **call.params},
            "metadata": {**standard, **call.metadata, "thread_id": call.session},
        },
        "tags": list(call.tags),
        "session_id": "11111111-0000-4000-8000-000000000000",
        "trace_id": call.id,
        "dotted_order": f"{started(call):%Y%m%dT%H%M%S%fZ}{call.id}",
        "parent_run_id": None,
        "prompt_tokens": call.usage.input_tokens,
        "completion_tokens": call.usage.output_tokens,
        "total_tokens": total(call),
        "prompt_token_details": {"cache_read": call.usage.cached_tokens},
        "completion_token_details": {"reasoning": call.usage.reasoning_tokens},
        "total_cost": None if call.cost_usd is None else str(call.cost_usd),
        "feedback_stats": {},
    }


def _constructed(said: Message) -> Record:
    """A message as LangChain serialises it."""
    fields: Record = {"content": said.text, "type": TYPES[said.role]}
    if said.tool_calls:
        fields["tool_calls"] = [
            {"name": each.name, "args": json.loads(each.arguments), "id": each.id, "type": "tool_call"}
            for each in said.tool_calls
        ]
        fields["additional_kwargs"] = {"tool_calls": [bodies.tool_call(each) for each in said.tool_calls]}
    if said.tool_call_id is not None:
        fields["tool_call_id"] = said.tool_call_id
    path = ["langchain", "schema", "messages", CLASSES[said.role]]
    return {"lc": 1, "type": "constructor", "id": path, "kwargs": fields}


def _langchain(call: LoggedCall) -> Record:
    found = bodies.answer_of(call)
    said = _constructed(Message(role="assistant", tool_calls=found.tool_calls))
    said["kwargs"] |= {
        "content": found.text or "",
        "response_metadata": {"finish_reason": call.finish_reason, "model_name": call.model},
        "usage_metadata": {
            "input_tokens": call.usage.input_tokens,
            "output_tokens": call.usage.output_tokens,
            "total_tokens": total(call),
        },
    }
    told = {"finish_reason": call.finish_reason}
    generation = {"text": found.text or "", "generation_info": told, "type": "ChatGeneration", "message": said}
    return {
        **_run(call),
        "inputs": {"messages": [[_constructed(each) for each in call.messages]]},
        "outputs": {
            "generations": [[generation]],
            "llm_output": {"model_name": call.model},
            "run": None,
            "type": "LLMResult",
        },
    }


def langsmith_langchain(calls: Sequence[LoggedCall]) -> Files:
    """Each run after the chain around it, which repeats its tokens and gives no call."""
    around = {"run_type": "chain", "name": "pipeline", "inputs": {"mail": "x"}, "outputs": {"reply": "y"}}
    rows = [
        run for call in calls for run in ({**_langchain(call), **around, "id": f"chain-{call.id}"}, _langchain(call))
    ]
    return {"runs.jsonl": lines(rows)}


def langsmith_wrapped(calls: Sequence[LoggedCall]) -> Files:
    """Runs of a wrapped OpenAI client: its own requests and responses."""
    runs = (
        {**_run(call), "inputs": bodies.chat_request(call), "outputs": bodies.chat_response(call)} for call in calls
    )
    return {"runs.jsonl": lines(runs)}


def langsmith_bulk(calls: Sequence[LoggedCall]) -> Files:
    """Rows of a bulk export, JSON in columns of text."""
    texts = ("inputs", "outputs", "extra", "feedback_stats")
    rows = (
        {name: _json(value) if name in texts else value for name, value in _langchain(call).items()} for call in calls
    )
    return {"bulk.jsonl": lines(rows)}


# Braintrust


def braintrust(calls: Sequence[LoggedCall]) -> Files:
    """The answer of the API, in which each row comes after an older version of itself."""
    rows = []
    for number, call in enumerate(calls):
        row = _row(call)
        older = {**row, "output": None, "metrics": {"start": started(call).timestamp()}}
        rows += [{**older, "_xact_id": str(10**15 + 2 * number)}, {**row, "_xact_id": str(10**15 + 2 * number + 1)}]
    return {"events.json": json.dumps({"events": rows, "cursor": "c"})}


def _row(call: LoggedCall) -> Record:
    return {
        "id": call.id,
        "span_id": f"sp-{call.id}",
        "root_span_id": f"sp-{call.id}",
        "span_parents": None,
        "is_root": True,
        "created": iso(started(call)),
        "project_id": "pr",
        "log_id": "g",
        "input": bodies.messages(call),
        "output": [bodies.choice(call)],
        "expected": None,
        "error": None,
        "scores": {},
        "metadata": {
            "model": call.model,
            "provider": call.provider,
            **call.params,
            **call.metadata,
            "session_id": call.session,
        },
        "tags": list(call.tags),
        "metrics": {
            "start": started(call).timestamp(),
            "end": ended(call).timestamp(),
            "prompt_tokens": call.usage.input_tokens,
            "completion_tokens": call.usage.output_tokens,
            "tokens": total(call),
            "prompt_cached_tokens": call.usage.cached_tokens,
            "completion_reasoning_tokens": call.usage.reasoning_tokens,
            "estimated_cost": dollars(call),
        },
        "span_attributes": {"name": "Chat Completion", "type": "llm"},
    }
