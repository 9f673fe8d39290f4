"""Candidates as CSV: the same figures as the JSON lines, and no cell that a spreadsheet computes."""

from __future__ import annotations

import csv
import io

import pytest

from cqtui.report.candidate_csv import candidate_csv
from cqtui.report.candidate_lines import candidate_lines
from cqtui.results import Gate, Recommendation
from tests.fakes import pairs
from tests.results import evidence_of, recommendation


def rows(result: Recommendation) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(candidate_csv(result), newline="")))


def test_the_figures_are_those_of_the_json_lines() -> None:
    result = recommendation()
    (row,) = rows(result)
    (line,) = candidate_lines(result)
    gates = line.pop("gates")
    assert list(row)[: len(line)] == list(line)
    for name, value in line.items():
        assert row[name] == ("" if value is None else str(value))
    assert [name for name in row if name.startswith("gate_")] == [f"gate_{n.replace(' ', '_')}" for n in gates]
    assert row["gate_evidence_on_quality"] == "passed"
    assert float(row["quality_impact_percent"]) < 0  # no apostrophe before a negative number


def test_rules_that_were_asked_of_some_only_have_a_column_for_all() -> None:
    first = evidence_of(pairs(60))
    slow = Gate(name="p95 latency", asked="", found="", passed=False)
    second = evidence_of(pairs(60), "acme/other")
    second = second.model_copy(update={"gates": (slow, *second.gates)})
    open_one, constrained = rows(recommendation(evidence=(first, second)))
    assert open_one["gate_p95_latency"] == ""
    assert constrained["gate_p95_latency"] == "failed"
    assert open_one["gate_evidence_on_refusals"] == "open"
    assert list(open_one) == list(constrained)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_text_is_a_formula(start: str) -> None:
    evidence = evidence_of(pairs(60)).model_copy(update={"stopped": f'{start}HYPERLINK("http://x"),"y"\n'})
    (row,) = rows(recommendation(evidence=(evidence,)))
    assert row["stopped"] == f'\'{start}HYPERLINK("http://x"),"y"\n'


def test_a_run_without_candidates_is_empty() -> None:
    assert candidate_csv(recommendation(evidence=(), recommended=None, closest=None)) == ""
