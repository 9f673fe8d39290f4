"""``cqtui report``: a stored run again."""

from __future__ import annotations

from pathlib import Path

import click
from pydantic import ValidationError

from cqtui.environment import database_path
from cqtui.errors import BadInputError
from cqtui.report.comment import CommentOptions, render_comment
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
@click.option("--comment-key", default="default", show_default=True, help="Tells several comments apart.")
@click.option("--hide-money", is_flag=True, help="No amounts in the comment, percentages only.")
@click.option(
    "--templates",
    type=click.Path(path_type=Path),
    help="A folder of your own templates. [default: [report] templates of cqtui.toml]",
)
def command(
    run: str | None, style: str, as_json: bool, comment_key: str, hide_money: bool, templates: Path | None
) -> None:
    """Print RUN (an id or the beginning of one; default the newest) again.

    \b
    Examples:
      cqtui report > report.md
      cqtui report 3f2a --format html > report.html
      cqtui report --format comment --hide-money
    """
    result = stored_result(run)
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
        click.echo(render_comment(result, _options(comment_key, not hide_money), templates), nl=False)
    else:
        click.echo(render_markdown(result, templates), nl=False)


def _options(key: str, show_money: bool) -> CommentOptions:
    try:
        return CommentOptions(key=key, show_money=show_money)
    except ValidationError:
        raise BadInputError(
            f'--comment-key: "{shortened(key)}" is no key.', "Use letters, digits, dots, underscores and hyphens."
        ) from None
