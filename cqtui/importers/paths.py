"""Which files are the log, by the settings."""

from __future__ import annotations

from pathlib import Path

from cqtui.errors import BadInputError
from cqtui.settings import Settings


def log_paths(settings: Settings, config: Path | None) -> list[Path]:
    """The logs that the settings name; raises BadInputError where one of them matches nothing."""
    base = (config or Path("cqtui.toml")).parent
    found: list[Path] = []
    for pattern in settings.logs:
        matches = sorted(base.glob(pattern)) if not Path(pattern).is_absolute() else [Path(pattern)]
        if not matches:
            raise BadInputError(f'logs: nothing matches "{pattern}" in {base.resolve()}.', "Name a log file or folder.")
        found += matches
    if not found:
        raise BadInputError("No log was named.", "cqtui optimize LOGS..., or set logs in cqtui.toml.")
    return found
