"""Tables on stdout, of foreign text as text: no markup, no highlighting, as wide as the terminal up to a limit."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

WIDEST = 100
INDENT = 2


def console() -> Console:
    """Where tables go: 80 columns where stdout is no terminal; NO_COLOR is honoured."""
    found = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    found.width = min(found.width, WIDEST)
    return found


def heading(out: Console, text: str) -> None:
    """A line of its own above a table."""
    out.print()
    out.print(Text(text, style="bold"))


def labelled(out: Console, rows: Sequence[Sequence[str]], *, label_width: int = 18, numbers: int = 0) -> None:
    """Rows of a label and what is said of it; the first ``numbers`` columns after the label are set to the right."""
    table = Table.grid(padding=(0, 2, 0, 0))
    columns = max((len(row) for row in rows), default=0)
    for number in range(columns):
        is_number = 0 < number <= numbers
        table.add_column(
            justify="right" if is_number else "left",
            width=label_width if number == 0 else None,
            overflow="fold",
            no_wrap=is_number,
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    _print(out, table)


def headed(out: Console, names: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int]) -> None:
    """Rows under the names of their columns; those of ``numbers`` are set to the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for number, name in enumerate(names):
        is_number = number in numbers
        table.add_column(Text(name), justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    _print(out, table)


def _print(out: Console, table: Table) -> None:
    with out.capture() as captured:
        out.print(Padding(table, (0, 0, 0, INDENT)))
    for line in captured.get().splitlines():  # rich fills lines up with spaces
        click.echo(line.rstrip())
