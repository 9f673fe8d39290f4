"""cqtui: replay a log of LLM calls on cheaper models and say, with evidence, whether to switch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cqtui.checks.refusals import detect_refusal
    from cqtui.engine.optimize import analyze, optimize, optimize_async
    from cqtui.importers import iter_logs, read_logs
    from cqtui.models import Candidate, LoggedCall, TrafficProfile
    from cqtui.results import Evidence, Recommendation
    from cqtui.settings import Settings

__version__ = "0.1.0"

# Imported on first use (PEP 562), so that `import cqtui` and `cqtui --help` stay quick.
_HOMES = {
    "Candidate": "cqtui.models",
    "Evidence": "cqtui.results",
    "LoggedCall": "cqtui.models",
    "Recommendation": "cqtui.results",
    "Settings": "cqtui.settings",
    "TrafficProfile": "cqtui.models",
    "analyze": "cqtui.engine.optimize",
    "detect_refusal": "cqtui.checks.refusals",
    "iter_logs": "cqtui.importers",
    "optimize": "cqtui.engine.optimize",
    "optimize_async": "cqtui.engine.optimize",
    "read_logs": "cqtui.importers",
}

__all__ = [
    "Candidate",
    "Evidence",
    "LoggedCall",
    "Recommendation",
    "Settings",
    "TrafficProfile",
    "__version__",
    "analyze",
    "detect_refusal",
    "iter_logs",
    "optimize",
    "optimize_async",
    "read_logs",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
