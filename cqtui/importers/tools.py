"""Tool definitions and choices, brought into OpenAI's shape."""

from __future__ import annotations

from typing import Any

from cqtui.importers import base

SCHEMAS = ("parameters", "inputSchema", "input_schema", "json_schema")


def tools_of(value: Any) -> list[dict[str, Any]]:
    """Tool definitions of any vendor, each an object or JSON text of one, in OpenAI's shape.

    A tool that the vendor runs itself, such as a web search, stays as it is.
    """
    given = base.structured(value)
    found = []
    for item in given if isinstance(given, list) else []:
        tool = base.mapping(item)
        if isinstance(tool.get("function"), dict) or "name" not in tool or tool.get("type", "function") != "function":
            found += [tool] if tool else []
            continue
        schema = next((tool[name] for name in SCHEMAS if tool.get(name) is not None), None)
        function = {"name": tool["name"], "description": tool.get("description"), "parameters": base.structured(schema)}
        found.append(
            {"type": "function", "function": {key: item for key, item in function.items() if item is not None}}
        )
    return found


def tool_choice_of(value: Any) -> Any:
    """A choice of tools (``{"type": "tool", "toolName": ...}`` or the like) in OpenAI's shape, or None."""
    choice = base.structured(value)
    if not isinstance(choice, dict):
        return choice or None
    name = choice.get("toolName", choice.get("name"))
    if choice.get("type") == "tool" and name is not None:
        return {"type": "function", "function": {"name": name}}
    return "required" if choice.get("type") == "any" else choice.get("type")
