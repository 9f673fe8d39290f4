"""Results of promptfoo: a file of an evaluation, or one result a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.base import Importer
from cqtui.importers.params import known_params
from cqtui.importers.raw import NoCall, RawCall
from cqtui.importers.reasons import CACHED, EVALUATION, failed
from cqtui.importers.tools import hosted_tool

# The kinds of call that stand between provider and model in a provider's id.
KINDS = frozenset(
    {"chat", "completion", "completions", "messages", "responses", "text-generation", "converse", "deployment"}
)
NO_MODEL = ("file:", "http:", "https:", "exec:", "python:", "package:", "ws:", "wss:", "golang:", "ruby:")
ERROR = 2
YAML_MESSAGES = re.compile(r"-\s+(role|content)\s*:")
LONGEST_LABEL = 80


class PromptfooImporter(Importer):
    """Reads evaluations of all versions."""

    name = "promptfoo"
    fields = frozenset({"evalId", "results", "promptIdx", "testIdx", "provider", "response", "vars", "latencyMs"})

    def sniff(self, record: Mapping[str, Any]) -> float:
        """Sure with an evaluation's list of results, or with one result's prompt, provider and place in it."""
        if _inner(record) is not None:
            return 1.0
        prompt = record.get("prompt")
        if not isinstance(prompt, dict) or "raw" not in prompt or "provider" not in record:
            return 0.0
        return 0.95 if any(name in record for name in ("promptIdx", "gradingResult", "vars", "latencyMs")) else 0.0

    def unfold(self, record: Mapping[str, Any]) -> Iterator[Any] | None:
        """The results of an evaluation, each with its time; of its table where it has no list of them."""
        inner = _inner(record)
        return None if inner is None else _results(record, inner)

    def read(self, record: Mapping[str, Any]) -> RawCall | NoCall:
        """The call of one result. A result that failed its assertions is a call; one that failed to answer is none."""
        get = record.get
        response = base.mapping(get("response"))
        output = response.get("output")
        reason = base.count(get("failureReason"), "failureReason", [])
        # Of a result that failed its assertions, ``error`` says which.
        failure = response.get("error") or (get("error") if reason == ERROR or output is None else None)
        if failure or reason == ERROR:
            return NoCall(failed(failure))
        prompt = base.mapping(get("prompt"))
        params = known_params(prompt.get("config"))
        if (hosted := hosted_tool(params)) is not None:
            return NoCall(hosted)
        warnings = [EVALUATION]
        is_cached = response.get("cached") is True
        if is_cached:
            warnings.append(CACHED)
        provider, model = model_of(get("provider"))
        label = base.text_or_none(prompt.get("label"))
        is_name = label is not None and len(label) <= LONGEST_LABEL and "\n" not in label
        name = label if is_name else base.text_or_none(get("promptId"))
        return RawCall(
            messages=_messages(prompt.get("raw")),
            completion=_answer(output, response.get("isRefusal") is True),
            id=get("id"),
            time=get("timestamp"),
            model=model,
            provider=provider,
            params=params,
            finish_reason=response.get("finishReason"),
            usage=_usage(base.mapping(response.get("tokenUsage")) or base.mapping(get("tokenUsage"))),
            latency_ms=None if is_cached else get("latencyMs"),
            cost_usd=None if is_cached else base.nonzero(response.get("cost", get("cost"))),
            metadata={"vars": base.mapping(get("vars"))} | ({"prompt_name": name} if name else {}),
            score=get("score"),
            warnings=warnings,
        )


def _inner(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The object that holds the list of results: inside the file's, or the whole record; None where there is none."""
    results = base.structured(record.get("results"))
    if isinstance(results, dict) and (isinstance(results.get("results"), list) or _table(results)):
        return results if "evalId" in record or "version" in results or "stats" in results else None
    if isinstance(results, list) and "stats" in record and "version" in record:
        return {**record, "results": results}
    return None


def _table(results: Mapping[str, Any]) -> bool:
    return isinstance(base.mapping(results.get("table")).get("body"), list)


def _results(record: Mapping[str, Any], inner: Mapping[str, Any]) -> Iterator[Any]:
    time = inner.get("timestamp") or record.get("createdAt")
    results = inner.get("results")
    for result in results if isinstance(results, list) and results else _of_table(base.mapping(inner.get("table"))):
        yield {"timestamp": time, **result} if isinstance(result, dict) else result


def _of_table(table: Mapping[str, Any]) -> Iterator[Any]:
    """The cells of a table of version 2 as results."""
    head = base.mapping(table.get("head"))
    prompts, names = head.get("prompts"), head.get("vars")
    body = table.get("body")
    for row in body if isinstance(body, list) else []:
        outputs = row.get("outputs") if isinstance(row, dict) else None
        if not isinstance(outputs, list):
            yield row
            continue
        values = row.get("vars")
        filled = list(zip(names, values, strict=False)) if isinstance(names, list) and isinstance(values, list) else []
        for number, output in enumerate(outputs):
            if not isinstance(output, dict):
                yield output
                continue
            column = prompts[number] if isinstance(prompts, list) and number < len(prompts) else None
            asked = base.mapping(column)
            yield {
                **output,
                "prompt": {"raw": output.get("prompt", asked.get("raw")), "label": asked.get("label")},
                "provider": output.get("provider") or asked.get("provider"),
                "response": {"output": output.get("text"), "tokenUsage": output.get("tokenUsage")},
                "promptIdx": number,
                "vars": {str(name): value for name, value in filled},
            }


def model_of(provider: Any) -> tuple[str | None, str | None]:
    """Provider and model of a provider's id such as ``openai:chat:gpt-4o``; a model's own name may hold colons."""
    given = base.structured(provider)
    text = base.text_or_none(given.get("id") if isinstance(given, dict) else given)
    if text is None or text.startswith(NO_MODEL):
        return None, text
    name, _, rest = text.partition(":")
    kind, _, model = rest.partition(":")
    if kind in KINDS and model:
        rest = model
    return (name, rest) if rest else (None, name)


def _messages(raw: Any) -> Any:
    """The prompt: messages, which may be written as JSON or YAML, or a text."""
    found = base.structured(raw)
    if isinstance(found, str) and YAML_MESSAGES.match(found.lstrip()):
        import yaml

        # The parser in Python takes minutes for a long text or many brackets.
        loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
        try:
            # Aliases can make a small text endless. Every value stays the text it is: "yes" is an answer, no boolean.
            if not any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(found, Loader=loader)):
                found = yaml.load(found, Loader=loader)
        except (yaml.YAMLError, RecursionError):
            found = raw
    if isinstance(found, dict) and isinstance(found.get("messages"), list):
        found = found["messages"]
    if isinstance(found, list) and found and all(_is_message(item) for item in found):
        return found
    return [{"role": "user", "content": raw if isinstance(raw, str) else json.dumps(raw)}] if raw else []


def _is_message(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("role"), str) and ("content" in item or "tool_calls" in item)


def _answer(output: Any, is_refusal: bool) -> dict[str, Any] | None:
    """The answer: a text; an object is tool calls, a message or an answer in JSON that was parsed."""
    if output is None:
        return None
    if isinstance(output, list) and output and all(isinstance(item, dict) and "function" in item for item in output):
        return {"role": "assistant", "content": None, "tool_calls": output}
    if isinstance(output, dict) and (isinstance(output.get("tool_calls"), list) or "function_call" in output):
        return {"role": "assistant", **output}
    text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
    return (
        {"role": "assistant", "content": None, "refusal": text}
        if is_refusal
        else {"role": "assistant", "content": text}
    )


def _usage(logged: Mapping[str, Any]) -> dict[str, Any]:
    """Token counts. ``cached`` there are the tokens of answers from promptfoo's own cache, not the vendor's."""
    details = base.mapping(logged.get("completionDetails"))
    counts = {
        "input_tokens": logged.get("prompt"),
        "output_tokens": logged.get("completion"),
        "cached_tokens": details.get("cacheReadInputTokens"),
        "cache_write_tokens": details.get("cacheCreationInputTokens"),
        "reasoning_tokens": details.get("reasoning"),
    }
    if not counts["input_tokens"] and not counts["output_tokens"]:
        # Nothing was counted: an answer from the cache, or a provider that counts none.
        return {}
    return counts
