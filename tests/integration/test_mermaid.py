"""The chart of a comment is one that the real mermaid package draws, whatever the models are called."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from cqtui.report.comment import CommentOptions, render_comment
from cqtui.report.mermaid import mermaid_chart
from tests.hostile import TEXTS, hostile_run
from tests.integration.npm import installed, require_node
from tests.tui.stage import CASES, recorded_result

pytestmark = pytest.mark.gateway
# jsdom 27 and later need a newer node than the gateway does.
PACKAGES = {"mermaid": "12.3.0", "jsdom": "26.1.0"}
SCRIPT = Path(__file__).with_name("mermaid.mjs")
CHART = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def parsed(diagrams: Mapping[str, str]) -> dict[str, str]:
    """What mermaid takes each diagram for."""
    require_node("mermaid")
    script = installed("mermaid", PACKAGES) / SCRIPT.name  # modules are looked for beside the script
    if not script.exists() or script.read_bytes() != SCRIPT.read_bytes():
        shutil.copy(SCRIPT, script)
    done = subprocess.run(
        ["node", str(script)], input=json.dumps(diagrams), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_every_case_and_every_hostile_name() -> None:
    diagrams = {case: mermaid_chart(recorded_result(case)) for case in CASES}
    diagrams |= {f"name {number}": mermaid_chart(hostile_run(text)) for number, text in enumerate(TEXTS)}
    assert parsed(diagrams) == dict.fromkeys(diagrams, "quadrantChart")


def test_the_block_in_the_comment_is_the_chart() -> None:
    comment = render_comment(recorded_result("verified"), CommentOptions())
    (chart,) = CHART.findall(comment)
    assert parsed({"chart": chart}) == {"chart": "quadrantChart"}


def test_the_check_can_fail() -> None:
    assert parsed({"bad": 'quadrantChart\n    "a" b": [0.1, 0.2]\n'})["bad"].startswith("error")
