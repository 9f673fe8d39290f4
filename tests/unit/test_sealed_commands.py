"""What the commands do with a sealed store."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import click.testing
import pytest

from cqtui.cli.main import cqtui
from cqtui.engine.analysis import analyze_async
from cqtui.engine.sealing import known_seals
from cqtui.store import cache
from cqtui.store.database import connect
from cqtui.store.purge import purge
from cqtui.store.seals import Seals
from tests.fakes import ScriptedClient, write_log
from tests.sealed import (
    CALLS,
    GOOD,
    OTHER,
    SECRET,
    answer,
    change,
    doubts_in,
    edit_judgements,
    insert_labels,
    run,
    settings,
    shown,
)


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTKEY_API_KEY", SECRET)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "cqtui.db"


async def test_a_purge_seals_anew_what_was_sealed_and_nothing_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest, _ = await run(path)
    change(path, edit_judgements)
    done = purge(path, seals=known_seals())
    assert done.cached_judgements
    # The forged judgements had no valid seal, and got none.
    assert done.unsealed == done.cached_judgements
    attacked, _ = await run(path)
    assert shown(attacked) == shown(honest)


async def test_after_a_purge_the_sealed_store_still_calls_nothing(path: Path) -> None:
    await run(path)
    done = purge(path, seals=known_seals())
    assert done.cached_judgements
    assert done.unsealed == 0
    with closing(connect(path)) as connection:
        found = connection.execute("SELECT cache_key FROM cache WHERE cache_key LIKE 'evaluation:%'").fetchall()
        assert found
        for (key,) in found:
            assert cache.find(connection, key, seals=Seals(SECRET)) is not None
    second, again = await run(path)
    assert (again, doubts_in(second)) == ([], [])


async def test_the_purge_command_says_what_is_no_longer_sealed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await run(path)
    monkeypatch.setenv("CQTUI_DATABASE", str(path))
    monkeypatch.delenv("PORTKEY_API_KEY")
    done = click.testing.CliRunner().invoke(cqtui, ["purge", "--yes"])
    assert done.exit_code == 0
    with closing(connect(path)) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM cache WHERE cache_key LIKE 'evaluation:%'")
        ((unsealed,),) = connection.execute("SELECT count(*) FROM cache WHERE seal IS NULL")
    assert count == unsealed > 0
    assert f"{count} sealed records lost their seal" in done.output


def write_project() -> None:
    write_log(Path("log.jsonl"), len(CALLS))
    Path("cqtui.toml").write_text("[store]\nsealed = true\n", encoding="utf-8")


async def test_labels_of_the_command_count_in_a_sealed_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CQTUI_DATABASE", str(path))
    await run(path)
    write_project()
    change(path, insert_labels)  # they neither count nor keep anybody from being asked
    asked = click.testing.CliRunner().invoke(
        cqtui, ["label", "--model", GOOD, "--log", "log.jsonl", "--count", "5"], input="=" * 5
    )
    assert asked.exit_code == 0, asked.output
    assert "5 of 5: the request" in asked.output
    said = click.testing.CliRunner().invoke(cqtui, ["label", "--model", GOOD, "--json"])
    assert json.loads(said.output)["labelled"] == 5
    change(path, lambda c: c.execute("DELETE FROM labels WHERE label = 'better'"))
    result, _ = await run(path)
    check = next(e.labels for e in result.evidence if e.candidate.id == GOOD)
    assert check is not None
    assert check.labelled == 5
    assert doubts_in(result) == []
    monkeypatch.delenv("PORTKEY_API_KEY")
    refused = click.testing.CliRunner().invoke(cqtui, ["label", "--json"])
    assert "needs a secret" in str(refused.exception)


def test_optimize_without_a_secret_is_refused_where_it_would_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORTKEY_API_KEY")
    write_project()

    def optimize(*options: str) -> click.testing.Result:
        return click.testing.CliRunner().invoke(cqtui, ["optimize", "log.jsonl", "--as-of", "2026-11-25", *options])

    assert "needs a secret" in str(optimize("--yes").exception)
    assert optimize("--dry-run").exit_code == 0
    rehearse = ("--provider", "rehearsal", "--n-top", "1", "--display", "none", "--json")
    first, second = (json.loads(optimize(*rehearse).stdout) for _ in range(2))
    assert not any("sealed" in note for note in first["notes"])
    assert any("kept records were not sealed by this key" in note for note in second["notes"])
    assert first["grade"] == second["grade"]


async def test_analyze_seals_and_believes_alike(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = ScriptedClient(answer)

    @contextlib.asynccontextmanager
    async def scripted(_: object) -> AsyncIterator[ScriptedClient]:
        yield client

    monkeypatch.setattr("cqtui.engine.analysis.open_client", scripted)
    asked = []
    for secret in (SECRET, SECRET, OTHER):
        monkeypatch.setenv("PORTKEY_API_KEY", secret)
        await analyze_async("How much?", settings(current_model="openai/gpt-5.6-terra"), database=path)
        asked.append(sum(request.purpose != "ping" for request in client.requests))
        client.requests.clear()
    assert asked[0] == asked[2] > 0
    assert asked[1] == 0
