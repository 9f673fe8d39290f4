"""Conversations, evaluations and tables: promptfoo, ShareGPT, WildChat, the AI SDK's stored chats, CSV and TSV."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cqtui.models import LoggedCall, ToolCall
from tests.exporters import bodies
from tests.exporters.files import Files, Record, dollars, iso, lines, started, table, total

SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt", "tool": "tool"}


def promptfoo(calls: Sequence[LoggedCall]) -> Files:
    """The file of an evaluation."""
    results = {
        "version": 3,
        "timestamp": iso(started(calls[-1])),
        "prompts": [],
        "results": [_result(call, number) for number, call in enumerate(calls)],
        "stats": {"successes": len(calls), "failures": 0, "errors": 0},
    }
    file = {"evalId": "eval-Abc", "results": results, "config": {"description": "desk"}, "shareableUrl": None}
    return {"results.json": json.dumps(file, indent=1)}


def promptfoo_lines(calls: Sequence[LoggedCall]) -> Files:
    return {"results.jsonl": lines(_result(call, number) for number, call in enumerate(calls))}


def _result(call: LoggedCall, number: int) -> Record:
    found = bodies.answer_of(call)
    usage = {"total": total(call), "prompt": call.usage.input_tokens, "completion": call.usage.output_tokens}
    output = [bodies.tool_call(each) for each in found.tool_calls] or found.text
    return {
        "id": call.id,
        "promptIdx": 0,
        "testIdx": number,
        "promptId": "h1",
        "provider": {"id": f"openai:chat:{call.model}", "label": ""},
        "prompt": {"raw": json.dumps(bodies.messages(call)), "label": "desk", "config": call.params},
        "vars": call.metadata,
        "testCase": {"vars": call.metadata, "assert": []},
        "response": {
            "output": output,
            "tokenUsage": usage,
            "cached": False,
            "cost": dollars(call),
            "finishReason": call.finish_reason,
        },
        "success": True,
        "failureReason": 0,
        "score": 1.0,
        "latencyMs": call.latency_ms,
        "gradingResult": None,
        "namedScores": {},
        "cost": dollars(call),
        "tokenUsage": {**usage, "cached": 0, "numRequests": 1},
    }


def sharegpt(calls: Sequence[LoggedCall]) -> Files:
    records = []
    for call in calls:
        turns = []
        for said in (*bodies.messages(call), bodies.answer(call)):
            turns += _turns(said)
        tools = {"tools": json.dumps(call.params["tools"])} if "tools" in call.params else {}
        records.append({"id": call.id, "conversations": turns, **tools})
    return {"sharegpt.json": json.dumps(records, indent=1)}


def _turns(said: Record) -> list[Record]:
    """A message as turns: its text, and each of its function calls as JSON in a turn of its own."""
    found = [] if said["content"] is None else [{"from": SPEAKERS[said["role"]], "value": said["content"]}]
    for each in said.get("tool_calls", ()):
        function = each["function"]
        called = {"name": function["name"], "arguments": json.loads(function["arguments"])}
        found.append({"from": "function_call", "value": json.dumps(called)})
    return found


def wildchat(calls: Sequence[LoggedCall]) -> Files:
    """WildChat's records, of texts alone: a function call is written out in the turn of the assistant."""
    return {"wildchat.jsonl": lines(_wildchat(call) for call in calls)}


def _wildchat(call: LoggedCall) -> Record:
    about = {"language": "English", "toxic": False, "redacted": False}
    turns = [
        {
            "role": said["role"],
            "content": _written(said),
            **about,
            "turn_identifier": number,
            "timestamp": iso(started(call)) if said["role"] == "assistant" else None,
        }
        for number, said in enumerate((*bodies.messages(call), bodies.answer(call)))
    ]
    own = {"conversation_hash": call.id, "model": call.model, "timestamp": iso(started(call))}
    return {**own, "conversation": turns, "turn": len(turns) // 2, **about, "hashed_ip": "h", "country": "Norway"}


def _written(said: Record) -> str:
    calls = [json.dumps(each["function"]) for each in said.get("tool_calls", ())]
    return "\n".join([*([said["content"]] if said["content"] else []), *calls])


# Chats as applications store them


def _bubbles(call: LoggedCall) -> list[Record]:
    """The messages of the chat's surface: the answer of a tool stands in the bubble that called it."""
    results = {said.tool_call_id: said.text for said in call.messages if said.role == "tool"}
    found = bodies.answer_of(call)
    turns = [(s.role, s.text if s.parts else None, s.tool_calls) for s in call.messages if s.role != "tool"]
    bubbles: list[Record] = []
    for role, text, calls in [*turns, ("assistant", found.text, found.tool_calls)]:
        if not (bubbles and bubbles[-1]["role"] == role == "assistant"):
            bubbles.append({"id": f"{call.id}-{len(bubbles)}", "role": role, "parts": []})
        parts = bubbles[-1]["parts"]
        parts += [{"type": "step-start"}] if role == "assistant" else []
        parts += [] if text is None else [{"type": "text", "text": text}]
        parts += [_used(each, results) for each in calls]
    return bubbles


def _used(call: ToolCall, results: dict[str | None, str]) -> Record:
    own = {"type": f"tool-{call.name}", "toolCallId": call.id, "input": json.loads(call.arguments)}
    if call.id not in results:
        return {**own, "state": "input-available"}
    return {**own, "state": "output-available", "output": json.loads(results[call.id])}


def stored_chats(calls: Sequence[LoggedCall]) -> Files:
    """A record a chat; one for each call, since the last answer of a chat is the call."""
    records = (
        {"id": call.id, "createdAt": iso(started(call)), "model": call.model, "messages": _bubbles(call)}
        for call in calls
    )
    return {"chats.jsonl": lines(records)}


def stored_messages(calls: Sequence[LoggedCall]) -> Files:
    """A row a message, as an application's table of messages has them."""
    rows = [
        {**bubble, "chatId": call.id, "createdAt": iso(started(call))} for call in calls for bubble in _bubbles(call)
    ]
    return {"messages.jsonl": lines(rows)}


# Tables


def _columns(call: LoggedCall) -> Record:
    """A row of texts: an answer by tools leaves its cell empty."""
    return {
        "id": call.id,
        "timestamp": iso(started(call)),
        "model": call.model,
        "messages": bodies.messages(call),
        "completion": bodies.answer_of(call).text,
        "prompt_tokens": call.usage.input_tokens,
        "completion_tokens": call.usage.output_tokens,
        "latency_ms": call.latency_ms,
        "cost": None if call.cost_usd is None else f"${call.cost_usd}",
        "session_id": call.session,
        **call.metadata,
    }


def csv_table(calls: Sequence[LoggedCall]) -> Files:
    return {"calls.csv": table([_columns(call) for call in calls])}


def tsv_table(calls: Sequence[LoggedCall]) -> Files:
    """Tab between the cells, in UTF-16, as spreadsheets save "Unicode text"."""
    return {"calls.txt": table([_columns(call) for call in calls], "\t").encode("utf-16")}


def plain_table(calls: Sequence[LoggedCall]) -> Files:
    """Prompts and answers alone; what came before in a conversation stands above its last question."""
    rows = []
    for call in calls:
        system, rest = bodies.system_and_rest(call)
        prompt = rest[0].text if len(rest) == 1 else [bodies.message(said) for said in rest]
        rows.append({"System": system, "Prompt": prompt, "Answer": bodies.answer_of(call).text})
    return {"plain.csv": table(rows, ";")}
