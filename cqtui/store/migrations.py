"""Named, ordered migrations. Never edit one that has shipped; add another."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

MIGRATIONS: tuple[tuple[str, str], ...] = (
    (
        "0001_original_tables",
        """
        CREATE TABLE users (
            user_id TEXT PRIMARY KEY,
            current_model TEXT NOT NULL,
            use_case TEXT DEFAULT 'general',
            constraints_json TEXT,
            avg_input_tokens INTEGER DEFAULT 500,
            avg_output_tokens INTEGER DEFAULT 200,
            monthly_request_volume INTEGER DEFAULT 10000,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL
        );
        CREATE TABLE conversations (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            user_id TEXT NOT NULL REFERENCES users(user_id),
            conversation_hash TEXT NOT NULL,
            messages_json TEXT NOT NULL,
            created_at TEXT NOT NULL,
            UNIQUE (user_id, conversation_hash)
        );
        CREATE TABLE prompts (
            prompt_id TEXT PRIMARY KEY,
            content TEXT NOT NULL,
            use_case TEXT,
            created_at TEXT NOT NULL
        );
        CREATE TABLE completions (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            prompt_id TEXT NOT NULL REFERENCES prompts(prompt_id),
            model_name TEXT NOT NULL,
            completion_json TEXT NOT NULL,
            created_at TEXT NOT NULL
        );
        CREATE TABLE quality_evaluations (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            prompt_id TEXT NOT NULL REFERENCES prompts(prompt_id),
            model_name TEXT NOT NULL,
            evaluation_json TEXT NOT NULL,
            created_at TEXT NOT NULL
        );
        CREATE TABLE recommendations (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            current_model TEXT NOT NULL,
            recommended_model TEXT NOT NULL,
            cost_reduction_percent REAL,
            quality_impact_percent REAL,
            avg_quality_loss REAL,
            cost_quality_ratio REAL,
            use_case TEXT,
            created_at TEXT NOT NULL
        );
        CREATE TABLE cache (
            cache_key TEXT PRIMARY KEY,
            value_json TEXT NOT NULL,
            created_at TEXT NOT NULL,
            expires_at TEXT NOT NULL,
            version TEXT NOT NULL,
            source_versions_json TEXT,
            hit_count INTEGER DEFAULT 0
        );
        CREATE TABLE model_conflicts (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            model_id TEXT NOT NULL,
            conflict_type TEXT NOT NULL,
            details_json TEXT,
            resolved INTEGER DEFAULT 0,
            created_at TEXT NOT NULL
        );
        """,
    ),
    (
        "0002_runs",
        """
        CREATE TABLE runs (
            run_id TEXT PRIMARY KEY,
            plan_hash TEXT NOT NULL,
            provider TEXT NOT NULL,
            started_at TEXT NOT NULL,
            finished_at TEXT,
            result_json TEXT
        );
        CREATE INDEX runs_by_plan ON runs (plan_hash, finished_at);
        CREATE TABLE events (
            run_id TEXT NOT NULL REFERENCES runs(run_id),
            seq INTEGER NOT NULL,
            kind TEXT NOT NULL,
            event_json TEXT NOT NULL
        );
        CREATE INDEX events_by_run ON events (run_id);
        CREATE TABLE attempts (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            run_id TEXT NOT NULL REFERENCES runs(run_id),
            cache_key TEXT NOT NULL,
            purpose TEXT NOT NULL,
            model_id TEXT NOT NULL,
            record_id TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('sent', 'received', 'failed')),
            reserved_usd TEXT NOT NULL,
            cost_usd TEXT,
            failure_kind TEXT,
            sent_at TEXT NOT NULL,
            received_at TEXT
        );
        CREATE INDEX attempts_by_run ON attempts (run_id);
        """,
    ),
    # Finds what depends on an outdated version without reading the answers.
    ("0003_cache_by_source", "CREATE INDEX cache_by_source ON cache (source_versions_json)"),
    (
        "0004_batch_calls",
        """
        CREATE TABLE batch_calls (
            cache_key TEXT PRIMARY KEY,
            job_id TEXT NOT NULL,
            submitted_at TEXT NOT NULL
        )
        """,
    ),
    (
        "0005_labels",
        """
        CREATE TABLE labels (
            record_id TEXT NOT NULL,
            model_id TEXT NOT NULL,
            answer_digest TEXT NOT NULL,
            label TEXT NOT NULL CHECK (label IN ('better', 'same', 'worse')),
            labelled_at TEXT NOT NULL,
            PRIMARY KEY (record_id, model_id, answer_digest)
        )
        """,
    ),
    # The texts come last: a list of figures is read without them.
    (
        "0006_samples",
        """
        CREATE TABLE samples (
            run_id TEXT NOT NULL REFERENCES runs(run_id),
            model_id TEXT NOT NULL,
            record_id TEXT NOT NULL,
            position INTEGER NOT NULL,
            answer_digest TEXT,
            created_at TEXT NOT NULL,
            figures_json TEXT NOT NULL,
            texts_json TEXT NOT NULL,
            PRIMARY KEY (run_id, model_id, record_id)
        );
        CREATE INDEX samples_by_record ON samples (record_id, model_id)
        """,
    ),
    # NULL is not sealed: see store/seals.py.
    (
        "0007_seals",
        """
        ALTER TABLE cache ADD COLUMN seal TEXT;
        ALTER TABLE labels ADD COLUMN seal TEXT;
        ALTER TABLE batch_calls ADD COLUMN seal TEXT
        """,
    ),
)


def migrate(connection: sqlite3.Connection) -> list[str]:
    """Bring a database up to date; returns the names of the migrations that ran.

    Each migration and its entry in the list of those done are one transaction, so a crash leaves whole ones only.
    """
    connection.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL)")
    done = {name for (name,) in connection.execute("SELECT name FROM migrations")}
    ran = []
    for name, script in MIGRATIONS:
        if name in done:
            continue
        connection.execute("BEGIN IMMEDIATE")
        try:
            if connection.execute("SELECT 1 FROM migrations WHERE name = ?", (name,)).fetchone() is None:
                for statement in script.split(";"):
                    if statement.strip():
                        connection.execute(statement)
                now = datetime.now(UTC).isoformat()
                connection.execute("INSERT INTO migrations VALUES (?, ?)", (name, now))
                ran.append(name)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    return ran
