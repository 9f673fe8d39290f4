"""Any log as native JSON Lines, call by call, in memory that does not grow with the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cqtui.importers.native_writer import native_line
from cqtui.importers.outcome import Finds, LogRead
from cqtui.importers.paths import Paths
from cqtui.importers.progress import Progress
from cqtui.importers.reading import iter_logs
from cqtui.importers.redaction import redact_calls
from cqtui.models import LoggedCall
from cqtui.redaction.redactor import Redactor

MOST_PROBLEMS = 1_000  # of skipped and of rejected records that are kept to be named


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was converted.

    Attributes:
        read: What was found; its calls were written and are not kept.
        with_answer: How many of the calls have an answer.
        replaced: The number of replacements by kind.
        changed: In how many calls something was replaced.
        with_binary: How many calls hold images, audio or files, which redaction leaves as they are.
    """

    read: LogRead
    with_answer: int
    replaced: Mapping[str, int]
    changed: int
    with_binary: int


def convert(
    path: Paths, write: Callable[[bytes], object], redactor: Redactor | None, progress: Progress | None = None
) -> Conversion:
    """Hand each call of a log on as a line of native JSON, user and session hashed.

    Args:
        path: A file, a folder, or several of them.
        write: Takes a line, its newline included.
        redactor: Replaces personal details and keys; None writes texts as logged.
        progress: Kept current while the read goes on.

    Raises:
        BadInputError: A file is missing, empty or not a log.
    """
    progress = progress or Progress()
    found, replaced = Finds(MOST_PROBLEMS), Counter[str]()
    with_answer = changed = with_binary = 0
    for item in iter_logs(path, progress=progress):
        found.add(item)
        if not isinstance(item, LoggedCall):
            continue
        call = item
        if redactor is not None:
            redacted = redact_calls((item,), redactor)
            (call,) = redacted.calls
            replaced.update(redacted.counts)
            changed += redacted.changed
            with_binary += redacted.with_binary
        with_answer += call.is_baseline
        write(native_line(call))
    read = found.as_read((), progress)
    return Conversion(read, with_answer, dict(replaced), changed, with_binary)
