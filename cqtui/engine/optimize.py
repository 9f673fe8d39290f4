"""The whole job as one call, for Python programs and for the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from cqtui.engine.analysis import Analysis, analyze_async
from cqtui.engine.connect import open_client
from cqtui.engine.log import Log, read_log
from cqtui.engine.pipeline import run
from cqtui.engine.plan import Plan, make_plan
from cqtui.engine.sealing import seals_for
from cqtui.environment import database_path
from cqtui.events import Event, EventSink
from cqtui.gateway.protocol import ChatClient
from cqtui.importers import Progress
from cqtui.models import LoggedCall
from cqtui.registry.loader import Registry, load_registry
from cqtui.results import Recommendation
from cqtui.settings import Settings
from cqtui.store.database import Database


def ignore_event(event: Event, /) -> None:
    """A sink for those who do not want to know."""


def plan_for(settings: Settings, calls: Sequence[LoggedCall] | Log) -> Plan:
    """Settle a run; raises BadInputError as ``make_plan`` does."""
    return make_plan(settings, registry_for(settings), calls)


def log_for(settings: Settings, paths: Sequence[str | Path], progress: Progress | None = None) -> Log:
    """Read the log of a run; raises BadInputError as ``read_log`` does."""
    return read_log(paths, settings, registry_for(settings), progress=progress)


def registry_for(settings: Settings) -> Registry:
    """The models that the settings know."""
    return load_registry(settings.models, today=settings.as_of)


async def optimize_async(
    settings: Settings,
    *,
    calls: Sequence[LoggedCall] | None = None,
    client: ChatClient | None = None,
    sink: EventSink = ignore_event,
    database: Path | None = None,
    resume: bool = True,
) -> Recommendation:
    """Read the log, find cheaper models, replay, judge and decide.

    Args:
        settings: What to do; ``settings.logs`` names the log unless ``calls`` are given.
        calls: The log, already read.
        client: Calls the models; None opens the one that ``settings.provider`` stands for.
        sink: Told what happens.
        database: The store's file; None is the usual place.
        resume: Go on with an unfinished run of the same plan.

    Raises:
        CqtuiError: Bad input, refused credentials, or a store that cannot be written.
    """
    plan = plan_for(settings, log_for(settings, settings.logs) if calls is None else calls)
    with Database(database or database_path(), seals_for(settings)) as store:
        if client is not None:
            return await run(plan, client, store, sink, resume=resume)
        async with open_client(plan) as opened:
            return await run(plan, opened, store, sink, resume=resume, ping=settings.provider == "portkey")


def optimize(
    settings: Settings,
    *,
    calls: Sequence[LoggedCall] | None = None,
    client: ChatClient | None = None,
    sink: EventSink = ignore_event,
    database: Path | None = None,
    resume: bool = True,
) -> Recommendation:
    """``optimize_async`` for programs without an event loop."""
    return asyncio.run(
        optimize_async(settings, calls=calls, client=client, sink=sink, database=database, resume=resume)
    )


def analyze(prompt: str, settings: Settings | None = None, *, database: Path | None = None) -> Analysis:
    """One prompt across models, judged: the original's ``/analyze``."""
    return asyncio.run(analyze_async(prompt, settings or Settings(), database=database or database_path()))
