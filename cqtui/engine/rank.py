"""Layer 2: how well each candidate fits the use case, of 100, before money is spent."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cqtui.errors import BadInputError
from cqtui.models import Candidate
from cqtui.registry.loader import Registry

MEDIUM_LATENCY_MS = 3000


def strengths_points(required: Sequence[str], has: Collection[str] | None, known: Collection[str]) -> tuple[float, str]:
    """0..40: the share of the required strengths that a model has; one that no source speaks of counts half."""
    if not required:
        return 20.0, "strengths 20/40: the use case asks for none in particular"
    found, lacks, unknown = [], [], []
    for strength in required:
        if has is not None and strength in has:
            found.append(strength)
        elif has is not None and strength in known:
            lacks.append(strength)
        else:
            unknown.append(strength)
    points = 40 * (len(found) + 0.5 * len(unknown)) / len(required)
    words = [
        f"{word} {', '.join(names)}"
        for word, names in (("has", found), ("lacks", lacks), ("unknown:", unknown))
        if names
    ]
    return points, f"strengths {points:.0f}/40: {'; '.join(words)}"


def latency_points(tier: str, max_latency_ms: int | None) -> tuple[float, str]:
    """0..20: fast 20; medium 15 where the limit is 3 s or more (or none is set), else 5; slow 0; unknown 10."""
    relaxed = max_latency_ms is None or max_latency_ms >= MEDIUM_LATENCY_MS
    points = {"fast": 20.0, "medium": 15.0 if relaxed else 5.0, "slow": 0.0}.get(tier, 10.0)
    return points, f"latency {points:.0f}/20: {tier}"


def reliability_points(tier: str) -> tuple[float, str]:
    """0..20: high 20, medium 10, low 0; unknown 10."""
    points = {"high": 20.0, "medium": 10.0, "low": 0.0}.get(tier, 10.0)
    return points, f"reliability {points:.0f}/20: {tier}"


def cost_points(saving_percent: float, *, at_most: bool = False) -> tuple[float, str]:
    """0..20: a fifth of the expected saving in percent, or of the most that it could be."""
    points = max(0.0, min(20.0, saving_percent / 5))
    change = f"{abs(saving_percent):,.0f}% {'dearer' if round(saving_percent) < 0 else 'cheaper'}"
    return points, f"cost {points:.0f}/20: {'at most' if at_most else 'about'} {change} for the same tokens"


def rank(
    candidates: Sequence[Candidate], registry: Registry, use_case: str, max_latency_ms: int | None
) -> tuple[Candidate, ...]:
    """Score candidates for a use case; best first, ties to the cheaper.

    Raises:
        BadInputError: The use case is unknown.
    """
    required = registry.use_cases.get(use_case)
    if required is None:
        known = ", ".join(sorted(registry.use_cases))
        raise BadInputError(f'Unknown use case "{use_case}".', f"Known: {known}.")
    scored = []
    for candidate in candidates:
        parts = (
            strengths_points(required, candidate.entry.strengths, registry.known_strengths),
            latency_points(candidate.entry.latency_tier, max_latency_ms),
            reliability_points(candidate.entry.reliability_tier),
            cost_points(candidate.expected_saving_percent, at_most=candidate.saving_is_bound),
        )
        scored.append(
            candidate.model_copy(
                update={
                    "fit_score": sum(points for points, _ in parts),
                    "rationale": tuple(words for _, words in parts),
                }
            )
        )
    return tuple(sorted(scored, key=lambda c: (-(c.fit_score or 0), c.cost_per_call_usd, c.id)))
