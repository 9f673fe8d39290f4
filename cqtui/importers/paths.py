"""Which files are the log, by the settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cqtui.errors import BadInputError
from cqtui.settings import Settings

SUFFIXES = (".jsonl", ".ndjson", ".json", ".gz")

Paths = str | Path | Sequence[str | Path]


def log_files(path: Paths) -> list[tuple[Path, bool]]:
    """The files of a log, and whether each was named itself; in a folder, other files than logs are expected.

    Raises:
        BadInputError: A file is missing, or a folder holds no logs.
    """
    found: dict[Path, bool] = {}
    for given in [path] if isinstance(path, str | Path) else path:
        entry = Path(given)
        try:
            if entry.is_dir():
                inside = [file for file in sorted(entry.rglob("*")) if file.suffix in SUFFIXES and file.is_file()]
                if not inside:
                    raise BadInputError(f"{entry}: the folder holds no logs.", f"Expected {', '.join(SUFFIXES)} files.")
                for file in inside:
                    found.setdefault(file, False)
            elif entry.exists():
                found[entry] = True
            else:
                raise BadInputError(f"{entry}: no such file.", "Check the path.")
        except (OSError, ValueError) as error:
            raise BadInputError(f"{str(entry)!r}: cannot be read ({error}).") from error
    if not found:
        raise BadInputError("No log was given.", "Name a file or a folder.")
    return list(found.items())


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
