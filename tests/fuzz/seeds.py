"""What mutations start from: the samples of every format, and small ones of the shapes that no sample has."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from cqtui.importers.formats import IMPORTERS
from tests.proxy_logs import as_cells, helicone, payload, portkey, spend
from tests.spans import CURRENT, START, document, log, span
from tests.vendor_bodies import SAID, USER, answer, claude, completion

DATA = Path(__file__).parents[1] / "data" / "logs"
CONTAINERS = "containers"
TARGETS = (*(importer.name for importer in IMPORTERS), CONTAINERS)

Record = Mapping[str, Any]

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
TALK = [
    {"role": "system", "content": "be kind"},
    {
        "role": "user",
        "content": [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "https://x/p"}}],
    },
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "9"},
]


def seeds_of(target: str) -> list[bytes]:
    """The files that a target begins with."""
    if target == CONTAINERS:
        return _containers()
    return [*_samples(target), *_more(target)]


def lines(*records: Any) -> bytes:
    """Records, one a line."""
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def table(*rows: Mapping[str, str], delimiter: str = ",") -> bytes:
    """Rows of the same columns as a table."""
    held = io.StringIO()
    writer = csv.DictWriter(held, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return held.getvalue().encode()


def _samples(target: str) -> list[bytes]:
    """The bundled samples of a format; two files that belong together as one."""
    found = []
    for entry in json.loads((DATA / "manifest.json").read_text())["files"]:
        if entry["format"] == target:
            names = (entry["file"], *([entry["companion"]] if "companion" in entry else []))
            files = [DATA / name for name in names]
            found.append(
                _small_database(files[0]) if files[0].suffix == ".db" else b"".join(file.read_bytes() for file in files)
            )
    return found


def _small_database(file: Path) -> bytes:
    """A database in as few bytes as it takes: no indexes and search tables, small pages."""
    with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(file.read_bytes())
        for kind, condition in (
            ("trigger", "1"),
            ("table", "sql LIKE 'CREATE VIRTUAL%'"),
            ("index", "sql IS NOT NULL"),
        ):
            query = f"SELECT name FROM sqlite_master WHERE type = '{kind}' AND {condition}"
            for (name,) in connection.execute(query).fetchall():
                connection.execute(f'DROP {kind} "{name}"')
        connection.commit()
        connection.execute("PRAGMA page_size = 512")
        connection.execute("VACUUM INTO ?", (f"{folder}/small.db",))
        return Path(folder, "small.db").read_bytes()


def _containers() -> list[bytes]:
    """Logs in every encoding and layout that is read, whatever their formats."""
    records = [{"id": name, "model": "m", "messages": USER, "completion": "yo"} for name in "ab"]
    pair = {"request": {"messages": USER}, "response": completion()}
    plain = lines(*records, pair)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("log.jsonl", plain)
    text = 'prompt,completion\nhi,yo\n"a\nb","c""d"\n'
    return [
        plain,
        gzip.compress(plain),
        archive.getvalue(),
        plain.decode().encode("utf-16"),
        b"\xef\xbb\xbf" + plain,
        plain.rstrip(b"\n")[:-5],
        json.dumps([*records, pair]).encode(),
        json.dumps(records, indent=2).encode(),
        "\n".join(json.dumps(record, indent=2) for record in records).encode(),
        json.dumps({"data": [records, {"items": records}]}).encode(),
        b'{"data": [\n' + b",\n".join(json.dumps(record).encode() for record in records) + b"\n]}\n",
        plain.replace(b"\n", b"\r\n\0\0\0\r\n"),
        text.encode(),
        text.replace(",", "\t").encode("utf-16"),
        b"sep=;\r\n" + text.replace(",", ";").encode("cp1252"),
        b"".join(b"data: " + json.dumps(record).encode() + b"\n\n" for record in records) + b"data: [DONE]\n",
    ]


def _more(target: str) -> Iterable[bytes]:
    """Shapes of a format that its sample does not show."""
    url = "https://x.openai.azure.com/openai/deployments/prod/chat/completions"
    chat = {"model": "gpt-4o", "messages": TALK, "tools": [TOOL], "temperature": 0.2}
    match target:
        case "openai_chat":
            chunks = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in ("he", "y")]
            called = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{"}}
            chunks.append({"choices": [{"index": 0, "delta": {"tool_calls": [called]}}]})
            sse = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n"
            yield lines({"request": chat, "response": sse}, {"request": chat, "response": chunks})
            yield lines({"kwargs": chat, "response": json.dumps(completion())}, completion())
        case "openai_responses":
            yield lines({"request": {"input": "hi", "instructions": "be"}, "response": answer(SAID)}, answer(SAID))
        case "openai_batch":
            body = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": chat}
            yield lines(body, {"custom_id": "a", "response": {"status_code": 200, "body": completion()}, "error": None})
        case "openai_finetune":
            yield lines({"input": {"messages": USER}, "preferred_output": TALK[:1], "non_preferred_output": []})
            yield lines({"prompt": "hi", "completion": "yo"}, {"completion": completion(), "messages": USER})
        case "anthropic_messages":
            events = [{"type": "message_start", "message": claude([], usage={"input_tokens": 3})}]
            events += [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "yo"}}]
            events += [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}]
            asked = {"model": "c", "max_tokens": 9, "system": [{"type": "text", "text": "be"}], "messages": USER}
            yield lines({"request": asked, "response": events})
        case "anthropic_batch":
            asked = {"custom_id": "a", "params": {"model": "c", "max_tokens": 9, "messages": USER}}
            said = {"type": "succeeded", "message": claude([{"type": "text", "text": "yo"}])}
            failed = {"type": "errored", "error": {"type": "error", "error": {"type": "x", "message": "no"}}}
            yield lines(asked, {"custom_id": "a", "result": said}, {"custom_id": "b", "result": failed})
            yield json.dumps({"requests": [asked]}).encode()
        case "gemini":
            asked = {
                "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
                "systemInstruction": {"parts": [{"text": "be"}]},
            }
            asked["generationConfig"] = {"temperature": 0, "responseMimeType": "application/json"}
            asked["tools"] = [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]}]
            parts = [{"text": "yo", "thought": True}, {"text": "yo"}, {"functionCall": {"name": "f", "args": {"x": 1}}}]
            said = {"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]}
            said["usageMetadata"] = {"promptTokenCount": 3, "candidatesTokenCount": 2, "thoughtsTokenCount": 1}
            yield lines({"request": {**asked, "model": "models/gemini-2.5-pro"}, "response": said})
        case "azure_openai":
            filtered = completion(prompt_filter_results=[{"prompt_index": 0, "content_filter_results": {}}])
            row = {
                "backendUrl": url,
                "backendRequestBody": json.dumps(chat),
                "backendResponseBody": json.dumps(filtered),
            }
            row |= {"backendResponseCode": 200, "backendTime": 812}
            yield lines({"request": chat, "response": filtered, "url": url})
            yield lines({"time": "2026-09-10T00:00:00Z", "category": "GatewayLogs", "properties": json.dumps(row)})
        case "langfuse":
            yield from _langfuse()
        case "langsmith":
            human = {"lc": 1, "type": "constructor", "id": ["x", "HumanMessage"], "kwargs": {"content": "hi"}}
            said = {
                "lc": 1,
                "id": ["x", "AIMessage"],
                "kwargs": {"content": "yo", "tool_calls": [{"name": "f", "args": {}}]},
            }
            run = {"id": "r", "run_type": "llm", "session_id": "p", "trace_id": "t", "dotted_order": "1"}
            run |= {"inputs": {"messages": [[human]]}, "outputs": {"generations": [[{"message": said}]]}}
            run |= {"extra": {"metadata": {"ls_model_name": "m"}}, "feedback_stats": {"ok": {"n": 2, "avg": 0.5}}}
            yield lines(run, {**run, "id": "c", "run_type": "chain", "child_runs": [run]})
            yield table(as_cells(run))
        case "braintrust":
            row = {
                "id": "b",
                "root_span_id": "s",
                "span_attributes": {"type": "llm"},
                "metrics": {"start": 1.0, "end": 2.5},
            }
            row |= {"_xact_id": "2", "metadata": {"model": "m"}, "input": USER, "output": "yo", "scores": {"ok": 1}}
            yield json.dumps({"events": [row, {**row, "_xact_id": "1"}]}).encode()
        case "litellm":
            yield lines(payload(), spend())
            yield table(as_cells(spend()), as_cells(spend(request_id="s-2", messages=json.dumps(USER))))
        case "helicone":
            yield table(as_cells(helicone()), as_cells(helicone(request_id="h-2")))
        case "portkey":
            stored = {"url": url, "method": "POST", "headers": {}, "body": chat}
            yield lines(
                portkey(request=stored, response={"status": 200, "body": completion()}),
                portkey(request=json.dumps(chat)),
            )
        case "otel_genai":
            yield from _spans()
        case "vercel_ai":
            own = {
                "ai.operationId": "ai.streamText.doStream",
                "ai.prompt.messages": json.dumps(USER),
                "ai.result.text": "yo",
            }
            own |= {"ai.model.id": "m", "ai.model.provider": "anthropic.messages", "ai.usage.promptTokens": 3}
            own |= {"ai.prompt.tools": [json.dumps({"name": "f", "inputSchema": {}})], "ai.settings.maxTokens": 5}
            parts = [
                {"type": "text", "text": "hi"},
                {"type": "file", "mediaType": "image/png", "url": "https://x/p.png"},
            ]
            tool = {"type": "tool-f", "toolCallId": "c", "state": "output-available", "input": {}, "output": [1]}
            yield lines(document(span(own)), span({**own, "ai.operationId": "ai.streamText"}))
            yield lines(
                {"id": "c", "messages": [{"role": "user", "parts": parts}, {"role": "assistant", "parts": [tool]}]}
            )
        case "vercel_ai_ui":
            said = {"type": "text", "text": "yo"}
            row = {"id": "1", "chatId": "c", "role": "user", "parts": [said], "createdAt": "2026-09-10T00:00:00Z"}
            yield lines(
                row, {**row, "id": "2", "role": "assistant", "parts": json.dumps([{"type": "step-start"}, said])}
            )
            yield json.dumps([{"role": "user", "parts": [said]}, {"role": "assistant", "parts": [said]}]).encode()
        case "promptfoo":
            result = {
                "promptIdx": 0,
                "testIdx": 0,
                "provider": {"id": "openai:chat:gpt-4o"},
                "success": True,
                "score": 1,
            }
            result |= {"prompt": {"raw": "- role: user\n  content: hi", "label": "x"}, "vars": {"a": 1}}
            result |= {"response": {"output": {"x": 1}, "tokenUsage": {"prompt": 3, "completion": 1}}, "latencyMs": 9}
            yield lines(result)
            body = [{"outputs": [{"text": "yo", "pass": True}], "vars": ["x"]}]
            old = {"head": {"prompts": [{"raw": "hi", "provider": "openai:gpt-4"}], "vars": ["q"]}, "body": body}
            yield json.dumps({"version": 2, "results": {"version": 2, "results": [], "table": old}}).encode()
        case "sharegpt":
            turns = [
                {"from": "system", "value": "be"},
                {"from": "human", "value": "hi"},
                {"from": "gpt", "value": "yo"},
            ]
            turns += [
                {"from": "function_call", "value": '{"name": "f", "arguments": {}}'},
                {"from": "observation", "value": "9"},
            ]
            yield lines({"conversations": turns, "tools": json.dumps([TOOL])}, {"items": turns[1:3], "id": 7})
        case "wildchat":
            turns = [{"role": "user", "content": "hi", "toxic": False}, {"role": "assistant", "content": "yo"}]
            row = {"conversation_hash": "h", "model": "gpt-4", "timestamp": "2026-09-10T00:00:10+00:00"}
            yield lines({**row, "conversation": turns, "redacted": True, "hashed_ip": "ip", "language": "English"})
        case "csv":
            row = {"Prompt": "hi", "Response": "yo", "Latency": "1.5", "Cost": "$0.1", "Messages": json.dumps(TALK)}
            yield table(row, {**row, "Prompt": "a\nb"}, delimiter=";")
        case "native":
            yield lines(
                {"messages": TALK, "completion": {"content": None, "tool_calls": [CALL]}, "feedback": {"score": 3}}
            )


def _langfuse() -> Iterable[bytes]:
    """Its blob export, its pages' export as JSON and as a table, its API with older names, and traces with scores."""
    row = {"id": "o", "type": "GENERATION", "input": TALK, "output": {"role": "assistant", "content": "yo"}}
    times = {"startTime": "2026-09-10T01:50:00.000Z", "endTime": "2026-09-10T01:50:00.910Z"}
    page = {**row, **times, "traceId": "t", "model": "m", "modelParameters": {"temperature": 0}, "accuracy": [0.5, 1]}
    usage = {"input": 3, "output": 2, "total": 5, "unit": "TOKENS"}
    api = {
        **row,
        **times,
        "traceId": "t",
        "model": "m",
        "usage": usage,
        "calculatedTotalCost": 0.1,
        "modelParameters": None,
    }
    blob = {**row, "trace_id": "t", "provided_model_name": "m", "start_time": "2026-09-10 01:50:00.000000"}
    blob |= {"input": json.dumps(TALK), "model_parameters": '{"temperature": 0}', "latency": 0.9, "end_time": ""}
    blob |= {"usage_details": '{"input": 3, "input_cached_tokens": 9, "output": 2, "total": 14}', "tags": '["a"]'}
    score = {"id": "s", "trace_id": "t", "observation_id": "o", "name": "ok", "value": 0.5, "data_type": "NUMERIC"}
    trace = {"id": "t", "userId": "u", "sessionId": "s", "tags": ["a"], "observations": [page], "bookmarked": False}
    word = {**score, "data_type": "CATEGORICAL", "string_value": "good"}
    yield lines(score, blob, page)
    yield json.dumps({"data": [api], "meta": {"page": 1}}).encode()
    yield json.dumps({**trace, "public": False, "scores": [score, word]}).encode()
    yield table(as_cells({name: value for name, value in page.items() if value is not None}))


def _spans() -> Iterable[bytes]:
    """Content in current attributes, in events, in log records, and under the indexed names of other conventions."""
    older = {"gen_ai.system": "openai", "gen_ai.request.model": "m", "gen_ai.usage.prompt_tokens": 7}
    body = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": "yo", "tool_calls": [CALL]},
    }
    events = [("gen_ai.user.message", {"content": "hi"}), ("gen_ai.choice", body)]
    listed = [
        {"name": name, "timeUnixNano": START, "attributes": {"gen_ai.event.content": json.dumps(held)}}
        for name, held in events
    ]
    indexed: dict[str, Any] = {
        "llm.request.type": "chat",
        "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": "hi",
    }
    indexed |= {"gen_ai.completion.0.content": "yo", "gen_ai.completion.0.tool_calls.0.name": "f"}
    inference: dict[str, Any] = {"openinference.span.kind": "LLM", "llm.model_name": "m", "llm.token_count.prompt": 30}
    inference |= {"llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "hi"}
    inference |= {"llm.output_messages.0.message.contents.0.message_content.text": "yo"}
    inference["llm.invocation_parameters"] = json.dumps({"temperature": 0})
    yield lines(document(span(CURRENT), span({**older, **indexed}, spanId="s2"), span(inference, spanId="s3")))
    yield lines(document(span(older), logs=tuple(log(name, held) for name, held in events)))
    yield lines(span(older, events=listed), {**span({}), "attributes": {**older, **indexed}})
