"""How a simulated model behaves: rates drawn once from its name and its price."""

from __future__ import annotations

import random
from dataclasses import dataclass

MIN_LATENCY_MS = 60.0
MAX_LATENCY_MS = 250.0
# The quality that a model of each sort loses on average, as a share of the judge's score.
_GOOD_DROP = 0.028
_POOR_DROP = (0.07, 0.2)
# An edited answer loses about this share of its score (measured with scoring.py on mixed traffic).
_EDIT_SEVERITY = 0.36


@dataclass(frozen=True)
class SimulatedModel:
    """What one simulated model does to logged answers. Rates are chances, 0..1.

    Attributes:
        edit_rate: That an answer is damaged at all.
        number_rate: That a number in a damaged answer is changed.
        omission_rate: That a sentence, or JSON value, of a damaged answer is left out.
        json_break_rate: That a JSON answer is cut so that it does not parse.
        refusal_rate: That the model refuses.
        truncation_rate: That the answer stops early, with finish reason "length".
        verbosity: That a prose answer is padded.
        latency_ms: The middle of its latency.
    """

    edit_rate: float
    number_rate: float
    omission_rate: float
    json_break_rate: float
    refusal_rate: float
    truncation_rate: float
    verbosity: float
    latency_ms: float


def simulated_model(name: str, price_position: float, seed: int) -> SimulatedModel:
    """Draw a model's behaviour; the same arguments always give the same model.

    The dearer a model, the likelier it is one of the good ones (a drop of 0-3%); a cheap one may be good all the same,
    or lose 6-20%.

    Args:
        name: The model's wire name.
        price_position: Its price relative to the current model's, 0 (nearly free) to 1 (as dear).
        seed: The run's seed.

    Returns:
        The behaviour.
    """
    position = min(1.0, max(0.0, price_position))
    rng = random.Random(f"{seed}|model|{name}")
    talent, depth = rng.random(), rng.random()
    if talent < 0.4 + 0.6 * position:
        drop = 0.001 + _GOOD_DROP * depth * (1 - position)
    else:
        drop = _POOR_DROP[0] + (_POOR_DROP[1] - _POOR_DROP[0]) * depth * (1 - position)
    latency = MIN_LATENCY_MS + (MAX_LATENCY_MS - MIN_LATENCY_MS) * (0.6 * position + 0.4 * rng.random())
    return SimulatedModel(
        edit_rate=min(0.95, drop * 0.85 / _EDIT_SEVERITY),
        number_rate=rng.uniform(0.35, 0.65),
        omission_rate=rng.uniform(0.3, 0.55),
        json_break_rate=drop * 0.1,
        refusal_rate=drop * 0.05,
        truncation_rate=drop * 0.08,
        verbosity=rng.uniform(0.05, 0.35),
        latency_ms=round(latency, 1),
    )
