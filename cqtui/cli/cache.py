"""``cqtui cache``: what was paid for and is kept, and forgetting it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cqtui.environment import database_path
from cqtui.errors import BadInputError
from cqtui.registry.loader import load_registry
from cqtui.settings import load_settings
from cqtui.store import cache
from cqtui.store.database import Database
from cqtui.store.versions import model_component

# What was measured of an answer goes with the answer, and a finished pair with its judgement as well.
_KINDS = {
    cache.MODEL_OUTPUT: (cache.MODEL_OUTPUT, cache.PAIR, cache.TRIAL),
    cache.EVALUATION: (cache.EVALUATION, cache.PAIR),
    cache.RECOMMENDATION: (cache.RECOMMENDATION,),
}
_JSON = click.option("--json", "as_json", is_flag=True, help="Print as JSON to stdout.")


def open_store() -> Database:
    """The store where it is; raises BadInputError where there is none yet."""
    path = database_path()
    if not path.is_file():
        raise BadInputError(f"{path}: no store here yet.", "Run cqtui optimize or cqtui demo first.")
    return Database(path)


def size(count: int) -> str:
    """Bytes for people."""
    return (
        f"{count:,} bytes"
        if count < 1000
        else f"{count / 1000:,.1f} kB"
        if count < 10**6
        else f"{count / 10**6:,.1f} MB"
    )


@click.group("cache", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Show or forget the answers and judgements that were paid for.

    \b
    Examples:
      cqtui cache stats
      cqtui cache invalidate --model gpt-5.4-mini
    """


@command.command("stats")
@_JSON
def stats_command(as_json: bool) -> None:
    """Show entries, hits and bytes by kind, and how many entries are past their time.

    \b
    Example:
      cqtui cache stats --json
    """
    with open_store() as store:
        found = store.run(cache.stats)
    total = {
        "entries": sum(kind.entries for kind in found),
        "hits": sum(kind.hits for kind in found),
        "bytes": sum(kind.size_bytes for kind in found),
        "expired": sum(kind.expired for kind in found),
    }
    if as_json:
        kinds = {
            kind.kind: {"entries": kind.entries, "hits": kind.hits, "bytes": kind.size_bytes, "expired": kind.expired}
            for kind in found
        }
        click.echo(json.dumps({**total, "kinds": kinds}, indent=2))
        return
    click.echo(f"{'kind':<16}{'entries':>9}{'hits':>9}{'expired':>9}  size")
    for kind in found:
        figures = f"{kind.entries:>9,}{kind.hits:>9,}{kind.expired:>9,}"
        click.echo(f"{kind.kind:<16}{figures}  {size(kind.size_bytes)}")
    figures = f"{total['entries']:>9,}{total['hits']:>9,}{total['expired']:>9,}"
    click.echo(f"{'total':<16}{figures}  {size(total['bytes'])}")


def _components_of(name: str, config: Path | None, known: set[str]) -> list[str]:
    """What a model's entries carry; a bare name is every provider's, one that no entry has is the registry's."""
    ids = {component.removeprefix("model:") for component in known}
    wanted = name.lower()
    found = [each for each in ids if each.lower() == wanted] or [e for e in ids if e.lower().endswith(f"/{wanted}")]
    if not found:
        settings = load_settings(config)
        found = [load_registry(settings.models, today=settings.as_of).get(name).id]
    return [*map(model_component, found), *found]


@command.command("invalidate")
@click.option("--kind", type=click.Choice(list(_KINDS)), help="Answers, judgements or recommendations.")
@click.option("--model", help="What this model answered or judged.")
@click.option("--expired", is_flag=True, help="Entries past their time, which are not used any more.")
@click.option("--all", "everything", is_flag=True, help="All entries.")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file. [default: cqtui.toml here, if any]")
@_JSON
def invalidate(
    kind: str | None, model: str | None, expired: bool, everything: bool, config: Path | None, as_json: bool
) -> None:
    """Forget cached results; the next run that needs one asks, and pays, again. Options together narrow the choice.

    \b
    Examples:
      cqtui cache invalidate --expired
      cqtui cache invalidate --kind evaluation --model claude-haiku-4-5
      cqtui cache invalidate --all
    """
    narrowed = kind is not None or model is not None or expired
    if not narrowed and not everything:
        raise BadInputError("Nothing was chosen.", "Name --kind, --model or --expired, or say --all.")
    if narrowed and everything:
        raise BadInputError("--all leaves nothing to narrow down.", "Leave out --all or the other options.")
    with open_store() as store:
        wanted = _components_of(model, config, store.run(cache.components)) if model is not None else []
        kinds = _KINDS[kind] if kind is not None else ()
        forgotten = store.run(lambda c: cache.forget(c, kinds=kinds, components=wanted, expired=expired))
    count = sum(forgotten.values())
    if as_json:
        click.echo(json.dumps({"forgotten": count, "kinds": forgotten}, indent=2))
        return
    each = ", ".join(f"{name} {number:,}" for name, number in forgotten.items())
    click.echo(f"Forgot {count:,} entr{'y' if count == 1 else 'ies'}{f' ({each})' if each else ''}.")
