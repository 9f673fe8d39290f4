"""What a health check finds, and whom it asks."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cqtui.cli.health import health_response
from cqtui.engine.health import LEAST_FREE_BYTES, Health, check_health, check_key
from cqtui.engine.optimize import optimize_async, plan_for
from cqtui.engine.survey import Survey, most_usd, survey_of, survey_without_log
from cqtui.errors import AccessRefusedError, BadInputError
from cqtui.gateway.protocol import ChatRequest
from cqtui.models import Failure, FailureKind, Replay
from cqtui.registry.loader import load_registry
from cqtui.settings import Settings
from cqtui.store import runs
from cqtui.store.database import Database
from tests.fakes import ScriptedClient, answered, good_model, logged_call
from tests.integration.upstream import Upstream

AS_OF = date(2026, 11, 25)
CANDIDATES = ("openai/gpt-5.4-mini", "openai/gpt-5.6-luna")
JUDGE = "anthropic/claude-haiku-4-5"
KEY = "pk-very-secret"


def settings(**changes: object) -> Settings:
    return Settings.model_validate({"as_of": AS_OF, "candidates": CANDIDATES, **changes})


def survey(**changes: object) -> Survey:
    return survey_of(plan_for(settings(**changes), [logged_call(n) for n in range(6)]))


@pytest.fixture
async def gateway(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Something that answers where the gateway should be; the models are asked through a scripted client."""
    monkeypatch.setenv("PORTKEY_API_KEY", KEY)
    async with Upstream() as upstream:
        yield upstream


async def health_of(
    gateway: Upstream,
    answer: Callable[[ChatRequest], Replay | Failure] = lambda request: answered(request, "pong", output_tokens=1),
    *,
    database: Path = Path("h.db"),
    spend: bool = True,
    **changes: object,
) -> tuple[Health, ScriptedClient]:
    client = ScriptedClient(answer)
    given: dict[str, Any] = {"base_url": gateway.base_url, "hosted": True}
    found = await check_health(survey(gateway=given, **changes), database, spend=spend, client=client)
    return found, client


async def test_every_candidate_and_the_judge_are_asked_for_one_token(gateway: Upstream) -> None:
    found, client = await health_of(gateway)
    assert found.status == "healthy"
    assert {request.model_id for request in client.requests} == {*CANDIDATES, JUDGE}
    for request in client.requests:
        assert request.messages == ({"role": "user", "content": "ping"},)
        name = "max_completion_tokens" if request.model_id in CANDIDATES else "max_tokens"
        assert request.params == {name: 1}
        assert request.purpose == "ping"
    assert [(model.role, model.state) for model in found.models] == [("candidate", "ok")] * 2 + [("judge", "ok")]
    assert {check.name: check.state for check in found.checks} == dict.fromkeys(
        ("key", "gateway", "models", "database", "cache", "disk"), "ok"
    )


async def test_the_json_has_the_original_s_keys_first_and_never_the_key(gateway: Upstream) -> None:
    found, _ = await health_of(gateway)
    response = health_response(found)
    assert list(response)[:4] == ["status", "uptime_seconds", "components", "last_successful_optimization"]
    assert list(response["components"])[:3] == ["database", "portkey", "cache"]
    assert response["status"] == "healthy"
    assert [response["components"][name] for name in ("database", "portkey", "cache")] == ["ok"] * 3
    assert 0 < response["uptime_seconds"] < 30
    # 100 tokens in and 1 out of gpt-5.4-mini, gpt-5.6-luna and claude-haiku-4-5
    dollars = 100 * (0.75 + 0.2 + 1.0) + (4.5 + 1.2 + 5.0)
    assert response["spent_usd"] == pytest.approx(dollars / 1e6)
    assert KEY not in str(response)
    assert KEY not in found.model_dump_json()


async def test_without_consent_no_model_is_asked_and_that_is_said(gateway: Upstream) -> None:
    found, client = await health_of(gateway, spend=False)
    assert client.requests == []
    models = next(check for check in found.checks if check.name == "models")
    assert (models.state, found.status) == ("skipped", "healthy")
    assert "--yes" in models.found
    assert health_response(found)["components"]["portkey"] == "ok"


FINDINGS: list[tuple[FailureKind, int | None, str, str, str]] = [
    ("refused_credentials", 401, "bad key", "failed", "PORTKEY_API_KEY"),
    ("quota_exhausted", 429, "insufficient_quota", "failed", "credit"),
    ("bad_request", 404, "no such model", "failed", "@openai"),
    ("bad_request", 400, "Could not finish: max_tokens or model output limit was reached", "ok", ""),
    ("no_choices", 200, "the answer has no choices", "ok", ""),
    ("rate_limited", 429, "slow down", "ok", ""),
    ("timeout", None, "no answer within 30 s", "failed", "--base-url"),
    ("connection", None, "cannot reach it", "failed", "--base-url"),
    ("server_error", 500, "oops", "failed", "--candidates"),
    ("served_by_other", 200, "asked for a, served by b", "failed", "routing"),
    ("cached_by_gateway", 200, "from its cache", "failed", "caching"),
    ("not_json", 200, "the answer is not a JSON object", "failed", "OpenAI-compatible"),
]


@pytest.mark.parametrize(("kind", "status", "message", "state", "todo"), FINDINGS)
async def test_what_a_model_s_failure_means(
    gateway: Upstream, kind: FailureKind, status: int | None, message: str, state: str, todo: str
) -> None:
    def answer(request: ChatRequest) -> Replay | Failure:
        if request.model_id == CANDIDATES[0]:
            return Failure(kind=kind, message=message, status=status)
        return answered(request, "pong")

    found, _ = await health_of(gateway, answer)
    first = next(model for model in found.models if model.model_id == CANDIDATES[0])
    assert first.state == state
    assert todo in first.todo
    assert bool(first.todo) == (state == "failed")
    # The other candidate and the judge answer: a run would work, with less.
    assert found.status == ("healthy" if state == "ok" else "degraded")
    assert found.access_refused == (state == "failed")


async def test_no_judge_or_no_candidate_at_all_is_unhealthy(gateway: Upstream) -> None:
    def without(*models: str) -> Callable[[ChatRequest], Replay | Failure]:
        return lambda request: (
            Failure(kind="bad_request", message="no", status=404)
            if request.model_id in models
            else answered(request, "pong")
        )

    assert (await health_of(gateway, without(JUDGE)))[0].status == "unhealthy"
    assert (await health_of(gateway, without(*CANDIDATES)))[0].status == "unhealthy"
    assert (await health_of(gateway, without(CANDIDATES[0])))[0].status == "degraded"


async def test_a_client_that_raises_is_a_finding(gateway: Upstream) -> None:
    def refuse(_: ChatRequest) -> Replay:
        raise AccessRefusedError("The key is unknown.", "Set another.")

    found, _ = await health_of(gateway, refuse)
    assert {model.state for model in found.models} == {"failed"}
    assert "The key is unknown." in found.models[0].found


async def test_a_missing_key_asks_nobody(tmp_path: Path) -> None:
    gateway = {"base_url": "http://127.0.0.1:9/v1", "hosted": True}
    found = await check_health(survey(gateway=gateway), tmp_path / "h.db", spend=True)
    states = {check.name: check.state for check in found.checks}
    assert (states["key"], states["gateway"], states["models"]) == ("failed", "failed", "skipped")
    assert found.checks[0].found == "PORTKEY_API_KEY is not set."
    assert (found.status, found.access_refused) == ("unhealthy", True)


@pytest.mark.parametrize("key", ["pk secret\n", '"pk\u200b"', " pk"])
def test_a_key_with_white_space_is_named_and_not_shown(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTKEY_API_KEY", key)
    check = check_key(survey())
    assert check.state == "failed"
    assert check.found == "PORTKEY_API_KEY holds white space or control characters."


def test_a_server_of_one_s_own_has_the_providers_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    own = survey(gateway={"base_url": "http://127.0.0.1:9/v1"})
    check = check_key(own)
    assert (check.state, check.found.split(":")[0]) == ("skipped", "ANTHROPIC_API_KEY, OPENAI_API_KEY")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-1")
    assert check_key(own).found.startswith("OPENAI_API_KEY: not set")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-2")
    assert (check_key(own).state, check_key(own).found) == ("ok", "Set: ANTHROPIC_API_KEY, OPENAI_API_KEY.")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-2\n")
    assert check_key(own).state == "failed"


async def test_a_database_that_is_none_is_the_database_s_fault(gateway: Upstream, tmp_path: Path) -> None:
    path = tmp_path / "cqtui.db"
    path.write_text("hello, this is text and no database at all" * 50)
    found, client = await health_of(gateway, database=path)
    states = {check.name: check.state for check in found.checks}
    assert (states["database"], states["cache"], states["models"]) == ("failed", "skipped", "ok")
    assert (found.status, found.access_refused) == ("unhealthy", False)
    assert len(client.requests) == 3
    assert health_response(found)["components"]["cache"] == "skipped"


async def test_a_database_that_another_program_writes_to(
    gateway: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cqtui.db"
    Database(path).close()
    monkeypatch.setattr("cqtui.store.database.BUSY_TIMEOUT_S", 0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    found, _ = await health_of(gateway, database=path)
    holder.close()
    database = next(check for check in found.checks if check.name == "database")
    assert database.state == "failed"
    assert "another program holds the database" in database.found


async def test_looking_leaves_nothing_behind(gateway: Upstream, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "cqtui.db"
    found, _ = await health_of(gateway, database=path)
    assert found.state_of("database") == "ok"
    assert os.listdir(tmp_path) == []
    Database(tmp_path / "there.db").close()
    await health_of(gateway, database=tmp_path / "there.db")
    with Database(tmp_path / "there.db") as store:
        assert store.run(lambda c: c.execute("SELECT count(*) FROM cache").fetchone()) == (0,)


async def test_a_place_that_cannot_be_written(gateway: Upstream, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found, _ = await health_of(gateway, database=tmp_path / "file" / "cqtui.db")
    database = next(check for check in found.checks if check.name == "database")
    assert (database.state, found.status) == ("failed", "unhealthy")
    assert "CQTUI_DATABASE" in database.todo


@pytest.mark.parametrize(("free", "state"), [(LEAST_FREE_BYTES - 1, "warning"), (LEAST_FREE_BYTES, "ok")])
async def test_little_room_on_the_disk(
    gateway: Upstream, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free))
    found, _ = await health_of(gateway)
    assert found.state_of("disk") == state
    assert (found.status, found.access_refused) == ("degraded" if state == "warning" else "healthy", False)


async def test_the_last_success_is_not_a_rehearsal(gateway: Upstream, tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    with Database(path) as store:
        store.run(lambda c: runs.start_run(c, "r", "p", "rehearsal"))
        store.run(lambda c: runs.finish_run(c, "r", {"grade": "keep"}))
    assert (await health_of(gateway, database=path))[0].last_success is None
    calls = [logged_call(n) for n in range(8)]
    await optimize_async(settings(), calls=calls, client=ScriptedClient(good_model), database=path)
    with Database(path) as store:
        query = "SELECT finished_at FROM runs WHERE provider = 'scripted'"
        (ended,) = store.run(lambda c: c.execute(query).fetchone())
    found = (await health_of(gateway, database=path))[0]
    assert health_response(found)["last_successful_optimization"] == found.last_success == ended


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_gateway_that_is_down_asks_nobody(tmp_path: Path, status: int) -> None:
    from aiohttp import web

    async def down(_: web.Request) -> web.Response:
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/v1", down)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    found = await check_health(survey(gateway={"base_url": url}), tmp_path / "h.db", spend=True)
    await runner.cleanup()
    assert (found.state_of("gateway"), found.state_of("models"), found.models) == ("failed", "skipped", ())
    assert f"status {status}" in found.checks[1].found


@pytest.mark.parametrize("url", ["localhost:8787/v1", "http://[::1", "http://"])
async def test_a_base_url_that_is_none(tmp_path: Path, url: str) -> None:
    found = await check_health(survey(gateway={"base_url": url}), tmp_path / "h.db", spend=True)
    assert found.state_of("gateway") == "failed"


def asked(**changes: object) -> list[tuple[str, str]]:
    given = Settings.model_validate({"as_of": AS_OF, **changes})
    return [(entry.id, role) for entry, role in survey_without_log(given, load_registry(today=AS_OF)).models]


def test_without_a_log_the_settings_say_whom_to_ask() -> None:
    judges = [(name, "judge") for name in load_registry(today=AS_OF).judges]
    assert asked() == judges
    assert asked(current_model="gpt-5.6-terra") == [("openai/gpt-5.6-terra", "current"), *judges]
    assert asked(judge={"models": ("gpt-6.1-terra",)}) == [("openai/gpt-6.1-terra", "judge")]
    assert asked(judge={"mode": "checks"}, candidates=CANDIDATES) == [(name, "candidate") for name in CANDIDATES]
    assert asked(candidates=judges[0][:1]) == [(judges[0][0], "candidate"), *judges[1:]]
    with pytest.raises(BadInputError, match="gpt-4oo is not in the registry"):
        asked(current_model="gpt-4oo")
    with pytest.raises(BadInputError, match="No local model"):
        asked(provider="local")


async def test_a_rehearsal_needs_neither_key_nor_models(tmp_path: Path) -> None:
    found = await check_health(survey(provider="rehearsal"), tmp_path / "h.db", spend=False)
    assert found.status == "healthy"
    assert [found.state_of(name) for name in ("key", "gateway", "models")] == ["skipped"] * 3
    assert health_response(found)["components"]["portkey"] == "skipped"


def test_the_most_that_asking_costs_is_known_before() -> None:
    assert 0 < float(most_usd(survey())) < 0.01
