"""``cqtui report``: a stored run again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from cqtui.environment import database_path
from cqtui.errors import BadInputError
from cqtui.report.comment import (
    MAX_BYTES,
    CommentOptions,
    Excerpt,
    render_comment,
    render_nothing_to_do,
    render_problem,
)
from cqtui.report.excerpts import worst_excerpts
from cqtui.report.foreign_result import as_foreign, read_result
from cqtui.report.headline import Switch
from cqtui.report.markdown_text import shortened
from cqtui.report.render import render_markdown, render_summary
from cqtui.report.response import optimize_response
from cqtui.report.templates import templates_folder
from cqtui.results import Recommendation
from cqtui.settings import load_settings
from cqtui.store import runs
from cqtui.store.database import Database


def stored_result(run: str | None) -> Recommendation:
    """The result of a stored run by its id or the beginning of one, or of the newest run.

    Raises:
        BadInputError: There is no store here, or no such run.
    """
    path = database_path()
    if not path.is_file():
        raise BadInputError(f"{path}: no store here yet.", "Run cqtui optimize or cqtui demo first.")
    with Database(path) as store:
        found = store.run(lambda c: runs.load_result(c, run))
    if found is None:
        raise BadInputError(f"No run {run or ''} in {path}.".replace("  ", " "), "cqtui report shows the newest.")
    return Recommendation.model_validate(found)


@click.command("report", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", required=False)
@click.option(
    "--format",
    "style",
    type=click.Choice(["markdown", "html", "text", "json", "comment"]),
    default="markdown",
    show_default=True,
    help="comment is what the GitHub Action posts on a pull request.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--from-file", type=click.Path(path_type=Path), help="A result that optimize --result-file wrote.")
@click.option("--untrusted", is_flag=True, help="With --from-file: somebody else's; nothing of it is called verified.")
@click.option("--comment-key", default="default", show_default=True, help="Tells several comments apart.")
@click.option("--commit", help="The commit that the comment is about.")
@click.option("--switch-from", help="The model that a pull request takes away; with --switch-to.")
@click.option("--switch-to", help="The model that it puts in its place.")
@click.option("--note", "notes", multiple=True, help="What a reader of the comment should know besides.")
@click.option("--excerpts", is_flag=True, help="Texts of the worst pairs in the comment, as they are stored.")
@click.option("--max-bytes", type=click.IntRange(4096), default=MAX_BYTES, show_default=True, help="Of the comment.")
@click.option("--nothing", help="In place of a result: why nothing was checked.")
@click.option("--problem", help="In place of a result: what went wrong.")
@click.option("--hide-money", is_flag=True, help="No amounts in the comment, percentages only.")
@click.option(
    "--templates",
    type=click.Path(path_type=Path),
    help="A folder of your own templates. [default: [report] templates of cqtui.toml]",
)
def command(run: str | None, style: str, as_json: bool, templates: Path | None, **options: Any) -> None:
    """Print RUN (an id or the beginning of one; default the newest) again.

    \b
    Examples:
      cqtui report > report.md
      cqtui report 3f2a --format html > report.html
      cqtui report --format comment --hide-money
      cqtui report --from-file result.json --format comment --switch-from gpt-6.1-sol --switch-to gpt-6.1-terra
    """
    short = _short_comment(options)
    if short is not None:
        click.echo(short, nl=False)
        return
    file: Path | None = options["from_file"]
    result = stored_result(run) if file is None else read_result(file)
    if options["untrusted"]:
        result = as_foreign(result)
    if options["notes"]:
        result = result.model_copy(update={"notes": (*result.notes, *options["notes"])})
    if templates is None and style in ("markdown", "html", "comment"):
        templates = templates_folder(load_settings(None), None)
    if as_json or style == "json":
        click.echo(optimize_response(result).model_dump_json(indent=2))
    elif style == "text":
        click.echo(render_summary(result), nl=False)
    elif style == "html":
        from cqtui.report.html import render_html

        click.echo(render_html(result, templates), nl=False)
    elif style == "comment":
        click.echo(render_comment(result, _options(result, options), templates), nl=False)
    else:
        click.echo(render_markdown(result, templates), nl=False)


def _short_comment(options: dict[str, Any]) -> str | None:
    """The comment that stands where there is no result, or None."""
    key, commit = options["comment_key"], options["commit"]
    if options["nothing"] is not None:
        return render_nothing_to_do(options["nothing"], key, commit)
    if options["problem"] is not None:
        return render_problem(options["problem"], key, commit)
    return None


def _options(result: Recommendation, options: dict[str, Any]) -> CommentOptions:
    before, after = options["switch_from"], options["switch_to"]
    if (before is None) != (after is None):
        raise BadInputError("--switch-from and --switch-to go together.", "Name both models.")
    excerpts: tuple[Excerpt, ...] = ()
    if options["excerpts"] and not options["untrusted"] and database_path().is_file():
        with Database(database_path()) as store:
            excerpts = store.run(lambda c: worst_excerpts(c, result))
    try:
        return CommentOptions(
            key=options["comment_key"],
            commit=options["commit"],
            show_money=not options["hide_money"],
            limit_bytes=options["max_bytes"],
            switch=None if before is None else Switch(from_model=before, to_model=after),
            excerpts=excerpts,
        )
    except ValidationError as error:
        name = "comment-key" if error.errors()[0]["loc"][0] == "key" else "commit"
        given = shortened(str(options[name.replace("-", "_")]))
        raise BadInputError(
            f'--{name}: "{given}" is no {name.removeprefix("comment-")}.',
            "Use letters, digits, dots, underscores and hyphens.",
        ) from None
