"""Embedding similarity by a static model that carries its weights; an extra."""

from __future__ import annotations

import functools
from importlib import resources, util
from typing import Any


@functools.cache
def _model() -> Any | None:
    if util.find_spec("wordllama") is None:
        return None
    from wordllama import WordLlama

    # Without the cache folder and the flag it would download its weights.
    return WordLlama.load(cache_dir=resources.files("wordllama"), disable_download=True)


def embedding_similarity(left: str, right: str) -> float | None:
    """Cosine similarity of two texts, 0..1, or None where wordllama is not installed.

    A high value never makes an answer right: negated and number-changed texts stay similar.
    """
    model = _model()
    if model is None or not left.strip() or not right.strip():
        return None
    return max(0.0, min(1.0, float(model.similarity(left, right))))
