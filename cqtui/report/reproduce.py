"""The command line that makes a run again, composed of what the run was. Pure."""

from __future__ import annotations

import shlex

from cqtui.results import Recommendation
from cqtui.settings import HOSTED_BASE_URL, Thresholds

_OWN_ADDRESSES = ("rehearsal", "local", "recorded")


def reproduce_command(result: Recommendation) -> str:
    """``cqtui optimize`` with the options that bring the same run about; LOGS stands for the logs.

    The address of a gateway of one's own is not written out.
    """
    parts = ["cqtui", "optimize", "LOGS", "--current-model", result.current.id, "--use-case", result.use_case]
    if result.evidence:
        parts += ["--candidates", ",".join(e.candidate.id for e in result.evidence)]
    parts += ["--seed", str(result.seed), "--as-of", result.as_of.isoformat()]
    if result.evidence and result.provider != "rehearsal":
        parts += ["--judge", result.judge.replace(" + ", ",")]
    usual = Thresholds()
    if result.thresholds.max_samples != usual.max_samples:
        parts += ["--max-samples", str(result.thresholds.max_samples)]
    if result.thresholds.max_quality_drop_percent != usual.max_quality_drop_percent:
        parts += ["--quality-margin", f"{result.thresholds.max_quality_drop_percent:g}"]
    if result.provider in _OWN_ADDRESSES:
        parts += ["--provider", result.provider]
        parts += ["--recording", "FILE"] if result.provider == "recorded" else []
    elif result.endpoint != HOSTED_BASE_URL:
        parts += ["--base-url", "GATEWAY"]
    return shlex.join(parts)
