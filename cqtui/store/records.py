"""The original's tables of prompts, completions, evaluations, recommendations and model conflicts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cqtui.models import Conflict
from cqtui.results import Pair
from cqtui.store.text import answer_figures, prompt_mark


def _now() -> str:
    return datetime.now(UTC).isoformat()


def keep_prompts(
    connection: sqlite3.Connection, prompts: Mapping[str, str], use_case: str, *, keep_text: bool = True
) -> None:
    """Keep the prompts of a run by record id, or their hashes alone."""
    now = _now()
    connection.executemany(
        "INSERT INTO prompts VALUES (?, ?, ?, ?) ON CONFLICT (prompt_id) DO UPDATE SET content = excluded.content",
        [(name, text if keep_text else prompt_mark(text), use_case, now) for name, text in prompts.items()],
    )


def keep_completion(
    connection: sqlite3.Connection, prompt_id: str, model_id: str, value: Mapping[str, Any], *, keep_text: bool = True
) -> None:
    """Keep what a model answered, or its figures alone."""
    kept = value if keep_text else answer_figures(value)
    connection.execute(
        "INSERT INTO completions (prompt_id, model_name, completion_json, created_at)"
        " SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM prompts WHERE prompt_id = ?)",
        (prompt_id, model_id, json.dumps(kept, ensure_ascii=False), _now(), prompt_id),
    )


def keep_evaluations(connection: sqlite3.Connection, model_id: str, judge: str, pairs: Sequence[Pair]) -> None:
    """Keep the scores of a candidate's pairs, 0..100."""
    now = _now()
    connection.executemany(
        "INSERT INTO quality_evaluations (prompt_id, model_name, evaluation_json, created_at) VALUES (?, ?, ?, ?)",
        [
            (
                pair.record_id,
                model_id,
                json.dumps(
                    {
                        "judge": judge,
                        "current": pair.baseline_score,
                        "candidate": pair.candidate_score,
                        "answer_digest": pair.answer_digest,
                    }
                ),
                now,
            )
            for pair in pairs
            if pair.candidate_score is not None
        ],
    )


def keep_recommendation(
    connection: sqlite3.Connection,
    *,
    current_model: str,
    recommended_model: str,
    cost_reduction_percent: float,
    quality_impact_percent: float,
    use_case: str,
) -> None:
    """Keep a recommendation; percent, the impact signed (negative is worse)."""
    loss = max(0.0, -quality_impact_percent)
    connection.execute(
        "INSERT INTO recommendations (current_model, recommended_model, cost_reduction_percent,"
        " quality_impact_percent, avg_quality_loss, cost_quality_ratio, use_case, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            current_model,
            recommended_model,
            cost_reduction_percent,
            quality_impact_percent,
            loss,
            cost_reduction_percent / loss if loss else None,
            use_case,
            _now(),
        ),
    )


def keep_conflicts(connection: sqlite3.Connection, conflicts: Sequence[Conflict]) -> None:
    """Keep the registry's contradictions, each once while it is unresolved."""
    for conflict in conflicts:
        values = (conflict.model_id, conflict.kind, json.dumps(conflict.details))
        known = connection.execute(
            "SELECT 1 FROM model_conflicts WHERE model_id = ? AND conflict_type = ? AND details_json = ?"
            " AND resolved = 0",
            values,
        ).fetchone()
        if known is None:
            connection.execute(
                "INSERT INTO model_conflicts (model_id, conflict_type, details_json, created_at) VALUES (?, ?, ?, ?)",
                (*values, _now()),
            )
