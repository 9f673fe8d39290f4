"""Which files are the log: named ones, those of folders and patterns, and what is piped in."""

from __future__ import annotations

import codecs
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cqtui.errors import BadInputError
from cqtui.settings import Settings

# Other tools write files of these names, too: whether one may be a log is seen in its bytes.
VAGUE_SUFFIXES = (".txt", ".log", ".db", ".sqlite")
SUFFIXES = (".jsonl", ".ndjson", ".json", ".gz", ".zst", ".zip", ".csv", ".tsv", ".parquet", *VAGUE_SUFFIXES)
STDIN = "-"

PEEKED = 512
# gzip, zstd, SQLite and Parquet; a zip file may be a document of any kind.
MAGIC = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"SQLite format 3\0", b"PAR1")
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
JSON_START = re.compile(r"[\s\ufeff]*(\{\s*[\"}]|\[\s*[\[{])")
WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file of a log.

    Attributes:
        path: Where it is.
        named: Whether it was named itself; in folders and patterns, other files than logs are expected.
        is_stdin: It is what is piped in, and has no path.
    """

    path: Path
    named: bool = True
    is_stdin: bool = False

    @property
    def name(self) -> str:
        """What it is called in messages and origins."""
        return "stdin" if self.is_stdin else str(self.path)


Given = str | Path | LogFile
Paths = Given | Sequence[Given]


def log_files(path: Paths) -> list[LogFile]:
    """The files of a log, each once, by whatever names and links it was found.

    Args:
        path: A file, a folder, a pattern such as ``logs/**/*.jsonl``, ``-`` for stdin, or several of them.

    Raises:
        BadInputError: A file is missing, a pattern matches nothing, or a folder holds no logs.
    """
    found: dict[object, LogFile] = {}
    for given in [path] if isinstance(path, str | Path | LogFile) else path:
        try:
            for file in [given] if isinstance(given, LogFile) else _files_of(given):
                key = _identity(file)
                if key not in found or (file.named and not found[key].named):
                    found[key] = file
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise BadInputError(
                f"{str(given)!r}: cannot be read ({said}).", "Allow reading it, or name another."
            ) from error
    if not found:
        raise BadInputError("No log was given.", "Name a file or a folder.")
    return list(found.values())


def _files_of(given: str | Path) -> list[LogFile]:
    if str(given) == STDIN:
        return [LogFile(Path(STDIN), is_stdin=True)]
    entry = Path(given)
    try:
        mode = entry.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        matches = matching(str(given), Path())
        if not matches:
            if WILD.search(str(given)):
                raise BadInputError(f'Nothing matches "{given}".', "Check the pattern.") from None
            raise BadInputError(f"{entry}: no such file.", "Check the path.") from None
        return [file for match in matches for file in (inside(match) if match.is_dir() else [LogFile(match, False)])]
    if stat.S_ISDIR(mode):
        os.scandir(entry).close()
        files = inside(entry)
        if not files:
            raise BadInputError(f"{entry}: the folder holds no logs.", f"Expected {', '.join(SUFFIXES)} files.")
        return files
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        raise BadInputError(f"{entry}: neither a file nor a folder.", "Name a file, a folder or a pipe.")
    return [LogFile(entry)]


def _identity(file: LogFile) -> object:
    """What is equal for two names of one file."""
    if file.is_stdin:
        return STDIN
    try:
        found = file.path.stat()
    except OSError:  # gone since it was found: reading it says so
        return file.path
    return (found.st_dev, found.st_ino) if found.st_ino else file.path


def inside(folder: Path) -> list[LogFile]:
    """The files in a folder, at any depth, that may be logs, in the order of their names.

    Hidden files and folders are left out, and so are pipes and devices, which may never end. Links to files are
    followed, links to folders are not: they may lead round in a circle. A folder in it that cannot be opened is listed
    itself, so that it is not passed over in silence.
    """
    found: list[Path] = []
    closed: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=closed.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [file for name in names if not name.startswith(".") and is_candidate(file := Path(place, name))]
    found += [Path(str(error.filename)) for error in closed]
    return [LogFile(file, named=False) for file in sorted(found)]


def is_candidate(file: Path, vague: Sequence[str] = ()) -> bool:
    """Whether a file may be a log: by its suffix, or else by its first bytes.

    Args:
        file: Any file.
        vague: Suffixes that say too little, so that the bytes decide.
    """
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return False
        suffix = file.suffix.lower()
        if suffix in SUFFIXES and suffix not in vague:
            return True
        with file.open("rb") as raw:
            head = raw.read(PEEKED)
    except OSError:
        return False
    if head.startswith(MAGIC):
        return True
    return JSON_START.match(head.decode("utf-16" if head.startswith(UTF_16) else "utf-8", "ignore")) is not None


def matching(pattern: str, base: Path) -> list[Path]:
    """The files and folders that a pattern names, from a folder; a name that exists is no pattern.

    Hidden ones only match where the pattern names them so. ``**`` follows no links to folders.
    """
    entry = base / pattern
    try:
        if entry.exists():
            return [entry]
        if not WILD.search(pattern):
            return []
        root = Path(entry.anchor) if Path(pattern).is_absolute() else base
        wanted = str(entry.relative_to(root))
        hidden = _hidden_parts(Path(wanted))
        return [
            match
            for match in sorted(root.glob(wanted))
            if _hidden_parts(match.relative_to(root)) <= hidden and (match.is_file() or match.is_dir())
        ]
    except (OSError, ValueError, NotImplementedError, IndexError):  # such as "**" within a name
        return []


def _hidden_parts(path: Path) -> int:
    return sum(part.startswith(".") and part != ".." for part in path.parts)


@contextmanager
def on_disk(file: LogFile) -> Iterator[Path]:
    """Where a file can be read as often as is needed: what comes through a pipe is stored until the block ends.

    Raises:
        BadInputError: It cannot be read; or the block raised it, whose text then has the file's own name.
    """
    if not file.is_stdin and not file.path.is_fifo():
        if file.path.is_dir():
            raise BadInputError(f"{file.name}: the folder cannot be opened.", "Allow reading it, or name another.")
        yield file.path
        return
    with tempfile.TemporaryDirectory(prefix="cqtui-") as folder:
        stored = Path(folder, "piped")
        try:
            with stored.open("wb") as target, _piped(file) as source:
                shutil.copyfileobj(source, target)
        except OSError as error:
            raise BadInputError(f"{file.name}: cannot be read ({error.strerror or error}).") from error
        try:
            yield stored
        except BadInputError as error:
            raise BadInputError(error.title.replace(str(stored), file.name), error.hint) from error


@contextmanager
def _piped(file: LogFile) -> Iterator[IO[bytes]]:
    if not file.is_stdin:
        with file.path.open("rb") as source:
            yield source
        return
    given = sys.stdin
    if given is None or given.closed or given.isatty():
        raise BadInputError("stdin: nothing is piped in.", "Such as: zcat log.gz | cqtui logs inspect -")
    yield given.buffer


def log_paths(settings: Settings, config: Path | None) -> list[Path]:
    """The logs that the settings name; raises BadInputError where one of them matches nothing."""
    base = (config or Path("cqtui.toml")).parent
    found: list[Path] = []
    for pattern in settings.logs:
        matches = matching(pattern, base)
        if not matches:
            raise BadInputError(f'logs: nothing matches "{pattern}" in {base.resolve()}.', "Name a log file or folder.")
        found += matches
    if not found:
        raise BadInputError(
            "No log was named.", "Name files or folders, or have cqtui init write a cqtui.toml that does."
        )
    return found
