"""Reads what a Portkey gateway's guardrail hooks say of a call (portkey.md, section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from cqtui.models import GuardrailCheck, GuardrailOutcome

_HOOKS: tuple[tuple[str, Literal["input", "output"]], ...] = (
    ("before_request_hooks", "input"),
    ("after_request_hooks", "output"),
)


def read_hooks(body: object, status: int) -> GuardrailOutcome | None:
    """The outcome of all hooks in an answer's body, or None where there were none.

    A check with an error was not evaluated, whatever its verdict says: the gateway lets such calls pass.
    """
    results = body.get("hook_results") if isinstance(body, Mapping) else None
    if not isinstance(results, Mapping):
        return None
    checks: list[GuardrailCheck] = []
    latency = 0.0
    for key, where in _HOOKS:
        for hook in _mappings(results.get(key)):
            took = hook.get("execution_time")
            latency += float(took) if isinstance(took, int | float) and not isinstance(took, bool) else 0.0
            checks += [_check(check, where) for check in _mappings(hook.get("checks"))]
    return GuardrailOutcome(status=status, checks=tuple(checks), latency_ms=latency) if checks else None


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _check(check: Mapping[str, Any], where: Literal["input", "output"]) -> GuardrailCheck:
    error = check.get("error")
    if error:
        message = error.get("message") if isinstance(error, Mapping) else error
        words = " ".join(str(message or error).split())[:200]
        return GuardrailCheck(hook=where, id=str(check.get("id") or "unknown"), verdict=None, error=words)
    verdict = check.get("verdict")
    known = verdict if isinstance(verdict, bool) else None
    return GuardrailCheck(hook=where, id=str(check.get("id") or "unknown"), verdict=known)
