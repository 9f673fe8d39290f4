"""Tool definitions and choices of any vendor, in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cqtui.importers.base import structured
from cqtui.importers.reasons import run_by_vendor

_CHOICES = {"auto": "auto", "any": "required", "required": "required", "none": "none"}
_SCHEMAS = ("parameters", "parametersJsonSchema", "inputSchema", "input_schema", "json_schema")
_OWN = ("function", "custom")
# Types under which the AI SDK lists a tool that the vendor runs, beside its name.
_PROVIDERS = ("provider", "provider-defined")


def tools_of(value: Any) -> list[Any]:
    """Definitions of tools, each an object or JSON text of one; what is neither is left out.

    A tool that the vendor runs itself, such as a web search, stays as it is: ``hosted_tool`` finds it.
    """
    given = structured(value)
    return [wire for item in given for wire in _tools(structured(item))] if isinstance(given, list) else []


def tool_choice_of(value: Any) -> Any:
    """A choice of tools, an object or JSON text of one or a word; None where none is stated."""
    choice = structured(value)
    if isinstance(choice, str):
        return _CHOICES.get(choice, choice) or None
    if not isinstance(choice, dict):
        return None
    kind, name = choice.get("type"), choice.get("name", choice.get("toolName"))
    if isinstance(kind, str) and kind in _CHOICES:
        return _CHOICES[kind]
    if kind in ("tool", "function") and isinstance(name, str):
        return {"type": "function", "function": {"name": name}}
    if kind == "custom" and isinstance(name, str):
        return {"type": "custom", "custom": {"name": name}}
    if kind == "allowed_tools" and "allowed_tools" not in choice:
        return {"type": kind, "allowed_tools": {key: item for key, item in choice.items() if key != "type"}}
    return dict(choice) or None


def hosted_tool(params: Mapping[str, Any]) -> str | None:
    """Why a request with these parameters cannot be sent again: a tool that the vendor runs itself; or None."""
    if params.get("web_search_options") is not None:
        return run_by_vendor("web_search")
    tools = params.get("tools")
    for tool in tools if isinstance(tools, list) else []:
        kind = tool.get("type") if isinstance(tool, dict) else None
        if isinstance(kind, str) and kind not in _OWN:
            name = tool.get("name")
            return run_by_vendor(name if kind in _PROVIDERS and isinstance(name, str) else kind)
    return None


def _tools(tool: Any) -> list[Any]:
    """A tool as OpenAI's chat takes it; Gemini puts several into one."""
    if not isinstance(tool, dict) or not tool:
        return []
    if isinstance(tool.get("function"), dict) or isinstance(tool.get("custom"), dict):
        return [tool]
    declared = tool.get("functionDeclarations", tool.get("function_declarations"))
    if isinstance(declared, list):
        return tools_of(declared)
    kind = tool.get("type")
    if kind == "custom" and "input_schema" not in tool:
        return [{"type": "custom", "custom": {key: item for key, item in tool.items() if key != "type"}}]
    if kind in (None, *_OWN) and isinstance(tool.get("name"), str):
        return [{"type": "function", "function": _function(tool)}]
    if kind is None and len(tool) == 1:
        # Gemini names a tool that it runs itself by its only field.
        return [{"type": str(next(iter(tool))), **tool}]
    return [tool]


def _function(tool: Mapping[str, Any]) -> dict[str, Any]:
    schema = next((tool[name] for name in _SCHEMAS if tool.get(name) is not None), None)
    function = {
        "name": tool["name"],
        "description": tool.get("description"),
        "parameters": structured(schema),
        "strict": tool.get("strict"),
    }
    return {key: item for key, item in function.items() if item is not None}
