"""Whether a run could work: the key, the gateway, each model with one token, the database and the disk."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

import httpx

from cqtui.engine.call_costs import measured_usd
from cqtui.engine.connect import open_client
from cqtui.engine.ping import ping_request
from cqtui.engine.survey import PATIENCE_S, RUN_ID, Role, Survey
from cqtui.environment import hosted_slug, portkey_api_key, provider_api_key, provider_key_variable
from cqtui.errors import AccessRefusedError, CqtuiError, StoreError
from cqtui.gateway.protocol import ChatClient
from cqtui.models import Failure, Frozen, ModelEntry, Replay
from cqtui.settings import HOSTED_BASE_URL, Settings
from cqtui.store import cache, runs
from cqtui.store.database import Database

State = Literal["ok", "warning", "failed", "skipped"]
LEAST_FREE_BYTES = 100 * 10**6
_PROBE = "health:probe"
_GATEWAY_DOWN = (502, 503, 504)
_TOO_SHORT = re.compile(r"max_(completion_|output_)?tokens|output limit", re.IGNORECASE)


class Check(Frozen):
    """One thing that was looked at: what was found, and what to do where it is not as it should be."""

    name: Literal["key", "gateway", "models", "database", "cache", "disk"]
    state: State
    found: str
    todo: str = ""


class ModelCheck(Frozen):
    """One model that was asked for a token. USD and ms; None is unknown."""

    model_id: str
    role: Role
    state: State
    found: str
    todo: str = ""
    latency_ms: float | None = None
    cost_usd: Decimal | None = None


class Health(Frozen):
    """All checks. ``last_success`` is when the newest run with a result ended, as ISO 8601; rehearsals apart."""

    checks: tuple[Check, ...]
    models: tuple[ModelCheck, ...]
    seconds: float
    last_success: str | None = None

    def state_of(self, name: str) -> State:
        """What was found of one thing."""
        return next((check.state for check in self.checks if check.name == name), "skipped")

    @property
    def access_refused(self) -> bool:
        """Whether the key, the gateway or a model stands in the way."""
        return any(self.state_of(name) in ("failed", "warning") for name in ("key", "gateway", "models"))

    @property
    def status(self) -> Literal["healthy", "degraded", "unhealthy"]:
        """Unhealthy: a run would fail. Degraded: it would work with less."""
        if any(check.state == "failed" for check in self.checks):
            return "unhealthy"
        return "degraded" if any(check.state == "warning" for check in self.checks) else "healthy"


def _is_hosted(settings: Settings) -> bool:
    hosted = settings.gateway.hosted
    return hosted if hosted is not None else settings.gateway.base_url is None


def check_key(survey: Survey) -> Check:
    """Whether the variables with keys are set; says which, never what they hold."""
    settings = survey.plan.settings
    if settings.provider != "portkey":
        return Check(name="key", state="skipped", found=f"The {settings.provider} provider needs no key.")
    if _is_hosted(settings):
        return _check_variable("PORTKEY_API_KEY", portkey_api_key())
    slugs = sorted({entry.portkey_slug for entry, _ in survey.models})
    keys = {provider_key_variable(slug): provider_api_key(slug) for slug in slugs}
    bad = [check for name, key in keys.items() if key and (check := _check_variable(name, key)).state == "failed"]
    if bad:
        return bad[0]
    missing = [name for name, key in keys.items() if not key]
    if missing:
        found = f"{', '.join(missing)}: not set. A server that asks for no key needs none."
        return Check(name="key", state="skipped", found=found)
    return Check(name="key", state="ok", found=f"Set: {', '.join(keys) or 'none is needed'}.")


def _check_variable(name: str, key: str | None) -> Check:
    if not key:
        todo = f"Set {name}, or work without one: --provider rehearsal or --provider local."
        return Check(name="key", state="failed", found=f"{name} is not set.", todo=todo)
    if key != key.strip() or not key.isprintable():
        found = f"{name} holds white space or control characters."
        return Check(name="key", state="failed", found=found, todo="Set it again without quotes or line breaks.")
    return Check(name="key", state="ok", found=f"{name} is set.")


async def check_gateway(settings: Settings) -> Check:
    """Whether the gateway answers at all; no key is sent and nothing is spent."""
    if settings.provider != "portkey":
        return Check(name="gateway", state="skipped", found="Runs on this machine; there is no gateway to reach.")
    url = settings.gateway.base_url or HOSTED_BASE_URL
    started = time.perf_counter()
    try:
        here = httpx.URL(url).host in ("localhost", "127.0.0.1", "::1")
        # The client of a run never goes through a proxy to this machine either.
        async with httpx.AsyncClient(trust_env=not here, timeout=min(settings.gateway.timeout_s, PATIENCE_S)) as client:
            response = await client.get(url)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        todo = "Is it running? Check the network, HTTPS_PROXY and --base-url."
        return Check(name="gateway", state="failed", found=f"{url} cannot be reached: {why}.", todo=todo)
    took = f"status {response.status_code}, {1000 * (time.perf_counter() - started):.0f} ms"
    if response.status_code in _GATEWAY_DOWN:
        todo = "Something in front of the gateway answers in its place: try again later, or check proxies."
        return Check(name="gateway", state="failed", found=f"{url} is down ({took}).", todo=todo)
    return Check(name="gateway", state="ok", found=f"{url} answers ({took}).")


def _judged(entry: ModelEntry, role: Role, replay: Replay, settings: Settings) -> ModelCheck:
    """What the outcome of a one-token call says of a model."""
    failure = replay.failure
    state, found, todo = ("ok", "answers", "") if failure is None else _trouble(failure, entry, settings)
    return ModelCheck(
        model_id=entry.id,
        role=role,
        state=state,
        found=found,
        todo=todo,
        latency_ms=replay.latency_ms,
        cost_usd=measured_usd(replay, entry, settings.as_of),
    )


def _trouble(failure: Failure, entry: ModelEntry, settings: Settings) -> tuple[State, str, str]:
    status = f" (status {failure.status})" if failure.status is not None else ""
    said = f"{status}: {failure.message}"
    variable = "PORTKEY_API_KEY" if _is_hosted(settings) else provider_key_variable(entry.portkey_slug)
    slug = hosted_slug(settings.gateway.slugs, entry.id, entry.portkey_slug)
    if failure.kind == "bad_request" and _TOO_SHORT.search(failure.message):
        return "ok", "answers, though not in one token", ""
    if failure.kind in ("no_choices", "no_finish_reason", "no_usage"):
        return "ok", f"answers, though not as it should with one token: {failure.message}", ""
    if failure.kind == "refused_credentials":
        extra = f", and the key of the integration {slug} in Portkey" if _is_hosted(settings) else ""
        return "failed", f"refused the key{said}", f"Check {variable}{extra}."
    if failure.kind == "quota_exhausted":
        return "failed", f"has no credit left{said}", "Add credit or raise the limit at the provider or in Portkey."
    if failure.kind == "rate_limited":
        return "ok", f"is throttled just now, which a run waits out{said}", ""
    if failure.kind in ("connection", "timeout"):
        return "failed", f"cannot be reached: {failure.message}", "Check the gateway, the network and --base-url."
    if failure.kind == "server_error":
        return "failed", f"has an error of its own{said}", "Try again later, or leave it out with --candidates."
    if failure.kind == "bad_request":
        where = f"the slug {slug} under [gateway] slugs" if _is_hosted(settings) else "the model names of the server"
        return "failed", f"is not accepted{said}", f"Check {where}, or leave it out with --candidates."
    if failure.kind == "served_by_other":
        return "failed", f"is not what answers: {failure.message}", "Such answers are no evidence: check its routing."
    if failure.kind in ("cached_by_gateway", "answered_by_fallback"):
        return "failed", f"does not answer itself: {failure.message}", "Turn caching, retries and fallbacks off for it."
    return "failed", f"gives no usable answer{said}", "Is --base-url an OpenAI-compatible server?"


async def check_models(survey: Survey, client: ChatClient) -> tuple[ModelCheck, ...]:
    """Ask every model for one token."""
    settings = survey.plan.settings
    places = asyncio.Semaphore(settings.gateway.concurrency)

    async def ask(entry: ModelEntry, role: Role) -> ModelCheck:
        request = ping_request(entry, run_id=RUN_ID, timeout_s=min(settings.gateway.timeout_s, PATIENCE_S))
        async with places:
            try:
                replay = await client.complete(request)
            except AccessRefusedError as error:
                failure = Failure(kind="refused_credentials", message=error.title)
                replay = Replay(model=entry.model, failure=failure)
        return _judged(entry, role, replay, settings)

    return tuple(await asyncio.gather(*(ask(entry, role) for entry, role in survey.models)))


def _summary(models: Sequence[ModelCheck]) -> Check:
    """All models in one check: failed where a run could not work, a warning where it would work with less."""
    bad = [model for model in models if model.state == "failed"]
    if not bad:
        return Check(
            name="models", state="ok", found=f"All {len(models)} answer." if len(models) > 1 else "It answers."
        )
    roles = {model.role for model in models}
    useless = any(all(model.state == "failed" for model in models if model.role == role) for role in roles)
    found = f"Of {len(models)} models {len(bad)} cannot be used: {', '.join(model.model_id for model in bad)}."
    return Check(name="models", state="failed" if useless else "warning", found=found)


async def _check_access(
    survey: Survey, client: ChatClient | None, spend: bool
) -> tuple[list[Check], tuple[ModelCheck, ...]]:
    settings = survey.plan.settings
    key, gateway = check_key(survey), await check_gateway(settings)
    why = None
    if settings.provider == "rehearsal":
        why = "Simulated models answer what is in the log, always; there is nothing to ask."
    elif not survey.models:
        why = "The plan has no model to ask."
    elif client is None and key.state == "failed":
        why = "Not asked: there is no usable key."
    elif client is None and gateway.state == "failed":
        why = "Not asked: the gateway cannot be reached."
    elif not spend and settings.provider == "portkey":
        why = "Not asked, since that costs money. Add --yes to ask each for one token."
    if why is not None:
        return [key, gateway, Check(name="models", state="skipped", found=why)], ()
    opened: AbstractAsyncContextManager[ChatClient] = (
        open_client(survey.plan) if client is None else nullcontext(client)
    )
    try:
        async with opened as ready:
            models = await check_models(survey, ready)
    except CqtuiError as error:
        return [key, gateway, Check(name="models", state="failed", found=error.title, todo=error.hint)], ()
    return [key, gateway, _summary(models)], models


def _existing(path: Path) -> Path:
    path = path.resolve()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def check_store(path: Path) -> tuple[list[Check], str | None]:
    """Whether the database opens and takes a write, whether the cache keeps a value, and when a run last ended.

    Where there is no database yet one is tried beside its place, so that nothing is left behind.
    """
    if path.exists():
        return _try_store(path, f"{path} opens and can be written.")
    found = f"{path} is not there yet and can be made."
    folder = _existing(path.parent)
    try:
        with tempfile.TemporaryDirectory(prefix=".cqtui-health-", dir=folder) as trial:
            return _try_store(Path(trial) / "trial.db", found)
    except OSError as error:
        todo = "Set CQTUI_DATABASE to a place you can write to."
        check = Check(name="database", state="failed", found=f"{folder}: {error.strerror}.", todo=todo)
        return [check, Check(name="cache", state="skipped", found="Not tried without a database.")], None


def _try_store(path: Path, found: str) -> tuple[list[Check], str | None]:
    moment = datetime.now(UTC).isoformat()
    try:
        with Database(path) as store:
            store.run(lambda c: cache.set_value(c, _PROBE, moment, ttl_s=60))
            kept = store.run(lambda c: cache.find(c, _PROBE))
            store.run(lambda c: cache.invalidate(c, _PROBE))
            last = store.run(runs.last_success)
    except StoreError as error:
        check = Check(name="database", state="failed", found=error.title, todo=error.hint)
        return [check, Check(name="cache", state="skipped", found="Not tried without a database.")], None
    works = kept == moment
    checks = [
        Check(name="database", state="ok", found=found),
        Check(
            name="cache",
            state="ok" if works else "failed",
            found="Keeps and gives back a value." if works else "Gives back something else than was put in.",
            todo="" if works else "Move the database away or set CQTUI_DATABASE.",
        ),
    ]
    return checks, last


def check_disk(path: Path) -> Check:
    """Whether there is room beside the database."""
    folder = _existing(path.parent)
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check(name="disk", state="warning", found=f"{folder}: {error.strerror}.", todo="Check the disk.")
    found = f"{free / 10**6:,.0f} MB free at {folder}."
    if free < LEAST_FREE_BYTES:
        todo = "Free some space: a full disk ends a run, though what was paid for is kept."
        return Check(name="disk", state="warning", found=found, todo=todo)
    return Check(name="disk", state="ok", found=found)


async def check_health(survey: Survey, database: Path, *, spend: bool, client: ChatClient | None = None) -> Health:
    """Look at everything; nothing is raised for what is found.

    Args:
        survey: The plan and whom to ask.
        database: The store's file.
        spend: Whether one-token calls that cost money may be made; others are always made.
        client: Asks the models; None opens the one that the provider stands for.
    """
    started = time.monotonic()
    access, models = await _check_access(survey, client, spend)
    store, last = await asyncio.to_thread(check_store, database)
    return Health(
        checks=(*access, *store, await asyncio.to_thread(check_disk, database)),
        models=models,
        seconds=time.monotonic() - started,
        last_success=last,
    )
