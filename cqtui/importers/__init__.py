"""Reading of the user's logs, whatever their format, into ``LoggedCall`` values."""

from cqtui.importers.base import Importer, Skipped, instant
from cqtui.importers.found import Rejected, Tail, unusable
from cqtui.importers.identities import Identified
from cqtui.importers.model_names import maker_name
from cqtui.importers.outcome import Finds, LogRead
from cqtui.importers.paths import log_files, log_paths
from cqtui.importers.progress import Position, Progress, ReadStopped
from cqtui.importers.raw import NoCall, RawCall, is_shallow, normalised
from cqtui.importers.reading import iter_logs, iter_raw, read_logs
from cqtui.importers.sampling import Sample

__all__ = [
    "Finds",
    "Identified",
    "Importer",
    "LogRead",
    "NoCall",
    "Position",
    "Progress",
    "RawCall",
    "ReadStopped",
    "Rejected",
    "Sample",
    "Skipped",
    "Tail",
    "instant",
    "is_shallow",
    "iter_logs",
    "iter_raw",
    "log_files",
    "log_paths",
    "maker_name",
    "normalised",
    "read_logs",
    "unusable",
]
