"""Small deterministic comparisons between answers: text, JSON, numbers, overlap and tool calls."""

import functools
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from cqtui.models import ToolCall

_NUMBER = re.compile(r"(?<![\w.])[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(r"\w+")
_JSON_FORMATS = frozenset({"json_object", "json_schema"})


def normalise(text: str) -> str:
    """Fold width, case, curly apostrophes, white space and outer punctuation.

    Args:
        text: Any answer.

    Returns:
        The folded text, fit for comparing.
    """
    folded = unicodedata.normalize("NFKC", text).replace("\u2019", "'").casefold()
    return " ".join(folded.split()).strip(" .!?:;,\"'*`")


def normalised_match(left: str, right: str) -> bool:
    """Say whether two answers are equal once normalised.

    Args:
        left: One answer.
        right: The other answer.

    Returns:
        True when they are equal and hold something to compare, or are the same text.
    """
    first, second = normalise(left), normalise(right)
    return left == right or (first != "" and first == second)


def expects_json(params: Mapping[str, Any]) -> bool:
    """Say whether request parameters ask for a JSON answer.

    Args:
        params: Request parameters, `response_format` among them.

    Returns:
        True when the response format is a JSON object or a JSON schema.
    """
    wanted = params.get("response_format")
    kind = wanted.get("type") if isinstance(wanted, Mapping) else wanted
    return isinstance(kind, str) and kind in _JSON_FORMATS


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def is_valid_json(text: str) -> bool:
    """Say whether the whole text is one JSON value by the standard (no NaN or Infinity).

    Args:
        text: The answer, unfenced.

    Returns:
        True when it parses.
    """
    try:
        json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return True


def json_ok(text: str, params: Mapping[str, Any]) -> bool | None:
    """Check JSON validity where the request asked for JSON.

    Args:
        text: The answer.
        params: Request parameters, `response_format` among them.

    Returns:
        None when JSON was not asked for, otherwise whether the answer is valid JSON.
    """
    return is_valid_json(text) if expects_json(params) else None


@functools.lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    from jsonschema import exceptions, validators

    loaded = json.loads(schema)
    kind = validators.validator_for(loaded)
    try:
        kind.check_schema(loaded)
    except exceptions.SchemaError:
        return None
    return kind(loaded)


def _schema_of(params: Mapping[str, Any]) -> Any:
    """The JSON schema that a request demands, or None."""
    wanted = params.get("response_format")
    inner = wanted.get("json_schema") if isinstance(wanted, Mapping) else None
    return inner.get("schema") if isinstance(inner, Mapping) else None


def format_ok(text: str, params: Mapping[str, Any]) -> bool | None:
    """Check an answer against the format that the request demands: JSON, and its schema where there is one.

    Args:
        text: The answer.
        params: Request parameters, `response_format` among them.

    Returns:
        None when no format was demanded, otherwise whether the answer keeps it. A schema that is none itself, or that
        refers to another document, is not checked.
    """
    valid = json_ok(text, params)
    schema = _schema_of(params)
    if not valid or not isinstance(schema, Mapping):
        return valid
    validator = _validator(json.dumps(schema, sort_keys=True))
    try:
        return True if validator is None else bool(validator.is_valid(json.loads(text)))
    except Exception:  # a reference that cannot be resolved, or nesting without end: nothing is known of the answer
        return True


def numbers(text: str) -> tuple[Decimal, ...]:
    """List the numbers in a text, in order.

    Args:
        text: Any answer; thousands separators are commas.

    Returns:
        The numbers as decimals.
    """
    return tuple(Decimal(found.replace(",", "").replace("\u2212", "-")) for found in _NUMBER.findall(text))


def final_number(text: str) -> Decimal | None:
    """Take the last number in a text as its final answer.

    Args:
        text: Any answer.

    Returns:
        The last number, or None when there is none.
    """
    found = numbers(text)
    return found[-1] if found else None


def token_overlap(left: str, right: str) -> float:
    """Measure lexical similarity as the F1 of shared tokens, counted with repeats.

    Args:
        left: One answer.
        right: The other answer.

    Returns:
        A similarity from 0 (nothing shared) to 1 (same tokens); two answers without tokens score 1.
    """
    first = Counter(_WORD.findall(normalise(left)))
    second = Counter(_WORD.findall(normalise(right)))
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 1.0


def _canonical(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments or "{}"), sort_keys=True)
    except (ValueError, RecursionError):
        return arguments.strip()


def canonical_tool_call(call: ToolCall) -> tuple[str, str]:
    """The name and the arguments of a tool call in one spelling: key order and white space do not matter."""
    return call.name, _canonical(call.arguments)


def tool_call_match(left: ToolCall, right: ToolCall) -> bool:
    """Say whether two tool calls have the same name and the same arguments, key order aside.

    Args:
        left: One call.
        right: The other call.

    Returns:
        True when they match; ids are ignored.
    """
    return canonical_tool_call(left) == canonical_tool_call(right)
