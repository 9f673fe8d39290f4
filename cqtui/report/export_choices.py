"""What an export takes from the run that it exports: the gateway, and the models for segments. Pure."""

from __future__ import annotations

from cqtui.engine.facts import SEGMENT_KEYS
from cqtui.errors import BadInputError
from cqtui.report.export import SegmentRoute, Target, entry_of
from cqtui.results import Recommendation
from cqtui.settings import HOSTED_BASE_URL, Settings


def used_target(result: Recommendation, settings: Settings) -> Target:
    """The gateway that a run was made through: hosted or not, by the settings, else by what answered."""
    gateway = settings.gateway
    hosted = gateway.hosted
    if hosted is None:
        hosted = result.endpoint.startswith(HOSTED_BASE_URL) or (
            gateway.base_url is None and not result.endpoint.startswith("http")
        )
    return "hosted" if hosted else "open-source"


def routes_of(result: Recommendation) -> tuple[SegmentRoute, ...]:
    """The run's assignment of models to segments, without those that stay where they are.

    Raises:
        BadInputError: The run offers none, or no one piece of metadata tells the segments apart.
    """
    plan = result.routing
    if plan is None or not plan.offered:
        raise BadInputError(f"Run {result.run_id} offers no routing per segment.", "Leave out --segments.")
    if plan.key is None:
        raise BadInputError(
            "The segments come from system prompts, by which no gateway routes.",
            f"Log one of these as metadata of each call: {', '.join(SEGMENT_KEYS)}.",
        )
    entries = {evidence.candidate.id: entry_of(evidence.candidate) for evidence in result.evidence}
    return tuple(
        SegmentRoute(route.segment, plan.key, entries[route.model_id])
        for route in plan.routes
        if route.model_id in entries
    )
