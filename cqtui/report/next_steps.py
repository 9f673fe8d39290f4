"""What to do next, after a look at a plan and after a run, with the commands as they can be typed. Pure."""

from __future__ import annotations

from cqtui.engine.gates import about
from cqtui.engine.plan import Plan
from cqtui.redaction.redactor import without_keys
from cqtui.report.plan_words import FEWEST_CALLS
from cqtui.results import Recommendation

WHOLE = ("completed", "stopped_early")  # how a run ends that was not cut short


def steps_after_plan(plan: Plan, *, has_key: bool, rehearsal: str, real: str) -> list[str]:
    """What to do after a look at the plan.

    Args:
        plan: What was shown.
        has_key: Whether the gateway's key is set.
        rehearsal: The command with simulated models.
        real: The command itself.
    """
    if not plan.top:
        return [f"Next, to have the reasons written down (calls nothing): {real}"]
    if plan.settings.provider == "portkey":
        return [
            f"Next, with simulated models, free: {rehearsal}",
            f"Next, the real run: {real}",
            f"The real run {_needs(plan, has_key)}.",
        ]
    return [f"Next: {real}"]


def steps_after_run(result: Recommendation, plan: Plan, *, has_key: bool, real: str) -> list[str]:
    """What to do after a run; empty where nothing is left to do.

    Args:
        result: What it found.
        plan: What was run.
        has_key: Whether the gateway's key is set.
        real: The command, with real models.
    """
    steps = [] if result.grade in ("verified", "keep") or not plan.top else _more_calls(result, plan)
    provider = plan.settings.provider
    if provider == "rehearsal":
        return [
            *steps,
            f"Next, the real run (simulated answers prove nothing): {real}",
            f"It {_needs(plan, has_key)}. cqtui health checks key, gateway and models first; --provider local "
            "tries real answers on this machine.",
        ]
    if provider == "portkey" and result.recommended is not None and result.stage in WHOLE:
        return [*steps, "Next, 5% of the calls to it: cqtui export --format portkey-config --output canary.json"]
    return steps


def _more_calls(result: Recommendation, plan: Plan) -> list[str]:
    """How many more calls a verified answer would take, and where they would come from."""
    used, name = len(plan.calls), plan.current.short_name
    missing = result.more_samples or max(0, FEWEST_CALLS - used)
    if not missing or result.stage not in WHOLE:
        return []
    if used < plan.settings.thresholds.max_samples:
        have = f"All {used:,} calls" if used > 1 else "The only call"
        return [
            f"{have} of {name} that can be compared {'were' if used > 1 else 'was'} used: log {about(missing)} more "
            "with their answers, then run this again; what was paid for is kept."
        ]
    return [f"The run was limited to {used:,} calls: --max-samples {used + missing} adds {about(missing)}."]


def _needs(plan: Plan, has_key: bool) -> str:
    if plan.settings.gateway.base_url:
        return f"asks before it spends anything, through {without_keys(plan.settings.gateway.base_url)}"
    if has_key:
        return "asks before it spends anything"
    return "needs PORTKEY_API_KEY, or --base-url for a gateway of your own, and asks before it spends anything"
