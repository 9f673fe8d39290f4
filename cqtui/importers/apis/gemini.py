"""Gemini's generateContent, whose fields stand in camel case or, from some SDKs, in snake case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cqtui.importers import base
from cqtui.importers.apis import Answered, Asked
from cqtui.importers.apis.usage import vendor_usage
from cqtui.importers.params import params_of
from cqtui.importers.raw import NoCall
from cqtui.importers.reasons import failed, no_answer, not_replayable, run_by_vendor

_PARAMS = {
    "temperature": "temperature",
    "topP": "top_p",
    "topK": "top_k",
    "maxOutputTokens": "max_completion_tokens",
    "stopSequences": "stop",
    "seed": "seed",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
}
_BESIDE = ("systemInstruction", "tools", "toolConfig", "cachedContent")
_MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none"}


def camel(value: Mapping[str, Any]) -> dict[str, Any]:
    """The object with its names in camel case."""
    return {re.sub(r"_([a-z])", lambda found: found[1].upper(), name): item for name, item in value.items()}


def asked(request: Mapping[str, Any]) -> Asked | NoCall:
    """The contents, after the system instruction."""
    given = camel(request)
    if "config" in given:
        # Google's own library takes all but the contents in one object.
        given = _with_config(given, camel(base.mapping(given["config"])))
    if given.get("cachedContent"):
        return NoCall(not_replayable("it uses cached content, which is not in the record"))
    config = camel(base.mapping(given.get("generationConfig")))
    mode = base.mapping(camel(base.mapping(given.get("toolConfig"))).get("functionCallingConfig")).get("mode")
    params = {ours: config[name] for name, ours in _PARAMS.items() if config.get(name) is not None}
    if given.get("tools"):
        params["tools"] = given["tools"]
    if isinstance(mode, str) and mode in _MODES:
        params["tool_choice"] = _MODES[mode]
    if config.get("responseMimeType") == "application/json":
        schema = config.get("responseJsonSchema")
        params["response_format"] = (
            {"type": "json_schema", "schema": schema} if isinstance(schema, dict) else {"type": "json_object"}
        )
    warnings: list[str] = []
    if config.get("responseSchema") is not None:
        warnings.append("response schema left out of the parameters: its words are Gemini's own")
    level = camel(base.mapping(config.get("thinkingConfig"))).get("thinkingLevel")
    if isinstance(level, str):
        params["reasoning_effort"] = level.lower()
    elif config.get("thinkingConfig") is not None:
        warnings.append("thinking without an effort left out of the parameters")
    contents, system = given.get("contents"), given.get("systemInstruction")
    messages = contents if isinstance(contents, list) else [contents]
    if isinstance(system, dict):
        messages = [{**system, "role": "system"}, *messages]
    elif isinstance(system, str):
        messages = [{"role": "system", "content": system}, *messages]
    return Asked(
        messages=[{"role": "user", "content": item} if isinstance(item, str) else item for item in messages],
        model=_model(given.get("model")),
        params=params_of(params, ()),
        provider="google",
        warnings=tuple(warnings),
    )


def answered(response: Mapping[str, Any]) -> Answered | NoCall:
    """The first candidate."""
    given = camel(response)
    candidates = given.get("candidates")
    candidates = candidates if isinstance(candidates, list) else []
    first = candidates[0] if candidates else None
    if not isinstance(first, dict):
        blocked = base.text_or_none(camel(base.mapping(given.get("promptFeedback"))).get("blockReason"))
        return NoCall(failed(f"the prompt was blocked ({blocked})") if blocked else no_answer("no candidates"))
    content = base.mapping(first.get("content"))
    found = [camel(part) for part in base.objects_in(content.get("parts"))]
    if any("executableCode" in part or "codeExecutionResult" in part for part in found):
        return NoCall(run_by_vendor("code execution"))
    reason = base.text_or_none(camel(first).get("finishReason"))
    called = any("functionCall" in part for part in found)
    usage, warnings = vendor_usage(
        camel(base.mapping(given.get("usageMetadata"))), "google", "default", "usageMetadata"
    )
    return Answered(
        completion={"role": "model", "parts": found} if found else {"content": ""},
        id=given.get("responseId"),
        time=given.get("createTime"),
        model=_model(given.get("modelVersion")),
        finish_reason="tool_calls" if called and reason in (None, "STOP") else reason,
        usage=usage,
        provider="google",
        warnings=(*warnings, *([f"{len(candidates)} candidates, the first was kept"] if len(candidates) > 1 else [])),
    )


def _with_config(given: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """The request with what its library's configuration holds where the API takes it."""
    beside = {name: config.pop(name) for name in _BESIDE if name in config}
    return {"generationConfig": config, **beside, **given}


def _model(name: Any) -> Any:
    return name.removeprefix("models/") if isinstance(name, str) else name
