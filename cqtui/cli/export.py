"""``cqtui export``: a stored run as something to put to use."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import cast

import click

from cqtui.cli.files import write_file
from cqtui.cli.report import stored_result
from cqtui.report.candidate_csv import candidate_csv
from cqtui.report.candidate_lines import candidate_lines
from cqtui.report.evidence import evidence_kind
from cqtui.report.export import ExportOptions, Target, config_text, portkey_config
from cqtui.report.export_choices import routes_of, used_target
from cqtui.report.rollback import rollback_note
from cqtui.results import Recommendation
from cqtui.settings import Settings, load_settings


def _config_text(result: Recommendation, settings: Settings, options: ExportOptions, output: Path | None) -> str:
    """The config as JSON; its note goes to stderr, and beside the output where there is one."""
    config = portkey_config(result, settings, options)
    note = rollback_note(result, settings, options, config)
    if result.grade == "leaning":
        click.echo("Warning: leaning, not verified. Start with a small share and watch it.", err=True)
    if evidence_kind(result.provider) == "recorded":
        click.echo("Warning: the answers are from a recording; nothing says that real models gave them.", err=True)
    if output is not None:
        write_file(Path(f"{output}.md"), note)
    click.echo(note, nl=False, err=True)
    return config_text(config)


@click.command("export", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", required=False)
@click.option(
    "--format",
    "style",
    type=click.Choice(["portkey-config", "jsonl", "csv"]),
    required=True,
    help="A gateway config for the recommendation, or one line for each candidate tried (JSON or CSV).",
)
@click.option(
    "--canary",
    type=click.FloatRange(0, 100),
    default=5,
    show_default=True,
    help="Percent of the calls that go to the recommended model; 100 is the full switch, 0 the way back.",
)
@click.option(
    "--target",
    type=click.Choice(["open-source", "hosted"]),
    help="Which Portkey the config is for. [default: the one that the run used]",
)
@click.option(
    "--segments",
    "by_segment",
    is_flag=True,
    help="A model for each kind of traffic, where the run offers it.",
)
@click.option("--config", type=click.Path(path_type=Path), help="Settings file. [default: cqtui.toml, if there is one]")
@click.option("--profile", help="Lay [profiles.NAME] of the settings file over the rest of it.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write here, and the note beside it.")
def command(
    run: str | None,
    style: str,
    canary: float,
    target: str | None,
    by_segment: bool,
    config: Path | None,
    profile: str | None,
    output: Path | None,
) -> None:
    """Export RUN (an id or the beginning of one; default the newest).

    A config gets a note on stderr: what to do before, what to watch with the run's own figures as limits, and how to
    roll back. No key is ever written. A rehearsal and a run that recommends no switch are refused.

    \b
    Examples:
      cqtui export --format portkey-config --output canary.json
      cqtui export 3f2a --format portkey-config --canary 100 --target hosted
      cqtui export --format portkey-config --profile nightly
      cqtui export --format jsonl > candidates.jsonl
      cqtui export --format csv --output candidates.csv
    """
    result = stored_result(run)
    if style == "jsonl":
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in candidate_lines(result))
    elif style == "csv":
        text = candidate_csv(result)
    else:
        settings = load_settings(config, profile=profile)
        chosen = cast(Target, target) if target is not None else used_target(result, settings)
        # The text of a float has the digits that were typed; its exact value has more.
        options = ExportOptions(Decimal(str(canary)), chosen, routes_of(result) if by_segment else ())
        text = _config_text(result, settings, options, output)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_file(output, text)
