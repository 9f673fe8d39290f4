"""Reading of the user's logs, whatever their format, into ``LoggedCall`` values."""

from cqtui.importers.base import Importer, Skipped
from cqtui.importers.found import Rejected, Tail
from cqtui.importers.paths import log_files, log_paths
from cqtui.importers.progress import Position
from cqtui.importers.reading import LogRead, iter_logs, read_logs

__all__ = [
    "Importer",
    "LogRead",
    "Position",
    "Rejected",
    "Skipped",
    "Tail",
    "iter_logs",
    "log_files",
    "log_paths",
    "read_logs",
]
