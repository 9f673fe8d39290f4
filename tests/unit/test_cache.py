"""The four rules of invalidation, counts, and forgetting by choice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cqtui.models import ModelEntry, Price, PriceChange
from cqtui.settings import Constraints
from cqtui.store import cache
from cqtui.store.database import connect
from cqtui.store.versions import versions_now
from tests.fakes import model_entry

NOW = datetime(2026, 11, 25, tzinfo=UTC)
LUNA = model_entry("openai/luna", "1", "2")
TERRA = model_entry("openai/terra", "3", "4")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened = connect(tmp_path / "cqtui.db")
    yield opened
    opened.close()


def versions(
    *entries: ModelEntry,
    slugs: dict[str, str] | None = None,
    constraints: Constraints | None = None,
    rubric: str = "pointwise-1",
    as_of: date = date(2026, 11, 25),
    profile: str = "default",
) -> dict[str, str]:
    return versions_now(
        entries or (LUNA, TERRA),
        slugs=slugs or {},
        constraints=constraints or Constraints(),
        rubric=rubric,
        as_of=as_of,
        profile=profile,
    )


def fill(connection: sqlite3.Connection) -> None:
    """An entry of each sort, depending on what holds at first."""
    first = {**versions(), **versions(profile="team")}

    def keep(key: str, *components: str) -> None:
        source = {component: first[component] for component in components}
        cache.set_value(connection, key, {"text": key}, source_versions=source, now=NOW)

    keep("model_output:luna", "model:openai/luna")
    keep("model_output:terra", "model:openai/terra")
    keep("evaluation:by-terra", "model:openai/terra", "rubric")
    keep("pair:luna", "model:openai/luna", "model:openai/terra", "rubric")
    keep("recommendation:default", "prices", "constraints:default")
    keep("recommendation:team", "prices", "constraints:team")
    keep("adjustment:luna")


def left(connection: sqlite3.Connection) -> set[str]:
    return {key for (key,) in connection.execute("SELECT cache_key FROM cache")}


def gone_after(connection: sqlite3.Connection, now: dict[str, str]) -> set[str]:
    fill(connection)
    before = left(connection)
    counts = cache.apply_versions(connection, now)
    gone = before - left(connection)
    assert sum(counts.values()) == len(gone)
    assert cache.apply_versions(connection, now) == {}
    return gone


def test_what_holds_on_forgets_nothing(connection: sqlite3.Connection) -> None:
    assert gone_after(connection, versions()) == set()


def test_a_new_snapshot_forgets_what_its_model_answered_and_no_other(connection: sqlite3.Connection) -> None:
    changed = LUNA.model_copy(update={"version": "2026-11-01"})
    assert gone_after(connection, versions(changed, TERRA)) == {"model_output:luna", "pair:luna"}


def test_a_new_slug_forgets_what_its_model_answered(connection: sqlite3.Connection) -> None:
    gone = {"model_output:terra", "evaluation:by-terra", "pair:luna"}
    assert gone_after(connection, versions(slugs={"openai/terra": "@our-azure"})) == gone


def test_a_team_s_own_slug_that_says_the_same_changes_nothing(connection: sqlite3.Connection) -> None:
    assert gone_after(connection, versions(slugs={"openai": "openai"})) == set()


def test_a_price_forgets_recommendations_alone(connection: sqlite3.Connection) -> None:
    dearer = LUNA.model_copy(update={"price": Price(input=Decimal("1.1"), output=Decimal(2))})
    assert gone_after(connection, versions(dearer, TERRA)) == {"recommendation:default", "recommendation:team"}


def test_an_announced_price_counts_from_its_day_on(connection: sqlite3.Connection) -> None:
    change = PriceChange(effective=date(2026, 12, 1), input=Decimal(2), output=Decimal(3))
    later = LUNA.model_copy(update={"price_changes": (change,)})
    dates = [date(2026, 11, 25), date(2026, 11, 30), date(2026, 12, 1)]
    before, eve, day = (versions(later, TERRA, as_of=each)["prices"] for each in dates)
    assert before == eve != day


def test_a_rubric_forgets_evaluations(connection: sqlite3.Connection) -> None:
    assert gone_after(connection, versions(rubric="pointwise-2")) == {"evaluation:by-terra", "pair:luna"}


def test_constraints_forget_their_own_profile_s_recommendations(connection: sqlite3.Connection) -> None:
    strict = Constraints(max_latency_ms=900)
    assert gone_after(connection, versions(constraints=strict)) == {"recommendation:default"}
    assert gone_after(connection, versions(constraints=strict, profile="team")) == {"recommendation:team"}


def test_a_model_that_the_registry_does_not_have_is_left_alone(connection: sqlite3.Connection) -> None:
    assert gone_after(connection, versions(model_entry("acme/other", "1", "2"))) == {
        "recommendation:default",  # the prices are others
        "recommendation:team",
    }


def test_stats_count_entries_hits_bytes_and_what_is_expired(connection: sqlite3.Connection) -> None:
    cache.set_value(connection, "model_output:1", "ü", ttl_s=60, now=NOW)
    cache.set_value(connection, "model_output:2", "abc", ttl_s=3600, now=NOW)
    cache.set_value(connection, "evaluation:1", 1, ttl_s=60, now=NOW)
    for _ in range(3):
        cache.count_hit(connection, "model_output:2")
    found = {kind.kind: kind for kind in cache.stats(connection, now=NOW + timedelta(seconds=60))}
    outputs = found["model_output"]
    assert (outputs.entries, outputs.hits, outputs.size_bytes, outputs.expired) == (2, 3, len('"ü""abc"'.encode()), 1)
    assert (found["evaluation"].entries, found["evaluation"].expired) == (1, 1)
    assert list(found) == ["evaluation", "model_output"]


def test_forgetting_meets_every_condition(connection: sqlite3.Connection) -> None:
    fill(connection)
    late = NOW + timedelta(hours=2)
    assert cache.forget(connection, kinds=["model_output"], components=["model:openai/luna"]) == {"model_output": 1}
    assert left(connection) >= {"model_output:terra", "pair:luna"}
    assert cache.forget(connection, components=["model:openai/luna"], expired=True, now=NOW) == {}
    assert cache.forget(connection, components=["model:openai/luna"], expired=True, now=late) == {"pair": 1}
    assert cache.components(connection) == {
        "model:openai/terra",
        "rubric",
        "prices",
        "constraints:default",
        "constraints:team",
    }
    everything = cache.forget(connection)
    assert everything == {"model_output": 1, "evaluation": 1, "recommendation": 2, "adjustment": 1}
    assert left(connection) == set()


def test_the_search_for_outdated_entries_reads_no_values(connection: sqlite3.Connection) -> None:
    plan = connection.execute("EXPLAIN QUERY PLAN SELECT DISTINCT source_versions_json FROM cache").fetchall()
    assert "COVERING INDEX cache_by_source" in plan[0][3]
