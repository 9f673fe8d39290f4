"""``cqtui report``: a stored run again."""

from __future__ import annotations

import click

from cqtui.errors import BadInputError
from cqtui.report.render import render_markdown, render_summary
from cqtui.report.response import optimize_response
from cqtui.results import Recommendation
from cqtui.settings import database_path
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
    "--format", "style", type=click.Choice(["markdown", "html", "text", "json"]), default="markdown", show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def command(run: str | None, style: str, as_json: bool) -> None:
    """Print RUN (an id or the beginning of one; default the newest) again.

    \b
    Examples:
      cqtui report > report.md
      cqtui report 3f2a --format html > report.html
    """
    result = stored_result(run)
    if as_json or style == "json":
        click.echo(optimize_response(result).model_dump_json(indent=2))
    elif style == "text":
        click.echo(render_summary(result), nl=False)
    elif style == "html":
        from cqtui.report.html import render_html

        click.echo(render_html(result), nl=False)
    else:
        click.echo(render_markdown(result), nl=False)
