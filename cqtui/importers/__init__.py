"""Reading of the user's logs, whatever their format, into ``LoggedCall`` values."""

from cqtui.importers.base import Importer, Skipped
from cqtui.importers.container import Rejected
from cqtui.importers.paths import log_files, log_paths
from cqtui.importers.reading import LogRead, iter_logs, read_logs

__all__ = ["Importer", "LogRead", "Rejected", "Skipped", "iter_logs", "log_files", "log_paths", "read_logs"]
