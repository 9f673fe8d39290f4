"""``cqtui demo``: the main job on the bundled example."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cqtui.cli.optimize import execute
from cqtui.resources import resource_path
from cqtui.settings import load_settings

DEFAULT_REPORT = "cqtui-demo-report.md"


@click.command("demo", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--provider",
    type=click.Choice(["rehearsal", "local"]),
    default="rehearsal",
    show_default=True,
    help="Simulated models, or real inference by a small local one.",
)
@click.option(
    "--markdown",
    type=click.Path(path_type=Path),
    default=DEFAULT_REPORT,
    show_default=True,
    help="Where the report is written.",
)
@click.option("--json", "json", is_flag=True, help="Print the result as JSON, and nothing else, to stdout.")
@click.pass_context
def command(context: click.Context, /, provider: str, markdown: Path, json: bool) -> None:
    """Run the main job on the bundled example: no key, no network.

    \b
    Examples:
      cqtui demo                       # simulated models: shows how it works, proves nothing
      cqtui demo --provider local      # real inference; first: cqtui local install smollm2
    """
    example = resource_path("examples/support-desk")
    config = example / ("local.toml" if provider == "local" else "cqtui.toml")
    settings = load_settings(config, {"provider": provider})
    paths = [path for pattern in settings.logs for path in sorted(example.glob(pattern))]
    options: dict[str, Any] = {
        "config": config,
        "json": json,
        "display": "full",
        "dry_run": False,
        "yes": True,
        "record": None,
        "recording": None,
        "resume": True,
        "events": None,
        "json_file": None,
        "result_file": None,
        "markdown": markdown,
        "html": None,
        "templates": None,
        "write_report": None,
        "fail_on": "never",
        "is_demo": True,
    }
    context.exit(execute(settings, paths, options))
