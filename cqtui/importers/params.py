"""The parameters of a request, whichever vendor's words they are in, in OpenAI's: what a replay sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers.base import note, structured

_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_FUNCTION = ("name", "description", "parameters", "strict")
_OWN_TOOLS = ("function", "custom")
_BESIDE_TOOLS = frozenset({"tools", "tool_choice", "parallel_tool_calls"})
# The names under which something may stand that is not in OpenAI's shape.
_OTHER_SHAPES = frozenset(
    {"functions", "function_call", "tools", "tool_choice", "stop_sequences", "text", "output_config", "output_format"}
    | {"reasoning", "thinking"}
)


def params_of(request: Mapping[str, Any], leave_out: tuple[str, ...], notes: list[str] | None = None) -> dict[str, Any]:
    """The parameters of a request in OpenAI's names and shapes; other vendors' and legacy ones are brought into them.

    Args:
        request: The request, or its parameters alone.
        leave_out: Names of the request that are no parameters.
        notes: Takes what had to be left out.
    """
    params = {key: value for key, value in request.items() if key not in leave_out} if leave_out else dict(request)
    if _OTHER_SHAPES.isdisjoint(params):
        return params
    functions = params.pop("functions", None)
    if isinstance(functions, list) and "tools" not in params:
        params["tools"] = [{"type": "function", "function": function} for function in functions]
    choice = params.pop("function_call", None)
    if choice is not None and "tool_choice" not in params:
        params["tool_choice"] = choice if isinstance(choice, str) else {"type": "function", "function": choice}
    if isinstance(tools := structured(params.get("tools")), list):
        params["tools"] = [wire for tool in tools for wire in _tools(tool)]
    if isinstance(choice := params.get("tool_choice"), dict):
        if choice.get("disable_parallel_tool_use") is True:
            params["parallel_tool_calls"] = False
        params["tool_choice"] = _tool_choice(choice)
    if "stop_sequences" in params:
        params.setdefault("stop", params.pop("stop_sequences"))
    _formats(params)
    _reasoning(params, [] if notes is None else notes)
    return params


def without_idle_tool_settings(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters without what APIs take beside tools alone, where there are none: an empty list is refused, too."""
    if params.get("tools") or _BESIDE_TOOLS.isdisjoint(params):
        return dict(params)
    return {name: value for name, value in params.items() if name not in _BESIDE_TOOLS}


def hosted_tool(params: Mapping[str, Any]) -> str | None:
    """The first tool of the parameters that the vendor runs itself, such as a web search, or None."""
    if params.get("web_search_options") is not None:
        return "web_search"
    tools = params.get("tools")
    for tool in tools if isinstance(tools, list) else []:
        kind = tool.get("type") if isinstance(tool, dict) else None
        if isinstance(kind, str) and kind not in _OWN_TOOLS:
            return kind[:60]
    return None


def json_schema_format(form: Mapping[str, Any]) -> dict[str, Any]:
    """A response format that has its schema beside its type, with the schema inside as OpenAI's chat takes it."""
    if form.get("type") != "json_schema" or "json_schema" in form:
        return dict(form)
    inner = {key: form[key] for key in ("name", "description", "schema", "strict") if form.get(key) is not None}
    return {"type": "json_schema", "json_schema": {"name": "answer", **inner}}


def _tools(tool: Any) -> list[Any]:
    """A tool as OpenAI's chat takes it; Gemini puts several into one."""
    if not isinstance(tool, dict) or isinstance(tool.get("function"), dict) or isinstance(tool.get("custom"), dict):
        return [tool]
    declared = tool.get("functionDeclarations", tool.get("function_declarations"))
    if isinstance(declared, list):
        return [wire for one in declared for wire in _tools(_declared(one))]
    kind = tool.get("type")
    if "input_schema" in tool and kind in (None, "custom"):
        return [_function({**tool, "parameters": tool["input_schema"]})]
    if kind in (None, "function") and isinstance(tool.get("name"), str):
        return [_function(tool)]
    if kind == "custom":
        return [{"type": "custom", "custom": {key: value for key, value in tool.items() if key != "type"}}]
    if kind is None and len(tool) == 1:
        # Gemini names a tool that it runs itself by its only field.
        return [{"type": str(next(iter(tool))), **tool}]
    return [tool]


def _declared(tool: Any) -> Any:
    if isinstance(tool, dict) and "parametersJsonSchema" in tool:
        return {**tool, "parameters": tool["parametersJsonSchema"]}
    return tool


def _function(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {key: tool[key] for key in _FUNCTION if tool.get(key) is not None}}


def _tool_choice(choice: Mapping[str, Any]) -> Any:
    kind, name = choice.get("type"), choice.get("name")
    if isinstance(kind, str) and kind in _CHOICES:
        return _CHOICES[kind]
    if kind in ("tool", "function") and isinstance(name, str):
        return {"type": "function", "function": {"name": name}}
    if kind == "custom" and isinstance(name, str):
        return {"type": "custom", "custom": {"name": name}}
    if kind == "allowed_tools" and "allowed_tools" not in choice:
        return {"type": kind, "allowed_tools": {key: value for key, value in choice.items() if key != "type"}}
    return dict(choice)


def _formats(params: dict[str, Any]) -> None:
    """The form that the answer must have, from where Responses and Anthropic state it."""
    text, config, old = params.get("text"), params.get("output_config"), params.get("output_format")
    stated: list[Any] = [old]
    if isinstance(text, dict):
        del params["text"]
        stated.append(text.get("format"))
        if text.get("verbosity") is not None:
            params.setdefault("verbosity", text["verbosity"])
    if isinstance(config, dict):
        del params["output_config"]
        stated.append(config.get("format"))
        if isinstance(config.get("effort"), str):
            params.setdefault("reasoning_effort", config["effort"])
    for form in stated:
        if isinstance(form, dict):
            params.pop("output_format", None)
            if form.get("type") != "text":
                params.setdefault("response_format", json_schema_format(form))


def _reasoning(params: dict[str, Any], notes: list[str]) -> None:
    """The effort of reasoning, where the request states one; a budget of tokens is none."""
    reasoning = params.get("reasoning")
    if isinstance(reasoning, dict):
        effort = reasoning.get("effort")
        if isinstance(effort, str):
            params.setdefault("reasoning_effort", effort)
        if isinstance(effort, str) or not any(value for key, value in reasoning.items() if "summary" not in key):
            del params["reasoning"]
    thinking = params.pop("thinking", None)
    if isinstance(thinking, dict) and thinking.get("type") != "disabled" and "reasoning_effort" not in params:
        note(notes, "thinking without an effort left out of the parameters")
