"""Lines for people: broken between words where a terminal would break within them."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable

import click

NEXT = "Next"
NARROWEST = 20


def columns() -> int:
    """How wide the terminal is; 80 where that is unknown."""
    return max(NARROWEST, shutil.get_terminal_size().columns)


def tell(line: str, *, err: bool = False) -> None:
    """Print a line; a terminal gets it broken between words, files and pipes as it is.

    A line that names the next command stays whole, so that it can be copied.
    """
    stream = sys.stderr if err else sys.stdout
    if line.startswith(NEXT) or not stream.isatty():
        click.echo(line, err=err)
        return
    click.echo(textwrap.fill(line, columns(), break_long_words=False, break_on_hyphens=False), err=err)


def tell_all(lines: Iterable[str], *, err: bool = False) -> None:
    """Print lines, each as ``tell`` does."""
    for line in lines:
        tell(line, err=err)
