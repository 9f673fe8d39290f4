"""How far a candidate's evidence has come: towards verified, and towards clearly worse."""

from __future__ import annotations

import math

from textual.content import Content
from textual.widgets import Static

from cqtui.engine.race import WORSE_THRESHOLD
from cqtui.engine.run_state import CandidateState
from cqtui.tui.inert import fitted, one_line
from cqtui.tui.theme import MUTED
from cqtui.tui.words import bar, odds

BAR = 20


class EvidenceMeter(Static):
    """Three bars: quality, refusals, clearly worse; each E against what it must reach, on a logarithmic scale."""

    DEFAULT_CSS = """
    EvidenceMeter { height: auto; }
    """

    def show(self, row: CandidateState | None) -> None:
        """Show a candidate's evidence."""
        if row is None or not row.samples:
            self.update(Content.styled("Evidence appears when a candidate is tried.", MUTED))
            return
        lines = [Content.styled(fitted(f"Evidence on {row.letter} {one_line(row.candidate.short_name)}", 60), "bold")]
        needed = row.evidence_needed
        if needed is None:
            lines.append(Content("In this round no candidate can be verified any more: the error rate is spent."))
        else:
            for name, settled, log in (
                ("quality holds", row.quality_settled, row.quality_log_evidence),
                ("refusals hold", row.refusals_settled, row.refusals_log_evidence),
            ):
                lines.append(_line(name, log, needed, "passed" if settled == "passed" else ""))
        lines.append(_line("clearly worse", row.worse_log_evidence, WORSE_THRESHOLD, ""))
        self.update(Content("\n").join(lines))


def _line(name: str, log: float, needed: float, word: str) -> Content:
    share = 1.0 if word else log / math.log(needed)
    figure = f" {odds(max(log, 0.0))} of {needed:,.0f} to 1"
    return Content.assemble(
        (fitted(name, 14), MUTED),
        (bar(share, BAR), "$text-success" if word else "$text-primary"),
        figure,
        f"  {word}",
    )
