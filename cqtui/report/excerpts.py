"""The worst pairs of a stored run, with their texts as they were kept: redacted, unless redaction was off."""

from __future__ import annotations

import sqlite3

from cqtui.checks.conversation import render_completion
from cqtui.models import Completion
from cqtui.report.comment import Excerpt
from cqtui.results import Recommendation
from cqtui.store.samples import load_sample, sample_rows

SHOWN = 3


def worst_excerpts(connection: sqlite3.Connection, result: Recommendation) -> tuple[Excerpt, ...]:
    """The three pairs of the recommended (else closest) candidate that lost most; fewer where no text was kept."""
    about = result.recommended or result.closest
    if about is None:
        return ()
    rows = [
        (row.pair.candidate_score - row.pair.baseline_score, row)
        for row in sample_rows(connection, result.run_id, about.candidate.id)
        if row.pair.candidate_score is not None and row.pair.baseline_score is not None
    ]
    found = []
    for difference, row in sorted(rows, key=lambda each: (each[0], each[1].position))[:SHOWN]:
        kept = load_sample(connection, result.run_id, row.model_id, row.record_id)
        if difference >= 0 or kept is None or kept.prompt is None or kept.sample.answer is None:
            continue
        found.append(
            Excerpt(
                model=about.candidate.short_name,
                prompt=kept.prompt,
                logged=render_completion(kept.sample.logged or Completion()),
                replayed=render_completion(kept.sample.answer),
                baseline_score=row.pair.baseline_score or 0.0,
                candidate_score=row.pair.candidate_score or 0.0,
            )
        )
    return tuple(found)
