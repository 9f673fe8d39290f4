"""Text that tries to be more than text, and a run that holds it wherever a report shows foreign text."""

from __future__ import annotations

from decimal import Decimal

from cqtui.models import Excluded, ModelEntry
from cqtui.results import (
    CacheTokens,
    CascadePlan,
    Evidence,
    GuardrailReport,
    Interval,
    Recommendation,
    RoutingPlan,
    SameModelSavings,
    SegmentRoute,
)
from tests.results import recommendation

TEXTS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1)) ![seen](http://evil.example/pixel.png)",
    "<http://evil.example> http://evil.example www.evil.example mailto:a@evil.example",
    "ping @octocat and @org/team, cc octocat@evil.example",
    "closes #1, GH-12, org/repo#34, org/repo@5f2a90c1d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9",
    "5f2a90c 5f2a90c1d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9",
    "&#64;octocat &lt;b&gt; &num;12",
    "</details></summary></table> <details>",
    "a | b | c \\| d \\",
    "`code` ``` ~~~ *bold* _it_ ~~gone~~ # heading",
    "\n\n# heading\n\n| a | b |\n|---|---|\n\n```mermaid\n",
    "<!-- cqtui:comment key=default -->",
    "--> <!-- cqtui:comment key=default -->",
    "- item",
    "1. item",
    "+ item",
    "=====",
    "> quote",
    "[^1] [x] [a]: http://evil.example",
    ":white_check_mark: \u2705 verified",
    "$a^2$ $`b`$ \\(c\\)",
    "{{ 7 * 7 }} {% raw %} {# #}",
    '%%{init: {"theme": "dark"}}%% "quoted" ];',
    "\u202eright to left\u202c \x1b[31mred\x1b[0m nul \x00 \ud800 \u2028 end",
    "\U000e0041\U000e0042 \u2066 \ufeff",
    "x" * 5000,
    "@#" * 2000,
)


def hostile_run(text: str, **changes: object) -> Recommendation:
    """A finished run that holds a text in every field that names, explains or counts something."""
    base = recommendation()
    evidence = _evidence(base.evidence[0], text)
    interval = Interval(value=1.0, low=0.5, high=2.0)
    counts = {text: 3}
    guardrails = GuardrailReport(
        name=text,
        model_id=evidence.candidate.id,
        calls=10,
        evaluated=8,
        not_evaluated=1,
        failed=1,
        blocked_input=1,
        blocked_output=1,
        flagged=1,
        wrongly_blocked=1,
        labelled=2,
        missed=1,
        blocked_percent=interval,
        wrongly_blocked_percent=interval,
        deciding=counts,
        errors=counts,
        added_latency_ms=4.0,
        cost_per_call_usd=Decimal("0.002"),
        added_cost_per_call_usd=Decimal("0.001"),
        refused_by=counts,
    )
    routing = RoutingPlan(
        calls=10,
        key=text,
        frontier=(evidence.candidate.id,),
        routes=(
            SegmentRoute(
                segment=text,
                model_id=evidence.candidate.id,
                calls=10,
                share_percent=50.0,
                savings_percent=30.0,
                quality_difference_points=-1.0,
            ),
        ),
        savings_percent=40.0,
        quality_difference_points=-1.0,
        single_savings_percent=30.0,
        single_quality_difference_points=-1.0,
        offered=True,
        cascade=CascadePlan(
            model_id=evidence.candidate.id,
            accepts_at=1.2,
            savings_percent=20.0,
            quality_difference_points=-0.5,
            escalated_percent=interval,
        ),
    )
    same_model = SameModelSavings(
        kind="prompt_caching",
        what=f"{text} caching",
        saving_usd=Decimal("12.5"),
        saving_percent=90.0,
        monthly_usd=Decimal(400),
        calls=10,
        left_out=1,
        cache=CacheTokens(input=100, read=50, written=20, logged_read=0),
        how=text,
        notes=(text,),
    )
    values: dict[str, object] = {
        "current": _entry(base.current, text),
        "evidence": (evidence,),
        "recommended": evidence,
        "runner_up": evidence,
        "closest": evidence,
        "sentence": f"Switching from {text} to {text} reduces cost by 46%.",
        "reason": text,
        "judge": text,
        "endpoint": text,
        "use_case": text,
        "notes": (text,),
        "excluded": (Excluded(model_id=text, reason=text),),
        "guardrails": (guardrails,),
        "guardrail_set": text,
        "routing": routing,
        "same_model": (same_model, same_model.model_copy(update={"kind": "batch", "unknown": text})),
        **changes,
    }
    return base.model_copy(update=values)


def _entry(entry: ModelEntry, text: str) -> ModelEntry:
    return entry.model_copy(update={"id": text, "model": text, "display_name": text})


def _evidence(evidence: Evidence, text: str) -> Evidence:
    gates = [gate.model_copy(update={"asked": text, "found": text, "change": text}) for gate in evidence.gates]
    candidate = evidence.candidate.model_copy(
        update={
            "entry": _entry(evidence.candidate.entry, text),
            "rationale": (text, f"strengths: unknown: {text}"),
            "warnings": (text,),
            "fit_score": 50.0,
        }
    )
    ledger = evidence.ledger.model_copy(update={"failed": {text: 1}, "translated": {text: 2}, "dropped": {text: 3}})
    update = {"candidate": candidate, "gates": tuple(gates), "ledger": ledger, "stopped": text}
    return evidence.model_copy(update=update)
