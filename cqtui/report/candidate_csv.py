"""The candidates of a run as CSV for spreadsheets. Pure."""

from __future__ import annotations

import csv
import io
from typing import Any

from cqtui.report.candidate_lines import candidate_lines
from cqtui.results import Recommendation

_GATES = "gates"
_RESULTS = {True: "passed", False: "failed", None: "open"}
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def candidate_csv(result: Recommendation) -> str:
    """One line for each candidate tried, after a line of column names; empty where no candidate was tried.

    The columns are those of ``candidate_lines``; each rule has a column of its own, ``gate_<name>``, which says passed,
    failed or open, and is empty where the rule was not asked of that candidate. Unknown figures are empty too. A text
    that a spreadsheet would take for a formula is led by an apostrophe.
    """
    lines = candidate_lines(result)
    if not lines:
        return ""
    gates = list(dict.fromkeys(name for line in lines for name in line[_GATES]))
    plain = [name for name in lines[0] if name != _GATES]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*plain, *map(gate_column, gates)])
    for line in lines:
        asked = line[_GATES]
        said = [_RESULTS[asked[name]] if name in asked else None for name in gates]
        writer.writerow([_cell(value) for value in (*(line[name] for name in plain), *said)])
    return text.getvalue()


def gate_column(name: str) -> str:
    """The column of a rule: "evidence on quality" is ``gate_evidence_on_quality``."""
    return f"gate_{name.replace(' ', '_')}"


def _cell(value: Any) -> Any:
    """A cell that no spreadsheet computes; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_STARTS_A_FORMULA) else value
