"""The report that is committed to a repository: ``report.md``, ``run.json``, and a line a run in ``history.jsonl``.

The same evidence gives the same bytes. Files are replaced whole, and never through a symbolic link.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path

from pydantic import ValidationError

from cqtui.errors import BadInputError
from cqtui.report.filters import plain
from cqtui.report.render import render_committed
from cqtui.report.run_record import RunRecord, record_of
from cqtui.results import Recommendation

REPORT, RECORD, HISTORY = "report.md", "run.json", "history.jsonl"
SHOWN_RECORDS = 10  # of the history, in the report's trend
_OTHER_FOLDER = "Name another folder with --write-report."
_FILE_MODE = 0o644


def check_folder(folder: Path) -> None:
    """Say before a run is paid for what would keep its report from being written.

    Raises:
        BadInputError: A symbolic link or something else is in the way, or the history cannot be read.
    """
    for part in _parts(folder):
        if part.is_symlink():
            raise BadInputError(f"{plain(str(part))}: a symbolic link; nothing is written through it.", _OTHER_FOLDER)
        if part.exists() and not part.is_dir():
            raise BadInputError(f"{plain(str(part))}: not a folder.", _OTHER_FOLDER)
    for name in (REPORT, RECORD, HISTORY):
        path = folder / name
        if path.is_symlink():
            raise BadInputError(f"{plain(str(path))}: a symbolic link; nothing is written through it.", _OTHER_FOLDER)
        if path.exists() and not path.is_file():
            raise BadInputError(f"{plain(str(path))}: not a file.", _OTHER_FOLDER)
    _history(_read(folder / HISTORY), folder / HISTORY)


def write_report(folder: Path, result: Recommendation, templates: Path | None = None) -> tuple[Path, ...]:
    """Write or update the report of a run.

    A run with the evidence of the one before keeps its date and adds nothing to the history. A rehearsal has no line in
    the history; a run that was interrupted changes nothing.

    Args:
        folder: Where; made where it is missing.
        result: The run.
        templates: A folder with the user's own templates.

    Returns:
        The files that changed.

    Raises:
        BadInputError: Something is in the way (see ``check_folder``), a rehearsal would replace what was measured, or
            a file cannot be written.
    """
    check_folder(folder)
    if result.stage == "interrupted":
        return ()
    old_history = _read(folder / HISTORY)
    records = _history(old_history, folder / HISTORY)
    record, before = record_of(result), _record(_read(folder / RECORD))
    if before is not None and record.evidence_kind == "simulated" != before.evidence_kind:
        raise BadInputError(
            f"{plain(str(folder / RECORD))}: holds a measured run, which a rehearsal does not replace.", _OTHER_FOLDER
        )
    if before is not None and record.has_evidence_of(before):
        record = before
    history = old_history
    if record.evidence_kind != "simulated" and not (records and record.has_evidence_of(records[-1])):
        start = f"{old_history}\n" if old_history and not old_history.endswith("\n") else old_history
        history, records = start + record.model_dump_json() + "\n", [*records, record]
    report = render_committed(
        result.model_copy(update={"as_of": record.as_of}), tuple(records[-SHOWN_RECORDS:]), templates
    )
    texts = {REPORT: report, RECORD: json.dumps(record.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"}
    return _replace(folder, {**texts, HISTORY: history} if history else texts)


def _parts(folder: Path) -> list[Path]:
    """The folder, and those above it as far as the working directory: a repository may hold links in any of them."""
    here, path = Path.cwd(), Path(os.path.abspath(folder))
    above = [each for each in path.parents if each != here and each.is_relative_to(here)]
    return [path, *above]


def _read(path: Path) -> str:
    """The text of a file; empty where there is none."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise BadInputError(f"{plain(str(path))}: not UTF-8.", "Restore it, or remove it.") from None
    except OSError as error:
        raise BadInputError(f"{plain(str(path))}: {error.strerror}.", _OTHER_FOLDER) from None


def _record(text: str) -> RunRecord | None:
    """A record; None where there is none, or another version wrote it in another shape."""
    try:
        return RunRecord.model_validate_json(text) if text.strip() else None
    except ValidationError:
        return None


def _history(text: str, path: Path) -> list[RunRecord]:
    """The records of a history; lines in another version's shape stay in the file and are passed over."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            json.loads(line)
        except (ValueError, RecursionError):
            raise BadInputError(f"{plain(str(path))}:{number}: not JSON.", "Mend or remove that line.") from None
        record = _record(line)
        if record is not None:
            found.append(record)
    return found


def _replace(folder: Path, texts: dict[str, str]) -> tuple[Path, ...]:
    """Replace those files whose text differs, each whole."""
    changed = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            path = folder / name
            if path.exists() and _read(path) == text:
                continue
            _write(path, text)
            changed.append(path)
    except OSError as error:
        raise BadInputError(f"{plain(str(folder))}: {error.strerror}.", _OTHER_FOLDER) from None
    return tuple(changed)


def _write(path: Path, text: str) -> None:
    """Write beside, then rename over it: whole or not at all, and a link would be replaced, not followed."""
    mode = stat.S_IMODE(path.lstat().st_mode) if path.exists() else _FILE_MODE
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
